"""Levels ``witnesses`` and ``anchors``: what places outside the database keep is what the database shows.

One pass goes along the stored checkpoints, the rows of `anchor` and what each place keeps, all in order of sizes.

Invariants: a place is believed before the database: what it keeps, signed by the log's key, must be there. What the
database says that a place keeps must be there too, each checkpoint of it. An anchor that cannot be asked leaves the
level unjudged, never whole. Nothing is kept of a checkpoint that was passed.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from itertools import groupby
from typing import Final, TypeAlias

from consentgate.errors import ConsentGateError, Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint
from consentgate.tlog.cosignature import WitnessKey
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass
from consentgate.verify.anchorrows import Rows, signed_at, text_of
from consentgate.verify.known import altered, level_of
from consentgate.verify.places import WITNESS, AnchorRow, Anchors, Held, Place
from consentgate.verify.result import Finding, Level
from consentgate.verify.rows import CheckpointRow
from consentgate.verify.series import LOOK, Series
from consentgate.verify.witnesses import WITNESSES

ANCHORS: Final = "anchors"

LONGEST_GAP_S: Final = 3600
"""Even an idle log grows once an hour: nothing signed stays out of every anchor for longer."""

_ANCHOR: Final = "Run `consentgate log anchor --once`; it says what stands in the way."

_Event: TypeAlias = tuple[tuple[int, int], "CheckpointRow | AnchorRow | tuple[str, Held]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What anchors and witnesses came to.

    Attributes:
        levels: ``witnesses`` where there are any, and ``anchors``.
        findings: those of the levels, in the same order.
        unreached: why anchors could not be asked, by their names.
        beyond: entries of the largest checkpoint that an anchor keeps and the log does not reach; 0 for none.
    """

    levels: tuple[Level, ...]
    findings: tuple[Finding, ...]
    unreached: Mapping[str, str] = field(default_factory=dict)
    beyond: int = 0


def names_of(anchors: Anchors | None) -> tuple[str, ...]:
    """Name the levels that there are.

    Args:
        anchors: what is known about them; None where there are none.

    Returns:
        The levels' names, in order.
    """
    if anchors is None:
        return ()
    return (WITNESSES, ANCHORS) if anchors.witnesses or anchors.policy is not None else (ANCHORS,)


def check_anchors(
    anchors: Anchors,
    checkpoints: Iterable[CheckpointRow],
    key: NoteKey,
    *,
    size: int,
    now: datetime | None,
) -> Covered:
    """Hold the log against its anchors.

    Args:
        anchors: what is known about them.
        checkpoints: the stored checkpoints, in order of sizes.
        key: the log's key.
        size: how many entries the log has.
        now: the time of verification; None where that is no clock to compare with.

    Returns:
        The levels, each up to the time at which the last checkpoint was signed that it covers.
    """
    run = _Run(anchors, key, size, now)
    for _, events in groupby(heapq.merge(*run.streams(checkpoints), key=_order), key=lambda each: each[0][0]):
        run.take([payload for _, payload in events])
    return run.covered()


def _order(event: _Event) -> tuple[int, int]:
    return event[0]


class _Run:
    """One pass."""

    def __init__(self, anchors: Anchors, key: NoteKey, size: int, now: datetime | None) -> None:
        self._anchors = anchors
        self._key = key
        self._size = size
        self._series = {each.name: Series(each.name) for each in anchors.places}
        self._kinds = {each.name: each.kind for each in anchors.places}
        self._rows = Rows(anchors, now)
        self._unreached: dict[str, str] = {}
        self._found: list[Finding] = []
        self._gaps: list[Finding] = []
        self._newest: CheckpointRow | None = None
        self._waiting: CheckpointRow | None = None
        self._last_anchored = 0
        self._anchored: CheckpointRow | None = None
        self._witnessed: CheckpointRow | None = None

    def streams(self, checkpoints: Iterable[CheckpointRow]) -> Iterator[Iterator[_Event]]:
        yield (((row.size, 0), row) for row in checkpoints)
        yield (((row.size, 1), row) for row in self._rows.sound())
        for place in self._anchors.places:
            yield self._held(place)

    def _held(self, place: Place) -> Iterator[_Event]:
        try:
            for each in place.held(self._key.name):
                yield (each.size, 2), (place.name, each)
        except ConsentGateError as error:
            self._unreached[place.name] = str(error)

    def take(self, payloads: Sequence[CheckpointRow | AnchorRow | tuple[str, Held]]) -> None:
        """Take all that is of one size."""
        checkpoint = next((each for each in payloads if isinstance(each, CheckpointRow)), None)
        rows = {each.name: each for each in payloads if isinstance(each, AnchorRow)}
        held: dict[str, list[Held]] = {}
        for each in payloads:
            if isinstance(each, tuple):
                held.setdefault(each[0], []).append(each[1])
        if checkpoint is not None:
            self._newest = checkpoint
            self._waiting = self._waiting or checkpoint
        kept = {name for name, found in held.items() if self._compare(name, found, checkpoint)}
        signers: set[WitnessKey] = set()
        for name, row in rows.items():
            if self._rows.judge(row, checkpoint, held.get(name, [])):
                kept.add(name)
                if name in self._anchors.witnesses:
                    signers.add(self._anchors.witnesses[name])
        for name, series in self._series.items():
            if name in rows:
                gone = self._kinds[name] != WITNESS and name not in held
                series.row(rows[name].size, there=not gone)
            elif name in held and self._kinds[name] != WITNESS and held[name][0].size <= self._size:
                series.held(held[name][0].size)
        if checkpoint is not None:
            self._cover(checkpoint, kept, signers, [row.at for name, row in rows.items() if name in kept])

    def _compare(self, name: str, found: Sequence[Held], checkpoint: CheckpointRow | None) -> bool:
        """Hold what a place keeps of one size against the database; true where that is the same."""
        same = True
        for each in found:
            where = f"anchor {name}, {each.evidence or f'checkpoint of {each.size} entries'}"
            try:
                head = self._opened(each)
            except (Malformed, SignatureInvalid) as problem:
                self._found.append(
                    Finding(
                        kind="unsigned",
                        where=where,
                        expected=f"a checkpoint of {each.size} entries, signed by the log's key",
                        found=str(problem),
                        cure=LOOK,
                    )
                )
                same = False
                continue
            if head.size > self._size:
                self._series[name].beyond(head.size)
                same = False
            elif checkpoint is None:
                self._series[name].unknown(head.size)
                same = False
            elif text_of(checkpoint.note) != parse_note(each.note).text:
                expected = f"the one that anchor {name} keeps"
                self._found.append(altered(f"checkpoint of size {each.size}", expected, "another one", LOOK))
                same = False
        return same

    def _opened(self, held: Held) -> Checkpoint:
        head = open_checkpoint(held.note, self._key)
        if head.size != held.size:
            raise Malformed(f"It is of {head.size} entries.")
        return head

    def _cover(
        self, row: CheckpointRow, kept: set[str], signers: set[WitnessKey], times: Sequence[int]
    ) -> None:
        policy = self._anchors.policy
        if signers and (policy is None or policy.met(signers)):
            self._witnessed = row
        if not kept:
            return
        self._anchored = row
        waited = min(times, default=row.at) - (self._waiting or row).at
        if waited > LONGEST_GAP_S * 1000:
            self._gaps.append(_gap(self._last_anchored, row.size, waited // 1000))
        self._last_anchored, self._waiting = row.size, None

    def covered(self) -> Covered:
        """Judge."""
        found = [*self._rows.findings, *self._found]
        for name, series in self._series.items():
            found += series.findings(asked=name not in self._unreached, size=self._size)
        if not self._unreached:
            found += self._gaps
        newest = self._newest.size if self._newest else 0
        found += self._behind(newest)
        anchored = level_of(ANCHORS, found, signed_at(self._anchored))
        if self._unreached and anchored.verdict != "broken":
            anchored = Level(name=ANCHORS, verdict="cannot_judge", until=signed_at(self._anchored))
        beyond = max((each.beyond_all for each in self._series.values()), default=0)
        if WITNESSES not in names_of(self._anchors):
            return Covered(
                levels=(anchored,), findings=tuple(found), unreached=self._unreached, beyond=beyond
            )
        cosigned = [*self._rows.cosignatures, *self._unwitnessed(newest)]
        witnessed = level_of(WITNESSES, cosigned, signed_at(self._witnessed))
        return Covered(
            levels=(witnessed, anchored),
            findings=(*cosigned, *found),
            unreached=self._unreached,
            beyond=beyond,
        )

    def _behind(self, newest: int) -> Iterator[Finding]:
        for place in self._anchors.places:
            last = self._series[place.name].last
            if last < newest and not place.retired:
                yield Finding(
                    kind="uncovered",
                    where=f"anchor {place.name}",
                    expected=f"the checkpoint of {newest} entries",
                    found=f"the last is of {last}",
                    cure=_ANCHOR,
                )

    def _unwitnessed(self, newest: int) -> Iterator[Finding]:
        last = self._witnessed.size if self._witnessed else 0
        if last < newest:
            policy = self._anchors.policy
            quorum = (
                "a cosignature" if policy is None else f"cosignatures that meet the quorum {policy.quorum!r}"
            )
            yield Finding(
                kind="uncovered",
                where=f"the last {newest - last} signed entries",
                expected=quorum,
                found=f"the last checkpoint that has them covers {last}",
                cure=_ANCHOR,
            )


def _gap(before: int, after: int, seconds: int) -> Finding:
    return Finding(
        kind="gap",
        where=f"anchors between {before} and {after} entries",
        expected="a checkpoint in some anchor within an hour",
        found=f"none for {seconds} seconds",
        cure="Find out what was down then; what is anchored later is fixed since then only.",
    )
