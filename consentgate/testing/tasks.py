"""Tasks of the voice service: one active per transaction, one per request token, with a state machine.

AWS documents the list of states but not the moves between them, nor what a repeated request token with
another body gets. The choices made here are marked *assumed*. The documented parts: one active task per
transaction (not adjustable), 25 active in all, results kept for seven days.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from consentgate.errors import InvalidInput
from consentgate.moment import Clock
from consentgate.testing.model import Values, VendorError

QUEUED: Final = "IN_QUEUE"
RUNNING: Final = "IN_PROGRESS"
PARTIAL: Final = "PARTIAL_SUCCESS"
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"
STOPPED: Final = "STOPPED"

# Assumed: identification comes before the voiceprint, and what has ended stays as it is.
MOVES: Final[Mapping[str, frozenset[str]]] = {
    QUEUED: frozenset({RUNNING, PARTIAL, SUCCEEDED, FAILED, STOPPED}),
    RUNNING: frozenset({PARTIAL, SUCCEEDED, FAILED, STOPPED}),
    PARTIAL: frozenset({SUCCEEDED, FAILED, STOPPED}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    STOPPED: frozenset(),
}

KEPT: Final = timedelta(days=7)
MAX_ACTIVE: Final = 25


@dataclass(slots=True, kw_only=True)
class Task:
    """One task, as the service keeps it.

    Attributes:
        id: its id.
        request: the input that started it, by member name.
        status: its state.
        message: text of the state.
        created: when it was made.
        updated: when its state changed last.
        started: when it left the queue, or None.
        details: what else its kind shows, by member name.
    """

    id: str
    request: Values = field(repr=False)
    status: str
    message: str
    created: datetime
    updated: datetime
    started: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def active(self) -> bool:
        """Whether it can still change."""
        return bool(MOVES[self.status])


class TaskBook:
    """All tasks of one kind."""

    def __init__(
        self,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        place: str = "VoiceConnectorId",
        one_of: str = "TransactionId",
        at_most: int | None = MAX_ACTIVE,
    ) -> None:
        """Begin without tasks.

        Args:
            clock: the time.
            new_id: makes ids.
            place: the member that names where a task runs.
            one_of: the member of which each value has one active task.
            at_most: how many tasks may be active in all, or None.
        """
        self._clock = clock
        self._new_id = new_id
        self._place = place
        self._one_of = one_of
        self._at_most = at_most
        self._tasks: dict[str, Task] = {}
        self._tokens: dict[tuple[str, str], str] = {}

    def start(self, request: Values) -> Task:
        """Start a task, or find the one that the same request started.

        Args:
            request: the input, by member name.

        Returns:
            The task.

        Raises:
            VendorError: ConflictException if the transaction has an active task, or (assumed) if the token
                came with another request; ResourceLimitExceededException over the quota.
        """
        token = request.get("ClientRequestToken")
        place = request[self._place]
        known = self._tasks.get(self._tokens.get((place, token), "")) if token else None
        if known is not None:
            if known.request != request:
                raise VendorError("ConflictException", "ClientRequestToken was used for another request.")
            return known
        active = [task for task in self._tasks.values() if task.active]
        if any(self._is_same(task.request, request) for task in active):
            raise VendorError("ConflictException", "The transaction has an active task.")
        if self._at_most is not None and len(active) >= self._at_most:
            raise VendorError("ResourceLimitExceededException", "Too many active tasks.")
        now = self._clock()
        task = Task(
            id=self._new_id(),
            request=dict(request),
            status=QUEUED,
            message="The task waits for speech.",
            created=now,
            updated=now,
        )
        self._tasks[task.id] = task
        if token:
            self._tokens[place, token] = task.id
        return task

    def get(self, place: str, task_id: str) -> Task:
        """Look a task up as a client does.

        Args:
            place: the voice connector's id.
            task_id: the task's id.

        Returns:
            The task.

        Raises:
            VendorError: NotFoundException if there is none, or it is older than seven days.
        """
        task = self._tasks.get(task_id)
        if task is None or task.request[self._place] != place or self._clock() - task.updated > KEPT:
            raise VendorError("NotFoundException", "There is no such task.")
        return task

    def stop(self, place: str, task_id: str) -> None:
        """Stop a task; one that is stopped already stays so (assumed).

        Args:
            place: the voice connector's id.
            task_id: the task's id.

        Raises:
            VendorError: NotFoundException as `get`; ConflictException (assumed) if the task ended by itself.
        """
        task = self.get(place, task_id)
        if task.status == STOPPED:
            return
        if not task.active:
            raise VendorError("ConflictException", "The task has ended.")
        self.move(task_id, STOPPED)

    def move(self, task_id: str, status: str, message: str | None = None) -> Task:
        """Bring a task into another state, as the service does in its own time.

        Args:
            task_id: the task's id.
            status: the new state.
            message: text of the state, or None for a plain one.

        Returns:
            The task.

        Raises:
            InvalidInput: if there is no such task or no such move.
        """
        task = self.find(task_id)
        if task is None:
            raise InvalidInput("the server has no such task")
        if status not in MOVES[task.status]:
            raise InvalidInput(f"a task cannot go from {task.status} to {status}")
        task.status = status
        task.message = message or f"The task is {status.replace('_', ' ').lower()}."
        task.updated = self._clock()
        if status != STOPPED and task.started is None:
            task.started = task.updated
        return task

    def find(self, task_id: str) -> Task | None:
        """Look a task up, however old it is.

        Args:
            task_id: the task's id.

        Returns:
            The task, or None.
        """
        return self._tasks.get(task_id)

    def _is_same(self, one: Values, other: Values) -> bool:
        return all(one.get(name) == other.get(name) for name in (self._place, self._one_of))
