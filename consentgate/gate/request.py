"""The values that travel through the six steps: what is to be sent, and what came back."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

from consentgate.canonical import Json
from consentgate.consent.details import CallContext
from consentgate.consent.reference import Reference
from consentgate.entries.leaf import Answer
from consentgate.gate.outcomes import Attempt, End
from consentgate.ledger.reading import Seen
from consentgate.ledger.vault import Subject
from consentgate.values import dataclass

Leg = Literal["Caller", "Callee"]
TokenSource = Literal["caller", "gate"]
About = Literal["call", "task", "nobody"]

MAX_SPEAKERS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class GatedRequest:
    """One request of a gated operation, as it was serialised for the wire.

    Attributes:
        intent: id that the intent's entry will have.
        service: the vendor's service, for example ``chime-sdk-voice``.
        operation: the vendor's name of the operation.
        action: what it does to a person's voice, in the policy engine's word, for example ``search``.
        region: the client's region, or None.
        country: ISO 3166-1 code of that region, or None where it is not known.
        method: HTTP method.
        path: URL path.
        query: URL query, without the question mark.
        body: exact bytes of the body.
        call: which call it is about, as the ledger names calls; None when the request does not say.
        context: the same as grants name it, without the leg; None when the request does not say.
        leg: the leg that it names; None means both.
        token: the client request token on the wire, or None.
        token_from: who made that token.
        lasts_ms: the longest that the client may take, retries included, in milliseconds.
        trouble: code of a reason why the request cannot be gated at all, or None.
        captured_at: the first moment of audio that was recorded before, or None for live audio.
        keep_body: whether the body is kept, or its digest and length.
        leg_beside: whether the leg is kept beside the body, which does not name it.
        about: what tells who the speakers are: the call, our own record of a task, or nothing: it is about nobody.
        task: the task whose record tells it, or None.
        named: who of several speakers of the task it is about, as the backend says, or None.
        made: id of what it changes, or None.
        dated: whether it begins at recorded audio, whose time the call's registration tells.
    """

    intent: UUID
    service: str
    operation: str
    action: str
    region: str | None
    country: str | None
    method: str
    path: str = field(repr=False)
    query: str = field(repr=False)
    body: bytes = field(repr=False)
    call: str | None = field(repr=False)
    context: CallContext | None = field(repr=False)
    leg: Leg | None
    token: str | None = field(repr=False)
    token_from: TokenSource
    lasts_ms: int
    trouble: str | None = None
    captured_at: datetime | None = None
    keep_body: bool = True
    leg_beside: bool = False
    about: About = "call"
    task: str | None = field(default=None, repr=False)
    named: Reference | None = field(default=None, repr=False)
    made: str | None = field(default=None, repr=False)
    dated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What came back, as far as it is kept: never a header but the request id.

    Attributes:
        attempts: every attempt, in order.
        status: HTTP status of the last answer, or None.
        request_id: the vendor's request id, or None.
        body: exact bytes of the last answer, or None.
        task: id of the task that was started, or None.
        results: whether the answer carries results about other people.
        summary: the members of the answer other than its results.
        error: the vendor's error code or the exception's class, or None.
        complete: whether the answer is a success after which nothing runs on at the vendor.
        changed: whether what it names was there before: a lost outcome does not undo it.
    """

    attempts: tuple[Attempt, ...]
    status: int | None = None
    request_id: str | None = None
    body: bytes | None = field(default=None, repr=False)
    task: str | None = field(default=None, repr=False)
    results: bool = False
    summary: Mapping[str, Json] = field(default_factory=dict, repr=False)
    error: str | None = None
    complete: bool = False
    changed: bool = False

    @property
    def digest(self) -> bytes:
        """SHA-256 of the answer's bytes; of none when there was no answer."""
        return sha256(self.body or b"").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """An intent in hand: the right to send exactly one request until `send_by`.

    Attributes:
        request: the request that it permits.
        entry: id of the intent's entry.
        hash: leaf hash of the intent's entry.
        committed_tick: when the intent was durable, by the process's monotonic clock, in seconds.
        ends_tick: when the permit ends by that clock, which nobody sets back.
        send_by: when the permit ends.
        owners: for whom the outcome's parts will be sealed, in order of the speakers.
        about: every subject that the intent is linked to.
        seen: the versions of what the decision read, compared again before a late attempt.
        locks: numbers of the locks that stand for everybody whom the request is about.
        shadow: whether it was decided in shadow mode.
    """

    request: GatedRequest
    entry: UUID
    hash: bytes
    committed_tick: float
    ends_tick: float
    send_by: datetime
    owners: tuple[Subject, ...] = field(repr=False)
    about: frozenset[UUID]
    seen: Seen = field(repr=False)
    locks: frozenset[int] = frozenset()
    shadow: bool = False

    def started(self, task: str | None) -> "Started | None":
        """Say what a stop has to name.

        Args:
            task: id of what the request started, or None.

        Returns:
            The task, or None.
        """
        if task is None:
            return None
        asked = self.request
        return Started(
            service=asked.service, operation=asked.operation, region=asked.region, path=asked.path, task=task
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where a task was started: what a stop has to name.

    Attributes:
        service: the vendor's service, for example ``chime-sdk-voice``.
        operation: the vendor's name of the operation that started it.
        region: the region of the client that did, or None.
        path: URL path of the request.
        task: the task's id.
    """

    service: str
    operation: str
    region: str | None
    path: str = field(repr=False)
    task: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What answers one intent: enough to record it now, or later from elsewhere.

    Attributes:
        entry: id that its entry will have, however often writing it is tried.
        intent: the intent's entry and leaf hash.
        owners: for whom its parts will be sealed, in order of the speakers.
        about: every subject that the intent is linked to.
        end: how the request ended.
        exchange: what came back.
        service: the vendor's service.
        operation: the vendor's name of the operation.
        region: the client's region, or None.
        path: URL path of the request.
        locks: numbers of the locks that stand for everybody whom the request was about.
        shadow: whether it was decided in shadow mode.
        places: positions of the owners among the speakers, where somebody else was erased; empty for the first ones.
        reconciled: who says so and why, where the request's own end was never recorded; empty where it was.
    """

    entry: UUID
    intent: Answer
    owners: tuple[Subject, ...] = field(repr=False)
    about: frozenset[UUID]
    end: End
    exchange: Exchange
    service: str
    operation: str
    region: str | None
    path: str = field(repr=False)
    locks: frozenset[int] = frozenset()
    shadow: bool = False
    places: tuple[int, ...] = ()
    reconciled: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @property
    def started(self) -> Started | None:
        """The task that was started, or None."""
        if self.exchange.task is None:
            return None
        return Started(
            service=self.service,
            operation=self.operation,
            region=self.region,
            path=self.path,
            task=self.exchange.task,
        )
