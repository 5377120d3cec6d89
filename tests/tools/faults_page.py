"""Writes docs/reference/faults.md anew from the fault table: ``python -m tests.tools.faults_page``.

What the page says of a row is what the tests expect of it: tests/functional/faults/test_table.py executes each.
"""

from pathlib import Path
from typing import Final

from tests.functional.faults.moments import MOMENTS
from tests.functional.faults.table import FAULTS, HOWS, NEVER, OPENING, PARTS, ROWS, Never, Row

PAGE: Final = Path(__file__).parents[2] / "docs/reference/faults.md"

# Of the last 500 runs: CONSENTGATE_LOAD=1.
_KILLS: Final = """\
| | SQLite | PostgreSQL |
|---|---|---|
| runs, each ended by `SIGKILL` | 250 | 250 |
| intents | 238 | 306 |
| requests that reached the vendor | 210 | 275 |
| tasks that callers were told of | 119 | 162 |
| final outcomes: succeeded, rejected, undetermined | 149, 51, 38 | 200, 61, 45 |
| intents left open, and closed by reconciling | 64 | 77 |
| ... succeeded, as notifications told | 11 | 16 |
| ... succeeded, as CloudTrail showed | 9 | 11 |
| ... rejected, as CloudTrail showed | 6 | 5 |
| ... undetermined, nobody told | 38 | 45 |
| unexplained | 0 | 0 |
"""

_HEAD: Final = """\
# Faults

What happens when something fails, at any moment of a gated request. This page is written from a table of the
tests, and each of its rows is executed in each run of them, with a real ledger (SQLite, and PostgreSQL behind a
proxy that loses what it is told to lose) and the vendor's service on the loopback interface:
[`tests/functional/faults`](../../tests/functional/faults/test_table.py). Everywhere it holds:

- Nothing leaves without an intent that was durable before.
- Whoever gets an answer has an outcome on record, or in the [spool](../howto/outcomes.md#a-spool).
- Nobody waits for longer than the [times](times.md) say: each row is over in time.
- Once the fault is over, the next request goes through, and the ledger verifies.

An intent that is left without an outcome is closed by `consentgate reconcile`, whatever the row: see
[below](#processes-that-are-killed).

## Moments

A request has six [steps](../explanation/one-call.md): 1 resolve, 2 read, 3 decide, 4 append the intent, 5
request, 6 append the outcome. What is after one step is before the next, so there are thirteen moments. *In 4*
and *in 6* are inside the transaction, before its statement; *in 5* the request is at the vendor. A fault begins
at its moment. What is down or slow stays so until the call is over; what "did not happen", and what "happened,
reported failure", strikes the next use of the part, once. *Opening*: the fault is there when a gate is opened.

On the wire, *start* is the gated request and *stop* the one that stops its task. Afterwards: what is added once
the fault is over, by `gate.record` or out of the spool.
"""

_TAIL: Final = """\
## Processes that are killed

[`tests/functional/kills`](../../tests/functional/kills/test_kills.py): processes search through a gate, with
the vendor in a process of its own that looks, at each request, whether its intent is in the database. Each
process is killed (`SIGKILL`) at one of the thirteen moments of one of its searches, or after a time that nobody
chose; some keep the log beside. On PostgreSQL four live at once. The vendor refuses one call in four, and writes
down what it did. Then notifications of a third of the runs are taken in, and `gate.reconcile` gets a file of
CloudTrail about another third. After that each intent has exactly one final outcome; each request had its intent;
what was left open and told of is closed as what happened, with its task; what nobody told of is undetermined, with
the reason; nothing gated was sent meanwhile; the one call in the file that passed the gate by is reported; what a
caller was told is on record; and the whole log verifies. All tests do {bounded} such runs, `make loads` 500. The
last 500:

{kills}
Each intent that was left open is explained: none is unexplained. *Undetermined* are those of which nobody says
whether they started something: these runs are told of by nobody, or their requests never left
([outcomes](../howto/outcomes.md)).
"""


def rendered() -> str:
    """Render the whole page.

    Returns:
        Markdown.
    """
    return "\n".join([_HEAD, *(_part(part) for part in PARTS), _TAIL.format(kills=_KILLS, bounded=60)])


def _part(part: str) -> str:
    ways = [f"- *{fault}*: {HOWS[part, fault].text}" for fault in FAULTS if (part, fault) in HOWS]
    head = [
        "| fault | when | on the wire | entries | the caller sees | afterwards |",
        "|---|---|---|---|---|---|",
    ]
    rows = [_row(row) for row in ROWS if row.part == part]
    never = [f"| {each.fault} | {_when(each)} | {each.why} |" for each in NEVER if each.part == part]
    table = ["", "| cannot be | when | why |", "|---|---|---|", *never] if never else []
    title = part[0].upper() + part[1:]
    return "\n".join([f"## {title}", "", *ways, "", *head, *rows, *table, ""])


def _row(row: Row) -> str:
    result = row.result
    cells = [
        row.fault,
        _when(row),
        ", ".join(result.wire) or "nothing",
        ", ".join(result.written) or "none",
        _caller(result.caller),
        ", ".join(result.later),
    ]
    return f"| {' | '.join(cells)} |"


def _caller(text: str) -> str:
    if text == "answer":
        return "the answer"
    if text == "nothing":
        return "nothing: it is gone"
    name, *codes = text.split(" ")
    return f"`{name}`" + (f" with {', '.join(f'`{code}`' for code in codes)}" if codes else "")


def _when(row: Row | Never) -> str:
    if row.first == row.last:
        return row.first if row.first != OPENING else "opening"
    if (row.first, row.last) == (MOMENTS[0], MOMENTS[-1]):
        return "any"
    return f"{row.first} to {row.last}"


if __name__ == "__main__":
    PAGE.write_text(rendered(), "utf-8")
