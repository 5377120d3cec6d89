"""What happened, in a sentence: one entry as somebody reads it who never heard of consentgate.

A `Told` is a title, its tone, and lines of label and value. Report, load file, texts and the document for the
person all say it from here, so they never disagree.

Invariants: pure; every kind of entry has a title, whatever of it is withheld; nothing that is withheld is told.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from consentgate.export.paper.members import Content, joined, text, value
from consentgate.export.paper.spoken import Said, pairs, said
from consentgate.export.paper.views import Ruling, rulings, withheld
from consentgate.export.paper.words import (
    ACTIONS,
    CONTAINERS,
    ENDS,
    FORMS,
    METHODS,
    PLAIN,
    SAID,
    SOURCES,
    STATES,
    STATES_OF_YOURS,
    WITHHELD,
    word,
)
from consentgate.export.paper.zones import Zone
from consentgate.export.record import Record
from consentgate.values import dataclass

Tone: TypeAlias = Literal["allowed", "denied", "given", "ended", "plain"]
Lines: TypeAlias = tuple[tuple[str, str], ...]

CAUSE: Final = "Because of"
"""Label of the line that names an entry by its id; whoever knows its Bates number shows that."""

LANES: Final[Mapping[Tone, str]] = {
    "given": "Consents given",
    "ended": "Refusals, withdrawals, stops",
    "allowed": "Requests allowed",
    "denied": "Requests denied",
    "plain": "Everything else",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry in words.

    Attributes:
        title: what happened, without a full stop.
        tone: what kind of event it is; colours and lanes follow from it, and words always say it too.
        lines: more about it, as label and value.
    """

    title: str
    tone: Tone = "plain"
    lines: Lines = ()


def told(record: Record, zone: Zone, *, you: bool = False) -> Told:
    """Say what happened.

    Args:
        record: the entry.
        zone: the zone of local times.
        you: whether the reader is the person whom the entry is about.

    Returns:
        The entry in words.
    """
    if record.parts and not any(record.content(name) is not None for name in record.parts):
        reasons = dict.fromkeys(part.reason for _, part in withheld(record))
        why = " ".join(word(WITHHELD, reason) for reason in reasons)
        return Told(title=_bare(record), tone=_tone(record), lines=(("Content", f"Withheld. {why}"),))
    return _TELLERS.get(record.kind, _plain)(record, zone, you)


def _bare(record: Record) -> str:
    names = {
        "statement": "A statement",
        "call": "Somebody joined or left a call",
        "assertion": "A fact was asserted",
        "intent": "A request was allowed",
        "denial": "A request was denied",
        "stop": "A task was ordered to stop",
        "observation": "Something was seen of a request",
    }
    if record.kind == "outcome":
        return word(ENDS, record.end or "")
    return names.get(record.kind) or word(PLAIN, record.kind)


def _tone(record: Record) -> Tone:
    tones: dict[str, Tone] = {"intent": "allowed", "denial": "denied", "stop": "ended"}
    return tones.get(record.kind, "plain")


def _plain(record: Record, _zone: Zone, _you: bool) -> Told:
    return Told(title=_bare(record), tone=_tone(record))


def _statement(record: Record, zone: Zone, you: bool) -> Told:
    found = said(record)
    if found is None:
        return _plain(record, zone, you)
    method = text(found.claims, "method")
    how = f" ({word(METHODS, method)})" if method else ""
    state = found.state or "A statement"
    tones: dict[str, Tone] = {"ConsentGiven": "given", "ConsentRefused": "ended", "ConsentWithdrawn": "ended"}
    title = f"{word(STATES_OF_YOURS if you else STATES, state)}{how}"
    return Told(title=title, tone=tones.get(state, "plain"), lines=_of_statement(found, zone))


def _of_statement(found: Said, zone: Zone) -> Lines:
    claims, given = found.claims, found.state == "ConsentGiven"
    notice = " ".join(filter(None, (text(claims, "notice", each) for each in ("id", "version", "language"))))
    return _filled(
        ("Who", ", ".join(found.references)),
        ("Expressed", zone.told(text(claims, "event_time"))),
        ("Purposes", joined(claims, "purposes")),
        ("Operations", joined(claims, "operations")),
        ("For", joined(claims, "controllers")),
        ("Form", word(FORMS, text(claims, "consent_form")) if given else ""),
        ("Signature", text(claims, "signature_kind") if given else ""),
        ("Jurisdictions", joined(claims, "jurisdictions")),
        ("Notice", notice),
        *(("Proved by", "; SHA-256 ".join(filter(None, (p.about, p.sha256)))) for p in found.evidence),
        ("Valid until", zone.told(text(claims, "valid_until"))),
        ("Uses", text(claims, "max_uses")),
        ("Attested by", text(claims, "iss")),
        ("Statement id", text(claims, "jti")),
    )


def _request(record: Record, zone: Zone, you: bool) -> Told:
    found = tuple(rulings(record))
    if not found:
        return _plain(record, zone, you)
    verdict = "allowed" if record.kind == "intent" else "denied"
    whom = "you" if you else " and ".join(each.speaker for each in found if each.speaker)
    action = CONTAINERS.get(found[0].operation) or word(ACTIONS, found[0].action) or "Request"
    title = f"{action} {verdict}" + (f" for {whom}" if whom else "")
    return Told(title=title, tone="allowed" if verdict == "allowed" else "denied", lines=_of_request(found))


def _of_request(found: tuple[Ruling, ...]) -> Lines:
    first = found[0]
    request = " ".join(filter(None, (first.service, first.operation)))
    return _filled(
        ("Who", "; ".join(dict.fromkeys(each for ruling in found for each in ruling.references))),
        ("Request", f"{request}{f' in {first.region}' if first.region and request else ''}"),
        ("Purpose", first.purpose),
        ("Call", " ".join(filter(None, (first.call, first.leg and f"({first.leg})")))),
        ("Jurisdictions", ", ".join(dict.fromkeys(each for ruling in found for each in ruling.candidates))),
        ("Evidence", ", ".join(dict.fromkeys(each for ruling in found for each in ruling.evidence))),
        ("Rules", "; ".join(dict.fromkeys(each for ruling in found for each in ruling.packs))),
        ("Asserted", "; ".join(dict.fromkeys(each for ruling in found for each in ruling.assertions))),
    )


def _call(record: Record, _zone: Zone, you: bool) -> Told:
    shown = [content for name in record.parts if (content := record.content(name)) is not None]
    first: Content = shown[0] if shown else {}
    people = [each for each in shown if value(each, "speaker") is not None]
    left = text(first, "event") == "left"
    known = [", ".join(pairs(each, "speaker", "references")) for each in people]
    names = "; ".join(filter(None, known))
    who = "You" if you else f"{len(people)} speakers" if len(people) > 1 else "A speaker"
    leg = text(first, "leg")
    place = f" as {leg.lower()}" if leg and len(people) == 1 else ""
    legs = value(first, "legs")
    told_legs = [f"{leg}: {told}" for leg, told in legs.items()] if isinstance(legs, Mapping) else []
    title = f"{who} {'left' if left else 'joined'} a call{place}" if people else "What a call was told"
    return Told(
        title=title,
        lines=_filled(
            ("Who", names),
            ("Call", text(first, "call")),
            ("Legs", ", ".join(told_legs)),
            ("Purpose", text(first, "purpose")),
            ("Recording agreed", text(first, "recording_consent").replace("_", " ")),
        ),
    )


def _assertion(record: Record, zone: Zone, you: bool) -> Told:
    shown: Content = record.content("assertion.0") or record.content("body.0") or {}
    given = text(shown, "value")
    name = text(shown, "name").replace("_", " ")
    who = "It was stated about you" if you and "assertion.0" in record.parts else "The controller asserted"
    return Told(
        title=f"{who}: {name}{f' = {given}' if given else ' (taken back)'}",
        lines=_filled(("By", text(shown, "by")), ("Since", zone.told(text(shown, "since")))),
    )


def _outcome(record: Record, _zone: Zone, _you: bool) -> Told:
    exchange = _exchange(record)
    status, error = text(exchange, "status"), text(exchange, "error")
    return Told(
        title=word(ENDS, record.end or "unknown"),
        lines=_filled(
            ("Answer", " ".join(filter(None, (status and f"HTTP {status}", error)))),
            ("Task", text(exchange, "task")),
            ("Vendor's request id", text(exchange, "request_id")),
            ("Results", _results(record, exchange)),
        ),
    )


def _observation(record: Record, zone: Zone, you: bool) -> Told:
    exchange = _exchange(record)
    task = ("Task", text(exchange, "task"))
    if value(exchange, "stopped") is not None:
        done = value(exchange, "stopped") is True
        what = word(SAID, text(exchange, "said"))
        return Told(
            title=f"The order to stop was {'carried out' if done else 'tried'}{f': {what}' if what else ''}",
            tone="ended",
        )
    if "operation" in exchange:
        answer = " ".join(filter(None, (text(exchange, "status"), text(exchange, "error"))))
        return Told(
            title=f"A client called {text(exchange, 'operation')}", lines=_filled(task, ("Answer", answer))
        )
    if "source" in exchange:
        how = word(SOURCES, text(exchange, "source"))
        return Told(
            title=f"Seen of the task: {text(exchange, 'status') or 'no status'}",
            lines=_filled(
                ("How", how),
                ("Vendor's time", zone.told(text(exchange, "seen_at"))),
                task,
                ("Results", _results(record, exchange)),
            ),
        )
    return _outcome(record, zone, you)


def _results(record: Record, exchange: Content) -> str:
    if any(name == "matches.0" for name, _ in withheld(record)):
        return "withheld: they name other people"
    return (
        "in this entry"
        if "matches.0" in record.parts
        else "there were some"
        if value(exchange, "results")
        else ""
    )


def _exchange(record: Record) -> Content:
    for name in sorted(record.parts):
        content = record.content(name)
        if content is not None and name.startswith("exchange"):
            return content
        if content is not None and name == "body.0":
            inner = value(content, "exchange")
            return inner if isinstance(inner, Mapping) else {}
    return {}


def _stop(record: Record, _zone: Zone, _you: bool) -> Told:
    cause = text(record.content("decision.0") or {}, "cause")
    return Told(title="The task was ordered to stop", tone="ended", lines=_filled((CAUSE, cause)))


def _filled(*lines: tuple[str, str]) -> Lines:
    return tuple((label, shown) for label, shown in lines if shown)


_TELLERS: Final[Mapping[str, Callable[[Record, Zone, bool], Told]]] = {
    "statement": _statement,
    "intent": _request,
    "denial": _request,
    "call": _call,
    "assertion": _assertion,
    "outcome": _outcome,
    "observation": _observation,
    "stop": _stop,
}
