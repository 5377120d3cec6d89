"""Exports that are under way: a file beside the packages that names the entry, so that going on makes no second one.

::

    1  the file, with an id that is made now, is on disk
    2  the export's entry of this id is appended
    3  the package is built, verified, and named
    4  the cover letter is written
    5  the file is removed

Cut off anywhere, the same command goes on: before 2 with the same id, afterwards with the same entry. Where that
cannot be made any more, the file is removed, and the next command begins anew.

Invariants: one process at a time works on an export; a file of another command is never taken up.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from consentgate import canonical
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.export.asked import Asked
from consentgate.moment import parse_uuid


class Outdated(InvalidInput):
    """An export that is on record cannot be made any more: by this version, with this key, or from this ledger."""


@contextmanager
def under_way(out: Path, asked: Asked, entry: UUID) -> Iterator[UUID]:
    """Say which entry an export has, now and when the same is asked for again before it is finished.

    Args:
        out: the folder that packages are put into; made if it is not there.
        asked: what was asked for.
        entry: the id for a new one.

    Yields:
        Id of the export's entry. Leaving the block without an error finishes the export.

    Raises:
        InvalidInput: `out` is no folder.
        Unavailable: the folder cannot be written to, or somebody makes the same export now.
    """
    name = sha256(canonical.encode(asked.members())).hexdigest()[:16]
    path = out / f".{asked.slug}-{name}.export"
    make_folder(out)
    descriptor = _locked(path)
    try:
        yield _entry(descriptor, path, entry)
        path.unlink()
    except Outdated:
        # The same command begins anew then.
        path.unlink()
        raise
    finally:
        os.close(descriptor)


def make_folder(out: Path) -> None:
    """Make the folder that packages are put into, where it is not there.

    Args:
        out: it.

    Raises:
        InvalidInput: there is something else.
        Unavailable: it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InvalidInput(f"{out} is not a folder.") from error
    except OSError as error:
        raise Unavailable(f"The folder {out} cannot be made ({error.strerror}).") from error


def _locked(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written ({error.strerror}).") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Unavailable("Another process makes this export now: let it finish.") from error
    return descriptor


def _entry(descriptor: int, path: Path, new: UUID) -> UUID:
    written = os.pread(descriptor, 64, 0)
    try:
        return parse_uuid(written.decode("ascii", errors="replace").strip())
    except Malformed:
        # Empty, or cut off while it was written: then no entry was appended under what it said.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{new}\n".encode(), 0)
        os.fsync(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return new
