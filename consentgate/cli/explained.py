"""How an explanation is shown: the verdict first, then each speaker from consents to cures."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Done
from consentgate.cli.text import WIDTH, faint, fields, moment_text, paragraph, plain, short_ids, title, word
from consentgate.verify.result import Finding

if TYPE_CHECKING:
    from datetime import datetime

    from consentgate.config.explain import Explained
    from consentgate.config.scenarios import Answer
    from consentgate.config.trace import Asked, Shown, Trace
    from consentgate.consent.state import Consent
    from consentgate.packs.packset import PackSet
    from consentgate.policy.facts import Evidence
    from consentgate.policy.reasons import Reason

_MARKS = {"met": ("✓", "green"), "not met": ("✗", "red"), "not judged": ("·", None)}


def shown(explained: "Explained") -> Done:
    """Show an explanation.

    Args:
        explained: the explanation.

    Returns:
        What the command came to: exit code 1 when the request would be denied.
    """
    verdict = explained.verdict
    traces = tuple(each.trace for each in explained.speakers)
    return _done(verdict.at, verdict.purpose, verdict.reasons, traces, allowed=verdict.allowed)


def shown_scenarios(answers: "Sequence[Answer]", packs: "PackSet") -> Done:
    """Show how the decisions of scenarios came about.

    Args:
        answers: scenarios with their results; one or more.
        packs: the rules that they were decided by.

    Returns:
        What the command came to: exit code 1 when one of them would be denied. With several scenarios the result
        lists them under ``items``.

    Raises:
        PackInvalid: a pack cannot be used.
    """
    dones = [_scenario(each, packs) for each in answers]
    if len(dones) == 1:
        return dones[0]
    items: list[Json] = [
        {"id": each.scenario.id, **done.result} for each, done in zip(answers, dones, strict=True)
    ]
    return Done(
        result={"items": items},
        text="\n\n\n".join(done.text for done in dones),
        findings=tuple(finding for done in dones for finding in done.findings),
        exit=max(done.exit for done in dones),
    )


def _scenario(answer: "Answer", packs: "PackSet") -> Done:
    from consentgate.config.trace import trace

    result, title_text = answer.result, plain(answer.scenario.title)
    how = trace(
        packs,
        result.decision,
        result.requirements,
        result.state,
        name=f"{answer.scenario.id}  {title_text}".rstrip(),
        evidence=result.evidence,
        stored=False,
    )
    decision = result.decision
    return _done(decision.at, result.purpose, decision.reasons, (how,), allowed=decision.allowed)


def _done(
    at: "datetime",
    purpose: str | None,
    reasons: "tuple[Reason, ...]",
    traces: "tuple[Trace, ...]",
    *,
    allowed: bool,
) -> Done:
    from consentgate.moment import to_text

    decision = "allowed" if allowed else "denied"
    speakers: list[Json] = [_speaker_item(each) for each in traces]
    listed: list[Json] = [_reason_item(each) for each in reasons]
    result: dict[str, Json] = {
        "decision": decision,
        "at": to_text(at),
        "purpose": purpose,
        "reasons": listed,
        "speakers": speakers,
    }
    head = [("decision", word(decision)), ("at", moment_text(at)), ("purpose", purpose or "not given")]
    blocks = [fields(head), *(_speaker_text(each) for each in traces)]
    if not traces:
        blocks.append(_reasons_text(reasons))
    return Done(
        result=result,
        text="\n\n".join(block for block in blocks if block),
        findings=tuple(_finding(each) for each in reasons),
        exit=DONE if allowed else FINDING,
    )


def _speaker_text(how: "Trace") -> str:
    decision, state = how.decision, how.state
    short = short_ids(dict.fromkeys(e for each in state.consents for e in _entries(each)))
    if not how.stored:
        short = {each: each for each in short}
    consents = "\n".join(
        _consent_line(each, short, decision.grant, _time_said(how, each)) for each in state.consents
    )
    packs = "\n".join(
        f"{used.code}  {faint(f'in force since {used.since}')}"
        + (f"  exempt: {', '.join(used.exemptions)}" if used.exemptions else "")
        + (f"  conditions: {', '.join(used.conditions)}" if used.conditions else "")
        for used in decision.packs
    )
    assertions = "\n".join(
        f"{each.name} = {plain(each.value)}"
        + faint(f"  by {plain(each.by)}, since {moment_text(each.since)}")
        for each in decision.assertions
    )
    pairs = [
        ("consents", consents or "none"),
        ("candidates", ", ".join(decision.candidates) or "none"),
        ("hints", _hints(how.evidence)),
        ("packs", packs or "none"),
        ("assertions", assertions or "none read" if how.stored else ""),
        ("obligations", "\n".join(each.text for each in decision.obligations)),
    ]
    blocks = [title(how.name), fields(pairs, indent=2)]
    if how.asked:
        blocks += [title("  What is asked"), "\n".join(_asked_line(each) for each in how.asked)]
    blocks.append(_reasons_text(decision.reasons))
    if how.shown:
        blocks += [title("  Shown only: no decision depends on it"), "\n".join(map(_shown_line, how.shown))]
    return "\n\n".join(block for block in blocks if block)


def _shown_line(each: "Shown") -> str:
    clause = textwrap.shorten(each.basis.citation, WIDTH - 6, placeholder=" …")
    head = f"  {each.basis.pack:<6}  "
    return f"{paragraph(plain(each.sentence), first=head, indent=len(head))}\n{faint(f'      {clause}')}"


def _hints(evidence: "tuple[Evidence, ...]") -> str:
    from consentgate.policy.facts import PHONE_NUMBER, evidence_kind

    # They add laws that nobody named: whoever wonders where these come from finds it here.
    found = (each for each in evidence if evidence_kind(each.kind) == PHONE_NUMBER)
    return "\n".join(
        f"{plain(each.code)}  {faint(f'by phone number, {plain(each.source)}')}" for each in found
    )


def _entries(consent: "Consent") -> list[str]:
    through = consent.grant.through if consent.grant else None
    return [consent.entry, *(each.entry for each in consent.endings), *([through] if through else [])]


def _time_said(how: "Trace", consent: "Consent") -> str:
    """Say since when somebody else vouches for the time of a consent; the consents of a scenario have none."""
    at = how.trusted.get(consent.entry)
    if at is not None:
        return faint(f"  time anchored {moment_text(at)}")
    return faint("  time weak: not anchored") if how.stored else ""


def _consent_line(consent: "Consent", short: dict[str, str], chosen: str | None, time: str) -> str:
    name = short[consent.entry]
    if consent.endings:
        return f"{name}  " + ", ".join(f"{each.kind} {moment_text(each.at)}" for each in consent.endings)
    grant = consent.grant
    until = f", until {moment_text(grant.valid_until)}" if grant and grant.valid_until else ""
    form = f"{grant.form} by {grant.method}" if grant else ""
    through = f", through {short[grant.through]}" if grant and grant.through else ""
    line = f"{name}  stands: {form}{until}{through}"
    return f"{line}{'  ← relied on' if consent.entry == chosen else ''}{time}"


def _asked_line(asked: "Asked") -> str:
    mark, colour = _MARKS[asked.result]
    sign = click.style(mark, fg=colour) if colour else faint(mark)
    name = asked.name.replace("_", " ")
    detail = f": {asked.detail}" if asked.detail else ""
    lines = [f"  {sign} " + paragraph(f"{name}{detail}", indent=4).lstrip()]
    clauses = [f"{basis.pack}: {basis.citation}" for basis in asked.bases]
    if asked.result == "not met":
        lines += [faint(paragraph(clause, indent=6)) for clause in clauses]
    else:
        # Where nothing has to be done a line says enough; --json has the whole clause.
        lines += [
            faint(f"      {textwrap.shorten(clause, WIDTH - 6, placeholder=' …')}") for clause in clauses
        ]
    return "\n".join(lines)


def _reasons_text(reasons: "tuple[Reason, ...]") -> str:
    if not reasons:
        return ""
    blocks = []
    for each in reasons:
        lines = [f"  {click.style(each.code, bold=True)}", paragraph(each.sentence, indent=4)]
        lines.append(paragraph(f"cure: {each.cure}", indent=4))
        blocks.append("\n".join(lines))
    return title("  Why not") + "\n\n" + "\n\n".join(blocks)


def _finding(reason: "Reason") -> Finding:
    return Finding(
        kind=reason.code,
        where=reason.speaker or "request",
        expected=reason.law or "",
        found=reason.sentence,
        cure=reason.cure,
    )


def _reason_item(reason: "Reason") -> dict[str, Json]:
    return {
        "code": reason.code,
        "family": reason.family,
        "speaker": reason.speaker,
        "sentence": reason.sentence,
        "law": reason.law,
        "cure": reason.cure,
    }


def _speaker_item(how: "Trace") -> dict[str, Json]:
    from consentgate.moment import to_text
    from consentgate.policy.record import decision_json

    weak = "weak" if how.stored else None
    asked: list[Json] = [
        {
            "name": each.name,
            "detail": each.detail,
            "result": each.result,
            "bases": [{"pack": basis.pack, "citation": basis.citation} for basis in each.bases],
        }
        for each in how.asked
    ]
    states: list[Json] = [
        {
            "entry": each.entry,
            "granted": each.grant is not None,
            "endings": [ending.kind for ending in each.endings],
            "through": each.grant.through if each.grant else None,
            "trusted_at": to_text(how.trusted[each.entry]) if each.entry in how.trusted else weak,
        }
        for each in how.state.consents
    ]
    shown_only: list[Json] = [
        {"pack": each.basis.pack, "sentence": each.sentence, "citation": each.basis.citation}
        for each in how.shown
    ]
    return {
        "name": how.name,
        "decision": decision_json(how.decision),
        "consents": states,
        "requirements": asked,
        "informational": shown_only,
    }
