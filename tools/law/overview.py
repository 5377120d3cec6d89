"""The matrix at a glance, as a picture that Markdown shows: a line for each requirement, a bar for each place.

The taller and darker a bar, the more is asked there, so that no colour is needed to read it; the number at the
end of a line says how many ask.
"""

from datetime import date
from html import escape
from itertools import groupby
from typing import Final

from tools.law.cells import COLUMNS, REGIONS, Row

BAR: Final = 4
GAP: Final = 10
LEFT: Final = 132
TOP: Final = 66
LINE: Final = 19
TALL: Final = 14

# As much room as a name needs, where there are few places.
_SHORT: Final = {"americas": "Americas"}
_ROOM: Final = 46
_KEY: Final = (
    ("l1", 1, "asked lightly"),
    ("l2", 2, "asked"),
    ("l3", 3, "hard to meet, or a bar"),
    ("l4", 4, "forbidden"),
    ("ln", 2, "change to come"),
)
_HEIGHT: Final = {1: 5, 2: 9, 3: TALL, 4: TALL}
STYLE: Final = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; fill: #1f2328 }
.s { font-size: 11px; fill: #59636e }
.h { font-size: 14px; font-weight: 600 }
.b { fill: #eef1f5 } .r { stroke: #d1d9e0 }
.l1 { fill: #a9c2dc } .l2 { fill: #5d8ab8 } .l3 { fill: #1f4c7a } .l4 { fill: #a83232 } .ln { fill: #c08a1e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .s { fill: #9ea7b3 } .b { fill: #1c222a } .r { stroke: #3d444d }
  .l1 { fill: #37526f } .l2 { fill: #5f92c4 } .l3 { fill: #b5d7f7 } .l4 { fill: #f08a7e } .ln { fill: #e0b352 }
}"""


def picture(rows: tuple[Row, ...], day: date) -> str:
    """Draw it.

    Args:
        rows: the matrix.
        day: the day that it is true of.

    Returns:
        SVG.
    """
    groups = [(region, list(of)) for region, of in groupby(rows, key=lambda row: row.region)]
    places: dict[str, int] = {}
    spans: list[tuple[str, int, int]] = []
    at = LEFT
    for region, of in groups:
        for i, row in enumerate(of):
            places[row.code] = at + i * BAR
        spans.append((region, at, len(of) * BAR))
        at += max(len(of) * BAR, _ROOM) + GAP
    width, height = at + 16, TOP + LINE * len(COLUMNS) + 34
    lines = "".join(_line(i, rows, places, spans) for i in range(len(COLUMNS)))
    heads = "".join(_region(region, x, wide) for region, x, wide in spans)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">
<title id="title">What is asked before a voice is compared: {len(rows)} jurisdictions, {day.isoformat()}</title>
<desc id="desc">{escape(_spoken(rows))}</desc>
<style>
{STYLE}
</style>
<text class="h" x="0" y="16">What is asked before a voice is compared</text>
<text class="s" x="{width}" y="16" text-anchor="end">{len(rows)} jurisdictions, {day.isoformat()}</text>
{heads}{lines}{_key(height - 8)}</svg>
"""


def _region(region: str, x: int, wide: int) -> str:
    name = _SHORT.get(region, REGIONS[region])
    return (
        f'<text class="s" x="{x}" y="{TOP - 18}">{name}</text>\n'
        f'<line class="r" x1="{x}" y1="{TOP - 11}" x2="{x + wide - 1}" y2="{TOP - 11}"/>\n'
    )


def _line(i: int, rows: tuple[Row, ...], places: dict[str, int], spans: list[tuple[str, int, int]]) -> str:
    column, base = COLUMNS[i], TOP + LINE * i + TALL
    ground = "".join(f"M{x} {base - TALL}h{wide - 1}v{TALL}h-{wide - 1}z" for _, x, wide in spans)
    drawn: dict[str, str] = {}
    for row in rows:
        level = row.cells[column.name].level
        if level:
            tall = _HEIGHT[level]
            kind = "ln" if column.name == "coming" else f"l{level}"
            bar = f"M{places[row.code]} {base}v-{tall}h{BAR - 1}v{tall}z"
            drawn[kind] = drawn.get(kind, "") + bar
    bars = "".join(f'<path class="{kind}" d="{path}"/>\n' for kind, path in sorted(drawn.items()))
    end = spans[-1][1] + _ROOM
    return (
        f'<text x="{LEFT - 12}" y="{base - 3}" text-anchor="end">{escape(column.head)}</text>\n'
        f'<path class="b" d="{ground}"/>\n{bars}'
        f'<text class="s" x="{end}" y="{base - 3}">{_count(rows, column.name)}</text>\n'
    )


def _key(y: int) -> str:
    parts, x = [], LEFT
    for kind, level, words in _KEY:
        tall = _HEIGHT[level]
        parts.append(f'<path class="{kind}" d="M{x} {y}v-{tall}h9v{tall}z"/>\n')
        parts.append(f'<text class="s" x="{x + 15}" y="{y - 1}">{words}</text>\n')
        x += 36 + 6 * len(words)
    return "".join(parts)


def _count(rows: tuple[Row, ...], name: str) -> int:
    return sum(row.cells[name].level > 0 for row in rows)


def _spoken(rows: tuple[Row, ...]) -> str:
    return "; ".join(f"{column.title}: {_count(rows, column.name)}" for column in COLUMNS)
