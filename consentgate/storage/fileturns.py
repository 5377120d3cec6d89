"""Whose turn it is to write to a SQLite file, among everything in this process that writes to it.

Invariant: who came first goes first. SQLite's own lock is taken by whoever happens to ask when it is free, and of
fifty gates on one file some would wait for seconds. Other processes still have to be waited for by SQLite's way.
"""

import os
from pathlib import Path
from typing import Final

from consentgate.storage.turns import Turns

# By process, too: what a parent's threads hold or wait for is nothing to its child.
_FILES: Final[dict[tuple[int, int, int], Turns]] = {}


def turns_of(path: str) -> Turns:
    """Find the turns of a file.

    Args:
        path: the file, which must exist.

    Returns:
        Its turns, one at a time, the same for each way to name it.
    """
    found = Path(path).stat()
    # One step for the interpreter: of two threads that come here at once, both get the same.
    return _FILES.setdefault((os.getpid(), found.st_dev, found.st_ino), Turns(1))
