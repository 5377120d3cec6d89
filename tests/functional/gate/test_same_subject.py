"""Two references that are one person, by a signed statement: through the gate, from ingest to stop orders."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from consentgate import Evidence, Reference, SigningIssuer, Speaker
from consentgate.config.explain import Question, explain
from consentgate.config.verification import verify_deployment
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import ClockSkew, InvalidInput, StatementRefused
from consentgate.gate.judge import judge
from consentgate.moment import uuid7_text
from tests.functional.gate.conftest import World

CUSTOMER, PHONE, CARD = ("customer", "1001"), ("phone", "+12175550100"), ("card", "77")
AT_HOME = [Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")]


def person(*references: tuple[str, str]) -> Speaker:
    """An adult in Illinois, known by some references."""
    return Speaker(list(references), AT_HOME, adult=True)


def grant(world: World, under: tuple[str, str], **more: Any) -> str:
    """Record a consent under a reference, and give its entry."""
    return world.ivr.grant(person(under), notice="voiceprint", method="ivr_dtmf", **more).entry


def bind(world: World, one: tuple[str, str], other: tuple[str, str]) -> str:
    """State that two references are one person, and give the entry."""
    return world.ivr.same_subject(one, other, method="web_form").entry


def on_call(world: World, *references: tuple[str, str], transaction: str = "tx-1") -> None:
    """Put a person on a call."""
    world.register(transaction, person(*references))


def relied_on(world: World) -> tuple[Any, Any]:
    """The grant that the newest intent names, and through which statement."""
    decision = world.parts("intent")["decision.0"]["decision"]
    return decision["grant"], decision.get("through")


@pytest.mark.parametrize("bound_first", [True, False])
def test_grant_under_a_bound_reference_allows_and_the_intent_says_through_what(
    world: World, bound_first: bool
) -> None:
    on_call(world, CUSTOMER)
    assert world.denial("tx-1") == ["NO_CONSENT"]
    if bound_first:
        bond = bind(world, CUSTOMER, PHONE)
        given = grant(world, PHONE)
    else:
        given = grant(world, PHONE)
        bond = bind(world, PHONE, CUSTOMER)
    world.search("tx-1")
    assert relied_on(world) == (given, bond)


def test_grant_of_the_speakers_own_names_no_other_statement(world: World) -> None:
    bind(world, CUSTOMER, PHONE)
    given = grant(world, CUSTOMER)
    on_call(world, CUSTOMER)
    world.search("tx-1")
    assert relied_on(world) == (given, None)


def test_reference_two_steps_away_gives_nothing(world: World) -> None:
    grant(world, CARD)
    bind(world, CUSTOMER, PHONE)
    bind(world, PHONE, CARD)
    on_call(world, CUSTOMER)
    assert world.denial("tx-1") == ["NO_CONSENT"]


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_withdrawal_two_steps_away_is_heard_whenever_it_was_made(world: World, when: str) -> None:
    grant(world, CUSTOMER)

    def withdraw(now: str) -> None:
        if now == when:
            world.ivr.withdraw(person(CARD), method="ivr_dtmf")

    withdraw("before")
    bind(world, CUSTOMER, PHONE)
    withdraw("between")
    bind(world, PHONE, CARD)
    withdraw("after")
    on_call(world, CUSTOMER)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_withdrawal_under_a_bound_reference_stops_the_running_task(world: World) -> None:
    grant(world, CUSTOMER)
    bind(world, CUSTOMER, PHONE)
    on_call(world, CUSTOMER)
    world.search("tx-1")
    done = world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    assert done.stops == (str(world.opened("intent")[0][0].id),)


def test_binding_to_somebody_who_withdrew_stops_the_running_task(world: World) -> None:
    grant(world, CUSTOMER)
    on_call(world, CUSTOMER)
    world.search("tx-1")
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    assert not world.opened("stop")
    done = world.ivr.same_subject(CUSTOMER, PHONE, method="web_form")
    assert done.stops == (str(world.opened("intent")[0][0].id),)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_binding_leaves_a_task_alone_whose_grant_stands(world: World) -> None:
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    grant(world, CUSTOMER)
    on_call(world, CUSTOMER)
    world.search("tx-1")
    assert world.ivr.same_subject(CUSTOMER, PHONE, method="web_form").stops == ()


def test_parting_ends_it_and_stops_what_rested_on_it(world: World) -> None:
    grant(world, PHONE)
    bind(world, CUSTOMER, PHONE)
    on_call(world, CUSTOMER)
    world.search("tx-1")
    done = world.ivr.not_same_subject(PHONE, CUSTOMER, method="web_form")
    assert done.stops == (str(world.opened("intent")[0][0].id),)
    assert world.denial("tx-1") == ["NO_CONSENT"]
    on_call(world, PHONE, transaction="tx-2")
    # Makes room at the service; the gate may have stopped the task already.
    with suppress(InvalidInput):
        world.server.finish(world.exchange("outcome")["task"])
    world.search("tx-2")


def test_parting_revives_nothing_and_later_withdrawals_are_about_one_alone(world: World) -> None:
    grant(world, CUSTOMER)
    bind(world, CUSTOMER, PHONE)
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    world.ivr.not_same_subject(CUSTOMER, PHONE, method="web_form")
    on_call(world, CUSTOMER)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]
    grant(world, CUSTOMER)
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    world.search("tx-1")


def test_what_is_said_after_a_parting_is_linked_to_one_alone(world: World) -> None:
    bind(world, CUSTOMER, PHONE)
    world.ivr.not_same_subject(CUSTOMER, PHONE, method="web_form")
    before = linked(world, CUSTOMER)
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    assert linked(world, CUSTOMER) == before
    assert linked(world, PHONE) == before + 1


def linked(world: World, reference: tuple[str, str]) -> int:
    """How many statements are linked to a reference's subject."""
    parts = world.gate._parts
    from consentgate.storage import subjects

    with parts.database.read() as connection:
        known = parts.book.vault.find(connection, [Reference(kind=reference[0], value=reference[1])])
        counts = subjects.counts(connection, parts.book.tenant, set(known.values()))
    return sum(count for (_, kind), count in counts.items() if kind == "statement")


def test_bond_of_an_issuer_with_another_scope_denies_and_says_so(world: World) -> None:
    key = generate_signing_key()
    world.gate.add_issuer("https://crm.acme.example", name="CRM", key=key.public, purposes=["statistics"])
    grant(world, PHONE)
    world.gate.issuer("https://crm.acme.example", key).same_subject(CUSTOMER, PHONE, method="web_form")
    on_call(world, CUSTOMER)
    assert world.denial("tx-1") == ["ISSUER_OUT_OF_SCOPE"]


def test_compromised_key_binds_nothing_any_more_and_what_ran_on_it_is_stopped(world: World) -> None:
    key = generate_signing_key()
    world.gate.add_issuer("https://crm.acme.example", name="CRM", key=key.public)
    crm: SigningIssuer = world.gate.issuer("https://crm.acme.example", key)
    grant(world, PHONE)
    crm.same_subject(CUSTOMER, PHONE, method="web_form")
    on_call(world, CUSTOMER)
    world.search("tx-1")
    fell = world.gate.compromise_key("https://crm.acme.example", since=world.clock())
    assert (fell.statements, fell.people, len(fell.stops)) == (1, 1, 1)
    assert world.denial("tx-1") == ["NO_CONSENT"]


def test_person_is_at_most_sixteen_references(world: World) -> None:
    for number in range(15):
        bind(world, CUSTOMER, ("card", str(number)))
    with pytest.raises(StatementRefused, match="More than 16"):
        bind(world, CUSTOMER, PHONE)
    bind(world, ("card", "1"), ("card", "2"))
    world.ivr.withdraw(person(("card", "3")), method="ivr_dtmf")


def test_one_reference_is_not_bound_to_itself(world: World) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        bind(world, CUSTOMER, CUSTOMER)


def signed(world: World, state: Any, ahead: float) -> str:
    """A statement about two references that claims a time ahead."""
    key = generate_signing_key()
    world.gate.add_issuer("https://crm.acme.example", name="CRM", key=key.public)
    now = world.clock()
    statement = Statement(
        issuer="https://crm.acme.example",
        id=uuid7_text(now, world.gate._parts.book.random),
        issued_at=now,
        references=(Reference(kind="customer", value="1001"), Reference(kind="card", value="77")),
        state=state,
        event_time=now + timedelta(seconds=ahead),
        method="web_form",
        controllers=("acme",),
    )
    return jws.sign(claims(statement), key=key, typ=TYP)


def test_bond_from_the_future_is_refused_and_a_parting_acts_at_once(world: World) -> None:
    with pytest.raises(ClockSkew):
        world.gate.ingest(signed(world, "SameSubject", 5.1))
    assert world.gate.ingest(signed(world, "NotSameSubject", 86400)).new


@pytest.mark.parametrize("state", ["SameSubject", "NotSameSubject"])
def test_statement_about_two_references_is_no_withdrawal(world: World, state: str) -> None:
    with pytest.raises(InvalidInput, match="two references"):
        world.gate.withdraw(signed(world, state, 0))


def test_explanation_names_the_bond_and_reads_what_the_gate_reads(world: World) -> None:
    grant(world, PHONE)
    bond = bind(world, CUSTOMER, PHONE)
    question = Question(
        at=world.clock(), speaker=person(CUSTOMER), purpose="authentication", recording_consent="all_parties"
    )
    explained = explain(world.gate._parts, question)
    assert explained.verdict.allowed
    assert explained.speakers[0].judged.decision.through == bond


def test_request_under_way_is_decided_anew_when_its_speaker_is_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(world, CUSTOMER)
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    on_call(world, CUSTOMER)
    judged: list[bool] = []

    def once(*given: Any) -> Any:
        verdict = judge(*given)
        if not judged:
            bind(world, CUSTOMER, PHONE)
        judged.append(verdict.allowed)
        return verdict

    monkeypatch.setattr("consentgate.gate.begin.judge", once)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]
    assert judged == [True, False]


def findings(world: World) -> list[tuple[str, str]]:
    """What verification finds of links: kind and expectation."""
    verified = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    found = verified.verification.findings
    return [(each.kind, each.expected) for each in found if each.kind in ("link_missing", "altered", "extra")]


def unlink(world: World, row: int) -> None:
    """Take one link of a statement away, behind the ledger's back."""
    with world.raw() as raw:
        links = "SELECT entry, subject FROM entry_subject WHERE kind = 'statement' ORDER BY entry, subject"
        link = raw.execute(links).fetchall()[row]
        raw.execute("DELETE FROM entry_subject WHERE entry = ? AND subject = ?", link)


def bound(world: World) -> int:
    """A ledger in which three references are one person, and one of them no longer; how many links it has."""
    grant(world, PHONE)
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    bind(world, CUSTOMER, PHONE)
    bind(world, PHONE, CARD)
    world.ivr.withdraw(person(CARD), method="ivr_dtmf")
    world.ivr.not_same_subject(PHONE, CARD, method="web_form")
    world.ivr.withdraw(person(PHONE), method="ivr_dtmf")
    with world.raw() as raw:
        (count,) = raw.execute("SELECT count(*) FROM entry_subject WHERE kind = 'statement'").fetchone()
    assert isinstance(count, int)
    return count


def test_ledger_in_which_references_are_bound_and_parted_verifies(world: World) -> None:
    assert bound(world) == 5 * 3 + 3 + 2
    assert findings(world) == []


@pytest.mark.parametrize("link", range(0, 20, 3))
def test_each_link_that_a_bond_asks_for_is_missed(world: World, link: int) -> None:
    bound(world)
    unlink(world, link)
    assert findings(world) != []


@pytest.mark.parametrize("heard_later", [True, False])
def test_bond_that_lost_its_link_is_missed_by_what_it_alone_explains(world: World, heard_later: bool) -> None:
    if not heard_later:
        grant(world, CUSTOMER)
    bond = UUID(bind(world, CUSTOMER, PHONE))
    if heard_later:
        world.ivr.withdraw(person(CUSTOMER), method="ivr_dtmf")
    parts = world.gate._parts
    with parts.database.read() as connection:
        phone = parts.book.vault.find(connection, [Reference(kind=PHONE[0], value=PHONE[1])])
    (subject,) = phone.values()
    with world.raw() as raw:
        raw.execute("DELETE FROM entry_subject WHERE entry = ? AND subject = ?", (bond.bytes, subject.bytes))
    assert findings(world) == [("link_missing", "a link to everybody who is the same person")]
