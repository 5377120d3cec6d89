"""The roles of a ledger in PostgreSQL: their SQL, or made in one transaction."""

from collections.abc import Sequence

from consentgate.config.settings import Settings
from consentgate.config.times import patience_of
from consentgate.config.upkeep import database_file
from consentgate.errors import InvalidInput
from consentgate.storage import roles
from consentgate.storage.engines import open_engine


def apply_roles(settings: Settings, statements: Sequence[str]) -> None:
    """Make the roles of a deployment's database, and grant what each needs.

    Args:
        settings: of the deployment; its URL's login owns the schema and may make roles.
        statements: what `consentgate.storage.roles.statements` gave.

    Raises:
        InvalidInput: the ledger lies in SQLite, which has no roles.
        Unavailable: the database is out of reach, or the login may not do it; nothing was changed.
        SchemaMismatch: a table or function is missing.
    """
    if database_file(settings) is not None:
        raise InvalidInput("SQLite has no roles: who may read and write its file is up to the file system.")
    patience = patience_of(settings.times)
    engine = open_engine(settings.database, patience)
    try:
        roles.apply(engine, statements, patience)
    finally:
        engine.dispose()
