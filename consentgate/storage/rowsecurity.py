"""PostgreSQL's row security by tenant: a role sees and writes the rows of the tenants whose role it is.

Invariants:

- It goes by the role that is logged in, never by a setting: an application can set any setting.
- Every table with a tenant has it, forced upon the owner too, with the same policies: one for the roles that see all
  tenants, one for each tenant. `problems` accepts none at all, or exactly that, and nothing else.
- Who sees some tenants only neither verifies nor sequences: what is hidden would look as if it were missing.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import BindParameter, Connection, bindparam, text

from consentgate.errors import Misconfigured
from consentgate.storage.failures import translated
from consentgate.storage.tables import metadata

GUARDED: Final = tuple(name for name, table in metadata.tables.items() if "tenant" in table.columns)
"""The tables that have a tenant."""

_ALL: Final = "consentgate_all"
_OF_TENANT: Final = "consentgate_tenant_"
_SEE_ALL: Final = ("owner", "reader", "sequencer")
SEE_ONE: Final = ("shredder", "writer")
"""What the names of a tenant's roles have in their middle."""

_OWNER: Final = "_owner"

# Whether it lets through and is for every command, its two conditions, and its roles.
_Policy: TypeAlias = tuple[bool, str, str, tuple[str, ...]]

_NAMES: Final[BindParameter[Any]] = bindparam("names", expanding=True)
_TABLES: Final = text(
    "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c"
    " WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN :names"
).bindparams(_NAMES)
_POLICIES: Final = text(
    "SELECT c.relname, p.polname, p.polpermissive AND p.polcmd = '*',"
    " coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),"
    " ARRAY(SELECT coalesce(r.rolname::text, '') FROM unnest(p.polroles) u (role)"
    " LEFT JOIN pg_roles r ON r.oid = u.role ORDER BY r.rolname)"
    " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
    " WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN :names"
).bindparams(_NAMES)
# The policies of `entry` that let this connection's role see rows; no row where row security does not hold for it.
_SIGHT: Final = text(
    "SELECT ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid AND EXISTS ("
    "SELECT FROM unnest(p.polroles) u (role) WHERE u.role <> 0 AND pg_has_role(u.role, 'USAGE')))"
    " FROM pg_class c WHERE c.oid = to_regclass('entry') AND row_security_active(c.oid)"
)


def statements(prefix: str, tenants: Sequence[str]) -> Iterator[str]:
    """Give the SQL that makes row security; what others than these tenants have stays.

    Args:
        prefix: what the roles' names begin with.
        tenants: whose roles and policies to make.

    Yields:
        The statements, in order.
    """
    for tenant in tenants:
        for name in SEE_ONE:
            yield role(f"{prefix}_{name}_{tenant}")
            yield f'GRANT {prefix}_{name} TO "{prefix}_{name}_{tenant}"'
    for table in GUARDED:
        for policy, (roles, condition) in _policies(prefix, tenants).items():
            to = ", ".join(f'"{name}"' for name in roles)
            yield f'DROP POLICY IF EXISTS "{policy}" ON {table}'
            yield f'CREATE POLICY "{policy}" ON {table} TO {to} USING ({condition}) WITH CHECK ({condition})'
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"


def role(name: str) -> str:
    """Give the SQL that makes a role which may not log in, where there is none of the name.

    Args:
        name: of letters that need no escape.

    Returns:
        The statement.
    """
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}')"
        f' THEN CREATE ROLE "{name}" NOLOGIN; END IF; END $$'
    )


def problems(connection: Connection) -> Iterator[str]:
    """Compare the row security that is there with what the command makes.

    Args:
        connection: any, to a PostgreSQL database.

    Yields:
        The name of each table of which it is something else.
    """
    names = {"names": sorted(metadata.tables)}
    on = {row[0]: tuple(row[1:]) for row in connection.execute(_TABLES, names)}
    found: dict[str, dict[str, _Policy]] = {name: {} for name in on}
    for table, policy, plain, qualifier, check, roles in connection.execute(_POLICIES, names):
        found[table][policy] = (plain, qualifier, check, tuple(roles))
    wanted = _wanted(found.get(GUARDED[0], {}))
    for name, state in sorted(on.items()):
        expected = wanted if name in GUARDED else {}
        if found[name] != expected or state != (bool(expected), bool(expected)):
            yield name


def require(connection: Connection, whose: str | None) -> None:
    """Refuse a connection from which row security hides what it needs.

    Args:
        connection: any.
        whose: the tenant whose rows it needs; None for all tenants'.

    Raises:
        Misconfigured: its role does not see them.
    """
    if connection.dialect.name == "sqlite":
        return
    with translated():
        found = connection.execute(_SIGHT).first()
    if found is None or _ALL in found[0] or (whose is not None and f"{_OF_TENANT}{whose}" in found[0]):
        return
    if whose is None:
        raise Misconfigured(
            "Row security hides rows of other tenants from this login: sequencing, signing and verification need all."
            " Make the login a member of the role consentgate_sequencer, or of consentgate_reader."
        )
    raise Misconfigured(
        f"Row security hides the rows of tenant {whose} from this login. Make it a member of the role"
        f" consentgate_writer_{whose}; `consentgate db roles` makes the role, and may have been told another prefix."
    )


def _policies(prefix: str, tenants: Sequence[str]) -> dict[str, tuple[tuple[str, ...], str]]:
    made = {_ALL: (tuple(f"{prefix}_{name}" for name in _SEE_ALL), "true")}
    for tenant in tenants:
        roles = tuple(f"{prefix}_{name}_{tenant}" for name in SEE_ONE)
        made[f"{_OF_TENANT}{tenant}"] = (roles, f"tenant = '{tenant}'::text")
    return made


def _wanted(first: dict[str, _Policy]) -> dict[str, _Policy]:
    """Say what every table must have, going by the names of the first one's policies and of their owner."""
    if _ALL not in first:
        return {}
    owner = next((name for name in first[_ALL][-1] if name.endswith(_OWNER)), _OWNER)
    tenants = [name.removeprefix(_OF_TENANT) for name in first if name.startswith(_OF_TENANT)]
    wanted: dict[str, _Policy] = {}
    for name, (to, condition) in _policies(owner.removesuffix(_OWNER), tenants).items():
        stored = condition if condition == "true" else f"({condition})"
        wanted[name] = (True, stored, stored, to)
    return wanted
