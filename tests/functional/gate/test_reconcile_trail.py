"""CloudTrail beside the ledger: it says how requests ended, and which calls passed the gate by; it invents nothing.

On SQLite alone: it is about what the records say; what is written goes the way of test_reconcile.py.
"""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from consentgate import VendorRequest
from consentgate.aws import trailing
from consentgate.errors import InvalidInput
from consentgate.testing.cloudtrail import ACCESS_KEY, Record, record_of, trail_file, ungated_search
from consentgate.testing.events import search_event
from tests.functional.gate.conftest import CONNECTOR, World
from tests.functional.gate.reconciling import caller_of, died, finals, later, only
from tests.functional.gate.test_erasure import erase
from tests.functional.gate.test_reconcile_ends import subject_of

Trail = Callable[..., list[Path]]
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    """Write records into a file."""

    def write(*records: Record) -> list[Path]:
        path = tmp_path / "trail.json"
        path.write_bytes(trail_file(*records))
        return [path]

    return write


def last(world: World, **members: Any) -> Record:
    """The record of the newest request."""
    return record_of(world.server.requests[-1], **members)


def without_token(record: Record) -> Record:
    """The same, with the token blacked out."""
    return {**record, "requestParameters": {**record["requestParameters"], "clientRequestToken": HIDDEN}}


def test_what_it_shows_as_done_succeeded(world: World, trail: Trail) -> None:
    caller_of(world)
    intent, task = died(world)
    record = last(world, made=task)
    done = later(world, cloudtrail=trail(record))
    closed = only(done)
    assert (closed.intent, closed.end, closed.by, closed.because) == (
        intent,
        "succeeded",
        "cloudtrail",
        "trail",
    )
    assert (done.ungated, done.events) == ((), 1)
    told = world.exchange("outcome")
    assert (told["task"], told["request_id"]) == (task, record["requestID"])
    assert told["reconciled"]["events"] == [record["eventID"]]
    assert world.gate.poll(task).task == task
    stored = json.dumps([parts for _, parts in world.opened("outcome")])
    assert ACCESS_KEY not in stored
    assert "192.0.2" not in stored
    assert "assumed-role" not in stored


@pytest.mark.parametrize(
    ("error", "end", "because"),
    [
        ("ForbiddenException", "rejected", "trail"),
        ("AccessDenied", "rejected", "trail"),
        ("ServiceFailureException", "undetermined", "unclear"),
        ("ConflictException", "undetermined", "unclear"),
        ("ThrottledClientException", "undetermined", "unclear"),
        ("an odd\nword", "undetermined", "unclear"),
    ],
)
def test_only_a_definite_refusal_is_one(
    world: World, trail: Trail, error: str, end: str, because: str
) -> None:
    caller_of(world)
    died(world)
    closed = only(later(world, cloudtrail=trail(last(world, error=error))))
    assert (closed.end, closed.because) == (end, because)
    assert "\n" not in closed.why
    assert ("an error" if "\n" in error else error) in closed.why


def test_a_refusal_among_answers_that_settle_nothing_settles_nothing(world: World, trail: Trail) -> None:
    caller_of(world)
    died(world)
    records = [last(world, error=code) for code in ("ServiceUnavailableException", "ForbiddenException")]
    assert only(later(world, cloudtrail=trail(*records))).end == "undetermined"


def test_one_attempt_that_was_done_is_enough(world: World, trail: Trail) -> None:
    caller_of(world)
    _, task = died(world)
    records = [last(world, error="ServiceUnavailableException"), last(world, made=task)]
    assert only(later(world, cloudtrail=trail(*records, records[1]))).end == "succeeded"
    assert len(world.exchange("outcome")["reconciled"]["events"]) == 2


def test_what_was_accepted_without_a_name_is_undetermined(world: World, trail: Trail) -> None:
    caller_of(world)
    died(world)
    closed = only(later(world, cloudtrail=trail(last(world))))
    assert (closed.end, closed.because) == ("undetermined", "unnamed")


def test_a_notification_and_the_trail_agree_on_one_outcome(world: World, trail: Trail) -> None:
    caller_of(world)
    _, task = died(world)
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    closed = only(later(world, cloudtrail=trail(last(world, made=task))))
    assert (closed.end, closed.by) == ("succeeded", "notification")


@pytest.mark.parametrize(
    "change",
    [
        {"awsRegion": "eu-central-1"},
        {"eventTime": "2026-11-22T11:58:59Z"},
        {"eventTime": "2026-11-22T14:00:00Z"},
        {"eventName": "StartVoiceToneAnalysisTask"},
        {"requestParameters": {"clientRequestToken": "cg-1", "voiceConnectorId": CONNECTOR, "transactionId": "tx-1"}},
        {"requestParameters": {"clientRequestToken": "cg-01a20320-a200-7000-8000-000000000000"}},
        {"requestParameters": {"identifier": "pipe"}},
        {"requestParameters": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_call_that_is_not_ours_closes_nothing_and_passed_by(
    world: World, trail: Trail, change: Record
) -> None:
    caller_of(world)
    died(world)
    record = {**last(world, made="task-of-nobody"), **change}
    done = later(world, cloudtrail=trail(record))
    assert only(done).end == "undetermined"
    (found,) = done.ungated
    assert (found.event, found.operation, found.unclear) == (record["eventID"], record["eventName"], False)
    assert (found.principal, found.error) == ("AssumedRole", None)
    assert (found.region, found.at.isoformat()[:10]) == (record["awsRegion"], "2026-11-22")


def test_a_token_that_is_blacked_out_leaves_what_was_asked(world: World, trail: Trail) -> None:
    caller_of(world)
    intent, task = died(world)
    record = without_token(last(world, made=task))
    other = {
        **record,
        "requestParameters": {**record["requestParameters"], "callLeg": "Callee"},
        "eventID": "x",
    }
    done = later(world, cloudtrail=trail(record, other))
    assert (only(done).intent, done.closed[0].end) == (intent, "succeeded")
    assert [each.event for each in done.ungated] == ["x"]


def test_a_token_of_the_backends_own_is_one_too(world: World, trail: Trail) -> None:
    caller_of(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.gate._door, "finish", lambda *_: None)
        world.search("tx-1", ClientRequestToken="mine-1")
    assert only(later(world, cloudtrail=trail(last(world, made="task-1")))).end == "succeeded"


def test_what_may_be_of_several_settles_none(world: World, trail: Trail) -> None:
    caller_of(world)
    died(world)
    record = without_token(last(world, made="task-1"))
    world.server.script.answer(b"{}")
    world.search("tx-1")
    done = later(world, cloudtrail=trail(record))
    assert [(each.end, each.because) for each in done.closed] == [("undetermined", "several")] * 2
    assert done.ungated == ()


@pytest.mark.parametrize("known_by", ["task", "request"])
def test_what_an_outcome_names_is_of_that_one(world: World, trail: Trail, known_by: str) -> None:
    caller_of(world)
    died(world)
    task = finished(world)
    told = world.exchange("outcome")
    record = without_token(
        last(world, made=task if known_by == "task" else None, requestID=told["request_id"])
    )
    if known_by == "task":
        record["requestID"] = "another"
    done = later(world, cloudtrail=trail(record))
    assert only(done).because == "no_answer"
    assert done.ungated == ()


def finished(world: World) -> str:
    """Search again on the same call, and see it end well; the server itself takes one task for a call."""
    world.server.script.answer(
        json.dumps({"SpeakerSearchTask": {"SpeakerSearchTaskId": "task-2"}}).encode(),
        status=201,
        headers={"Content-Type": "application/json", "x-amzn-RequestId": "request-2"},
    )
    world.search("tx-1")
    return "task-2"


def test_another_task_than_the_outcome_names_passed_by(world: World, trail: Trail) -> None:
    caller_of(world)
    world.search("tx-1")
    done = later(world, cloudtrail=trail(without_token(last(world, made="task-of-nobody"))))
    assert [each.operation for each in done.ungated] == ["StartSpeakerSearchTask"]


def test_what_the_gate_did_and_recorded_is_no_finding(world: World, trail: Trail) -> None:
    caller_of(world)
    task = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    entries = len(world.opened("outcome", "observation"))
    done = later(world, cloudtrail=trail(last(world, made=task)))
    assert (done.closed, done.late, done.ungated, done.events) == ((), (), (), 1)
    assert len(world.opened("outcome", "observation")) == entries


def test_what_comes_after_an_undetermined_end_is_kept_beside_it_once(world: World, trail: Trail) -> None:
    caller = caller_of(world)
    intent, task = died(world)
    record = last(world, made=task)
    assert only(later(world)).end == "undetermined"
    world.ivr.withdraw(caller, method="ivr_dtmf")
    done = world.gate.reconcile(cloudtrail=trail(record))
    (late,) = done.late
    assert (late.intent, late.was, late.end, late.fresh) == (intent, "undetermined", "succeeded", True)
    assert (late.contradicts, late.stops) == (False, "stopped")
    assert world.server.requests[-1].operation == "StopSpeakerSearchTask"
    assert finals(world) == ["undetermined"]
    assert world.gate.open_stops() == ()
    (again,) = world.gate.reconcile(cloudtrail=trail(record)).late
    assert (again.fresh, again.entry) == (False, late.entry)
    assert world.gate.poll(task).task == task


def test_an_outcome_that_the_trail_contradicts_is_found(world: World, trail: Trail) -> None:
    caller_of(world)
    world.server.script.fail(error="ForbiddenException")
    with pytest.raises(ClientError):
        world.search("tx-1")
    (late,) = world.gate.reconcile(cloudtrail=trail(last(world, made="task-1"))).late
    assert (late.was, late.contradicts, late.end) == ("rejected", True, "succeeded")
    # The other way round nothing is said: the record of another attempt may not have come yet.
    assert world.gate.reconcile(cloudtrail=trail(last(world, error="GoneException"))).late == ()


def test_near_an_intent_that_nobody_can_read_a_call_is_not_judged_for_sure(
    world: World, trail: Trail
) -> None:
    caller_of(world)
    died(world)
    mine = last(world, made="task-1")
    erase(world, (subject_of(world, "1001"),), ())
    done = later(
        world,
        cloudtrail=trail(mine, ungated_search(at=world.clock()), without_token(mine) | {"eventID": "y"}),
    )
    assert [each.unclear for each in done.ungated] == [True, True]
    assert mine["eventID"] not in {each.event for each in done.ungated}


def test_an_intent_that_is_damaged_is_as_one_that_nobody_can_read(world: World, trail: Trail) -> None:
    caller_of(world)
    intent, _ = died(world)
    mine = last(world, made="task-1")
    with world.raw() as raw:
        raw.unguarded("UPDATE entry SET parts = ? WHERE id = ?", ("x", intent.bytes))
    done = later(world, cloudtrail=trail(mine))
    assert ([each.intent for each in done.stuck], done.ungated) == ([intent], ())


def test_a_token_that_looks_like_one_of_ours_passed_by(world: World, trail: Trail) -> None:
    done = later(world, cloudtrail=trail(ungated_search(requestParameters={"clientRequestToken": "cg-none"})))
    assert len(done.ungated) == 1


def test_a_token_that_names_no_intent_passed_by(world: World, trail: Trail) -> None:
    caller_of(world)
    world.search("tx-1")
    statement = world.opened("statement")[0][0].id
    asked = {"clientRequestToken": f"cg-{statement}", "voiceConnectorId": CONNECTOR}
    done = later(world, cloudtrail=trail({**last(world), "requestParameters": asked}))
    assert len(done.ungated) == 1


def test_files_folders_and_many_events_are_gone_through(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trailing, "_AT_ONCE", 2)
    monkeypatch.setattr(trailing, "_PAGE", 1)
    tasks = []
    for number in range(3):
        caller_of(world, str(number), f"tx-{number}")
        tasks.append(died(world, f"tx-{number}")[1])
    sent = [each for each in world.server.requests if each.operation == "StartSpeakerSearchTask"]
    records = [without_token(record_of(each, made=task)) for each, task in zip(sent, tasks, strict=True)]
    folder = tmp_path / "AWSLogs" / "2026"
    folder.mkdir(parents=True)
    (folder / "1.json.gz").write_bytes(gzip.compress(trail_file(*records[:2])))
    (folder / "2.json").write_bytes(trail_file(records[2], ungated_search(), {"eventSource": "s3"}))
    (folder / "digest.txt").write_text("x")
    done = later(world, cloudtrail=[tmp_path / "AWSLogs"])
    assert ([each.end for each in done.closed], len(done.ungated), done.events) == (["succeeded"] * 3, 1, 4)


def test_a_bad_file_closes_nothing(world: World, tmp_path: Path, trail: Trail) -> None:
    caller_of(world)
    _, task = died(world)
    (tmp_path / "bad.json").write_bytes(trail_file(ungated_search())[:-1])
    world.clock.advance(timedelta(hours=1))
    with pytest.raises(InvalidInput, match=r"bad\.json is no file of CloudTrail"):
        world.gate.reconcile(cloudtrail=[*trail(last(world, made=task)), tmp_path / "bad.json"])
    assert world.ends() == []


def test_guarded_blocks_are_not_taken_for_calls_of_the_vendor(world: World, trail: Trail) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    request = VendorRequest(url="https://voice.acme.example/v1", body={"audio": "s-1"}, country="US")
    with world.gate.guarded(
        "search", caller, request, purpose="authentication", recording_consent="all_parties"
    ) as permit:
        permit.failed(sent=False)
    assert len(later(world, cloudtrail=trail(ungated_search())).ungated) == 1
