"""Plain text files for people: wrapped lines, labels in a column, nothing invisible.

Invariants: UTF-8 with line feeds; a line ends with no space.

>>> wrapped("1. one two", indent=3, width=8)
['1. one', '   two']
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from consentgate.export.paper.shown import visible

WIDTH: Final = 96
LABEL: Final = 18


def wrapped(text: str, *, indent: int = 0, width: int = WIDTH) -> list[str]:
    """Break a paragraph into lines.

    Args:
        text: the paragraph.
        indent: how far every line but the first is set in.
        width: how long a line may be; what has no space to break at is longer.

    Returns:
        The lines.
    """
    return textwrap.wrap(
        visible(text), width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )


def ruled(rows: Iterable[tuple[str, str]], *, label: int = LABEL) -> list[str]:
    """Set label and value side by side.

    Args:
        rows: the pairs.
        label: width of the labels.

    Returns:
        The lines.
    """
    lines: list[str] = []
    for name, value in rows:
        if len(name) >= label:
            lines += [name, *(f"{' ' * label}{each}" for each in wrapped(value, width=WIDTH - label))]
        else:
            lines += wrapped(f"{name:<{label}}{value}".rstrip(), indent=label)
    return lines


def document(lines: Sequence[str]) -> bytes:
    """Make a text file.

    Args:
        lines: its lines.

    Returns:
        Its bytes.
    """
    return visible("\n".join(line.rstrip() for line in lines) + "\n").encode("utf-8", "replace")
