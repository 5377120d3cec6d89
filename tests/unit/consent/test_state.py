from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.consent import terms
from consentgate.consent.details import Guardian
from consentgate.consent.issuers import ALL, Issuer, IssuerKey
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.state import Received, fold
from consentgate.consent.statement import Statement
from consentgate.crypto.jwk import generate_signing_key
from tests.unit.consent.samples import AT, CUSTOMER, FULL_GRANT, GRANT, PHONE

HOUR = timedelta(hours=1)
KEY = IssuerKey(public=generate_signing_key().public)
ISSUER = Issuer(iss=GRANT.issuer, name="IVR", keys=(KEY,), purposes=ALL, jurisdictions=ALL, controllers=ALL)
OTHER = Reference(kind="customer", value="C-2002")
PURPOSES = ("authentication", "fraud_watchlist")


def negative(state: terms.State = "ConsentRefused", **changes: Any) -> Statement:
    base = Statement(
        issuer=GRANT.issuer,
        id="no",
        issued_at=AT,
        references=(CUSTOMER,),
        state=state,
        event_time=AT,
        method="ivr_dtmf",
    )
    return replace(base, **changes)


def received(*statements: Statement, sound: bool = True) -> list[Received]:
    return [
        Received(statement=it, entry=f"e{i}", received_at=AT + i * HOUR, issuer=ISSUER, sound=sound)
        for i, it in enumerate(statements)
    ]


def standing(
    *statements: Statement,
    references: tuple[Reference, ...] = (CUSTOMER, PHONE),
    purpose: str | None = "authentication",
    sound: bool = True,
) -> list[str]:
    state = fold(received(*statements, sound=sound), references=references, purpose=purpose)
    return [each.entry for each in state.standing]


def test_a_grant_stands() -> None:
    assert standing(GRANT) == ["e0"]


@pytest.mark.parametrize("state", ["ConsentRefused", "ConsentWithdrawn"])
def test_a_negative_statement_removes_earlier_grants_and_a_later_grant_stands_again(
    state: terms.State,
) -> None:
    assert standing(GRANT, GRANT, negative(state)) == []
    assert standing(GRANT, negative(state), GRANT) == ["e2"]


def test_an_opt_out_of_a_person_never_seen_is_kept() -> None:
    state = fold(received(negative()), references=(CUSTOMER,), purpose="authentication")
    assert state.standing == ()
    assert [(each.entry, each.grant) for each in state.consents] == [("e0", None)]
    assert state.consents[0].endings[0].kind == "refused"


def test_commit_order_decides_and_no_claimed_time_of_a_no_does() -> None:
    early = negative(event_time=AT - 1000 * HOUR)
    assert standing(early, GRANT) == ["e1"]
    late = negative(event_time=AT + 1000 * HOUR)
    assert standing(GRANT, late) == []
    # It acts from its receipt then, and what is given after that stands.
    assert standing(late, replace(GRANT, event_time=AT + HOUR)) == ["e1"]


@pytest.mark.parametrize("purposes", [(), ("authentication",)])
@pytest.mark.parametrize("state", ["ConsentRefused", "ConsentWithdrawn"])
def test_no_wins_over_a_grant_that_was_given_before_it_and_comes_in_after_it(
    state: terms.State, purposes: tuple[str, ...]
) -> None:
    no = negative(state, purposes=purposes)
    older = replace(GRANT, event_time=AT - HOUR)
    assert standing(no, older) == []
    assert standing(no, older, GRANT) == ["e2"]
    [consent] = fold(received(no, older), references=(CUSTOMER,), purpose="authentication").consents[1:]
    assert [(each.entry, each.at) for each in consent.endings] == [("e0", AT)]


def test_older_grant_outside_the_scope_of_a_no_stands() -> None:
    older = replace(GRANT, event_time=AT - HOUR, purposes=("fraud_watchlist",))
    no = negative(purposes=("authentication",))
    assert standing(no, older, purpose="fraud_watchlist") == ["e1"]


@pytest.mark.parametrize(("claimed", "acts"), [(AT - HOUR, AT - HOUR), (AT + 99 * HOUR, AT + HOUR)])
def test_a_negative_statement_acts_from_the_earlier_time(claimed: Any, acts: Any) -> None:
    state = fold(received(GRANT, negative(event_time=claimed)), references=(CUSTOMER,), purpose=None)
    assert state.consents[0].endings[0].at == acts


@pytest.mark.parametrize(("claimed", "acts"), [(AT - HOUR, AT - HOUR), (AT + HOUR, AT)])
def test_a_grant_acts_from_the_earlier_time(claimed: Any, acts: Any) -> None:
    state = fold(received(replace(GRANT, event_time=claimed)), references=(CUSTOMER,), purpose=None)
    grant = state.consents[0].grant
    assert grant is not None
    assert grant.given_at == acts


@pytest.mark.parametrize(
    ("given_for", "speaker", "stands"),
    [
        ((CUSTOMER, PHONE), (CUSTOMER,), True),
        ((CUSTOMER,), (CUSTOMER, PHONE), True),
        ((PHONE, CUSTOMER), (CUSTOMER, PHONE), False),
        ((CUSTOMER,), (PHONE, CUSTOMER), False),
        ((OTHER,), (CUSTOMER,), False),
        ((CUSTOMER,), (), False),
    ],
)
def test_a_grant_counts_for_the_first_reference_only(
    given_for: tuple[Reference, ...], speaker: tuple[Reference, ...], stands: bool
) -> None:
    assert bool(standing(replace(GRANT, references=given_for), references=speaker)) is stands


@pytest.mark.parametrize(
    ("said_by", "ends"),
    [((CUSTOMER,), True), ((PHONE,), True), ((OTHER, PHONE), True), ((OTHER,), False)],
)
def test_a_negative_statement_counts_on_any_reference(said_by: tuple[Reference, ...], ends: bool) -> None:
    assert standing(GRANT, negative(references=said_by)) == ([] if ends else ["e0"])


@pytest.mark.parametrize(
    ("named", "purpose", "ends"),
    [
        ((), "authentication", True),
        (("authentication",), "authentication", True),
        (("fraud_watchlist",), "authentication", False),
        (("fraud_watchlist",), "fraud_watchlist", True),
        (("fraud_watchlist",), None, True),
    ],
)
def test_a_negative_statement_is_about_the_purposes_that_it_names(
    named: tuple[str, ...], purpose: str | None, ends: bool
) -> None:
    both = replace(GRANT, purposes=PURPOSES)
    assert standing(both, negative(purposes=named), purpose=purpose) == ([] if ends else ["e0"])


def test_a_grant_outside_the_scope_stands_and_the_refusal_is_kept() -> None:
    other = replace(GRANT, purposes=("statistics",))
    state = fold(
        received(other, negative(purposes=("authentication",))),
        references=(CUSTOMER,),
        purpose="authentication",
    )
    assert [each.entry for each in state.consents] == ["e0", "e1"]
    assert [each.entry for each in state.standing] == ["e0"]


def test_an_unsound_no_is_still_a_no_and_an_unsound_grant_says_so() -> None:
    assert standing(GRANT, negative(), sound=False) == []
    grant = fold(received(GRANT, sound=False), references=(CUSTOMER,), purpose=None).consents[0].grant
    assert grant is not None
    assert grant.sound is False


def test_a_refusal_and_a_withdrawal_are_both_kept() -> None:
    state = fold(
        received(GRANT, negative(), negative("ConsentWithdrawn")), references=(CUSTOMER,), purpose=None
    )
    assert [ending.kind for ending in state.consents[0].endings] == ["refused", "withdrawn"]


def test_the_terms_are_those_of_statement_notice_and_issuer() -> None:
    notice = Manifest(
        id="voice", version="3", language="fr-CA", media_type="text/plain", digest=bytes(32), in_writing=True,
        elements=frozenset({"policy_url"}), consent_form="explicit", purposes=PURPOSES, operations=("search",),
        controllers=("acme.example",),
    )  # fmt: skip
    bounded = replace(ISSUER, jurisdictions=("US",), purposes=("authentication",))
    given = replace(received(FULL_GRANT)[0], notice=notice, issuer=bounded)
    grant = fold([given], references=(CUSTOMER,), purpose=None).consents[0].grant
    assert grant is not None
    assert (grant.method, grant.form, grant.signature, grant.separate) == ("paper", "explicit", "wet", True)
    assert (grant.notice_in_writing, grant.notice_elements) == (True, frozenset({"policy_url"}))
    assert (grant.guardian, grant.age_over, grant.max_uses) == ("verified", 18, 3)
    assert (grant.operations, grant.controllers) == (("search",), ("acme.example",))
    assert (grant.valid_until, grant.context) == (FULL_GRANT.valid_until, FULL_GRANT.context)
    assert grant.issuer_problems == ("purpose:fraud_watchlist", "jurisdiction:CA-QC")
    assert grant.issuer_jurisdictions == ("US",)


def test_what_is_not_at_hand_proves_nothing() -> None:
    bare = replace(received(replace(GRANT, guardian=Guardian(verified=False)))[0], issuer=None)
    grant = fold([bare], references=(CUSTOMER,), purpose=None).consents[0].grant
    assert grant is not None
    assert (grant.notice_in_writing, grant.notice_elements) == (False, frozenset())
    assert (grant.issuer_problems, grant.issuer_jurisdictions) == (("issuer:unknown",), ())
    assert grant.guardian == "unverified"


REFERENCES = st.lists(st.sampled_from([CUSTOMER, PHONE, OTHER]), min_size=1, max_size=3, unique=True).map(
    tuple
)
SCOPES = st.lists(st.sampled_from(PURPOSES), unique=True, max_size=2).map(tuple)
NEGATIVES = st.builds(
    negative,
    st.sampled_from(["ConsentRefused", "ConsentWithdrawn"]),
    references=REFERENCES,
    purposes=SCOPES,
    event_time=st.integers(-50, 50).map(lambda hours: AT + hours * HOUR),
)
GRANTS = st.builds(
    lambda references, purposes, hours: replace(
        GRANT, references=references, purposes=purposes or PURPOSES, event_time=AT + hours * HOUR
    ),
    REFERENCES,
    SCOPES,
    st.integers(-50, 50),
)
HISTORIES = st.lists(st.one_of(GRANTS, NEGATIVES), max_size=8)


@given(HISTORIES, NEGATIVES, st.integers(0, 8), REFERENCES, st.sampled_from([*PURPOSES, None]))
def test_another_no_never_leaves_more_standing(
    history: list[Statement],
    no: Statement,
    place: int,
    references: tuple[Reference, ...],
    purpose: str | None,
) -> None:
    before = received(*history)
    extra = Received(statement=no, entry="extra", received_at=AT, sound=True)
    after = [*before[:place], extra, *before[place:]]
    stood = {each.entry for each in fold(before, references=references, purpose=purpose).standing}
    stands = {each.entry for each in fold(after, references=references, purpose=purpose).standing}
    assert stands <= stood


@given(HISTORIES, REFERENCES)
def test_a_no_to_everything_at_the_end_leaves_nothing(
    history: list[Statement], references: tuple[Reference, ...]
) -> None:
    last = negative(references=references[-1:])
    assert standing(*history, last, references=references) == []


@given(HISTORIES, REFERENCES, st.sampled_from(PURPOSES))
def test_statements_about_others_change_nothing(
    history: list[Statement], references: tuple[Reference, ...], purpose: str
) -> None:
    stranger = Reference(kind="customer", value="stranger")
    noise = [negative(references=(stranger,)), replace(GRANT, references=(stranger, *references[:1]))]
    mine = fold(received(*history), references=references, purpose=purpose)
    with_noise = fold([*received(*history), *received(*noise)], references=references, purpose=purpose)
    assert with_noise == mine
