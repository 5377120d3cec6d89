"""What a request started is found by the vendor's id, and lost links are found by verification."""

from uuid import UUID

import pytest

from consentgate import canonical
from consentgate.config.verification import verify_deployment
from consentgate.consent.reference import Reference
from consentgate.errors import Malformed
from consentgate.ledger.tasks import TaskRecord, find_task
from tests.functional.gate.conftest import World
from tests.functional.log.place import sequence_once

VOICE = "chime-sdk-voice"
OTHER = "chime-sdk-media-pipelines"


def found(world: World, task: str, service: str = VOICE) -> TaskRecord | None:
    parts = world.gate._parts
    with parts.database.read() as connection:
        return find_task(connection, parts.book, service, task)


@pytest.fixture
def task(world: World) -> str:
    """A search for two people of one leg."""
    for number in ("1001", "2002"):
        world.ivr.grant(world.caller(number), notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", world.caller("1001"), world.caller("2002"))
    started: str = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return started


def test_task_is_found_by_its_id_with_whom_it_is_about(world: World, task: str) -> None:
    record = found(world, task)
    assert record is not None
    (intent, _), (outcome, _) = world.opened("intent")[-1], world.opened("outcome")[-1]
    assert (record.intent.id, record.intent.h, record.ordinal) == (intent.id, intent.hash, intent.ordinal)
    assert (record.outcome, record.end, record.started_at) == (outcome.id, "succeeded", outcome.at)
    assert (record.service, record.operation, record.region) == (VOICE, "StartSpeakerSearchTask", "us-east-1")
    assert record.call == "transaction/tx-1"
    assert record.call_subject is not None
    assert [each[0] for each in record.speakers] == [
        Reference(kind="customer", value="1001"),
        Reference(kind="customer", value="2002"),
    ]
    assert {owner.id for owner in record.owners} == record.about
    assert not record.erased


def test_other_ids_and_other_services_find_nothing(world: World, task: str) -> None:
    assert found(world, task.upper()) is None
    assert found(world, task, OTHER) is None
    assert found(world, "\ud800") is None


def test_refused_search_has_no_link_but_to_its_people(world: World, task: str) -> None:
    world.server.script.fail(error="NotFoundException")
    with pytest.raises(world.client.exceptions.NotFoundException):
        world.search("tx-1", CallLeg="Caller")
    refused, _ = world.opened("outcome")[-1]
    with world.raw() as raw:
        links = list(raw.execute("SELECT subject FROM entry_subject WHERE entry = ?", (refused.id.bytes,)))
    assert (refused.end, len(links)) == ("rejected", 2)


def test_same_answer_twice_finds_the_first_request(world: World, task: str) -> None:
    first = found(world, task)
    world.register("tx-2", world.caller("1001"))
    world.server.script.answer(canonical.encode({"SpeakerSearchTask": {"SpeakerSearchTaskId": task}}))
    world.search("tx-2")
    assert first == found(world, task)


def test_erased_people_leave_what_the_others_have(world: World, task: str) -> None:
    record = found(world, task)
    assert record is not None
    erase(world, record.owners[0].id)
    left = found(world, task)
    assert left is not None
    assert (left.owners, left.erased) == (record.owners[1:], True)
    assert [each[0].value for each in left.speakers] == ["2002"]
    erase(world, record.owners[1].id)
    assert found(world, task) is None


def test_lost_link_of_a_task_is_found_by_verification(world: World, task: str) -> None:
    record = found(world, task)
    assert record is not None
    assert links_lost(world) == []
    with world.raw() as raw:
        raw.execute(
            "DELETE FROM entry_subject WHERE entry = ? AND subject NOT IN (SELECT subject FROM data_key)",
            (record.outcome.bytes,),
        )
    assert links_lost(world) == [f"entry {record.outcome}, part exchange.0, task"]


def test_intent_that_cannot_be_read_is_said_to_be_so(world: World, task: str) -> None:
    record = found(world, task)
    assert record is not None
    with world.raw() as raw:
        raw.unguarded("DELETE FROM entry WHERE id = ?", (record.intent.id.bytes,))
    with pytest.raises(Malformed, match="verify"):
        found(world, task)


def erase(world: World, subject: UUID) -> None:
    with world.raw() as raw:
        for table in ("data_key", "subject_ref", "entry_subject"):
            raw.execute(f"DELETE FROM {table} WHERE subject = ?", (subject.bytes,))


def links_lost(world: World) -> list[str]:
    sequence_once(world.gate._parts.database)
    done = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    return [each.where for each in done.verification.findings if each.kind == "link_missing"]
