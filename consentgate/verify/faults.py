"""Rows of which every value is what its column holds; the others are findings, and nobody else meets them.

SQLite keeps whatever is put into a column: text in place of bytes, a number in place of text, bytes that are
no UTF-8. One such value must not hide what else is wrong.

Invariants: a row that comes out of here has values of the types that its class names, and text without lone
surrogates; each row that does not, and each second row of a key, is one finding however often it is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final, TypeVar, get_type_hints

from consentgate.verify.known import RESTORE, extra
from consentgate.verify.result import Finding
from consentgate.verify.rows import (
    ArtifactRow,
    CheckpointRow,
    DataKey,
    EntryRow,
    EntryValues,
    FactRow,
    LinkRow,
    NoticeRow,
    ReferenceRow,
    SeqRow,
    SeqValues,
    StatementRow,
    TileRow,
    TreeStateRow,
    entry_row,
    name_of,
)

Row = TypeVar(
    "Row",
    StatementRow,
    ArtifactRow,
    NoticeRow,
    FactRow,
    TileRow,
    TreeStateRow,
    CheckpointRow,
    LinkRow,
    ReferenceRow,
    DataKey,
)

_ENTRY: Final = (int, str, bytes, str, int, int, bytes, int, bytes, str, bytes, bytes, str)
_ENTRY_TEXTS: Final = (1, 3, 9, 12)
_SEQ: Final = (int, str, bytes, bytes)
_SEQ_TEXTS: Final = (1,)
# In which order a database gives rows is often its own affair, so that a number alone finds none of them again.
_KEYS: Final = {
    "deployment": ("name",),
    "entry": ("id",),
    "statement": ("entry",),
    "artifact": ("digest",),
    "notice": ("id", "version", "language"),
    "seq": ("position",),
    "tile": ("level", "index"),
    "tree_state": ("size",),
    "checkpoint": ("size",),
    "entry_subject": ("entry", "subject"),
    "subject_ref": ("subject",),
    "data_key": ("subject",),
}
_WORDS: Final = {int: "a number", str: "text", bytes: "bytes", float: "a fraction", type(None): "nothing"}


class Faults:
    """What is wrong with the types of the values that were read."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the rows that were read so far, each row once."""
        return tuple(self._found.values())

    def rows(
        self, table: str, rows: Iterable[Row], key: tuple[str, ...] = (), *, in_order: bool = False
    ) -> Iterator[Row]:
        """Let sound rows through.

        Args:
            table: its name.
            rows: its rows.
            key: columns of which no two rows may have the same values.
            in_order: whether rows of the same key come one after the other.

        Yields:
            The rows whose values are of the right types.
        """
        seen: set[tuple[object, ...]] = set()
        for number, row in enumerate(rows, start=1):
            wrong = wrong_value(row)
            if wrong is not None:
                where = _named(table, number, row)
                self._found[where] = _wrong_type(where, *wrong)
                continue
            if key:
                values = tuple(getattr(row, column) for column in key)
                if values in seen:
                    where = _named(table, number, row)
                    self._found[where] = extra(where, f"a second row of this {', '.join(key)}")
                elif in_order:
                    seen.clear()
                seen.add(values)
            yield row

    def entries(self, batches: Iterable[Sequence[EntryValues]]) -> Iterator[Sequence[EntryValues]]:
        """Let sound entries through, many at a time.

        Args:
            batches: rows of `entry`.

        Yields:
            The rows whose values are of the right types.
        """
        before = 0
        for batch in batches:
            yield batch if _is_typed(batch, _ENTRY, _ENTRY_TEXTS) else self._sound(batch, before)
            before += len(batch)

    def positions(self, batches: Iterable[Sequence[SeqValues]]) -> Iterator[Sequence[SeqValues]]:
        """Let sound positions through, many at a time.

        Args:
            batches: rows of `seq`.

        Yields:
            The rows whose values are of the right types.
        """
        before = 0
        for batch in batches:
            if _is_typed(batch, _SEQ, _SEQ_TEXTS):
                yield batch
            else:
                yield [
                    row
                    for number, each in enumerate(batch, start=before + 1)
                    if self._is_sound("seq", number, row := SeqRow(*each))
                ]
            before += len(batch)

    def _sound(self, batch: Sequence[EntryValues], before: int) -> list[EntryValues]:
        return [
            values
            for number, values in enumerate(batch, start=before + 1)
            if self._is_sound("entry", number, entry_row(values))
        ]

    def _is_sound(self, table: str, number: int, row: EntryRow | SeqRow) -> bool:
        wrong = wrong_value(row)
        if wrong is not None:
            where = _named(table, number, row)
            self._found[where] = _wrong_type(where, *wrong)
        return wrong is None


def _named(table: str, number: int, row: object) -> str:
    """Say which row it is, by as much of its key as is sound."""
    wrong = {column for column, _, _ in _wrong(row)}
    key = ((column, getattr(row, column)) for column in _KEYS[table] if column not in wrong)
    said = ", ".join(f"{name} {name_of(value) if isinstance(value, bytes) else value}" for name, value in key)
    return f"{table}, row {number} ({said})" if said else f"{table}, row {number}"


def wrong_value(row: object) -> tuple[str, str, str] | None:
    """Find a value of a row that is not what its column holds.

    Args:
        row: the row.

    Returns:
        Column, what was expected there, and what stands there; None where all is right.
    """
    return next(_wrong(row), None)


def _wrong(row: object) -> Iterator[tuple[str, str, str]]:
    for column, kind in get_type_hints(type(row)).items() if isinstance(row, SeqRow) else _types(row):
        value = getattr(row, column)
        if not isinstance(value, kind):
            yield column, _expected(kind), _WORDS.get(type(value), type(value).__name__)
        elif isinstance(value, str) and not _is_unicode(value):
            yield column, "text", "bytes that are no UTF-8"


def _types(row: object) -> Iterator[tuple[str, Any]]:
    for each in fields(row):  # type: ignore[arg-type]  # each member of Row is a dataclass
        yield each.name, each.type


def _is_typed(batch: Sequence[Sequence[Any]], types: Sequence[type], texts: Sequence[int]) -> bool:
    """Tell whether all values of many rows are of the right types, and all text plain; a no may be wrong."""
    columns = list(zip(*batch, strict=True))
    return all({*map(type, column)} == {kind} for column, kind in zip(columns, types, strict=False)) and all(
        all(map(str.isascii, columns[each])) for each in texts if columns
    )


def _expected(kind: object) -> str:
    return next((word for each, word in _WORDS.items() if each is kind), "another type")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong_type(where: str, column: str, expected: str, found: str) -> Finding:
    return Finding(
        kind="malformed", where=f"{where}, column {column}", expected=expected, found=found, cure=RESTORE
    )
