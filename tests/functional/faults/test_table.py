"""Every row of the fault table, executed with real parts, and the page that is written from it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from consentgate.aws.asking import intent_of_token
from consentgate.config.settings import load_settings
from consentgate.config.upkeep import keep_log
from consentgate.config.verification import verify_deployment
from tests.functional.faults.keyservice import ANSWER_SECONDS, ATTEMPTS
from tests.functional.faults.moments import MOMENTS
from tests.functional.faults.place import Place, place_at
from tests.functional.faults.runner import Seen, killed, opening, run, service_place
from tests.functional.faults.table import (
    DISK,
    FAULTS,
    HOWS,
    NEVER,
    OPENING,
    PARTS,
    PG,
    PROCESS,
    ROWS,
    SERVICE,
    SPOOLING,
    VENDOR,
    Never,
    Result,
    Row,
    rows_of,
)
from tests.tools.faults_page import PAGE, rendered

# Most of it is waiting for what never comes.
pytestmark = pytest.mark.timeout(600)

# The times that a call is configured with, and as much again for a machine with other things to do.
WITHIN: Final = 10.0
# The key service is waited for by its own client alone, and asked for nothing more once it did not answer.
ONE_QUESTION: Final = ATTEMPTS * 2 * ANSWER_SECONDS


@contextmanager
def place_of(part: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """What a part's rows are done on."""
    if part == SERVICE:
        with service_place(folder) as place:
            yield place
        return
    behind = request.getfixturevalue("behind") if part == PG else None
    with place_at(folder, behind=behind, spool=part in (SPOOLING, DISK)) as place:
        yield place


def seen(place: Place, part: str, fault: str, moment: str) -> Seen:
    begin = HOWS[part, fault].begin
    if begin is None:
        return killed(place, moment)
    if moment == OPENING:
        return opening(place, begin)
    return run(place, moment, begin, own=part == PROCESS)


def require_sound(place: Place) -> None:
    """Sequence, sign and verify: of whatever ended badly, nothing is broken, and nothing left without an intent."""
    settings = load_settings(place.home)
    assert keep_log(settings) is None
    verified = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None).verification
    assert [level for level in verified.levels if level.verdict not in ("holds", "incomplete")] == []
    assert {finding.kind for finding in verified.findings} <= {"open"}, verified.findings


def require_explained(place: Place) -> None:
    """Reconcile: then each intent has one final outcome, and each request had an intent."""
    for each in (place.clock, place.database_clock):
        each.advance(timedelta(days=1))
    place.gate.reconcile()
    rows = place.written()
    intents = {UUID(bytes=bytes(id_)) for _, kind, _, id_, _ in rows if kind == "intent"}
    ended = Counter(UUID(bytes=bytes(re)) for _, kind, _, _, re in rows if kind == "outcome")
    assert ended == dict.fromkeys(intents, 1)
    sent = [each for each in place.server.requests if each.operation == "StartSpeakerSearchTask"]
    assert {intent_of_token(json.loads(each.body)["ClientRequestToken"]) for each in sent} <= intents


@pytest.mark.parametrize(
    "part", [pytest.param(each, marks=pytest.mark.postgres) if each == PG else each for each in PARTS]
)
def test_every_row_comes_out_as_the_table_says(
    part: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    wrong: list[str] = []
    with ExitStack() as stack:
        place = stack.enter_context(place_of(part, tmp_path, request))
        place.search()
        for fault, moment, result in rows_of(part):
            if part == VENDOR:
                # botocore's own allowance of retries is the client's, and is used up.
                place.renew()
            if part == PG:
                # Connections are there again: what is lost is lost on them, and not while they come about.
                assert run(place, "before 1", lambda _: None).caller == "answer"
            came = seen(place, part, fault, moment)
            within = ONE_QUESTION + 3 if part == SERVICE else WITHIN
            if (came.wire, came.written, came.caller, came.later) != _told(result) or came.seconds > within:
                wrong.append(f"{fault}, {moment}: {came}, not {result}")
        assert wrong == [], "\n".join(wrong)
        assert run(place, "before 1", lambda _: None).written == ("intent", "outcome succeeded")
        require_explained(place)
        require_sound(place)


def _told(result: Result) -> tuple[tuple[str, ...], tuple[str, ...], str, tuple[str, ...]]:
    return result.wire, result.written, result.caller, result.later


def test_page_is_written_from_the_table() -> None:
    assert PAGE.read_text("utf-8") == rendered(), (
        "run python -m tests.tools.faults_page, and read the difference"
    )


def test_every_combination_is_a_row_or_has_a_reason() -> None:
    both: tuple[Row | Never, ...] = (*ROWS, *NEVER)
    every = [(row.part, row.fault, moment) for row in both for moment in row.moments if moment != OPENING]
    assert [each for each, times in Counter(every).items() if times > 1] == []
    assert set(every) == {(part, fault, moment) for part in PARTS for fault in FAULTS for moment in MOMENTS}


def test_nothing_leaves_without_an_intent_and_nothing_is_lost_in_any_row() -> None:
    for row in ROWS:
        result = row.result
        assert "start" not in result.wire or "intent" in result.written, row
        ends = [each for each in (*result.written, *result.later) if each.startswith("outcome")]
        assert len(ends) <= 1, row
        # Who gets an answer has its outcome on record, or in the spool.
        assert result.caller != "answer" or ends == ["outcome succeeded"], row
