"""What the vendor's ``Get...Task`` answers say of a task, read as tolerantly as notifications.

Pure and total. What was seen has one digest whoever asked and however botocore spelled it: the task, its status, the
vendor's time and the results.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from consentgate.aws.envelopes import spelled
from consentgate.aws.members import text_of, time_of
from consentgate.canonical import Json
from consentgate.errors import InvalidInput
from consentgate.gate.progress import Progress, Source
from consentgate.moment import to_text

_NOUNS: Final = ("SpeakerSearchTask", "VoiceToneAnalysisTask")
_TIMES: Final = ("UpdatedTimestamp", "StartedTimestamp", "CreatedTimestamp")


def read_task(body: bytes, source: Source) -> Progress | None:
    """Read an answer that shows a task.

    Args:
        body: its exact bytes.
        source: who asked: ``get`` the backend, ``poll`` the gate.

    Returns:
        What it says of the task, or None where it shows none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = document if isinstance(document, Mapping) else {}
    for noun in _NOUNS:
        task = found.get(noun)
        if isinstance(task, Mapping):
            return _progress(body, source, noun, task)
    return None


def _progress(body: bytes, source: Source, noun: str, task: Mapping[str, Any]) -> Progress | None:
    id_, status = text_of(task.get(f"{noun}Id")), text_of(task.get(f"{noun}Status"))
    if status is None:
        return None
    details = task.get("SpeakerSearchDetails")
    details = details if isinstance(details, Mapping) else {}
    at = next((at for name in _TIMES if (at := time_of(task.get(name))) is not None), None)
    results = details.get("Results")
    told = [id_, status, to_text(at) if at else None, results, details.get("VoiceprintGenerationStatus")]
    try:
        return Progress(
            source=source,
            status=status,
            body=body,
            digest=sha256(spelled(told) or body).digest(),
            at=at,
            task=id_,
            results=bool(results),
            summary=_summary(noun, task, details),
        )
    except InvalidInput:
        # No word: botocore's caller sees it as it came, and there is nothing that could be ordered.
        return None


def _summary(noun: str, task: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Json]:
    names = (f"{noun}Id", f"{noun}Status", "StatusMessage")
    kept: dict[str, Json] = {name: text for name in names if (text := text_of(task.get(name))) is not None}
    for name in _TIMES:
        if (at := time_of(task.get(name))) is not None:
            kept[name] = to_text(at)
    if (voiceprint := text_of(details.get("VoiceprintGenerationStatus"))) is not None:
        kept["VoiceprintGenerationStatus"] = voiceprint
    return kept
