"""The tables as one workbook, ``data/tables/evidence.xlsx``: a sheet for each, texts alone.

Written by the extra ``xlsx`` (XlsxWriter) in its mode of constant memory. Every cell is a text, so none is a formula,
a number that loses digits, a date that shifts, or a link.

Invariants: the same bytes for the same records; a sheet that is full goes on in another one; a text longer than a
cell may be is cut and says so.
"""

from importlib.util import find_spec
from typing import Any, Final

from consentgate.export.paper.columns import Table, rows
from consentgate.export.paper.entry import Entry
from consentgate.export.paper.sheets import TABLES
from consentgate.export.paper.shown import tabular
from consentgate.export.sink import Folder, Scope, Totals

PATH: Final = "data/tables/evidence.xlsx"
MEDIA: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CELL: Final = 32_767
ROWS: Final = 1_048_576
CUT: Final = " … [cut here: the whole text is in records.jsonl]"
MISSING: Final = 'The workbook is left out: pip install "consentgate[xlsx]" brings what writes it.'

_WIDTHS: Final = {
    "bates": 14,
    "at_utc": 26,
    "at_local": 36,
    "what": 48,
    "sentences": 60,
    "citations": 60,
    "cures": 48,
}


def available() -> bool:
    """Tell whether the extra is installed.

    Returns:
        Whether a workbook can be written.
    """
    return find_spec("xlsxwriter") is not None


class Workbook:
    """Writes the workbook."""

    def __init__(self, folder: Folder, scope: Scope) -> None:
        """Open the workbook.

        Args:
            folder: the package.
            scope: what is told about the export.
        """
        self._folder = folder
        self._path = folder.scratch / "evidence.xlsx"
        self._book = _book(self._path, folder, scope)
        self._bold = self._book.add_format({"bold": True, "bottom": 1, "valign": "top"})
        self._cell = self._book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self._tables = {table.name: table for table in TABLES}
        self._sheets: dict[str, tuple[Any, int, int]] = {}
        for table in TABLES:
            self._sheets[table.name] = (self._sheet(table, 1), 1, 1)

    def take(self, entry: Entry) -> None:
        """Write the entry's rows.

        Args:
            entry: the entry.
        """
        for name, seen in rows(entry):
            self._row(self._tables[name], self._tables[name].row(seen))

    def finish(self, totals: Totals) -> None:  # noqa: ARG002  # as every sink
        """Put the workbook together, and into the package.

        Args:
            totals: what there was.
        """
        self._book.close()
        with self._path.open("rb") as made, self._folder.open(PATH, role="table", media_type=MEDIA) as file:
            while chunk := made.read(1 << 20):
                file.write(chunk)
        self._path.unlink()

    def _row(self, table: Table, cells: list[str]) -> None:
        sheet, number, row = self._sheets[table.name]
        if row >= ROWS:
            number, row = number + 1, 1
            sheet = self._sheet(table, number)
        for column, value in enumerate(cells):
            sheet.write_string(row, column, _fitted(tabular(value)), self._cell)
        self._sheets[table.name] = (sheet, number, row + 1)

    def _sheet(self, table: Table, number: int) -> Any:
        sheet = self._book.add_worksheet(table.name if number == 1 else f"{table.name} {number}")
        for column, each in enumerate(table.columns):
            sheet.set_column(column, column, _WIDTHS.get(each.name, 18))
            sheet.write_string(0, column, each.name, self._bold)
        sheet.freeze_panes(1, 1)
        return sheet


def _book(path: Any, folder: Folder, scope: Scope) -> Any:
    import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

    options = {
        "constant_memory": True,
        "tmpdir": str(folder.scratch),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    book = xlsxwriter.Workbook(str(path), options)
    # Without a date of ours it would tell the machine's.
    book.set_properties({"title": tabular(scope.matter), "created": scope.at.replace(tzinfo=None)})
    return book


def _fitted(value: str) -> str:
    return value if len(value) <= CELL else value[: CELL - len(CUT)] + CUT
