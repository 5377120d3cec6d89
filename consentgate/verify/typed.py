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


class _Reader:
    """Reads tables, and keeps what is wrong with the types of their values."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the rows that were read so far."""
        return tuple(self._found.values())

    def rows(self, table: str, rows: Iterable[Row], key: tuple[str, ...] = ()) -> Iterator[Row]:
        """Let sound rows through; ``key`` names columns of which no two rows may have the same values."""
        seen: set[tuple[object, ...]] = set()
        for number, row in enumerate(rows, start=1):
            where = f"{table}, row {number}"
            wrong = next(_wrong(row), None)
            if wrong is not None:
                self._found[where] = wrong_type(where, *wrong)
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


def wrong_type(where: str, column: str, expected: str, found: str) -> Finding:
    """Say that a value is of another type than its column.

    Args:
        where: table and row.
        column: the column.
        expected: the type that it should be of.
        found: the one that it is of.

    Returns:
        The finding.
    """
    return Finding(
        kind="malformed", where=f"{where}, column {column}", expected=expected, found=found, cure=RESTORE
    )


class TypedLedger:
    """A ledger whose rows are of the right types."""

    def __init__(self, source: LedgerSource) -> None:
        self._source = source
        self._reader = _Reader()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was left out so far."""
        return self._reader.findings

    def damage(self) -> Iterable[str]:
        """As `LedgerSource.damage`."""
        return self._source.damage()

    def facts(self) -> Iterable[FactRow]:
        """As `LedgerSource.facts`."""
        return self._reader.rows("deployment", self._source.facts(), ("name",))

    def entries(self) -> Iterable[EntryRow]:
        """As `LedgerSource.entries`."""
        return self._reader.rows("entry", self._source.entries())

    def statements(self) -> Iterable[StatementRow]:
        """As `LedgerSource.statements`."""
        return self._reader.rows("statement", self._source.statements())

    def artifacts(self) -> Iterable[ArtifactRow]:
        """As `LedgerSource.artifacts`."""
        return self._reader.rows("artifact", self._source.artifacts(), ("tenant", "digest"))

    def notices(self) -> Iterable[NoticeRow]:
        """As `LedgerSource.notices`."""
        key = ("tenant", "id", "version", "language")
        return self._reader.rows("notice", self._source.notices(), key)


class TypedLog:
    """A log whose rows are of the right types."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self._reader = _Reader()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was left out so far."""
        return self._reader.findings

    def sequence(self) -> Iterable[SeqRow]:
        """As `LogSource.sequence`."""
        return self._reader.rows("seq", self._source.sequence())

    def tiles(self) -> Iterable[TileRow]:
        """As `LogSource.tiles`."""
        return self._reader.rows("tile", self._source.tiles(), ("level", "index"))

    def tree_states(self) -> Iterable[TreeStateRow]:
        """As `LogSource.tree_states`."""
        return self._reader.rows("tree_state", self._source.tree_states(), ("size",))

    def checkpoints(self) -> Iterable[CheckpointRow]:
        """As `LogSource.checkpoints`."""
        return self._reader.rows("checkpoint", self._source.checkpoints(), ("size",))

    def strays(self) -> Mapping[str, int]:
        """As `LogSource.strays`."""
        return self._source.strays()


class TypedKeys:
    """Links, references and keys whose rows are of the right types."""

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._reader = _Reader()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was left out so far."""
        return self._reader.findings

    def links(self) -> Iterable[LinkRow]:
        """As `KeySource.links`."""
        return self._reader.rows("entry_subject", self._source.links())

    def references(self) -> Iterable[ReferenceRow]:
        """As `KeySource.references`."""
        key = ("tenant", "key_epoch", "hmac")
        return self._reader.rows("subject_ref", self._source.references(), key)

    def data_keys(self) -> Iterable[DataKey]:
        """As `KeySource.data_keys`."""
        return self._reader.rows("data_key", self._source.data_keys(), ("tenant", "subject"))

    def epochs(self) -> Collection[int]:
        """As `KeySource.epochs`."""
        return self._source.epochs()

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        """As `KeySource.hashes`."""
        return self._source.hashes(tenant, reference)

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        """As `KeySource.call_hashes`."""
        return self._source.call_hashes(tenant, call)
