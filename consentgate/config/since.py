"""Verifying from a pinned checkpoint on: the checkpoint's file, and the rows that it does not cover.

Invariants: a checkpoint is believed only under the log's key, as the caller or the home has it; nothing is
repaired or left out of the rows that are read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection

from consentgate.config.opened import StoredKeys
from consentgate.config.sources import StoredLedger, StoredLog
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.storage import inbulk, persons
from consentgate.storage import since as rows
from consentgate.tlog.checkpoint import AnyCheckpoint, open_any
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass
from consentgate.verify.artifacts import REGISTRY
from consentgate.verify.prefix import Place, Since, Subject
from consentgate.verify.rows import (
    ENTRY_COLUMNS,
    ArtifactRow,
    CheckpointRow,
    EntryRow,
    EntryValues,
    FactRow,
    NoticeRow,
    SeqValues,
    StatementRow,
    TileRow,
    TreeStateRow,
)
from consentgate.verify.source import Evidence

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A signed checkpoint that somebody kept.

    Attributes:
        file: where it lies.
        head: what it says.
    """

    file: str
    head: AnyCheckpoint


def read_pinned(file: Path, vkey: str | None, origin: str | None = None) -> Pinned:
    """Read a checkpoint, and check who signed it.

    Args:
        file: a signed note.
        vkey: the log's public key as it is trusted.
        origin: the log's name, where that is not the name of its key.

    Returns:
        The checkpoint.

    Raises:
        InvalidInput: it cannot be read, is no checkpoint, is of another log, or was not signed by this key; or there
            is no key.
    """
    if vkey is None:
        raise InvalidInput(f"{file} says nothing without the log's key: give --vkey.")
    try:
        with file.open("rb") as stream:
            note = stream.read(_LARGEST)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
    key = NoteKey.from_vkey(vkey)
    try:
        return Pinned(file=str(file), head=open_any(note, key, origin))
    except (Malformed, SignatureInvalid) as error:
        raise InvalidInput(
            f"{file} is no checkpoint that {key.name} signed: {error} Give a checkpoint of this log, or its vkey. One"
            " of a log that an epoch ended covers nothing of the log that grows: verify everything once, and pin a"
            " checkpoint of that."
        ) from error


def since_pinned(evidence: Evidence, connection: Connection, pinned: Pinned | None) -> Evidence:
    """Leave out what a checkpoint covers.

    Args:
        evidence: everything.
        connection: what it was read from.
        pinned: the checkpoint, or None.

    Returns:
        The rest, with the checkpoint; everything where there is none, or it is one of an empty log.
    """
    if pinned is None or not pinned.head.size:
        return evidence
    size = pinned.head.size
    prefix = _Prefix(connection, evidence.number, size)
    return replace(
        evidence,
        ledger=_LaterLedger(prefix),
        log=_LaterLog(prefix),
        since=Since(
            size=size,
            root=pinned.head.root,
            name=f"checkpoint {pinned.file}",
            prefix=prefix,
            whole=evidence.log,
            history=_History(prefix),
            keys=evidence.keys if isinstance(evidence.keys, StoredKeys) else None,
            ended={each.number: _Prefix(connection, each.number, 0) for each in evidence.older},
        ),
    )


class _Prefix:
    """What is looked up of the first positions of a log."""

    def __init__(self, connection: Connection, log: int, covered: int) -> None:
        self.connection = connection
        self.log = log
        self.covered = covered

    def size(self) -> int:
        return rows.log_size(self.connection, self.log)

    def positions(self, first: int, stop: int) -> Sequence[SeqValues]:
        return rows.positions(self.connection, log=self.log, first=first, stop=stop)

    def tiles(self, level: int, first: int, stop: int) -> Iterable[TileRow]:
        found = rows.some_tiles(self.connection, log=self.log, level=level, first=first, stop=stop)
        return (TileRow(**row) for row in found)

    def positioned_again(self) -> Iterable[tuple[int, bytes]]:
        return rows.positioned_again(self.connection, log=self.log, size=self.covered)

    def in_lanes(self, keys: Collection[tuple[str, bytes, int]]) -> Iterable[EntryRow]:
        return (EntryRow(**row) for row in rows.in_lanes(self.connection, keys))

    def answering(self, keys: Collection[tuple[str, bytes]]) -> Iterable[EntryRow]:
        return (EntryRow(**row) for row in rows.answering(self.connection, keys))

    def statements_of(self, keys: Collection[tuple[str, bytes]]) -> Iterable[StatementRow]:
        return (StatementRow(**row) for row in rows.statements_of(self.connection, keys))

    @cached_property
    def low(self) -> int:
        """The first row that is read."""
        last = next(iter(self.positions(self.covered - 1, self.covered)), None)
        found = [*StoredLedger(self.connection).find([(last[1], last[2])])] if last else []
        after = min((row.ordinal for row in found), default=0)
        return rows.first_row(self.connection, log=self.log, size=self.covered, after=after)


class _History:
    """What is looked up of the first positions about single persons, and about tenants."""

    def __init__(self, prefix: _Prefix) -> None:
        self._prefix = prefix

    def statements_about(self, subjects: Collection[Subject]) -> Iterable[Place]:
        prefix = self._prefix
        return persons.statements_about(prefix.connection, subjects, log=prefix.log, size=prefix.covered)

    def registry_at(self, tenant: str) -> Iterable[Place]:
        prefix = self._prefix
        return persons.in_force(
            prefix.connection, tenant, REGISTRY, log=prefix.log, size=prefix.covered, low=prefix.low
        )

    def first_links(self, subjects: Collection[Subject]) -> Iterable[tuple[str, bytes, int]]:
        prefix = self._prefix
        return persons.first_links(prefix.connection, subjects, log=prefix.log, size=prefix.covered)

    def last_about(self, subjects: Collection[Subject]) -> Iterable[tuple[str, bytes, EntryRow]]:
        prefix = self._prefix
        found = persons.last_about(prefix.connection, subjects, log=prefix.log, size=prefix.covered)
        return ((tenant, subject, EntryRow(**row)) for tenant, subject, row in found)


class _LaterLedger:
    """The ledger without the entries that a checkpoint covers."""

    def __init__(self, prefix: _Prefix) -> None:
        self._prefix = prefix
        self._whole = StoredLedger(prefix.connection)

    def damage(self) -> Iterable[str]:
        """Say nothing of the file: SQLite would read all of it."""
        return ()

    def facts(self) -> Iterable[FactRow]:
        return self._whole.facts()

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        prefix = self._prefix
        return rows.entries(
            prefix.connection, ENTRY_COLUMNS, log=prefix.log, size=prefix.covered, low=prefix.low
        )

    def repeated(self) -> Collection[tuple[str, bytes]]:
        return rows.repeated(self._prefix.connection, low=self._prefix.low)

    def find(self, keys: Collection[tuple[str, bytes]]) -> Iterable[EntryRow]:
        return self._whole.find(keys)

    def statements(self) -> Iterable[StatementRow]:
        """Give none: those of later statements are looked up."""
        return ()

    def artifacts(self) -> Iterable[ArtifactRow]:
        return self._whole.artifacts()

    def notices(self) -> Iterable[NoticeRow]:
        return self._whole.notices()


class _LaterLog:
    """The log from the first position on that a checkpoint does not cover."""

    def __init__(self, prefix: _Prefix) -> None:
        self._prefix = prefix
        self._whole = StoredLog(prefix.connection, prefix.log)
        self._from = (prefix.connection, prefix.log, prefix.covered)

    def sequence(self) -> Iterable[Sequence[SeqValues]]:
        prefix = self._prefix
        return inbulk.positions(prefix.connection, log=prefix.log, since=prefix.covered)

    def tiles(self) -> Iterable[TileRow]:
        return (TileRow(**row) for row in rows.tiles(*self._from))

    def tree_states(self) -> Iterable[TreeStateRow]:
        return (TreeStateRow(**row) for row in rows.tree_states(*self._from))

    def checkpoints(self) -> Iterable[CheckpointRow]:
        return (CheckpointRow(**row) for row in rows.checkpoints(*self._from))

    def numbers_commits(self) -> bool:
        return self._whole.numbers_commits()

    def strays(self) -> Mapping[str, int]:
        """Count none: all positions would be read."""
        return {}
