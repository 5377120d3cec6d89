"""One Markdown page for each jurisdiction, and an index by region.

Every sentence comes from `consentgate.packs.brief`, so that a page and ``consentgate policy show`` say the same.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from typing import Final

from consentgate.packs.brief import Brief, Line, above, brief, changes
from consentgate.packs.pack import Law, Pack
from consentgate.packs.packset import PackSet
from consentgate.packs.phrases import LABELS
from tools.law.cells import REGIONS, Cell, Row

DATA: Final = "../../../consentgate/packs/data"
ADVICE: Final = "Law as data with citations, never advice"

_KINDS: Final = {
    "country": "Country",
    "subdivision": "Part of a country",
    "municipality": "City",
    "group": "Group",
}
_STATUS: Final = {
    "in_force": "in force",
    "enacted_not_yet_in_force": "enacted, not yet in force",
    "partly_in_force": "partly in force",
    "in_force_not_enforced": "in force, not enforced",
}
_READ: Final = {"source-read": "read", "from-knowledge": "from knowledge"}


def page(packs: PackSet, row: Row, day: date) -> str:
    """Write the page of one jurisdiction.

    Args:
        packs: the set.
        row: its line of the matrix.
        day: the day that it is true of.

    Returns:
        Markdown.
    """
    pack, shown = packs.pack(row.code), brief(packs.pack(row.code), day)
    parts = [
        _head(packs, pack, row, day),
        _laws(pack.laws),
        *_requirements(shown, day),
        *_above(packs, row.code, day),
        *_conditions(shown),
        *_exemptions(pack),
        *_versions(pack, day),
        *_remarks(pack),
    ]
    return "\n".join(parts)


def index(rows: tuple[Row, ...], day: date) -> str:
    """Write the index by region.

    Args:
        rows: the matrix.
        day: the day that it is true of.

    Returns:
        Markdown.
    """
    parts = [
        f"""\
# Jurisdictions

*{ADVICE}. As of {day.isoformat()}.* Each page says what one rule pack says, with its citations, and what its parents
and groups add. The same as one table: [matrix](../matrix.html), a page to open in a browser. All of this is written
by `tools/law_reference.py`; how a pack is written: [rule pack](../../formats/pack.md).

![What is asked, jurisdiction by jurisdiction](../matrix.svg)
"""
    ]
    for region, of in groupby(rows, key=lambda row: row.region):
        lines = "".join(_entry(row) for row in of)
        parts.append(
            f"## {REGIONS[region]}\n\n"
            "| code | jurisdiction | consent | notice says | guardian below | law to come |\n"
            f"|---|---|---|---|---|---|\n{lines}"
        )
    return "\n".join(parts)


def _entry(row: Row) -> str:
    cells = row.cells
    form = cells["consent_form"].text + (", not spoken" if cells["oral_consent_ok"].level else "")
    if cells["prohibited"].level == 4:
        form = "forbidden"
    if cells["consent_form"].conditions:
        form += ", more for some purposes"
    says = f"{cells['notice_elements'].text}{', in writing' if cells['notice_in_writing'].level else ''}"
    return (
        f"| [{row.code}]({row.code}.md) | {row.name} | {form} | {says} | {cells['minors'].text} | "
        f"{cells['coming'].text} |\n"
    )


def _head(packs: PackSet, pack: Pack, row: Row, day: date) -> str:
    above = ", ".join(f"[{packs.pack(code).name}]({code}.md)" for code in row.above)
    under = f", under {above}" if above else ""
    of = (
        f" of {len(pack.members)}: {', '.join(f'[{code}]({code}.md)' for code in pack.members)}"
        if pack.members
        else ""
    )
    return f"""\
# {pack.name} ({pack.code})

*{ADVICE}. As of {day.isoformat()}.* {_KINDS[pack.kind]}{under}{of}. Main points {_confidence(pack.confidence)}.
Pack: [{row.code}.toml]({DATA}/{row.file}). [All jurisdictions](README.md).

**In short:** {_short(row)}
"""


def _confidence(value: str) -> str:
    return {
        "source-read": "read in a source",
        "from-knowledge": "from knowledge, not checked against a source",
    }[value]


def _short(row: Row) -> str:
    """Say in one line what the engine asks there, parents and groups included."""
    cells = row.cells
    if cells["prohibited"].level == 4:
        return "forbidden, whatever the consent."
    form = {"opt-in": "an opt-in", "explicit": "explicit consent", "signed": "a signed written release"}
    consent = form[cells["consent_form"].text] + (
        ", not a spoken one" if cells["oral_consent_ok"].level else ""
    )
    written = " written" if cells["notice_in_writing"].level else ""
    said = [consent, f"a{written} notice that says {cells['notice_elements'].text} things"]
    said.append(f"a guardian below {cells['minors'].text}")
    plain = (
        ("separate_consent", "consent apart from other terms"),
        ("strict_necessity", "strict necessity"),
        ("alternative_required", "another way for those who decline"),
        ("call_recording_consent", "all parties agree to a recording"),
        ("impact_assessment_required", "an impact assessment"),
        ("public_policy_required", "a public retention policy"),
        ("data_localisation", "processing in the country"),
    )
    said += [words for name, words in plain if cells[name].level > 1]
    if cells["prior_authority"].level == 3:
        said.append("a filing with the authority")
    later = _change(cells["coming"])
    return "; ".join(said) + "." + _more(cells["consent_form"]) + later


def _more(cell: Cell) -> str:
    return "".join(f" {clause.sentence}" for clause in cell.conditions)


def _change(cell: Cell) -> str:
    return f" **Changes in {cell.text}.**" if cell.level else ""


def _laws(laws: tuple[Law, ...]) -> str:
    lines = "".join(
        f"| {_cell(law.name)}{_amended(law)} | {_cell(law.citation)} | {_since(law)} | "
        f"{_STATUS[law.status]} |\n"
        for law in laws
    )
    return f"## Laws\n\n| law | citation | in force from | status |\n|---|---|---|---|\n{lines}"


def _since(law: Law) -> str:
    until = f" to {law.in_force_to}" if law.in_force_to else ""
    return f"{law.in_force_from or 'not established'}{until}"


def _amended(law: Law) -> str:
    return f"; amended: {_cell('; '.join(law.amendments))}" if law.amendments else ""


def _requirements(shown: Brief, day: date) -> Iterator[str]:
    version = shown.version
    title = {
        "in_force": f"What it asks, since {version.since}",
        "coming": f"What it will ask, from {version.since}",
        "past": f"What it asked, until {version.until}",
    }[shown.standing]
    yield f"## {title}\n"
    if shown.standing != "in_force":
        yield f"Nothing of its own is in force on {day.isoformat()}.\n"
    for section in shown.sections:
        asked = [line for line in section.lines if line.asks]
        if asked:
            yield f"### {section.title}\n\n{_table(asked)}"
    free = [line.sentence for line in shown.lines if not line.asks]
    if free:
        yield f"### Left free, or shown only\n\n{' '.join(free)}\n"


def _table(lines: Iterable[Line]) -> str:
    rows = "".join(
        f"| {line.label} | {_cell(line.sentence)} | {_cell(line.citation)} | {_sure(line)} |\n"
        for line in lines
    )
    return f"| requirement | what it says | clause | source |\n|---|---|---|---|\n{rows}"


def _sure(line: Line) -> str:
    return f"{_READ[line.confidence]}{', **uncertain**' if line.uncertain else ''}"


def _above(packs: PackSet, code: str, day: date) -> Iterator[str]:
    for pack, lines in above(packs, code, day):
        yield f"## What {pack.name} adds\n"
        if lines:
            yield f"{_table(lines)}"
            yield f"More: [{pack.name}]({pack.code}.md).\n"
        else:
            yield f"Nothing beyond the above. [{pack.name}]({pack.code}.md).\n"


def _conditions(shown: Brief) -> Iterator[str]:
    if not shown.conditions:
        return
    yield "## Under conditions\n"
    for rule, lines in shown.conditions:
        if rule.purpose_in is not None:
            when = f"Where the purpose is {_words(rule.purpose_in)}"
        else:
            when = f"Where the controller is none of {_words(rule.controller_type_not_in or ())}"
        level = "" if rule.level == "law" else ", a conservative reading"
        then = " ".join(line.sentence for line in lines) or "Only what it says about call recording applies."
        yield f"- {when} (`{rule.id}`{level}): {_text(then)} *{_text(rule.cite)}*"
    yield ""


def _words(names: Iterable[str]) -> str:
    return " or ".join(name.replace("_", " ") for name in names)


def _exemptions(pack: Pack) -> Iterator[str]:
    if not pack.exemptions:
        return
    yield "## Exemptions\n\nNever applied unless the controller claims one by its id.\n"
    yield "| id | what it takes out | clause |\n|---|---|---|"
    yield from (f"| `{each.id}` | {_cell(each.effect)} | {_cell(each.cite)} |" for each in pack.exemptions)
    yield ""


def _versions(pack: Pack, day: date) -> Iterator[str]:
    later = changes(pack, day)
    if later and pack.in_force(day):
        yield "## Law to come\n"
        for version, lines, dropped in later:
            gone = f" No longer stated: {', '.join(dropped).lower()}." if dropped else ""
            yield f"From **{version.since}**:{gone}\n\n{_table(lines)}"
    earlier = [version for version in pack.versions if version.until is not None and version.until < day]
    if earlier:
        spans = "; ".join(f"{version.since} to {version.until}" for version in earlier)
        yield f"## Earlier versions\n\n{spans}. Decisions about those days use them.\n"


def _remarks(pack: Pack) -> Iterator[str]:
    if pack.uncertain_fields:
        yield f"## What is not certain\n\n{'; '.join(_remark(each) for each in pack.uncertain_fields)}.\n"
    if pack.territorial_triggers:
        yield f"## When it reaches somebody\n\n{'; '.join(_plain(each) for each in pack.territorial_triggers)}.\n"
    if pack.notes:
        yield f"## Notes\n\n{_text(pack.notes)}\n"
    if pack.links:
        yield "## Sources\n"
        yield from (f"- {_link(each)}" for each in pack.links)
        yield ""


def _plain(word: str) -> str:
    return _text(word.replace("_", " "))


def _remark(text: str) -> str:
    """Call the requirements that a remark names as the tables call them."""
    head, bracket, why = text.partition("(")
    return _plain(re.sub(r"\b([a-z_]+)(?:\.([a-z_]+))?", _called, head) + bracket + why)


def _called(name: re.Match[str]) -> str:
    if name[1] not in LABELS:
        return name[0]
    return f"{LABELS[name[1]]}, {name[2]}" if name[2] else LABELS[name[1]]


def _link(text: str) -> str:
    return re.sub(r"https?://\S+", lambda found: f"<{found.group(0)}>", text)


def _text(text: str) -> str:
    """Keep Markdown from reading signs that stand in a text."""
    return re.sub(r"([\\*_`<>\[\]#])", r"\\\1", text)


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")
