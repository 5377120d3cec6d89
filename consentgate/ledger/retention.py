"""What the vendor still holds of a person because of what a request started, and when each of it is due to go.

By the vendor's own terms, as read in November 2026 (data retention of Amazon Chime SDK voice analytics), a voice
embedding that a search made can be enrolled for 24 hours and is deleted then; what a task found can be asked for for
7 days; a voice profile expires after 3 years, counted anew by each update.

Invariants: a time that nobody told is reckoned from the latest moment that it can be counted from, so that nothing is
said to be gone before it is; that the vendor deletes is its word and is not proved here.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from consentgate.errors import InvalidInput
from consentgate.ledger.progress import TaskState
from consentgate.ledger.stops import MAX_CALL
from consentgate.moment import floor
from consentgate.values import dataclass

What: TypeAlias = Literal["embedding", "results", "profile"]

EMBEDDING: Final = timedelta(hours=24)
RESULTS: Final = timedelta(days=7)
PROFILE_YEARS: Final = 3

_SEARCH: Final = "StartSpeakerSearchTask"
_STARTS: Final = frozenset({_SEARCH, "StartVoiceToneAnalysisTask"})
_PROFILES: Final = frozenset({"CreateVoiceProfile", "UpdateVoiceProfile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One thing that the vendor holds.

    Attributes:
        what: ``embedding``, made by a search and enrolled or not; ``results`` of a task; a voice ``profile``.
        since: from when its time counts.
        until: when the vendor lets go of it.
        told: whether the vendor told these times; else they are reckoned.
    """

    what: What
    since: datetime
    until: datetime
    told: bool


def of_task(operation: str, started_at: datetime, state: TaskState) -> tuple[Held, ...]:
    """Say what is held because of a task.

    Args:
        operation: the vendor's name of the operation that started it.
        started_at: when it was started.
        state: what is known of it.

    Returns:
        What is held, the first to go first; none where the operation starts no task.
    """
    if operation not in _STARTS:
        return ()
    told = state.ended and state.at is not None
    # While its end is not known, a task may run for as long as a call.
    since = state.at if state.ended and state.at is not None else started_at + MAX_CALL
    results = Held(what="results", since=since, until=since + RESULTS, told=told)
    if operation != _SEARCH:
        return (results,)
    return (Held(what="embedding", since=since, until=since + EMBEDDING, told=told), results)


def of_profile(operation: str, made_at: datetime, answer: bytes | None) -> tuple[Held, ...]:
    """Say until when a voice profile is held.

    Args:
        operation: the vendor's name of the operation that made or updated it.
        made_at: when that was answered.
        answer: the exact bytes of the answer, or None where they are not at hand.

    Returns:
        The profile; none where the operation makes none.
    """
    if operation not in _PROFILES:
        return ()
    told = _expiration(answer)
    if told is not None:
        return (Held(what="profile", since=made_at, until=told, told=True),)
    return (Held(what="profile", since=made_at, until=_years_later(made_at), told=False),)


def still(held: Iterable[Held], now: datetime) -> tuple[Held, ...]:
    """Leave out what is gone by the vendor's terms.

    Args:
        held: what was held.
        now: the time.

    Returns:
        What is held still, the first to go first.
    """
    return tuple(sorted((each for each in held if each.until > now), key=lambda each: each.until))


def _years_later(at: datetime) -> datetime:
    try:
        return at.replace(year=at.year + PROFILE_YEARS)
    except ValueError:
        # Made on 29 February: the day after the last of that month.
        return at.replace(year=at.year + PROFILE_YEARS, month=3, day=1)


def _expiration(answer: bytes | None) -> datetime | None:
    try:
        document = json.loads(answer or b"")
        profile = document.get("VoiceProfile") if isinstance(document, Mapping) else None
        told = profile.get("ExpirationTimestamp") if isinstance(profile, Mapping) else None
        return floor(datetime.fromisoformat(told)) if isinstance(told, str) else None
    except (ValueError, RecursionError, InvalidInput):
        return None
