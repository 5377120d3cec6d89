"""The figures as a picture: one bar for each promise, drawn up to its target, readable on light and on dark."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.figures import Figure

WIDTH: Final = 760
ROW: Final = 44
TOP: Final = 48
LEFT: Final = 286
# From nothing to one and a half times the target; what is beyond is drawn to the edge, and its number says more.
SPAN: Final = WIDTH - LEFT - 90
REACH: Final = 1.5

STYLE: Final = """\
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.small { font-size: 12px; fill: #59636e }
.met { fill: #2a78b8 } .missed { fill: #c4442b }
.room { fill: #d8dee4 } .target { stroke: #1f2328; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9ea7b3 }
  .met { fill: #58a6e0 } .missed { fill: #ef7b60 }
  .room { fill: #343b44 } .target { stroke: #e6edf3 }
}"""


def svg(figures: Sequence[Figure]) -> str:
    """Draw every figure that has a target, each on a scale on which all targets stand in one line."""
    promised = [figure for figure in figures if figure.target is not None]
    height = TOP + ROW * len(promised) + 12
    line = LEFT + SPAN / REACH
    bars = "".join(_bar(figure, TOP + ROW * i) for i, figure in enumerate(promised))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">
<title id="title">{escape(_spoken(promised))}</title>
<style>
{STYLE}
</style>
<text x="{line:.0f}" y="22" text-anchor="middle">target</text>
{bars}<line class="target" x1="{line:.0f}" y1="30" x2="{line:.0f}" y2="{height - 8}"/>
</svg>
"""


def _bar(figure: Figure, y: int) -> str:
    long = min(max(figure.used, 0) / REACH, 1) * SPAN
    return (
        f'<text x="{LEFT - 12}" y="{y + 14}" text-anchor="end">{escape(figure.name)}</text>\n'
        f'<text class="small" x="{LEFT - 12}" y="{y + 30}" text-anchor="end">{escape(figure.promise)}</text>\n'
        f'<rect class="room" x="{LEFT}" y="{y + 4}" width="{SPAN}" height="24"/>\n'
        f'<rect class="{figure.verdict}" x="{LEFT}" y="{y + 4}" width="{long:.1f}" height="24"/>\n'
        f'<text x="{LEFT + SPAN + 10}" y="{y + 21}">{escape(figure.reading)}</text>\n'
    )


def _spoken(figures: Sequence[Figure]) -> str:
    return "; ".join(f"{f.name}: {f.reading}, target {f.promise}, {f.verdict}" for f in figures)
