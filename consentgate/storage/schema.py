"""Making and upgrading the schema with the migrations that the package carries.

Invariants: one upgrade at a time (SQLite: the write lock; PostgreSQL: an advisory lock of the transaction),
all migrations of it in one transaction; the version table is our own, so that a host's migrations never meet
ours; every upgrade also puts triggers and indexes right.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, text

from consentgate.errors import InvalidInput, SchemaMismatch
from consentgate.storage import guards
from consentgate.storage.engines import own_engine
from consentgate.storage.failures import Duplicate, translated
from consentgate.storage.patience import DEFAULT, Patience
from consentgate.storage.sqlite import SqliteSession
from consentgate.values import dataclass

if TYPE_CHECKING:
    from alembic.config import Config

_DIALECTS: Final = ("sqlite", "postgresql")
# Any number; the same for everybody who upgrades.
_LOCK: Final = 0x636F6E73656E74


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What an upgrade did.

    Attributes:
        before: the revision found, or None.
        after: the revision now.
        repaired: what `check` would have said, and no longer says.
    """

    before: str | None
    after: str
    repaired: tuple[str, ...]


def migrations_folder() -> Path:
    """Find the migrations.

    Returns:
        The folder inside the installed package or, in a checkout, beside it.
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "_migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(engine: Engine, patience: Patience = DEFAULT) -> Upgrade:
    """Bring a database to the newest revision and put its triggers and indexes right; doing it twice changes nothing.

    Args:
        engine: of the database; a SQLite file is made if it is not there.
        patience: how long others are waited for.

    Returns:
        What was done.

    Raises:
        SchemaMismatch: the database is newer than this version, or damaged beyond what can be repaired.
        Unavailable: it is out of reach, or another process upgrades it.
    """
    if engine.dialect.name == "sqlite":
        session = SqliteSession(own_engine(engine), clock=None, patience=patience)
        try:
            session.begin_write()
            done = _upgrade(session.connection)
            session.commit()
        finally:
            session.close()
        return done
    with translated(), engine.begin() as connection:
        # Another upgrade is waited for, and whoever uses the tables; neither for ever.
        connection.execute(text(f"SET LOCAL lock_timeout = '{round(patience.reading * 1000)}ms'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        return _upgrade(connection)


def check(engine: Engine, patience: Patience = DEFAULT) -> None:
    """Refuse a database that is not as the migrations made it.

    Args:
        engine: of the database.
        patience: how long another process's lock on the file is waited for.

    Raises:
        SchemaMismatch: with every problem, and what to run.
        Unavailable: it is out of reach.
    """
    if engine.dialect.name == "sqlite":
        session = SqliteSession(own_engine(engine), clock=None, patience=patience)
        try:
            session.begin_read()
            found = guards.problems(session.connection)
        finally:
            session.close()
    else:
        with translated(), engine.connect() as connection:
            found = guards.problems(connection)
    if found:
        raise SchemaMismatch("\n".join(found))


def sql(dialect: str) -> str:
    """Render every migration for somebody who runs SQL by hand.

    Args:
        dialect: ``sqlite`` or ``postgresql``.

    Returns:
        The statements.

    Raises:
        InvalidInput: another dialect.
    """
    from alembic import command

    if dialect not in _DIALECTS:
        raise InvalidInput(f"The schema is rendered for {' or '.join(_DIALECTS)}.")
    written = io.StringIO()
    config = _config(written)
    config.attributes["dialect"] = dialect
    command.upgrade(config, "head", sql=True)
    return written.getvalue()


def _upgrade(connection: Connection) -> Upgrade:
    from alembic import command
    from alembic.script import ScriptDirectory

    before = guards.revision_of(connection)
    config = _config(io.StringIO())
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    if before is not None and before not in known:
        raise SchemaMismatch(
            f"The database is at revision {before}, unknown to this version: install the newer consentgate."
        )
    # An older database is compared once it is upgraded: it lacks what is new, and nobody damaged that.
    wrong = guards.problems(connection) if before == scripts.get_current_head() else ()
    config.attributes["connection"] = connection
    with translated():
        command.upgrade(config, "head")
    _repair(connection)
    left = guards.problems(connection)
    if left:
        raise SchemaMismatch("\n".join(left))
    after = guards.revision_of(connection)
    return Upgrade(before=before, after=after or "", repaired=wrong)


def _repair(connection: Connection) -> None:
    try:
        for statement in guards.repairs(connection):
            with translated():
                connection.exec_driver_sql(statement)
    except Duplicate as failure:
        raise SchemaMismatch(
            "A unique index cannot be made again, because two rows have the same key:"
            " run `consentgate verify` to see what was changed, and restore a backup."
        ) from failure


def _config(output: io.StringIO) -> "Config":
    from alembic.config import Config

    config = Config(output_buffer=output, stdout=output)
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config
