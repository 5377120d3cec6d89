"""The terminal: whether somebody looks on, whether they want colours, and what is asked of them.

Invariant: nothing is asked unless standard input is a terminal, and nothing but results goes to standard
output. ``NO_COLOR`` is the one thing that this package reads from the environment besides `config`: it
belongs to the terminal, not to a deployment.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

AS_JSON: Final = "consentgate.as_json"
"""Where a command notes that it was asked for JSON, in what click keeps with it."""

_BAR_WIDTH: Final = 24
_NARROWEST: Final = 60
_USUAL: Final = 100
_WIDEST: Final = 120


def colour() -> bool | None:
    """Say whether to colour.

    Returns:
        False where ``NO_COLOR`` is set; None leaves it to the stream: colours on a terminal only.
    """
    return False if os.environ.get("NO_COLOR") else None


def width() -> int:
    """Say how wide a page may be.

    Returns:
        The terminal's width, between 60 and 120; 100 where there is none. ``COLUMNS`` wins.
    """
    return max(_NARROWEST, min(shutil.get_terminal_size((_USUAL, 24)).columns, _WIDEST))


def can_ask() -> bool:
    """Say whether there is somebody to ask.

    Returns:
        Whether standard input is a terminal.
    """
    return sys.stdin is not None and sys.stdin.isatty()


def ask(question: str) -> str:
    """Ask for a line; the question goes to standard error.

    Args:
        question: the question, without a colon.

    Returns:
        The answer without surrounding white space; empty when only return is pressed.

    Raises:
        Abort: there is no more input.
    """
    click.echo(f"{question}: ", err=True, nl=False)
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.strip()


def note(text: str) -> None:
    """Say something beside the result, on standard error.

    Args:
        text: one or more lines.
    """
    click.echo(text, err=True, color=colour())


class Progress:
    """A bar on standard error; silent where that is no terminal, and where a program reads the result."""

    def __init__(self, label: str, total: int) -> None:
        """Prepare.

        Args:
            label: what is being done.
            total: how many steps there are.
        """
        self._label = label
        self._total = max(total, 1)
        self._done = 0
        self._shown = -1
        context = click.get_current_context(silent=True)
        asked = context is not None and context.meta.get(AS_JSON, False)
        self._on = sys.stderr is not None and sys.stderr.isatty() and not asked

    def step(self, count: int = 1) -> None:
        """Go on.

        Args:
            count: how many steps were done.
        """
        self._done = min(self._done + count, self._total)
        percent = self._done * 100 // self._total
        if self._on and percent != self._shown:
            self._shown = percent
            filled = percent * _BAR_WIDTH // 100
            bar = "━" * filled + " " * (_BAR_WIDTH - filled)
            click.echo(f"\r{self._label}  {bar} {percent:3d} %", err=True, nl=False, color=colour())

    def end(self) -> None:
        """Wipe the bar."""
        if self._on and self._shown >= 0:
            click.echo("\r\033[K", err=True, nl=False)


@contextmanager
def progress(label: str, total: int) -> Iterator[Progress]:
    """Show the progress of long work.

    Args:
        label: what is being done.
        total: how many steps there are.

    Yields:
        What to call `Progress.step` on.
    """
    bar = Progress(label, total)
    try:
        yield bar
    finally:
        bar.end()
