"""References that are one person: heard widely for a no, counted narrowly for a yes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.consent.issuers import ALL, Issuer, IssuerKey, narrower
from consentgate.consent.reference import Reference
from consentgate.consent.sameness import bound_to, heard_under
from consentgate.consent.state import Received, bonds_of, fold
from consentgate.consent.statement import Statement, claims, from_claims
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import InvalidInput, Malformed
from tests.unit.consent.samples import AT, GRANT, WITHDRAWAL

A, B, C, D = (Reference(kind="customer", value=name) for name in "abcd")
KEY = IssuerKey(public=generate_signing_key().public)
EVERYWHERE = Issuer(
    iss="https://ivr.example", name="IVR", keys=(KEY,), purposes=ALL, jurisdictions=ALL, controllers=ALL
)
OTHER = replace(EVERYWHERE, iss="https://crm.example")


def same(one: Reference, other: Reference, **more: Any) -> Statement:
    """A statement that two references are one person."""
    given_members: dict[str, Any] = {"state": "SameSubject", "controllers": ("acme.example",), **more}
    return replace(WITHDRAWAL, references=(one, other), **given_members)


def parted(one: Reference, other: Reference, **more: Any) -> Statement:
    """A statement that they are not."""
    return same(one, other, state="NotSameSubject", controllers=(), **more)


def grant(under: Reference, **more: Any) -> Statement:
    """A grant under one reference."""
    return replace(GRANT, references=(under,), **more)


def no(under: Reference, **more: Any) -> Statement:
    """A withdrawal under one reference."""
    return replace(WITHDRAWAL, references=(under,), **more)


def received(*said: Statement, unsound: tuple[int, ...] = (), issuer: Issuer | None = None) -> list[Received]:
    """Statements in commit order, those of some places unsound."""
    issuers = {each.iss: each for each in (EVERYWHERE, OTHER)}
    return [
        Received(
            statement=each,
            entry=f"e{place}",
            received_at=AT,
            issuer=issuer or issuers[each.issuer],
            sound=place not in unsound,
        )
        for place, each in enumerate(said)
    ]


def standing(said: list[Received], *references: Reference) -> list[tuple[str, str | None]]:
    """What stands for a speaker, and through which statement."""
    state = fold(said, references=references, purpose="authentication")
    return [(each.entry, each.grant.through) for each in state.standing if each.grant is not None]


def test_grant_counts_under_a_reference_that_is_bound_to_its_own() -> None:
    said = received(grant(B), same(A, B))
    assert standing(said, A) == [("e0", "e1")]
    assert standing(said, B) == [("e0", None)]
    assert standing(said, C) == []


@pytest.mark.parametrize("order", [(A, B), (B, A)])
def test_bond_has_no_direction_and_no_order(order: tuple[Reference, Reference]) -> None:
    assert standing(received(same(*order), grant(B)), A) == [("e1", "e0")]


def test_grant_counts_one_step_away_and_no_further() -> None:
    said = received(grant(C), same(A, B), same(B, C))
    assert standing(said, B) == [("e0", "e2")]
    assert standing(said, A) == []


def test_grant_counts_for_the_first_reference_of_the_speaker() -> None:
    said = received(grant(B), same(A, B))
    assert standing(said, C, A) == []


def test_parting_ends_it_whoever_says_so_and_a_later_bond_begins_it_again() -> None:
    said = (grant(B), same(A, B), parted(B, A, issuer=OTHER.iss))
    assert standing(received(*said), A) == []
    assert standing(received(*said, unsound=(2,)), A) == []
    assert standing(received(*said, same(A, B)), A) == [("e0", "e3")]
    assert standing(received(*said), B) == [("e0", None)]


def test_bond_that_is_not_sound_gives_nothing() -> None:
    assert standing(received(grant(B), same(A, B), unsound=(1,)), A) == []


def test_bond_of_an_issuer_out_of_scope_gives_nothing() -> None:
    bounded = replace(EVERYWHERE, controllers=("other.example",))
    said = received(grant(B), same(A, B))
    assert standing([said[0], replace(said[1], issuer=bounded)], A) == []
    assert standing([said[0], replace(said[1], issuer=None)], A) == []


def test_what_counts_through_a_bond_has_the_narrower_scope() -> None:
    crm = replace(OTHER, purposes=("statistics",), jurisdictions=("US",))
    said = received(grant(B, jurisdictions=("FR",)), same(A, B, issuer=OTHER.iss, controllers=("x.example",)))
    found = fold([said[0], replace(said[1], issuer=crm)], references=(A,), purpose=None).consents[0].grant
    assert found is not None
    assert found.issuer_problems == ("purpose:authentication", "jurisdiction:FR")
    assert (found.issuer_jurisdictions, found.controllers) == (("US",), ())


def test_each_issuer_that_binds_is_judged_alone() -> None:
    said = received(grant(B), same(A, B), same(A, B, issuer=OTHER.iss), same(B, A))
    assert standing(said, A) == [("e0", "e3"), ("e0", "e2")]


def test_grant_with_limited_uses_counts_under_its_own_reference_alone() -> None:
    said = received(grant(B, max_uses=3), same(A, B))
    assert standing(said, A) == []
    assert standing(said, B) == [("e0", None)]


def test_no_is_heard_through_every_step() -> None:
    said = (grant(A), same(A, B), same(B, C), no(C))
    assert standing(received(*said), A) == []
    assert standing(received(*said), D, A) == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_is_heard_whenever_the_bond_was_made(place: int) -> None:
    said = [grant(A), no(B)]
    said.insert(place, same(A, B))
    assert standing(received(*said), A) == []


def test_bond_that_grants_nothing_still_carries_a_no() -> None:
    assert standing(received(grant(A), same(A, B), no(B), unsound=(1,)), A) == []


def test_parting_undoes_no_withdrawal_and_ends_what_is_said_later() -> None:
    assert standing(received(grant(A), same(A, B), no(B), parted(A, B)), A) == []
    assert standing(received(grant(A), same(A, B), parted(A, B), no(B)), A) == [("e0", None)]
    assert standing(received(grant(A), parted(A, B), no(B)), A) == [("e0", None)]


def test_parting_by_a_compromised_key_is_no_leave_to_unhear() -> None:
    assert standing(received(grant(A), same(A, B), parted(A, B), no(B), unsound=(2,)), A) == []


def test_second_parting_changes_nothing() -> None:
    said = received(grant(A), same(A, B), parted(A, B), parted(A, B), no(B))
    assert standing(said, A) == [("e0", None)]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (ALL, ("US",), ("US",)),
        (("US",), ALL, ("US",)),
        (ALL, ALL, ALL),
        (("US", "FR"), ("US-IL", "DE"), ("US-IL",)),
        (("FR",), ("DE",), ()),
        ((), ("FR",), ()),
    ],
)
def test_narrower_scope_is_what_both_cover(
    one: tuple[str, ...], other: tuple[str, ...], both: tuple[str, ...]
) -> None:
    assert narrower(one, other) == narrower(other, one) == both


@pytest.mark.parametrize("state", ["SameSubject", "NotSameSubject"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"references": (A,)}, "two references"),
        ({"references": (A, B, C)}, "two references"),
        ({"purposes": ("authentication",)}, "has no purposes"),
        ({"max_uses": 1}, "has no max_uses"),
        ({"notice": GRANT.notice}, "has no notice"),
    ],
)
def test_statement_about_two_references_says_nothing_else(
    state: Any, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        replace(same(A, B, state=state), **change)


def test_bond_names_its_controllers() -> None:
    with pytest.raises(InvalidInput, match="controllers"):
        same(A, B, controllers=())


def test_statements_about_references_round_trip_and_say_what_they_are() -> None:
    for each, gives in ((same(A, B), True), (parted(A, B), False)):
        assert from_claims(claims(each)) == each
        assert (each.gives, each.grants, each.refuses, each.pair) == (gives, False, False, frozenset({A, B}))
    assert GRANT.pair is None
    with pytest.raises(Malformed):
        from_claims(claims(same(A, B)).replace(b"SameSubject", b"SimilarSubject"))


REFERENCES = st.sampled_from([A, B, C, D])
PAIRS = st.lists(REFERENCES, min_size=2, max_size=2, unique=True)
SAID = st.lists(
    st.one_of(
        REFERENCES.map(grant),
        REFERENCES.map(no),
        PAIRS.map(lambda pair: same(*pair)),
        PAIRS.map(lambda pair: parted(*pair)),
    ),
    max_size=8,
)
UNSOUND = st.lists(st.integers(0, 8), max_size=3).map(tuple)


@given(SAID, UNSOUND, REFERENCES, st.one_of(REFERENCES.map(no), PAIRS.map(lambda pair: parted(*pair))))
def test_another_no_or_parting_never_leaves_more_standing(
    said: list[Statement], unsound: tuple[int, ...], speaker: Reference, last: Statement
) -> None:
    before = received(*said, unsound=unsound)
    after = [*before, Received(statement=last, entry="last", received_at=AT, issuer=EVERYWHERE, sound=True)]
    assert {e for e, _ in standing(after, speaker)} <= {e for e, _ in standing(before, speaker)}


@given(SAID, PAIRS, st.integers(0, 8), st.booleans(), REFERENCES)
def test_bond_never_makes_a_no_weaker(
    said: list[Statement], pair: list[Reference], place: int, sound: bool, speaker: Reference
) -> None:
    """What a bond adds is a grant of the other reference, never one of the speaker's own that was taken away."""
    before = received(*said)
    bond = Received(statement=same(*pair), entry="bond", received_at=AT, issuer=EVERYWHERE, sound=sound)
    own = {e for e, through in standing(before, speaker) if through is None}
    after = [*before[:place], bond, *before[place:]]
    assert {e for e, through in standing(after, speaker) if through is None} <= own
    places = range(len(said) + 1)
    bonds = bonds_of(before), bonds_of([*before, bond])
    assert all(heard_under(bonds[0], (speaker,), n) <= heard_under(bonds[1], (speaker,), n) for n in places)


@given(SAID, PAIRS, REFERENCES)
def test_what_is_said_about_others_changes_nothing(
    said: list[Statement], pair: list[Reference], speaker: Reference
) -> None:
    strangers = [Reference(kind="crm", value=each.value) for each in pair]
    noise = received(same(*strangers), grant(strangers[0]), no(strangers[1]), parted(*strangers))
    mine = received(*said)
    assert fold([*mine, *noise], references=(speaker,), purpose=None) == fold(
        mine, references=(speaker,), purpose=None
    )
    assert bound_to(bonds_of(noise), speaker) == {}
