"""Check the models of the protocol with spin, and that each mistake which can be seeded is found.

Usage: python tools/model.py [MODEL ...]

Needs the programs ``spin`` and ``gcc`` (Debian: ``apt-get install spin gcc libc6-dev``). Exit code 1 when a model
does not hold, or holds with a mistake in it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "docs" / "model"
MISTAKES = {
    "protocol": (
        "NO_LOCK",
        "COMPARE_FIRST",
        "SEND_FIRST",
        "STOPS_LATER",
        "FORGETS_UNDETERMINED",
        "NO_UNIQUE",
        "PASSES_OVER",
    ),
    "signing": ("RELEASE_FIRST", "NO_COMPARE", "FORGETFUL", "UNCHECKED"),
}
# Everything is walked through, in a memory that any machine has.
_COMPILE = ("gcc", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=2000", "-o", "pan", "pan.c")
_SECONDS = 600


class Failed(Exception):
    """Spin or the compiler refused, or the walk did not come to its end."""


def walk(model: str, mistake: str | None = None) -> tuple[int, int]:
    """Walk through every run of a model.

    Args:
        model: its name.
        mistake: one that is seeded, or None.

    Returns:
        How many states there are, and how many errors were found.

    Raises:
        Failed: it could not be walked through.
    """
    with tempfile.TemporaryDirectory() as folder:
        seeded = (f"-D{mistake}",) if mistake else ()
        _run(folder, "spin", *seeded, "-a", str(FOLDER / f"{model}.pml"))
        _run(folder, *_COMPILE)
        told = _run(folder, "./pan", "-m100000")
    states, errors = re.search(r"(\d+) states, stored", told), re.search(r"errors: (\d+)", told)
    if states is None or errors is None or "error: max search depth" in told or "out of memory" in told:
        raise Failed(f"{model}: the walk did not come to its end.\n{told}")
    return int(states[1]), int(errors[1])


def main(models: Sequence[str]) -> int:
    """Check models, print a line for each walk."""
    missing = [program for program in ("spin", "gcc") if shutil.which(program) is None]
    if missing:
        sys.stderr.write(f"{' and '.join(missing)} missing: apt-get install spin gcc libc6-dev\n")
        return 2
    wrong = 0
    for model in models or MISTAKES:
        states, errors = walk(model)
        wrong += errors > 0
        _say(f"{model}: {'BROKEN' if errors else 'holds'} in {states:,} states")
        for mistake in MISTAKES[model]:
            _, errors = walk(model, mistake)
            wrong += errors == 0
            _say(f"{model} with {mistake}: {'found' if errors else 'NOT FOUND'}")
    return int(wrong > 0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _run(folder: str, *command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[0]} took longer than {_SECONDS} s.") from None
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
