"""Files that hold secrets, or what must not be lost: made once, for the owner alone, on disk when we return.

Invariants: a secret is never written over; a file that others may read is refused before it is read; a file
has its name once all of it is on disk, so that whoever is killed leaves the whole of it or nothing, and is there
together with the folder entry that names it, since a file without a name is lost at a power cut.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from consentgate.errors import Misconfigured, Unavailable

_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a file system answers that gives no file a second name."""


def write_secret(path: Path, data: bytes) -> None:
    """Make a new file for its owner alone.

    Args:
        path: the file, which must not exist.
        data: what it holds.

    Raises:
        Misconfigured: there is such a file; it is left as it is.
        Unavailable: the file cannot be written.
    """
    _write_new(path, data, _OWNER_ONLY)


def write_public(path: Path, data: bytes) -> None:
    """Make a new file that anybody may read.

    Args:
        path: the file, which must not exist.
        data: what it holds.

    Raises:
        Misconfigured: there is such a file; it is left as it is.
        Unavailable: the file cannot be written.
    """
    _write_new(path, data, 0o644)


def replace_file(path: Path, data: bytes) -> None:
    """Put new contents in the place of a file's, all or nothing.

    Args:
        path: the file.
        data: what it holds from now on.

    Raises:
        Unavailable: the file cannot be written; the old contents stand.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        # What a crash left behind was never the file; its name can be used again.
        new.unlink(missing_ok=True)
        _write(new, data, _OWNER_ONLY)
        new.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written ({error.strerror}).") from error


def read_secret(path: Path, *, limit: int = 1 << 20) -> bytes:
    """Read a file that only its owner can read.

    Args:
        path: the file.
        limit: at most so many bytes.

    Returns:
        What it holds.

    Raises:
        Misconfigured: there is no such file, others may read it, or it is too large.
        Unavailable: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            # Of the open file, so that nobody exchanges it between the question and the reading.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & _OTHERS:
                raise Misconfigured(f"Others may read the secret file {path}: run `chmod 600 {path}`.")
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise Misconfigured(
            f"The file {path} is not there: run `consentgate init`, or restore it."
        ) from error
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error
    if len(data) > limit:
        raise Misconfigured(f"The file {path} is too large to be what it should be.")
    return data


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        _name_whole(path, data, mode)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise Misconfigured(f"The file {path} is there already; it is not written over.") from error
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written ({error.strerror}).") from error


def _name_whole(path: Path, data: bytes, mode: int) -> None:
    """Write a file under another name, and give it its own: unlike a renaming this takes no other file's place."""
    new = path.with_name(f"{path.name}.{os.urandom(8).hex()}.new")
    _write(new, data, mode)
    try:
        os.link(new, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _write(path, data, mode)
    finally:
        new.unlink()


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
