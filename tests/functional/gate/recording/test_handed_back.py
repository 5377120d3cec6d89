"""An outcome that is durable nowhere: the task is stopped, the caller gets it sealed, and records it later, once."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentGate, OutcomeNotRecorded, canonical
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.entries.leaf import Answer
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.ledger.book import Content
from tests.databases import Elsewhere
from tests.functional.gate.broken import Outage, require_sound
from tests.functional.gate.conftest import World
from tests.functional.gate.recording.place import SEARCH, STOP, lost, only, operations


def test_outcome_that_is_durable_nowhere_stops_the_task_and_is_handed_back(
    hasty: World, outage: Outage
) -> None:
    error = lost(hasty, outage)
    assert operations(hasty) == [SEARCH, STOP]
    assert error.response["SpeakerSearchTask"]["SpeakerSearchTaskId"]  # type: ignore[index]  # boto3's answer
    assert error.entry == str(hasty.opened("intent")[0][0].id)
    assert isinstance(error.__cause__, Unavailable)
    assert hasty.ends() == []


def test_what_was_handed_back_is_recorded_once_by_its_own_id(hasty: World, outage: Outage) -> None:
    error = pickle.loads(pickle.dumps(lost(hasty, outage)))
    first = only(hasty.gate.record(error))
    assert (first.end, first.late, first.fresh, first.stops) == ("succeeded", False, True, "none")
    assert str(first.intent) == error.entry
    again = only(hasty.gate.record(error))
    assert again == replace(first, fresh=False)
    assert hasty.ends() == ["succeeded"]
    assert hasty.opened("outcome")[0][0].id == first.entry
    require_sound(hasty)


def test_recorded_later_it_says_the_same(hasty: World, outage: Outage) -> None:
    hasty.server.script.results(("vp-somebody", 0.93))
    hasty.gate.record(lost(hasty, outage))
    hasty.register("tx-2", hasty.caller())
    hasty.server.script.results(("vp-somebody", 0.93))
    hasty.search("tx-2")
    (late, _), (prompt, _) = hasty.opened("outcome")
    told, said = (parts["exchange.0"] for _, parts in hasty.opened("outcome"))
    assert told.keys() == said.keys()
    assert told["summary"].keys() == said["summary"].keys()
    assert [a.keys() for a in told["attempts"]] == [a.keys() for a in said["attempts"]]
    assert late.re != prompt.re
    assert all("matches.0" in parts for _, parts in hasty.opened("outcome"))


def test_bug_of_ours_in_sealing_still_stops_the_task(
    hasty: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("consentgate.gate.finish.seal_ending", broken)
    assert lost(hasty, outage).record == ""
    assert operations(hasty) == [SEARCH, STOP]


def test_error_shows_nothing_of_the_outcome(hasty: World, outage: Outage) -> None:
    error = lost(hasty, outage)
    shown = f"{error} {error!r} {error.record}"
    task = error.response["SpeakerSearchTask"]["SpeakerSearchTaskId"]  # type: ignore[index]  # boto3's answer
    for secret in (task, "tx-1", "1001", "succeeded", error.entry):
        assert secret not in shown


def test_record_of_another_deployment_is_refused(
    hasty: World, outage: Outage, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    error = lost(hasty, outage)
    with elsewhere():
        made = make_home(tmp_path / "other", controller="acme", clock=hasty.clock)
    with (
        ConsentGate(made.settings, clock=hasty.clock, background=False) as other,
        pytest.raises(Unavailable, match="another deployment"),
    ):
        other.record(error)
    assert only(hasty.gate.record(error)).fresh


def test_outcome_of_an_intent_that_is_not_there_is_refused(
    hasty: World, outage: Outage, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    error = lost(hasty, outage)
    settings = load_settings(hasty.home)
    with elsewhere():
        other = make_home(tmp_path / "other", controller="acme", clock=hasty.clock)
    other.settings.keys.write_bytes(settings.keys.read_bytes())
    with ConsentGate(other.settings, clock=hasty.clock, background=False) as gate:
        with pytest.raises(Malformed):
            gate.record(error)
        assert gate._parts.database is not None
    assert hasty.ends() == []


@pytest.mark.parametrize("index", [0, 40, -3])
def test_record_that_was_changed_is_refused(hasty: World, outage: Outage, index: int) -> None:
    error = lost(hasty, outage)
    text = error.record
    index %= len(text)
    changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
    with pytest.raises((Malformed, Unavailable)):
        hasty.gate.record(OutcomeNotRecorded(None, error.entry, changed))
    assert hasty.ends() == []


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "another"},
        {"hash": canonical.b64(bytes(32))},
        {"copies": []},
        {"copies": [{"subject": "AAAA", "jwe": "x"}]},
        {"copies": [{"subject": canonical.b64(bytes(16)), "jwe": "x"}]},
        {"about": ["AAAA"]},
        {"entry": "1"},
        {"end": "undetermined"},
        {"more": "x"},
    ],
    ids=str,
)
def test_record_that_says_something_else_is_refused(
    hasty: World, outage: Outage, change: dict[str, Any]
) -> None:
    error = lost(hasty, outage)
    envelopes = hasty.gate._parts.gate.envelopes
    told = {**json.loads(envelopes.open(error.record)), **change}
    with pytest.raises(Malformed):
        hasty.gate.record(OutcomeNotRecorded(None, error.entry, envelopes.seal(canonical.encode(told))))
    assert hasty.ends() == []


def test_error_without_a_record_says_so(hasty: World) -> None:
    with pytest.raises(InvalidInput, match="no outcome"):
        hasty.gate.record(OutcomeNotRecorded(None, "x"))
    with pytest.raises(InvalidInput, match=r"\[spool\]"):
        hasty.gate.record()


def test_outcome_that_cannot_even_be_sealed_still_stops_the_task(
    hasty: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> Any:
        raise Unavailable

    custody = hasty.gate._parts.gate.envelopes._custody
    with monkeypatch.context() as patch:
        patch.setattr(custody, "wrap", unreachable)
        error = lost(hasty, outage)
    assert error.record == ""
    assert operations(hasty) == [SEARCH, STOP]


def test_what_is_recorded_after_another_final_outcome_is_an_observation(hasty: World, outage: Outage) -> None:
    error = lost(hasty, outage)
    intent, _ = hasty.opened("intent")[0]
    book = hasty.gate._parts.book

    def close(connection: Any) -> None:
        subject = book.vault.ensure(connection, hasty.caller().first)
        part = Content(name="exchange.0", data_key=subject.data_key, members={"end": "undetermined"})
        answer = Answer(id=intent.id, h=intent.hash)
        book.write(connection, "outcome", book.now(), [part], [subject.id], re=answer, end="undetermined")

    hasty.gate._parts.database.write(close)
    done = only(hasty.gate.record(error))
    assert (done.end, done.late, done.fresh) == ("succeeded", True, True)
    assert hasty.ends() == ["undetermined", "succeeded"]
    assert [row.kind for row, _ in hasty.opened("outcome", "observation")] == ["outcome", "observation"]
    again = only(hasty.gate.record(error))
    assert (again.late, again.fresh) == (True, False)
    require_sound(hasty)


def test_speaker_who_withdrew_meanwhile_is_told_and_stopped(hasty: World, outage: Outage) -> None:
    hasty.server.script.fail(STOP, error="ServiceUnavailableException", times=None)
    error = lost(hasty, outage)
    hasty.ivr.withdraw(hasty.caller(), method="ivr_dtmf")
    reported = only(hasty.gate.record(error))
    assert reported.stops == "open"
    hasty.server.script.clear()
    elsewhere = hasty.server.client()
    stopped = only(hasty.gate.record(error, client=elsewhere))
    elsewhere.close()
    assert (stopped.stops, stopped.fresh) == ("stopped", False)
    seen = len(hasty.server.requests)
    assert only(hasty.gate.record(error)).stops == "stopped"
    assert len(hasty.server.requests) == seen
    require_sound(hasty)
