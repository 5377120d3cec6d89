"""Where the time of a call goes, step by step, measured as the figures are: gate and baseline in turns, with pauses.

Each step is a function of the gate, of a driver or of botocore with a stopwatch around it. Steps lie in each other as
they are indented, and what is in none of its steps is a step's own. A stopwatch takes about a microsecond.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pkgutil import resolve_name
from typing import Any, Final
from unittest.mock import patch

from benchmarks.calls import BLOCK, CALLS, SETTLE, Act, Signatures, Subjects, by_hand_acts, gated_acts, warm
from benchmarks.place import Place, prepare, service, sizes_of
from consentgate import ConsentGate
from consentgate.testing.client import loopback_client

_WATCHED: Final = (
    ("consentgate.gate.door.begin", "deciding, on record"),
    ("consentgate.gate.begin.read_for", "reading what decides"),
    ("consentgate.crypto.jwk.PublicKey.verify", "verifying a signature"),
    ("consentgate.gate.begin.judge", "deciding"),
    ("consentgate.storage.database.Database.write", "the transaction"),
    ("consentgate.ledger.book.Book._sealed", "sealing"),
    ("consentgate.storage.prepared.Prepared.rows", "the driver"),
    ("consentgate.storage.sqlite.SqliteSession.commit", "the commit"),
    ("psycopg.Connection.execute", "the driver and the server"),
    ("consentgate.gate.door.finish", "the outcome, on record"),
    ("botocore.httpsession.URLLib3Session.send", "the wire and the vendor"),
    ("benchmarks.byhand.SqliteByHand.read", "the read"),
    ("benchmarks.byhand.SqliteByHand.commit", "the commits"),
    ("benchmarks.byhand.PostgresByHand.read", "the read"),
    ("benchmarks.byhand.PostgresByHand.commit", "the commits"),
    ("benchmarks.calls.Signatures.verify", "verifying signatures"),
)

Path = tuple[str, ...]


class Stopwatch:
    """Sums what each step takes within one call."""

    def __init__(self) -> None:
        self.sums: dict[Path, float] = {}
        self._within: tuple[str, ...] = ()

    def around(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """Give a function that takes the time of another."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            outer, path = self._within, (*self._within, name)
            self._within = path
            self.sums.setdefault(path, 0.0)
            start = time.perf_counter()
            try:
                return step(*args, **kwargs)
            finally:
                self.sums[path] += time.perf_counter() - start
                self._within = outer

        return timed

    def of(self, act: Act, number: int) -> dict[Path, float]:
        """Call once, and give what each step of it took, in seconds."""
        self.sums = {}
        self.around("all", act)(number)
        found, self.sums = self.sums, {}
        return found


def steps_of_calls(place: Place, rounds: int) -> str:
    """Say what each step of a call takes, with the gate and by hand.

    Args:
        place: the database.
        rounds: how many rounds of calls.

    Returns:
        A Markdown table for each kind of call: medians, in microseconds.
    """
    allowed, denied = (Subjects(kind, (rounds + 1) * (CALLS + 1)) for kind in ("allowed", "denied"))
    taken: dict[str, list[dict[Path, float]]] = {}
    # Without the background thread: a stopwatch would not know whose step it takes.
    with ConsentGate(place.settings, background=False) as gate:
        signatures = Signatures(prepare(gate, allowed.names, denied.names))
        warm(gate, allowed, denied)
        sizes = sizes_of(gate)
        by_hand = place.by_hand(sizes.all)
        with _watching() as watch:
            for _ in range(rounds):
                with service() as ours, service() as theirs:
                    gated = gate.protect(loopback_client("chime-sdk-voice", ours))
                    bare = loopback_client("chime-sdk-voice", theirs)
                    sides = gated_acts(gated, allowed, denied), by_hand_acts(bare, by_hand, sizes, signatures)
                    _round(watch, sides, taken)
                    gated.close()
                    bare.close()
        by_hand.close()
    return "\n\n".join(_table(f"{kind}, {place.name}", found) for kind, found in taken.items())


def _round(
    watch: Stopwatch, sides: tuple[dict[str, Act], dict[str, Act]], taken: dict[str, list[dict[Path, float]]]
) -> None:
    for act in (*sides[0].values(), *sides[1].values()):
        act(0)  # connects
    for start in range(0, CALLS, BLOCK):
        for side, acts in zip(("with the gate", "by hand"), sides, strict=True):
            time.sleep(SETTLE)
            for kind, act in acts.items():
                found = taken.setdefault(f"{kind} call {side}", [])
                found.extend(watch.of(act, number) for number in range(start, start + BLOCK))


@contextmanager
def _watching() -> Iterator[Stopwatch]:
    watch = Stopwatch()
    with ExitStack() as stack:
        for target, name in _WATCHED:
            stack.enter_context(patch(target, watch.around(name, resolve_name(target))))
        yield watch


def _table(title: str, calls: list[dict[Path, float]]) -> str:
    seen: dict[Path, int] = {}
    for call in calls:
        for path in call:
            seen.setdefault(path, len(seen))
    ordered = sorted(seen, key=lambda path: [seen[path[: end + 1]] for end in range(len(path))])
    lines = [f"| {title} | µs |", "| --- | ---: |"]
    for path in ordered:
        median = statistics.median(call.get(path, 0.0) for call in calls)
        lines.append(f"| {'· ' * (len(path) - 1)}{path[-1]} | {median * 1e6:.0f} |")
    return "\n".join(lines)
