"""Cold start: what a fresh process waits for, with the gate and without, process after process in turn."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, added, ratio
from benchmarks.place import Place, prepare
from consentgate import ConsentGate

FRESH: Final = Path(__file__).with_name("fresh.py")
IMPORT_TARGET_S: Final = 0.040
DECISION_TARGET: Final = 1.5


def measure_imports(starts: int) -> list[Figure]:
    """Measure what importing consentgate adds to importing boto3 and sqlalchemy."""
    taken: dict[str, list[float]] = {"both": [], "package": [], "face": []}
    for kind in taken:
        seconds(kind)
    for _ in range(starts):
        for kind, found in taken.items():
            found.append(seconds(kind))
    return [
        added("import consentgate", taken["package"], taken["both"], IMPORT_TARGET_S),
        added("from consentgate import ConsentGate", taken["face"], taken["both"], None),
    ]


def measure_first_decision(place: Place, starts: int) -> list[Figure]:
    """Measure how soon a fresh process on an existing home has decided: a denial, recorded."""
    calls = [f"cold-{number}" for number in range(starts + 1)]
    with ConsentGate(place.settings) as gate:
        prepare(gate, (), calls)
    ours, theirs = [], []
    for call in calls:
        ours.append(seconds("first_decision", str(place.settings.home), call))
        theirs.append(seconds("by_hand", place.settings.database))
    # The first of each pair compiles what nobody had imported yet, as an installation does once.
    return [ratio(f"first decision of a process, {place.name}", ours[1:], theirs[1:], DECISION_TARGET)]


def seconds(*arguments: str) -> float:
    """Say how long a fresh process took for a function of `benchmarks.fresh`."""
    # Installed packages have their bytecode: where Python may not write it, this would measure compiling.
    environ = {name: found for name, found in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-P", str(FRESH), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environ,
    )
    return float(done.stdout)
