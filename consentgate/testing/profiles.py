"""Voice profiles and their domains, with the lives that AWS documents.

A voiceprint of a search can be enrolled for 24 hours; a profile lives for three years from its last update.
What a profile needs of its task is assumed: that the search succeeded.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from consentgate.moment import Clock
from consentgate.testing.model import Values, VendorError
from consentgate.testing.tasks import SUCCEEDED, Task

ARN: Final = "arn:aws:chime:us-east-1:111122223333"
ENROLABLE: Final = timedelta(hours=24)
LIFE: Final = timedelta(days=3 * 365)
MAX_DOMAINS: Final = 3
MAX_PROFILES: Final = 20


class Profiles:
    """All voice profiles."""

    def __init__(self, clock: Clock, new_id: Callable[[], str], task: Callable[[str], Task | None]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._task = task
        self._profiles: dict[str, Values] = {}

    def create(self, values: Values) -> Values:
        """Answer CreateVoiceProfile.

        Args:
            values: the input.

        Returns:
            The output.

        Raises:
            VendorError: NotFoundException, ConflictException or GoneException for the task;
                ResourceLimitExceededException for a full domain.
        """
        task = self._enrolable(values["SpeakerSearchTaskId"])
        domain = task.request["VoiceProfileDomainId"]
        if sum(one["VoiceProfileDomainId"] == domain for one in self._living()) >= MAX_PROFILES:
            raise VendorError("ResourceLimitExceededException", "The domain is full.")
        now = self._clock()
        profile_id = f"vp-{self._new_id()}"
        self._profiles[profile_id] = {
            "VoiceProfileId": profile_id,
            "VoiceProfileArn": f"{ARN}:voice-profile/{profile_id}",
            "VoiceProfileDomainId": domain,
            "CreatedTimestamp": now,
            "UpdatedTimestamp": now,
            "ExpirationTimestamp": now + LIFE,
        }
        return {"VoiceProfile": dict(self._profiles[profile_id])}

    def get(self, values: Values) -> Values:
        """Answer GetVoiceProfile.

        Args:
            values: the input.

        Returns:
            The output.
        """
        return {"VoiceProfile": dict(self._find(values))}

    def update(self, values: Values) -> Values:
        """Answer UpdateVoiceProfile: the profile's life begins anew.

        Args:
            values: the input.

        Returns:
            The output.
        """
        profile = self._find(values)
        self._enrolable(values["SpeakerSearchTaskId"])
        now = self._clock()
        profile.update(UpdatedTimestamp=now, ExpirationTimestamp=now + LIFE)
        return {"VoiceProfile": dict(profile)}

    def delete(self, values: Values) -> Values:
        """Answer DeleteVoiceProfile.

        Args:
            values: the input.

        Returns:
            Nothing, as the service.
        """
        del self._profiles[self._find(values)["VoiceProfileId"]]
        return {}

    def page(self, values: Values) -> Values:
        """Answer ListVoiceProfiles, in one page.

        Args:
            values: the input.

        Returns:
            The output.
        """
        domain = values["VoiceProfileDomainId"]
        return {
            "VoiceProfiles": [dict(one) for one in self._living() if one["VoiceProfileDomainId"] == domain]
        }

    def forget_domain(self, domain: str) -> None:
        """Drop the profiles of a domain that was deleted.

        Args:
            domain: the domain's id.
        """
        for profile in [*self._profiles.values()]:
            if profile["VoiceProfileDomainId"] == domain:
                del self._profiles[profile["VoiceProfileId"]]

    def _living(self) -> list[Values]:
        now = self._clock()
        return [one for one in self._profiles.values() if one["ExpirationTimestamp"] > now]

    def _find(self, values: Values) -> Values:
        for profile in self._living():
            if profile["VoiceProfileId"] == values["VoiceProfileId"]:
                return profile
        raise VendorError("NotFoundException", "There is no such voice profile.")

    def _enrolable(self, task_id: str) -> Task:
        task = self._task(task_id)
        if task is None:
            raise VendorError("NotFoundException", "There is no such speaker search task.")
        if task.status != SUCCEEDED:
            raise VendorError("ConflictException", "The task has no voiceprint.")
        if self._clock() - task.updated > ENROLABLE:
            raise VendorError("GoneException", "The voiceprint was deleted after 24 hours.")
        return task


class Domains:
    """All voice profile domains. Searches may name others: whether a domain exists is not checked there."""

    def __init__(self, clock: Clock, new_id: Callable[[], str], forget: Callable[[str], None]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._forget = forget
        self._domains: dict[str, Values] = {}

    def create(self, values: Values) -> Values:
        """Answer CreateVoiceProfileDomain.

        Args:
            values: the input.

        Returns:
            The output.

        Raises:
            VendorError: ResourceLimitExceededException over the quota.
        """
        if len(self._domains) >= MAX_DOMAINS:
            raise VendorError("ResourceLimitExceededException", "There are too many domains.")
        domain_id = self._new_id()
        kept = ("Name", "Description", "ServerSideEncryptionConfiguration")
        self._domains[domain_id] = {
            "VoiceProfileDomainId": domain_id,
            "VoiceProfileDomainArn": f"{ARN}:voice-profile-domain/{domain_id}",
            **{name: values[name] for name in kept if name in values},
            **_stamps(self._clock()),
        }
        return {"VoiceProfileDomain": dict(self._domains[domain_id])}

    def get(self, values: Values) -> Values:
        """Answer GetVoiceProfileDomain.

        Args:
            values: the input.

        Returns:
            The output.
        """
        return {"VoiceProfileDomain": dict(self._find(values))}

    def update(self, values: Values) -> Values:
        """Answer UpdateVoiceProfileDomain.

        Args:
            values: the input.

        Returns:
            The output.
        """
        domain = self._find(values)
        domain.update({name: values[name] for name in ("Name", "Description") if name in values})
        domain["UpdatedTimestamp"] = self._clock()
        return {"VoiceProfileDomain": dict(domain)}

    def delete(self, values: Values) -> Values:
        """Answer DeleteVoiceProfileDomain: its profiles go with it.

        Args:
            values: the input.

        Returns:
            Nothing, as the service.
        """
        domain_id = self._find(values)["VoiceProfileDomainId"]
        del self._domains[domain_id]
        self._forget(domain_id)
        return {}

    def page(self, _values: Values) -> Values:
        """Answer ListVoiceProfileDomains, in one page.

        Args:
            _values: the input; pages are not cut.

        Returns:
            The output.
        """
        shown = [dict(one) for one in self._domains.values()]
        for one in shown:
            one.pop("ServerSideEncryptionConfiguration", None)
        return {"VoiceProfileDomains": shown}

    def _find(self, values: Values) -> Values:
        try:
            return self._domains[values["VoiceProfileDomainId"]]
        except KeyError:
            raise VendorError("NotFoundException", "There is no such voice profile domain.") from None


def _stamps(now: datetime) -> dict[str, Any]:
    return {"CreatedTimestamp": now, "UpdatedTimestamp": now}
