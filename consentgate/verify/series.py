"""One anchor's checkpoints, in order of sizes: what is missing on either side, told by runs.

Invariant: each missing checkpoint is counted, however many of them are missing in a row.
"""

from collections.abc import Iterator
from typing import Final

from consentgate.verify.known import truncated
from consentgate.verify.result import Finding

LOOK: Final = (
    "Compare anchor and database with other copies, and keep both as they are: one was changed, or lost."
)
"""What to do where anchor and database differ."""


class _Runs:
    """Sizes that are missing, with nothing there between them."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int, int]] = []
        self._open = False
        self._before: tuple[int, int, int] | None = None

    def miss(self, size: int) -> None:
        if not self._open:
            self._runs.append((1, size, size))
            self._open, self._before = True, None
            return
        count, first, _ = self._before = self._runs[-1]
        self._runs[-1] = (count + 1, first, size)

    def end(self) -> None:
        self._open = False

    def forget_last(self) -> None:
        """Forget the last size, where nothing came after it."""
        if self._open:
            self._runs[-1:] = [] if self._before is None else [self._before]

    def said(self) -> Iterator[str]:
        for count, first, last in self._runs:
            if count == 1:
                yield f"checkpoint of {first} entries"
            else:
                yield f"{count} checkpoints in a row, of {first} to {last} entries"


class Series:
    """What one anchor took, as the database says and as the anchor says.

    Attributes:
        last: the largest size of a row, 0 for none.
        beyond_all: the largest size of a checkpoint of more entries than the log has, 0 for none.
    """

    def __init__(self, name: str) -> None:
        """Begin before the first.

        Args:
            name: the anchor's.
        """
        self._name = name
        self._gone = _Runs()
        self._unwritten = _Runs()
        self._unknown = _Runs()
        self.beyond_all = 0
        self.last = 0

    def row(self, size: int, *, there: bool) -> None:
        """Take a row.

        Args:
            size: of the checkpoint.
            there: whether the anchor has it.
        """
        self.last = size
        self._unwritten.end()
        if there:
            self._gone.end()
        else:
            self._gone.miss(size)

    def held(self, size: int) -> None:
        """Take a checkpoint that the anchor keeps, and of which there is no row.

        Args:
            size: the checkpoint's.
        """
        self._unwritten.miss(size)

    def unknown(self, size: int) -> None:
        """Take a checkpoint that the anchor keeps, and that the database does not have.

        Args:
            size: the checkpoint's.
        """
        self._unknown.miss(size)

    def beyond(self, size: int) -> None:
        """Take a checkpoint of more entries than the log has.

        Args:
            size: the checkpoint's.
        """
        self.beyond_all = max(self.beyond_all, size)

    def findings(self, *, asked: bool, size: int) -> Iterator[Finding]:
        """Say what is missing.

        Args:
            asked: whether the anchor could be asked for everything.
            size: how many entries the log has.

        Yields:
            The findings.
        """
        if self.beyond_all:
            yield truncated(f"anchor {self._name}", self.beyond_all, size)
        for said in self._unknown.said():
            yield _missing(f"checkpoint table, {said}", f"what anchor {self._name} keeps")
        # The newest is put before it is written down: a crash between the two takes nothing away.
        self._unwritten.forget_last()
        for said in self._unwritten.said():
            yield _missing(f"anchor table, {self._name}, {said}", "a row for what the anchor keeps")
        if asked:
            for said in self._gone.said():
                yield _missing(f"anchor {self._name}, {said}", "what it took, as the database says")


def _missing(where: str, expected: str) -> Finding:
    return Finding(kind="missing", where=where, expected=expected, found="nothing", cure=LOOK)
