"""Rows of which every value is what its column holds; the others are findings, and nobody else meets them.

SQLite keeps whatever is put into a column: text in place of bytes, a number in place of text, bytes that are
no UTF-8. One such value must not hide what else is wrong.

Invariants: a row that comes out of here has values of the types that its class names, and text without lone
surrogates; each row that does not, and each second row of a key, is one finding however often it is read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Final, TypeVar

from consentgate.consent.reference import Reference
from consentgate.verify.known import RESTORE, extra
from consentgate.verify.result import Finding
from consentgate.verify.rows import (
    ArtifactRow,
    CheckpointRow,
    DataKey,
    EntryRow,
    FactRow,
    LinkRow,
    NoticeRow,
    ReferenceRow,
    SeqRow,
    StatementRow,
    TileRow,
    TreeStateRow,
)
from consentgate.verify.source import KeySource, LedgerSource, LogSource

Row = TypeVar(
    "Row",
    EntryRow,
    StatementRow,
    ArtifactRow,
    NoticeRow,
    FactRow,
    SeqRow,
    TileRow,
    TreeStateRow,
    CheckpointRow,
    LinkRow,
    ReferenceRow,
    DataKey,
)

_WORDS: Final = {int: "a number", str: "text", bytes: "bytes", float: "a fraction", type(None): "nothing"}


class Faults:
    """What is wrong with the types of the values that were read."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the rows that were read so far, each row once."""
        return tuple(self._found.values())

    def rows(self, table: str, rows: Iterable[Row], key: tuple[str, ...] = ()) -> Iterator[Row]:
        """Let sound rows through.

        Args:
            table: its name.
            rows: its rows.
            key: columns of which no two rows may have the same values.

        Yields:
            The rows whose values are of the right types.
        """
        seen: set[tuple[object, ...]] = set()
        for number, row in enumerate(rows, start=1):
            where = f"{table}, row {number}"
            wrong = next(_wrong(row), None)
            if wrong is not None:
                self._found[where] = _wrong_type(where, *wrong)
                continue
            if key:
                values = tuple(getattr(row, column) for column in key)
                if values in seen:
                    self._found[where] = extra(where, f"a second row of this {', '.join(key)}")
                seen.add(values)
            yield row


def _wrong(row: object) -> Iterator[tuple[str, str, str]]:
    for column in fields(row):  # type: ignore[arg-type]  # each member of Row is a dataclass
        value = getattr(row, column.name)
        if not isinstance(value, column.type):  # type: ignore[arg-type]  # no annotation of a row is text
            yield column.name, _expected(column.type), _WORDS.get(type(value), type(value).__name__)
        elif isinstance(value, str) and not _is_unicode(value):
            yield column.name, "text", "bytes that are no UTF-8"


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


def typed_ledger(source: LedgerSource, faults: Faults) -> LedgerSource:
    """Keep rows of other types away from whoever reads a ledger.

    Args:
        source: the ledger.
        faults: takes what is left out.

    Returns:
        The same ledger, with rows of the right types only.
    """
    return _Ledger(source, faults)


def typed_log(source: LogSource, faults: Faults) -> LogSource:
    """Keep rows of other types away from whoever reads a log.

    Args:
        source: the log.
        faults: takes what is left out.

    Returns:
        The same log, with rows of the right types only.
    """
    return _Log(source, faults)


def typed_keys(source: KeySource, faults: Faults) -> KeySource:
    """Keep rows of other types away from whoever reads links, references and keys.

    Args:
        source: links, references and keys.
        faults: takes what is left out.

    Returns:
        The same, with rows of the right types only.
    """
    return _Keys(source, faults)


class _Ledger:
    def __init__(self, source: LedgerSource, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def damage(self) -> Iterable[str]:
        return self._source.damage()

    def facts(self) -> Iterable[FactRow]:
        return self._faults.rows("deployment", self._source.facts(), ("name",))

    def entries(self) -> Iterable[EntryRow]:
        return self._faults.rows("entry", self._source.entries())

    def statements(self) -> Iterable[StatementRow]:
        return self._faults.rows("statement", self._source.statements())

    def artifacts(self) -> Iterable[ArtifactRow]:
        return self._faults.rows("artifact", self._source.artifacts(), ("tenant", "digest"))

    def notices(self) -> Iterable[NoticeRow]:
        key = ("tenant", "id", "version", "language")
        return self._faults.rows("notice", self._source.notices(), key)


class _Log:
    def __init__(self, source: LogSource, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def sequence(self) -> Iterable[SeqRow]:
        return self._faults.rows("seq", self._source.sequence())

    def tiles(self) -> Iterable[TileRow]:
        return self._faults.rows("tile", self._source.tiles(), ("level", "index"))

    def tree_states(self) -> Iterable[TreeStateRow]:
        return self._faults.rows("tree_state", self._source.tree_states(), ("size",))

    def checkpoints(self) -> Iterable[CheckpointRow]:
        return self._faults.rows("checkpoint", self._source.checkpoints(), ("size",))

    def numbers_commits(self) -> bool:
        return self._source.numbers_commits()

    def strays(self) -> Mapping[str, int]:
        return self._source.strays()


class _Keys:
    def __init__(self, source: KeySource, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def links(self) -> Iterable[LinkRow]:
        return self._faults.rows("entry_subject", self._source.links())

    def references(self) -> Iterable[ReferenceRow]:
        key = ("tenant", "key_epoch", "hmac")
        return self._faults.rows("subject_ref", self._source.references(), key)

    def data_keys(self) -> Iterable[DataKey]:
        return self._faults.rows("data_key", self._source.data_keys(), ("tenant", "subject"))

    def epochs(self) -> Collection[int]:
        return self._source.epochs()

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        return self._source.hashes(tenant, reference)

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        return self._source.call_hashes(tenant, call)

    def task_hashes(self, tenant: str, task: str) -> Iterable[tuple[int, bytes]]:
        return self._source.task_hashes(tenant, task)
