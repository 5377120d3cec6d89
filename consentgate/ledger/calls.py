"""Calls: who is on which leg, as insert-only events.

A leg is a list of speakers or `NOBODY`. What nobody said about a leg is unknown, and unknown denies.
Registering what stands already adds nothing; registering somebody else adds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.terms import check_text
from consentgate.entries.parts import split_parts
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.ledger.speaker import NOBODY, Nobody, Speaker, speaker_from, speaker_json, united
from consentgate.ledger.vault import BODY
from consentgate.policy.facts import RecordingConsent
from consentgate.storage import subjects
from consentgate.storage.subjects import LinkedEntry

LegName = Literal["Caller", "Callee"]
LEGS: Final[tuple[LegName, ...]] = get_args(LegName)
RECORDING_CONSENTS: Final[tuple[RecordingConsent, ...]] = get_args(RecordingConsent)

MAX_ON_LEG: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the backend says about a call.

    Attributes:
        call: the call's name.
        legs: speakers or `NOBODY` per leg; a leg that is missing is unknown.
        purpose: what the comparison is for, or None for the default of the settings.
        recording_consent: who agreed to the recording of the call, or None for the standing assertion.
    """

    call: str = field(repr=False)
    legs: Mapping[LegName, Sequence[Speaker] | Nobody]
    purpose: str | None = None
    recording_consent: RecordingConsent | None = None

    def __post_init__(self) -> None:
        if not self.legs:
            raise InvalidInput("A call needs at least one leg: speakers, or NOBODY.")
        for leg, on in self.legs.items():
            if isinstance(on, Nobody):
                continue
            if not on or not all(isinstance(s, Speaker) for s in on):
                raise InvalidInput(f"The {leg} leg is a non-empty list of speakers, or NOBODY.")
            if len(on) > MAX_ON_LEG:
                raise InvalidInput(f"The {leg} leg takes at most {MAX_ON_LEG} speakers.")
        if self.purpose is not None:
            check_text(self.purpose, "purpose", limit=256)
        if self.recording_consent is not None and self.recording_consent not in RECORDING_CONSENTS:
            raise InvalidInput(f"recording_consent is one of {', '.join(RECORDING_CONSENTS)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """What the ledger knows of a call.

    Attributes:
        subject: the call's own row.
        legs: what is known of each leg.
        purpose: the purpose named last.
        recording_consent: as named last.
        entries: the call's entries, oldest first.
        since: time of the first of them.
        erased: whether somebody who was on it was erased.
    """

    subject: UUID
    legs: Mapping[LegName, tuple[Speaker, ...] | Nobody]
    purpose: str | None
    recording_consent: RecordingConsent | None
    entries: tuple[UUID, ...]
    since: datetime
    erased: bool = False


def register(book: Book, connection: Connection, registration: Registration) -> UUID | None:
    """Write a registration.

    Args:
        book: the ledger.
        connection: an open write transaction.
        registration: what the backend says.

    Returns:
        Id of the new entry, or None when all of it stands already.
    """
    people = [s for on in registration.legs.values() if not isinstance(on, Nobody) for s in on]
    book.hold(connection, [r for speaker in people for r in speaker.known_as], call=registration.call)
    at = book.now()
    known = read(book, connection, registration.call)
    fresh = _fresh(known, registration)
    if fresh is None:
        return None
    shared = _shared(registration)
    contents: list[Content] = []
    about: list[UUID] = []
    for leg, speaker in fresh:
        subject = book.vault.ensure(connection, speaker.first)
        members = {**shared, "leg": leg, "speaker": speaker_json(speaker)}
        contents.append(Content(name=f"call.{len(contents)}", data_key=subject.data_key, members=members))
        # A withdrawal under any of the references must find what is under way.
        about += [book.vault.ensure(connection, other).id for other in speaker.known_as[1:]]
        about.append(subject.id)
    if not contents:
        key = book.vault.ensure_key(connection, BODY)
        contents.append(Content(name="body.0", data_key=key.data_key, members=shared))
    about.append(book.vault.ensure_call(connection, registration.call))
    return book.write(connection, "call", at, contents, about).id


def read(book: Book, connection: Connection, call: str) -> CallState | None:
    """Read what stands about a call.

    Args:
        book: the ledger.
        connection: an open transaction.
        call: the call's name.

    Returns:
        Its state, or None when nobody registered it.

    Raises:
        Malformed: a stored event cannot be read.
    """
    subject = book.vault.find_call(connection, call)
    if subject is None:
        return None
    rows = subjects.entries_of(connection, book.tenant, [subject], ["call"])
    keys = book.vault.data_keys(connection, [s for row in rows for s in row.subjects])
    return state_of(subject, rows, keys, book.vault.find_key(connection, BODY))


def state_of(
    subject: UUID, rows: Sequence[LinkedEntry], keys: Mapping[UUID, bytes], body: bytes | None
) -> CallState | None:
    """Fold a call's events.

    Args:
        subject: the call's own row.
        rows: its events with their subjects, in order.
        keys: data keys by subject.
        body: the tenant's key for what is about nobody, or None where there is none.

    Returns:
        Its state, or None without events.

    Raises:
        Malformed: a stored event cannot be read.
    """
    if not rows:
        return None
    state = CallState(
        subject=subject,
        legs={},
        purpose=None,
        recording_consent=None,
        entries=tuple(r.row.id for r in rows),
        since=rows[0].row.at,
    )
    for row in rows:
        state = _applied(state, row, keys, body)
    return state


def _applied(state: CallState, row: LinkedEntry, keys: Mapping[UUID, bytes], body: bytes | None) -> CallState:
    offered = [keys[s] for s in row.subjects if s in keys]
    opened = open_parts(row.row, [*offered, *([body] if body else [])])
    for _, content in sorted(opened.items(), key=lambda part: int(part[0].rpartition(".")[2])):
        state = _joined(state, content)
    # Somebody who was on the call is not known any more: nobody can say who is on its legs.
    return state if len(opened) == len(split_parts(row.row.parts)) else replace(state, erased=True)


def _joined(state: CallState, content: Mapping[str, Json]) -> CallState:
    legs = dict(state.legs)
    named = content.get("legs")
    if content.get("event") != "joined" or not isinstance(named, Mapping):
        raise Malformed("A stored call event cannot be read.")
    for leg in LEGS:
        if named.get(leg) == "nobody" and leg not in legs:
            legs[leg] = NOBODY
    where = content.get("leg")
    for leg in LEGS:
        if leg == where:
            before = legs.get(leg, ())
            speaker = speaker_from(content.get("speaker"))
            legs[leg] = _with(() if isinstance(before, Nobody) else before, speaker)
    return replace(
        state,
        legs=legs,
        purpose=_text(content.get("purpose")) or state.purpose,
        recording_consent=_recording(content.get("recording_consent")) or state.recording_consent,
    )


def _with(stand: tuple[Speaker, ...], speaker: Speaker) -> tuple[Speaker, ...]:
    """Add a speaker to a leg; somebody who stands there stays in place, with what is new about them."""
    if any(s.first == speaker.first for s in stand):
        return tuple(united(s, speaker) if s.first == speaker.first else s for s in stand)
    return (*stand, speaker)


def _fresh(known: CallState | None, registration: Registration) -> list[tuple[LegName, Speaker]] | None:
    """Speakers to add, or None when the registration says nothing new."""
    there = {} if known is None else known.legs
    fresh: list[tuple[LegName, Speaker]] = []
    news = known is None
    for leg, on in registration.legs.items():
        before = there.get(leg)
        if isinstance(on, Nobody):
            news = news or before is None
            continue
        stand = () if before is None or isinstance(before, Nobody) else before
        fresh += [(leg, speaker) for speaker in on if _with(stand, speaker) != stand]
    if known is not None:
        news = news or registration.purpose not in {None, known.purpose}
        news = news or registration.recording_consent not in {None, known.recording_consent}
    return fresh if news or fresh else None


def _shared(registration: Registration) -> dict[str, Json]:
    legs: dict[str, Json] = {
        leg: "nobody" if isinstance(on, Nobody) else "speakers" for leg, on in registration.legs.items()
    }
    shared: dict[str, Json] = {"event": "joined", "call": registration.call, "legs": legs}
    if registration.purpose is not None:
        shared["purpose"] = registration.purpose
    if registration.recording_consent is not None:
        shared["recording_consent"] = registration.recording_consent
    return shared


def _recording(value: Json) -> RecordingConsent | None:
    return next((word for word in RECORDING_CONSENTS if word == value), None)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
