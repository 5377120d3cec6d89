"""A withdrawal that commits is the last word: nothing begins after it, and what is under way is stopped."""

import pickle
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentWithdrawn, OutcomeNotRecorded, Speaker
from consentgate.config.issuing import SigningIssuer
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import InvalidInput, RecordConflict, SignatureInvalid, UnknownIssuer
from consentgate.moment import uuid7_text
from consentgate.policy.reasons import reason
from tests.functional.gate.conftest import World


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched on call tx-1."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def during_the_request(world: World, act: Callable[[], Any]) -> None:
    """Do something after the intent is durable and before the request leaves."""
    world.unhurried()
    world.client.meta.events.register_first("request-created", lambda **_: act())


def test_withdrawn_consent_denies(world: World, caller: Speaker) -> None:
    world.search("tx-1")
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]
    assert world.searches == 1


def test_withdrawal_while_the_request_is_under_way_stops_the_task(world: World, caller: Speaker) -> None:
    during_the_request(world, lambda: world.ivr.withdraw(caller, method="ivr_dtmf"))
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        world.search("tx-1")
    assert withdrawn.value.stopped
    assert withdrawn.value.response["SpeakerSearchTask"]["SpeakerSearchTaskId"]  # type: ignore[index]  # boto3's answer
    assert world.ends() == ["succeeded"]
    assert len(world.opened("stop")) == 1
    assert [r.operation for r in world.server.requests][-1] == "StopSpeakerSearchTask"


def test_withdrawal_before_a_retry_ends_the_retries(world: World, caller: Speaker) -> None:
    world.server.script.fail(error="ServiceUnavailableException", times=None)
    seen: list[int] = []

    def withdraw_before_the_second() -> None:
        seen.append(1)
        if len(seen) == 2:
            world.ivr.withdraw(caller, method="ivr_dtmf")

    during_the_request(world, withdraw_before_the_second)
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    assert [r.code for r in denied.value.reasons] == ["CONSENT_CHANGED"]
    assert world.searches == 1
    assert world.ends() == ["unknown"]


def test_running_task_gets_a_stop_order_once(world: World, caller: Speaker) -> None:
    world.search("tx-1")
    world.ivr.withdraw(caller, method="ivr_dtmf")
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert len(world.opened("stop")) == 1


def test_withdrawal_for_another_purpose_leaves_the_task_alone(world: World, caller: Speaker) -> None:
    world.search("tx-1")
    world.ivr.withdraw(caller, method="ivr_dtmf", purposes=["marketing"])
    assert not world.opened("stop")
    world.server.finish(task_of(world))
    world.register("tx-2", caller)
    world.search("tx-2")


def task_of(world: World) -> str:
    found: str = world.exchange("outcome")["task"]
    return found


def test_change_between_reading_and_appending_decides_anew(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = world.gate._parts.database
    write, done = database.write, threading.Event()

    def once(work: Any, **how: Any) -> Any:
        if not done.is_set():
            done.set()
            world.ivr.withdraw(caller, method="ivr_dtmf")
        return write(work, **how)

    monkeypatch.setattr(database, "write", once)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]
    assert not world.opened("intent")


def test_what_keeps_changing_denies_busy(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = world.gate._parts.database
    write, changing = database.write, threading.Event()

    def always(work: Any, **how: Any) -> Any:
        if not changing.is_set() and not world.opened("denial"):
            changing.set()
            world.gate.assert_("has_dpo", True, by="me@acme.example", since=world.clock())
            changing.clear()
        return write(work, **how)

    monkeypatch.setattr(database, "write", always)
    assert world.denial("tx-1") == ["LEDGER_BUSY"]
    assert not world.opened("intent")
    assert len(world.opened("denial")) == 1


def negative(world: World, speaker: Speaker, iss: str, **more: Any) -> Statement:
    now = world.clock()
    return Statement(
        issuer=iss,
        id=uuid7_text(now, world.gate._parts.book.random),
        issued_at=now,
        references=speaker.known_as,
        state="ConsentWithdrawn",
        event_time=now,
        method="web_form",
        **more,
    )


def test_withdrawal_signed_elsewhere_is_taken_in_once(world: World, caller: Speaker) -> None:
    key = generate_signing_key("ES256")
    world.gate.add_issuer("https://web.acme.example", name="Web", key=key.public)
    token = jws.sign(claims(negative(world, caller, "https://web.acme.example")), key=key, typ=TYP)
    first = world.gate.withdraw(token)
    assert first.new
    again = world.gate.withdraw(token)
    assert (again.entry, again.new) == (first.entry, False)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_same_id_with_other_content_conflicts(world: World, caller: Speaker) -> None:
    key = generate_signing_key()
    world.gate.add_issuer("https://web.acme.example", name="Web", key=key.public)
    statement = negative(world, caller, "https://web.acme.example")
    world.gate.ingest(jws.sign(claims(statement), key=key, typ=TYP))
    other = Statement(**{f: getattr(statement, f) for f in statement.__slots__} | {"language": "en"})
    with pytest.raises(RecordConflict):
        world.gate.ingest(jws.sign(claims(other), key=key, typ=TYP))


def test_token_of_a_stranger_is_refused(world: World, caller: Speaker) -> None:
    key = generate_signing_key()
    with pytest.raises(UnknownIssuer):
        world.gate.ingest(jws.sign(claims(negative(world, caller, "https://x.example")), key=key, typ=TYP))


def test_altered_token_is_refused(world: World, caller: Speaker) -> None:
    key = generate_signing_key()
    world.gate.add_issuer("https://web.acme.example", name="Web", key=key.public)
    token = jws.sign(claims(negative(world, caller, "https://web.acme.example")), key=key, typ=TYP)
    head, _, signature = token.split(".")
    more = negative(world, caller, "https://web.acme.example", language="de")
    forged = jws.sign(claims(more), key=key, typ=TYP).split(".")[1]
    with pytest.raises(SignatureInvalid):
        world.gate.ingest(f"{head}.{forged}.{signature}")


def test_withdraw_does_not_take_a_grant(world: World, caller: Speaker) -> None:
    token = world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf").token
    with pytest.raises(InvalidInput, match="grant"):
        world.gate.withdraw(token)


def test_issuer_in_hand_shows_no_key(world: World) -> None:
    assert repr(world.ivr) == "SigningIssuer('https://ivr.acme.example')"
    assert isinstance(world.ivr, SigningIssuer)


def test_withdrawal_under_the_second_reference_stops_what_is_under_way(world: World) -> None:
    phone = ("phone", "+12175550100")
    both = Speaker([("customer", "1001"), phone], world.caller().evidence, adult=True)
    world.ivr.grant(both, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", both)
    during_the_request(world, lambda: world.ivr.withdraw(Speaker([phone]), method="ivr_dtmf"))
    with pytest.raises(ConsentWithdrawn):
        world.search("tx-1")
    assert len(world.opened("stop")) == 1


def test_what_became_of_a_stop_order_is_on_record(world: World, caller: Speaker) -> None:
    world.server.script.fail("StopSpeakerSearchTask", error="ServiceFailureException", times=None)
    during_the_request(world, lambda: world.ivr.withdraw(caller, method="ivr_dtmf"))
    with pytest.raises(ConsentWithdrawn, match="not confirmed") as withdrawn:
        world.search("tx-1")
    assert not withdrawn.value.stopped
    (order, _) = world.opened("stop")[0]
    assert [row.end for row, _ in world.opened("observation") if row.re == order.id] == ["unknown"]


@pytest.mark.parametrize("bug", [ZeroDivisionError, InvalidInput])
def test_stop_that_cannot_be_noted_leaves_the_outcome_and_the_order(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch, bug: type[Exception]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise bug

    during_the_request(world, lambda: world.ivr.withdraw(caller, method="ivr_dtmf"))
    with monkeypatch.context() as patch:
        patch.setattr("consentgate.gate.finish.Content", broken)
        with pytest.raises(ConsentWithdrawn) as withdrawn:
            world.search("tx-1")
    assert withdrawn.value.stopped
    assert world.ends() == ["succeeded"]
    (order, _) = world.opened("stop")[0]
    assert not [row for row, _ in world.opened("observation") if row.re == order.id]
    assert [each.entry for each in world.gate.open_stops()] == [order.id]


def test_retry_under_a_limited_grant_is_no_change(world: World) -> None:
    speaker = world.caller("3003")
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf", max_uses=5)
    world.register("tx-9", speaker)
    world.server.script.fail(error="ServiceUnavailableException")
    world.search("tx-9")
    assert world.ends() == ["succeeded"]


def test_withdrawal_under_an_expired_key_counts(world: World, caller: Speaker) -> None:
    key = generate_signing_key()
    until = world.clock() + timedelta(days=1)
    world.gate.add_issuer("https://web.acme.example", name="Web", key=key.public, not_after=until)
    world.clock.advance(timedelta(days=2))
    world.gate.withdraw(
        jws.sign(claims(negative(world, caller, "https://web.acme.example")), key=key, typ=TYP)
    )
    world.register("tx-2", caller)
    assert world.denial("tx-2") == ["CONSENT_WITHDRAWN"]


def test_errors_of_the_call_flow_survive_a_process_pool(world: World) -> None:
    for error in (
        ConsentWithdrawn({"a": 1}, "e", stopped=True),
        OutcomeNotRecorded({"a": 1}, "e"),
        ConsentDenied((reason("NO_SPEAKER"),), "e"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), vars(again)) == (str(error), vars(error))
