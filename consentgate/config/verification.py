"""Verifying a deployment: its database, with the keys and the signer's memory that lie in its home.

Invariants: nothing is written; the log's key comes from the caller or from the file beside the private key,
never from the database; what is missing makes a level that cannot be judged, never one that holds. A damaged
trigger does not keep anybody from verifying the rows.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from consentgate.config.parts import database_of
from consentgate.config.settings import Settings
from consentgate.config.sources import evidence_of
from consentgate.config.upkeep import require_database, vkey_of
from consentgate.errors import ConsentGateError, Malformed
from consentgate.keys.custody import KeyFile
from consentgate.log.state import FileState
from consentgate.moment import system_clock
from consentgate.storage import deployment, sequence
from consentgate.storage.database import Database
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.known import RESTORE
from consentgate.verify.levels import verify
from consentgate.verify.result import Finding, Verification
from consentgate.verify.source import ArtifactRow, EntryRow, Evidence, LedgerSource, NoticeRow, StatementRow

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verifying a deployment came to.

    Attributes:
        verification: levels and findings.
        entries: how many rows of entries there are, by the highest of their numbers.
        origin: the log's origin, as the database says, or None.
        vkey: the key that was used, or None.
        vkey_from: where it came from: ``command line``, ``home``, or None.
        note: why keys or the signer's memory were not used; empty where they were.
        test: whether a test clock was ever used on this database.
    """

    verification: Verification
    entries: int
    origin: str | None
    vkey: str | None
    vkey_from: str | None
    note: str
    test: bool


@dataclass(frozen=True, slots=True)
class _Counted:
    """A ledger that tells how far it was read."""

    source: LedgerSource
    step: Callable[[], None]

    def entries(self) -> Iterable[EntryRow]:
        return self._told(self.source.entries())

    def statements(self) -> Iterable[StatementRow]:
        return self.source.statements()

    def artifacts(self) -> Iterable[ArtifactRow]:
        return self.source.artifacts()

    def notices(self) -> Iterable[NoticeRow]:
        return self.source.notices()

    def _told(self, rows: Iterable[EntryRow]) -> Iterator[EntryRow]:
        for row in rows:
            self.step()
            yield row


def work_of(settings: Settings) -> int:
    """Say how much there is to verify.

    Args:
        settings: the settings.

    Returns:
        The number of steps that `verify_deployment` will tell, about.

    Raises:
        Unavailable: the database is out of reach.
    """
    with _opened(settings) as database, database.read() as connection:
        # The rows are read twice: for their bytes, and for what is sealed in them.
        return 2 * sequence.last_ordinal(connection)


def verify_deployment(
    settings: Settings, *, vkey: str | None, with_keys: bool, step: Callable[[], None]
) -> Verified:
    """Verify everything that can be verified from here.

    Args:
        settings: the settings.
        vkey: the log's public key as the caller trusts it; None takes the file in the home.
        with_keys: whether sealed parts may be opened.
        step: called for every row of an entry that was read.

    Returns:
        The result.

    Raises:
        Malformed: the vkey is none.
        SchemaMismatch: there is no table to read.
        Unavailable: the database is out of reach.
    """
    notes: list[str] = []
    custody = _or_note(notes, lambda: KeyFile.read(settings.keys)) if with_keys else None
    state = _or_note(notes, FileState(settings.log_state).read)
    known = vkey or vkey_of(settings)
    if known is not None:
        NoteKey.from_vkey(known)
    with _opened(settings) as database, database.read() as connection:
        evidence = evidence_of(
            connection,
            now=system_clock(),
            vkey=known,
            signer_note=state.note if state else None,
            custody=custody,
        )
        counted = replace(evidence, ledger=_Counted(evidence.ledger, step))
        return Verified(
            verification=_verified(counted),
            entries=sequence.last_ordinal(connection),
            origin=evidence.origin,
            vkey=known,
            vkey_from="command line" if vkey else "home" if known else None,
            note="\n".join(notes),
            test=deployment.is_test_database(connection),
        )


def _verified(evidence: Evidence) -> Verification:
    """Verify; a stored key that was altered breaks the level of links and no other."""
    try:
        return verify(evidence)
    except Malformed as error:
        if evidence.keys is None:
            raise
        found = Finding(
            kind="altered",
            where="data_key",
            expected="wrapped keys that open under their wrapping keys",
            found=str(error),
            cure=RESTORE,
        )
    rest = verify(replace(evidence, keys=None))
    levels = (replace(level, verdict="broken") if level.name == "links" else level for level in rest.levels)
    return Verification(levels=tuple(levels), findings=(*rest.findings, found))


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    require_database(settings)
    database = database_of(settings)
    try:
        yield database
    finally:
        database.close()


def _or_note(notes: list[str], read: Callable[[], T]) -> T | None:
    """Read something, or note why it cannot be: verification goes on without it."""
    try:
        return read()
    except ConsentGateError as error:
        notes.append(str(error))
        return None
