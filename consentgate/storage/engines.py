"""Engines: where connections come from, the host's or ours, and which drivers they may use.

Invariants: a connection of ours comes from no pool of the host's (ADR 0009); PostgreSQL is spoken to by psycopg 3 and
nothing else, with a bound on how long a dead server or network, and one that does not answer, is waited for.
"""

from functools import partial
from math import ceil
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, Dialect, ExceptionContext
from sqlalchemy.pool import NullPool

from consentgate.errors import Misconfigured
from consentgate.storage.bounded import bounded
from consentgate.storage.patience import DEFAULT, Patience

_DRIVER: Final = "psycopg"
# Whoever waits for an answer of a server that is gone hears of it after some twenty seconds, not hours.
_KEPT_ALIVE: Final[dict[str, Any]] = {
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "consentgate",
}


def open_engine(database: str, patience: Patience = DEFAULT) -> Engine:
    """Make an engine of our own; nothing is connected yet.

    Args:
        database: SQLAlchemy URL.
        patience: how long connecting may take, where the URL does not say.

    Returns:
        The engine; it keeps no connection.

    Raises:
        Misconfigured: the database is of another kind, or its driver is missing.
    """
    url = make_url(database)
    kind = url.get_backend_name()
    if kind == "sqlite":
        return create_engine(url)
    if kind not in ("postgresql", "postgres"):
        raise Misconfigured(f"The ledger is kept in SQLite or PostgreSQL, not in {kind}.")
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername=f"postgresql+{_DRIVER}")
    require_driver(url)
    # libpq counts whole seconds, and takes one for two.
    known = {"connect_timeout": max(2, ceil(patience.connect)), **_KEPT_ALIVE}
    arguments = {name: value for name, value in known.items() if name not in url.query}
    try:
        return create_engine(url, connect_args=arguments, poolclass=NullPool)
    except ImportError:
        raise Misconfigured(
            "PostgreSQL needs the extra `postgres`: run `pip install 'consentgate[postgres]'`."
        ) from None


def require_driver(url: URL) -> None:
    """Refuse a driver that the ledger does not speak.

    Args:
        url: of an engine, the host's or ours.

    Raises:
        Misconfigured: it is another one than psycopg 3.
    """
    if url.get_backend_name() == "sqlite":
        known = url.get_driver_name() == "pysqlite"
        wanted = "sqlite:///FILE"
    elif url.get_backend_name() == "postgresql":
        known = url.drivername == f"postgresql+{_DRIVER}"
        wanted = f"postgresql+{_DRIVER}://..."
    else:
        raise Misconfigured(f"The ledger is kept in SQLite or PostgreSQL, not in {url.get_backend_name()}.")
    if not known:
        raise Misconfigured(f"The database's driver cannot be {url.drivername}: use {wanted}.")


def own_engine(engine: Engine, patience: Patience = DEFAULT) -> Engine:
    """Make an engine that opens connections as another one does, and shares nothing else with it.

    Args:
        engine: the host's.
        patience: how long an answer is waited for.

    Returns:
        An engine with a pool of its own, which stays empty: each connection is detached. So a host's
        listeners do not see our work, and a forked process finds no connection of its parent's in it.
    """
    own = Engine(engine.pool.recreate(), engine.dialect, engine.url)
    event.listen(own, "handle_error", _keep)
    if own.dialect.name == "postgresql":
        # Before anything is asked on it: SQLAlchemy asks a first connection some questions of its own.
        event.listen(own, "connect", partial(_bound, own.dialect, patience.answer), insert=True)
    return own


def _bound(dialect: Dialect, seconds: float, raw: object, _record: object) -> None:
    bounded(raw, dialect.loaded_dbapi.OperationalError, seconds)


def _keep(context: ExceptionContext) -> None:
    """Leave a lost connection to its session: what it carries, a lane, must outlive the loss."""
    context.is_disconnect = False
