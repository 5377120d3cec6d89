"""The tables as one workbook, ``data/tables/evidence.xlsx``: a sheet for each, texts alone.

Written by the extra ``xlsx`` (XlsxWriter) in its mode of constant memory, from the CSV files, so that the two never
differ. Every cell is a text, so none is a formula, a number that loses digits, a date that shifts, or a link.

Invariants: the same bytes for the same records; a sheet that is full goes on in another one; a text longer than a
cell may be is cut and says so; nothing stays open, whatever fails.
"""

import csv
import io
import shutil
from contextlib import closing
from typing import Any, Final

from consentgate.export.paper.columns import Table
from consentgate.export.paper.sheets import TABLES
from consentgate.export.paper.shown import tabular
from consentgate.export.paper.tables import path_of, unguarded
from consentgate.export.sink import Folder, Scope

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


def write(folder: Folder, scope: Scope) -> None:
    """Write the workbook.

    Args:
        folder: the package; the tables are in it.
        scope: what is told about the export.
    """
    import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

    made = folder.scratch / "evidence.xlsx"
    options = {
        "constant_memory": True,
        "tmpdir": str(folder.scratch),
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with closing(xlsxwriter.Workbook(str(made), options)) as book:
        # Without a date of ours it would tell the machine's.
        book.set_properties({"title": tabular(scope.matter), "created": scope.at.replace(tzinfo=None)})
        for table in TABLES:
            _fill(book, folder, table)
    with made.open("rb") as source, folder.open(PATH, role="table", media_type=MEDIA) as file:
        shutil.copyfileobj(source, file)
    made.unlink()


def _fill(book: Any, folder: Folder, table: Table) -> None:
    shown = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    with folder.read(path_of(table)) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        next(rows)
        number, row, sheet = 1, 1, _sheet(book, table, 1)
        for cells in rows:
            if row == ROWS:
                number, row, sheet = number + 1, 1, _sheet(book, table, number + 1)
            for column, cell in enumerate(cells):
                if cell:
                    sheet.write_string(row, column, _fitted(unguarded(cell)), shown)
            row += 1


def _sheet(book: Any, table: Table, number: int) -> Any:
    bold = book.add_format({"bold": True, "bottom": 1, "valign": "top"})
    sheet = book.add_worksheet(table.name if number == 1 else f"{table.name} {number}")
    for column, each in enumerate(table.columns):
        sheet.set_column(column, column, _WIDTHS.get(each.name, 18))
        sheet.write_string(0, column, each.name, bold)
    sheet.freeze_panes(1, 1)
    return sheet


def _fitted(value: str) -> str:
    return value if len(value) <= CELL else value[: CELL - len(CUT)] + CUT
