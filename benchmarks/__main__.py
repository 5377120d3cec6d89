"""What the gate costs, beside the same work done by hand, in one run. ``make bench`` runs it.

The loopback service is a process of its own; each call is another speaker's; figures are medians of rounds in
which the gate and the baseline take turns. Machines are noisy: compare the figures of one run, not the times of
two. A missed target is printed as missed and fails nothing.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.appends import measure_appends
from benchmarks.calls import measure_calls, profile_calls
from benchmarks.export import measure_exports
from benchmarks.figures import Figure, markdown, plain
from benchmarks.load import measure_load
from benchmarks.place import Place, postgres_place, sqlite_place
from benchmarks.plot import svg
from benchmarks.policy import measure_decisions, measure_packs
from benchmarks.sequencing import measure_sequencing
from benchmarks.start import measure_first_decision, measure_imports
from benchmarks.steps import steps_of_calls
from benchmarks.verify import measure_verification

PAGE = "speed.md"
PICTURE = "speed.svg"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
MEASURED = ("botocore", "SQLAlchemy", "cryptography", "psycopg", "cedarpy", "eventsourcing")
PARTS = ("calls", "load", "start", "policy", "appends", "sequencing", "verify", "export")


def machine() -> str:
    """Say on what this was measured."""
    names = ", ".join(f"{name} {version(name)}" for name in MEASURED)
    return (
        f"{os.cpu_count()} cores, {platform.system()} on {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}, {names}"
    )


def measure(options: argparse.Namespace, places: Callable[[str], list[Place]]) -> list[Figure]:
    """Measure everything that was asked for; each part on databases of its own."""
    on_databases: dict[str, tuple[str, Callable[[Place], list[Figure]]]] = {
        "calls": ("calls", lambda place: measure_calls(place, options.rounds)),
        "load": ("many threads", lambda place: measure_load(place, options.rounds)),
        "start": ("cold start", lambda place: measure_first_decision(place, options.starts)),
        "appends": ("appends", lambda place: measure_appends(place, options.rounds)),
        "sequencing": ("sequencing", lambda place: measure_sequencing(place, options.rounds)),
        "verify": ("verification", lambda place: _verified(place, options)),
        "export": ("exports", lambda place: measure_exports(place, options.exported, options.verifications)),
    }
    figures: list[Figure] = []
    for part in (each for each in PARTS if each in options.parts):
        if part == "start":
            _say("imports ...")
            figures += measure_imports(options.starts)
        if part == "policy":
            _say("decisions ...")
            figures += measure_decisions(options.rounds)
            figures += measure_packs(options.starts)
        if part in on_databases:
            what, measured = on_databases[part]
            for place in places(part):
                _say(f"{what} on {place.name} ...")
                figures += measured(place)
    return figures


def write(folder: Path, figures: list[Figure]) -> None:
    """Put table and picture into the page."""
    page = folder / PAGE
    head, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page} has no place for the figures.")
    body = f"{markdown(figures)}\n\nMeasured on {machine()}.\n"
    page.write_text(f"{head}{BEGIN}{body}{END}{tail}", "utf-8")
    (folder / PICTURE).write_text(svg(figures), "utf-8")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the gate costs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all if none is named")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="only on this one")
    parser.add_argument("--entries", type=int, default=50_000, help="entries that are verified (50000)")
    parser.add_argument("--exported", type=int, nargs="+", default=[10_000], help="entries exported (10000)")
    parser.add_argument(
        "--verifications", type=int, default=3, help="rounds of verifications and exports (3)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of calls (9)")
    parser.add_argument("--starts", type=int, default=15, help="fresh processes of each kind (15)")
    parser.add_argument("--folder", type=Path, help="where databases are made: the disk that is measured")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help=f"write the figures into {PAGE} there")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--profile", type=int, metavar="LINES", help="print where the time of calls goes")
    parser.add_argument("--steps", action="store_true", help="print what each step of a call takes")
    options = parser.parse_args()
    options.parts = options.parts or list(PARTS)
    if set(options.parts) - set(PARTS):
        parser.error(f"parts are {', '.join(PARTS)}")
    return options


def main() -> None:
    """Measure, and print the table."""
    options = arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        kinds = [options.database] if options.database else ["sqlite", "postgresql"]

        def places(part: str) -> list[Place]:
            return [_place(stack, folder / f"{part}-{kind}", kind) for kind in kinds]

        if options.profile:
            for place in places("calls"):
                print(profile_calls(place, options.profile))
            return
        if options.steps:
            for place in places("calls"):
                print(f"{steps_of_calls(place, options.rounds)}\n")
            return
        figures = measure(options, places)
    if options.json:
        print(json.dumps({"machine": machine(), "figures": [asdict(figure) for figure in figures]}, indent=1))
    else:
        print(f"{plain(figures)}\n\n{machine()}")
    if options.write:
        write(options.write, figures)


def _place(stack: ExitStack, folder: Path, kind: str) -> Place:
    folder.mkdir(mode=0o700)
    return sqlite_place(folder) if kind == "sqlite" else stack.enter_context(postgres_place(folder))


def _verified(place: Place, options: argparse.Namespace) -> list[Figure]:
    return measure_verification(place, options.entries, options.verifications)


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(what, file=sys.stderr)


if __name__ == "__main__":
    main()
