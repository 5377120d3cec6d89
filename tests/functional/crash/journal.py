"""What the processes of a storm say of themselves, line by line, so that whoever is killed has said it.

Each line is one write to the end of a file: what a process wrote before it was killed is there afterwards.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeAlias

Word: TypeAlias = Literal["try", "done", "there", "nothing", "doubt", "note"]

TRY: Final = "try"
"""An entry is about to be written."""
DONE: Final = "done"
"""It was acknowledged; its leaf hash follows."""
THERE: Final = "there"
"""It was written again, and found to be there: acknowledged too."""
NOTHING: Final = "nothing"
"""An error said that nothing was written."""
DOUBT: Final = "doubt"
"""An error said that it was written and the answer lost, or that this is not known."""
NOTE: Final = "note"
"""The signer released this note."""


class Journal:
    """A file that one process writes and others read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(self, word: Word, *values: str) -> None:
        os.write(self._file, f"{' '.join([word, *values])}\n".encode())


class Reader:
    """Reads journals as they grow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0
        self.acknowledged = 0

    def look(self) -> int:
        """Count what was acknowledged up to now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._seen)
                fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._seen += len(whole)
            self.acknowledged += sum(line.startswith((b"done ", b"there ")) for line in whole.splitlines())
        return self.acknowledged


def lines(path: Path) -> Iterator[list[str]]:
    """Read a journal from its beginning."""
    if path.exists():
        for line in path.read_text().splitlines():
            yield line.split(" ")
