import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate import canonical
from consentgate.consent.statement import SCHEMA, Statement, claims, from_claims
from consentgate.errors import InvalidInput, Malformed
from tests.unit.consent.samples import AT, CUSTOMER, FULL_GRANT, GRANT, PHONE, REFUSAL, WITHDRAWAL

ALL = {"grant": GRANT, "full grant": FULL_GRANT, "refusal": REFUSAL, "withdrawal": WITHDRAWAL}

each = pytest.mark.parametrize("statement", ALL.values(), ids=ALL)


def changed(statement: Statement, **members: object) -> bytes:
    shape = json.loads(claims(statement))
    for name, value in members.items():
        if value is ...:
            del shape[name]
        else:
            shape[name] = value
    return json.dumps(shape).encode()


@each
def test_claims_round_trip_in_both_directions(statement: Statement) -> None:
    payload = claims(statement)
    assert from_claims(payload) == statement
    assert claims(from_claims(payload)) == payload
    assert canonical.decode_canonical(payload)


@each
def test_registered_claims_have_their_registered_shape(statement: Statement) -> None:
    shape = json.loads(claims(statement))
    assert (shape["iss"], shape["jti"]) == (statement.issuer, statement.id)
    assert shape["iat"] == int(statement.issued_at.timestamp())
    assert isinstance(shape["iat"], int)
    assert shape["event_time"] == "2026-11-22T12:00:00.250Z"
    assert shape["schema"] == SCHEMA
    assert not {"exp", "nbf", "aud"} & shape.keys()
    assert None not in shape.values()


def test_references_keep_their_order() -> None:
    shape = json.loads(claims(GRANT))
    assert shape["subject_refs"] == [
        {"kind": "customer", "value": "C-1001"},
        {"kind": "phone", "value": "+13125550123"},
    ]
    turned = replace(GRANT, references=(PHONE, CUSTOMER))
    assert from_claims(claims(turned)).references == (PHONE, CUSTOMER)


def test_a_negative_statement_needs_no_notice_and_no_purpose() -> None:
    assert WITHDRAWAL.notice is None
    assert WITHDRAWAL.purposes == ()
    assert not WITHDRAWAL.grants
    assert not REFUSAL.grants
    assert GRANT.grants


@pytest.mark.parametrize("name", ["purposes", "operations", "controllers", "notice"])
def test_a_grant_names_what_it_grants(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        replace(GRANT, **{name: None if name == "notice" else ()})  # type: ignore[arg-type]  # the point
    with pytest.raises(Malformed, match=name):
        from_claims(changed(GRANT, **{name: ...}))


@pytest.mark.parametrize("name", ["consent_form", "signature_kind", "separate", "disclosure_consent"])
def test_a_grant_from_outside_states_its_quality(name: str) -> None:
    with pytest.raises(Malformed, match=name):
        from_claims(changed(GRANT, **{name: ...}))
    assert from_claims(changed(WITHDRAWAL, **{name: ...})) == WITHDRAWAL


@pytest.mark.parametrize(
    "name", ["iss", "jti", "iat", "subject_refs", "state", "event_time", "method", "schema"]
)
@each
def test_required_claims_are_required(statement: Statement, name: str) -> None:
    with pytest.raises(Malformed, match="missing"):
        from_claims(changed(statement, **{name: ...}))


@pytest.mark.parametrize("name", sorted(json.loads(claims(FULL_GRANT))))
@pytest.mark.parametrize("value", [None, [], {}, 7.5, [None], {"a": 1}, -1, "", "\u0000", [[]], [""]])
def test_known_claims_of_another_type_are_refused(name: str, value: object) -> None:
    lists = {"purpose_iris", "recipients", "jurisdictions", "evidence", "personal_data", "legal_basis"}
    if value == [] and name in lists | {"storage_locations"}:
        assert canonical.decode(claims(from_claims(changed(FULL_GRANT, **{name: value}))))
        return
    with pytest.raises(Malformed) as caught:
        from_claims(changed(FULL_GRANT, **{name: value}))
    assert "C-1001" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iat", True),
        ("iat", "2026"),
        ("iat", 2**52),
        ("separate", 1),
        ("separate", "true"),
        ("sensitive", 0),
        ("state", "ConsentGranted"),
        ("state", "ConsentExpired"),
        ("method", "email"),
        ("imported_method", "import"),
        ("consent_form", "Explicit"),
        ("signature_kind", "digital"),
        ("disclosure_consent", "all"),
        ("expressed_by", "agent"),
        ("event_time", "2026-11-22T12:00:00"),
        ("event_time", "2026-11-22T12:00:00+01:00"),
        ("event_time", 1795348800),
        ("valid_until", "2028"),
        ("purposes", "authentication"),
        ("purposes", ["authentication", "authentication"]),
        ("purposes", ["two words"]),
        ("purposes", [f"p{i}" for i in range(65)]),
        ("purpose_iris", ["no iri"]),
        ("operations", ["a\n"]),
        ("recipients", ["a\nb"]),
        ("recipients", ["x"] * 65),
        ("jurisdictions", ["us-il"]),
        ("jurisdictions", ["US_IL"]),
        ("jurisdictions", ["*"]),
        ("language", "english please"),
        ("max_uses", 0),
        ("max_uses", True),
        ("age_over", 151),
        ("schema", "https://consentgate.invalid/consent-statement/2.0.0"),
        ("schema", "https://consentgate.invalid/consent-statement/1. 0"),
        ("consent_type", "explicit"),
        ("service", "a\u007f"),
        ("iss", "x" * 257),
        ("subject_refs", [{"kind": "phone", "value": "+13125550123"}] * 2),
        ("subject_refs", [{"kind": "phone", "value": "3125550123"}]),
        ("subject_refs", [{"kind": ":call", "value": "x"}]),
        ("subject_refs", [{"kind": "Customer", "value": "x"}]),
        ("subject_refs", [{"kind": "customer"}]),
        ("subject_refs", [{"kind": "customer", "value": 7}]),
        ("subject_refs", [{"kind": "customer", "value": str(i)} for i in range(17)]),
        ("subject_refs", ["customer"]),
        ("guardian", {"verified": "yes"}),
        ("guardian", {}),
        ("context", {}),
        ("context", {"call_leg": "caller"}),
        ("context", {"transaction_id": ""}),
        ("context", {"voice_connector_id": "x" * 257}),
        ("notice", {"id": "voice", "version": "3", "language": "fr"}),
        ("notice", {"id": "voice", "version": "3", "language": "fr", "digest": "AA"}),
        ("notice", {"id": "voice", "version": "3", "language": "fr", "digest": "A" * 43 + "="}),
        ("notice", {"id": "../voice", "version": "3", "language": "fr", "digest": "A" * 43}),
        ("retention", {}),
        ("retention", {"period": "3 years"}),
        ("retention", {"trigger": "two words"}),
        ("retention", {"schedule_uri": "here"}),
        ("retention", {"text": ""}),
        ("withdrawal", {}),
        ("withdrawal", {"uri": "here"}),
        ("withdrawal", {"phone": ""}),
        ("withdrawal", {"text": "x" * 1025}),
        ("evidence", [{"digest": "A" * 43, "media_type": "audio", "size": 1, "kind": "x"}]),
        ("evidence", [{"digest": "A" * 43, "media_type": "audio/wav", "size": -1, "kind": "x"}]),
        ("evidence", [{"digest": "A" * 43, "media_type": "audio/wav", "size": 1, "kind": ""}]),
        ("evidence", [{"digest": "A" * 43, "media_type": "audio/wav", "size": 1, "kind": "x", "uri": "y"}]),
        ("evidence", [{"digest": "A" * 43, "media_type": "audio/wav", "size": 1, "kind": "x"}] * 65),
    ],
)
def test_known_claims_of_another_form_are_refused(name: str, value: object) -> None:
    with pytest.raises(Malformed):
        from_claims(changed(FULL_GRANT, **{name: value}))


@pytest.mark.parametrize("name", ["exp", "nbf", "aud"])
def test_claims_that_would_end_or_bound_a_token_are_refused(name: str) -> None:
    with pytest.raises(Malformed, match="valid_until or controllers"):
        from_claims(changed(GRANT, **{name: 1}))


def test_unknown_claims_are_ignored() -> None:
    assert from_claims(changed(GRANT, signals=[{"gpc": 1.5}], naïve="é", nonce=None)) == GRANT
    inner = {**json.loads(claims(GRANT))["notice"], "delivered_by": "ivr"}
    assert from_claims(changed(GRANT, notice=inner)) == GRANT


def test_times_that_others_write_are_read() -> None:
    for text in ("2026-11-22T12:00:00.25Z", "2026-11-22T12:00:00.250999+00:00"):
        assert from_claims(changed(GRANT, event_time=text)) == GRANT


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b"\xff", b'{"iss":1,"iss":2}', b"[" * 5000, b'{"a":"\\ud800"}']
)
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        from_claims(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-1, 1) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(claims(FULL_GRANT)))), JSON, min_size=1, max_size=4))
def test_whatever_the_claims_only_malformed_escapes(members: dict[str, Any]) -> None:
    try:
        read = from_claims(changed(FULL_GRANT, **members))
    except Malformed:
        return
    assert from_claims(claims(read)) == read


def test_times_are_rounded_down_to_what_a_token_can_carry() -> None:
    at = datetime(2026, 11, 22, 13, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    made = replace(GRANT, issued_at=at, event_time=at, valid_until=at)
    assert made.issued_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert made.event_time == made.valid_until == datetime(2026, 11, 22, 12, 0, 0, 999_000, tzinfo=UTC)
    assert from_claims(claims(made)) == made


@pytest.mark.parametrize("name", ["issued_at", "event_time", "valid_until"])
def test_times_without_a_zone_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        replace(GRANT, **{name: AT.replace(tzinfo=None)})  # type: ignore[arg-type]  # the point


def test_an_import_names_its_original_method_and_nothing_else_does() -> None:
    for method, original in (("import", None), ("paper", "paper"), ("import", "import")):
        with pytest.raises(InvalidInput):
            replace(GRANT, method=method, imported_method=original)  # type: ignore[arg-type]  # the point


def test_the_key_is_made_of_issuer_and_id_only() -> None:
    assert replace(GRANT, purposes=("other",)).key == GRANT.key
    assert len({GRANT.key, replace(GRANT, id="x").key, replace(GRANT, issuer="x").key}) == 3
    assert len(GRANT.key) == 32
    assert replace(GRANT, issuer="a", id="bc").key != replace(GRANT, issuer="ab", id="c").key


def test_no_repr_shows_who_it_is_about() -> None:
    text = repr(FULL_GRANT)
    for secret in ("C-1001", "+1312", "person-77", "tx-1", "bucket"):
        assert secret not in text
    assert "authentication" in text
