"""How a jurisdiction is shown: one page that reads from the law to its clauses, as wide as the terminal.

Clauses are numbered and stand once, at the end; a number is followed by ``?`` where the research is not sure.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import click

from consentgate.cli.command import Done
from consentgate.cli.terminal import width
from consentgate.cli.text import faint, paragraph, plain

if TYPE_CHECKING:
    from consentgate.packs.brief import Brief, Line
    from consentgate.packs.pack import ConditionalRule, Law, Pack
    from consentgate.packs.packset import PackSet

ADVICE = "Research notes, not advice."

_CONFIDENCE = {
    "source-read": "main points read in a source",
    "from-knowledge": "from general knowledge, not checked against a source",
}
_STATUS = {
    "in_force": "in force",
    "enacted_not_yet_in_force": "enacted, not yet in force",
    "partly_in_force": "partly in force",
    "in_force_not_enforced": "in force, not enforced",
}


class _Clauses:
    """The clauses that were cited so far, each with its number."""

    def __init__(self) -> None:
        self._confidence: dict[str, str | None] = {}

    def mark(self, citation: str, confidence: str | None, *, uncertain: bool = False) -> str:
        """Cite a clause.

        Args:
            citation: the clause.
            confidence: whether it was read; None where that is not told.
            uncertain: whether the research is not sure of what it carries.

        Returns:
            The mark that stands behind the sentence.
        """
        self._confidence[citation] = self._confidence.get(citation) or confidence
        return f"[{[*self._confidence].index(citation) + 1}{'?' if uncertain else ''}]"

    def text(self) -> str:
        """Write them down.

        Returns:
            A line or more for each.
        """
        lines = []
        for number, (citation, confidence) in enumerate(self._confidence.items(), 1):
            more = "" if confidence != "from-knowledge" else " (from knowledge)"
            head = f"  {f'[{number}]':<5} "
            lines.append(paragraph(plain(citation) + more, first=head, indent=len(head), width=width()))
        return "\n".join(lines)


def shown(packs: "PackSet", asked: str, code: str, day: date, purpose: str | None) -> Done:
    """Show what a jurisdiction asks on a day.

    Args:
        packs: the rules.
        asked: the code that was asked for.
        code: the code of the pack that answers for it.
        day: the day, in UTC.
        purpose: a purpose, to say which conditional rules it meets, or None.

    Returns:
        What the command came to.

    Raises:
        PackInvalid: a pack cannot be used.
    """
    from consentgate.cli.briefjson import brief_json
    from consentgate.packs.brief import above, brief, changes

    pack = packs.pack(code)
    said, over, later = brief(pack, day), above(packs, code, day), changes(pack, day)
    clauses = _Clauses()
    blocks = [
        _head(said, asked, day),
        _block("Laws", [_law(law) for law in pack.laws]),
        *(_lines(section.title, section.lines, clauses) for section in said.sections),
        _free(said),
        *(_condition(rule, lines, purpose, clauses) for rule, lines in said.conditions),
        *(_added(each, lines, clauses) for each, lines in over),
        *(
            _change(f"From {version.since}", lines, dropped, clauses)
            for version, lines, dropped in later
            if version is not said.version
        ),
        _exemptions(pack, clauses),
        _remarks(pack),
        _block("Clauses", [clauses.text()]),
        _block("Read at", [f"  {plain(link)}" for link in pack.links]),
    ]
    return Done(
        result=brief_json(packs, asked, said, over, later, day, purpose),
        text="\n\n".join(block for block in blocks if block),
    )


def _head(said: "Brief", asked: str, day: date) -> str:
    pack, version = said.pack, said.version
    over = [code for code in pack.parents if code not in pack.groups]
    # Norway is under the law of the EU, and no country of it.
    joined = "under" if pack.kind == "country" else "of"
    kind = f"{pack.kind} {joined} {', '.join(over)}" if over else pack.kind
    until = f" until {version.until}" if version.until else ""
    stands = {
        "in_force": f"rules in force since {version.since}{until}",
        "coming": f"no rules of its own in force yet; those below begin {version.since}",
        "past": f"no rules of its own in force any more; those below ended {version.until}",
    }[said.standing]
    groups = f"member of {', '.join(pack.groups)}" if pack.groups else ""
    about = " · ".join(filter(None, (kind, groups, _CONFIDENCE[pack.confidence])))
    lines = [click.style(f"{plain(pack.name)} ({pack.code})", bold=True)]
    if asked != pack.code:
        lines.append(_wrapped(f"{asked} has no pack of its own: {pack.code} answers for it."))
    lines += [_wrapped(f"On {day}: {stands}."), _wrapped(about[:1].upper() + about[1:] + ".")]
    return "\n".join(
        [*lines, faint(_wrapped(f"{ADVICE} The numbers are clauses; ? marks what is not certain."))]
    )


def _law(law: "Law") -> str:
    since = f" since {law.in_force_from}" if law.in_force_from else ""
    if law.status == "enacted_not_yet_in_force" and law.in_force_from:
        since = f", begins {law.in_force_from}"
    ends = f", until {law.in_force_to}" if law.in_force_to else ""
    head = paragraph(
        f"{plain(law.name)}: {_STATUS[law.status]}{since}{ends}", first="  ", indent=4, width=width()
    )
    more = [law.citation, *(f"Amended: {each}" for each in law.amendments)]
    return "\n".join([head, *(faint(_wrapped(plain(each), indent=4)) for each in more)])


def _lines(title: str, lines: "Sequence[Line]", clauses: _Clauses) -> str:
    asking = [line for line in lines if line.asks]
    return _block(title, list(_table(asking, clauses)))


def _added(pack: "Pack", lines: "Sequence[Line]", clauses: _Clauses) -> str:
    name = f"{plain(pack.name)} ({pack.code})"
    return _lines(f"{name} adds", lines, clauses) if lines else _wrapped(f"{name} adds nothing to this.")


def _table(lines: "Iterable[Line]", clauses: _Clauses) -> "Iterable[str]":
    last = ""
    for line in lines:
        label = "" if line.label == last else line.label
        last = line.label
        mark = clauses.mark(line.citation, line.confidence, uncertain=line.uncertain)
        # The mark stays with the last word: a line that holds nothing else would be a riddle.
        text = f"{plain(line.sentence)}\0{mark}"
        head = f"  {label:<{_LABELS}}"
        yield paragraph(text, first=head, indent=_LABELS + 2, width=width()).replace("\0", " ")


_LABELS = 24


def _free(said: "Brief") -> str:
    free = [line.sentence for line in said.lines if not line.asks]
    return _block(
        "Left free, or shown only", [_wrapped(" ".join(map(plain, free)), indent=2)] if free else []
    )


def _condition(
    rule: "ConditionalRule", lines: "Sequence[Line]", purpose: str | None, clauses: _Clauses
) -> str:
    if rule.purpose_in is not None:
        when = f"If the purpose is {_one_of(rule.purpose_in)}"
    elif rule.applies:
        when = f"Unless the controller is asserted to be {_one_of(rule.controller_type_not_in or ())}"
    else:
        when = f"If the controller is asserted to be other than {_one_of(rule.controller_type_not_in or ())}"
    level = "by law" if rule.level == "law" else "out of caution"
    met = ""
    if purpose is not None and rule.purpose_in is not None:
        met = f" (the case for {plain(purpose)})" if purpose in rule.purpose_in else " (not the case here)"
    title = f"{when}, {level}{met}"
    if not rule.applies:
        mark = clauses.mark(rule.cite, None)
        return _block(title, [_wrapped(f"Only the rule on call recording is left. {mark}", indent=2)])
    return _block(title, list(_table(lines, clauses)))


def _change(title: str, lines: "Sequence[Line]", dropped: Sequence[str], clauses: _Clauses) -> str:
    gone = [_wrapped(f"No longer stated: {', '.join(dropped)}.", indent=2)] if dropped else []
    return _block(title, [*_table(lines, clauses), *gone])


def _exemptions(pack: "Pack", clauses: _Clauses) -> str:
    lines = []
    for each in pack.exemptions:
        mark = clauses.mark(each.cite, None)
        lines.append(
            paragraph(f"{each.id}: {plain(each.effect)} {mark}", first="  ", indent=4, width=width())
        )
    return _block("Exemptions, each only where the controller claims it", lines)


def _remarks(pack: "Pack") -> str:
    lines = []
    if pack.territorial_triggers:
        reach = "; ".join(each.replace("_", " ") for each in pack.territorial_triggers)
        lines.append(f"Reaches: {plain(reach)}.")
    if pack.uncertain_fields:
        lines.append(f"Not certain: {plain('; '.join(pack.uncertain_fields)).replace('_', ' ')}.")
    if pack.members:
        lines.append(f"Members: {', '.join(pack.members)}.")
    if pack.notes:
        lines.append(plain(pack.notes))
    return _block("Remarks", [paragraph(line, first="  ", indent=4, width=width()) for line in lines])


def _one_of(words: Sequence[str]) -> str:
    return " or ".join(word.replace("_", " ") for word in words)


def _block(title: str, lines: Sequence[str]) -> str:
    shown = [line for line in lines if line]
    return "\n".join([click.style(_wrapped(title), bold=True), *shown]) if shown else ""


def _wrapped(text: str, *, indent: int = 0) -> str:
    return paragraph(text, indent=indent, width=width())
