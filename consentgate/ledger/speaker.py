"""Who is on a call: speakers, their references and the evidence of where they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, final

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.errors import InvalidInput, Malformed
from consentgate.moment import floor, from_text, to_text
from consentgate.packs.rules import Setting
from consentgate.policy.facts import Evidence

_OLDEST: Final = 150
_ADULT: Final = 18
# The one in which laws forbid most first: what was told of the same person twice must not lose what denies.
_SETTINGS: Final[tuple[Setting, ...]] = ("workplace", "education", "customer")


@final
class Nobody:
    """The type of `NOBODY`: this leg carries no human voice, for example an IVR."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOBODY"


NOBODY: Final = Nobody()


@dataclass(frozen=True, slots=True)
class Speaker:
    """A person on a call.

    Attributes:
        references: how you know the person, the most certain first: it names the subject, the others only
            reach refusals and withdrawals that were given under them. `Reference` values or (kind, value)
            pairs.
        evidence: from which it follows which laws protect the person.
        age: in whole years, or None.
        adult: the person is at least 18; use it where the exact age is not known. False does not say that the
            person is younger.
        last_interaction_at: the interaction before this call; by default the ledger's previous call of the
            person.
        setting: as what they are on the call: ``customer``, ``workplace`` or ``education``; None is unknown, and what
            a law forbids in one of these is then forbidden.
    """

    references: Sequence[Reference | tuple[str, str]] = field(repr=False)
    evidence: Sequence[Evidence] = field(default=(), repr=False)
    age: int | None = field(default=None, repr=False)
    adult: bool = field(default=False, repr=False)
    last_interaction_at: datetime | None = field(default=None, repr=False)
    setting: Setting | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        given: tuple[object, object] = (self.references, self.evidence)
        if not isinstance(given[0], Iterable) or not (references := tuple(map(_reference, self.references))):
            raise InvalidInput("A speaker needs at least one reference, for example ('customer', '1001').")
        if not isinstance(given[1], Iterable) or not all(isinstance(e, Evidence) for e in self.evidence):
            raise InvalidInput("evidence is a list of Evidence values.")
        age: object = self.age
        if age is not None and not (type(age) is int and 0 <= age <= _OLDEST):
            raise InvalidInput(f"age is a number of whole years from 0 to {_OLDEST}, or None.")
        if not isinstance(self.adult, bool):
            raise InvalidInput("adult is True or False.")
        if self.adult and self.age is not None and self.age < _ADULT:
            raise InvalidInput(
                f"A speaker under {_ADULT} is not an adult: age and adult contradict each other."
            )
        if self.setting is not None and self.setting not in _SETTINGS:
            raise InvalidInput(f"setting is one of {', '.join(_SETTINGS)}, or None.")
        object.__setattr__(self, "references", references)
        object.__setattr__(self, "evidence", tuple(self.evidence))
        if self.last_interaction_at is not None:
            object.__setattr__(self, "last_interaction_at", floor(self.last_interaction_at))

    @property
    def known_as(self) -> tuple[Reference, ...]:
        """The references, as values."""
        return tuple(_reference(r) for r in self.references)

    @property
    def first(self) -> Reference:
        """The reference that names the subject."""
        return self.known_as[0]


def united(one: Speaker, other: Speaker) -> Speaker:
    """Unite what was said about the same person twice: nothing that denies is lost.

    Args:
        one: what was said first.
        other: what was said later, under the same first reference.

    Returns:
        All references and evidence, the lower age, the earlier interaction, the setting in which more is forbidden.
    """
    ages = [age for age in (one.age, other.age) if age is not None]
    times = [at for at in (one.last_interaction_at, other.last_interaction_at) if at is not None]
    age = min(ages, default=None)
    return Speaker(
        references=tuple(dict.fromkeys((*one.known_as, *other.known_as))),
        evidence=tuple(dict.fromkeys((*one.evidence, *other.evidence))),
        age=age,
        adult=(one.adult or other.adult) and (age is None or age >= _ADULT),
        last_interaction_at=min(times, default=None),
        setting=next((each for each in _SETTINGS if each in (one.setting, other.setting)), None),
    )


def speaker_json(speaker: Speaker) -> dict[str, Json]:
    """Give a speaker's stored form.

    Args:
        speaker: the speaker.

    Returns:
        Its canonical JSON members; it holds references in clear and is only ever stored sealed.
    """
    out: dict[str, Json] = {
        "references": [{"kind": r.kind, "value": r.value} for r in speaker.known_as],
        "evidence": [
            {
                "code": e.code,
                "kind": e.kind,
                "source": e.source,
                "confidence": e.confidence,
                **({"observed_at": to_text(e.observed_at)} if e.observed_at else {}),
            }
            for e in speaker.evidence
        ],
        "adult": speaker.adult,
    }
    if speaker.age is not None:
        out["age"] = speaker.age
    if speaker.last_interaction_at is not None:
        out["last_interaction_at"] = to_text(speaker.last_interaction_at)
    if speaker.setting is not None:
        out["setting"] = speaker.setting
    return out


def speaker_from(stored: Json) -> Speaker:
    """Read a speaker's stored form.

    Args:
        stored: what `speaker_json` gave.

    Returns:
        The speaker.

    Raises:
        Malformed: it is something else.
    """
    try:
        return _speaker_from(stored)
    except (KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise Malformed("A stored speaker cannot be read.") from error


def _speaker_from(stored: Json) -> Speaker:
    if not isinstance(stored, Mapping):
        raise Malformed("A stored speaker is not an object.")
    last = stored.get("last_interaction_at")
    age = stored.get("age")
    return Speaker(
        references=[Reference(kind=r["kind"], value=r["value"]) for r in _objects(stored["references"])],
        evidence=[_evidence(e) for e in _objects(stored["evidence"])],
        age=age if isinstance(age, int) else None,
        adult=stored["adult"] is True,
        last_interaction_at=from_text(last) if isinstance(last, str) else None,
        setting=next((each for each in _SETTINGS if each == stored.get("setting")), None),
    )


def _evidence(stored: Mapping[str, str]) -> Evidence:
    observed = stored.get("observed_at")
    return Evidence(
        code=stored["code"],
        kind=stored["kind"],
        source=stored["source"],
        confidence=stored["confidence"],
        observed_at=from_text(observed) if observed else None,
    )


def _objects(stored: Json) -> list[dict[str, str]]:
    if not isinstance(stored, list):
        raise Malformed("A stored list is not a list.")
    out = []
    for item in stored:
        if not isinstance(item, Mapping) or not all(isinstance(v, str) for v in item.values()):
            raise Malformed("A stored object has members that are no text.")
        out.append({k: str(v) for k, v in item.items()})
    return out


def _reference(given: object) -> Reference:
    if isinstance(given, Reference):
        return given
    if not (isinstance(given, tuple) and len(given) == 2):
        raise InvalidInput("A reference is a Reference or a (kind, value) pair.")
    return Reference(kind=given[0], value=given[1])
