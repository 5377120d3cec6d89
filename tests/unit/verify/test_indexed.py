"""The index of statements is compared whatever order its rows come in, and whatever their ids are."""

import random
from collections.abc import Collection, Iterable

import pytest

from consentgate.verify import indexed
from consentgate.verify.ids import Ids
from consentgate.verify.indexed import Statements
from consentgate.verify.known import EntryId
from consentgate.verify.rows import StatementRow, name_of

KEYS: list[EntryId] = [(f"tenant-{number % 3}", random.Random(number).randbytes(16)) for number in range(300)]


def rows(keys: Iterable[EntryId]) -> list[StatementRow]:
    return [StatementRow(tenant=tenant, entry=entry, key=b"") for tenant, entry in keys]


def met(keys: Iterable[EntryId]) -> Statements:
    statements = Statements()
    for key in keys:
        statements.meet(key)
    return statements


def test_each_statement_has_its_row_in_any_order() -> None:
    assert list(met(KEYS).against(rows(reversed(KEYS)))) == []


def test_rows_too_few_and_too_many_are_found() -> None:
    there = [*KEYS[2:], KEYS[7], ("tenant-9", KEYS[1][1])]
    found = [(each.kind, each.where, each.found) for each in met(KEYS).against(rows(there))]
    assert sorted(found) == sorted(
        [
            ("missing", f"statement index of entry {name_of(KEYS[0][1])}", "nothing"),
            ("missing", f"statement index of entry {name_of(KEYS[1][1])}", "nothing"),
            ("extra", f"statement index of entry {name_of(KEYS[7][1])}", "a second index row"),
            (
                "extra",
                f"statement index of entry {name_of(KEYS[1][1])}",
                "an index row without its statement",
            ),
        ]
    )


def test_index_is_asked_for_some_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexed, "_AT_ONCE", 100)
    asked: list[int] = []

    def index(keys: Collection[EntryId]) -> list[StatementRow]:
        asked.append(len(keys))
        return rows(key for key in keys if key != KEYS[5])

    assert [each.kind for each in met(KEYS).looked_up(index)] == ["missing"]
    assert asked == [100, 100, 100]


def test_ids_of_any_length_are_kept_as_they_are() -> None:
    odd: list[EntryId] = [("a", b""), ("b", b"x"), ("a", bytes(16)), ("", bytes(17)), ("a", b"y" * 16)]
    ids = Ids()
    for key in odd:
        ids.add(key)
    assert (list(ids), len(ids)) == (odd, len(odd))
    found = met(odd).against(rows([*odd[1:], ("b", b"")]))
    assert sorted(each.kind for each in found) == ["extra", "missing"]
