"""What a step costs at ten thousand entries, at a million and at ten million: the same, or a little more each time.

One ledger grows: people consent, it is filled in bulk up to each size, with small parts, and then measured at the
margin, among others by searching for those people. ``python -m benchmarks.growth SIZE ...`` prints the table;
``--write FOLDER`` puts it and its picture into the page. Ten million entries take some ten gigabytes and half an
hour.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks.bulk import TENANT, insert_entries
from benchmarks.gated import Gated
from consentgate.config.parts import signer_of
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.config.since import Pinned
from consentgate.config.upkeep import log_database, vkey_of
from consentgate.config.verification import verify_deployment
from consentgate.log.prove import prove
from consentgate.log.sequencer import Sequencer
from consentgate.log.tree import Roots
from consentgate.storage import checkpoints, sequence
from consentgate.storage.database import Database
from consentgate.tlog.checkpoint import open_any
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.result import BROKEN

SIZES: Final = (10_000, 1_000_000)
PAGE: Final = "growth.md"
PICTURE: Final = "growth.svg"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"

_SEARCHES: Final = 400
_BATCH: Final = 20_000
_PROOFS: Final = 400
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What steps cost at a size, in seconds; and what filling up to it took, for each entry.

    Attributes:
        size: how many entries there are.
        intent: one decision by grants from before the growth, and its intent, with its commit.
        outcome: one outcome, with its commit.
        sequenced: the sequencer's share of one entry.
        proof: one receipt, read and made.
        signed: one checkpoint.
        verified: each of the newest entries, from the checkpoint before them on.
        judged: each of the intents and outcomes, likewise, with all keys.
    """

    size: int
    intent: float
    outcome: float
    sequenced: float
    proof: float
    signed: float
    verified: float
    judged: float


COLUMNS: Final[dict[str, tuple[str, Callable[[Point], float]]]] = {
    "intent": ("an intent", lambda point: point.intent),
    "outcome": ("an outcome", lambda point: point.outcome),
    "sequenced": ("an entry's place", lambda point: point.sequenced),
    "signed": ("a checkpoint", lambda point: point.signed),
    "proof": ("a receipt", lambda point: point.proof),
    "verified": ("an entry verified", lambda point: point.verified),
    "judged": ("one that refers to old ones", lambda point: point.judged),
}


def measure(folder: Path, sizes: Sequence[int]) -> list[Point]:
    """Grow one ledger and measure it at each size."""
    made = make_home(folder / "home", controller="bench", purposes={"search": "authentication"})
    settings, found = made.settings, []
    _say("people consent ...")
    gated = Gated(settings, len(sizes) * (_SEARCHES + 1))
    _keep(settings)
    for size in sorted(sizes):
        _say(f"filling up to {size:,} ...")
        with log_database(settings) as database, database.read() as connection:
            tree = sequence.latest_tree(connection)
        insert_entries(settings, size - (tree.size if tree else 0), small=True)
        _keep(settings)
        found.append(_point(settings, size, gated))
        _say(f"{found[-1]}")
    return found


def _keep(settings: Settings) -> None:
    """Sequence and sign what is there."""
    with log_database(settings) as database:
        Sequencer(database).once()
        signer_of(settings, database).once()


def _point(settings: Settings, size: int, gated: Gated) -> Point:
    places, signatures = [], []
    with log_database(settings) as database:
        sequencer, signer = Sequencer(database), signer_of(settings, database)
        sequencer.once()  # its first look is at everything
        before = _checkpoint(settings, database)
        for _ in range(_ROUNDS):
            insert_entries(settings, _BATCH // _ROUNDS, small=True)
            start = time.perf_counter()
            count = sequencer.once()
            places.append((time.perf_counter() - start) / count)
            start = time.perf_counter()
            signer.once()
            signatures.append(time.perf_counter() - start)
        middle = _checkpoint(settings, database)
    verified = statistics.median(_verified(settings, before, with_keys=False) for _ in range(_ROUNDS))
    taken = gated.search(_SEARCHES)
    _keep(settings)
    judged = statistics.median(_verified(settings, middle, with_keys=True) for _ in range(_ROUNDS))
    return Point(
        size=size,
        intent=statistics.median(each.intent for each in taken),
        outcome=statistics.median(each.outcome for each in taken),
        sequenced=statistics.median(places),
        proof=_proofs(settings),
        signed=statistics.median(signatures),
        verified=verified / _BATCH,
        judged=judged / (2 * (_SEARCHES + 1)),
    )


def _checkpoint(settings: Settings, database: Database) -> Pinned:
    with database.read() as connection:
        row = checkpoints.latest_checkpoint(connection)
    vkey = vkey_of(settings)
    assert row is not None
    assert vkey is not None
    return Pinned(file="kept", head=open_any(row.note.encode(), NoteKey.from_vkey(vkey)))


def _verified(settings: Settings, before: Pinned, *, with_keys: bool) -> float:
    """Verify what came after a checkpoint, as somebody does who kept it."""

    def verify() -> None:
        done = verify_deployment(settings, vkey=None, with_keys=with_keys, step=lambda: None, pinned=before)
        assert done.verification.exit_code != BROKEN

    return _timed(verify)


def _proofs(settings: Settings) -> float:
    """Make receipts of entries here and there, each from a state of the database that is read anew."""
    chosen = random.Random(7)  # the same ones each time
    taken = []
    with log_database(settings) as database:
        with database.read() as connection:
            tree = sequence.latest_tree(connection)
        assert tree is not None
        roots = Roots()
        for number in range(_PROOFS + 1):
            position = chosen.randrange(tree.size - _BATCH)
            with database.read() as connection:
                (row,) = sequence.sequenced(connection, first=position, end=position + 1)

            def proof(entry: bytes = row.entry) -> None:
                with database.read() as connection:
                    prove(connection, TENANT, UUID(bytes=entry), roots=roots)

            seconds = _timed(proof)
            if number:  # the first one hashes up to 255 tiles of each level, which are remembered
                taken.append(seconds)
    return statistics.median(taken)


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def markdown(points: Sequence[Point]) -> str:
    """Lay the table out: each cost, and how many times that of the smallest ledger it is."""
    heads = ["entries", *(name for name, _ in COLUMNS.values())]
    lines = [heads, ["---:"] * len(heads)]
    for point in points:
        cells = [f"{point.size:,}"]
        for _, cost in COLUMNS.values():
            times = cost(point) / cost(points[0])
            cells.append(f"{_written(cost(point))} ({times:.2f}x)")
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def svg(points: Sequence[Point]) -> str:
    """Draw each cost over the size, as a multiple of the smallest ledger's."""
    width, height, left, right, top, bottom = 760, 300, 60, 180, 24, 48
    low, high = log10(points[0].size), log10(points[-1].size)
    most = max(2.0, *(cost(point) / cost(points[0]) for point in points for _, cost in COLUMNS.values()))

    def x(size: int) -> float:
        return left + (log10(size) - low) / ((high - low) or 1) * (width - left - right)

    def y(times: float) -> float:
        return height - bottom - times / most * (height - top - bottom)

    lines, names = [], []
    ends = sorted(
        ((cost(points[-1]) / cost(points[0]), key) for key, (_, cost) in COLUMNS.items()), reverse=True
    )
    placed = top - 18.0
    for times, key in ends:
        name, cost = COLUMNS[key]
        where = " ".join(f"{x(point.size):.0f},{y(cost(point) / cost(points[0])):.1f}" for point in points)
        placed = max(y(times) + 5, placed + 18)
        lines.append(f'<polyline class="{key}" points="{where}"/>')
        names.append(f'<text x="{width - right + 12}" y="{placed:.0f}">{name} {times:.2f}x</text>')
    ticks = "".join(
        f'<text class="small" x="{x(point.size):.0f}" y="{height - 22}" text-anchor="middle">{point.size:,}</text>'
        for point in points
    )
    rows = "".join(
        f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y(n):.0f}" y2="{y(n):.0f}"/>'
        f'<text class="small" x="{left - 10}" y="{y(n) + 4:.0f}" text-anchor="end">{n}x</text>'
        for n in range(int(most) + 1)
    )
    spoken = "; ".join(
        f"{name}: {cost(points[-1]) / cost(points[0]):.2f} times" for name, cost in COLUMNS.values()
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">
<title id="title">From {points[0].size:,} to {points[-1].size:,} entries: {spoken}</title>
<style>
text {{ font: 14px system-ui, sans-serif; fill: #1f2328 }} .small {{ font-size: 12px; fill: #59636e }}
polyline {{ fill: none; stroke-width: 2.5 }} .grid {{ stroke: #d8dee4 }}
.intent {{ stroke: #2a78b8 }} .outcome {{ stroke: #1b8a8f }} .sequenced {{ stroke: #b5651d }}
.proof {{ stroke: #2f8f4e }} .signed {{ stroke: #8250b5 }} .verified {{ stroke: #a8324e }}
.judged {{ stroke: #8a7a1b }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #e6edf3 }} .small {{ fill: #9ea7b3 }} .grid {{ stroke: #343b44 }}
  .intent {{ stroke: #58a6e0 }} .outcome {{ stroke: #4fc3c8 }} .sequenced {{ stroke: #e0975a }}
  .proof {{ stroke: #5fc27e }} .signed {{ stroke: #b58be8 }} .verified {{ stroke: #e8849b }}
  .judged {{ stroke: #cdbb4e }}
}}
</style>
{rows}
{"".join(lines)}
{"".join(names)}
{ticks}
</svg>
"""


def write(folder: Path, points: Sequence[Point]) -> None:
    """Put table and picture into the page."""
    page = folder / PAGE
    head, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page} has no place for the figures.")
    page.write_text(f"{head}{BEGIN}{markdown(points)}\n{END}{tail}", "utf-8")
    (folder / PICTURE).write_text(svg(points), "utf-8")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth", description="Measure a growing ledger."
    )
    parser.add_argument("sizes", nargs="*", type=int, metavar="SIZE", help="entries (10000 1000000)")
    parser.add_argument("--folder", type=Path, help="where the ledger is made: the disk that is measured")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help=f"write the figures into {PAGE} there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        points = measure(Path(folder), options.sizes or SIZES)
    sys.stdout.write(f"{markdown(points)}\n")
    if options.write:
        write(options.write, points)


def _written(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
