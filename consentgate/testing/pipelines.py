"""How the voice operations of chime-sdk-media-pipelines behave. Others are answered from their shape alone.

Its tasks have other states than those of chime-sdk-voice, and none that means success: results arrive as events
alone. A pipeline need not exist, and (assumed) each stream and channel of one has one active task of a kind.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from consentgate.errors import InvalidInput
from consentgate.moment import Clock
from consentgate.testing.model import Values
from consentgate.testing.script import Match
from consentgate.testing.tasks import FAILED, QUEUED, RUNNING, STOPPED, Task, TaskBook
from consentgate.testing.voice import Act

_SOURCE: Final = "KinesisVideoStreamSourceTaskConfiguration"
_WORDS: Final = {QUEUED: "NotStarted", RUNNING: "InProgress", FAILED: "Failed", STOPPED: "Stopped"}


class Pipelines:
    """The pipelines' behaviour.

    Attributes:
        acts: what each operation does.
        searches: the speaker search tasks.
        tones: the voice tone analysis tasks.
    """

    def __init__(self, clock: Clock, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self.searches = TaskBook(clock, new_id, place="Identifier", one_of=_SOURCE, at_most=None)
        self.tones = TaskBook(clock, new_id, place="Identifier", one_of=_SOURCE, at_most=None)
        self.acts: Mapping[str, Act] = {
            **_acts(self.searches, "SpeakerSearchTask"),
            **_acts(self.tones, "VoiceToneAnalysisTask"),
        }

    def settle(self, task_id: str, status: str, matches: tuple[Match, ...] | None) -> bool:
        """Bring a search or a tone analysis into a state.

        Args:
            task_id: the task's id.
            status: the new state, by the voice service's word for it.
            matches: always None: pipelines show no results.

        Returns:
            False if the pipelines have no such task.

        Raises:
            InvalidInput: if a task cannot move so, pipelines have no such state, or matches are given.
        """
        for book in (self.searches, self.tones):
            if book.find(task_id) is not None:
                if matches is not None or status not in _WORDS:
                    raise InvalidInput("a task of a pipeline has no results, and no state that means success")
                book.move(task_id, status)
                return True
        return False


def _acts(book: TaskBook, noun: str) -> dict[str, Act]:
    def start(values: Values, _matches: tuple[Match, ...] | None) -> Values:
        return _shown(book.start(values), noun)

    def get(values: Values, _matches: tuple[Match, ...] | None) -> Values:
        return _shown(book.get(values["Identifier"], values[f"{noun}Id"]), noun)

    def stop(values: Values, _matches: tuple[Match, ...] | None) -> Values:
        book.stop(values["Identifier"], values[f"{noun}Id"])
        return {}

    return {f"Start{noun}": start, f"Get{noun}": get, f"Stop{noun}": stop}


def _shown(task: Task, noun: str) -> Values:
    return {
        noun: {
            f"{noun}Id": task.id,
            f"{noun}Status": _WORDS[task.status],
            "CreatedTimestamp": task.created,
            "UpdatedTimestamp": task.updated,
        }
    }
