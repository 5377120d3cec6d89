"""The two faces of a permit in a backend's hands: for blocks that wait, and for blocks that await.

Invariant: both are the same permit; an event loop never waits for the ledger, which is asked in a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from consentgate.gate.heldpermit import HeldPermit
from consentgate.gate.inthread import in_thread

R = TypeVar("R")


class GuardedPermit(HeldPermit):
    """The right to send one request until `send_by`, as ``with`` gives it."""

    def sending(self, body: bytes | None = None) -> bytes:
        """Begin an attempt: the last thing before the bytes leave.

        Args:
            body: the bytes that are about to leave, where the caller has them from elsewhere.

        Returns:
            The bytes that were decided on; no others may leave.

        Raises:
            ConsentDenied: the permit is over, something that the decision read has changed, these are other bytes,
                or it is the permit of another process.
            InvalidInput: an attempt is under way, the request is done, or it may not be repeated.
        """
        return self.begin(body)

    def send(self, do: Callable[[bytes], R]) -> R:
        """Make one attempt: begin it, let a function send the bytes, and tell from what it raises how it ended.

        Args:
            do: gets the bytes, sends them once, and does nothing else.

        Returns:
            What it returned; `answered` says what that was.

        Raises:
            ConsentDenied: as `sending`.
            InvalidInput: likewise.
        """
        body = self.begin(None)
        try:
            return do(body)
        except BaseException as error:
            self.raised(error)
            raise


class AsyncGuardedPermit(HeldPermit):
    """The right to send one request until `send_by`, as ``async with`` gives it."""

    async def sending(self, body: bytes | None = None) -> bytes:
        """Begin an attempt: the last thing before the bytes leave.

        Args:
            body: as `GuardedPermit.sending` takes it.

        Returns:
            The bytes that were decided on; no others may leave.

        Raises:
            ConsentDenied: as `GuardedPermit.sending`.
            InvalidInput: likewise.
        """
        try:
            return await in_thread(lambda: self.begin(body))
        except (asyncio.CancelledError, GeneratorExit) as error:
            self.unsent(error)
            raise

    async def send(self, do: Callable[[bytes], Awaitable[R]]) -> R:
        """Make one attempt: begin it, let a function send the bytes, and tell from what it raises how it ended.

        Args:
            do: gets the bytes, sends them once, and does nothing else; it is awaited.

        Returns:
            What it returned; `answered` says what that was.

        Raises:
            ConsentDenied: as `sending`.
            InvalidInput: likewise.
        """
        body = await self.sending()
        try:
            return await do(body)
        except BaseException as error:
            self.raised(error)
            raise
