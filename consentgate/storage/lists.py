"""Statements with IN over lists of values, kept for each length that the lists had.

Invariant: a list's values are bound one by one, never written into a statement.

A bind parameter that SQLAlchemy expands at each execution costs half as much again as the rest of a small
query; for the short lists of a request the statement is made once for each length instead.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, bindparam

Within: TypeAlias = Callable[[ColumnElement[Any], str], ColumnElement[bool]]
"""Gives the condition that a column's value is in the list of a name."""

# A request has at most twelve speakers.
_SHORT: Final = 16
_KEPT: Final = 64


class OverLists:
    """A statement over one list or more, for any lengths."""

    def __init__(self, build: Callable[[Within], Select[Any]]) -> None:
        """Name the statement.

        Args:
            build: makes it out of conditions.
        """
        self._build = build
        self._made = lru_cache(maxsize=_KEPT)(self._make)

    def execute(
        self, connection: Connection, values: Mapping[str, object], **lists: Collection[object]
    ) -> Iterable[Sequence[Any]]:
        """Run the statement.

        Args:
            connection: any.
            values: of the other parameters.
            lists: the lists, by the names that the statement gives them.

        Returns:
            The rows.
        """
        short = all(0 < len(items) <= _SHORT for items in lists.values())
        statement = self._made(tuple((name, len(items) if short else 0) for name, items in lists.items()))
        if not short:
            return connection.execute(statement, {**values, **lists})
        each = {f"{name}_{n}": item for name, items in lists.items() for n, item in enumerate(items)}
        return connection.execute(statement, {**values, **each})

    def _make(self, lengths: tuple[tuple[str, int], ...]) -> Select[Any]:
        length = dict(lengths)

        def within(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
            if not length[name]:
                return column.in_(bindparam(name, expanding=True))
            return column.in_([bindparam(f"{name}_{n}", type_=column.type) for n in range(length[name])])

        return self._build(within)
