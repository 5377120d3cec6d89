r"""The load file for review platforms, ``data/loadfile/loadfile.dat``, in the form that Concordance began.

One header, then a line for each entry; every value between text qualifiers, fields parted by U+0014, lines by CRLF.
A value never holds what the format needs for itself: line breaks in a value become the registered sign, and that
sign, the qualifier and the paragraph sign become plain letters. There are no page images, so no Opticon file.

Dialects: ``concordance-utf8`` has a byte order mark; ``concordance-cp1252`` is Windows-1252, and a character
that this page lacks stands as ``\u4e2d``.

Invariants: a reader that knows nothing but qualifier, separator and CRLF gets every value back, as `field` made it;
constant memory.

>>> field("a\nb", "concordance-utf8")
'a\xaeb'
"""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from consentgate.errors import InvalidInput
from consentgate.export.paper.columns import leaf_hash
from consentgate.export.paper.entry import Entry
from consentgate.export.paper.shown import tabular
from consentgate.export.paper.texts import text_of, text_path
from consentgate.export.sink import Folder, Scope, Totals
from consentgate.moment import to_text
from consentgate.values import dataclass

DIALECTS: Final = ("concordance-utf8", "concordance-cp1252")
PATH: Final = "data/loadfile/loadfile.dat"

SEPARATOR: Final = "\x14"
QUALIFIER: Final = "\u00fe"
NEWLINE: Final = "\u00ae"

# What the format keeps for itself, and what stands for it in a value.
MAPPED: Final = {QUALIFIER: "th", NEWLINE: "(R)", "\u00b6": "(P)", SEPARATOR: "\u2414"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What the fields of a line are taken from.

    Attributes:
        entry: the entry.
        scope: what is told about the export.
        text: the bytes of the entry's text.
        path: where that text lies.
    """

    entry: Entry
    scope: Scope
    text: bytes
    path: str


Field = tuple[str, str, Callable[[Item], str]]


def _native(item: Item) -> str:
    if item.entry.said is not None and item.entry.said.token:
        return _windows(f"data/statements/{item.entry.record.bates}.jws")
    return ""


def _windows(path: str) -> str:
    return path.replace("/", "\\")


def _reasons(item: Item) -> str:
    return "; ".join(dict.fromkeys(why.code for ruling in item.entry.rulings for why in ruling.reasons))


def _citations(item: Item) -> str:
    return "\n".join(
        dict.fromkeys(
            f"{clause.pack}: {clause.citation}"
            for ruling in item.entry.rulings
            for why in ruling.reasons
            for clause in why.clauses
        )
    )


def _line(label: str) -> Callable[[Item], str]:
    return lambda item: dict(item.entry.told.lines).get(label, "")


FIELDS: Final[tuple[Field, ...]] = (
    ("BEGBATES", "Bates number of the entry.", lambda i: i.entry.record.bates),
    ("ENDBATES", "The same: an entry has one number.", lambda i: i.entry.record.bates),
    ("CUSTODIAN", "The controller whose ledger it is.", lambda i: i.scope.controller_name),
    ("DOCTYPE", "Kind of the entry.", lambda i: i.entry.record.kind),
    ("TITLE", "What happened, in a sentence.", lambda i: i.entry.told.title),
    (
        "DATECREATED",
        "Day on which it was recorded, UTC, YYYY-MM-DD.",
        lambda i: to_text(i.entry.record.at)[:10],
    ),
    ("TIMECREATED", "Time of that day, UTC.", lambda i: to_text(i.entry.record.at)[11:23]),
    ("DATE_CREATED_UTC", "Both in one, as the ledger has it.", lambda i: to_text(i.entry.record.at)),
    ("DATE_CREATED_LOCAL", "The same as clocks in TIMEZONE showed it.", lambda i: i.entry.local),
    ("TIMEZONE", "The zone of local times, by its IANA name.", lambda i: i.scope.time_zone),
    ("PERSONS", "References of the people it is about.", _line("Who")),
    ("CALL", "The call's name.", _line("Call")),
    (
        "DECISION",
        "allowed or denied, of a request.",
        lambda i: i.entry.rulings[0].request if i.entry.rulings else "",
    ),
    ("REASONS", "Codes of the reasons of a denial.", _reasons),
    ("CITATIONS", "The clauses behind them, each with its jurisdiction.", _citations),
    ("ENTRY_ID", "Id of the entry in the ledger.", lambda i: str(i.entry.record.entry)),
    ("LOG", "Number of the log that covers it.", lambda i: str(i.entry.record.log)),
    ("LOG_POSITION", "Its position in that log.", lambda i: str(i.entry.record.position)),
    (
        "LEAF_HASH",
        "The hash by which the log commits to it, hexadecimal.",
        lambda i: leaf_hash(i.entry.record),
    ),
    ("HASH_SHA256", "SHA-256 of the file under TEXTPATH.", lambda i: hashlib.sha256(i.text).hexdigest()),
    (
        "REDACTED",
        "Yes where a part is withheld or redacted, else No.",
        lambda i: "Yes" if i.entry.withheld else "No",
    ),
    (
        "REDACTION_REASON",
        "Why, by part.",
        lambda i: "; ".join(f"{name}: {part.reason}" for name, part in i.entry.withheld),
    ),
    ("PRIVILEGE", "Empty: for the reviewer.", lambda _: ""),
    ("CONFIDENTIALITY", "Empty: for the reviewer.", lambda _: ""),
    ("PAGECOUNT", "1: an entry has one text.", lambda _: "1"),
    ("NATIVEPATH", "The signed statement, of entries that hold one.", _native),
    ("TEXTPATH", "The entry's text, in UTF-8.", lambda i: _windows(i.path)),
)


def field(value: str, dialect: str) -> str:
    """Make a value that fits between qualifiers.

    Args:
        value: the value.
        dialect: one of `DIALECTS`.

    Returns:
        The value as it stands in the file, before it is encoded.
    """
    mapped = "".join(MAPPED.get(each, each) for each in value) if not _plain(value) else value
    kept = tabular(mapped).replace("\n", NEWLINE)
    if dialect == "concordance-cp1252":
        return kept.encode("cp1252", "backslashreplace").decode("cp1252")
    return kept


class LoadFile:
    """Writes the load file, and the text of every entry beside it."""

    def __init__(self, folder: Folder, scope: Scope, dialect: str = DIALECTS[0]) -> None:
        """Open the file and write its header.

        Args:
            folder: the package.
            scope: what is told about the export.
            dialect: one of `DIALECTS`.

        Raises:
            InvalidInput: there is no such dialect.
        """
        if dialect not in DIALECTS:
            raise InvalidInput(f"The load file's dialect is one of {', '.join(DIALECTS)}.")
        self._folder, self._scope, self._dialect, self._count = folder, scope, dialect, 0
        self._open = ExitStack()
        self._file = self._open.enter_context(
            folder.open(PATH, role="loadfile", media_type=f"text/plain; charset={_charset(dialect)}")
        )
        if dialect == "concordance-utf8":
            self._file.write("\ufeff".encode())
        self._file.write(self._encoded([name for name, _, _ in FIELDS]))

    def take(self, entry: Entry) -> None:
        """Write the entry's line and its text.

        Args:
            entry: the entry.
        """
        path = text_path(entry.record.bates, self._count)
        self._count += 1
        item = Item(entry=entry, scope=self._scope, text=text_of(entry), path=path)
        self._folder.put(path, item.text, role="text", media_type="text/plain; charset=utf-8")
        self._file.write(self._encoded([cell(item) for _, _, cell in FIELDS]))

    def finish(self, totals: Totals) -> None:  # noqa: ARG002  # as every writer
        """Close the file.

        Args:
            totals: what there was.
        """
        self._open.close()

    def _encoded(self, values: list[str]) -> bytes:
        fields = (f"{QUALIFIER}{field(value, self._dialect)}{QUALIFIER}" for value in values)
        line = SEPARATOR.join(fields) + "\r\n"
        return line.encode("utf-8" if self._dialect == "concordance-utf8" else "cp1252")


def _charset(dialect: str) -> str:
    return "utf-8" if dialect == "concordance-utf8" else "windows-1252"


def _plain(value: str) -> bool:
    return value.isascii() and SEPARATOR not in value
