"""The ledger's work for an event loop: in a thread, and to its end whatever becomes of who waits.

Invariants: nothing of it is left half done by a cancellation, which is passed on when the work is over; the
context variables of who waits hold in the thread too.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class _Work(Generic[R]):
    """Work that runs once: in the thread that takes it, or nowhere once nobody waits for it."""

    def __init__(self, work: Callable[[], R]) -> None:
        self._work = work
        self._turn = threading.Lock()
        self._over = threading.Event()

    def __call__(self) -> R | None:
        if not self._turn.acquire(blocking=False):
            return None
        try:
            return self._work()
        finally:
            self._over.set()

    def leave(self) -> None:
        """Keep it from beginning, or wait for its end: it has bounds of its own."""
        if not self._turn.acquire(blocking=False):
            self._over.wait()


async def in_thread(work: Callable[[], R]) -> R:
    """Do work in a worker thread of the running loop, as `asyncio.to_thread` does, and wait for its end.

    Args:
        work: the work. It has bounds of its own.

    Returns:
        What it gave.

    Raises:
        CancelledError: who waits was cancelled; the work was done all the same.
    """
    given: list[R] = []
    once = _Work(lambda: given.append(work()))
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    try:
        doing = loop.run_in_executor(None, context.run, once)
    except RuntimeError:
        # The loop takes no more work, since it is being shut down: late is better than never.
        return work()
    cancelled: asyncio.CancelledError | None = None
    while not doing.done():
        try:
            await asyncio.wait((doing,))
        except asyncio.CancelledError as error:
            cancelled = error
        except GeneratorExit:
            # Nobody resumes this coroutine: it may wait, but not for the loop.
            once.leave()
            raise
    if cancelled is not None:
        raise cancelled from doing.exception()
    doing.result()
    return given[0]
