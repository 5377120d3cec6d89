"""PostgreSQL's tables, keys, functions and triggers of ours, compared with what the migrations make.

Invariants:

- What could drop, hide or lose a row counts, whoever made it: a trigger, a rule, a unique index that is not ours, a
  table that is not logged or has children, a row policy that is not what `rowsecurity` makes.
- What a host keeps in the same schema is not looked at.
- Only what holds no rows is repaired: functions, triggers, and indexes that are no constraint's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    CheckConstraint,
    Connection,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    text,
)
from sqlalchemy.schema import CreateIndex

from consentgate.storage import rowsecurity
from consentgate.storage.functions import (
    CLOCK_FUNCTION,
    FUNCTIONS,
    PINNED_PATH,
    REFUSAL_FUNCTION,
    TEST_CLOCK_BODY,
    Function,
)
from consentgate.storage.shape import REPAIR, Difference
from consentgate.storage.tables import INSERT_ONLY, deployment, metadata
from consentgate.storage.triggers import postgresql_triggers

_RESTORE: Final = "find out who changed it, and restore a backup"
_HIDDEN: Final = "find out who changed it, drop what is not ours, then run it again with --row-security"
_DROP: Final = "find out what it does and drop it"
_TYPES: Final[Mapping[type[Any], str]] = {
    LargeBinary: "bytea",
    Text: "text",
    BigInteger: "bigint",
    SmallInteger: "smallint",
    Boolean: "boolean",
}
_NAMES: Final[BindParameter[Any]] = bindparam("names", expanding=True)
_HERE: Final = "c.relnamespace = current_schema()::regnamespace AND c.relname IN :names"
_TABLES: Final = text(
    "SELECT c.relname, c.relkind = 'r' AND c.relpersistence = 'p' AND NOT c.relhasrules"  # noqa: S608  # our own words
    " AND NOT EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid))"
    f" FROM pg_class c WHERE {_HERE}"
).bindparams(_NAMES)
_COLUMNS: Final = text(
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull"  # noqa: S608  # our own words
    " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    f" WHERE a.attnum > 0 AND NOT a.attisdropped AND {_HERE}"
).bindparams(_NAMES)
_CHECKS: Final = text(
    "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"  # noqa: S608  # our own words
    f" WHERE k.contype = 'c' AND k.convalidated AND {_HERE}"
).bindparams(_NAMES)
_INDEXES: Final = text(
    "SELECT c.relname, x.relname, i.indisunique, i.indisvalid AND i.indimmediate,"  # noqa: S608  # our own words
    " ARRAY(SELECT coalesce(a.attname, '') FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (n, place)"
    " LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.place),"
    " coalesce(pg_get_expr(i.indpred, i.indrelid, true), '')"
    " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid"
    f" WHERE {_HERE}"
).bindparams(_NAMES)
_TRIGGERS: Final = text(
    "SELECT c.relname, t.tgname, t.tgenabled::text, p.proname, t.tgtype, t.tgqual IS NULL AND t.tgattr = ''"  # noqa: S608  # our own words
    " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
    f" WHERE NOT t.tgisinternal AND {_HERE}"
).bindparams(_NAMES)
_FUNCTIONS: Final = text(
    "SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), l.lanname,"  # noqa: S608  # our own words
    f" p.provolatile::text, p.prosrc, p.proconfig, p.prosecdef OR p.proisstrict, {PINNED_PATH},"
    " p.oid::regprocedure::text"
    " FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang"
    " WHERE p.pronamespace = current_schema()::regnamespace AND p.proname IN :names"
).bindparams(_NAMES)
_MARKED: Final = text(f"SELECT count(*) FROM {deployment.name} WHERE name = 'test_database'")  # noqa: S608  # our own name
_OUTCOME: Final = "kind = 'outcome'::text"


def differences(connection: Connection) -> tuple[Difference, ...]:
    """Compare a PostgreSQL database with what the migrations make.

    Args:
        connection: any, to a database at the newest revision.

    Returns:
        Every difference; () when there is none.
    """
    names = sorted(metadata.tables)
    sound = {row[0]: row[1] for row in connection.execute(_TABLES, {"names": names})}
    missing = [name for name in names if name not in sound]
    if missing:
        return tuple(Difference(problem=f"Table {name} is missing: {_RESTORE}.") for name in missing)
    odd = [
        Difference(problem=f"Table {name} is not logged, has rules or children, or is no table: {_RESTORE}.")
        for name, plain in sorted(sound.items())
        if not plain
    ]
    hidden = [
        Difference(
            problem=f"Row security of table {name} is not what `consentgate db roles` makes: {_HIDDEN}."
        )
        for name in rowsecurity.problems(connection)
    ]
    return (
        *odd,
        *hidden,
        *_tables(connection, names),
        *_indexes(connection, names),
        *_functions(connection),
        *_triggers(connection, names),
    )


def _tables(connection: Connection, names: list[str]) -> Iterator[Difference]:
    columns = {tuple(row) for row in connection.execute(_COLUMNS, {"names": names})}
    checks = {tuple(row) for row in connection.execute(_CHECKS, {"names": names})}
    for name, table in metadata.tables.items():
        expected = {(name, each.name, _type_of(each.type), True) for each in table.columns}
        named = {
            (name, str(each.name))
            for each in table.constraints
            if isinstance(each, CheckConstraint) and each.name
        }
        stored = {row for row in columns if row[0] == name}
        if stored != expected or {row for row in checks if row[0] == name} != named:
            yield Difference(problem=f"Table {name} is altered: {_RESTORE}.")


def _type_of(kind: object) -> str:
    return next(name for known, name in _TYPES.items() if isinstance(kind, known))


def _indexes(connection: Connection, names: list[str]) -> Iterator[Difference]:
    stored = {
        (row[0], row[1]): (row[2], tuple(row[4]), row[5]) if row[3] else None
        for row in connection.execute(_INDEXES, {"names": names})
    }
    expected = {key: each for table in metadata.tables.values() for key, each in _indexes_of(table).items()}
    for key, (shape, index) in expected.items():
        if stored.get(key) == shape:
            continue
        state = "altered" if key in stored else "missing"
        if index is None:
            yield Difference(problem=f"Key {key[1]} of table {key[0]} is {state}: {_RESTORE}.")
            continue
        repair = (f"DROP INDEX IF EXISTS {key[1]}", str(CreateIndex(index).compile(connection)))
        yield Difference(problem=f"Index {key[1]} is {state}: {REPAIR}.", repair=repair)
    for table, name in sorted(set(stored) - set(expected)):
        yield Difference(problem=f"Index {name} on table {table} is not ours: {_DROP}.")


def _indexes_of(
    table: Table,
) -> dict[tuple[str, str], tuple[tuple[bool, tuple[str, ...], str], Index | None]]:
    found: dict[tuple[str, str], tuple[tuple[bool, tuple[str, ...], str], Index | None]] = {}
    for key in table.constraints:
        if isinstance(key, (PrimaryKeyConstraint, UniqueConstraint)):
            name = str(key.name or f"{table.name}_pkey")
            found[table.name, name] = ((True, tuple(column.name for column in key.columns), ""), None)
    for index in table.indexes:
        condition = index.dialect_options["sqlite"]["where"]
        index.dialect_options["postgresql"]["where"] = condition
        where = _OUTCOME if condition is not None else ""
        shape = (bool(index.unique), tuple(column.name for column in index.columns), where)
        found[table.name, str(index.name)] = (shape, index)
    return found


def _functions(connection: Connection) -> Iterator[Difference]:
    rows = connection.execute(_FUNCTIONS, {"names": [each.name for each in FUNCTIONS]}).all()
    marked = bool(connection.execute(_MARKED).scalar_one())
    for function in FUNCTIONS:
        stored = [row for row in rows if row[0] == function.name]
        if len(stored) == 1 and _same(function, stored[0], marked=marked):
            continue
        drops = tuple(f"DROP ROUTINE {row[-1]}" for row in stored if function.name != REFUSAL_FUNCTION)
        yield Difference(
            problem=f"Function {function.name} is missing or altered: {REPAIR}.",
            repair=(*drops, *function.make()),
        )


def _same(function: Function, row: Any, *, marked: bool) -> bool:
    _, arguments, returns, language, volatility, body, config, other, path, _ = row
    pinned = [f"search_path={path}"] if function.pinned else None
    bodies = {function.body}
    if marked and function.name == CLOCK_FUNCTION:
        bodies.add(TEST_CLOCK_BODY)
    return (
        (arguments, returns, language, volatility, config, other)
        == (function.arguments, function.returns, function.language, function.volatility, pinned, False)
    ) and body in bodies


def _triggers(connection: Connection, names: list[str]) -> Iterator[Difference]:
    stored = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(_TRIGGERS, {"names": names})}
    expected = {
        (table.name, name): made for table in INSERT_ONLY for name, made in postgresql_triggers(table).items()
    }
    for key, (kind, statements) in sorted(expected.items()):
        # "A" is ENABLE ALWAYS: also under session_replication_role = replica.
        if stored.get(key) != ("A", REFUSAL_FUNCTION, kind, True):
            yield Difference(
                problem=f"Trigger {key[1]} is missing, off or altered: {REPAIR}.", repair=statements
            )
    for table, name in sorted(set(stored) - set(expected)):
        yield Difference(problem=f"Trigger {name} on table {table} is not ours: {_DROP}.")
