"""Somebody joins while a task runs, or a request is under way: what may not go on is stopped."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, ConsentWithdrawn, Speaker
from consentgate.aws.operations import leg_of
from consentgate.errors import Malformed, PackInvalid, Unavailable
from consentgate.gate import judge
from consentgate.gate.joining import join
from consentgate.ledger.registering import Registration
from consentgate.policy.reasons import reason
from consentgate.policy.record import reason_from
from consentgate.testing.client import client_settings
from tests.functional.gate.conftest import CONNECTOR, ISS, World


@pytest.fixture
def ada(world: World) -> Speaker:
    """A caller who may be searched, on call tx-1."""
    speaker = consenting(world, "ada")
    world.register("tx-1", speaker)
    return speaker


def consenting(world: World, number: str, **more: Any) -> Speaker:
    speaker = world.caller(number)
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf", **more)
    return speaker


def both_legs(world: World) -> None:
    """Search without a leg: both count."""
    world.client.start_speaker_search_task(
        VoiceConnectorId=CONNECTOR, TransactionId="tx-1", VoiceProfileDomainId="vpd-1"
    )


def during_the_request(world: World, act: Callable[[], Any]) -> None:
    """Do something after the intent is durable and before the request leaves."""
    world.unhurried()
    event = "request-created.chime-sdk-voice.StartSpeakerSearchTask"
    world.client.meta.events.register_first(event, lambda **_: act())


def while_sending(world: World, act: Callable[[], Any]) -> None:
    """Do something after the last look at the permit, however long it takes, and before the bytes leave."""
    look = world.client._endpoint.http_session
    session = look._session

    class Session:
        """The client's session, held up."""

        def send(self, request: Any) -> Any:
            if request.url.endswith("/speaker-search-tasks"):
                act()
            return session.send(request)

        def close(self) -> None:
            session.close()

    look._session = Session()


def stopped(world: World) -> int:
    return sum(1 for r in world.server.requests if r.operation == "StopSpeakerSearchTask")


def test_who_joins_without_consent_stops_the_running_task(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    entry = world.register("tx-1", ada, world.caller("bob"))
    [(order, parts)] = world.opened("stop")
    assert (stopped(world), world.gate.open_stops()) == (1, ())
    assert parts["decision.0"]["cause"] == entry
    assert [each["code"] for each in parts["decision.0"]["reasons"]] == ["NO_CONSENT"]
    assert [r.end for r, _ in world.opened("observation") if r.re == order.id] == ["succeeded"]


def test_who_joins_with_consent_stops_nothing(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.register("tx-1", consenting(world, "bob"))
    assert (world.opened("stop"), stopped(world)) == ([], 0)


def test_who_joins_the_other_leg_does_not_matter_to_a_task_of_one(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.gate.register_call("tx-1", callee=[world.caller("bob")])
    assert world.opened("stop") == []


def test_who_joins_any_leg_matters_to_a_task_of_both(world: World, ada: Speaker) -> None:
    both_legs(world)
    world.gate.register_call("tx-1", callee=[world.caller("bob")])
    assert (len(world.opened("stop")), stopped(world)) == (1, 1)


def test_who_joins_while_the_request_is_under_way_ends_it(world: World, ada: Speaker) -> None:
    while_sending(world, lambda: world.register("tx-1", world.caller("bob")))
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        world.search("tx-1")
    assert withdrawn.value.stopped
    assert world.ends() == ["succeeded"]
    assert (len(world.opened("stop")), stopped(world), world.gate.open_stops()) == (1, 1, ())


def test_who_joins_before_a_retry_ends_the_retries(world: World, ada: Speaker) -> None:
    world.server.script.fail(error="ServiceUnavailableException", times=None)
    attempts: list[int] = []

    def join_before_the_second() -> None:
        attempts.append(1)
        if len(attempts) == 2:
            world.register("tx-1", world.caller("bob"))

    during_the_request(world, join_before_the_second)
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    assert [r.code for r in denied.value.reasons] == ["CONSENT_CHANGED"]
    assert world.searches == 1


def test_task_of_somebody_who_left_is_stopped_for_who_joins(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.gate.leave_call("tx-1", caller=[ada])
    assert world.opened("stop") == []
    world.register("tx-1", world.caller("bob"))
    assert stopped(world) == 1


def test_order_stands_once(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.register("tx-1", world.caller("bob"))
    world.register("tx-1", world.caller("cat"))
    world.ivr.withdraw(ada, method="ivr_dtmf")
    assert (len(world.opened("stop")), stopped(world)) == (1, 1)


def test_request_that_started_nothing_needs_no_order(world: World, ada: Speaker) -> None:
    world.server.script.fail(error="BadRequestException")
    with pytest.raises(world.client.exceptions.BadRequestException):
        world.search("tx-1")
    world.register("tx-1", world.caller("bob"))
    assert world.opened("stop") == []


def test_task_that_can_run_no_longer_needs_no_order(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.clock.advance(timedelta(hours=24))
    world.register("tx-1", world.caller("bob"))
    assert world.opened("stop") == []


def test_tasks_of_other_calls_are_left_alone(world: World, ada: Speaker) -> None:
    world.register("tx-2", ada)
    world.search("tx-2")
    world.register("tx-1", world.caller("bob"))
    assert world.opened("stop") == []


def test_running_task_is_no_further_use_of_its_own_grant(world: World) -> None:
    ada = consenting(world, "ada", max_uses=1)
    world.register("tx-1", ada)
    world.search("tx-1")
    world.register("tx-1", Speaker([*ada.references, ("phone", "+12175550142")], ada.evidence, adult=True))
    assert world.opened("stop") == []


def test_what_becomes_known_of_a_speaker_is_decided_on_too(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.register("tx-1", Speaker(ada.references, age=9))
    [(_, parts)] = world.opened("stop")
    assert [each["code"] for each in parts["decision.0"]["reasons"]] == ["MINOR_NO_GUARDIAN"]


def test_recording_consent_that_becomes_weaker_stops_the_task(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.gate.register_call("tx-1", caller=[ada], recording_consent="none")
    [(_, parts)] = world.opened("stop")
    assert [each["code"] for each in parts["decision.0"]["reasons"]] == ["RECORDING_CONSENT_MISSING"]


def test_who_joins_is_decided_on_for_the_purpose_of_the_task(world: World) -> None:
    ada, bob = consenting(world, "ada"), world.caller("bob")
    world.gate.add_notice(
        b"Acme compares your voice to sell you things.",
        id="marketing",
        version="1",
        language="en",
        in_writing=True,
        elements=["collection_or_storage_disclosed", "length_of_term", "specific_purpose"],
        consent_form="written_release",
        purposes=["marketing"],
        operations=["search"],
        validity="P2Y",
    )
    world.ivr.grant(bob, notice="marketing", method="ivr_dtmf")
    world.register("tx-1", ada)
    world.search("tx-1")
    world.register("tx-1", bob)
    [(_, parts)] = world.opened("stop")
    assert [each["code"] for each in parts["decision.0"]["reasons"]] == ["PURPOSE_MISMATCH"]


def test_thirteenth_person_stops_the_task(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    others = [consenting(world, str(n)) for n in range(12)]
    world.register("tx-1", *others)
    [(_, parts)] = world.opened("stop")
    assert [each["code"] for each in parts["decision.0"]["reasons"]] == ["TOO_MANY_SPEAKERS"]


def test_packs_that_cannot_be_used_stop_the_task(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.search("tx-1")

    def unusable(*_: Any, **__: Any) -> None:
        raise PackInvalid("broken")

    monkeypatch.setattr(judge, "merge", unusable)
    world.register("tx-1", consenting(world, "bob"))
    [(_, parts)] = world.opened("stop")
    assert [each["code"] for each in parts["decision.0"]["reasons"]] == ["PACKS_UNUSABLE"]


def test_registration_that_fails_writes_no_order(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    gate = world.gate._parts.gate

    bob = Registration(call="transaction/tx-1", legs={"Caller": [world.caller("bob")]})

    def work(connection: Any) -> None:
        joined = join(gate, connection, bob, leg_of)
        assert joined is not None
        assert len(joined.stops) == 1
        raise Unavailable("gone")

    with pytest.raises(Unavailable):
        gate.database.write(work)
    assert world.opened("stop") == []
    assert len(world.opened("call")) == 1


def test_withdrawal_stops_the_running_task_at_once(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.ivr.withdraw(ada, method="ivr_dtmf")
    assert (stopped(world), world.gate.open_stops()) == (1, ())


def test_compromised_key_stops_what_runs_on_its_grants_at_once(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    compromised = world.gate.compromise_key(ISS, since=world.clock())
    [(intent, _)] = world.opened("intent")
    assert compromised.stops == (str(intent.id),)
    assert (stopped(world), world.gate.open_stops()) == (1, ())


def test_stop_that_the_vendor_does_not_confirm_stays_open_until_it_does(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.server.script.fail("StopSpeakerSearchTask", error="ForbiddenException", times=2)
    world.ivr.withdraw(ada, method="ivr_dtmf")
    [order] = world.gate.open_stops()
    [(intent, _)] = world.opened("intent")
    assert (order.intent, order.tried) == (intent.id, True)
    assert order.until == intent.at + timedelta(hours=24)
    # Each try is on record, with what the vendor said.
    [again] = world.gate.carry_out_stops()
    assert (again.entry, again.tries, again.said) == (order.entry, 2, "ForbiddenException")
    assert world.gate.carry_out_stops() == ()
    noted = [(row.end, parts["exchange.0"]["said"]) for row, parts in world.opened("observation")]
    assert noted == [("unknown", "ForbiddenException")] * 2 + [("succeeded", "stopped")]


def test_order_is_open_no_longer_than_its_task_can_run(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.server.script.fail("StopSpeakerSearchTask", error="ForbiddenException", times=None)
    world.ivr.withdraw(ada, method="ivr_dtmf")
    world.clock.advance(timedelta(hours=23, minutes=59))
    assert len(world.gate.open_stops()) == 1
    world.clock.advance(timedelta(minutes=1))
    assert world.gate.open_stops() == ()


def test_process_without_a_client_leaves_the_order_to_one_that_has(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    settings = world.gate._parts.settings
    with ConsentGate(settings, clock=world.clock, background=False) as other:
        other.register_call("tx-1", caller=[world.caller("bob")])
        assert [each.tried for each in other.open_stops()] == [False]
        assert len(other.carry_out_stops()) == 1
        # A client that nobody holds any more stops nothing.
        other.protect(world.server.client()).close()
    assert stopped(world) == 0
    assert world.gate.carry_out_stops() == ()
    assert stopped(world) == 1


def test_client_of_another_region_stops_nothing(world: World, ada: Speaker) -> None:
    settings = {**client_settings(world.server.url), "region_name": "eu-central-1"}
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        client = other.protect(boto3.client("chime-sdk-voice", **settings))
        world.search("tx-1")
        other.register_call("tx-1", caller=[world.caller("bob")])
        assert [each.tried for each in other.open_stops()] == [False]
        client.close()
    assert stopped(world) == 0


def test_database_that_fails_after_the_withdrawal_leaves_the_order_open(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.search("tx-1")

    def gone(*_: Any, **__: Any) -> None:
        raise Unavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr("consentgate.gate.stopping.orders.open_orders", gone)
        assert world.ivr.withdraw(ada, method="ivr_dtmf").stops
    assert len(world.gate.open_stops()) == 1


def test_damaged_record_of_the_task_leaves_the_order_open(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.search("tx-1")

    def damaged(*_: Any, **__: Any) -> None:
        raise Malformed("damaged")

    monkeypatch.setattr("consentgate.gate.orders.open_parts", damaged)
    world.ivr.withdraw(ada, method="ivr_dtmf")
    assert [each.tried for each in world.gate.open_stops()] == [False]
    assert stopped(world) == 0


def test_task_is_stopped_also_where_nobody_is_left_to_note_it_under(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.search("tx-1")
    vault = world.gate._parts.book.vault
    keys, asked = vault.data_keys, [0]

    def until_erased(connection: Any, wanted: Any) -> dict[Any, bytes]:
        asked[0] += stopped(world)
        return {} if asked[0] else keys(connection, wanted)

    monkeypatch.setattr(vault, "data_keys", until_erased)
    world.ivr.withdraw(ada, method="ivr_dtmf")
    assert stopped(world) == 1
    monkeypatch.undo()
    assert world.opened("observation") == []


def test_order_under_way_is_left_to_the_outcome(world: World, ada: Speaker) -> None:
    seen: list[tuple[int, int]] = []

    def join_and_look() -> None:
        world.register("tx-1", world.caller("bob"))
        seen.append((len(world.gate.carry_out_stops()), stopped(world)))

    while_sending(world, join_and_look)
    with pytest.raises(ConsentWithdrawn):
        world.search("tx-1")
    assert seen == [(1, 0)]
    assert stopped(world) == 1


def test_request_that_was_never_sent_leaves_no_order_open(world: World, ada: Speaker) -> None:
    def join_and_stay_away() -> None:
        world.register("tx-1", world.caller("bob"))
        world.clock.advance(timedelta(seconds=6))

    during_the_request(world, join_and_stay_away)
    with pytest.raises(ConsentDenied):
        world.search("tx-1")
    assert (world.ends(), len(world.opened("stop")), world.gate.open_stops()) == (["not_sent"], 1, ())


def test_whoever_joins_at_any_moment_no_task_runs_on(world: World) -> None:
    for number in range(8):
        transaction, ada = f"race-{number}", consenting(world, f"ada-{number}")
        world.register(transaction, ada)
        start = threading.Barrier(2)

        def join_in(transaction: str = transaction, start: threading.Barrier = start) -> None:
            start.wait()
            world.register(transaction, world.caller("bob"))

        thread = threading.Thread(target=join_in)
        thread.start()
        start.wait()
        with suppress(ConsentDenied, ConsentWithdrawn):
            world.search(transaction)
        thread.join()
    started = len([end for end in world.ends() if end == "succeeded"])
    assert stopped(world) >= started
    assert len(world.opened("stop")) >= started
    assert world.gate.open_stops() == ()


def test_leg_of_a_stored_request_that_nobody_can_read_is_both() -> None:

    known = {
        "service": "chime-sdk-voice",
        "operation": "StartSpeakerSearchTask",
        "method": "POST",
        "path": "/voice-connectors/vc/speaker-search-tasks",
        "query": "",
    }
    caller = "eyJUcmFuc2FjdGlvbklkIjoidCIsIkNhbGxMZWciOiJDYWxsZXIifQ"
    assert leg_of({**known, "body": caller}) == "Caller"
    assert leg_of({**known, "body": "!"}) is None
    assert leg_of({**known, "body": 5}) is None
    assert leg_of({**known, "operation": "CreateVoiceProfile", "body": caller}) is None
    assert leg_of({}) is None


def test_why_a_task_was_stopped_reads_as_a_reason(world: World, ada: Speaker) -> None:
    world.search("tx-1")
    world.gate.register_call("tx-1", caller=[world.caller("bob")], callee=NOBODY)
    [(_, parts)] = world.opened("stop")
    [why] = [reason_from(each) for each in parts["decision.0"]["reasons"]]
    assert (why.code, why.speaker, why.sentence) == (
        "NO_CONSENT",
        "Caller 2",
        reason("NO_CONSENT").sentence,
    )
