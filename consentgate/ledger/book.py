"""The ledger's hands: append an entry with its links in one transaction, and open what was sealed.

Invariant: an entry, its index row and its links are written in the same transaction, or not at all.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Answer, Draft, SealedPart
from consentgate.entries.parts import open_part, split_parts
from consentgate.errors import KeyMismatch, Malformed
from consentgate.ledger.vault import BODY, Vault
from consentgate.moment import Clock, Random, floor, uuid7
from consentgate.storage import locks
from consentgate.storage.entries import EntryRow
from consentgate.storage.guarded import UNGUARDED, Code, Guard
from consentgate.values import dataclass

_FORMAT: Final = 1


class Appended(Protocol):
    """What the log gives back for an entry."""

    @property
    def id(self) -> UUID:
        """The entry's id."""
        ...

    @property
    def hash(self) -> bytes:
        """Its leaf hash, 32 bytes."""
        ...

    @property
    def code(self) -> Code:
        """``done``, or why nothing was inserted: ``changed``, ``late`` or ``there``."""
        ...

    @property
    def stops(self) -> tuple[tuple[UUID, bytes], ...]:
        """Ids and leaf hashes of the stop orders that answer what the entry answers."""
        ...


class Appender(Protocol):
    """Appends entries: the log's lane."""

    def append(self, connection: Connection, draft: Draft, about: Collection[UUID], guard: Guard) -> Appended:
        """Append an entry inside the caller's write transaction, if what was read still stands.

        Args:
            connection: an open write transaction.
            draft: the entry without its place.
            about: subjects that it is linked to.
            guard: what must stand.

        Returns:
            What became of it; durable when the transaction commits.

        Raises:
            ClockDisagrees: the draft's time is more than two seconds off the database's.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One part before it is sealed.

    Attributes:
        name: the part's name.
        data_key: the data key of the subject that it is about.
        members: canonical JSON members, without the format's number.
    """

    name: str
    data_key: bytes = field(repr=False)
    members: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything that the ledger's functions need, in hand.

    Attributes:
        tenant: whose ledger.
        vault: subjects and keys.
        log: where entries are appended.
        clock: the time.
        random: randomness.
        manifests: manifests that this process has read, by the digest that names them for ever.
    """

    tenant: str
    vault: Vault
    log: Appender
    clock: Clock
    random: Random
    manifests: dict[bytes, Manifest] = field(default_factory=dict, repr=False, compare=False)

    def now(self) -> datetime:
        """Read the clock.

        Returns:
            The time, UTC, in whole milliseconds.
        """
        return floor(self.clock())

    def new_id(self, at: datetime) -> UUID:
        """Make an entry id.

        Args:
            at: the entry's time.

        Returns:
            A UUIDv7.
        """
        return uuid7(at, self.random)

    def hold(
        self,
        connection: Connection,
        references: Iterable[Reference] = (),
        *,
        call: str | None = None,
        controller: bool = False,
    ) -> None:
        """Keep everybody else from deciding about people, a call or by the controller's side until the commit.

        Args:
            connection: an open write transaction that has read nothing of them yet.
            references: every reference of everybody about whom something is to be added.
            call: the call that is to be added to, or None.
            controller: whether issuers, packs or the controller's assertions are to be added to.

        Raises:
            Unavailable: somebody else held a lock for too long.
        """
        locks.hold(connection, alone=self.vault.lock_numbers(references, call=call, controller=controller))

    def hold_settled(self, connection: Connection, wanted: Callable[[], Iterable[Reference]]) -> None:
        """Keep everybody else from deciding about people until the commit, where it must be read who they are.

        Args:
            connection: an open write transaction that holds no lock yet.
            wanted: reads every reference of everybody about whom something is to be added; asked again under the
                locks until it names no more.

        Raises:
            Unavailable: somebody else held a lock for too long.
        """
        locks.hold_settled(connection, lambda: self.vault.lock_numbers(wanted()))

    def write(
        self,
        connection: Connection,
        kind: str,
        at: datetime,
        contents: Sequence[Content],
        about: Iterable[UUID] = (),
        *,
        entry: UUID | None = None,
        decided_at: datetime | None = None,
        send_by: datetime | None = None,
        re: Answer | None = None,
        end: str | None = None,
        guard: Guard = UNGUARDED,
    ) -> Appended:
        """Seal, append and link one entry.

        Args:
            connection: an open write transaction.
            kind: the entry's kind.
            at: its time.
            contents: its parts, in any order.
            about: ids of the subjects that it is linked to.
            entry: its id, made if None.
            decided_at: when it was decided (intents and denials).
            send_by: until when the request may leave (intents).
            re: the entry that it answers.
            end: how the request ended (outcomes and observations).
            guard: what must stand, or nothing is inserted.

        Returns:
            What the log gives back.
        """
        entry = entry or self.new_id(at)
        draft = Draft(
            id=entry,
            kind=kind,
            at=at,
            decided_at=decided_at,
            send_by=send_by,
            re=re,
            end=end,
            parts=tuple(self._sealed(entry, c) for c in sorted(contents, key=_name_of)),
        )
        return self.log.append(connection, draft, frozenset(about), guard)

    def write_body(
        self, connection: Connection, kind: str, at: datetime, members: Mapping[str, Json]
    ) -> Appended:
        """Write an entry that is about nobody.

        Args:
            connection: an open write transaction.
            kind: the entry's kind.
            at: its time.
            members: content of its one part.

        Returns:
            What the log gives back.
        """
        key = self.vault.ensure_key(connection, BODY)
        return self.write(
            connection, kind, at, [Content(name="body.0", data_key=key.data_key, members=members)]
        )

    def _sealed(self, entry: UUID, content: Content) -> SealedPart:
        return self.vault.seal(entry, content.name, {"v": _FORMAT, **content.members}, content.data_key)


def open_parts(row: EntryRow, data_keys: Iterable[bytes]) -> dict[str, Mapping[str, Json]]:
    """Open the parts of an entry that the given keys open.

    Args:
        row: the entry as it is stored.
        data_keys: data keys of the subjects that it is linked to; a destroyed one is simply not there.

    Returns:
        Contents by part name; parts whose key was destroyed are missing.

    Raises:
        Malformed: the stored bytes are not what was written.
    """
    leaf = leaves.decode(row.leaf)
    if leaf.id != row.id or leaf.kind != row.kind:
        raise Malformed("An entry's index row names another entry. Run `consentgate verify`.")
    keys = tuple(data_keys)
    opened: dict[str, Mapping[str, Json]] = {}
    jwes = split_parts(row.parts)
    if len(jwes) != len(leaf.parts):
        raise Malformed("An entry's parts are not those that its leaf names. Run `consentgate verify`.")
    for ref, jwe in zip(leaf.parts, jwes, strict=True):
        for data_key in keys:
            try:
                plain = open_part(leaf.id, ref, jwe, data_key)
            except KeyMismatch:
                continue
            opened[ref.p] = _content(plain)
            break
    return opened


def _name_of(content: Content) -> str:
    return content.name


def _content(plain: bytes) -> Mapping[str, Json]:
    content = canonical.decode(plain, limit=16 << 20)
    if not isinstance(content, dict) or content.get("v") != _FORMAT:
        raise Malformed("A part's content is of no format that this version reads.")
    return content
