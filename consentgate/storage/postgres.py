"""One PostgreSQL connection of our own: out of the host's pool, with our settings, in explicit transactions.

Invariants:

- Transactions begin and end by our own statements only; outside of them each statement is its own transaction.
- A server that can lose what it confirmed (``fsync`` or ``full_page_writes`` off) is refused, and so is one that is
  too old; ``synchronous_commit`` is never weaker than ``on``, which each transaction that writes sees to by itself:
  a role's setting, a proxy or a RESET on the session cannot undo it. A single statement is `consentgate_append`,
  which does the same.
- Behind a proxy that pools transactions nothing is kept in the session: no settings, no prepared statements.
- No statement, lock or idle transaction of ours lasts longer than some seconds, whether or not the server answers.
"""

import select
import time
from typing import Any, Final

from sqlalchemy import Connection, Engine

from consentgate.errors import ConsentGateError, Misconfigured, Unavailable
from consentgate.moment import Clock, to_millis
from consentgate.storage.bounded import bounded
from consentgate.storage.failures import translate, translated
from consentgate.storage.functions import LOCK_SETTING, TEST_CLOCK_SETTING
from consentgate.storage.patience import DEFAULT, Patience

OLDEST: Final = 140000
"""The oldest server that is supported, as ``server_version_num``."""

_KEPT: Final = {
    "plan_cache_mode": "force_generic_plan",
    # Statements by a few keys are all that a gate asks: a plan made while a table was small must not stay a scan.
    "enable_seqscan": "off",
}
_DURABLE: Final = (
    "CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
    " THEN set_config('synchronous_commit', 'on', {local}) END"
)
_LOOK: Final = (
    "SELECT pg_backend_pid(), current_setting('server_version_num')::int, current_setting('fsync'),"
    " current_setting('full_page_writes'), pg_is_in_recovery(),"
    " (SELECT backend_start::text FROM pg_stat_get_activity(pg_backend_pid()))"
)
_END_MILLIS: Final = 3000
_END: Final = (
    "SELECT pg_terminate_backend(pid, %s::bigint) FROM pg_stat_get_activity(%s::int)"
    " WHERE backend_start::text = %s"
)


class PostgresSession:
    """A connection and its transactions. Used by one thread at a time.

    Attributes:
        connection: what storage functions take.
        backend: process number and start of the server's side, by which it is recognised.
        pooled: whether a proxy that pools transactions is in the way.
        version: the server's major version.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        writes: bool,
        clock: Clock | None = None,
        pooler: bool = False,
        standby: bool = False,
        patience: Patience = DEFAULT,
    ) -> None:
        """Open a connection.

        Args:
            engine: where to.
            writes: whether this connection may write.
            clock: a test's clock, which the database's follows; None leaves the database's alone.
            pooler: whether a proxy is known to be in the way; one that is not known is detected.
            standby: whether a server will do that can lose what it confirms, or takes no writes: a copy to verify.
            patience: how long each thing may take.

        Raises:
            Misconfigured: the server cannot keep evidence.
            Unavailable: it is out of reach.
        """
        with translated():
            self.connection: Connection = engine.connect()
            self.connection.execution_options(isolation_level="AUTOCOMMIT")
            self._raw: Any = self.connection.connection.driver_connection
            self.connection.detach()
        driver = self.connection.dialect.loaded_dbapi
        self._driver_error: type[Exception] = driver.Error
        self._patience = patience
        self._limits = _limits(patience, writes=writes)
        self._answers = bounded(self._raw, driver.OperationalError, patience.answer)
        self._clock = clock
        self._writes = writes
        self._looked = time.monotonic()
        self.pooled = pooler
        try:
            self._settle(standby)
        except ConsentGateError:
            self.close()
            raise

    @property
    def lost(self) -> bool:
        """Whether the connection is gone: what was under way may or may not have happened."""
        return bool(self._raw.closed or self._raw.broken)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, failed ones included."""
        return not self.lost and int(self._raw.pgconn.transaction_status) != 0

    def alive(self, *, within: float = 0.0) -> bool:
        """Look, without a question to the server, whether it hung up while nobody used this connection.

        Args:
            within: a look that is at most so many seconds old counts as well.

        Returns:
            Whether the connection still seems to be there.
        """
        if self.lost or self.in_transaction:
            return False
        now = time.monotonic()
        if now - self._looked < within:
            return True
        try:
            if self._heard():
                # A notice is read and forgotten; after the server's farewell the socket stays readable.
                self._raw.pgconn.consume_input()
                if self._heard():
                    return False
        except self._driver_error:
            return False
        self._looked = now
        return True

    def begin_read(self) -> None:
        """Begin a transaction that sees one state of the database and cannot write."""
        self._answers.seconds = self._patience.reading_answer
        self._begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_write(self) -> None:
        """Begin a transaction of which each statement sees what is committed when it begins."""
        self._begin("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")

    def begin_single(self) -> None:
        """Get ready for statements that are transactions of their own."""
        self._tell_time(local=False)

    def begin_glance(self) -> None:
        """Get ready for statements that read, each what is committed when it begins."""
        self._answers.seconds = self._patience.answer
        if self.pooled:
            # Only a transaction's own settings bound a statement there: it must not wait for a lock for ever.
            self._begin("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
        else:
            self.begin_single()

    def commit(self) -> None:
        """Commit: durable on return.

        Raises:
            Unavailable: the commit failed; if the connection is `lost`, whether it did is not known.
        """
        status = self._run("COMMIT").statusmessage
        if status != "COMMIT":
            raise Unavailable("The transaction had failed before its end: nothing was written.")

    def rollback(self) -> None:
        """End the transaction, if one is open, with nothing written."""
        if self.in_transaction:
            self._run("ROLLBACK")

    def ended(self, backend: tuple[int, str], *, since: float) -> bool:
        """End what a lost connection left on the server, so that what it did not commit it never will.

        Args:
            backend: the lost connection's.
            since: when it was lost, by `time.monotonic`.

        Returns:
            Whether nothing of it is under way any more.

        Raises:
            Unavailable: the database is out of reach.
        """
        if self.pooled:
            # The proxy's connections are not ours to end: time will.
            return time.monotonic() - since > self._patience.life
        found = self._run(_END, (_END_MILLIS, *backend)).fetchone()
        return found is None or bool(found[0])

    def close(self) -> None:
        """Close the connection; what is not committed is gone."""
        self._raw.close()
        self.connection.invalidate()
        self.connection.close()

    def _settle(self, copy: bool) -> None:
        self._raw.prepare_threshold = None
        pid, version, fsync, full, standby, started = self._run(_LOOK).fetchone()
        self.backend: tuple[int, str] = (pid, started)
        self.version = int(version) // 10000
        if version < OLDEST:
            raise Misconfigured(f"The server is PostgreSQL {version // 10000}; the oldest supported is 14.")
        for name, value in (("fsync", fsync), ("full_page_writes", full)):
            if value != "on" and not copy:
                raise Misconfigured(
                    f"The server runs with {name} = {value} and can lose what it confirmed."
                    f" Run `ALTER SYSTEM SET {name} = on` and `SELECT pg_reload_conf()` on it."
                )
        if standby and not copy:
            raise Misconfigured(
                "The server is a standby: the ledger is read and written on the primary. Change the URL."
            )
        self.pooled = self.pooled or self._raw.info.backend_pid != pid
        if not self.pooled:
            read_only = {"default_transaction_read_only": "off" if self._writes else "on"}
            settings = {
                **self._limits,
                **_KEPT,
                **read_only,
                "default_transaction_isolation": "read committed",
            }
            self._run(f"SELECT {_settings(settings, local=False)}")
            self._raw.prepare_threshold = 0

    def _begin(self, sql: str) -> None:
        if self.pooled:
            limits = _settings(self._limits, local=True)
            self._run(f"{sql}; SELECT {limits}")
        elif self._writes:
            # In the same round trip.
            self._run(f"{sql}; SELECT {_DURABLE.format(local='true')}")
        else:
            self._run(sql)
        self._tell_time(local=True)

    def _tell_time(self, *, local: bool) -> None:
        if self._clock is not None:
            told = "true" if local else "false"
            self._run(f"SELECT set_config('{TEST_CLOCK_SETTING}', '{to_millis(self._clock())}', {told})")

    def _heard(self) -> bool:
        waiting = select.poll()
        waiting.register(self._raw.pgconn.socket, select.POLLIN | select.POLLHUP)
        return bool(waiting.poll(0))

    def _run(self, sql: str, values: tuple[object, ...] | None = None) -> Any:
        try:
            return self._raw.execute(sql, values, prepare=False)
        except self._driver_error as error:
            raise translate(error) from None


def _limits(patience: Patience, *, writes: bool) -> dict[str, str]:
    """What the server is told; reading for verification and lists may take longer, and blocks nobody."""
    lock = _millis(patience.lock)
    return {
        "lock_timeout": lock,
        LOCK_SETTING: lock,
        "statement_timeout": _millis(patience.statement if writes else patience.reading),
        "idle_in_transaction_session_timeout": _millis(patience.idle) if writes else "0",
    }


def _millis(seconds: float) -> str:
    # Nothing at all would be for ever.
    return f"{max(1, round(seconds * 1000))}ms"


def _settings(values: dict[str, str], *, local: bool) -> str:
    told = "true" if local else "false"
    set_ = [f"set_config('{name}', '{value}', {told})" for name, value in values.items()]
    return ", ".join([*set_, _DURABLE.format(local=told)])
