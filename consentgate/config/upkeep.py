"""What an operator does to a deployment from outside the gate: the schema, and the keeping of the log.

Invariant: a SQLite file that is not there is said to be missing, never made in passing; only `upgrade` makes
one.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from consentgate.config.ownlog import own_notes
from consentgate.config.parts import Parts, assemble, database_of, signer_of
from consentgate.config.settings import Settings
from consentgate.config.times import patience_of
from consentgate.entries import epoch
from consentgate.errors import ConsentGateError, Malformed, Misconfigured, Unavailable
from consentgate.log.sequencer import Sequencer
from consentgate.moment import Clock, from_millis, system_clock, system_random
from consentgate.storage import checkpoints, deployment, looking, pulse, schema, sequence
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.schema import Upgrade
from consentgate.values import dataclass

_VKEY_FILE: Final = re.compile(r"log\.([1-9][0-9]{0,8})\.vkey")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """How far the log is that grows.

    Attributes:
        log: its number: 0, or that of the last epoch.
        origins: the origins of all logs, by their numbers.
        origin: its origin, or None before `init` made one.
        size: how many entries have a position.
        sequenced_at: when the last of them got it, or None.
        unsequenced: how many entries have none yet.
        unsigned_since: since when entries of the settings' tenant wait for a signature, or None.
        signed: how many positions a checkpoint of the log's own key covers.
        checkpoint: the newest checkpoint, or None, whoever wrote it.
        test: whether a test clock was ever used on this database.
    """

    log: int
    origins: Mapping[int, str]
    origin: str | None
    size: int
    sequenced_at: datetime | None
    unsequenced: int
    unsigned_since: datetime | None
    signed: int
    checkpoint: CheckpointRow | None
    test: bool

    @property
    def before(self) -> tuple[int, ...]:
        """The numbers of the logs that epochs ended."""
        return tuple(number for number in self.origins if number != self.log)

    @property
    def unsigned(self) -> int:
        """How many positions no checkpoint covers yet."""
        return self.size - self.signed


def database_file(settings: Settings) -> Path | None:
    """Say in which file the database lies.

    Args:
        settings: the settings.

    Returns:
        The file, whether it is there or not; None for a database that is not SQLite.
    """
    url = make_url(settings.database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def require_database(settings: Settings) -> None:
    """Refuse a SQLite file that is not there, before the driver makes an empty one.

    Args:
        settings: the settings.

    Raises:
        Unavailable: there is no such file.
    """
    path = database_file(settings)
    if path is not None and not path.is_file():
        raise Unavailable(
            f"The database {path} is not there. Restore it, or run `consentgate db upgrade` to make a new one."
        )


def upgrade_database(settings: Settings) -> Upgrade:
    """Bring the database to the newest revision and put its triggers right.

    Args:
        settings: the settings.

    Returns:
        What was done.

    Raises:
        SchemaMismatch: it is newer than this version, or damaged.
        Unavailable: it is out of reach.
    """
    patience = patience_of(settings.times)
    engine = open_engine(settings.database, patience)
    try:
        return schema.upgrade(engine, patience)
    finally:
        engine.dispose()


def check_database(settings: Settings) -> None:
    """Refuse a database that is not as the migrations made it.

    Args:
        settings: the settings.

    Raises:
        SchemaMismatch: with every problem on a line of its own.
        Unavailable: it is out of reach.
    """
    require_database(settings)
    patience = patience_of(settings.times)
    engine = open_engine(settings.database, patience)
    try:
        schema.check(engine, patience)
    finally:
        engine.dispose()


@contextmanager
def reading(settings: Settings, *, clock: Clock = system_clock) -> Iterator[Parts]:
    """Open a deployment to look at it; nothing is written, sequenced or signed.

    Args:
        settings: the settings.
        clock: the time.

    Yields:
        Its parts.

    Raises:
        Misconfigured: settings or key files cannot be used.
        SchemaMismatch: the database is not as the migrations made it.
        Unavailable: the database is out of reach.
    """
    require_database(settings)
    try:
        parts = assemble(settings, engine=None, clock=clock, random=system_random, background=False)
    except Malformed as error:
        raise Misconfigured(f"{settings.keys}: {error} Restore the file.") from error
    try:
        yield parts
    finally:
        parts.database.close()


@contextmanager
def log_database(settings: Settings) -> Iterator[Database]:
    """Open a deployment's database for sequencing and signing; its keys of people are not needed.

    Args:
        settings: the settings.

    Yields:
        The database, checked.

    Raises:
        Misconfigured: its row security hides entries of other tenants from this login.
        SchemaMismatch: it is not as the migrations made it.
        Unavailable: it is out of reach.
    """
    require_database(settings)
    database = database_of(settings)
    try:
        database.check(every_tenant=True)
        yield database
    finally:
        database.close()


def keep_log(settings: Settings) -> ConsentGateError | None:
    """Sequence and sign what is committed, as far as that goes from here.

    Args:
        settings: the settings.

    Returns:
        What stood in the way, or None. The entries are durable in any case.
    """
    try:
        with log_database(settings) as database:
            Sequencer(database).once()
            signer_of(settings, database).once()
    except ConsentGateError as failure:
        return failure
    return None


def log_state(settings: Settings, database: Database) -> LogState:
    """Say how far the log is.

    Args:
        settings: the settings, which say where the log's public key lies.
        database: whose log.

    Returns:
        Its state.
    """
    with database.read() as connection:
        known = deployment.facts(connection)
        log = epoch.current_log(known)
        logs = epoch.origins(known)
        tree = sequence.latest_tree(connection, log=log)
        own = own_notes(settings).of(log, logs.get(log))
        waiting = pulse.waiting(connection, database.tenant, log=log, own=own)
        return LogState(
            log=log,
            origins=logs,
            origin=logs.get(log),
            size=tree.size if tree else 0,
            sequenced_at=tree.at if tree else None,
            unsequenced=looking.unsequenced(connection, log=log),
            unsigned_since=_time(waiting.since),
            signed=waiting.signed,
            checkpoint=checkpoints.latest_checkpoint(connection, log=log),
            test=deployment.TEST_DATABASE in known,
        )


def vkey_of(settings: Settings, log: int | None = None) -> str | None:
    """Read a log's public key from where `init` or `log recover` wrote it, never from the database.

    Args:
        settings: the settings.
        log: number of the log; None for the newest that has a file.

    Returns:
        The vkey, or None where the file is missing.

    Raises:
        Misconfigured: the file cannot be read.
    """
    path = settings.log_file("vkey", newest_log(settings) if log is None else log)
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {type(error).__name__}.") from error


def newest_log(settings: Settings) -> int:
    """Say which log is the newest that has a public key in the home.

    Args:
        settings: the settings.

    Returns:
        Its number.
    """
    found = (_VKEY_FILE.fullmatch(path.name) for path in settings.home.glob("log.*.vkey"))
    return max((int(each[1]) for each in found if each is not None), default=sequence.FIRST_LOG)


def _time(millis: int | None) -> datetime | None:
    return from_millis(millis) if millis is not None else None
