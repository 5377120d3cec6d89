"""The PostgreSQL server that holds a ledger, as it presents itself to a new connection."""

from consentgate.config.settings import Settings
from consentgate.config.times import patience_of
from consentgate.storage.engines import open_engine, own_engine
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A PostgreSQL server that can keep evidence.

    Attributes:
        version: its major version.
        pooled: whether a proxy that pools transactions is in the way.
    """

    version: int
    pooled: bool


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

    patience = patience_of(settings.times)
    engine = own_engine(open_engine(settings.database, patience), patience)
    session = PostgresSession(engine, writes=False, pooler=settings.pooler, patience=patience)
    session.close()
    return PostgresServer(version=session.version, pooled=session.pooled)
