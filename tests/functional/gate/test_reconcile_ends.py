"""How each sort of intent is closed, and what is left of those of whom nobody is left.

On SQLite alone: what happens in the database stands in test_reconcile.py, which runs on both.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Connection

from consentgate import ConsentGate, VendorRequest
from consentgate.config.verification import verify_deployment
from consentgate.errors import InvalidInput, Unavailable
from consentgate.gate.polling import Looks
from consentgate.gate.progress import Progress
from consentgate.gate.request import Started
from consentgate.ledger.book import Content
from consentgate.testing.events import post_call_event, search_event
from consentgate.testing.tasks import RUNNING
from tests.functional.gate.conftest import NOTICE, World
from tests.functional.gate.reconciling import caller_of, died, finals, later, only
from tests.functional.gate.test_erasure import erase
from tests.functional.log.place import sequence_once


def operations(world: World) -> list[str | None]:
    return [each.operation for each in world.server.requests]


def test_an_answer_that_left_the_end_open_is_named(world: World) -> None:
    caller_of(world)
    world.server.script.fail(error="ServiceFailureException", times=None)
    with pytest.raises(ClientError):
        world.search("tx-1")
    request_id = world.exchange("observation").get("request_id")
    closed = only(later(world))
    assert (closed.end, closed.because) == ("undetermined", "open_answer")
    assert "ServiceFailureException" in closed.why
    told = world.exchange("outcome")
    assert (told["error"], told.get("request_id")) == ("ServiceFailureException", request_id)


def test_an_answer_that_nobody_can_read_is_one_too(world: World) -> None:
    caller_of(world)
    world.server.script.answer(b"{}", status=200)
    world.search("tx-1")
    closed = only(later(world))
    assert (closed.because, "an answer without a meaning" in closed.why) == ("open_answer", True)
    assert "error" not in world.exchange("outcome")


def test_the_end_of_the_call_tells_nothing_of_the_request(world: World) -> None:
    caller_of(world)
    died(world)
    world.gate.notify(post_call_event("tx-1"))
    assert only(later(world)).end == "undetermined"


def test_what_the_vendor_says_when_asked_is_kept(world: World) -> None:
    caller_of(world)
    _, task = died(world)
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    world.clock.advance(1)
    world.server.finish(task, status=RUNNING)
    assert only(later(world)).end == "succeeded"
    assert operations(world)[-1] == "GetSpeakerSearchTask"
    sources = [parts["exchange.0"]["source"] for _, parts in world.opened("observation")]
    assert sources == ["notification", "poll"]


def test_a_task_that_has_ended_is_not_asked_for(world: World) -> None:
    caller_of(world)
    _, task = died(world)
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    world.gate.notify(post_call_event("tx-1"))
    assert only(later(world)).end == "succeeded"
    assert "GetSpeakerSearchTask" not in operations(world)


class Vendor:
    """A client that answers as a test says."""

    def __init__(self, answer: Progress | None, service: str = "chime-sdk-voice") -> None:
        self.answer = answer
        self.service = service
        self.asked: list[Started] = []
        self.stopped: list[Started] = []

    def serves(self, started: Started) -> bool:
        return started.service == self.service

    def stop(self, started: Started) -> bool:
        self.stopped.append(started)
        return False

    def look(self, started: Started) -> Progress:
        self.asked.append(started)
        if self.answer is None:
            raise Unavailable
        return self.answer


@pytest.mark.parametrize("task", [None, "task-of-another"])
def test_an_answer_that_does_not_help_changes_nothing(world: World, task: str | None) -> None:
    caller_of(world)
    _, mine = died(world)
    world.gate.notify(search_event(mine, "IdentificationNoMatchesFound", transaction="tx-1"))
    answer = Progress(source="poll", status="FAILED", body=b"{}", task=task) if task else None
    vendor = Vendor(answer)
    assert isinstance(vendor, Looks)
    elsewhere = Vendor(None, service="chime-sdk-media-pipelines")
    world.gate._stopping._vendors.clear()
    for each in (elsewhere, vendor):
        world.gate._stopping.take(each)
    assert only(later(world)).end == "succeeded"
    assert ([each.task for each in vendor.asked], elsewhere.asked) == ([mine], [])
    assert len(world.opened("observation")) == 1


def test_a_success_without_a_client_leaves_its_stop_order_open(world: World) -> None:
    caller = caller_of(world)
    _, task = died(world)
    world.ivr.withdraw(caller, method="ivr_dtmf")
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    world.gate._stopping._vendors.clear()
    assert only(later(world)).stops == "open"
    (order,) = world.gate.open_stops()
    assert not order.tried
    # A worker finds the task by the outcome.
    world.gate._stopping.take(vendor := Vendor(None))
    world.gate.carry_out_stops()
    assert [each.task for each in vendor.stopped] == [task]
    assert world.gate.open_stops()[0].tried


def test_an_undetermined_end_leaves_the_stop_order_open(world: World) -> None:
    caller = caller_of(world)
    died(world)
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert only(later(world)).stops == "open"
    assert len(world.gate.open_stops()) == 1


def test_a_request_about_nobody_is_closed_under_the_tenants_own_key(world: World) -> None:
    world.gate.add_notice(
        b"We keep a voiceprint of you.", **{**NOTICE, "id": "enrol", "operations": ["enrol"]}
    )
    key = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.gate._door, "finish", lambda *_: None)
        world.client.create_voice_profile_domain(Name="callers", ServerSideEncryptionConfiguration=key)
    closed = only(later(world))
    assert (closed.end, closed.operation) == ("undetermined", "CreateVoiceProfileDomain")
    told = world.parts("outcome")["body.0"]["exchange"]
    assert told["reconciled"]["because"] == "no_answer"
    assert broken(world) == set()


def broken(world: World) -> set[str]:
    """What verification finds, once the log covers everything."""
    sequence_once(world.gate._parts.database)
    found = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    return {each.kind for each in found.verification.findings} - {"uncovered", "unsequenced"}


def subject_of(world: World, number: str) -> UUID:
    parts = world.gate._parts
    with parts.database.read() as connection:
        (found,) = parts.book.vault.find(connection, world.caller(number).known_as).values()
    return found


def test_a_request_of_which_nobody_is_left_is_closed_after_the_longest_time(world: World) -> None:
    caller_of(world)
    died(world)
    erase(world, (subject_of(world, "1001"),), ())
    (waiting,) = later(world).waiting
    assert (waiting.operation, waiting.until - waiting.asked_at > timedelta(days=1)) == ("", True)
    closed = only(later(world, timedelta(days=1)))
    assert (closed.end, closed.because, closed.operation) == ("undetermined", "erased", "")
    assert world.parts("outcome")["body.0"]["exchange"]["reconciled"]["by"] == "nobody"
    # What erasing by hand leaves behind is all that is found.
    assert broken(world) == {"link_missing"}


def test_who_is_left_keeps_the_place(world: World) -> None:
    one, other = world.caller("1"), world.caller("2")
    for each in (one, other):
        world.ivr.grant(each, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", one, other)
    died(world)
    erase(world, (subject_of(world, "1"),), ())
    assert only(later(world)).end == "undetermined"
    assert [*world.parts("outcome")] == ["exchange.1"]


def test_an_intent_that_is_damaged_stays_open_and_keeps_no_other_from_being_closed(world: World) -> None:
    caller_of(world, "1", "tx-1")
    caller_of(world, "2", "tx-2")
    intent, _ = died(world, "tx-1")
    sound, _ = died(world, "tx-2")
    with world.raw() as raw:
        raw.unguarded("UPDATE entry SET parts = ? WHERE id = ?", ("x", intent.bytes))
    done = later(world)
    assert [each.intent for each in done.stuck] == [intent]
    assert [each.intent for each in done.closed] == [sound]
    assert "consentgate verify" in done.stuck[0].why


def test_an_intent_whose_parts_are_not_those_of_an_intent_stays_open(world: World) -> None:
    book = world.gate._parts.book

    def write(connection: Connection) -> None:
        owner, at = book.vault.ensure(connection, world.caller().known_as[0]), book.now()
        part = Content(name="exchange.0", data_key=owner.data_key, members={})
        book.write(connection, "intent", at, [part], [owner.id], decided_at=at, send_by=at)

    world.gate._parts.database.write(write)
    assert len(later(world).stuck) == 1


def test_what_waits_in_the_spool_comes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(world.gate._parts.settings, spool=world.home / "spool")
    caller_of(world)
    with ConsentGate(settings, clock=world.clock, background=False) as gate:
        client = gate.protect(world.server.client())
        with monkeypatch.context() as patch:
            patch.setattr("consentgate.gate.finish._within_budget", _unavailable)
            replace(world, gate=gate, client=client).search("tx-1")
        world.clock.advance(timedelta(hours=1))
        assert gate.reconcile().closed == ()
        client.close()
    assert finals(world) == ["succeeded"]


def _unavailable(*_: Any) -> Any:
    raise Unavailable


def test_a_guarded_block_that_died_is_closed(world: World) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    request = VendorRequest(url="https://voice.acme.example/v1/identify", body={"audio": "s-1"}, country="US")
    block = world.gate.guarded(
        "search", caller, request, purpose="authentication", recording_consent="all_parties", lasts=30
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.gate._door, "finish", lambda *_: None)
        with block as permit:
            permit.failed(sent=False)
    asked_at = world.clock()
    (waiting,) = world.gate.reconcile().waiting
    assert waiting.until == asked_at + timedelta(seconds=5 + 30 + 2 + 4)
    assert only(later(world)).because == "no_answer"


@pytest.fixture
def many(world: World) -> Iterator[World]:
    """A deployment of which a page of intents holds one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consentgate.gate.reconcile._PAGE", 1)
        yield world


def test_pages_are_gone_through(many: World) -> None:
    for number in range(3):
        caller_of(many, str(number), f"tx-{number}")
        died(many, f"tx-{number}")
    assert [each.end for each in later(many).closed] == ["undetermined"] * 3


def test_a_trail_that_is_no_list_is_refused(world: World) -> None:
    given: Any
    for given in ("trail.json", world.home):
        with pytest.raises(InvalidInput, match="list of files"):
            world.gate.reconcile(cloudtrail=given)
