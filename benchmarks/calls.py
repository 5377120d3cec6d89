"""Gated and denied calls beside the same work by hand, in rounds.

Gate and baseline take turns in short blocks, so that what else the machine does hits both. While the baseline
runs, the gate's own background thread has nothing to do; while the gate runs, it may run too.
"""

import cProfile
import io
import pstats
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.byhand import ByHand
from benchmarks.figures import Figure, ratio
from benchmarks.place import LINE, Place, Sizes, prepare, service, sizes_of
from consentgate import ConsentDenied, ConsentGate
from consentgate.testing.client import loopback_client

# A service takes 25 searches at once: each round has two of its own, one for each side.
CALLS = 24
BLOCK = 8
DENIED_TARGET = 2.5
# Longer than the background thread waits after a write, and than its work takes.
SETTLE = 0.3

Act = Callable[[int], object]


class Subjects:
    """Names of calls, each of another speaker's; every name is used once."""

    def __init__(self, kind: str, count: int) -> None:
        self.names = tuple(f"{kind}-{number}" for number in range(count))
        self._left: Iterator[str] = iter(self.names)

    def take(self) -> str:
        """Give the next name."""
        return next(self._left)


class Signatures:
    """Two Ed25519 signatures over as many bytes as the two statements sign."""

    def __init__(self, tokens: Sequence[str]) -> None:
        key = Ed25519PrivateKey.generate()
        self._public = key.public_key()
        signed = [token.rpartition(".")[0].encode() for token in tokens]
        self._signed = [(key.sign(data), data) for data in signed]

    def verify(self) -> None:
        """Verify both."""
        for signature, data in self._signed:
            self._public.verify(signature, data)


def measure_calls(place: Place, rounds: int) -> list[Figure]:
    """Measure allowed and denied calls on a database."""
    allowed, denied = (Subjects(f"{kind}", (rounds + 1) * (CALLS + 1)) for kind in ("allowed", "denied"))
    with ConsentGate(place.settings) as gate:
        signatures = Signatures(prepare(gate, allowed.names, denied.names))
        warm(gate, allowed, denied)
        sizes = sizes_of(gate)
        by_hand = place.by_hand(sizes.all)
        found = [_round(gate, by_hand, sizes, signatures, (allowed, denied)) for _ in range(rounds)]
        by_hand.close()
    return [
        ratio(f"{kind} call, {place.name}", *_columns(found, kind), target)
        for kind, target in (("allowed", place.allowed), ("denied", DENIED_TARGET))
    ]


def profile_calls(place: Place, lines: int) -> str:
    """Say where the time of gated calls goes, in the thread that calls: it writes too."""
    allowed, denied = (Subjects(kind, 2 * CALLS) for kind in ("allowed", "denied"))
    texts = []
    with ConsentGate(place.settings) as gate:
        prepare(gate, allowed.names, denied.names)
        warm(gate, allowed, denied)
        with service() as url:
            acts = gated_acts(gate.protect(loopback_client("chime-sdk-voice", url)), allowed, denied)
            for kind, act in acts.items():
                profile = cProfile.Profile()
                profile.enable()
                for number in range(CALLS):
                    act(number)
                profile.disable()
                texts.append(f"{kind} calls, {place.name}\n{_top(profile, lines)}")
    return "\n".join(texts)


def warm(gate: ConsentGate, allowed: Subjects, denied: Subjects) -> None:
    """Make one call of each kind, so that the rows of each kind are there to be counted."""
    with service() as url:
        for act in gated_acts(
            gate.protect(loopback_client("chime-sdk-voice", url)), allowed, denied
        ).values():
            act(0)


def _round(
    gate: ConsentGate,
    by_hand: ByHand,
    sizes: Sizes,
    signatures: Signatures,
    subjects: tuple[Subjects, Subjects],
) -> dict[str, float]:
    """Give one round's medians: by kind, for the gate and by hand."""
    taken: dict[str, list[float]] = {}
    with service() as ours, service() as theirs:
        gated = gate.protect(loopback_client("chime-sdk-voice", ours))
        bare = loopback_client("chime-sdk-voice", theirs)
        acts = gated_acts(gated, *subjects), by_hand_acts(bare, by_hand, sizes, signatures)
        for act in (*acts[0].values(), *acts[1].values()):
            act(0)  # connects
        for start in range(0, CALLS, BLOCK):
            for side, each in zip(("", " by hand"), acts, strict=True):
                time.sleep(SETTLE)
                for kind, act in each.items():
                    taken.setdefault(kind + side, []).extend(_timed(act, range(start, start + BLOCK)))
        gated.close()
        bare.close()
    return {kind: statistics.median(found) for kind, found in taken.items()}


def gated_acts(client: Any, allowed: Subjects, denied: Subjects) -> dict[str, Act]:
    """Give what makes one allowed, and one denied call through a protected client."""

    def allow(_: int) -> None:
        client.start_speaker_search_task(TransactionId=allowed.take(), **LINE)

    def deny(_: int) -> None:
        try:
            client.start_speaker_search_task(TransactionId=denied.take(), **LINE)
        except ConsentDenied:
            return
        raise AssertionError("A withdrawn consent was not denied.")

    return {"allowed": allow, "denied": deny}


def by_hand_acts(client: Any, by_hand: ByHand, sizes: Sizes, signatures: Signatures) -> dict[str, Act]:
    """Give what does the same by hand."""
    calls = Subjects("bare", CALLS + 1)

    def allow(number: int) -> None:
        by_hand.read(number)
        by_hand.commit(sizes.intent)
        client.start_speaker_search_task(TransactionId=calls.take(), **LINE)
        by_hand.commit(sizes.outcome)

    def deny(number: int) -> None:
        by_hand.read(number)
        signatures.verify()
        by_hand.commit(sizes.denial)

    return {"allowed": allow, "denied": deny}


def _timed(act: Act, numbers: range) -> list[float]:
    taken = []
    for number in numbers:
        start = time.perf_counter()
        act(number)
        taken.append(time.perf_counter() - start)
    return taken


def _columns(rounds: Sequence[dict[str, float]], kind: str) -> tuple[list[float], list[float]]:
    return [each[kind] for each in rounds], [each[f"{kind} by hand"] for each in rounds]


def _top(profile: cProfile.Profile, lines: int) -> str:
    written = io.StringIO()
    pstats.Stats(profile, stream=written).strip_dirs().sort_stats("tottime").print_stats(lines)
    return written.getvalue()
