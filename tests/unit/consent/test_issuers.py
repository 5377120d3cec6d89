import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consentgate.consent import issuers
from consentgate.consent.issuers import (
    ALL,
    Issuer,
    IssuerKey,
    KeyState,
    Registry,
    key_problems,
    scope_problems,
)
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import InvalidInput, Malformed
from tests.unit.consent.samples import AT, GRANT, REFUSAL, WITHDRAWAL

KEY = generate_signing_key().public
OTHER = generate_signing_key("ES256").public
ISSUER = Issuer(
    iss="https://ivr.example",
    name="Voice portal",
    keys=(IssuerKey(public=KEY, not_before=AT), IssuerKey(public=OTHER, state="retired", not_after=AT)),
    purposes=("authentication",),
    jurisdictions=("US",),
    controllers=ALL,
)
REGISTRY = Registry(issuers=(ISSUER,))
LATER = AT + timedelta(milliseconds=1)


def test_the_stored_form_is_pinned() -> None:
    assert json.loads(issuers.encode(REGISTRY)) == {
        "format": 1,
        "issuers": [
            {
                "controllers": ["*"],
                "iss": "https://ivr.example",
                "jurisdictions": ["US"],
                "keys": [
                    {"jwk": KEY.jwk(), "not_before": "2026-11-22T12:00:00.250Z", "state": "active"},
                    {"jwk": OTHER.jwk(), "not_after": "2026-11-22T12:00:00.250Z", "state": "retired"},
                ],
                "name": "Voice portal",
                "purposes": ["authentication"],
            }
        ],
    }


def test_registries_round_trip_whatever_the_order() -> None:
    second = replace(ISSUER, iss="https://a.example", purposes=(), jurisdictions=ALL, controllers=())
    forward, backward = Registry(issuers=(ISSUER, second)), Registry(issuers=(second, ISSUER))
    assert forward == backward
    assert issuers.decode(issuers.encode(forward)) == forward
    assert issuers.decode(issuers.encode(Registry())) == Registry()


def test_other_bytes_are_refused() -> None:
    stored = issuers.encode(Registry(issuers=(ISSUER, replace(ISSUER, iss="https://z.example"))))
    shape = json.loads(stored)
    shape["issuers"].reverse()
    turned = json.dumps(shape, sort_keys=True, separators=(",", ":")).encode()
    foreign_kid = stored.replace(KEY.kid.encode(), OTHER.kid.encode())
    not_a_key = stored.replace(json.dumps(KEY.jwk(), sort_keys=True, separators=(",", ":")).encode(), b'"x"')
    private = stored.replace(b'"crv":"Ed25519"', b'"crv":"Ed25519","d":"AA"')
    no_kid = stored.replace(f'"kid":"{KEY.kid}",'.encode(), b"")
    for data in (
        turned,
        foreign_kid,
        not_a_key,
        private,
        no_kid,
        b"{}",
        stored + b" ",
        b'{"format":2}',
        b'{"format":true}',
    ):
        assert data != stored
        with pytest.raises(Malformed):
            issuers.decode(data)


def test_a_key_counts_only_for_its_issuer() -> None:
    registry = REGISTRY.with_issuer(
        Issuer(iss="https://web.example", name="Web", keys=(IssuerKey(public=generate_signing_key().public),))
    )
    assert registry.key("https://ivr.example", KEY.kid) == ISSUER.keys[0]
    assert registry.key("https://web.example", KEY.kid) is None
    assert registry.key("https://nobody.example", KEY.kid) is None
    assert registry.issuer("https://ivr.example") == ISSUER
    assert registry.issuer("https://ivr.example/") is None


def test_adding_an_issuer_replaces_the_one_of_its_name() -> None:
    renamed = replace(ISSUER, name="New name")
    assert REGISTRY.with_issuer(renamed).issuers == (renamed,)
    assert len(REGISTRY.with_issuer(replace(ISSUER, iss="https://z.example")).issuers) == 2


def test_contradictory_keys_are_refused() -> None:
    for state, since in (("active", AT), ("compromised", None), ("retired", None), ("revoked", None)):
        with pytest.raises(InvalidInput):
            IssuerKey(public=KEY, state=state, compromised_since=since)  # type: ignore[arg-type]  # the point
    with pytest.raises(InvalidInput):
        IssuerKey(public=KEY, not_before=AT, not_after=AT)
    with pytest.raises(InvalidInput):
        IssuerKey(public=KEY, not_before=datetime(2026, 1, 1))  # noqa: DTZ001  # the point


def test_contradictory_issuers_are_refused() -> None:
    with pytest.raises(InvalidInput):
        replace(ISSUER, keys=())
    with pytest.raises(InvalidInput):
        replace(ISSUER, keys=(ISSUER.keys[0], IssuerKey(public=KEY)))
    for name in ("purposes", "jurisdictions", "controllers"):
        with pytest.raises(InvalidInput):
            replace(ISSUER, **{name: ("*", "US")})  # type: ignore[arg-type]  # the point
    for name in ("iss", "name"):
        with pytest.raises(InvalidInput):
            replace(ISSUER, **{name: ""})  # type: ignore[arg-type]  # the point
    with pytest.raises(InvalidInput):
        Registry(issuers=(ISSUER, replace(ISSUER, name="twin")))


@pytest.mark.parametrize(
    ("key", "received", "trusted", "problems"),
    [
        (IssuerKey(public=KEY), AT, None, ()),
        (IssuerKey(public=KEY, not_before=AT), AT, None, ()),
        (IssuerKey(public=KEY, not_before=LATER), AT, None, ("not_yet_valid",)),
        (IssuerKey(public=KEY, not_after=LATER), AT, None, ()),
        (IssuerKey(public=KEY, not_after=AT), AT, None, ("expired",)),
        (IssuerKey(public=KEY, state="retired", not_after=LATER), AT, None, ()),
        (IssuerKey(public=KEY, state="retired", not_after=AT), AT, None, ("expired",)),
        (IssuerKey(public=KEY, state="compromised", compromised_since=LATER), AT, AT, ()),
        (IssuerKey(public=KEY, state="compromised", compromised_since=LATER), AT, None, ("compromised",)),
        (IssuerKey(public=KEY, state="compromised", compromised_since=AT), AT, AT, ("compromised",)),
        (
            IssuerKey(public=KEY, state="compromised", compromised_since=AT, not_after=AT),
            LATER,
            LATER,
            ("expired", "compromised"),
        ),
    ],
)
def test_keys_are_judged_by_the_ledgers_times(
    key: IssuerKey, received: datetime, trusted: datetime | None, problems: tuple[str, ...]
) -> None:
    assert key_problems(key, received_at=received, trusted_at=trusted) == problems


def test_the_time_that_a_statement_claims_saves_no_key() -> None:
    state: KeyState = "retired"
    key = IssuerKey(public=KEY, state=state, not_after=AT)
    backdated = replace(GRANT, issued_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert backdated.issued_at < AT
    assert key_problems(key, received_at=LATER, trusted_at=None) == ("expired",)


def test_a_grant_inside_its_issuers_scope_has_no_problem() -> None:
    assert scope_problems(replace(GRANT, jurisdictions=("US-IL", "US")), ISSUER) == ()
    everything = replace(ISSUER, purposes=ALL, jurisdictions=ALL)
    assert scope_problems(GRANT, everything) == ()


def test_every_word_outside_the_scope_is_named() -> None:
    grant = replace(GRANT, purposes=("authentication", "sale"), jurisdictions=("US-IL", "CA-QC", "USA"))
    assert scope_problems(grant, replace(ISSUER, controllers=("other.example",))) == (
        "purpose:sale",
        "jurisdiction:CA-QC",
        "jurisdiction:USA",
        "controller:acme.example",
    )


def test_a_wider_place_is_not_inside_a_narrower_one() -> None:
    bounded = replace(ISSUER, jurisdictions=("US-IL",))
    assert scope_problems(replace(GRANT, jurisdictions=("US",)), bounded) == ("jurisdiction:US",)
    assert scope_problems(replace(GRANT, jurisdictions=("US-IL-CHI",)), bounded) == ()


def test_an_empty_scope_allows_nothing_and_silence_is_not_inside_a_bound() -> None:
    assert scope_problems(GRANT, Issuer(iss="x", name="x", keys=ISSUER.keys)) == (
        "purpose:authentication",
        "jurisdiction:",
        "controller:acme.example",
    )


def test_nobody_needs_leave_to_say_no() -> None:
    powerless = Issuer(iss="x", name="x", keys=ISSUER.keys)
    assert scope_problems(REFUSAL, powerless) == scope_problems(WITHDRAWAL, powerless) == ()
