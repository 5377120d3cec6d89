"""How an explanation is shown: the verdict first, then each speaker from consents to cures."""

import textwrap
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Done
from consentgate.cli.text import WIDTH, faint, fields, moment_text, paragraph, plain, short_ids, title, word
from consentgate.verify.result import Finding

if TYPE_CHECKING:
    from consentgate.config.explain import Asked, Explained, Traced
    from consentgate.consent.state import Consent
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
    from consentgate.moment import to_text

    verdict = explained.verdict
    decision = "allowed" if verdict.allowed else "denied"
    speakers: list[Json] = [_speaker_item(each) for each in explained.speakers]
    reasons: list[Json] = [_reason_item(each) for each in verdict.reasons]
    result: dict[str, Json] = {
        "decision": decision,
        "at": to_text(verdict.at),
        "purpose": verdict.purpose,
        "reasons": reasons,
        "speakers": speakers,
    }
    head = fields(
        [
            ("decision", word(decision)),
            ("at", moment_text(verdict.at)),
            ("purpose", verdict.purpose or "not given"),
        ]
    )
    blocks = [head, *(_speaker_text(each) for each in explained.speakers)]
    if not explained.speakers:
        blocks.append(_reasons_text(verdict.reasons))
    return Done(
        result=result,
        text="\n\n".join(block for block in blocks if block),
        findings=tuple(_finding(each) for each in verdict.reasons),
        exit=DONE if verdict.allowed else FINDING,
    )


def _speaker_text(traced: "Traced") -> str:
    decision, state = traced.judged.decision, traced.state
    short = short_ids(dict.fromkeys(e for each in state.consents for e in _entries(each)))
    consents = "\n".join(_consent_line(each, short, decision.grant) for each in state.consents)
    packs = "\n".join(
        f"{used.code}  {faint(f'in force since {used.since}')}"
        + (f"  exempt: {', '.join(used.exemptions)}" if used.exemptions else "")
        + (f"  conditions: {', '.join(used.conditions)}" if used.conditions else "")
        for used in decision.packs
    )
    pairs = [
        ("consents", consents or "none"),
        ("candidates", ", ".join(decision.candidates) or "none"),
        ("hints", _hints(traced.judged.facts.evidence)),
        ("packs", packs or "none"),
        (
            "assertions",
            str(len(decision.assertions)) + " in force" if decision.assertions else "none in force",
        ),
        ("obligations", "\n".join(each.text for each in decision.obligations)),
    ]
    blocks = [title(traced.judged.on.name), fields(pairs, indent=2)]
    if traced.asked:
        blocks += [title("  What is asked"), "\n".join(_asked_line(each) for each in traced.asked)]
    blocks.append(_reasons_text(decision.reasons))
    return "\n\n".join(block for block in blocks if block)


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


def _consent_line(consent: "Consent", short: dict[str, str], chosen: str | None) -> str:
    name = short[consent.entry]
    if consent.endings:
        return f"{name}  " + ", ".join(f"{each.kind} {moment_text(each.at)}" for each in consent.endings)
    grant = consent.grant
    until = f", until {moment_text(grant.valid_until)}" if grant and grant.valid_until else ""
    form = f"{grant.form} by {grant.method}" if grant else ""
    through = f", through {short[grant.through]}" if grant and grant.through else ""
    line = f"{name}  stands: {form}{until}{through}"
    return f"{line}{'  ← relied on' if consent.entry == chosen else ''}{faint('  time weak: not anchored')}"


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


def _speaker_item(traced: "Traced") -> dict[str, Json]:
    from consentgate.policy.record import decision_json

    asked: list[Json] = [
        {
            "name": each.name,
            "detail": each.detail,
            "result": each.result,
            "bases": [{"pack": basis.pack, "citation": basis.citation} for basis in each.bases],
        }
        for each in traced.asked
    ]
    states: list[Json] = [
        {
            "entry": each.entry,
            "granted": each.grant is not None,
            "endings": [ending.kind for ending in each.endings],
            "through": each.grant.through if each.grant else None,
            "trusted_at": "weak",
        }
        for each in traced.state.consents
    ]
    return {
        "name": traced.judged.on.name,
        "decision": decision_json(traced.judged.decision),
        "consents": states,
        "requirements": asked,
    }
