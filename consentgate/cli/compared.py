"""How two pack sets are shown side by side: packs, then the cases that come out otherwise."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.briefjson import set_json
from consentgate.cli.command import DONE, FINDING, Done
from consentgate.cli.terminal import width
from consentgate.cli.text import faint, fields, paragraph, plain, title, word
from consentgate.verify.result import Finding

if TYPE_CHECKING:
    from consentgate.config.comparing import Change, Comparison, Turned
    from consentgate.config.scenarios import Answer
    from consentgate.packs.packset import PackSet


def shown(first: "PackSet", second: "PackSet", found: "Comparison") -> Done:
    """Show a comparison.

    Args:
        first: the first set.
        second: the second set.
        found: the comparison.

    Returns:
        What the command came to: exit code 1 when a case comes out otherwise.
    """
    changes: list[Json] = [_change_item(each) for each in found.changes]
    turned: list[Json] = [_turned_item(each) for each in found.turned]
    blocks = [
        fields([("A", _name(first)), ("B", _name(second))]),
        fields([("added", ", ".join(found.added)), ("removed", ", ".join(found.removed))]),
        *(_pack(code, list(each)) for code, each in groupby(found.changes, lambda change: change.code)),
        _cases(found),
        _summary(found),
    ]
    return Done(
        result={
            "a": set_json(first),
            "b": set_json(second),
            "added": list(found.added),
            "removed": list(found.removed),
            "changes": changes,
            "decided": found.decided,
            "items": turned,
        },
        text="\n\n".join(block for block in blocks if block),
        findings=tuple(_finding(each) for each in found.turned),
        exit=FINDING if found.turned else DONE,
    )


def _name(packs: "PackSet") -> str:
    from consentgate.canonical import b64

    return f"{packs.version or 'no version'}  {faint(b64(packs.digest))}"


def _pack(code: str, changes: "list[Change]") -> str:
    lines = [title(code)]
    for since, each in groupby(changes, lambda change: change.since):
        lines.append(f"  {faint(f'in the version of {since}' if since else 'of the pack')}")
        for change in each:
            lines.append(f"    {change.label}")
            lines += _sides(change)
    return "\n".join(lines)


def _sides(change: "Change") -> "Iterator[str]":
    sides = (
        ("-", "red", change.before, change.cited_before),
        ("+", "green", change.after, change.cited_after),
    )
    for sign, colour, said, cited in sides:
        if said:
            text = f"{plain(said)} ({plain(cited)})" if cited else plain(said)
            yield "      " + click.style(sign, fg=colour) + paragraph(text, indent=8, width=width())[7:]


def _cases(found: "Comparison") -> str:
    if not found.turned:
        return ""
    lines = [title("Cases that come out otherwise")]
    alike: dict[tuple[bool, str, str, str], list[str]] = {}
    for each in found.turned:
        case = each.before.scenario
        # Typical cases end in their title, and those of one place and day that turn alike are said at once.
        where = case.id.removesuffix(case.title) if case.title else case.id
        sides = _outcome(each.before), _outcome(each.after)
        alike.setdefault((not each.flips, where.strip(), *sides), []).append(case.title)
    for (_, where, before, after), titles in sorted(alike.items(), key=lambda item: item[0][0]):
        head = f"{plain(where)}: {plain(', '.join(filter(None, titles)))}".removesuffix(": ")
        lines.append(paragraph(head, first="  ", indent=4, width=width()))
        lines += [
            paragraph(side, first=f"    {sign} ", indent=6, width=width())
            for sign, side in (("-", before), ("+", after))
        ]
    return "\n".join(lines)


def _outcome(answer: "Answer") -> str:
    result = answer.result
    head = word("allowed") if result.decision.allowed else word("denied")
    more = [", ".join(result.reasons)]
    if result.decision.missing_notice_elements:
        more.append(f"notice lacks {', '.join(result.decision.missing_notice_elements)}")
    if result.obligations:
        more.append(f"obligations {', '.join(result.obligations)}")
    return "; ".join([head, *filter(None, more)])


def _summary(found: "Comparison") -> str:
    packs = len({each.code for each in found.changes})
    flips = sum(each.flips for each in found.turned)
    if not (packs or found.added or found.removed):
        return f"The packs say the same. {_of_cases(found, flips)}".strip()
    said = f"{packs} {'pack says' if packs == 1 else 'packs say'} something else, "
    said += f"{len(found.added)} added, {len(found.removed)} removed."
    return f"{said} {_of_cases(found, flips)}".strip()


def _of_cases(found: "Comparison", flips: int) -> str:
    if not found.decided:
        return ""
    return (
        f"Of {found.decided} cases {len(found.turned)} come out otherwise, {flips} of them allowed by one set and"
        " denied by the other."
    )


def _change_item(each: "Change") -> dict[str, Json]:
    return {
        "code": each.code,
        "since": None if each.since is None else each.since.isoformat(),
        "field": each.name,
        "before": each.before or None,
        "after": each.after or None,
        "cited_before": each.cited_before or None,
        "cited_after": each.cited_after or None,
    }


def _turned_item(each: "Turned") -> dict[str, Json]:
    return {
        "id": each.before.scenario.id,
        "title": each.before.scenario.title,
        "flips": each.flips,
        "before": _side(each.before),
        "after": _side(each.after),
    }


def _side(answer: "Answer") -> dict[str, Json]:
    result = answer.result
    return {
        "decision": result.verdict,
        "reasons": list(result.reasons),
        "missing_notice_elements": list(result.decision.missing_notice_elements),
        "obligations": list(result.obligations),
    }


def _finding(each: "Turned") -> Finding:
    return Finding(
        kind="verdict_flips" if each.flips else "verdict_differs",
        where=each.before.scenario.id,
        expected=click.unstyle(_outcome(each.before)),
        found=click.unstyle(_outcome(each.after)),
        cure="Read what changed in the packs of this jurisdiction before you use the second set.",
    )
