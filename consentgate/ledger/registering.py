"""Saying who joined a call and who left it, as entries.

Telling again what was told already writes nothing, in whatever order notices of the telephony system arrive.
What would take back, by its mere being told, something that denies is refused: people leave by `leave` alone, a
call has one purpose, and the recording consent only becomes weaker (`docs/adr/0015-what-a-call-was-told.md`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.consent.terms import check_text
from consentgate.errors import InvalidInput, RecordConflict
from consentgate.ledger import calls
from consentgate.ledger.book import Book, Content
from consentgate.ledger.calls import RECORDING_CONSENTS, CallState, LegName
from consentgate.ledger.hints import hinted
from consentgate.ledger.speaker import Nobody, Speaker, speaker_json
from consentgate.ledger.vault import BODY
from consentgate.moment import floor, to_text
from consentgate.policy.facts import RecordingConsent
from consentgate.values import dataclass

MAX_ON_LEG: Final = 12

Leaver: TypeAlias = Speaker | Reference | tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the backend says about a call.

    Attributes:
        call: the call's name.
        legs: speakers or `NOBODY` per leg; a leg that is missing is unknown.
        purpose: what the comparison is for, or None for the default of the settings.
        recording_consent: who agreed to the recording of the call, or None for the standing assertion.
        captured_at: when the recording begins that requests may start from, or None.
    """

    call: str = field(repr=False)
    legs: Mapping[LegName, Sequence[Speaker] | Nobody]
    purpose: str | None = None
    recording_consent: RecordingConsent | None = None
    captured_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.legs:
            raise InvalidInput("A call needs at least one leg: speakers, or NOBODY.")
        for leg, on in self.legs.items():
            if isinstance(on, Nobody):
                continue
            given: object = on
            if not isinstance(given, Sequence) or not given or not all(isinstance(s, Speaker) for s in given):
                raise InvalidInput(f"The {leg} leg is a non-empty list of speakers, or NOBODY.")
            if len(on) > MAX_ON_LEG:
                raise InvalidInput(f"The {leg} leg takes at most {MAX_ON_LEG} speakers.")
        if self.purpose is not None:
            check_text(self.purpose, "purpose", limit=256)
        if self.recording_consent is not None and self.recording_consent not in RECORDING_CONSENTS:
            raise InvalidInput(f"recording_consent is one of {', '.join(RECORDING_CONSENTS)}.")
        if self.captured_at is not None:
            object.__setattr__(self, "captured_at", floor(self.captured_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Who left a call.

    Attributes:
        call: the call's name.
        legs: who left each leg, by any reference under which they stand there.
    """

    call: str = field(repr=False)
    legs: Mapping[LegName, Sequence[Leaver]]

    def __post_init__(self) -> None:
        gone: tuple[object, ...] = tuple(self.legs.values())
        if not gone or not all(isinstance(each, list | tuple) and each for each in gone):
            raise InvalidInput("Say who left, for example caller=[speaker] or caller=[('customer', '1001')].")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a registration came to.

    Attributes:
        entry: id of its entry; of the first where it took more than one.
        at: its time.
        earlier: whether the call was known before.
        people: on which leg somebody joined, or became known better; named by their first reference.
        weakened: whether less may be recorded than before.
    """

    entry: UUID
    at: datetime
    earlier: bool
    people: frozenset[tuple[LegName, Reference]] = field(repr=False)
    weakened: bool


def register(book: Book, connection: Connection, registration: Registration) -> Registered | None:
    """Write a registration.

    Args:
        book: the ledger.
        connection: an open write transaction.
        registration: what the backend says.

    Returns:
        What was written, or None when all of it stands already.

    Raises:
        RecordConflict: it takes back what was told before.
    """
    registration = _hinted(registration)
    people = [s for on in registration.legs.values() if not isinstance(on, Nobody) for s in on]
    book.hold(connection, [r for speaker in people for r in speaker.known_as], call=registration.call)
    at = book.now()
    known = calls.read(book, connection, registration.call)
    if known is not None:
        _refuse_conflict(known, registration)
    fresh = _fresh(known, registration)
    if fresh is None:
        return None
    subject = book.vault.ensure_call(connection, registration.call)
    shared = _shared(registration)
    written: list[UUID] = []
    # An entry has a part for each speaker, and at most twelve of them.
    for start in range(0, max(len(fresh), 1), MAX_ON_LEG):
        events = fresh[start : start + MAX_ON_LEG]
        written.append(_write(book, connection, at, subject, shared, events))
    before = known.recording_consent if known else None
    return Registered(
        entry=written[0],
        at=at,
        earlier=known is not None,
        people=frozenset((leg, speaker.first) for leg, speaker in fresh),
        weakened=calls.weaker(before, registration.recording_consent) != before,
    )


def leave(book: Book, connection: Connection, departure: Departure) -> UUID | None:
    """Write that people left a call.

    Args:
        book: the ledger.
        connection: an open write transaction.
        departure: who left.

    Returns:
        Id of the entry, or None when all of them had left already.

    Raises:
        InvalidInput: nobody registered the call, or somebody named here was never on that leg.
    """
    named = {leg: [_known_as(each) for each in gone] for leg, gone in departure.legs.items()}
    references = [r for gone in named.values() for known_as in gone for r in known_as]
    book.hold(connection, references, call=departure.call)
    at = book.now()
    state = calls.read(book, connection, departure.call)
    if state is None:
        raise InvalidInput("Nobody registered this call; register_call comes before leave_call.")
    gone = [(leg, _found(state, leg, each)) for leg, leaving in named.items() for each in leaving]
    events = list(dict.fromkeys((leg, speaker) for leg, speaker in gone if speaker is not None))
    if not events:
        return None
    legs: dict[str, Json] = {leg: "speakers" for leg, _ in events}
    shared: dict[str, Json] = {"event": "left", "call": departure.call, "legs": legs}
    written: list[UUID] = []
    for start in range(0, len(events), MAX_ON_LEG):
        # What was told about the person stands with the joining; here it is enough to say who it was.
        some = [(leg, Speaker(speaker.known_as)) for leg, speaker in events[start : start + MAX_ON_LEG]]
        written.append(_write(book, connection, at, state.subject, shared, some))
    return written[0]


def _hinted(registration: Registration) -> Registration:
    legs: dict[LegName, Sequence[Speaker] | Nobody] = {
        leg: on if isinstance(on, Nobody) else [hinted(speaker) for speaker in on]
        for leg, on in registration.legs.items()
    }
    return replace(registration, legs=legs)


def _write(
    book: Book,
    connection: Connection,
    at: datetime,
    call: UUID,
    shared: Mapping[str, Json],
    events: Sequence[tuple[LegName, Speaker]],
) -> UUID:
    contents: list[Content] = []
    about = [call]
    for leg, speaker in events:
        subject = book.vault.ensure(connection, speaker.first)
        members = {**shared, "leg": leg, "speaker": speaker_json(speaker)}
        contents.append(Content(name=f"call.{len(contents)}", data_key=subject.data_key, members=members))
        # A withdrawal under any of the references must find what is under way.
        about += [book.vault.ensure(connection, other).id for other in speaker.known_as[1:]]
        about.append(subject.id)
    if not contents:
        key = book.vault.ensure_key(connection, BODY)
        contents.append(Content(name="body.0", data_key=key.data_key, members=shared))
    return book.write(connection, "call", at, contents, about).id


def _refuse_conflict(known: CallState, registration: Registration) -> None:
    for leg, on in registration.legs.items():
        # NOBODY that was said before the people came is an old notice that arrived again.
        if isinstance(on, Nobody) and known.on(leg) and leg not in known.told:
            raise RecordConflict(
                f"People are registered on the {leg} leg of this call. They leave with leave_call; NOBODY "
                "removes nobody. Nothing was written."
            )
    if registration.purpose is not None and known.purpose not in (None, registration.purpose):
        raise RecordConflict(
            "This call was registered for another purpose, and a call has one. Nothing was written."
        )
    told, stands = registration.recording_consent, known.recording_consent
    if (
        told is not None
        and told not in known.told
        and stands is not None
        and calls.weaker(told, stands) != told
    ):
        raise RecordConflict(
            f"This call was registered with recording_consent {stands!r}; {told!r} would take that back. "
            "Say nothing about the recording until it is known. Nothing was written."
        )


def _fresh(known: CallState | None, registration: Registration) -> list[tuple[LegName, Speaker]] | None:
    """Speakers to add, or None when the registration says nothing new."""
    fresh: list[tuple[LegName, Speaker]] = []
    news = known is None
    for leg, on in registration.legs.items():
        if isinstance(on, Nobody):
            news = news or known is None or leg not in known.legs
            continue
        stand = known.on(leg) if known else ()
        fresh += [(leg, speaker) for speaker in on if calls.with_speaker(stand, speaker) != stand]
    if known is not None:
        news = news or registration.purpose not in {None, known.purpose}
        told = registration.recording_consent
        news = news or calls.weaker(known.recording_consent, told) != known.recording_consent
        begins, known_from = registration.captured_at, known.captured_at
        news = news or (begins is not None and (known_from is None or begins < known_from))
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
    if registration.captured_at is not None:
        shared["captured_at"] = to_text(registration.captured_at)
    return shared


def _known_as(leaver: Leaver) -> tuple[Reference, ...]:
    return leaver.known_as if isinstance(leaver, Speaker) else Speaker([leaver]).known_as


def _found(state: CallState, leg: LegName, known_as: tuple[Reference, ...]) -> Speaker | None:
    """Find who left by their first reference; None when they had left already."""
    for there, stands in ((state.on(leg), True), (state.gone.get(leg, ()), False)):
        exact = [s for s in there if s.first == known_as[0]]
        fitting = exact or [s for s in there if known_as[0] in s.known_as]
        if len(fitting) > 1:
            raise InvalidInput(
                f"Several people on the {leg} leg have this reference: name the one who left by the first "
                "reference that they were registered with."
            )
        if fitting:
            return fitting[0] if stands else None
    raise InvalidInput(f"Nobody with this reference was registered on the {leg} leg of this call.")
