"""The matrix as one page that needs nothing else: no network, no fonts, no scripts but its own.

The content policy names the hashes of the one style and the one script. Without the script the table is all
there; the script adds filters, keys and the clause behind each cell.
"""

import json
from base64 import b64encode
from datetime import date
from hashlib import sha256
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final

from tools.law.cells import COLUMNS, REGIONS, Cell, Clause, Row

HERE: Final = Path(__file__).parent

_TITLE: Final = "When a voice may be compared"
_READ: Final = {"source-read": "read in a source", "from-knowledge": "from knowledge", "": ""}
_LEGEND: Final = (
    ("l1", "opt-in", "asked lightly"),
    ("l2 d", "", "asked"),
    ("l3 d", "", "hard to meet, or a bar"),
    ("l4", "", "forbidden whatever the consent"),
    ("l2 up d", "", "asked by a parent or group, such as the EU"),
    ("l1 fl", "18", "no law asks; the product's floor does"),
    ("l0", "", "nothing is asked"),
    ("l2 coming", "2027-01", "from then on the law changes"),
    ("l2 q", "16", "the research is not sure of it"),
    ("l1 c", "opt-in", "more is asked for some purposes"),
)


class _Said:
    """Every clause once; cells name them by number."""

    def __init__(self) -> None:
        self.numbers: dict[Clause, int] = {}

    def number(self, clause: Clause) -> str:
        """Give a clause's number."""
        return str(self.numbers.setdefault(clause, len(self.numbers)))

    def data(self) -> str:
        """Write them as JSON that cannot end a script element."""
        lists = [
            [c.pack, c.sentence, c.citation, _READ[c.confidence], int(c.uncertain)] for c in self.numbers
        ]
        return json.dumps(lists, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def page(rows: tuple[Row, ...], day: date) -> str:
    """Write the page.

    Args:
        rows: the matrix.
        day: the day that it is true of.

    Returns:
        HTML.
    """
    style, script = _asset("matrix.css"), _asset("matrix.js")
    said = _Said()
    bodies = "".join(_body(region, list(of), said) for region, of in groupby(rows, key=lambda r: r.region))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{_TITLE}: {len(rows)} jurisdictions</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{_TITLE}</h1>
<p>The law of {len(rows)} jurisdictions as of {day.isoformat()}, as data with citations, never as advice. <span
class="long">A row says what is asked where somebody may be protected there, by the place itself and by what stands
above it. </span><a href="reference/README.md">Each on a page of its own</a></p>
{_filters()}
</header>
<main tabindex="-1">
<table id="matrix">
<caption class="sr">Jurisdictions by requirement, as of {day.isoformat()}. Arrow keys go from cell to cell.</caption>
{_head()}
{bodies}</table>
<p class="none" id="none" hidden>No jurisdiction is left. Clear a filter to see more.</p>
</main>
<aside id="panel" aria-label="What stands behind a cell" tabindex="-1">
<button id="close" type="button">Close</button>
<div id="detail" aria-live="polite"></div>
{_legend()}
</aside>
<script type="application/json" id="said">{said.data()}</script>
<script>{script}</script>
</body>
</html>
"""


def _filters() -> str:
    regions = "".join(f'<option value="{name}">{label}</option>' for name, label in REGIONS.items())
    asks = "".join(f'<option value="{c.name}">{escape(c.title)}</option>' for c in COLUMNS)
    return f"""\
<form id="filters" hidden role="search" aria-label="Filter the table">
<label for="q" class="sr">Name or code</label>
<input type="search" id="q" placeholder="Name or code, e.g. US-IL" autocomplete="off" spellcheck="false">
<label for="region" class="sr">Region</label>
<select id="region"><option value="">All regions</option>{regions}</select>
<label for="asks" class="sr">Requirement</label>
<select id="asks"><option value="">Any requirement</option>{asks}</select>
<output id="count" for="q region asks"></output>
<button id="clear" type="button" hidden>Clear</button>
<button id="how" type="button">How to read it</button>
</form>"""


def _head() -> str:
    groups = [(name, len(list(of))) for name, of in groupby(COLUMNS, key=lambda column: column.group)]
    above = "".join(f'<th scope="colgroup" colspan="{n}" class="g">{name}</th>' for name, n in groups)
    heads = "".join(
        f'<th scope="col" data-name="{column.name}" data-title="{escape(column.title)}"{_edge(i)}>'
        f'<button type="button" aria-pressed="false" title="{escape(column.title)}: show only where it is asked">'
        f"<span>{escape(column.head)}</span></button></th>"
        for i, column in enumerate(COLUMNS)
    )
    return f'<thead>\n<tr><td></td>{above}</tr>\n<tr><th scope="col">Jurisdiction</th>{heads}</tr>\n</thead>'


def _edge(i: int) -> str:
    """Mark the first column of a group."""
    return ' class="g"' if _first(i) else ""


def _first(i: int) -> bool:
    return i == 0 or COLUMNS[i - 1].group != COLUMNS[i].group


def _body(region: str, rows: list[Row], said: _Said) -> str:
    title = (
        f'<tr><th scope="rowgroup" colspan="{len(COLUMNS) + 1}"><span>{REGIONS[region]} '
        f"<small>{len(rows)}</small></span></th></tr>"
    )
    lines = "\n".join(_row(row, said) for row in rows)
    return f'<tbody data-region="{region}">\n{title}\n{lines}\n</tbody>\n'


def _row(row: Row, said: _Said) -> str:
    cells = "".join(_cell(i, row.cells[column.name], said) for i, column in enumerate(COLUMNS))
    name = escape(row.name)
    return (
        f'<tr data-code="{row.code}" data-name="{name}"><th scope="row"><a href="reference/{row.code}.md">'
        f'<span class="k">{row.code}</span><span class="n">{name}</span></a></th>{cells}</tr>'
    )


def _cell(i: int, cell: Cell, said: _Said) -> str:
    marks = {
        "g": _first(i),
        "d": cell.level in (1, 2, 3) and not cell.text,
        "up": cell.origin == "above",
        "fl": cell.origin == "floor",
        "q": cell.uncertain,
        "c": bool(cell.conditions),
        "coming": COLUMNS[i].name == "coming" and cell.level > 0,
    }
    names = " ".join([f"l{cell.level}", *(name for name, on in marks.items() if on)])
    numbers = " ".join(said.number(clause) for clause in (*cell.clauses, *cell.conditions))
    data = f' data-d="{numbers}"' if numbers else ""
    text = escape(cell.text) or f'<i class="sr">{"asked" if cell.level else "not asked"}</i>'
    return f'<td class="{names}"{data}><span>{text}</span></td>'


def _legend() -> str:
    lines = "".join(
        f'<dt class="{names}"><span>{escape(text)}</span></dt><dd>{escape(said)}</dd>'
        for names, text, said in _LEGEND
    )
    return f"""\
<div id="legend">
<h2>How to read it</h2>
<dl>{lines}</dl>
<p>“Gone within” names the shortest period that the law puts a number on; “met” is once the purpose is met. “Filing”
names how long before the filing has to be made; “shown” is a filing that no decision depends on.</p>
<p>Point at a cell, or go there with <kbd>Tab</kbd> and the arrow keys, to see the clause. A column's head shows only
those that ask for it.</p>
</div>"""


def _asset(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    digests = {
        kind: "'sha256-" + b64encode(sha256(text.encode()).digest()).decode() + "'"
        for kind, text in (("style", style), ("script", script))
    }
    return (
        f"default-src 'none'; style-src {digests['style']}; script-src {digests['script']}; base-uri 'none'; "
        "form-action 'none'"
    )
