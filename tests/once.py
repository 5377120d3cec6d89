"""What is made once in a session, whatever runs in between.

Pytest makes a fixture anew each time the parameter that it depends on changes: tests that run on one database and
then on the other, file by file, would build the same homes over and over.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Once:
    """Things by name; what was opened is closed with it, the last one first."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._made: dict[tuple[str, ...], Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def made(self, *name: str, by: Callable[[], T]) -> T:
        """Give the thing of this name, and make it if nobody asked for it before."""
        if name not in self._made:
            self._made[name] = by()
        found: T = self._made[name]
        return found

    def opened(self, *name: str, by: Callable[[], AbstractContextManager[T]]) -> T:
        """Give what a block gives that stays open until the end."""
        return self.made(*name, by=lambda: self._stack.enter_context(by()))

    def close(self) -> None:
        """Close what was opened, and forget everything."""
        self._stack.close()
        self._made.clear()
