"""Statements compiled once for each database and run by the driver itself.

Invariants: values are bound one by one, never written into a statement; driver errors come out as ours, without
the values. SQLAlchemy's own way of running a statement costs ten times what SQLite needs for a small query, and
a gated call is a dozen of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Dialect, Select, bindparam, false
from sqlalchemy.sql.expression import ClauseElement

from consentgate.storage.failures import translate, translated

Within: TypeAlias = Callable[[ColumnElement[Any], str], ColumnElement[bool]]
"""Gives the condition that a column's value is in the list of a name."""

Question: TypeAlias = Select[Any] | CompoundSelect[Any]

# A request has at most twelve speakers.
_SHORT: Final = 16
_KEPT: Final = 64


class _Compiled:
    """A statement's text for one database, and where its values go."""

    __slots__ = ("constants", "names", "text")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.text = str(compiled)
        given = {bind.key for bind in compiled.binds.values() if bind.required}
        # Lists that the statement holds itself are spread over names of their own.
        self.constants = {
            name: value
            for name, value in compiled.construct_params(_check=False).items()
            if name not in given
        }
        self.names: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional else None

    def arguments(self, values: Mapping[str, object]) -> Any:
        if self.names is None:
            return {**self.constants, **values}
        if self.constants:
            values = {**self.constants, **values}
        return [values[name] for name in self.names]


class Prepared:
    """One statement.

    Example:
        ``Prepared(select(entry.c.id).where(entry.c.kind == bindparam("kind"))).rows(connection, {"kind": "stop"})``
    """

    def __init__(self, statement: ClauseElement) -> None:
        """Name the statement.

        Args:
            statement: with a named parameter for each value.
        """
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a question.

        Args:
            connection: any.
            values: of the parameters.

        Returns:
            The rows.

        Raises:
            SchemaMismatch: a table is missing.
            Unavailable: the database is out of reach or refused.
        """
        compiled = self._for(connection)
        rows: list[tuple[Any, ...]] = _execute(
            connection, compiled.text, compiled.arguments(values)
        ).fetchall()
        return rows

    def run(self, connection: Connection, values: Mapping[str, object]) -> None:
        """Run an insertion.

        Args:
            connection: of `Database.write`.
            values: of the parameters.

        Raises:
            Duplicate: a row with the same unique key exists.
            Unavailable: the database is out of reach or refused.
        """
        compiled = self._for(connection)
        _execute(connection, compiled.text, compiled.arguments(values))

    def run_all(self, connection: Connection, values: Sequence[Mapping[str, object]]) -> None:
        """Run an insertion once for each of some rows, on SQLite.

        Args:
            connection: of `Database.write`.
            values: of the parameters, for each row.

        Raises:
            Duplicate: a row with the same unique key exists.
            Unavailable: the database is out of reach or refused.
        """
        compiled = self._for(connection)
        raw: Any = connection.connection.dbapi_connection
        try:
            raw.executemany(compiled.text, [compiled.arguments(each) for each in values])
        except connection.dialect.loaded_dbapi.Error as error:
            raise translate(error) from None

    def _for(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _Compiled(self._statement, dialect)
        return found


class OverLists:
    """A statement over one list or more, for any lengths; compiled once for each length of short ones."""

    def __init__(self, build: Callable[[Within], Question]) -> None:
        """Name the statement.

        Args:
            build: makes it out of conditions.
        """
        self._build = build
        self._made = lru_cache(maxsize=_KEPT)(self._make)

    def rows(
        self, connection: Connection, values: Mapping[str, object], **lists: Collection[object]
    ) -> Sequence[Sequence[Any]]:
        """Run the question.

        Args:
            connection: any.
            values: of the other parameters.
            **lists: the lists, by the names that the statement gives them.

        Returns:
            The rows.

        Raises:
            SchemaMismatch: a table is missing.
            Unavailable: the database is out of reach or refused.
        """
        if any(len(items) > _SHORT for items in lists.values()):
            with translated():
                return connection.execute(self._build(_expanding), {**values, **lists}).all()
        statement = self._made(tuple((name, len(items)) for name, items in lists.items()))
        each = {f"{name}_{n}": item for name, items in lists.items() for n, item in enumerate(items)}
        return statement.rows(connection, {**values, **each})

    def _make(self, lengths: tuple[tuple[str, int], ...]) -> Prepared:
        length = dict(lengths)

        def within(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
            if not length[name]:
                return false()
            return column.in_([bindparam(f"{name}_{n}", type_=column.type) for n in range(length[name])])

        return Prepared(self._build(within))


def _expanding(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return column.in_(bindparam(name, expanding=True))


def call(connection: Connection, text: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    """Call one of PostgreSQL's functions of ours.

    Args:
        connection: to PostgreSQL.
        text: the statement, with ``%s`` for each value.
        values: of the parameters.

    Returns:
        The rows.

    Raises:
        SchemaMismatch: the function is missing.
        Unavailable: the database is out of reach or refused.
    """
    # A cursor of the connection's own for each text keeps what the driver found out about the values' types.
    cursor: Any = connection.info.get(text)
    if cursor is None:
        raw: Any = connection.connection.dbapi_connection
        cursor = connection.info[text] = raw.cursor()
    try:
        rows: list[tuple[Any, ...]] = cursor.execute(text, values).fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise translate(error) from None
    return rows


def run(connection: Connection, text: str, values: Sequence[object]) -> None:
    """Run a statement of PostgreSQL's own that gives no rows.

    Args:
        connection: to PostgreSQL.
        text: the statement, with ``%s`` for each value, or ``%b`` where it goes in binary.
        values: of the parameters.

    Raises:
        Duplicate: a row with the same unique key exists.
        Unavailable: the database is out of reach or refused.
    """
    _execute(connection, text, values)


def first_of(rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """Take the first row.

    Args:
        rows: what `rows` gave.

    Returns:
        It, or None without rows.
    """
    return rows[0] if rows else None


def _execute(connection: Connection, text: str, arguments: Sequence[object] | Mapping[str, object]) -> Any:
    raw: Any = connection.connection.dbapi_connection
    try:
        return raw.execute(text, arguments)
    except connection.dialect.loaded_dbapi.Error as error:
        raise translate(error) from None
