"""Verifying a deployment: its database, with the keys and the signer's memory that lie in its home.

Invariants: nothing is written, and a copy that cannot be written to will do; the log's key comes from the
caller or from the file beside the private key, never from the database; what is missing makes a level that
cannot be judged, never one that holds. A damaged trigger does not keep anybody from verifying the rows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from consentgate.config.parts import state_of
from consentgate.config.places import Newest, anchors_of, newest_of
from consentgate.config.settings import Settings
from consentgate.config.since import Pinned, since_pinned
from consentgate.config.sources import evidence_of
from consentgate.config.times import patience_of
from consentgate.config.upkeep import newest_log, require_database, vkey_of
from consentgate.entries.epoch import current_log, origin_fact
from consentgate.errors import ConsentGateError, InvalidInput, Malformed, Unavailable
from consentgate.keys.custody import KeyFile
from consentgate.moment import system_clock
from consentgate.storage import inbulk, since, stored
from consentgate.storage.readonly import read_only
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass
from consentgate.verify.faults import Faults
from consentgate.verify.levels import verify
from consentgate.verify.places import Anchors
from consentgate.verify.result import Verification
from consentgate.verify.rows import ArtifactRow, EntryRow, EntryValues, FactRow, NoticeRow, StatementRow
from consentgate.verify.source import Evidence, LedgerSource, Memory
from consentgate.verify.stored import TEST
from consentgate.verify.typed import typed_ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying a deployment came to.

    Attributes:
        verification: levels and findings.
        entries: how many rows of entries there are; 0 where a damaged database does not tell.
        origin: the log's origin, as the database says, or None.
        vkey: the key that was used, or None.
        vkey_from: where it came from: ``command line``, ``home``, or None.
        note: why keys or the signer's memory were not used; empty where they were.
        test: whether a test clock was ever used on this database.
        at: the time of verification.
        anchors: how old the newest checkpoint of each anchor is, as the database says.
        pinned: the checkpoint from which on was verified; None where everything was.
    """

    verification: Verification
    entries: int
    origin: str | None
    vkey: str | None
    vkey_from: str | None
    note: str
    test: bool
    at: datetime
    anchors: tuple[Newest, ...] = ()
    pinned: Pinned | None = None


@dataclass(frozen=True, slots=True)
class _Counted:
    """A ledger that tells how far it was read, and of how many entries; they are read more than once."""

    source: LedgerSource
    step: Callable[[], None]
    read: list[int]

    def damage(self) -> Iterable[str]:
        return self.source.damage()

    def facts(self) -> Iterable[FactRow]:
        return self.source.facts()

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        self.read.append(0)
        return self._told(self.source.entries(), len(self.read) - 1)

    def repeated(self) -> Collection[tuple[str, bytes]]:
        return self.source.repeated()

    def find(self, keys: Collection[tuple[str, bytes]]) -> Iterable[EntryRow]:
        return self.source.find(keys)

    def statements(self) -> Iterable[StatementRow]:
        return self.source.statements()

    def artifacts(self) -> Iterable[ArtifactRow]:
        return self.source.artifacts()

    def notices(self) -> Iterable[NoticeRow]:
        return self.source.notices()

    def _told(
        self, batches: Iterable[Sequence[EntryValues]], reading: int
    ) -> Iterator[Sequence[EntryValues]]:
        for batch in batches:
            self.step()
            self.read[reading] += len(batch)
            yield batch


def work_of(settings: Settings, pinned: Pinned | None = None) -> int:
    """Say how much there is to verify.

    Args:
        settings: the settings.
        pinned: the checkpoint from which on is verified; None where everything is.

    Returns:
        The number of steps that `verify_deployment` will tell, about.

    Raises:
        Unavailable: the database is out of reach.
    """
    require_database(settings)
    with read_only(settings.database, patience_of(settings.times)) as connection:
        if pinned is not None and pinned.head.size:
            there = _or_note([], lambda: since.log_size(connection, newest_log(settings))) or 0
            # Once for their bytes, once for whom they name, and once for what is sealed in them.
            return 3 * (max(there - pinned.head.size, 0) // inbulk.AT_ONCE + 1)
        # The rows are read twice: for their bytes, and for what is sealed in them.
        rows = _or_note([], lambda: stored.count(connection)) or 0
        return 2 * (rows // inbulk.AT_ONCE + 1)


def trusted_vkey(settings: Settings, vkey: str | None) -> str | None:
    """Choose the key that the log is held against.

    Args:
        settings: the settings.
        vkey: the log's public key as the caller trusts it; None takes the file in the home.

    Returns:
        The key as text, or None where there is none to hand.

    Raises:
        InvalidInput: it is no key.
        Misconfigured: the file in the home cannot be read.
    """
    known = vkey or vkey_of(settings)
    try:
        return NoteKey.from_vkey(known).vkey if known is not None else None
    except Malformed as error:
        raise InvalidInput(f"The vkey cannot be used: {error}") from error


def verify_deployment(
    settings: Settings,
    *,
    vkey: str | None,
    with_keys: bool,
    step: Callable[[], None],
    policy: Path | None = None,
    pinned: Pinned | None = None,
) -> Verified:
    """Verify everything that can be verified from here.

    Args:
        settings: the settings.
        vkey: the log's public key as the caller trusts it; None takes the file in the home.
        with_keys: whether sealed parts may be opened.
        step: called whenever some hundred rows of entries were read.
        policy: a file with a witness policy, in the place of the settings'.
        pinned: a checkpoint under the same vkey, from which on is verified; None verifies everything.

    Returns:
        The result.

    Raises:
        InvalidInput: the vkey is none.
        Misconfigured: the database is no SQLite file, or the file with the vkey or the policy cannot be read.
        SchemaMismatch: there is no table to read.
        Unavailable: the database is out of reach.
    """
    notes: list[str] = []
    custody = _or_note(notes, lambda: KeyFile.read(settings.keys)) if with_keys else None
    require_database(settings)
    known, memory = trusted_vkey(settings, vkey), _or_note(notes, lambda: _memory(settings))
    with read_only(settings.database, patience_of(settings.times)) as connection:
        evidence = _gathered(settings, connection, notes, policy, known, memory, custody)
        evidence = since_pinned(evidence, connection, pinned)
        return replace(
            _judged(settings, connection, evidence, step),
            vkey=known,
            vkey_from="command line" if vkey else "home" if known else None,
            note="\n".join(dict.fromkeys(notes)),
            pinned=pinned,
        )


def _judged(
    settings: Settings, connection: Connection, evidence: Evidence, step: Callable[[], None]
) -> Verified:
    ledger = _Counted(evidence.ledger, step, [])
    verification = verify(replace(evidence, ledger=ledger))
    facts, entries = _told(connection, evidence, verification, max(ledger.read, default=0))
    return Verified(
        entries=entries,
        verification=verification,
        origin=facts.get(origin_fact(current_log(facts))),
        vkey=None,
        vkey_from=None,
        note="",
        test=TEST in facts,
        at=evidence.now,
        anchors=newest_of(settings, connection, log=evidence.number),
    )


def _gathered(
    settings: Settings,
    connection: Connection,
    notes: list[str],
    policy: Path | None,
    vkey: str | None,
    signer: Memory | None,
    custody: KeyFile | None,
) -> Evidence:
    found = evidence_of(
        connection,
        now=system_clock(),
        vkey=vkey,
        signer=signer,
        # Once more: a signer that signed since the first reading remembers more, and has not lost anything.
        signer_after=_or_note([], lambda: _memory(settings)),
        custody=custody,
        old_vkey=lambda log: _or_note(notes, lambda: vkey_of(settings, log)),
    )

    def anchors(log: int) -> Anchors | None:
        return anchors_of(settings, connection, clock=system_clock, notes=notes, policy=policy, log=log)

    older = tuple(replace(each, anchors=anchors(each.number)) for each in found.older)
    return replace(found, anchors=anchors(found.number), older=older)


def _told(
    connection: Connection, evidence: Evidence, verification: Verification, read: int
) -> tuple[Mapping[str, str], int]:
    """Read what the database says of itself, and count its entries; what cannot be read was found already."""
    try:
        facts = {row.name: row.value for row in typed_ledger(evidence.ledger, Faults()).facts()}
        if evidence.since is None:
            return facts, stored.count(connection)
        # Those that a checkpoint covers are not counted again.
        return facts, min(evidence.since.size, evidence.since.prefix.size()) + read
    except Unavailable:
        if not verification.findings:
            raise
        return {}, 0


def _memory(settings: Settings) -> Memory:
    log = newest_log(settings)
    state = state_of(settings, log).read()
    if state is None:
        raise Unavailable(
            f"The signer's state {settings.log_file('state', log)} is missing: what was signed cannot be compared"
            " with what the signer remembers."
        )
    return Memory(size=state.size, root=state.root, note=state.note)


def _or_note(notes: list[str], read: Callable[[], T]) -> T | None:
    """Read something, or note why it cannot be: verification goes on without it."""
    try:
        return read()
    except ConsentGateError as error:
        notes.append(str(error))
        return None
