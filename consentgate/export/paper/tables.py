"""The tables as CSV files: what counsel opens first, in whatever program opens it.

UTF-8 with a byte order mark, CRLF, comma, every cell in quotes. A cell that a spreadsheet would take for a formula
gets an apostrophe in front, and so does one that begins with an apostrophe: taking one away from every cell that
begins with one gives the value back. Control characters are shown by their pictures (`shown.tabular`).

Invariants: no cell can become a formula; a value comes back by `unguarded`; constant memory.

>>> guarded("=1+1"), unguarded("'=1+1"), guarded("'quoted")
("'=1+1", '=1+1', "''quoted")
"""

import re
from contextlib import ExitStack
from typing import BinaryIO, Final

from consentgate.export.paper.columns import Table, rows
from consentgate.export.paper.entry import Entry
from consentgate.export.paper.sheets import TABLES
from consentgate.export.paper.shown import tabular
from consentgate.export.sink import Folder, Totals

BOM: Final = "\ufeff".encode()
MEDIA: Final = "text/csv; charset=utf-8"

# What a spreadsheet may take for the beginning of a formula, the wide forms of East Asian keyboards too.
_DANGEROUS: Final = tuple("=+-@\t\r\n'＝＋－＠")  # noqa: RUF001  # these look like ASCII, which is the point
_PLAIN: Final = re.compile(r"(?:[A-Za-z0-9][ !#-~]*)?")


def guarded(value: str) -> str:
    """Make a cell that no spreadsheet takes for a formula.

    Args:
        value: the value.

    Returns:
        The value, with an apostrophe in front where it needs one.
    """
    return f"'{value}" if value.startswith(_DANGEROUS) or value.lstrip().startswith(_DANGEROUS) else value


def unguarded(cell: str) -> str:
    """Give back what `guarded` was given.

    Args:
        cell: the cell.

    Returns:
        The value.
    """
    return cell.removeprefix("'")


def path_of(table: Table) -> str:
    """Say where the CSV file of a table lies.

    Args:
        table: the table.

    Returns:
        The path in the package.
    """
    return f"data/tables/{table.name}.csv"


def line(cells: list[str]) -> bytes:
    """Write a row of a CSV file.

    Args:
        cells: its values.

    Returns:
        The row with its line end.
    """
    quoted = (
        # Most cells are short words of ASCII that need nothing.
        cell if _PLAIN.fullmatch(cell) else guarded(tabular(cell)).replace('"', '""')
        for cell in cells
    )
    return ('"' + '","'.join(quoted) + '"\r\n').encode()


class CsvTables:
    """Writes ``data/tables/*.csv``."""

    def __init__(self, folder: Folder) -> None:
        """Open the files and write the headings.

        Args:
            folder: the package.
        """
        self._open = ExitStack()
        self._files: dict[str, BinaryIO] = {}
        self._tables = {table.name: table for table in TABLES}
        for table in TABLES:
            file = self._open.enter_context(folder.open(path_of(table), role="table", media_type=MEDIA))
            file.write(BOM + line([column.name for column in table.columns]))
            self._files[table.name] = file

    def take(self, entry: Entry) -> None:
        """Write the entry's rows.

        Args:
            entry: the entry.
        """
        for name, seen in rows(entry):
            self._files[name].write(line(self._tables[name].row(seen)))

    def finish(self, totals: Totals) -> None:  # noqa: ARG002  # as every sink
        """Close the files.

        Args:
            totals: what there was.
        """
        self._open.close()
