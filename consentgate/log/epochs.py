"""Opening an epoch: what the old log still shows of what was signed, and the entry that says so.

Order of effects: 1 look at what survived; 2 make the new log's key and state; 3 in one transaction, while nobody
sequences: the rest of 1, the entry, and the new log's origin. A crash before 3 leaves the old log as it was, and the
next attempt goes on with the same key; after 3 the new log grows like any other.

Invariants: what is known of the old log is counted against the hashes of the leaves that are there, never against
stored roots. Nothing of the old log is changed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Final

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries.epoch import EpochRecord, origin_fact
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.storage import checkpoints, deployment, looking, sequence, stored
from consentgate.storage.database import Database
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint
from consentgate.tlog.merkle import Frontier, leaf_hash
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass

_CHUNK: Final = 1000
_SOURCES: Final = ("anchor", "given", "state", "database")
"""Where checkpoints are known from, the most trusted first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCheckpoint:
    """A checkpoint of the old log that somebody kept.

    Attributes:
        source: ``anchor``, ``given``, ``state`` or ``database``.
        note: the signed note.
        head: what it says.
    """

    source: str
    note: str = field(repr=False)
    head: Checkpoint


class Survivors:
    """What an old log has left: its leaves in order of their positions, hashed anew."""

    def __init__(self, log: int, known: Iterable[KnownCheckpoint]) -> None:
        """Begin before the first position.

        Args:
            log: number of the log.
            known: its checkpoints, from wherever they were kept.
        """
        self._log = log
        self._known = tuple(known)
        self._roots: dict[int, set[bytes]] = {}
        for each in self._known:
            self._roots.setdefault(each.head.size, set()).add(each.head.root)
        self._frontier = Frontier()
        self._next = 0
        self._gone = 0
        self._sound = 0
        self._gone_below = 0

    def extend(self, connection: Connection) -> None:
        """Read on from where the last reading ended.

        Args:
            connection: any; to be called again inside the transaction that opens the epoch.
        """
        end = sequence.end_of(connection, log=self._log)
        while self._next < end:
            until = min(self._next + _CHUNK, end)
            leaves = dict(looking.leaves(connection, first=self._next, end=until, log=self._log))
            for row in sequence.sequenced(connection, first=self._next, end=until, log=self._log):
                leaf = leaves.get(row.position)
                # Where an entry is gone, its stored hash stands in, as it does in verification.
                hash_ = row.hash if leaf is None else leaf_hash(leaf)
                self._gone += leaf is None or hash_ != row.hash
                self._frontier.push(hash_)
                if self._frontier.size in self._roots:
                    self._compare()
            self._next = until

    def record(self, connection: Connection, *, log: int, origin: str, old_origin: str) -> EpochRecord:
        """Say what survived.

        Args:
            connection: any.
            log: number of the epoch's log.
            origin: its origin.
            old_origin: the origin of the old log.

        Returns:
            What the epoch's first entry says.
        """
        anchored = [each for each in self._known if each.source == "anchor"]
        last = max(anchored or self._known, key=lambda each: each.head.size, default=None)
        return EpochRecord(
            log=log,
            origin=origin,
            old_log=self._log,
            old_origin=old_origin,
            checkpoint=last.note if last else "",
            source=last.source if last else "none",
            signed=max(self._roots, default=0),
            sound=self._sound,
            gone=self._gone_below,
            sequenced=self._frontier.size,
            root=self._frontier.root(),
            entries=stored.count(connection),
        )

    def _compare(self) -> None:
        if self._frontier.root() in self._roots[self._frontier.size]:
            self._sound, self._gone_below = self._frontier.size, self._gone


def known_checkpoints(
    connection: Connection, log: int, key: NoteKey, kept: Iterable[tuple[str, str]]
) -> tuple[KnownCheckpoint, ...]:
    """Gather the checkpoints of a log: those of the database, and those that were kept elsewhere.

    Args:
        connection: any.
        log: number of the log.
        key: the log's public key.
        kept: source and note of each that was kept elsewhere.

    Returns:
        Those that the key signed, each size and root once, from the source that is trusted most.

    Raises:
        InvalidInput: one that was given by hand is not of the key.
    """
    found: dict[tuple[int, bytes], KnownCheckpoint] = {}
    notes = [*kept, *(("database", note) for note in _stored(connection, log))]
    for source, note in sorted(notes, key=lambda each: _SOURCES.index(each[0])):
        try:
            head = open_checkpoint(note, key)
        except (Malformed, SignatureInvalid) as error:
            if source == "given":
                raise InvalidInput(f"The checkpoint is not one of {key.name}: {error}") from error
            continue
        found.setdefault((head.size, head.root), KnownCheckpoint(source=source, note=note, head=head))
    return tuple(found.values())


def open_epoch(
    database: Database,
    survivors: Survivors,
    *,
    log: int,
    origin: str,
    old_log: int,
    old_origin: str,
    write: Callable[[Connection, Mapping[str, Json]], object],
) -> EpochRecord:
    """Open an epoch: from now on its log grows.

    Args:
        database: whose log.
        survivors: what the old log has left, as far as it was read.
        log: number of the new log.
        origin: its origin; its key and state lie ready.
        old_log: number of the old log.
        old_origin: its origin.
        write: appends the epoch's entry with the members of its one part.

    Returns:
        What the entry says.

    Raises:
        Duplicate: somebody else opened an epoch of this number (key ``pk_deployment``).
        Unavailable: the database is out of reach.
    """

    def work(connection: Connection) -> EpochRecord:
        sequence.wait_turn(connection, log=old_log)
        survivors.extend(connection)
        record = survivors.record(connection, log=log, origin=origin, old_origin=old_origin)
        deployment.insert_fact(connection, origin_fact(log), origin)
        write(connection, record.members())
        return record

    return database.write(work)


def _stored(connection: Connection, log: int) -> Iterable[str]:
    after = -1
    while rows := checkpoints.checkpoints(connection, after=after, log=log):
        yield from (row.note for row in rows)
        after = rows[-1].size
