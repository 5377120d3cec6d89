"""Calls: who is on which leg, folded from insert-only events.

A leg is a list of speakers or `NOBODY`. What nobody said about a leg is unknown, and unknown denies. ``joined``
adds, ``left`` removes, nothing else does. Where things were told in more than one way, what denies stands: people
stand against `NOBODY`, and the weakest recording consent that was told against every other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries.parts import split_parts
from consentgate.errors import Malformed
from consentgate.ledger.book import Book, open_parts
from consentgate.ledger.speaker import NOBODY, Nobody, Speaker, speaker_from, united
from consentgate.ledger.vault import BODY
from consentgate.moment import from_text
from consentgate.policy.facts import RecordingConsent
from consentgate.storage import subjects
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass

LegName = Literal["Caller", "Callee"]
LEGS: Final[tuple[LegName, ...]] = get_args(LegName)
RECORDING_CONSENTS: Final[tuple[RecordingConsent, ...]] = get_args(RecordingConsent)
# The weakest first.
_STRENGTH: Final[Mapping[RecordingConsent | None, int]] = {
    "none": 0,
    "one_party": 1,
    "all_parties": 2,
    None: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """What the ledger knows of a call.

    Attributes:
        subject: the call's own row.
        legs: what is known of each leg; a leg that everybody left is unknown again.
        purpose: the purpose that was named first.
        recording_consent: the weakest that was told.
        entries: the call's entries, oldest first.
        since: time of the first of them.
        erased: whether somebody who was on it was erased.
        gone: who left each leg and did not come back.
        told: recording consents that were told, and the legs of which `NOBODY` was said.
        captured_at: the earliest that was told of when its recording begins, or None.
    """

    subject: UUID
    legs: Mapping[LegName, tuple[Speaker, ...] | Nobody]
    purpose: str | None
    recording_consent: RecordingConsent | None
    entries: tuple[UUID, ...]
    since: datetime
    erased: bool = False
    gone: Mapping[LegName, tuple[Speaker, ...]] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    captured_at: datetime | None = None

    def on(self, leg: LegName) -> tuple[Speaker, ...]:
        """Give the speakers on a leg.

        Args:
            leg: the leg.

        Returns:
            Them; none where the leg is unknown or `NOBODY`.
        """
        there = self.legs.get(leg, ())
        return () if isinstance(there, Nobody) else there


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


def with_speaker(stand: tuple[Speaker, ...], speaker: Speaker) -> tuple[Speaker, ...]:
    """Add a speaker to a leg; somebody who stands there stays in place, with what is new about them.

    Args:
        stand: who stands on the leg.
        speaker: who joins it.

    Returns:
        Who stands there then.
    """
    if any(s.first == speaker.first for s in stand):
        return tuple(united(s, speaker) if s.first == speaker.first else s for s in stand)
    return (*stand, speaker)


def weaker(one: RecordingConsent | None, other: RecordingConsent | None) -> RecordingConsent | None:
    """Choose between two things that were told about the recording.

    Args:
        one: what was told, or None.
        other: likewise.

    Returns:
        The one by which less may be recorded; None only where neither was told.
    """
    return min(one, other, key=_STRENGTH.__getitem__)


def _applied(state: CallState, row: LinkedEntry, keys: Mapping[UUID, bytes], body: bytes | None) -> CallState:
    offered = [keys[s] for s in row.subjects if s in keys]
    opened = open_parts(row.row, [*offered, *([body] if body else [])])
    for _, content in sorted(opened.items(), key=lambda part: int(part[0].rpartition(".")[2])):
        event = content.get("event")
        if event not in ("joined", "left"):
            raise Malformed("A stored call event cannot be read.")
        state = _joined(state, content) if event == "joined" else _left(state, content)
    # Somebody who was on the call is not known any more: nobody can say who is on its legs.
    return state if len(opened) == len(split_parts(row.row.parts)) else replace(state, erased=True)


def _joined(state: CallState, content: Mapping[str, Json]) -> CallState:
    legs, gone, told = dict(state.legs), dict(state.gone), set(state.told)
    named = content.get("legs")
    if not isinstance(named, Mapping):
        raise Malformed("A stored call event cannot be read.")
    for leg in LEGS:
        if named.get(leg) == "nobody":
            legs.setdefault(leg, NOBODY)
            told.add(leg)
    where = _leg(content)
    if where is not None:
        speaker = speaker_from(content.get("speaker"))
        legs[where] = with_speaker(state.on(where), speaker)
        gone[where] = tuple(s for s in gone.get(where, ()) if s.first != speaker.first)
    recording = _recording(content.get("recording_consent"))
    captured = _text(content.get("captured_at"))
    begins = [each for each in (state.captured_at, from_text(captured) if captured else None) if each]
    return replace(
        state,
        legs=legs,
        gone=gone,
        told=frozenset(told | ({recording} if recording else set())),
        purpose=state.purpose or _text(content.get("purpose")),
        recording_consent=weaker(state.recording_consent, recording),
        captured_at=min(begins, default=None),
    )


def _left(state: CallState, content: Mapping[str, Json]) -> CallState:
    leg, speaker = _leg(content), speaker_from(content.get("speaker"))
    if leg is None:
        raise Malformed("A stored call event cannot be read.")
    stand = state.on(leg)
    rest = tuple(s for s in stand if s.first != speaker.first)
    legs: dict[LegName, tuple[Speaker, ...] | Nobody] = {**state.legs, leg: rest}
    if not rest:
        # Whether somebody else is there now, nobody said.
        del legs[leg]
    left = tuple(s for s in stand if s.first == speaker.first)
    return replace(state, legs=legs, gone={**state.gone, leg: (*state.gone.get(leg, ()), *left)})


def _leg(content: Mapping[str, Json]) -> LegName | None:
    return next((leg for leg in LEGS if leg == content.get("leg")), None)


def _recording(value: Json) -> RecordingConsent | None:
    return next((word for word in RECORDING_CONSENTS if word == value), None)


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
