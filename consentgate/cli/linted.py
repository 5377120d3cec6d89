"""How a checked notice is shown: what is missing with its clauses, then what may be."""

from datetime import date
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.briefjson import set_json
from consentgate.cli.command import DONE, FINDING, Done
from consentgate.cli.text import faint, paragraph, plain, title
from consentgate.packs.packset import PackSet
from consentgate.values import dataclass
from consentgate.verify.result import Finding

if TYPE_CHECKING:
    from consentgate.config.lint import Flaw
    from consentgate.consent.notice import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and for what a notice is to be used.

    Attributes:
        codes: the jurisdictions.
        purposes: the purposes.
        day: the day, in UTC.
        packs: the rules.
    """

    codes: tuple[str, ...]
    purposes: tuple[str, ...]
    day: date
    packs: PackSet


def shown(manifest: "Manifest", place: Place, flaws: "tuple[Flaw, ...]") -> Done:
    """Show what a notice lacks.

    Args:
        manifest: what it says.
        place: where and for what it is to be used.
        flaws: what it lacks, or may lack.

    Returns:
        What the command came to: exit code 1 when something is missing.
    """
    wrong, advice = ([each for each in flaws if each.is_advice is want] for want in (False, True))
    items: list[Json] = [_item(each) for each in (*wrong, *advice)]
    name = f"{manifest.id}@{manifest.version}"
    head = (
        f"{name} ({manifest.language}) for {', '.join(map(plain, place.codes))}: {', '.join(place.purposes)}"
    )
    blocks = [title(paragraph(head))]
    for heading, found in (("Missing", wrong), ("To think about", advice)):
        if found:
            blocks.append("\n".join([title(heading), *(_text(each) for each in found)]))
    blocks.append(f"{len(wrong)} {'thing is' if len(wrong) == 1 else 'things are'} missing." if wrong else
                  "Nothing is missing.")  # fmt: skip
    return Done(
        result={
            "notice": {"id": manifest.id, "version": manifest.version, "language": manifest.language},
            "for": list(place.codes),
            "purposes": list(place.purposes),
            "at": place.day.isoformat(),
            "packs": set_json(place.packs),
            "items": items,
        },
        text="\n\n".join(blocks),
        findings=tuple(_finding(each, name) for each in wrong),
        exit=FINDING if wrong else DONE,
    )


def _item(flaw: "Flaw") -> dict[str, Json]:
    return {
        "kind": flaw.kind,
        "advice": flaw.is_advice,
        "for": list(flaw.codes),
        "purposes": list(flaw.purposes),
        "detail": flaw.detail,
        "bases": [{"pack": each.pack, "citation": each.citation} for each in flaw.bases],
    }


def _text(flaw: "Flaw") -> str:
    sign = faint("·") if flaw.is_advice else click.style("✗", fg="red")
    codes = faint(f"  {', '.join(map(plain, flaw.codes))}") if flaw.codes else ""
    lines = [f"  {sign} " + paragraph(_sentence(flaw), indent=4).lstrip() + codes]
    lines += [faint(paragraph(f"{each.pack}: {plain(each.citation)}", indent=6)) for each in flaw.bases]
    return "\n".join(lines)


def _sentence(flaw: "Flaw") -> str:
    from consentgate.packs.phrases import ELEMENTS, FLAGS

    detail = plain(flaw.detail)
    element, _, condition = flaw.detail.partition(" ")
    if flaw.kind == "element_missing":
        return f"It does not say {ELEMENTS[element]} ({element})."
    if flaw.kind == "element_conditional":
        flag = condition.split()[1]
        return f"It does not say {ELEMENTS[element]} ({element}), which is needed if {FLAGS[flag]}."
    return {
        "form_insufficient": f"The consent has to be {detail.replace('_', ' ')}.",
        "not_in_writing": "It has to be in writing.",
        "not_separate": "It has to ask for this consent apart from other terms.",
        "disclosure_not_asked": "It asks for disclosure, which needs another consent, or is not allowed at all.",
        "not_written_for": f"Its manifest does not name {detail}.",
        "language": f"Most people there read another language ({detail}).",
        "unknown_jurisdiction": f"No pack answers for {detail}.",
        "version_taken": f"The ledger has another notice of the name {detail}: give this one a new version.",
        "newer_version": f"The ledger has a newer version: {detail}.",
    }[flaw.kind]


def _finding(flaw: "Flaw", name: str) -> Finding:
    return Finding(
        kind=flaw.kind,
        where=", ".join(flaw.codes) or name,
        expected="; ".join(f"{each.pack}: {each.citation}" for each in flaw.bases),
        found=_sentence(flaw),
        cure="Write a new version of the notice that says it, and its manifest with it.",
    )
