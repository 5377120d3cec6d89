"""What says how a request ended whose end nobody recorded, and what an outcome keeps of it.

Pure. Invariant: only somebody else's word makes an end definite; a sentence here never holds anything personal.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from consentgate.canonical import Json
from consentgate.gate.outcomes import End
from consentgate.gate.unsettled import Unsettled
from consentgate.values import dataclass

Because: TypeAlias = Literal[
    "task_seen", "trail", "no_answer", "open_answer", "unnamed", "several", "unclear", "erased"
]
"""Why an intent was closed as it was: ``docs/howto/outcomes.md`` has the meanings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What says how a request ended, or that nothing does.

    Attributes:
        by: who says so: where a task was seen, ``cloudtrail``, or ``nobody``.
        because: which sort of reason it is.
        why: the same as a sentence, without anything personal.
        end: how the request ended.
        task: the vendor's id of what it started, or None.
        entries: ids of the observations that say so.
        events: ids of the trail's events that say so.
        request_id: the vendor's request id, or None.
        error: the vendor's error code, or None.
    """

    by: str
    because: Because
    why: str
    end: End = "undetermined"
    task: str | None = field(default=None, repr=False)
    entries: tuple[UUID, ...] = ()
    events: tuple[str, ...] = ()
    request_id: str | None = None
    error: str | None = None

    @property
    def members(self) -> dict[str, Json]:
        """What the outcome keeps of it."""
        told: dict[str, Json] = {"by": self.by, "because": self.because, "why": self.why}
        if self.entries:
            told["entries"] = [str(each) for each in self.entries]
        if self.events:
            told["events"] = list(self.events)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Ungated:
    """A call of a gated operation that no intent of this ledger explains.

    Attributes:
        event: the event's id in the vendor's trail.
        at: when the vendor had answered.
        operation: the vendor's name of the operation.
        region: the region.
        principal: what sort of identity called; never which.
        error: the vendor's error code, or None where it was a success.
        unclear: whether an intent of that time can be read by nobody any more: it may have been that one.
    """

    event: str
    at: datetime
    operation: str
    region: str
    principal: str
    error: str | None
    unclear: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What the vendor's trail says.

    Attributes:
        told: how the requests of intents ended, by the intents' ids; those whose outcome says the same are left out.
        ungated: the calls that passed the gate by, in the order of their times.
        events: how many calls of gated operations it has.
    """

    told: Mapping[UUID, Evidence] = field(default_factory=dict)
    ungated: tuple[Ungated, ...] = ()
    events: int = 0


def judge(unsettled: Unsettled) -> Evidence:
    """Say how a request ended, by what the ledger holds.

    Args:
        unsettled: its intent.

    Returns:
        ``succeeded`` where what it started was seen, else ``undetermined`` with the reason.
    """
    state = unsettled.state
    if state.task is not None:
        named = tuple(each for each in state.sightings if each.task is not None)
        return Evidence(
            # What came unasked says more than what the vendor answered when it was asked for the same task.
            by=next((each.source for each in named if each.source == "notification"), named[0].source),
            because="task_seen",
            why="The vendor told of the task that this request started.",
            end="succeeded",
            task=state.task,
            entries=tuple(each.entry for each in named),
        )
    if unsettled.asked.erased:
        why = "Everybody whom this request was about was erased: nobody can tell any more what it was."
        return Evidence(by="nobody", because="erased", why=why)
    if unsettled.answered:
        last = unsettled.answered[-1]
        error, request_id = last.get("error"), last.get("request_id")
        said = error if isinstance(error, str) else "an answer without a meaning"
        return Evidence(
            by="nobody",
            because="open_answer",
            why=f"It ended in {said}, which leaves open whether the vendor did it, and nothing else tells.",
            error=error if isinstance(error, str) else None,
            request_id=request_id if isinstance(request_id, str) else None,
        )
    why = "The process ended before it recorded how this request ended, and nothing else tells."
    return Evidence(by="nobody", because="no_answer", why=why)
