"""Rows for verification, many at a time: a row costs what the driver makes of it, and nothing more.

Invariants: values are what the columns hold, as in `consentgate.storage.stored`, and a few hundred rows are in memory
at once; looking up takes the database's word for what is not there, never for what is in a row.
"""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import count, islice
from typing import Any, Final

from sqlalchemy import Column, Connection, RowMapping, Select, bindparam, func, select, type_coerce
from sqlalchemy.types import LargeBinary, NullType

from consentgate.errors import Unavailable
from consentgate.storage import stored
from consentgate.storage.failures import translate, translated
from consentgate.storage.patience import Patience
from consentgate.storage.readonly import read_only
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import entry, entry_subject, seq

AT_ONCE: Final = 250
"""How many rows a batch has: of more the processor's own memory would not hold what is worked on."""

# SQLite takes 32766 values in a statement, older ones 999.
_LOOKED_UP: Final = 500
_NUMBERS: Final = count()


def raw(column: Column[Any]) -> Any:
    """Select a column as it is: no type of SQLAlchemy's converts its values, or fails on them.

    Args:
        column: the column.

    Returns:
        What may be selected.
    """
    return type_coerce(column, NullType()).label(column.name)


_REPEATED: Final = (
    select(raw(entry.c.tenant), raw(entry.c.id)).group_by(entry.c.tenant, entry.c.id).having(func.count() > 1)
)
_ENTRIES_OF: Final = select(*(raw(each) for each in entry.c)).where(
    entry.c.tenant == bindparam("tenant"),
    entry.c.id.in_(bindparam("ids", expanding=True, type_=LargeBinary)),
)
_LINKS_OF: Final = select(*(raw(each) for each in entry_subject.c)).where(
    entry_subject.c.tenant == bindparam("tenant"),
    entry_subject.c.entry.in_(bindparam("ids", expanding=True, type_=LargeBinary)),
)


def entries(connection: Connection, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Read every entry of every tenant.

    Args:
        connection: of `Database.read` or `read_only`.
        columns: which columns, and in which order.

    Yields:
        The rows by ordinal, some hundreds at once.
    """
    query = select(*(raw(entry.c[name]) for name in columns)).order_by(entry.c.ordinal)
    yield from batches(connection, query)


def positions(
    connection: Connection, *, log: int = FIRST_LOG, since: int = 0
) -> Iterator[list[tuple[Any, ...]]]:
    """Read the positions of a log.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        since: the first position; 0 reads whatever there is, numbers below it too.

    Yields:
        position, tenant, entry and hash, by position, some hundreds at once.
    """
    columns = (seq.c.position, seq.c.tenant, seq.c.entry, seq.c.hash)
    query = select(*map(raw, columns)).where(seq.c.log == log).order_by(seq.c.position)
    yield from batches(connection, query.where(seq.c.position >= since) if since else query)


def repeated(connection: Connection) -> list[tuple[Any, Any]]:
    """Look for entries of which there are several rows.

    Args:
        connection: of `Database.read` or `read_only`.

    Returns:
        Tenant and id of each.
    """
    with translated():
        return [(row[0], row[1]) for row in connection.execute(_REPEATED)]


def find(connection: Connection, keys: Collection[tuple[str, bytes]]) -> Iterator[RowMapping]:
    """Look entries up.

    Args:
        connection: of `Database.read` or `read_only`.
        keys: tenant and id of each.

    Yields:
        The rows.
    """
    yield from _looked_up(connection, _ENTRIES_OF, keys)


def links_of(connection: Connection, keys: Collection[tuple[str, bytes]]) -> Iterator[RowMapping]:
    """Look the links of entries up.

    Args:
        connection: of `Database.read` or `read_only`.
        keys: tenant and id of each entry.

    Yields:
        The rows.
    """
    yield from _looked_up(connection, _LINKS_OF, keys)


def count_links(connection: Connection) -> int:
    """Count the links of all entries.

    Args:
        connection: of `Database.read` or `read_only`.

    Returns:
        How many rows there are.
    """
    with translated():
        return int(connection.execute(select(func.count()).select_from(entry_subject)).scalar_one())


def _looked_up(
    connection: Connection, query: Select[Any], keys: Collection[tuple[str, bytes]]
) -> Iterator[RowMapping]:
    by_tenant: dict[str, list[bytes]] = {}
    for tenant, ident in keys:
        by_tenant.setdefault(tenant, []).append(ident)
    for tenant, idents in by_tenant.items():
        left = iter(idents)
        while some := list(islice(left, _LOOKED_UP)):
            with translated():
                rows = connection.execute(query, {"tenant": tenant, "ids": some}).mappings().all()
            yield from rows


def damage(connection: Connection) -> Iterator[str]:
    """Ask SQLite what is wrong with its file while its rows are read: on a thread and connection of its own.

    Args:
        connection: of `Database.read` or `read_only`.

    Returns:
        As `stored.damage` says, once somebody wants to know.
    """
    file = stored.file_of(connection)
    if file is None:
        return iter(stored.damage(connection))
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="consentgate-integrity")
    busy = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() / 1000
    found = worker.submit(_damage_of, file, Patience(busy=busy))
    worker.shutdown(wait=False)
    return _when_done(found, connection)


def _damage_of(file: str, patience: Patience) -> tuple[str, ...]:
    with read_only(f"sqlite:///{file}", patience) as connection:
        return stored.damage(connection)


def _when_done(found: Future[tuple[str, ...]], connection: Connection) -> Iterator[str]:
    try:
        yield from found.result()
    except Unavailable:
        # No second connection is to be had: then one after the other.
        yield from stored.damage(connection)


def batches(connection: Connection, query: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Read with a cursor of the driver's own: SQLAlchemy would make an object of each row.

    Args:
        connection: of `Database.read` or `read_only`.
        query: what to read; its values are written out.

    Yields:
        The rows, some hundreds at once.
    """
    dialect = connection.dialect
    spelled = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    driver: Any = connection.connection
    read = _from_sqlite if dialect.name == "sqlite" else _from_server
    with translated():
        try:
            yield from read(driver, spelled)
        except dialect.loaded_dbapi.Error as error:
            raise translate(error) from None


def _from_server(driver: Any, query: str) -> Iterator[list[tuple[Any, ...]]]:
    # A cursor with a name is one on the server: the rows come as they are asked for.
    with closing(driver.cursor(f"consentgate_{next(_NUMBERS)}")) as cursor:
        cursor.execute(query)
        while batch := cursor.fetchmany(AT_ONCE):
            yield batch


def _from_sqlite(driver: Any, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """Read from SQLite; that any text goes, as `read_only` has it, costs much where all of it is plain."""
    raw = driver.dbapi_connection
    plain, done = True, 0
    with closing(raw.cursor()) as cursor:
        cursor.execute(query)
        while True:
            any_text, raw.text_factory = raw.text_factory, str if plain else raw.text_factory
            try:
                batch = cursor.fetchmany(AT_ONCE)
            except raw.OperationalError:
                if not plain:
                    raise
                plain, batch = False, None
            finally:
                raw.text_factory = any_text
            if batch is None:
                # What was fetched of this batch before the odd text is lost: once more from its first row.
                cursor.execute(f"{query} LIMIT -1 OFFSET {done}")
            elif batch:
                done += len(batch)
                yield batch
            else:
                return
