"""Keys that are retired or compromised: what they signed stands or falls, and a no stands in any case."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from consentgate import ConsentGate, SigningIssuer, Speaker
from consentgate.config.keystates import would_fall
from consentgate.config.replaying import Replayer
from consentgate.config.views import registry
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey, generate_signing_key
from consentgate.errors import InvalidInput, Unavailable, UnknownIssuer
from consentgate.gate.judge import judge
from consentgate.ledger import fallen
from consentgate.log.sequencer import Sequencer
from consentgate.moment import uuid7_text
from consentgate.storage import anchors, sequence
from consentgate.storage.anchors import AnchorRow
from tests.functional.gate.conftest import ISS, World

CRM = "https://crm.acme.example"


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched on call tx-1."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def kid(issuer: Any) -> str:
    """The thumbprint of an issuer's newest key."""
    found: str = issuer.keys[-1].public.kid
    return found


def other_issuer(world: World) -> tuple[SigningIssuer, SigningKey]:
    """Another issuer, and its key."""
    key = generate_signing_key()
    world.gate.add_issuer(CRM, name="CRM", key=key.public)
    return world.gate.issuer(CRM, key), key


def withdrawal(world: World, key: SigningKey, speaker: Speaker) -> str:
    """A withdrawal that whoever holds a key signs."""
    now = world.clock()
    statement = Statement(
        issuer=CRM,
        id=uuid7_text(now, world.gate._parts.book.random),
        issued_at=now,
        references=speaker.known_as,
        state="ConsentWithdrawn",
        event_time=now,
        method="web_form",
    )
    return jws.sign(claims(statement), key=key, typ=TYP)


def test_retired_key_signs_nothing_new_and_what_it_signed_stands(world: World, caller: Speaker) -> None:
    retired = world.gate.retire_key(ISS)
    assert [key.state for key in retired.keys] == ["retired"]
    world.search("tx-1")
    with pytest.raises(UnknownIssuer, match="retired"):
        world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    with pytest.raises(UnknownIssuer, match="retired"):
        world.ivr.same_subject(("customer", "1001"), ("phone", "+12175550100"), method="web_form")
    world.clock.advance(timedelta(days=1))
    world.register("tx-2", caller)
    world.server.finish(world.exchange("outcome")["task"])
    world.search("tx-2")


def test_retired_key_still_says_no(world: World, caller: Speaker) -> None:
    world.gate.retire_key(ISS)
    world.gate.issuer(ISS).withdraw(caller, method="ivr_dtmf")
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_new_key_takes_over_from_a_retired_one(world: World, caller: Speaker) -> None:
    first = kid(world.gate.add_issuer(ISS, name="Acme IVR"))
    world.gate.retire_key(ISS, first)
    states = {key.public.kid: key.state for key in world.gate.add_issuer(ISS, name="Acme IVR").keys}
    assert states[first] == "retired"
    world.gate.retire_key(ISS, first)
    world.gate.issuer(ISS).grant(world.caller("1002"), notice="voiceprint", method="ivr_dtmf")
    assert sorted(states.values()) == ["active", "active", "retired"]


def test_doing_it_twice_writes_nothing(world: World, caller: Speaker) -> None:
    world.gate.retire_key(ISS)
    written = len(world.opened("registry"))
    world.gate.retire_key(ISS)
    world.gate.compromise_key(ISS, since=world.clock())
    again = world.gate.compromise_key(ISS, since=world.clock())
    assert (again.statements, again.people, again.stops) == (0, 0, ())
    assert len(world.opened("registry")) == written + 1


def test_what_a_compromised_key_granted_falls(world: World, caller: Speaker) -> None:
    fell = world.gate.compromise_key(ISS, since=world.clock())
    assert (fell.statements, fell.people, fell.stops) == (1, 1, ())
    assert [key.state for key in fell.issuer.keys] == ["compromised"]
    assert world.denial("tx-1") == ["RECORD_INTEGRITY_FAILED"]
    assert world.searches == 0


def anchored(world: World) -> None:
    """Let a place outside keep a checkpoint over all there is."""
    database = world.gate._parts.database
    Sequencer(database).once()

    def work(connection: Connection) -> None:
        tree = sequence.latest_tree(connection)
        assert tree is not None
        row = AnchorRow(name="elsewhere", size=tree.size, kind="directory", evidence="1", at=world.clock())
        anchors.insert_anchor(connection, row)

    database.write(work)


def test_what_was_anchored_before_a_compromise_stands(world: World, caller: Speaker) -> None:
    anchored(world)
    world.clock.advance(timedelta(hours=1))
    stolen = world.clock()
    world.clock.advance(timedelta(hours=1))
    later = world.caller("1002")
    world.ivr.grant(later, notice="voiceprint", method="ivr_dtmf")
    # The later one is anchored too, but after the key was stolen: whoever stole it may have made it.
    anchored(world)
    fell = world.gate.compromise_key(ISS, since=stolen)
    assert (fell.statements, fell.people) == (1, 1)
    world.register("tx-1", caller)
    world.search("tx-1")
    world.register("tx-2", later)
    assert world.denial("tx-2") == ["RECORD_INTEGRITY_FAILED"]


def test_what_was_anchored_at_the_moment_of_the_compromise_falls(world: World, caller: Speaker) -> None:
    anchored(world)
    assert world.gate.compromise_key(ISS, since=world.clock()).statements == 1
    world.register("tx-1", caller)
    assert world.denial("tx-1") == ["RECORD_INTEGRITY_FAILED"]


def test_decisions_come_out_the_same_when_weak_grants_are_anchored_later(
    world: World, caller: Speaker
) -> None:
    world.gate.compromise_key(ISS, since=world.clock())
    assert world.denial("tx-1") == ["RECORD_INTEGRITY_FAILED"]
    world.clock.advance(timedelta(minutes=1))
    anchored(world)
    replayed = Replayer(world.gate._parts, registry_now=False).since(None)
    assert [each.verdict for each in replayed] == ["same"]


def test_grant_of_another_key_stands(world: World, caller: Speaker) -> None:
    crm, _ = other_issuer(world)
    crm.grant(caller, notice="voiceprint", method="web_esign")
    assert world.gate.compromise_key(ISS, since=world.clock()).statements == 1
    world.search("tx-1")


def test_one_key_of_an_issuer_is_marked_alone(world: World, caller: Speaker) -> None:
    mine = world.gate._parts.reader
    second = world.gate.add_issuer(ISS, name="Acme IVR")
    fell = world.gate.compromise_key(ISS, kid(second), since=world.clock())
    assert [key.state for key in fell.issuer.keys] == ["active", "compromised"]
    assert fell.statements == 0
    world.search("tx-1")
    assert mine is world.gate._parts.reader


def test_no_of_a_compromised_key_stands(world: World, caller: Speaker) -> None:
    crm, key = other_issuer(world)
    crm.withdraw(caller, method="web_form")
    fell = world.gate.compromise_key(CRM, since=world.clock() - timedelta(days=9))
    assert (fell.statements, fell.people) == (0, 0)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]
    assert key.public.kid == kid(fell.issuer)


def test_compromised_key_may_still_say_no(world: World, caller: Speaker) -> None:
    _, key = other_issuer(world)
    world.gate.compromise_key(CRM, since=world.clock())
    world.gate.withdraw(withdrawal(world, key, caller))
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_compromised_key_grants_nothing_new(world: World, caller: Speaker) -> None:
    crm, _ = other_issuer(world)
    world.gate.compromise_key(CRM, since=world.clock())
    with pytest.raises(UnknownIssuer):
        crm.grant(caller, notice="voiceprint", method="web_esign")


def test_running_task_on_a_fallen_grant_gets_a_stop_order(world: World, caller: Speaker) -> None:
    world.search("tx-1")
    other = world.caller("1002")
    crm, _ = other_issuer(world)
    crm.grant(other, notice="voiceprint", method="web_esign")
    world.register("tx-2", other)
    world.search("tx-2")
    intents = [str(row.id) for row, _ in world.opened("intent")]
    assert would_fall(world.gate._parts, ISS, None, world.clock()).running == (
        world.opened("intent")[0][0].id,
    )
    assert not world.opened("stop")
    fell = world.gate.compromise_key(ISS, since=world.clock())
    assert fell.stops == (intents[0],)
    assert [str(row.re) for row, _ in world.opened("stop")] == intents[:1]
    (cause, _) = world.opened("registry")[-1]
    assert world.parts("stop")["decision.0"]["cause"] == str(cause.id)


def test_stops_reach_what_began_while_statements_were_looked_through(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A big ledger takes longer to look through than an entry may be old, and calls go on meanwhile."""
    world.search("tx-1")
    other = world.caller("1002")
    crm, _ = other_issuer(world)
    look = fallen.fallen
    looks: list[Any] = []

    def slowly(*given: Any) -> Any:
        found = look(*given)
        if not looks:
            crm.grant(other, notice="voiceprint", method="web_esign")
            world.ivr.grant(world.caller("1003"), notice="voiceprint", method="ivr_dtmf")
            for call, speaker in (("tx-2", other), ("tx-3", world.caller("1003"))):
                world.register(call, speaker)
                world.search(call)
        looks.append(found)
        world.clock.advance(timedelta(minutes=5))
        return found

    monkeypatch.setattr(fallen, "fallen", slowly)
    fell = world.gate.compromise_key(ISS, since=world.clock() - timedelta(hours=1))
    first, _, third = (str(row.id) for row, _ in world.opened("intent"))
    assert fell.stops == (first, third)
    assert {row.at for row, _ in world.opened("stop")} == {world.clock()}
    assert len(looks) == 1


def test_marking_begins_anew_when_issuers_changed_meanwhile(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another put on record in between is kept, and who never gets through is told."""
    look = fallen.fallen
    added: list[str] = []

    def meanwhile(*given: Any) -> Any:
        found = look(*given)
        if len(added) < upto:
            added.append(f"https://crm-{len(added)}.acme.example")
            world.gate.add_issuer(added[-1], name="CRM", key=generate_signing_key().public)
        return found

    monkeypatch.setattr(fallen, "fallen", meanwhile)
    upto = 3
    with pytest.raises(Unavailable, match="Try again"):
        world.gate.compromise_key(ISS, since=world.clock())
    upto = 4
    assert world.gate.compromise_key(ISS, since=world.clock()).statements == 1
    assert len(added) == 4
    named = {each.iss for each in registry(world.gate._parts).issuers}
    assert named == {ISS, *added}


def test_decision_under_way_with_the_old_registry_is_made_again(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another gate marks the key between what this one reads and what it writes."""
    settings = world.gate._parts.settings
    judged: list[bool] = []

    def once(*given: Any) -> Any:
        verdict = judge(*given)
        if not judged:
            with ConsentGate(settings, clock=world.clock, background=False) as other:
                other.compromise_key(ISS, since=world.clock())
        judged.append(verdict.allowed)
        return verdict

    monkeypatch.setattr("consentgate.gate.begin.judge", once)
    assert world.denial("tx-1") == ["RECORD_INTEGRITY_FAILED"]
    assert judged == [True, False]
    assert not world.opened("intent")


def test_compromise_is_for_good(world: World, caller: Speaker) -> None:
    since = world.clock() - timedelta(days=2)
    marked = world.gate.compromise_key(ISS, since=since)
    with pytest.raises(InvalidInput, match="compromised"):
        world.gate.retire_key(ISS, kid(marked.issuer))
    with pytest.raises(InvalidInput, match="never moved"):
        world.gate.compromise_key(ISS, kid(marked.issuer), since=since + timedelta(days=1))
    with pytest.raises(InvalidInput, match="already"):
        world.gate.add_issuer(ISS, name="Acme IVR", key=marked.issuer.keys[0].public)
    assert world.gate.retire_key(ISS) == marked.issuer
    earlier = world.gate.compromise_key(ISS, since=since - timedelta(days=1))
    assert earlier.issuer.keys[0].compromised_since == since - timedelta(days=1)
    assert world.denial("tx-1") == ["RECORD_INTEGRITY_FAILED"]


@pytest.mark.parametrize("iss", [ISS, "https://nobody.example"])
def test_what_is_not_there_is_refused(world: World, iss: str) -> None:
    with pytest.raises((InvalidInput, UnknownIssuer), match=r"no such key|not registered"):
        world.gate.retire_key(iss, "A" * 43)
    with pytest.raises((InvalidInput, UnknownIssuer), match=r"no such key|not registered"):
        world.gate.compromise_key(iss, "A" * 43, since=world.clock())
    with pytest.raises((InvalidInput, UnknownIssuer), match=r"past|not registered"):
        world.gate.compromise_key(iss, since=world.clock() + timedelta(seconds=1))


def test_what_fell_of_an_erased_person_is_not_counted(world: World, caller: Speaker) -> None:
    world.ivr.grant(world.caller("1002"), notice="voiceprint", method="ivr_dtmf")
    (row, _) = world.opened("statement")[0]
    with world.raw() as raw:
        about = "SELECT subject FROM entry_subject WHERE entry = ?"
        for table in ("data_key", "subject_ref", "entry_subject"):
            raw.execute(f"DELETE FROM {table} WHERE subject IN ({about})", (row.id.bytes,))
    assert world.gate.compromise_key(ISS, since=world.clock()).statements == 1
