"""The records themselves: exact bytes, readable form, what is withheld, statements as signed; and the count.

Invariants: one line per record and file, in the order in which they come; what is written of a statement is the token
that its opened part holds, byte for byte.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.export.record import Record
from consentgate.export.sink import Folder, Totals

ENTRIES: Final = "data/records/entries.jsonl"
RECORDS: Final = "data/records/records.jsonl"
WITHHELD: Final = "data/withheld/withheld.jsonl"
_LINES: Final = "application/jsonl"
_STATEMENT: Final = "statement.0"


class Native:
    """Writes records as they come, and counts them."""

    def __init__(self, folder: Folder, files: ExitStack) -> None:
        """Open the files.

        Args:
            folder: where to.
            files: closes them.
        """
        self._folder = folder
        self._entries = files.enter_context(folder.open(ENTRIES, role="entries", media_type=_LINES))
        self._records = files.enter_context(folder.open(RECORDS, role="records", media_type=_LINES))
        self._withheld = files.enter_context(folder.open(WITHHELD, role="withheld", media_type=_LINES))
        self._kinds: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._parts = 0

    def take(self, record: Record) -> None:
        """Write a record.

        Args:
            record: the record.
        """
        self._entries.write(record.exact() + b"\n")
        self._records.write(record.readable() + b"\n")
        self._kinds[record.kind] += 1
        self._parts += len(record.tokens)
        for token in record.tokens:
            if token.withheld is None:
                continue
            self._reasons[token.withheld.reason] += 1
            line: dict[str, Json] = {
                "bates": record.bates,
                "entry": str(record.entry),
                "part": token.name,
                "reason": token.withheld.reason,
                "rule": token.withheld.rule,
            }
            self._withheld.write(canonical.encode(line) + b"\n")
        content = record.parts.get(_STATEMENT)
        signed = content.get("token") if isinstance(content, Mapping) else None
        if isinstance(signed, str):
            path = f"data/statements/{record.bates}.jws"
            self._folder.put(path, signed.encode(), role="statement", media_type="application/jose")

    def totals(self, *, not_covered: int) -> Totals:
        """Say what there was.

        Args:
            not_covered: entries that were selected and that no checkpoint covers.

        Returns:
            The counts.
        """
        exported, withheld = self._kinds.total(), self._reasons.total()
        return Totals(
            selected=exported,
            exported=exported,
            parts=self._parts,
            parts_open=self._parts - withheld,
            parts_withheld=withheld,
            not_covered=not_covered,
            by_reason=dict(sorted(self._reasons.items())),
            by_kind=dict(sorted(self._kinds.items())),
        )
