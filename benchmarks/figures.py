"""A measured figure beside its baseline and its target, and the table of all of them.

Invariant: a figure is what was measured; nothing here rounds a miss into a hit.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What the gate takes beside what the baseline takes.

    Attributes:
        name: what was done.
        ours: median with the gate: seconds, or of a ``share`` how many in a second.
        theirs: median of the baseline, likewise.
        value: a ratio, or seconds.
        kind: ``times`` as long, seconds ``added``, seconds that it ``takes``, ``faster``: so many times,
            ``share``: so many times as many in a second, ``rate``: so many in a second, or ``megabytes`` of memory.
        target: the most that the value shall be, of ``faster``, ``share`` and ``rate`` the least; None where
            nothing was promised.
    """

    name: str
    ours: float
    theirs: float
    value: float
    kind: Literal["times", "added", "takes", "faster", "share", "rate", "megabytes"]
    target: float | None

    @property
    def met(self) -> bool:
        """Whether the value is within its target; true without one."""
        if self.target is None:
            return True
        return self.value >= self.target if self.kind in _LEAST else self.value <= self.target

    @property
    def used(self) -> float:
        """What part of the target was used up: at most one where it is met; nothing without a target."""
        if self.target is None:
            return 0.0
        return self.target / self.value if self.kind in _LEAST else self.value / self.target

    @property
    def reading(self) -> str:
        """The value as people read it."""
        return self._written(self.value)

    @property
    def promise(self) -> str:
        """The target as people read it."""
        if self.target is None:
            return ""
        return f"{'at least' if self.kind in _LEAST else 'at most'} {self._written(self.target)}"

    @property
    def verdict(self) -> str:
        """Met or missed; nothing without a target."""
        if self.target is None:
            return ""
        return "met" if self.met else "missed"

    def cells(self) -> tuple[str, ...]:
        """Give the row of the table."""
        written = _WRITTEN.get(self.kind, _ms)
        return self.name, written(self.ours), written(self.theirs), self.reading, self.promise, self.verdict

    def _written(self, value: float) -> str:
        if self.kind == "faster":
            return f"{value:.1f}x faster"
        if self.kind == "takes":
            return f"{value * 1e3:.1f} ms"
        if self.kind == "rate":
            return _rate(value)
        if self.kind == "megabytes":
            return _mb(value)
        return f"{value:.2f}x" if self.kind in ("times", "share") else f"{value * 1e3:+.0f} ms"


HEADS = ("", "with the gate", "baseline", "figure", "target", "")


def ratio(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None) -> Figure:
    """Make a figure out of one median per round: the median of the rounds' own ratios."""
    return Figure(
        name=name,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        value=statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        kind="times",
        target=target,
    )


def added(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None) -> Figure:
    """Make a figure of seconds that were added: the median of what each turn added."""
    return Figure(
        name=name,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        value=statistics.median(a - b for a, b in zip(ours, theirs, strict=True)),
        kind="added",
        target=target,
    )


def faster(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None) -> Figure:
    """Make a figure of how many times faster it is: the median of the rounds' own ratios."""
    return Figure(
        name=name,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        value=statistics.median(b / a for a, b in zip(ours, theirs, strict=True)),
        kind="faster",
        target=target,
    )


def share(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None) -> Figure:
    """Make a figure of how many times as many it is in a second: the median of the rounds' own ratios."""
    return Figure(
        name=name,
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        value=statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        kind="share",
        target=target,
    )


def rate(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None) -> Figure:
    """Make a figure of how many there are in a second, whatever the baseline does."""
    middle = statistics.median(ours)
    return Figure(
        name=name, ours=middle, theirs=statistics.median(theirs), value=middle, kind="rate", target=target
    )


def takes(name: str, ours: Sequence[float], theirs: Sequence[float], target: float | None) -> Figure:
    """Make a figure of the seconds that something takes, whatever its baseline does."""
    middle = statistics.median(ours)
    return Figure(
        name=name, ours=middle, theirs=statistics.median(theirs), value=middle, kind="takes", target=target
    )


def megabytes(name: str, ours: Sequence[float], target: float | None) -> Figure:
    """Make a figure of the memory that something has at most; its baseline is the target."""
    most = max(ours)
    return Figure(name=name, ours=most, theirs=target or most, value=most, kind="megabytes", target=target)


def plain(figures: Sequence[Figure]) -> str:
    """Lay the table out for a terminal."""
    rows = [HEADS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    lines = [
        "  ".join(cell.ljust(width) if i in (0, 4, 5) else cell.rjust(width) for i, (cell, width) in each)
        for each in (enumerate(zip(row, widths, strict=True)) for row in rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def markdown(figures: Sequence[Figure]) -> str:
    """Lay the table out for a page."""
    rule = ("---", "---:", "---:", "---:", "---", "---")
    rows = [HEADS, rule, *(figure.cells() for figure in figures)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _rate(each_second: float) -> str:
    return f"{each_second:,.0f}/s"


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def _mb(value: float) -> str:
    return f"{value:.0f} MB"


_LEAST = ("faster", "share", "rate")
_WRITTEN = {"faster": _us, "share": _rate, "rate": _rate, "megabytes": _mb}
