"""The text of each entry, ``data/text/NNN/BATES.txt``: what a review platform searches, and what a person can read.

Everything that may be read of the entry stands in it: what happened, when, and each part member by member; bytes
that are text are shown as text. What is withheld is named with its reason. One member is left out: that a speaker of
known age was not stated to be of age, which reads as if the person were a minor.

Invariants: UTF-8, line feeds, nothing invisible (`shown.visible`); the same text for the same record.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from consentgate.canonical import Json
from consentgate.export.paper.columns import leaf_hash
from consentgate.export.paper.entry import Entry
from consentgate.export.paper.members import unpadded
from consentgate.export.paper.shown import visible
from consentgate.export.paper.telling import CAUSE
from consentgate.export.paper.words import KINDS, OF_AGE, WITHHELD, word
from consentgate.export.paper.zones import utc
from consentgate.export.record import Withheld
from consentgate.moment import to_text

# Members that hold bytes in base64url; a text is shown as a text.
_BYTES: Final = ("body", "response")

_LABELS: Final = 20
"""Width of the labels: that of the longest, and one."""


def text_path(bates: str, number: int) -> str:
    """Say where the text of an entry lies: a thousand to a folder, which every file system takes.

    Args:
        bates: the Bates number.
        number: how many entries stand before it in the package.

    Returns:
        The path in the package.
    """
    return f"data/text/{number // 1000:03d}/{bates}.txt"


def text_of(entry: Entry) -> bytes:
    """Write the text of an entry.

    Args:
        entry: the entry.

    Returns:
        The file's bytes.
    """
    return visible("\n".join(_lines(entry)) + "\n").encode("utf-8", "replace")


def _lines(entry: Entry) -> Iterator[str]:
    yield entry.told.title
    yield ""
    for label, value in _heading(entry):
        yield _labelled(label, value)
    for label, value in entry.told.lines:
        yield _labelled(label, entry.numbers.shown(value) if label == CAUSE else value)
    for ruling in entry.rulings:
        for why in ruling.reasons:
            yield ""
            yield _labelled("Reason", f"{why.code}: {why.sentence}")
            for clause in why.clauses:
                yield _labelled("  law", f"{clause.pack}: {clause.citation}")
    for name, part in entry.record.parts.items():
        yield ""
        yield f"Part {name}"
        if isinstance(part, Withheld):
            yield f"  {'Withheld' if part.shown is None else 'Redacted'}: {word(WITHHELD, part.reason)}"
        content = entry.record.content(name)
        yield from _members(content or {}, "  ")


def _heading(entry: Entry) -> Iterator[tuple[str, str]]:
    record = entry.record
    yield "Bates number", record.bates
    yield "Recorded", f"{utc(record.at)} ({to_text(record.at)})"
    yield "Local time", entry.local
    yield "Kind", f"{record.kind}: {word(KINDS, record.kind)}"
    yield "Entry", str(record.entry)
    yield "Log, position", f"{record.log}, {record.position}"
    yield "Leaf hash", leaf_hash(record)
    if record.end:
        yield "End", record.end
    if record.re:
        yield "Answers", f"{entry.numbers.shown(str(record.re))} ({record.re})"


def _labelled(label: str, value: str) -> str:
    return f"{label:<{_LABELS}}{_indented(value, _LABELS)}"


def _members(content: Mapping[str, Json], indent: str) -> Iterator[str]:
    for name in sorted(content):
        yield from _member(name, content[name], indent)


def _member(name: str, found: Json, indent: str) -> Iterator[str]:
    if isinstance(found, Mapping) and found:
        yield f"{indent}{name}"
        yield from _members(_speaker(found) if name == "speaker" else found, indent + "  ")
    elif isinstance(found, list) and found:
        for number, each in enumerate(found, 1):
            yield from _member(f"{name} {number}", each, indent)
    else:
        shown = _decoded(name, found)
        yield f"{indent}{name}: {_indented(shown, len(indent) + 2)}"


def _speaker(content: Mapping[str, Json]) -> Mapping[str, Json]:
    adult = content.get("adult")
    if not isinstance(adult, bool):
        return content
    others = {name: found for name, found in content.items() if name != "adult"}
    known = content.get("age") is not None
    return others if known and not adult else {**others, f"adult ({OF_AGE})": adult}


def _decoded(name: str, found: Json) -> str:
    if name in _BYTES and isinstance(found, str):
        content = unpadded(found)
        try:
            return found if content is None else content.decode()
        except UnicodeDecodeError:
            return f"{found} (base64url of bytes that are no text)"
    if isinstance(found, bool):
        return "true" if found else "false"
    return "" if found is None or found == [] or found == {} else str(found)


def _indented(shown: str, by: int) -> str:
    return shown.replace("\n", "\n" + " " * by)
