"""Whatever fails, nothing leaves ungated, and nothing that happened is lost without a word."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate, OutcomeNotRecorded, Speaker
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.entries import leaf as leaves
from consentgate.errors import Misconfigured, SchemaMismatch, Unavailable
from consentgate.ledger.controller import Said, put_assertion
from consentgate.ledger.vault import KEY, month_key
from consentgate.storage import entries
from tests.databases import Kind
from tests.functional.gate.conftest import World


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched on call tx-1."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def failing(*_: Any, **__: Any) -> Any:
    raise Unavailable


def test_database_out_of_reach_denies(world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.gate._parts.database, "write", failing)
    assert world.denial("tx-1") == ["LEDGER_UNAVAILABLE"]
    assert world.searches == 0


def test_outcome_that_cannot_be_written_stops_the_task(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_database(**_: Any) -> None:
        monkeypatch.setattr(world.gate._parts.database, "write", failing)

    world.client.meta.events.register_first("before-send", break_database)
    with pytest.raises(OutcomeNotRecorded) as lost:
        world.search("tx-1")
    assert lost.value.response is not None
    assert [r.operation for r in world.server.requests] == ["StartSpeakerSearchTask", "StopSpeakerSearchTask"]


def test_interrupt_after_the_answer_keeps_it(world: World, caller: Speaker) -> None:
    def interrupt(**_: Any) -> None:
        raise KeyboardInterrupt

    world.client.meta.events.register_first("response-received", interrupt)
    with pytest.raises(KeyboardInterrupt):
        world.search("tx-1")
    assert len(world.opened("intent")) == 1
    assert world.ends() == ["succeeded"]


def test_permit_runs_out(world: World, caller: Speaker) -> None:
    world.client.meta.events.register_first(
        "request-created", lambda **_: world.clock.advance(timedelta(seconds=5))
    )
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    assert [r.code for r in denied.value.reasons] == ["PERMIT_EXPIRED"]
    assert world.searches == 0
    assert world.ends() == ["not_sent"]


def test_permit_runs_out_although_the_wall_clock_stands_still(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(**_: Any) -> None:
        monkeypatch.setattr("consentgate.gate.begin.time", SimpleNamespace(monotonic=lambda: monotonic() + 5))

    world.client.meta.events.register_first("request-created", later)
    assert world.denial("tx-1") == ["PERMIT_EXPIRED"]
    assert world.searches == 0
    assert world.ends() == ["not_sent"]


def test_permit_runs_out_behind_the_last_of_our_handlers(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that was registered after the gate's takes its time: the look before the network sees it."""

    def dawdle(**_: Any) -> None:
        monkeypatch.setattr(
            "consentgate.aws.passage.time", SimpleNamespace(monotonic=lambda: monotonic() + 5)
        )

    world.client.meta.events.register_last("before-send", dawdle)
    assert world.denial("tx-1") == ["PERMIT_EXPIRED"]
    assert world.searches == 0
    assert world.ends() == ["not_sent"]


def test_altered_statement_denies_and_is_recorded(world: World, caller: Speaker) -> None:
    row = world.opened("statement")[0][0]
    flipped = row.parts[:-1] + ("A" if row.parts[-1] != "A" else "B")
    with world.raw() as raw:
        raw.unguarded("UPDATE entry SET parts = ? WHERE id = ?", (flipped, row.id.bytes))
    assert world.denial("tx-1") == ["LEDGER_UNREADABLE"]
    assert len(world.opened("denial")) == 1
    assert world.searches == 0


def test_many_threads_each_get_their_own_intent_and_outcome(world: World) -> None:
    for number in range(8):
        speaker = world.caller(str(number))
        world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
        world.register(f"tx-{number}", speaker)
    threads = [threading.Thread(target=world.search, args=(f"tx-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.ends() == ["succeeded"] * 8
    answered = {row.re for row, _ in world.opened("outcome")}
    assert answered == {row.id for row, _ in world.opened("intent")}


def test_gate_refuses_a_database_without_its_triggers(world: World, kind: Kind) -> None:
    world.gate.close()
    with world.raw() as raw:
        name = "consentgate_entry_update" if kind == "sqlite" else "consentgate_entry_row ON entry"
        raw.execute(f"DROP TRIGGER {name}")
    with pytest.raises(SchemaMismatch, match="db upgrade"):
        ConsentGate(load_settings(world.home), background=False)


def test_key_file_that_others_can_read_is_refused(world: World) -> None:
    (world.home / "keys.jwks").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod"):
        ConsentGate(load_settings(world.home), background=False)


def test_home_is_never_made_twice(tmp_path: Path) -> None:
    make_home(tmp_path / "home", controller="acme")
    with pytest.raises(Misconfigured, match="there already"):
        make_home(tmp_path / "home", controller="acme")


def test_missing_home_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="consentgate init"):
        ConsentGate.open(tmp_path / "nowhere")


def test_damaged_key_of_the_month_does_not_cost_the_outcome(world: World, caller: Speaker) -> None:
    world.server.script.results(("vp-1", 0.9), times=None)
    world.search("tx-1")
    world.server.finish(world.exchange("outcome")["task"])
    vault, at = world.gate._parts.book.vault, world.clock()
    with world.gate._parts.database.read() as connection:
        month = vault._lookup(connection, KEY, month_key("matches", at))
    assert month is not None
    with world.raw() as raw:
        raw.execute("UPDATE data_key SET wrapped = ? WHERE subject = ?", (bytes(40), month.bytes))
    # As in a process that has not used the key yet.
    world.gate._parts.gate.months.clear()
    world.register("tx-2", caller)
    world.search("tx-2")
    with world.gate._parts.database.read() as connection:
        outcomes = entries.of_kind(connection, "default", "outcome")
    assert [row.end for row in outcomes] == ["succeeded", "succeeded"]
    assert "matches.0" not in {part.p for part in leaves.decode(outcomes[1].leaf).parts}


def test_commit_in_doubt_that_happened_is_closed_as_not_sent(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = world.gate._parts.database
    write, doubts = database.write, threading.Event()

    def doubtful(work: Any, **how: Any) -> Any:
        done = write(work, **how)
        if not doubts.is_set() and world.opened("intent"):
            doubts.set()
            raise Unavailable
        return done

    monkeypatch.setattr(database, "write", doubtful)
    assert world.denial("tx-1") == ["LEDGER_UNAVAILABLE"]
    assert world.searches == 0
    assert world.ends() == ["not_sent"]


def test_clock_of_the_database_that_disagrees_denies(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = world.clock
    monkeypatch.setattr(world.gate._parts.database, "clock", behind)
    book = world.gate._parts.book
    late = replace(book, clock=lambda: behind() + timedelta(seconds=3))
    monkeypatch.setattr(world.gate._door, "_context", replace(world.gate._parts.gate, book=late))
    assert world.denial("tx-1") == ["CLOCK_DISAGREES"]
    assert world.searches == 0


def test_rolled_back_assertion_never_decides(world: World, caller: Speaker) -> None:
    parts = world.gate._parts
    said = Said(name="has_dpo", value=False, by="x", since=world.clock())

    def fails(connection: Any) -> None:
        put_assertion(parts.book, connection, said, None)
        parts.reader.controller(connection)
        raise Unavailable

    with pytest.raises(Unavailable):
        parts.database.write(fails)
    world.gate.assert_("has_dpo", True, by="x", since=world.clock())
    world.search("tx-1")
    with parts.database.read() as connection:
        assert [a.value for a in parts.reader.controller(connection).assertions if a.name == "has_dpo"] == [
            True
        ]
