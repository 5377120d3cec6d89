"""How the answers to a scenario file are shown: one line for each, and what was expected where it was not met."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Done
from consentgate.cli.text import faint, fields, paragraph, plain, word
from consentgate.verify.result import Finding

if TYPE_CHECKING:
    from consentgate.config.scenarios import Answer
    from consentgate.packs.packset import PackSet

_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", None)}


def shown(answers: "Sequence[Answer]", packs: "PackSet") -> Done:
    """Show what the engine said to the scenarios of a file.

    Args:
        answers: scenarios with their results, in the order of the file.
        packs: the rules that they were decided by.

    Returns:
        What the command came to: exit code 1 when an expectation was not met.
    """
    from consentgate.cli.briefjson import set_json

    missed = [each for each in answers if each.result.as_expected is False]
    scenarios: list[Json] = [_item(each) for each in answers]
    width = max(len(each.scenario.id) for each in answers)
    lines = [_line(each, width) for each in answers]
    return Done(
        result={"scenarios": scenarios, "packs": set_json(packs)},
        text="\n".join([*lines, "", _summary(answers)]),
        findings=tuple(_finding(each) for each in missed),
        exit=FINDING if missed else DONE,
    )


def _item(answer: "Answer") -> dict[str, Json]:
    result = answer.result
    return {
        "id": result.id,
        "decision": result.verdict,
        "reasons": list(result.reasons),
        "missing_notice_elements": list(result.decision.missing_notice_elements),
        "obligations": list(result.obligations),
        "as_expected": result.as_expected,
    }


def _line(answer: "Answer", width: int) -> str:
    result, scenario = answer.result, answer.scenario
    mark, colour = _MARKS[result.as_expected]
    sign = click.style(mark, fg=colour) if colour else faint(mark)
    verdict = "allowed" if result.decision.allowed else "denied"
    indent = 2 + width + 2
    head = f"{sign} {scenario.id.ljust(width)}  {word(verdict)}  {faint(plain(scenario.title))}".rstrip()
    pairs = [
        ("reasons", _listed(result.reasons, indent)),
        ("notice lacks", _listed(result.decision.missing_notice_elements, indent)),
        ("obligations", _listed(result.obligations, indent)),
    ]
    if result.as_expected is False:
        pairs += [("expected", paragraph(_expected(answer), indent=indent + _NAMES).lstrip())]
    said = fields(pairs, indent=indent)
    return f"{head}\n{said}" if said else head


_NAMES = len("notice lacks") + 2


def _listed(words: Sequence[str], indent: int) -> str:
    return paragraph(", ".join(words), indent=indent + _NAMES).strip().replace(" " * (indent + _NAMES), "")


def _expected(answer: "Answer") -> str:
    expect = answer.scenario.expected
    parts = [str(expect.get("decision"))]
    for name, value in (
        ("reasons", expect.get("reasons")),
        ("notice lacks", expect.get("missing_notice_elements")),
        ("obligations", expect.get("obligations")),
    ):
        if value:
            parts.append(f"{name} {', '.join(sorted(map(str, value)))}")
    return plain("; ".join(parts))


def _summary(answers: "Sequence[Answer]") -> str:
    counted = [
        (sum(each.result.as_expected is wanted for each in answers), text)
        for wanted, text in (
            (True, "as expected"),
            (False, "not as expected"),
            (None, "answered, not judged"),
        )
    ]
    said = ", ".join(f"{count} {text}" for count, text in counted if count)
    return f"{len(answers)} {'scenario' if len(answers) == 1 else 'scenarios'}: {said}."


def _finding(answer: "Answer") -> Finding:
    result = answer.result
    found = [result.verdict, *result.reasons]
    if result.decision.missing_notice_elements:
        found.append(f"notice lacks {', '.join(result.decision.missing_notice_elements)}")
    found += [f"obligation {each}" for each in result.obligations]
    return Finding(
        kind="unexpected",
        where=result.id,
        expected=_expected(answer),
        found=", ".join(found),
        cure="Correct what the scenario expects, or look at the pack that gives the reason.",
    )
