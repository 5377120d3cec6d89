"""How the operations of chime-sdk-voice behave. What is not here is answered from its shape alone."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from consentgate.errors import InvalidInput
from consentgate.moment import Clock
from consentgate.testing.model import Values
from consentgate.testing.profiles import Domains, Profiles
from consentgate.testing.script import Match
from consentgate.testing.tasks import FAILED, RUNNING, SUCCEEDED, Task, TaskBook

Act = Callable[[Values, tuple[Match, ...] | None], Values]


class Behaviour(Protocol):
    """How the operations of one service behave; called by one thread at a time."""

    @property
    def acts(self) -> Mapping[str, Act]:
        """What each operation does with its input and with scripted matches; raises `VendorError`."""
        ...

    def settle(self, task_id: str, status: str, matches: tuple[Match, ...] | None) -> bool:
        """Bring a task into a state.

        Args:
            task_id: the task's id.
            status: the new state.
            matches: results, as (voice profile id, score); None leaves them as they are.

        Returns:
            False if the task is another service's.
        """
        ...


class Voice:
    """The voice service's behaviour.

    Attributes:
        acts: what each operation does.
        searches: the speaker search tasks.
        tones: the voice tone analysis tasks.
        profiles: the voice profiles.
        domains: the voice profile domains.
    """

    def __init__(self, clock: Clock, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self.searches = TaskBook(clock, new_id)
        self.tones = TaskBook(clock, new_id)
        self.profiles = Profiles(clock, new_id, self.searches.find)
        self.domains = Domains(clock, new_id, self.profiles.forget_domain)
        self.acts: Mapping[str, Act] = {
            "StartSpeakerSearchTask": self._start_search,
            "GetSpeakerSearchTask": _alone(self._get_search),
            "StopSpeakerSearchTask": _alone(self._stop_search),
            "StartVoiceToneAnalysisTask": _alone(self._start_tone),
            "GetVoiceToneAnalysisTask": _alone(self._get_tone),
            "StopVoiceToneAnalysisTask": _alone(self._stop_tone),
            "CreateVoiceProfile": _alone(self.profiles.create),
            "GetVoiceProfile": _alone(self.profiles.get),
            "UpdateVoiceProfile": _alone(self.profiles.update),
            "DeleteVoiceProfile": _alone(self.profiles.delete),
            "ListVoiceProfiles": _alone(self.profiles.page),
            "CreateVoiceProfileDomain": _alone(self.domains.create),
            "GetVoiceProfileDomain": _alone(self.domains.get),
            "UpdateVoiceProfileDomain": _alone(self.domains.update),
            "DeleteVoiceProfileDomain": _alone(self.domains.delete),
            "ListVoiceProfileDomains": _alone(self.domains.page),
        }

    def settle(self, task_id: str, status: str, matches: tuple[Match, ...] | None) -> bool:
        """Bring a search or a tone analysis into a state.

        Args:
            task_id: the task's id.
            status: the new state.
            matches: the results of a search, as (voice profile id, score); None leaves them as they are.

        Returns:
            False if the voice service has no such task.

        Raises:
            InvalidInput: if a task cannot move so, or matches are given for a tone analysis.
        """
        if self.tones.find(task_id) is not None:
            if matches is not None:
                raise InvalidInput("a tone analysis has no matches")
            self.tones.move(task_id, status)
            return True
        if self.searches.find(task_id) is None:
            return False
        task = self.searches.move(task_id, status)
        if matches is not None:
            task.details["Results"] = _results(matches)
        if status == SUCCEEDED:
            task.details["VoiceprintGenerationStatus"] = "VoiceprintGenerationSuccess"
        elif status == FAILED:
            task.details["VoiceprintGenerationStatus"] = "VoiceprintGenerationFailure"
        return True

    def _start_search(self, values: Values, matches: tuple[Match, ...] | None) -> Values:
        task = self.searches.start(values)
        task.details.setdefault("Results", [])
        if matches is not None:
            self.searches.move(task.id, RUNNING)
            task.details["Results"] = _results(matches)
            task.details["VoiceprintGenerationStatus"] = "VoiceprintGenerationSuccess"
        return _shown_search(task)

    def _get_search(self, values: Values) -> Values:
        return _shown_search(self.searches.get(values["VoiceConnectorId"], values["SpeakerSearchTaskId"]))

    def _stop_search(self, values: Values) -> Values:
        self.searches.stop(values["VoiceConnectorId"], values["SpeakerSearchTaskId"])
        return {}

    def _start_tone(self, values: Values) -> Values:
        return _shown_tone(self.tones.start(values))

    def _get_tone(self, values: Values) -> Values:
        return _shown_tone(self.tones.get(values["VoiceConnectorId"], values["VoiceToneAnalysisTaskId"]))

    def _stop_tone(self, values: Values) -> Values:
        self.tones.stop(values["VoiceConnectorId"], values["VoiceToneAnalysisTaskId"])
        return {}


def _alone(act: Callable[[Values], Values]) -> Act:
    return lambda values, _matches: act(values)


def _results(matches: tuple[Match, ...]) -> list[dict[str, Any]]:
    return [{"VoiceProfileId": profile, "ConfidenceScore": score} for profile, score in matches]


def _shown_search(task: Task) -> Values:
    shown = _shown(task, "SpeakerSearchTask")
    return {"SpeakerSearchTask": shown | {"SpeakerSearchDetails": dict(task.details)}}


def _shown_tone(task: Task) -> Values:
    return {"VoiceToneAnalysisTask": _shown(task, "VoiceToneAnalysisTask")}


def _shown(task: Task, noun: str) -> Values:
    leg = task.request.get("CallLeg")
    return {
        f"{noun}Id": task.id,
        f"{noun}Status": task.status,
        "CallDetails": {
            "VoiceConnectorId": task.request["VoiceConnectorId"],
            "TransactionId": task.request["TransactionId"],
            # Assumed: without a leg the service does not say whose voice it is.
            "IsCaller": None if leg is None else leg == "Caller",
        },
        "CreatedTimestamp": task.created,
        "UpdatedTimestamp": task.updated,
        "StartedTimestamp": task.started,
        "StatusMessage": task.message,
    }
