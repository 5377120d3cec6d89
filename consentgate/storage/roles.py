"""PostgreSQL's roles of ours, and exactly the rights that each part of the product needs, as SQL text.

Invariants:

- ``owner`` owns tables and functions; ``writer`` is a gate, ``sequencer`` sequences and signs, ``reader`` verifies
  and lists, ``shredder`` erases. None may log in: a login is made a member of what it needs.
- Who is not the owner cannot update, truncate, alter or disable a trigger; nobody but ``shredder`` deletes, in the
  three destroyable tables only. The sequencer sees neither sealed parts nor keys.
- No right is given on a column that the database fills in: a writer cannot choose an ordinal.
- Running the statements again changes nothing, and takes away what was granted to the roles besides.
- A role of a tenant is its role in row security (`consentgate.storage.rowsecurity`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Engine, Table, text

from consentgate.errors import InvalidInput
from consentgate.storage import rowsecurity
from consentgate.storage.failures import translated
from consentgate.storage.functions import (
    APPEND_FUNCTION,
    CLOCK_FUNCTION,
    FUNCTIONS,
    GLANCE_FUNCTION,
    LOCK_FUNCTION,
    VERSION_FUNCTION,
)
from consentgate.storage.patience import DEFAULT, Patience
from consentgate.storage.tables import (
    DESTROYABLE,
    INSERT_ONLY,
    VERSION_TABLE,
    artifact,
    deployment,
    entry,
    metadata,
    notice,
    statement,
)

DEFAULT_PREFIX: Final = "consentgate"
"""What the roles' names begin with."""

ROLES: Final = ("owner", "writer", "sequencer", "reader", "shredder")
"""What the roles' names end with."""

# No quotes are needed in what PostgreSQL stores, and the longest name of a role fits into 63 bytes.
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]{0,15}")
_TENANT: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")

_WRITTEN: Final = (entry, statement, artifact, notice, *DESTROYABLE)
_OF_LOG: Final = tuple(table for table in INSERT_ONLY if table is not deployment and table not in _WRITTEN)
_NUMBERED: Final = "ordinal"
_SEALED: Final = "parts"
_CALLED: Final = {
    "writer": (CLOCK_FUNCTION, LOCK_FUNCTION, VERSION_FUNCTION, GLANCE_FUNCTION, APPEND_FUNCTION),
    "sequencer": (CLOCK_FUNCTION,),
    "reader": (CLOCK_FUNCTION, VERSION_FUNCTION, GLANCE_FUNCTION),
    "shredder": (CLOCK_FUNCTION, LOCK_FUNCTION),
}


def statements(
    prefix: str = DEFAULT_PREFIX, *, row_security: bool = False, tenants: Sequence[str] = ()
) -> tuple[str, ...]:
    """Give the SQL that makes the roles and grants their rights.

    Args:
        prefix: what the roles' names begin with; roles belong to the whole server, so each ledger has its own.
        row_security: whether each tenant's writers and shredders see and write that tenant's rows only.
        tenants: whose roles to make, for row security; those of others stay.

    Returns:
        The statements, in order.

    Raises:
        InvalidInput: the prefix or a tenant's name cannot be part of a role's name, or only one of row security and
            tenants is there.
    """
    if not _PREFIX.fullmatch(prefix):
        raise InvalidInput(
            "The prefix of the roles must be a small letter, then at most 15 small letters, digits and underscores."
        )
    if row_security != bool(tenants):
        raise InvalidInput("Row security is by tenant: name each with --tenant, beside --row-security.")
    for tenant in tenants:
        if not _TENANT.fullmatch(tenant):
            raise InvalidInput(
                "A tenant that has roles must be named by at most 32 ASCII letters, digits, '_', '.' or '-'."
            )
    made = [*_roles(prefix), *_owned(prefix), *_grants(prefix)]
    if row_security:
        made += rowsecurity.statements(prefix, sorted(set(tenants)))
    return tuple(made)


def names(prefix: str = DEFAULT_PREFIX, tenants: Sequence[str] = ()) -> tuple[str, ...]:
    """Name the roles that `statements` makes.

    Args:
        prefix: what their names begin with.
        tenants: whose roles there are.

    Returns:
        The names.
    """
    of_tenants = (
        f"{prefix}_{role}_{tenant}" for tenant in sorted(set(tenants)) for role in rowsecurity.SEE_ONE
    )
    return (*(f"{prefix}_{role}" for role in ROLES), *of_tenants)


def apply(engine: Engine, made: Sequence[str], patience: Patience = DEFAULT) -> None:
    """Run the statements in one transaction.

    Args:
        engine: of a PostgreSQL database, by a login that owns the schema and may make roles.
        made: what `statements` gave.
        patience: how long a lock is waited for.

    Raises:
        Unavailable: the database is out of reach, or the login may not do it; nothing was changed.
        SchemaMismatch: a table or function is missing.
    """
    with translated(), engine.begin() as connection:
        # Others wait for the tables meanwhile, and are waited for: neither for ever.
        connection.execute(text(f"SET LOCAL lock_timeout = '{max(1, round(patience.lock * 1000))}ms'"))
        for sql in made:
            connection.exec_driver_sql(sql.replace("%", "%%"))


def _roles(prefix: str) -> Iterator[str]:
    for name in ROLES:
        yield rowsecurity.role(f"{prefix}_{name}")
    # Who runs the migrations goes on doing so, as a member.
    yield (
        f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{prefix}_owner', 'MEMBER')"
        f" THEN EXECUTE format('GRANT {prefix}_owner TO %I', current_user); END IF; END $$"
    )
    others = ", ".join(f"{prefix}_{name}" for name in ROLES[1:])
    yield (
        "DO $$ BEGIN"
        f" EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO {prefix}_owner', current_schema());"
        f" EXECUTE format('GRANT USAGE ON SCHEMA %I TO {others}', current_schema()); END $$"
    )


def _owned(prefix: str) -> Iterator[str]:
    for name in (*metadata.tables, VERSION_TABLE):
        yield f"ALTER TABLE {name} OWNER TO {prefix}_owner"
    for each in FUNCTIONS:
        signature = f"{each.name}({each.arguments})"
        yield f"ALTER FUNCTION {signature} OWNER TO {prefix}_owner"
        yield f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC, {_others(prefix)}"
    tables = ", ".join((*metadata.tables, VERSION_TABLE))
    yield f"REVOKE ALL ON {tables} FROM PUBLIC, {_others(prefix)}"
    yield f"REVOKE ALL ON SEQUENCE entry_ordinal_seq FROM PUBLIC, {_others(prefix)}"


def _others(prefix: str) -> str:
    return ", ".join(f"{prefix}_{name}" for name in ROLES[1:])


def _grants(prefix: str) -> Iterator[str]:
    everywhere = ", ".join((*metadata.tables, VERSION_TABLE))
    yield f"GRANT SELECT ON {everywhere} TO {prefix}_writer, {prefix}_reader"
    for table in _WRITTEN:
        yield f"GRANT INSERT ({_columns(table, _NUMBERED)}) ON {table.name} TO {prefix}_writer"
    yield f"GRANT USAGE ON SEQUENCE entry_ordinal_seq TO {prefix}_writer"
    log = ", ".join(table.name for table in _OF_LOG)
    yield f"GRANT SELECT, INSERT ON {log} TO {prefix}_sequencer"
    yield f"GRANT SELECT ON deployment, {VERSION_TABLE} TO {prefix}_sequencer, {prefix}_shredder"
    yield f"GRANT SELECT ({_columns(entry, _SEALED)}) ON entry TO {prefix}_sequencer"
    destroyable = ", ".join(table.name for table in DESTROYABLE)
    yield f"GRANT SELECT, DELETE ON {destroyable} TO {prefix}_shredder"
    for each in FUNCTIONS:
        callers = ", ".join(f"{prefix}_{role}" for role, called in _CALLED.items() if each.name in called)
        if callers:
            yield f"GRANT EXECUTE ON FUNCTION {each.name}({each.arguments}) TO {callers}"


def _columns(table: Table, without: str) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns if column.name != without)
