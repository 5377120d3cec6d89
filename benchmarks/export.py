"""What it takes to make a package: calls that went through the gate, exported by the command in a fresh process.

The package is what a lawyer gets: opened records, load files, sheets, report and certificate, verified before it has
its name. The baseline copies the finished folder, hashing what it copies: less than that nobody can do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, megabytes, takes
from benchmarks.load import busy
from benchmarks.place import ISS, LINE, NOTICE, Place
from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log
from consentgate.storage import stored
from consentgate.testing.client import loopback_client

_AT_ONCE: Final = 10
_SECONDS: Final = 25.0
_MEGABYTES: Final = 400.0
_BLOCK: Final = 1 << 20
# The target is for so many; it grows with their number.
_ENTRIES: Final = 10_000


def measure_exports(place: Place, sizes: Sequence[int], rounds: int) -> list[Figure]:
    """Fill a home with so many entries of calls, and measure what exporting all of them takes.

    Only on SQLite: what is read out of the database is a small part of it.

    Args:
        place: where.
        sizes: how many entries the home has, one after another, from small to big.
        rounds: how often each is exported.

    Returns:
        Seconds and memory, for each size.
    """
    if place.name != "SQLite":
        return []
    figures: list[Figure] = []
    filler = Filler(place.settings)
    for size in sizes:
        filler.up_to(size)
        ours, theirs, memory = [], [], []
        for number in range(rounds):
            out = place.settings.home / f"packages-{size}-{number}"
            seconds, used = export_once(place.settings.home, out)
            (package,) = (each for each in out.iterdir() if each.is_dir())
            ours.append(seconds)
            theirs.append(_copied(package, out / "copy"))
            memory.append(used)
            shutil.rmtree(out)
        many = f"{size:,}".replace(",", " ")
        figures.append(
            takes(f"export {many} entries on {place.name}", ours, theirs, _SECONDS * size / _ENTRIES)
        )
        figures.append(megabytes(f"memory of that on {place.name}", memory, _MEGABYTES))
    return figures


class Filler:
    """Lets people consent, call four times, withdraw and be denied, until there are enough entries."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._people = count()
        self._empty = True

    def up_to(self, entries: int) -> None:
        """Make calls until there are so many entries, and let the log take them in."""
        with busy() as address, ConsentGate(self._settings) as gate:
            if self._empty:
                gate.add_notice(b"We make a voiceprint of you, and keep it for a year.", **NOTICE)
                gate.assert_("public_policy_published", True, by="bench", since=datetime.now(UTC))
                gate.add_issuer(ISS, name="Bench")
                self._empty = False
            client = gate.protect(loopback_client("chime-sdk-voice", address))
            while _entries_of(gate) < entries:
                for _ in range(_AT_ONCE):
                    _life(gate, client, f"{next(self._people):08d}")
        failure = keep_log(self._settings)
        if failure is not None:
            raise failure


def _life(gate: ConsentGate, client: Any, name: str) -> None:
    """Thirteen entries: a grant, three calls that are searched, a withdrawal, and one that is not."""
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    caller = Speaker([("customer", name)], [home], adult=True)
    ivr = gate.issuer(ISS)
    ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    for number in range(4):
        if number == 3:
            ivr.withdraw(caller, method="ivr_dtmf")
        call = f"{name}-{number}"
        gate.register_call(call, caller=[caller], callee=NOBODY, recording_consent="all_parties")
        with suppress(ConsentDenied):
            client.start_speaker_search_task(TransactionId=call, **LINE)


def _entries_of(gate: ConsentGate) -> int:
    with gate._parts.database.read() as connection:
        return stored.count(connection)


def export_once(home: Path, out: Path) -> tuple[float, float]:
    """Export everything in a fresh process.

    Args:
        home: the home folder.
        out: where the package is put.

    Returns:
        Seconds, and megabytes of memory at most.
    """
    command = [
        sys.executable,
        "-m",
        "consentgate",
        "export",
        "--clear",
        "--home",
        str(home),
        "--out",
        str(out),
    ]
    command += [
        "--matter",
        "bench",
        "--purpose",
        "a benchmark",
        "--recipient",
        "nobody",
        "--requested-by",
        "bench",
    ]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"The export ended with {process.returncode}.")
    return seconds, used.ru_maxrss / 1024


def _copied(package: Path, copy: Path) -> float:
    start = time.perf_counter()
    for path in sorted(package.rglob("*")):
        target = copy / path.relative_to(package)
        if path.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with path.open("rb") as source, target.open("wb") as file:
            while block := source.read(_BLOCK):
                digest.update(block)
                file.write(block)
    return time.perf_counter() - start
