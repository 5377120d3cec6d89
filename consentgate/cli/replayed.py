"""How decisions that were decided again are shown: a count, and each that did not come out the same."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Done, worst
from consentgate.cli.text import fields, moment_text, paragraph, plain, short_ids, title, word
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.config.replaying import Replayed
    from consentgate.policy.decide import Decision

_SAID = {
    "same": "came out the same",
    "different": "came out otherwise",
    "broken": "cannot be decided again: something that they name is missing or altered",
    "sealed": "lie under keys that were destroyed",
    "no law": "asked no law: they were denied before, or are about nobody",
}
_EXITS = {"different": FINDING, "broken": FINDING, "sealed": INCOMPLETE}


def shown(found: "Iterable[Replayed]", *, every: bool) -> Done:
    """Show what came out.

    Args:
        found: the decisions, decided again.
        every: whether to show those too that came out the same.

    Returns:
        What the command came to: 1 where one came out otherwise or cannot be decided, 4 where one is sealed.
    """
    counts: Counter[str] = Counter(dict.fromkeys(_SAID, 0))
    kept = []
    for each in found:
        counts[each.verdict] += 1
        if every or each.verdict in _EXITS:
            kept.append(each)
    short = short_ids(str(each.entry) for each in kept)
    items: list[Json] = [_item(each) for each in kept]
    lines = [f"{counts[verdict]} {said}" for verdict, said in _SAID.items() if counts[verdict]]
    blocks = [*(_text(each, short[str(each.entry)]) for each in kept), "\n".join(lines) or "No decision yet."]
    return Done(
        result={"counts": {name.replace(" ", "_"): counts[name] for name in _SAID}, "items": items},
        text="\n\n".join(blocks),
        findings=tuple(_finding(each) for each in kept if each.verdict in _EXITS),
        exit=worst([_EXITS.get(each.verdict, DONE) for each in kept]),
    )


def _item(each: "Replayed") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "entry": str(each.entry),
        "kind": each.kind,
        "at": to_text(each.at),
        "part": each.part,
        "verdict": each.verdict.replace(" ", "_"),
        "why": each.why,
        "differs": list(each.differs),
        "stored": _decision(each.stored),
        "again": _decision(each.again),
    }


def _decision(decision: "Decision | None") -> dict[str, Json] | None:
    if decision is None:
        return None
    reasons: list[Json] = [*sorted({reason.code for reason in decision.reasons})]
    return {
        "decision": "allowed" if decision.allowed else "denied",
        "reasons": reasons,
        "grant": decision.grant,
    }


def _text(each: "Replayed", name: str) -> str:
    pairs = [
        ("at", moment_text(each.at)),
        ("found", word("ok") if each.verdict == "same" else paragraph(each.verdict)),
        ("why", paragraph(plain(each.why), indent=10).lstrip() if each.why else ""),
        ("differs", ", ".join(each.differs).replace("_", " ")),
        ("stored", _line(each.stored)),
        ("again", _line(each.again)),
    ]
    head = title(f"{each.kind} {name}") + (f"  {each.part}" if each.part else "")
    return f"{head}\n{fields(pairs, indent=2)}"


def _line(decision: "Decision | None") -> str:
    if decision is None:
        return ""
    codes = ", ".join(sorted({reason.code for reason in decision.reasons}))
    return word("allowed") if decision.allowed else f"{word('denied')}: {codes}"


def _finding(each: "Replayed") -> Finding:
    cures = {
        "different": "Run `consentgate verify`. With the registry of now: treat the outcome as one without consent.",
        "broken": "Run `consentgate verify`.",
        "sealed": "Nothing: the people that it was about were erased.",
    }
    return Finding(
        kind=each.verdict,
        where=f"{each.kind} {each.entry} {each.part}".strip(),
        expected=_plain(each.stored),
        found=" ".join(filter(None, (_plain(each.again), each.why))),
        cure=cures[each.verdict],
    )


def _plain(decision: "Decision | None") -> str:
    if decision is None:
        return ""
    return ", ".join(
        ["allowed" if decision.allowed else "denied", *sorted({reason.code for reason in decision.reasons})]
    )
