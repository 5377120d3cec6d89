"""What is selected is complete: with an entry come what it answers, what answers it, and what its decision read."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from consentgate.config.exporting import asked_for
from consentgate.config.exports import Options
from consentgate.errors import InvalidInput
from consentgate.export.chosen import Chooser
from consentgate.export.unsealing import Opener
from consentgate.storage import entries
from tests.functional.export.place import ASKED, manifest, records
from tests.packages import PERSON, Exporter, keep_log

Pick = Callable[..., list[Any]]


@pytest.fixture
def pick(exporter: Exporter) -> Pick:
    """Chooses as an export does, and gives the rows in order."""
    parts = exporter.world.gate._parts

    def chosen(**options: Any) -> list[Any]:
        given: Options = options  # type: ignore[assignment]  # as a caller may give it
        asked = asked_for(parts, "m", purpose="p", recipient="r", options=given)
        book = parts.book
        with parts.database.read() as connection:
            opener = Opener(book.vault, book.tenant)
            chooser = Chooser(connection=connection, tenant=book.tenant, vault=book.vault, opener=opener)
            found = [
                entries.by_id(connection, book.tenant, UUID(bytes=each))
                for each in chooser.choose(asked.selection)
            ]
        return sorted(found, key=lambda row: row.ordinal if row is not None else 0)

    return chosen


def core(rows: list[Any]) -> list[str]:
    """The kinds, without what comes with every selection."""
    return [row.kind for row in rows if row.kind not in ("registry", "packs", "assertion")]


def test_all_that_is_linked_to_a_person_is_selected(exporter: Exporter, pick: Pick) -> None:
    parts = exporter.world.gate._parts
    with parts.database.read() as connection:
        (subject,) = parts.book.vault.find(
            connection,
            asked_for(parts, "m", purpose="p", recipient="r", options={"subject": PERSON}).selection.subjects,
        ).values()
    with exporter.world.raw() as raw:
        linked = {
            bytes(row[0])
            for row in raw.execute("SELECT entry FROM entry_subject WHERE subject = ?", (subject.bytes,))
        }
        everything = raw.execute("SELECT id, re FROM entry").fetchall()
    found = {row.id.bytes for row in pick(subject=PERSON)}
    assert linked <= found
    for id_, re in everything:
        assert not (re in found and id_ not in found), "an answer to a selected entry is missing"
        assert not (re and id_ in found and re not in found), "what a selected entry answers is missing"


def test_what_decisions_read_comes_with_them(exporter: Exporter, pick: Pick) -> None:
    found = {str(row.id) for row in pick(subject=PERSON)}
    for row, parts in exporter.world.opened("intent", "denial"):
        if str(row.id) in found:
            for content in parts.values():
                for name in ("calls", "statements", "assertions"):
                    assert set(content.get(name, [])) <= found
    kinds = {row.kind for row in pick(subject=PERSON)}
    assert {
        "registry",
        "packs",
        "assertion",
        "statement",
        "call",
        "intent",
        "outcome",
        "observation",
    } <= kinds


def test_other_peoples_calls_do_not_come_with_a_person(pick: Pick) -> None:
    # The refusal and the call of customer 3003 are about nobody whom 1001 ever met.
    other = {row.id for row in pick(subject=("customer", "3003"))}
    mine = {row.id for row in pick(subject=PERSON)}
    assert {row.kind for row in pick() if row.id in other & mine} <= {"registry", "packs", "assertion"}


def test_task_brings_its_search_and_what_was_seen_of_it(exporter: Exporter, pick: Pick) -> None:
    task = next(
        parts["exchange.0"]["task"]
        for _, parts in exporter.world.opened("outcome")
        if "task" in parts["exchange.0"]
    )
    assert core(pick(task=task)) == ["statement", "call", "intent", "outcome", "observation"]
    assert core(pick(task=task, subject=("customer", "3003"))) == []


def test_call_brings_the_decisions_that_name_it(pick: Pick) -> None:
    assert core(pick(transaction="tx-1")) == ["call", "denial"]
    assert core(pick(call="transaction/tx-1")) == ["call", "denial"]
    # Two people on one leg, each with their grant.
    assert core(pick(transaction="tx-4"))[:3] == ["statement", "statement", "call"]
    assert pick(transaction="nobody's") == []


def test_time_narrows(exporter: Exporter, pick: Pick) -> None:
    now = exporter.world.clock()
    late = pick(since=now - timedelta(days=200), query="kind=denial")
    assert core(late) == ["statement", "statement", "call", "denial"]
    assert pick(until=now - timedelta(days=900)) == []


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({"decision": "denied"}, {"denial"}),
        ({"decision": "allowed"}, {"intent"}),
        ({"query": "reason=CONSENT_WITHDRAWN"}, {"denial"}),
        ({"query": "end=rejected"}, {"intent"}),
        ({"query": "action=enrol"}, {"intent"}),
        ({"jurisdiction": "ZZ"}, {"denial"}),
        ({"query": "kind=intent", "decision": "denied"}, set()),
        ({"query": "reason=NO_SUCH_REASON"}, set()),
    ],
)
def test_decisions_are_selected_by_what_they_say(
    pick: Pick, options: dict[str, Any], kinds: set[str]
) -> None:
    assert {row.kind for row in pick(**options)} & {"denial", "intent"} == kinds


def test_one_decision_by_its_id(exporter: Exporter, pick: Pick) -> None:
    denial = exporter.world.opened("denial")[0][0].id
    assert core(pick(decision=str(denial)[-8:])) == ["call", "denial"]


def test_nothing_that_fits_is_no_package(exporter: Exporter, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing was exported"):
        exporter.world.gate.export("m", tmp_path / "out", **ASKED, subject=("customer", "nobody"))
    assert [path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"subject": [("customer", "1001"), ("phone", "+15550001")]}, "person 2"),
        ({"call": ["transaction/tx-1", "transaction/tx-none"]}, "call 2"),
        ({"transaction": ["tx-none", "tx-1"]}, "call 1"),
        ({"task": "00000000-0000-0000-0000-000000000000", "subject": ("customer", "1001")}, "task 1"),
    ],
)
def test_name_that_names_nothing_is_never_dropped(
    exporter: Exporter, tmp_path: Path, options: dict[str, Any], what: str
) -> None:
    with pytest.raises(InvalidInput, match=f"nothing of {what} of those named") as refused:
        exporter.world.gate.export("m", tmp_path / "out", **ASKED, **options)
    assert "+1555" not in str(refused.value)


def test_privileged_entry_that_is_not_chosen_is_told(exporter: Exporter, tmp_path: Path) -> None:
    other = str(exporter.world.opened("denial")[0][0].id)
    with pytest.raises(InvalidInput, match="not among those chosen"):
        exporter.world.gate.export("m", tmp_path / "out", **ASKED, transaction="tx-4", privileged=other)


@pytest.mark.parametrize("subject", ["customer", ("customer",), [("customer", 7)]])
def test_person_that_is_no_reference_is_refused(exporter: Exporter, tmp_path: Path, subject: Any) -> None:
    with pytest.raises(InvalidInput, match="reference"):
        exporter.world.gate.export("m", tmp_path / "out", **ASKED, subject=subject)


def test_option_that_there_is_not_is_refused(exporter: Exporter, tmp_path: Path) -> None:
    given: Any = {"colour": "red"}
    with pytest.raises(InvalidInput, match="colour"):
        exporter.world.gate.export("m", tmp_path / "out", **ASKED, **given)


def test_what_no_checkpoint_covers_is_counted_and_comes_with_the_next(
    exporter: Exporter, tmp_path: Path
) -> None:
    gate = exporter.world.gate
    gate.assert_("has_dpo", True, by="privacy@acme.example", since=exporter.world.clock())
    first = gate.export("m", tmp_path, **ASKED, query="kind=assertion")
    assert first.totals.not_covered >= 1
    assert manifest(first.folder)["counts"]["not_covered"] == first.totals.not_covered
    keep_log(gate)
    second = gate.export("m", tmp_path, **ASKED, query="kind=assertion")
    assert second.totals.not_covered == 0
    assert next(each["bates"] for each in records(second.folder)) > first.last


def test_person_themselves_sees_nothing_of_others(exporter: Exporter, tmp_path: Path) -> None:
    made = exporter.world.gate.export(
        "Access", tmp_path, **ASKED, subject=("customer", "2002"), role="subject"
    )
    text = (made.folder / "data/records/records.jsonl").read_text()
    assert '"value":"2002"' in text
    assert '"value":"1001"' not in text
    assert {"other_person", "role"} <= set(made.totals.by_reason)


def test_privileged_entries_stay_closed(exporter: Exporter, tmp_path: Path) -> None:
    denial = str(exporter.world.opened("denial")[0][0].id)
    made = exporter.world.gate.export("Privilege", tmp_path, **ASKED, transaction="tx-1", privileged=denial)
    closed = next(each for each in records(made.folder) if each["entry"] == denial)
    assert set(map(str, closed["parts"].values())) == {"{'withheld': 'privilege'}"}
