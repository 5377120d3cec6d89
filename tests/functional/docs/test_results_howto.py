"""The page on results does what it says, and the examples that it names run."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from consentgate import ConsentGate
from consentgate.aws.linking import Bypass, Fate
from consentgate.config.setup import make_home
from consentgate.ledger import retention
from consentgate.ledger.progress import CALL_OVER, ENDED
from consentgate.moment import system_clock
from consentgate.testing import events
from consentgate.testing.chime import ChimeServer
from examples import quickstart, results_lambda, results_sqs
from tests.functional.docs.pages import blocks, rows, text_of

PAGE = text_of("docs/howto/results.md")
HANDLER, POLL = blocks(PAGE, "python")


def test_the_handler_of_the_page_takes_batches_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_database: None, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_home(tmp_path / "home", controller="acme", purposes={"search": "authentication"})
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "home"))
    alarms: list[str] = []
    names: dict[str, Any] = {"alarm": alarms.append}
    with ChimeServer() as server, ConsentGate(made.settings) as gate:
        client = gate.protect(server.client())
        said = quickstart.answer(gate, quickstart.set_up(gate), client, "tx-1", pressed="1")
        task = said.rpartition(" ")[2]
        exec(HANDLER, names)
        foreign = events.search_event("task-of-nobody", "IdentificationFailure")
        batch = events.in_sqs(foreign, events.search_event(task, "IdentificationFailure", at=system_clock()))
        for _ in range(2):
            answer = names["handler"](json.loads(json.dumps(batch)))
            assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert alarms == ["a task at the vendor that the gate does not know"] * 2
        names["gate"].close()
        exec(POLL, {"gate": gate, "task_id": task})
        assert capsys.readouterr().out == "IdentificationFailure False\n"
        client.close()


def test_every_fate_and_every_bypass_stands_on_the_page() -> None:
    assert [row[0] for row in rows(PAGE, "| fate | means | do |")] == [f"`{fate}`" for fate in get_args(Fate)]
    for what in get_args(Bypass.__annotations__["what"]):
        assert f"`{what}`" in PAGE


def test_every_end_stands_on_the_page() -> None:
    section = PAGE.partition("## When a task has ended")[2].partition("##")[0]
    for status in ENDED - {"Failed", "Stopped"}:
        assert f"`{status}`" in section
    assert "the summary after the call" in section
    assert CALL_OVER not in ENDED


def test_the_times_of_the_page_are_those_that_are_reckoned_with() -> None:
    section = PAGE.partition("## What the vendor holds")[2]
    hours = int(retention.EMBEDDING.total_seconds() // 3600)
    assert f"{hours} hours" in section
    assert f"{retention.RESULTS.days} days" in section
    assert f"{retention.PROFILE_YEARS} years" in section


def test_the_example_of_a_function_runs(capsys: pytest.CaptureFixture[str]) -> None:
    results_lambda.main()
    assert capsys.readouterr().out.splitlines() == [
        "ALARM: a task at the vendor that the gate does not know",
        "first: {'batchItemFailures': [{'itemIdentifier': 'message-1'}]}",
        "again: {'batchItemFailures': []}",
        "the task is SUCCEEDED",
    ]


def test_the_example_of_a_queue_runs(capsys: pytest.CaptureFixture[str]) -> None:
    results_sqs.main()
    assert capsys.readouterr().out.splitlines() == [
        "done with 3",
        "done with 0 - left in the queue: no notification at all",
    ]
