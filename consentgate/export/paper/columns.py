"""What a table of a package is made of: columns, each with what it means and how it is taken from an entry.

The tables themselves stand in `sheets`.

Invariants: pure; every cell is a text; a table has the same columns in every format.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from consentgate.export.paper.entry import Entry
from consentgate.export.paper.members import joined, text
from consentgate.export.paper.spoken import Said
from consentgate.export.paper.views import Ruling
from consentgate.export.record import Record, Withheld
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the cells of a row are taken from.

    Attributes:
        entry: the entry.
        ruling: the decision of the row, in the table of decisions.
        part: the part of the row and what stands in its place, in the table of what is withheld.
    """

    entry: Entry
    ruling: Ruling | None = None
    part: tuple[str, Withheld] | None = None


Cell: TypeAlias = Callable[[Seen], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: its heading.
        means: what stands in it, for the data dictionary.
        cell: takes the value.
    """

    name: str
    means: str
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        name: its name: of the CSV file and of the sheet.
        about: what a row is, for the data dictionary.
        columns: its columns.
    """

    name: str
    about: str
    columns: tuple[Column, ...]

    def row(self, seen: Seen) -> list[str]:
        """Make a row.

        Args:
            seen: what it is about.

        Returns:
            A cell for each column.
        """
        return [each.cell(seen) for each in self.columns]


def leaf_hash(record: Record) -> str:
    """Compute the hash by which the log commits to an entry.

    Args:
        record: the entry.

    Returns:
        SHA-256 of a zero byte and the leaf, in hexadecimal.
    """
    return hashlib.sha256(b"\0" + record.leaf).hexdigest()


def rows(entry: Entry) -> Iterator[tuple[str, Seen]]:
    """Say which rows an entry has, and in which tables.

    Args:
        entry: the entry.

    Yields:
        The table's name and what the row is made from.
    """
    seen = Seen(entry=entry)
    yield "entries", seen
    for ruling in entry.rulings:
        yield "decisions", Seen(entry=entry, ruling=ruling)
    if entry.said is not None:
        yield "statements", seen
    for part in entry.withheld:
        yield "withheld", Seen(entry=entry, part=part)


def column(name: str, means: str, cell: Cell) -> Column:
    """Make a column that any row has.

    Args:
        name: its heading.
        means: what stands in it.
        cell: takes the value out of what the row is made from.

    Returns:
        The column.
    """
    return Column(name=name, means=means, cell=cell)


def ruled(name: str, means: str, cell: Callable[[Ruling], str]) -> Column:
    """Make a column of the table of decisions.

    Args:
        name: its heading.
        means: what stands in it.
        cell: takes the value out of the decision.

    Returns:
        The column.
    """

    def of(seen: Seen) -> str:
        return cell(seen.ruling) if seen.ruling is not None else ""

    return Column(name=name, means=means, cell=of)


def stated(name: str, means: str, cell: Callable[[Said], str]) -> Column:
    """Make a column of the table of statements.

    Args:
        name: its heading.
        means: what stands in it.
        cell: takes the value out of the statement.

    Returns:
        The column.
    """

    def of(seen: Seen) -> str:
        return cell(seen.entry.said) if seen.entry.said is not None else ""

    return Column(name=name, means=means, cell=of)


def claim(means: str, *path: str) -> Column:
    """Make a column of one claim of a statement.

    Args:
        means: what stands in it.
        *path: names of claims from the outside in; its heading is made of them.

    Returns:
        The column.
    """
    return stated("_".join(path), means, lambda said: text(said.claims, *path))


def claims(name: str, means: str) -> Column:
    """Make a column of a claim that is a list.

    Args:
        name: the claim, and its heading.
        means: what stands in it.

    Returns:
        The column.
    """
    return stated(name, means, lambda said: joined(said.claims, name, between="; "))


def kept(name: str, means: str, cell: Callable[[str, Withheld], str]) -> Column:
    """Make a column of the table of what is withheld.

    Args:
        name: its heading.
        means: what stands in it.
        cell: takes the value out of the part's name and what stands in its place.

    Returns:
        The column.
    """

    def of(seen: Seen) -> str:
        return cell(*seen.part) if seen.part is not None else ""

    return Column(name=name, means=means, cell=of)


def several(texts: Iterable[str]) -> str:
    """Put several texts into one cell.

    Args:
        texts: the texts.

    Returns:
        Each once, a line for each.
    """
    return "\n".join(dict.fromkeys(texts))
