"""Rows of `anchor`, each held against the checkpoint that it is about, and against what its anchor says.

Invariants: a cosignature counts when it verifies over the stored checkpoint, under a key that the verifier brought. A
time may be later than what the anchor says, since a crash repeats the last step; an earlier one is a finding. What an
anchor took was signed by then: a checkpoint that says another time is a finding too.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from consentgate import moment
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.cosignature import verify_cosignature
from consentgate.tlog.note import parse_note, parse_signatures
from consentgate.verify.known import RESTORE, altered, extra
from consentgate.verify.places import WITNESS, AnchorRow, Anchors, Held
from consentgate.verify.result import Finding
from consentgate.verify.rows import CheckpointRow
from consentgate.verify.series import LOOK

_TOLERANCE_MS: Final = 10_000


class Rows:
    """Judges the rows, one after the other.

    Attributes:
        findings: what is wrong with them.
        cosignatures: what is wrong with the cosignatures in them.
    """

    def __init__(self, anchors: Anchors, now: datetime | None) -> None:
        """Begin before the first.

        Args:
            anchors: what is known about anchors.
            now: the time of verification; None where that is no clock to compare with.
        """
        self._anchors = anchors
        self._now = None if now is None else moment.to_millis(now) + _TOLERANCE_MS
        self._kinds = {each.name: each.kind for each in anchors.places}
        self._latest: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.cosignatures: list[Finding] = []

    def sound(self) -> Iterator[AnchorRow]:
        """Read the rows, without those that hold values of other types: SQLite keeps whatever is put into a column.

        Yields:
            The others, in the same order.
        """
        size, names = None, set[str]()
        for number, row in enumerate(self._anchors.rows.anchors(), start=1):
            where = f"anchor, row {number}"
            texts: tuple[object, ...] = (row.name, row.kind, row.evidence)
            numbers: tuple[object, ...] = (row.size, row.at)
            if not all(map(_is_text, texts)) or not all(isinstance(each, int) for each in numbers):
                expected, found = "text and numbers", "values of other types"
                self.findings.append(
                    Finding(kind="malformed", where=where, expected=expected, found=found, cure=RESTORE)
                )
                continue
            if row.size != size:
                size, names = row.size, set()
            if row.name in names:
                self.findings.append(extra(where, "a second row of this name, size"))
                continue
            names.add(row.name)
            yield row

    def judge(self, row: AnchorRow, checkpoint: CheckpointRow | None, held: Sequence[Held]) -> bool:
        """Judge a row.

        Args:
            row: the row.
            checkpoint: the stored checkpoint of its size, or None.
            held: what its anchor keeps of that size.

        Returns:
            Whether what it says is borne out: by the anchor, or by a cosignature.
        """
        where = f"anchor row of {row.name}, size {row.size}"
        if row.name not in self._kinds:
            self.findings.append(extra(where, "an anchor that the settings do not name, nor as retired"))
            return False
        if row.kind != self._kinds[row.name]:
            self.findings.append(altered(f"{where}, column kind", self._kinds[row.name], row.kind))
            return False
        if row.kind == WITNESS:
            made = self._cosignature(row, checkpoint, where)
            since = [] if made is None else [made]
        else:
            since = [moment.to_millis(each.at) for each in held if each.evidence == row.evidence]
            if held and not since:
                where_of = f"{where}, column evidence"
                self.findings.append(altered(where_of, held[0].evidence, row.evidence, LOOK))
        if checkpoint is not None and since and checkpoint.at > min(since) + _TOLERANCE_MS:
            where = f"checkpoint of size {checkpoint.size}, column at"
            expected = f"a time about {min(since)} or earlier, when {row.name} had it"
            self.findings.append(altered(where, expected, str(checkpoint.at)))
            return False
        return self._timely(row, where, checkpoint, since) and bool(since)

    def _timely(
        self, row: AnchorRow, where: str, checkpoint: CheckpointRow | None, since: Sequence[int]
    ) -> bool:
        latest = self._latest.get(row.name, row.at)
        signed = checkpoint.at if checkpoint is not None else row.at
        earliest = max([*since, latest, signed])
        if row.at < earliest - _TOLERANCE_MS:
            expected = f"a time about {earliest} or later"
        elif self._now is not None and row.at > self._now:
            expected = f"a time before {self._now}"
        else:
            self._latest[row.name] = max(latest, row.at)
            return True
        self.findings.append(altered(f"{where}, column at", expected, str(row.at)))
        return False

    def _cosignature(self, row: AnchorRow, checkpoint: CheckpointRow | None, where: str) -> int | None:
        """Give the time of a row's cosignature, in milliseconds; None where it does not fit, which is said."""
        key = self._anchors.witnesses[row.name]
        found = "one for a checkpoint that is not there"
        try:
            line, *more = parse_signatures(f"{row.evidence}\n")
            if checkpoint is not None and not more:
                return verify_cosignature(line, key, text_of(checkpoint.note)) * 1000
        except (Malformed, SignatureInvalid) as problem:
            found = str(problem)
        expected = f"the cosignature of {key.name} over the checkpoint, and nothing else"
        self.cosignatures.append(
            Finding(
                kind="unsigned",
                where=f"{where}, column evidence",
                expected=expected,
                found=found,
                cure=RESTORE,
            )
        )
        return None


def text_of(note: str) -> str:
    """Read what a note's signatures are over.

    Args:
        note: the note.

    Returns:
        The text; a line feed alone, which nobody signs, where it is no note.
    """
    try:
        return parse_note(note).text
    except Malformed:
        return "\n"


def signed_at(row: CheckpointRow | None) -> datetime | None:
    """Say when a checkpoint was signed.

    Args:
        row: the checkpoint, or None.

    Returns:
        The time; None where there is none, or none that a clock could show.
    """
    try:
        return moment.from_millis(row.at) if row is not None else None
    except InvalidInput:
        return None


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False
