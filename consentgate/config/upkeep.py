"""What an operator does to a deployment from outside the gate: the schema, and the keeping of the log.

Invariant: a SQLite file that is not there is said to be missing, never made in passing; only `upgrade` makes
one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from consentgate.config.parts import Parts, assemble, database_of, signer_of
from consentgate.config.settings import Settings
from consentgate.errors import ConsentGateError, Malformed, Misconfigured, Unavailable
from consentgate.log.sequencer import Sequencer
from consentgate.moment import Clock, system_clock, system_random
from consentgate.storage import checkpoints, deployment, looking, schema, sequence
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine, own_engine
from consentgate.storage.schema import Upgrade
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """How far a log is.

    Attributes:
        origin: its origin, or None before `init` made one.
        size: how many entries have a position.
        sequenced_at: when the last of them got it, or None.
        unsequenced: how many entries have none yet.
        checkpoint: the newest checkpoint, or None.
        test: whether a test clock was ever used on this database.
    """

    origin: str | None
    size: int
    sequenced_at: datetime | None
    unsequenced: int
    checkpoint: CheckpointRow | None
    test: bool

    @property
    def unsigned(self) -> int:
        """How many positions no checkpoint covers yet."""
        return self.size - (self.checkpoint.size if self.checkpoint else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A PostgreSQL server that can keep evidence.

    Attributes:
        version: its major version.
        pooled: whether a proxy that pools transactions is in the way.
    """

    version: int
    pooled: bool


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


def server_of(settings: Settings) -> PostgresServer:
    """Look at the PostgreSQL server that holds a ledger.

    Args:
        settings: the settings.

    Returns:
        The server.

    Raises:
        Misconfigured: it cannot keep evidence.
        Unavailable: it is out of reach.
    """
    from consentgate.storage.postgres import PostgresSession

    session = PostgresSession(
        own_engine(open_engine(settings.database)), writes=False, pooler=settings.pooler
    )
    session.close()
    return PostgresServer(version=session.version, pooled=session.pooled)


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
    engine = open_engine(settings.database)
    try:
        return schema.upgrade(engine)
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
    engine = open_engine(settings.database)
    try:
        schema.check(engine)
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


def log_state(database: Database) -> LogState:
    """Say how far the log is.

    Args:
        database: whose log.

    Returns:
        Its state.
    """
    with database.read() as connection:
        tree = sequence.latest_tree(connection)
        return LogState(
            origin=deployment.fact(connection, deployment.LOG_ORIGIN),
            size=tree.size if tree else 0,
            sequenced_at=tree.at if tree else None,
            unsequenced=looking.unsequenced(connection),
            checkpoint=checkpoints.latest_checkpoint(connection),
            test=deployment.is_test_database(connection),
        )


def vkey_of(settings: Settings) -> str | None:
    """Read the log's public key from where `init` wrote it, never from the database.

    Args:
        settings: the settings.

    Returns:
        The vkey, or None where the file is missing.

    Raises:
        Misconfigured: the file cannot be read.
    """
    try:
        return settings.log_vkey.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{settings.log_vkey} cannot be read: {type(error).__name__}.") from error
