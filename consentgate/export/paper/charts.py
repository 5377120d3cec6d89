"""What the charts of the report count: events per time and kind, decisions, reasons; each with its words.

A chart never stands alone: every one has a text that says the same (PDF/UA), made here from the same numbers.

Invariants: pure but for the counters; memory grows with the hours in which something happened, at most.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from consentgate.export.paper.entry import Entry
from consentgate.export.paper.telling import LANES, Tone
from consentgate.export.paper.zones import MONTHS
from consentgate.policy.reasons import DEFINITIONS

BINS: Final = 72
TOP: Final = 12
_HOUR: Final = 3600

Chart: TypeAlias = dict[str, Any]


class Counts:
    """Counts what the charts show."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self._hours: dict[Tone, Counter[int]] = {tone: Counter() for tone in LANES}
        self.reasons: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.entries = 0
        self.first: datetime | None = None
        self.last: datetime | None = None

    def take(self, entry: Entry) -> None:
        """Count an entry.

        Args:
            entry: the entry.
        """
        at = entry.record.at
        self.entries += 1
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)
        self._hours[entry.told.tone][int(at.timestamp()) // _HOUR] += 1
        if entry.record.kind in ("intent", "denial"):
            self.verdicts["allowed" if entry.record.kind == "intent" else "denied"] += 1
        codes = {why.code.partition(":")[0] for ruling in entry.rulings for why in ruling.reasons}
        self.reasons.update(sorted(codes))

    def time_line(self) -> Chart:
        """Give the time line.

        Returns:
            Its lanes with a count for each of `BINS` equal spans of time, the marks of its axis, and its words.
        """
        hours = sorted(hour for lane in self._hours.values() for hour in lane)
        if not hours:
            return {"lanes": [], "marks": [], "words": "There are no entries."}
        start, end = hours[0], max(hours[-1] + 1, hours[0] + BINS // 6)
        lanes = []
        for tone, name in LANES.items():
            bins = _binned(self._hours[tone], start, end)
            if any(bins):
                lanes.append({"tone": tone, "name": name, "bins": bins, "total": sum(bins)})
        words = "; ".join(f"{lane['name']}: {lane['total']}" for lane in lanes)
        return {
            "lanes": lanes,
            "most": max(max(_binned(lane, start, end)) for lane in self._hours.values()),
            "marks": _marks(start, end),
            "words": f"Events from {_day(start)} to {_day(hours[-1])}. {words}.",
        }

    def why(self) -> list[Chart]:
        """Give the reasons, the most frequent first.

        Returns:
            Each with its sentence and in how many denials it stood; at most `TOP`, the others as one.
        """
        ordered = sorted(self.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        rows: list[Chart] = [
            {
                "code": code,
                "sentence": DEFINITIONS[code].sentence if code in DEFINITIONS else code,
                "count": count,
            }
            for code, count in ordered[:TOP]
        ]
        rest = sum(count for _, count in ordered[TOP:])
        return [*rows, *([{"code": "", "sentence": "Other reasons.", "count": rest}] if rest else [])]


def _binned(lane: Counter[int], start: int, end: int) -> list[int]:
    bins = [0] * BINS
    for hour, count in lane.items():
        bins[(hour - start) * BINS // (end - start)] += count
    return bins


def _marks(start: int, end: int) -> list[Chart]:
    steps = 4
    fine = (end - start) < steps * 24
    marks: list[Chart] = []
    for step in range(steps + 1):
        hour = start + (end - start) * step // steps
        at = datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)
        label = f"{at.day} {MONTHS[at.month - 1][:3]} {at:%H}:00" if fine else _day(hour)
        marks.append({"at": step / steps, "label": label})
    return marks


def _day(hour: int) -> str:
    at = datetime.fromtimestamp(0, UTC) + timedelta(hours=hour)
    return f"{at.day} {MONTHS[at.month - 1][:3]} {at.year}"
