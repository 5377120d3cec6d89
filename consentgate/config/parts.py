"""Settings to objects: what one gate consists of, in the order in which it depends on itself."""

from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Engine

from consentgate.aws.operations import leg_of
from consentgate.config.anchoring import alarm_of, anchorer_of
from consentgate.config.overlays import packs_of
from consentgate.config.ownlog import own_notes
from consentgate.config.settings import Settings
from consentgate.config.times import patience_of
from consentgate.errors import ConsentGateError, Misconfigured, Unavailable
from consentgate.gate.context import GateContext, Limits
from consentgate.gate.spool import Spool
from consentgate.gate.unsigned import Unsigned
from consentgate.keys.custody import KeyFile
from consentgate.keys.envelope import Envelopes
from consentgate.ledger.book import Book
from consentgate.ledger.reader import Reader
from consentgate.ledger.vault import BODY, Vault
from consentgate.log.append import Lanes, append_writer_stop
from consentgate.log.heartbeat import Heartbeat
from consentgate.log.identity import read_key
from consentgate.log.service import LogService
from consentgate.log.signer import CurrentSigner, Signer
from consentgate.log.state import FileState, StateStore
from consentgate.moment import Clock, Random, system_clock
from consentgate.storage import deployment
from consentgate.storage.anykey import any_data_key
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The objects of one gate.

    Attributes:
        settings: what the deployment decides.
        database: where everything is read and written.
        lanes: where entries are appended.
        book: the ledger.
        reader: reads for decisions.
        gate: what the steps of the gate work with.
        service: sequences and signs the log; None where another process does.
    """

    settings: Settings
    database: Database
    lanes: Lanes
    book: Book
    reader: Reader
    gate: GateContext
    service: LogService | None

    def close(self) -> None:
        """Say that the lanes end here, sequence and sign what is written, let go of threads and connections.

        Where the database is out of reach the lanes end without a word, as after a crash.
        """
        try:
            with suppress(ConsentGateError):
                append_writer_stop(self.database, self.lanes, self.book.random)
            if self.service is not None:
                self.service.stop()
        finally:
            self.database.close()


def database_of(settings: Settings, *, engine: Engine | None = None, clock: Clock = system_clock) -> Database:
    """Open the database of some settings, without looking at it.

    Args:
        settings: the settings.
        engine: the host's engine, or None for one of our own.
        clock: the time; any but the system's is a test clock, and marks the database for ever.

    Returns:
        The database.

    Raises:
        Misconfigured: the database is of a kind, or in a place, that cannot hold evidence, or its driver is missing.
    """
    return Database(
        engine if engine is not None else open_engine(settings.database, patience_of(settings.times)),
        clock=clock,
        tenant=settings.tenant,
        test_clock=clock is not system_clock,
        lambda_function="yes" if settings.on_lambda else None,
        pooler=settings.pooler,
        writers=settings.writers,
        patience=patience_of(settings.times),
    )


def signer_of(settings: Settings, database: Database, *, log: int | None = None) -> Signer:
    """Take a log's key and its signer's state in hand.

    Args:
        settings: the settings.
        database: whose log.
        log: number of the log; None for the one that grows.

    Returns:
        The signer.

    Raises:
        Misconfigured: the key is not there or cannot be used.
        Unavailable: the database is out of reach.
    """
    if log is None:
        with database.read() as connection:
            log = deployment.current_log(connection)
    key = read_key(settings.log_file("key", log))
    return Signer(database=database, key=key, state=state_of(settings, log), log=log)


def state_of(settings: Settings, log: int) -> StateStore:
    """Find the memory of a log's signer.

    Args:
        settings: the settings.
        log: number of the log.

    Returns:
        Where it lies; nothing is read.
    """
    times = settings.times
    if settings.state in (None, "file"):
        return FileState(settings.log_file("state", log), within=times.state.total_seconds())
    from consentgate.aws.state import S3State

    return S3State.at(settings.state, log, seconds=times.state.total_seconds(), attempts=times.s3_attempts)


def keeper_of(settings: Settings, database: Database, lanes: Lanes, random: Random) -> LogService:
    """Make what keeps a log in the background of a process.

    Args:
        settings: the settings.
        database: whose log.
        lanes: where heartbeats are appended.
        random: gives their ids.

    Returns:
        The service; its thread starts with the first write.

    Raises:
        Misconfigured: the log's key is not there or cannot be used, or an anchor cannot.
        Unavailable: the database is out of reach.
    """
    signer = CurrentSigner(
        database,
        lambda log: signer_of(settings, database, log=log),
        signer=signer_of(settings, database),
    )
    return LogService(
        database,
        signer=signer,
        heartbeat=Heartbeat(database, lanes, random),
        anchorer=anchorer_of(settings, database),
        alarm=alarm_of(settings, database),
    )


def assemble(
    settings: Settings,
    *,
    engine: Engine | None,
    clock: Clock,
    random: Random,
    background: bool,
    shadow: bool = False,
) -> Parts:
    """Put a gate together and check its database.

    Args:
        settings: what the deployment decides.
        engine: the host's engine, or None.
        clock: the time.
        random: randomness.
        background: whether a thread of this process sequences and signs the log; never on Lambda.
        shadow: whether the host wants shadow mode, which the settings have to allow.

    Returns:
        The objects.

    Raises:
        Misconfigured: settings or key files cannot be used.
        SchemaMismatch: the database is not as the migrations made it.
        Unavailable: the database is out of reach.
    """
    if shadow and settings.shadow is None:
        raise Misconfigured(
            "The settings do not allow shadow mode: write [shadow] with by and until, or open the gate without it."
        )
    if not shadow:
        # What the settings allow is on only where the host's code says so too.
        settings = replace(settings, shadow=None)
    custody = KeyFile.read(settings.keys)
    if settings.spool is not None:
        Spool(settings.spool).prepare()
    database = database_of(settings, engine=engine, clock=clock)
    try:
        database.check()
        _require_own(settings, database, custody, random)
        return _assembled(settings, database, custody, clock=clock, random=random, background=background)
    except ConsentGateError:
        database.close()
        raise


def _require_own(settings: Settings, database: Database, custody: KeyFile, random: Random) -> None:
    """Refuse another deployment's keys: what they seal, nobody who verifies this ledger could open."""
    vault = Vault(custody, settings.tenant, random)
    with database.glance() as connection:
        row = any_data_key(connection, settings.tenant)
        if row is None or vault.find_key(connection, BODY) is not None:
            return
    try:
        vault.unwrap(row)
    except Unavailable as error:
        raise Misconfigured(
            f"The key file {settings.keys} is another deployment's: restore the one that `consentgate init` made."
        ) from error


def _assembled(
    settings: Settings,
    database: Database,
    custody: KeyFile,
    *,
    clock: Clock,
    random: Random,
    background: bool,
) -> Parts:
    # Between two invocations a function on Lambda is frozen, and its threads with it.
    own_thread = background and settings.background and not settings.on_lambda
    lanes = Lanes(database, random)
    vault = Vault(custody, settings.tenant, random)
    book = Book(tenant=settings.tenant, vault=vault, log=lanes, clock=clock, random=random)
    reader = Reader(book)
    return Parts(
        settings=settings,
        database=database,
        lanes=lanes,
        book=book,
        reader=reader,
        gate=_context(settings, database, book, reader, Envelopes(custody, random)),
        service=keeper_of(settings, database, lanes, random) if own_thread else None,
    )


def _context(
    settings: Settings, database: Database, book: Book, reader: Reader, envelopes: Envelopes
) -> GateContext:
    if not settings.controller:
        raise Misconfigured("The settings name no controller: set [controller] id, as statements name it.")
    return GateContext(
        database=database,
        book=book,
        reader=reader,
        packs=packs_of(settings),
        controller=settings.controller,
        jurisdiction=settings.controller_jurisdiction,
        purposes=settings.purposes,
        limits=Limits(
            send_by=settings.times.send_by,
            reread_after=settings.times.reread_after,
            outcome_budget=settings.outcome_budget,
            clock_skew=settings.clock_skew,
        ),
        envelopes=envelopes,
        spool=Spool(settings.spool, limit=settings.spool_limit) if settings.spool else None,
        # A test's clock jumps, and the log is kept in real time: one says nothing about the other.
        unsigned=Unsigned(database, limit=settings.max_unsigned_age, notes=own_notes(settings))
        if database.clock is system_clock
        else None,
        shadow=settings.shadow,
        leg_of=leg_of,
    )
