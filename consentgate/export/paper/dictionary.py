"""The data dictionary: columns of tables and load file, kinds, reasons, and members that need to be explained.

It is made of the same tables as the files that it describes, so it cannot go stale.

Invariant: nothing is described here; the words stand where the columns are.
"""

from collections.abc import Iterator
from typing import Final

from consentgate.export.paper.loadfile import FIELDS, MAPPED, NEWLINE
from consentgate.export.paper.plain import document, ruled, wrapped
from consentgate.export.paper.sheets import TABLES
from consentgate.export.paper.tables import BOM, line
from consentgate.export.paper.tables import MEDIA as CSV
from consentgate.export.paper.words import KINDS, SPEAKERS, WITHHELD
from consentgate.export.sink import Folder
from consentgate.policy.reasons import DEFINITIONS

PATH: Final = "data/dictionary/data-dictionary"

_HOW: Final = (
    (
        "CSV: UTF-8 with a byte order mark, CRLF, every cell in quotes. A cell that begins with an apostrophe "
        "has it in front so that no spreadsheet takes the value for a formula; the value is what follows."
    ),
    (
        "Workbook: the same tables, every cell a text. A text of more than 32,767 characters is cut there, and "
        "says so."
    ),
    "Load file: one line for each entry, fields parted by U+0014, values between U+00FE, lines ended by "
    f"CRLF. In a value, U+{ord(NEWLINE):04X} stands for a line break; "
    + ", ".join(f"U+{ord(kept):04X} became {shown}" for kept, shown in MAPPED.items())
    + ".",
    (
        "Everywhere: control characters are shown by their Unicode pictures, U+2400 and on. What was written "
        "exactly stands in data/records/records.jsonl."
    ),
)


def entries() -> Iterator[tuple[str, str, str]]:
    """Give the dictionary.

    Yields:
        Where something stands, its name, and what it means.
    """
    for table in TABLES:
        for column in table.columns:
            yield f"tables/{table.name}", column.name, column.means
    for name, means, _ in FIELDS:
        yield "loadfile", name, means
    for kind, means in KINDS.items():
        yield "kinds of entries", kind, means
    for member, means in SPEAKERS.items():
        yield "members of a speaker", member, means
    for reason, means in WITHHELD.items():
        yield "reasons of withholding", reason, means
    for code, definition in DEFINITIONS.items():
        yield "reasons of denials", code, definition.sentence


def write(folder: Folder) -> None:
    """Write the dictionary, as a table and as a text.

    Args:
        folder: the package.
    """
    listed = list(entries())
    rows = [["where", "name", "means"], *(list(each) for each in listed)]
    table = BOM + b"".join(line(row) for row in rows)
    folder.put(f"{PATH}.csv", table, role="dictionary", media_type=CSV)
    lines = ["DATA DICTIONARY", ""]
    for words in _HOW:
        lines += [*wrapped(words), ""]
    before = ""
    for where, name, means in listed:
        if where != before:
            lines += ["", where.upper(), *_about(where), ""]
            before = where
        lines += ruled([(name, means)], label=30)
    folder.put(f"{PATH}.txt", document(lines), role="dictionary", media_type="text/plain; charset=utf-8")


def _about(where: str) -> list[str]:
    return [table.about for table in TABLES if where == f"tables/{table.name}"]
