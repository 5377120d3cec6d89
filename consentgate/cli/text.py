"""Text for people: aligned, quiet, and the same words everywhere.

Invariants: functions here make text and print nothing; widths are counted without colours; a value that may
hold control characters is shown without them, so that nothing stored can play with a terminal.
"""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import click

from consentgate.verify.result import Finding

WIDTH: Final = 100
_GAP: Final = "  "
_SHORT: Final = 8

_COLOURS: Final = {
    "ok": "green",
    "holds": "green",
    "allowed": "green",
    "given": "green",
    "succeeded": "green",
    "warn": "yellow",
    "open": "yellow",
    "incomplete": "yellow",
    "cannot judge": "yellow",
    "unknown": "yellow",
    "undetermined": "yellow",
    "fail": "red",
    "broken": "red",
    "denied": "red",
}


def plain(value: object) -> str:
    """Write a value without control characters.

    Args:
        value: anything that has a text.

    Returns:
        One line.
    """
    return "".join(c if c.isprintable() else "�" for c in str(value))


def word(text: str) -> str:
    """Colour a verdict.

    Args:
        text: for example ``ok`` or ``broken``; other words stay as they are.

    Returns:
        The word, perhaps with colour.
    """
    found = _COLOURS.get(text)
    return click.style(text, fg=found) if found else text


def title(text: str) -> str:
    """Set a heading.

    Args:
        text: the heading.

    Returns:
        The heading, bold.
    """
    return click.style(text, bold=True)


def faint(text: str) -> str:
    """Set something aside.

    Args:
        text: the text.

    Returns:
        The text, dim.
    """
    return click.style(text, dim=True)


def table(rows: Iterable[Sequence[str]], headers: Sequence[str]) -> str:
    """Align rows under headers.

    Args:
        rows: the cells.
        headers: one for each column.

    Returns:
        The lines, without a frame; cells of the last column are not padded.
    """
    cells = [list(row) for row in rows]
    widths = [
        max([len(head), *(len(click.unstyle(row[i])) for row in cells)]) for i, head in enumerate(headers)
    ]
    lines = [_line([faint(head) for head in headers], widths), *(_line(row, widths) for row in cells)]
    return "\n".join(lines)


def fields(pairs: Iterable[tuple[str, str]], *, indent: int = 0) -> str:
    """Align names and values.

    Args:
        pairs: name and value; pairs without a value are left out.
        indent: spaces before each line.

    Returns:
        The lines; further lines of a value stand under its first.
    """
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    pad = " " * (indent + width) + _GAP
    lines = (
        f"{' ' * indent}{faint(name.ljust(width))}{_GAP}" + value.replace("\n", f"\n{pad}")
        for name, value in shown
    )
    return "\n".join(line.rstrip() for line in "\n".join(lines).split("\n"))


def paragraph(text: str, *, indent: int = 0, first: str | None = None, width: int = WIDTH) -> str:
    """Break a text into lines.

    Args:
        text: sentences.
        indent: spaces before each line.
        first: what stands before the first line in place of the spaces.
        width: at most so many characters a line.

    Returns:
        The lines; commands in backticks are not torn apart.
    """
    pad = " " * indent
    # A command must be copied in one piece: its spaces are hidden from the wrapping.
    parts = text.split("`")
    kept = "`".join(part.replace(" ", "\0") if i % 2 else part for i, part in enumerate(parts))
    wrapped = textwrap.fill(
        kept,
        width,
        initial_indent=pad if first is None else first,
        subsequent_indent=pad,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped.replace("\0", " ")


def moment_text(at: datetime | None) -> str:
    """Write a time for a person.

    Args:
        at: a time in UTC, or None.

    Returns:
        For example ``2026-11-22 12:00:00Z``, or nothing.
    """
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else ""


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Shorten entry ids to their ends, which are random.

    Args:
        ids: texts of UUIDs.

    Returns:
        For each id its last 8 characters, or 12 where 8 name two of them; `entries show` takes both.
    """
    known = list(dict.fromkeys(ids))
    ends = [known_id[-_SHORT:] for known_id in known]
    return {i: i[-_SHORT:] if ends.count(i[-_SHORT:]) == 1 else i[-12:] for i in known}


def findings_text(findings: Sequence[Finding]) -> str:
    """Write findings for a person.

    Args:
        findings: what is not as it should be.

    Returns:
        A block for each.
    """
    return "\n\n".join(_finding(finding) for finding in findings)


def _finding(finding: Finding) -> str:
    head = f"{click.style(plain(finding.kind).replace('_', ' '), bold=True)}{_GAP}{plain(finding.where)}"
    pairs = [
        ("expected", plain(finding.expected)),
        ("found", plain(finding.found)),
        ("cure", paragraph(plain(finding.cure)) if finding.cure else ""),
    ]
    return f"{head}\n{fields(pairs, indent=2)}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    used = max((i for i, cell in enumerate(cells, 1) if click.unstyle(cell)), default=0)
    padded = [
        cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(cells, widths, strict=True)
    ]
    return _GAP.join([*padded[: used - 1], *cells[used - 1 : used]])
