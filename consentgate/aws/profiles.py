"""Voice profiles and their domains, of ``chime-sdk-voice``.

A profile is made from a search task and names nobody: who it is about is known from our own record of that task. A
domain is a container: it is about nobody (`docs/adr/0033-operations-of-the-voice-product.md`).
"""

import re
from typing import Final

from consentgate.aws.wire import UNREADABLE, VOICE, Addressed, Answer, Operation, Wire, answered, fields, text

_PROFILES: Final = re.compile(r"/voice-profiles")
_PROFILE: Final = re.compile(r"/voice-profiles/(?P<VoiceProfileId>[^/]+)")
_DOMAINS: Final = re.compile(r"/voice-profile-domains")


def _address_create(wire: Wire) -> Addressed:
    said = fields(wire, "POST", _PROFILES)
    task = text(said.get("SpeakerSearchTaskId")) if said is not None else None
    if said is None or task is None:
        return UNREADABLE
    return Addressed(about="task", task=task, parameters=said)


def _address_update(wire: Wire) -> Addressed:
    said = fields(wire, "PUT", _PROFILE)
    task = text(said.get("SpeakerSearchTaskId")) if said is not None else None
    if said is None or task is None:
        return UNREADABLE
    return Addressed(about="task", task=task, made=said["VoiceProfileId"], parameters=said)


def _address_domain(wire: Wire) -> Addressed:
    said = fields(wire, "POST", _DOMAINS)
    if said is None:
        return UNREADABLE
    return Addressed(about="nobody", token=text(said.get("ClientRequestToken")), parameters=said)


def _answer_profile(body: bytes) -> Answer:
    return answered(body, "VoiceProfile")


def _answer_domain(body: bytes) -> Answer:
    return answered(body, "VoiceProfileDomain")


def _delete_profile(_path: str, profile: str) -> tuple[str, dict[str, str]]:
    return "delete_voice_profile", {"VoiceProfileId": profile}


def _delete_domain(_path: str, domain: str) -> tuple[str, dict[str, str]]:
    return "delete_voice_profile_domain", {"VoiceProfileDomainId": domain}


OPERATIONS: Final = (
    Operation(
        service=VOICE,
        name="CreateVoiceProfile",
        action="enrol",
        address=_address_create,
        answer=_answer_profile,
        stop=_delete_profile,
    ),
    Operation(
        service=VOICE,
        name="UpdateVoiceProfile",
        action="update",
        address=_address_update,
        answer=_answer_profile,
        stop=_delete_profile,
        changes=True,
    ),
    Operation(
        service=VOICE,
        name="CreateVoiceProfileDomain",
        action="enrol",
        address=_address_domain,
        answer=_answer_domain,
        stop=_delete_domain,
        token="ClientRequestToken",  # noqa: S106  # the name of a parameter
    ),
)
