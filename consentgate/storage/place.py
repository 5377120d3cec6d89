"""Where a SQLite database may live: in a file, on a local disk, on one host.

Invariant: a place where SQLite's locks or its write-ahead log do not work is refused, never warned about: two
writers there can both believe that they hold the lock, and the evidence of one is lost.
"""

import os
from pathlib import Path
from typing import Final

from consentgate.errors import Misconfigured

MOUNTS: Final = Path("/proc/mounts")

_NETWORK: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "fuse.sshfs")
)


def refuse_lambda(function: str | None) -> None:
    """Refuse to run SQLite on AWS Lambda, where the disk goes with the instance.

    Args:
        function: value of AWS_LAMBDA_FUNCTION_NAME, or None.

    Raises:
        Misconfigured: there is a function name.
    """
    if function:
        raise Misconfigured(
            "SQLite cannot hold evidence on AWS Lambda: its disk is lost with the instance. Use PostgreSQL."
        )


def refuse_memory(path: str) -> None:
    """Refuse a database that lives in memory.

    Args:
        path: file of the open database, as ``PRAGMA database_list`` gives it.

    Raises:
        Misconfigured: it has no file.
    """
    if not path:
        raise Misconfigured(
            "The database lives in memory: its evidence would be gone with the process. Use a file."
        )


def refuse_network(path: str, *, mounts: Path = MOUNTS) -> None:
    """Refuse a database on a network file system, where the system tells.

    Args:
        path: the database's file.
        mounts: the list of mounts; where it does not exist nothing can be told.

    Raises:
        Misconfigured: the file lies on one.
    """
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return
    found, kind = "", ""
    real = os.path.realpath(path)
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # The kernel writes a space in a path as \040; later mounts cover earlier ones at the same point.
        point = fields[1].replace("\\040", " ").rstrip("/") or "/"
        inside = point == "/" or real == point or real.startswith(point + "/")
        if inside and len(point) >= len(found):
            found, kind = point, fields[2]
    if kind in _NETWORK:
        raise Misconfigured(
            f"The database lies on a network file system ({kind}), where SQLite's locks do not hold."
            " Use a local disk, or PostgreSQL."
        )
