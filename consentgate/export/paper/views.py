"""What the paper of a package says about an entry, taken out of its opened parts.

A `Ruling` is a decision about one speaker. It is read leniently: an export shows what was sealed, and whether that is
right is the verifiers' question.

Invariants: pure; whatever the parts, nothing raises; what is withheld is nowhere in a view.
"""

from collections.abc import Iterator
from datetime import datetime

from consentgate.canonical import Json
from consentgate.export.paper.members import Content, items, joined, objects, text, value
from consentgate.export.paper.spoken import pairs
from consentgate.export.paper.zones import stored
from consentgate.export.record import Record, Withheld
from consentgate.policy.reasons import DEFINITIONS
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause of law that a decision rests on: whose law it is, and where it stands."""

    pack: str
    citation: str
    uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason of a denial.

    Attributes:
        code: its code.
        sentence: what is wrong, for a person.
        cure: what would make it go away.
        clauses: the law behind it; none for the gate's own reasons.
    """

    code: str
    sentence: str
    cure: str
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What followed from a decision: what to do, by when or an empty text, and the law behind it."""

    duty: str
    due: str = ""
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A decision about one speaker, or about a request as such.

    Attributes:
        part: the part that holds it.
        speaker: how the decision called the speaker; empty where it is about nobody.
        request: ``allowed`` or ``denied``: what became of the request as a whole.
        verdict: the same for this speaker alone.
        at: when it was made, or None where that is not told.
        action: what would be done with the voice.
        operation: the vendor's operation.
        service: the vendor's service.
        region: the client's region.
        purpose: what for.
        call: the call's name.
        leg: where on the call the speaker was.
        references: the speaker's references, as kind and value.
        evidence: what pointed to jurisdictions, as code and kind.
        candidates: the jurisdictions that were asked about.
        packs: the packs that applied, with the day from which their rules held.
        pack_set: digest of the whole set.
        reasons: why it was denied.
        missing: elements that the notice lacked.
        duties: what followed.
        grant: entry of the consent that it rests on, or an empty text.
        through: entry that binds two references, or an empty text.
        considered: how many consents were looked at.
        assertions: what the controller had asserted.
        controller: the controller's id.
        engine: the version of consentgate that decided.
    """

    part: str
    speaker: str
    request: str
    verdict: str
    at: datetime | None
    action: str
    operation: str
    service: str
    region: str
    purpose: str
    call: str
    leg: str
    references: tuple[str, ...]
    evidence: tuple[str, ...]
    candidates: tuple[str, ...]
    packs: tuple[str, ...]
    pack_set: str
    reasons: tuple[Why, ...]
    missing: tuple[str, ...]
    duties: tuple[Duty, ...]
    grant: str
    through: str
    considered: int
    assertions: tuple[str, ...]
    controller: str
    engine: str


def rulings(record: Record) -> Iterator[Ruling]:
    """Give the decisions of an intent or a denial.

    Args:
        record: any entry.

    Yields:
        One for each speaker whose part is open, or one for the request where it is about nobody.
    """
    if record.kind not in ("intent", "denial"):
        return
    for name in record.parts:
        content = record.content(name)
        if content is None:
            continue
        word, _, number = name.partition(".")
        if word == "decision":
            exchange = record.content(f"exchange.{number}") or {}
            yield _ruling(name, content, value(content, "decision"), exchange)
        elif word == "body" and value(content, "decision") is not None:
            inner = value(content, "decision")
            yield _ruling(name, inner, inner, value(content, "exchange"))


def withheld(record: Record) -> Iterator[tuple[str, Withheld]]:
    """Give what is withheld of an entry.

    Args:
        record: any entry.

    Yields:
        Each part with what stands in its place.
    """
    for name, part in record.parts.items():
        if isinstance(part, Withheld):
            yield name, part


def _ruling(part: str, outer: Json, inner: Json, exchange: Json) -> Ruling:
    request = text(outer, "request")
    allowed = value(inner, "allowed")
    verdict = request if not isinstance(allowed, bool) else "allowed" if allowed else "denied"
    return Ruling(
        part=part,
        speaker=text(inner, "speaker"),
        request=request,
        verdict=verdict,
        at=stored(text(inner, "at")),
        action=text(outer, "action"),
        operation=text(exchange, "operation"),
        service=text(exchange, "service"),
        region=text(exchange, "region"),
        purpose=text(outer, "purpose"),
        call=text(outer, "call"),
        leg=text(outer, "leg"),
        references=pairs(outer, "references"),
        evidence=tuple(_evidence(each) for each in objects(outer, "speaker", "evidence")),
        candidates=tuple(text({"_": each}, "_") for each in items(inner, "candidates")),
        packs=tuple(_pack(each) for each in objects(inner, "packs")),
        pack_set=text(outer, "packs"),
        reasons=tuple(_why(each) for each in objects(inner, "reasons")),
        missing=tuple(text({"_": each}, "_") for each in items(inner, "missing_notice_elements")),
        duties=tuple(_duty(each) for each in objects(inner, "obligations")),
        grant=text(inner, "grant"),
        through=text(inner, "through"),
        considered=len(items(inner, "considered")),
        assertions=tuple(f"{text(a, 'name')} = {text(a, 'value')}" for a in objects(inner, "assertions")),
        controller=text(outer, "controller"),
        engine=text(outer, "engine"),
    )


def _evidence(each: Content) -> str:
    return f"{text(each, 'code')} ({text(each, 'kind').replace('_', ' ')})"


def _pack(each: Content) -> str:
    more = [
        f"{word} {joined(each, name)}"
        for word, name in (("exempt:", "exemptions"), ("condition:", "conditions"))
        if items(each, name)
    ]
    return ", ".join([f"{text(each, 'code')} since {text(each, 'since')}", *more])


def _why(each: Content) -> Why:
    code = text(each, "code")
    definition = DEFINITIONS.get(code.partition(":")[0])
    if definition is None:
        return Why(
            code=code,
            sentence="A reason that this version does not know.",
            cure="",
            clauses=_clauses(each),
        )
    detail = [*([code.partition(":")[2]] if ":" in code else []), *_words(each)]
    sentence = definition.sentence
    told = f"{sentence[:-1]}: {', '.join(detail)}." if detail else sentence
    return Why(code=code, sentence=told.replace("_", " "), cure=definition.cure, clauses=_clauses(each))


def _words(each: Content) -> list[str]:
    return [text({"_": word}, "_") for word in items(each, "detail")]


def _clauses(each: Content) -> tuple[Clause, ...]:
    return tuple(
        Clause(
            pack=text(basis, "pack"),
            citation=text(basis, "citation"),
            uncertain=value(basis, "uncertain") is True,
        )
        for basis in objects(each, "bases")
    )


def _duty(each: Content) -> Duty:
    return Duty(duty=text(each, "duty"), due=text(each, "due"), clauses=_clauses(each))
