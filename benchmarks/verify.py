"""What verification costs, beside reading the same rows with the bare driver and hashing them, and bare hashing.

Baseline and measurement take turns in one run. Nothing sealed is opened: that is not in the baseline either. Each
verification is a process of its own, and its memory is all that this process ever had.
"""

import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import make_url

from benchmarks.bulk import TENANT, fill
from benchmarks.figures import Figure, megabytes, ratio, takes
from benchmarks.place import Place
from consentgate.config.receipts import files_of, published
from consentgate.config.settings import Settings, load_settings
from consentgate.config.upkeep import vkey_of
from consentgate.config.verification import verify_deployment
from consentgate.log.prove import prove
from consentgate.log.tree import Roots
from consentgate.storage.readonly import read_only
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.published import verify_published
from consentgate.verify.result import BROKEN

_ENTRIES: Final = (
    'SELECT ordinal, tenant, id, kind, at, about, w, n, re, "end", leaf, hash, parts FROM entry'
    " ORDER BY ordinal"
)
_OTHERS: Final = (
    "SELECT position, tenant, entry, hash FROM seq ORDER BY position",
    "SELECT * FROM tile",
    "SELECT * FROM tree_state",
    "SELECT * FROM checkpoint",
)
_FIRST: Final = "log = 0 AND position = 0"
_AT_ONCE: Final = 1000
_PROOFS: Final = 200


def measure_verification(place: Place, entries: int, rounds: int) -> list[Figure]:
    """Fill a home with so many entries, and measure what it takes to verify and to prove them."""
    fill(place.settings, entries)
    ours, theirs, memory = [], [], []
    for _ in range(rounds):
        theirs.append(_seconds(lambda: _read_and_hash(place.settings)))
        seconds, used = _verified(place.settings.home)
        ours.append(seconds)
        memory.append(used)
    many = f"{entries:,}".replace(",", " ")
    figures = [
        ratio(f"verify {many} entries on {place.name}, beside reading and hashing", ours, theirs, 2.2),
        megabytes(f"memory of that on {place.name}", memory, 300),
        takes(f"one proof among {many} on {place.name}", *_proofs(place.settings), 1e-3),
    ]
    if place.name == "SQLite":
        figures.append(_tiles(place.settings, many, rounds))
    return figures


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _read_and_hash(settings: Settings) -> None:
    for row in _rows(settings, _ENTRIES):
        hashlib.sha256(b"\0" + row[10]).digest()
        for token in row[12].split("\n"):
            hashlib.sha256(token.encode()).digest()
    for query in _OTHERS:
        for _ in _rows(settings, query):
            pass


def _rows(settings: Settings, query: str) -> Iterator[tuple[Any, ...]]:
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite":
        import sqlite3

        with sqlite3.connect(str(url.database)) as file:
            yield from file.execute(query)
        file.close()
        return
    import psycopg

    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, connection.cursor("rows") as cursor:
        cursor.itersize = _AT_ONCE
        yield from cursor.execute(query)


def _verified(home: Path) -> tuple[float, float]:
    """Verify in a fresh process: seconds, and megabytes at most."""
    command = [sys.executable, "-m", "benchmarks.verify", str(home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, used = map(float, done.stdout.split())
    return seconds, used


def _proofs(settings: Settings) -> tuple[list[float], list[float]]:
    """Prove entries over the whole log, beside reading each one's row."""
    ours, theirs = [], []
    with read_only(settings.database) as connection:
        found = connection.exec_driver_sql("SELECT entry FROM seq ORDER BY position").scalars().all()
        roots = Roots()
        # The first one reads and hashes the tiles at the right edge, which are remembered.
        prove(connection, TENANT, UUID(bytes=bytes(found[0])), roots=roots)
        for each in found[:: max(1, len(found) // _PROOFS)]:
            ident = UUID(bytes=bytes(each))
            ours.append(_seconds(partial(prove, connection, TENANT, ident, roots=roots)))
            theirs.append(
                _seconds(lambda: connection.exec_driver_sql(f"SELECT entry FROM seq WHERE {_FIRST}").all())
            )
    return ours, theirs


def _tiles(settings: Settings, many: str, rounds: int) -> Figure:
    """Recompute a published tree from its tiles, beside one call of hashlib for each node."""
    vkey = vkey_of(settings)
    assert vkey is not None
    key = NoteKey.from_vkey(vkey)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(dir=settings.home) as folder:
        published(settings, Path(folder), with_leaves=False)
        leaves = [row[3] for row in _rows(settings, _OTHERS[0])]
        for _ in range(rounds):
            theirs.append(_seconds(lambda: _each_node(leaves)))
            ours.append(
                _seconds(lambda: _require(verify_published(files_of(Path(folder)), key, step=lambda _: None)))
            )
    return ratio(f"tree of {many} entries from tiles, beside hashing its nodes", ours, theirs, 2)


def _each_node(row: list[bytes]) -> bytes:
    while len(row) > 1:
        above = [
            hashlib.sha256(b"\1" + one + other).digest()
            for one, other in zip(row[::2], row[1::2], strict=False)
        ]
        row = [*above, *row[len(above) * 2 :]]
    return row[0]


def _require(verification: Any) -> None:
    assert not verification.findings


def main(home: str) -> None:
    """Verify a home, and print seconds and megabytes."""
    settings = load_settings(Path(home))
    start = time.perf_counter()
    done = verify_deployment(settings, vkey=None, with_keys=False, step=lambda: None)
    seconds = time.perf_counter() - start
    assert done.verification.exit_code != BROKEN
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main(sys.argv[1])
