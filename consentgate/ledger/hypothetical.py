"""What a decision would read about somebody who is on no call: the same reading, for explanations.

Invariant: an explanation reads exactly what the gate reads; there is no second way to read a speaker.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consentgate.ledger.calls import CallState
from consentgate.ledger.hints import hinted
from consentgate.ledger.reader import Reader, written_at
from consentgate.ledger.reading import OnLeg, Reading
from consentgate.ledger.speaker import Speaker
from consentgate.policy.facts import RecordingConsent


def reading_of(
    reader: Reader,
    connection: Connection,
    speaker: Speaker,
    *,
    at: datetime,
    purpose: str | None,
    recording_consent: RecordingConsent | None,
) -> Reading:
    """Read as if a speaker were alone on the caller leg of a call that was just registered.

    Args:
        reader: the gate's.
        connection: an open snapshot.
        speaker: who.
        at: when.
        purpose: as the call would name it.
        recording_consent: as the call would name it.

    Returns:
        What a decision would read; nothing is written.

    Raises:
        Malformed: something stored cannot be read.
    """
    speaker = hinted(speaker)
    reading = reader.read_alone(connection, speaker)
    call = CallState(
        subject=UUID(int=0),
        legs={"Caller": (speaker,)},
        purpose=purpose,
        recording_consent=recording_consent,
        entries=(),
        since=at,
    )
    return replace(reading, call=call)


def as_of(reading: Reading, at: datetime) -> Reading:
    """Leave out what the ledger did not hold yet at a moment.

    Args:
        reading: what it holds now.
        at: the moment.

    Returns:
        The reading without statements and assertions that were committed later.

    Note:
        Issuers are those of now, as in a replay with today's registry.
    """
    side = replace(
        reading.controller,
        assertions=tuple(
            each for each in reading.controller.assertions if written_at(UUID(each.entry)) <= at
        ),
    )
    return replace(reading, controller=side, speakers=tuple(_on_as_of(on, at) for on in reading.speakers))


def _on_as_of(on: OnLeg, at: datetime) -> OnLeg:
    last = on.last_interaction_at
    return replace(
        on,
        received=tuple(each for each in on.received if each.received_at <= at),
        asserted=tuple(each for each in on.asserted if written_at(UUID(each.entry)) <= at),
        last_interaction_at=last if last is None or last <= at else None,
    )
