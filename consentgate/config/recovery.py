"""Recovering a log that its signer refuses: an operator opens an epoch, and the loss is written down.

Invariants: nothing is opened while the signer signs, unless that is asked for; no key and no origin is ever used for
two logs; what is there is kept, the refused state and the old log included.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.config.anchoring import place_of
from consentgate.config.parts import Parts, assemble, signer_of, state_of
from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log, log_database, log_state, require_database, vkey_of
from consentgate.entries.epoch import EpochRecord, current_log, origins
from consentgate.errors import (
    ConsentGateError,
    InvalidInput,
    LogRefused,
    Malformed,
    Misconfigured,
    Unavailable,
)
from consentgate.log.epochs import Survivors, known_checkpoints, open_epoch
from consentgate.log.identity import make_epoch_identity
from consentgate.moment import Clock, Random, system_clock, system_random
from consentgate.storage import deployment
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass

_KEY_FILE: Final = re.compile(r"log\.([1-9][0-9]{0,8})\.(?:key|vkey|state)")


@runtime_checkable
class _Keeps(Protocol):
    """An anchor that can be asked what it keeps; a witness keeps to itself what it cosigned."""

    def held(self, origin: str) -> Iterator[tuple[str, bytes, datetime]]:
        """Read what is kept of a log: name, content and time of each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a recovery is about to do.

    Attributes:
        why: what the signer says; empty where it signs.
        record: what is known before; the entry says what is so when it is written.
    """

    why: str
    record: EpochRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """An epoch that was opened.

    Attributes:
        record: what its first entry says.
        vkey: the new log's public key.
        size: how many entries are signed by now.
        failure: what kept it from being sequenced and signed at once, or None.
    """

    record: EpochRecord
    vkey: str
    size: int
    failure: ConsentGateError | None


def recover(
    settings: Settings,
    *,
    agreed: Callable[[Plan], bool],
    kept: Sequence[Path] = (),
    vkey: str | None = None,
    anyway: bool = False,
    clock: Clock = system_clock,
    random: Random = system_random,
) -> Recovered | None:
    """Open an epoch, sequence every entry again, and sign.

    Args:
        settings: the settings.
        agreed: asks the operator.
        kept: files with checkpoints of the old log that were kept elsewhere.
        vkey: the old log's public key; None takes the file in the home.
        anyway: whether to open one although the signer signs, for example since its key became known.
        clock: the time.
        random: makes origin and key.

    Returns:
        The epoch, or None where the operator did not agree.

    Raises:
        InvalidInput: the signer does not refuse, or a file holds no checkpoint of the old log.
        Misconfigured: keys or settings cannot be used.
        SchemaMismatch: the database is not as the migrations made it.
        Unavailable: the database, the signer's state or an anchor is out of reach; an anchor that is gone for good
            can be left out of the settings.
    """
    require_database(settings)
    parts = assemble(settings, engine=None, clock=clock, random=random, background=False)
    try:
        parts.database.check(every_tenant=True)
        old = _old_log(parts.database)
        why = _require_refusal(settings, parts.database, anyway=anyway)
        # 1 look at what survived
        survivors, expected = _looked(parts, old, kept, vkey)
        if not agreed(Plan(why=why, record=expected)):
            return None
        record, made = _opened(parts, old, survivors, expected.log, random)
    finally:
        parts.close()
    return _signed(settings, record, made)


def _signed(settings: Settings, record: EpochRecord, made: NoteKey) -> Recovered:
    """Sequence and sign: the epoch is open whether that succeeds at once or not."""
    failure = keep_log(settings)
    with log_database(settings) as database:
        state = log_state(settings, database)
    size = state.checkpoint.size if state.checkpoint else 0
    return Recovered(record=record, vkey=made.vkey, size=size, failure=failure)


def _require_refusal(settings: Settings, database: Database, *, anyway: bool) -> str:
    why = _refusal(settings, database)
    if not why and not anyway:
        raise InvalidInput(
            "The log is signed: there is nothing to recover. With --anyway an epoch is opened still."
        )
    return why


@dataclass(frozen=True, slots=True, kw_only=True)
class _Old:
    """The log that is ended, and all that the database knows of its logs."""

    log: int
    origin: str
    facts: Mapping[str, str]
    test: bool


def _old_log(database: Database) -> _Old:
    with database.read() as connection:
        facts = deployment.facts(connection)
    log = current_log(facts)
    origin = origins(facts).get(log)
    if origin is None:
        raise Misconfigured("This database has no log to recover: run `consentgate init` in another home.")
    return _Old(log=log, origin=origin, facts=facts, test=deployment.TEST_DATABASE in facts)


def _looked(parts: Parts, old: _Old, kept: Sequence[Path], vkey: str | None) -> tuple[Survivors, EpochRecord]:
    settings = parts.settings
    key = _old_key(settings, old, vkey)
    notes = list(_kept(settings, parts.database, old, kept))
    with parts.database.read() as connection:
        survivors = Survivors(old.log, known_checkpoints(connection, old.log, key, notes))
        survivors.extend(connection)
        log = _next_log(settings, old.facts)
        return survivors, survivors.record(connection, log=log, origin="", old_origin=old.origin)


def _opened(
    parts: Parts, old: _Old, survivors: Survivors, log: int, random: Random
) -> tuple[EpochRecord, NoteKey]:
    settings = parts.settings
    # 2 make the new log's key and state
    made = make_epoch_identity(
        key=settings.log_file("key", log),
        vkey=settings.log_file("vkey", log),
        state=state_of(settings, log),
        random=random,
        test=old.test,
    )
    # 3 open it
    try:
        record = open_epoch(
            parts.database,
            survivors,
            log=log,
            origin=made.name,
            old_log=old.log,
            old_origin=old.origin,
            write=partial(_write, parts),
        )
    except Duplicate as error:
        raise Unavailable(
            "Somebody else opened an epoch in this moment: look at `consentgate log show`."
        ) from error
    return record, made


def _write(parts: Parts, connection: Connection, members: Mapping[str, Json]) -> None:
    parts.book.write_body(connection, "epoch", parts.book.now(), members)


def _refusal(settings: Settings, database: Database) -> str:
    """Give the signer's reason, empty where it signs; what is only out of reach is no reason."""
    try:
        signer_of(settings, database).once()
    except (LogRefused, Misconfigured) as error:
        return str(error)
    return ""


def _old_key(settings: Settings, old: _Old, vkey: str | None) -> NoteKey:
    text = vkey or vkey_of(settings, old.log)
    if text is None:
        raise Misconfigured(
            f"{settings.log_file('vkey', old.log)} is not there: give the old log's key with --vkey."
        )
    try:
        key = NoteKey.from_vkey(text)
    except Malformed as error:
        raise InvalidInput(f"The vkey cannot be used: {error}") from error
    if key.name != old.origin:
        raise InvalidInput(f"The vkey is of {key.name}, but the database's log is {old.origin}.")
    return key


def _kept(
    settings: Settings, database: Database, old: _Old, files: Sequence[Path]
) -> Iterator[tuple[str, str]]:
    """Give the checkpoints that were kept outside the database."""
    for path in files:
        try:
            yield "given", path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path} cannot be read: {type(error).__name__}.") from error
    for anchor in settings.anchors:
        place = place_of(anchor, database.clock, settings.times)
        if isinstance(place, _Keeps):
            yield from (("anchor", data.decode(errors="replace")) for _, data, _ in place.held(old.origin))
    try:
        state = state_of(settings, old.log).read()
    except Misconfigured:
        # It is damaged: that may be why the log is recovered.
        return
    if state is not None and state.note:
        yield "state", state.note


def _next_log(settings: Settings, facts: Mapping[str, str]) -> int:
    """Number the epoch: above all that the database knows, and all that a key was used for already."""
    log = current_log(facts) + 1
    for path in settings.home.iterdir():
        found = _KEY_FILE.fullmatch(path.name)
        if found is not None and not _unused(settings, int(found[1])):
            log = max(log, int(found[1]) + 1)
    return log


def _unused(settings: Settings, log: int) -> bool:
    """Say whether nothing was signed: a recovery was cut off before it opened this epoch."""
    try:
        state = state_of(settings, log).read()
    except Misconfigured:
        return False
    return state is not None and not state.size
