"""A permit in a backend's hands: it lets the decided bytes out, attempt by attempt, and is told what came of each.

Invariants: one attempt at a time; none after the permit's time, after an answer that was a success, or after one that
may have done something, unless the request names a token by which the vendor tells repeats; nothing that is told
after the block changes what is recorded; another process's copy is of no use.
"""

import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Self

from consentgate.canonical import Json
from consentgate.errors import ConsentDenied, InvalidInput
from consentgate.gate.door import Gate
from consentgate.gate.outcomes import Attempt, classify
from consentgate.gate.request import Exchange, Permit
from consentgate.gate.told import Answer, Manner, answer_of
from consentgate.gate.vendorrequest import CALL
from consentgate.moment import Clock
from consentgate.policy.facts import SEARCH
from consentgate.policy.reasons import reason

UNANSWERED: Final = "Unanswered"

# What the standard library raises while it connects, and never once a byte of the request has left.
_BEFORE_BYTES: Final = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class HeldPermit:
    """What both faces of a permit share: the attempts, and what is told of them."""

    def __init__(self, gate: Gate, permit: Permit, clock: Clock, manner: Manner) -> None:
        self._gate = gate
        self._permit = permit
        self._clock = clock
        self._manner = manner
        self._entered = self._now(permit.send_by)
        self._attempts: list[Attempt] = []
        self._open = False
        self._unsent = False
        self._answer: Answer | None = None
        self._over = False
        self._process = os.getpid()
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<permit {self.entry}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        raise TypeError("A permit serves one request of one process: it cannot be pickled.")

    @property
    def entry(self) -> str:
        """Id of the intent's entry as text."""
        return str(self._permit.entry)

    @property
    def token(self) -> str:
        """A token that is this request's alone, for a vendor that tells repeats by one."""
        return self._permit.request.token or f"cg-{self._permit.entry}"

    @property
    def send_by(self) -> datetime:
        """Until when an attempt may begin."""
        return self._permit.send_by

    @property
    def shadow(self) -> bool:
        """Whether this would have been denied but for the shadow mode."""
        return self._permit.shadow

    def answered(
        self,
        body: bytes,
        status: int = 200,
        *,
        task: str | None = None,
        results: bool | None = None,
        request_id: str | None = None,
        summary: Mapping[str, Json] | None = None,
    ) -> None:
        """Tell what an attempt was answered with.

        Args:
            body: the exact bytes of the answer.
            status: HTTP status; what an engine in this process returns is 200, what it refuses a 4xx.
            task: the vendor's id of what runs on after the answer, or None where nothing does.
            results: whether the answer names people; by default a search's does.
            request_id: the vendor's id of the request, or None.
            summary: what the answer says besides results, canonical JSON: it stays readable with the intent.

        Raises:
            InvalidInput: a value cannot be used, or no attempt is under way: one that was not begun by `sending`
                was never allowed, and its end stays open.
        """
        answer = answer_of(body, status, task, request_id, summary)
        named = self._permit.request.action == SEARCH if results is None else results
        with self._lock:
            self._require_held()
            if not self._open:
                if not self._attempts:
                    self._attempts.append(self._lost(UNANSWERED))
                raise InvalidInput(
                    "Call sending() before the request leaves; this answer belongs to no attempt."
                )
            self._answer = replace(answer, results=named and 200 <= status < 300)
            self._end(status=status)

    def failed(self, error: BaseException | None = None, *, sent: bool = True) -> None:
        """Tell that an attempt got no answer.

        Args:
            error: what was raised, or None.
            sent: whether bytes may have left. Before the first attempt, ``sent=False`` says that there will be none.

        Raises:
            InvalidInput: no attempt is under way.
        """
        cause = type(error).__name__ if error is not None else UNANSWERED
        with self._lock:
            self._require_held()
            if self._open:
                self._end(fault="lost" if sent else "not_sent", cause=cause)
            elif sent or self._attempts:
                raise InvalidInput("No attempt is under way.")
            else:
                self._unsent = True

    def begin(self, body: bytes | None) -> bytes:
        """Begin an attempt.

        Args:
            body: the bytes that are about to leave, where the caller has them from elsewhere.

        Returns:
            The bytes that were decided on.

        Raises:
            ConsentDenied: the permit is over, something that the decision read has changed, these are other bytes,
                or it is the permit of another process.
            InvalidInput: an attempt is under way, the request is done, or it may not be repeated.
        """
        with self._lock:
            self._require_held()
            self._require_next()
            decided = self._permit.request.body
            if body is not None and (type(body) is not bytes or body != decided):
                raise ConsentDenied((reason("REQUEST_ALTERED"),), self.entry)
            self._gate.recheck(self._permit, first=not self._attempts)
            self._attempts.append(Attempt(started_at=self._clock()))
            self._open, self._answer, self._unsent = True, None, False
            return decided

    def unsent(self, error: BaseException) -> None:
        """Take back an attempt that began and whose bytes nobody got.

        Args:
            error: what came in between.
        """
        with self._lock:
            if self._open:
                self._end(fault="not_sent", cause=type(error).__name__)

    def raised(self, error: BaseException) -> None:
        """Tell what an attempt ended in, where nothing else ran in it.

        Args:
            error: what was raised: of some it is known that no byte left.
        """
        over_http = self._permit.request.method != CALL
        before = (*(_BEFORE_BYTES if over_http else ()), *self._manner.not_sent)
        with self._lock:
            if self._open:
                self._end(
                    fault="not_sent" if isinstance(error, before) else "lost", cause=type(error).__name__
                )

    def close(self, error: BaseException | None) -> Exchange:
        """End the permit: what is told from now on changes nothing.

        Args:
            error: what ended the block, or None.

        Returns:
            What is to be recorded.
        """
        cause = type(error).__name__ if error is not None else UNANSWERED
        with self._lock:
            self._over = True
            if self._open:
                self._end(fault="lost", cause=cause)
            elif not self._attempts and error is None and not self._unsent:
                # Nobody said that bytes left, nor that none did.
                self._attempts.append(self._lost(cause))
            return self._exchange(error)

    def is_foreign(self) -> bool:
        """Say whether it belongs to another process.

        Returns:
            True in a forked child: the parent records the end.
        """
        return self._process != os.getpid()

    def _exchange(self, error: BaseException | None) -> Exchange:
        attempts, answer = tuple(self._attempts), self._answer
        if answer is None:
            last = attempts[-1].cause if attempts else type(error).__name__ if error is not None else ""
            return Exchange(attempts=attempts, error=last or None)
        done = 200 <= answer.status < 300
        return Exchange(
            attempts=attempts,
            status=answer.status,
            request_id=answer.request_id,
            body=answer.body,
            task=answer.task if done else None,
            results=answer.results,
            summary=answer.summary,
            error=answer.error,
            complete=done and answer.task is None,
        )

    def _require_held(self) -> None:
        if self.is_foreign():
            raise ConsentDenied((reason("NO_PERMIT"),), None)
        if self._over:
            raise InvalidInput("This permit is over: it serves one request, inside its block.")

    def _require_next(self) -> None:
        if self._open:
            raise InvalidInput("An attempt is under way: tell its end with answered() or failed() first.")
        if not self._attempts:
            return
        ends = {classify((each,), started=True) for each in self._attempts}
        if "succeeded" in ends:
            raise InvalidInput("This request was answered: a permit serves one; ask for another.")
        if "unknown" in ends and not self._manner.repeatable:
            raise InvalidInput(
                "An attempt may have done something: only a request with a token may be sent again."
            )

    def _end(self, **how: Any) -> None:
        begun = self._attempts[-1]
        self._attempts[-1] = replace(begun, ended_at=self._now(begun.started_at), **how)
        self._open = False

    def _now(self, otherwise: datetime) -> datetime:
        """The time, or another one: a clock that fails must not cost us what came back."""
        try:
            return self._clock()
        except Exception:  # noqa: BLE001  # what came back counts, not when
            return otherwise

    def _lost(self, cause: str) -> Attempt:
        return Attempt(started_at=self._entered, fault="lost", cause=cause)
