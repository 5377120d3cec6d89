"""The ledger's work for an event loop: in a thread, and to its end whatever becomes of who waits.

Invariants: nothing of it is left half done by a cancellation, which is passed on when the work is over; the
context variables of who waits hold in the thread too.
"""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


async def in_thread(work: Callable[[], R]) -> R:
    """Do work in a worker thread of the running loop, as `asyncio.to_thread` does, and wait for its end.

    Args:
        work: the work. It has bounds of its own.

    Returns:
        What it gave.

    Raises:
        CancelledError: who waits was cancelled; the work was done all the same.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    try:
        doing = loop.run_in_executor(None, context.run, work)
    except RuntimeError:
        # The loop takes no more work, since it is being shut down: late is better than never.
        return work()
    cancelled: asyncio.CancelledError | None = None
    while not doing.done():
        try:
            await asyncio.wait((doing,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from doing.exception()
    return doing.result()
