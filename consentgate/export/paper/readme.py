"""README.txt: what the package is, in what order to look, and how to see for oneself that it holds.

Invariants: for a reader who never heard of the program; what is left out is said, with the reason.
"""

from collections.abc import Sequence
from typing import Final

from consentgate.export.paper import facts
from consentgate.export.paper.plain import document, ruled, wrapped
from consentgate.export.paper.shown import visible
from consentgate.export.paper.words import SUBJECT
from consentgate.export.paper.zones import Zone
from consentgate.export.sink import Folder, Scope, Totals

PATH: Final = "README.txt"

_LOOK: Final = (
    ("verify.html", "Open it in a browser and give it this folder. It needs no network and sends nothing."),
    ("data/report/", "{report}"),
    ("data/tables/", "The same as tables: CSV for any program, and a workbook."),
    ("data/text/", "The text of each entry, by Bates number."),
    ("data/statements/", "What people consented to, refused or withdrew, exactly as it was signed."),
    ("data/notices/", "The exact wording that they were shown."),
    ("data/loadfile/", "A load file for review platforms."),
    ("data/certificate/", "The draft of a certificate (FRE 902). A draft, not legal advice."),
    ("data/custody/", "How the records came here, and lines for who has the package next."),
    ("data/withheld/", "What is withheld, part by part, and why."),
    ("data/dictionary/", "What every column and every word means."),
    ("data/records/", "The records themselves: exact bytes, and readable."),
    ("data/log/, data/keys/", "What proves that the records are in the log, and the keys."),
)
_BELIEVE: Final = (
    "Do not believe this text: it could have been written by anybody. Verify.",
    (
        "1. Open verify.html and give it this folder, or run: python3 verify.py . (it needs Python and the package "
        "cryptography). RECIPES.txt says how to do it by hand with sha256sum and openssl."
    ),
    (
        "2. Compare the fingerprint below with the one in the cover letter, which must have reached you on "
        "another way. Without that, the package only agrees with itself: somebody could have made it anew from "
        "beginning to end."
    ),
    (
        "3. Where the result names a witness or a timestamp that you trust, somebody outside vouches for the "
        "time too."
    ),
)


_REPORT: Final = "The report: summary, charts, the story of every entry, the notices, the law."
_YOURS: Final = "your-data.html: your own data in plain words. Open it in a browser."
_NOT_YOURS: Final = frozenset({"data/certificate/", "data/custody/"})


def write(folder: Folder, scope: Scope, totals: Totals, zone: Zone, left_out: Sequence[str]) -> None:
    """Write the README.

    Args:
        folder: the package.
        scope: what is told about the export.
        totals: what there was.
        zone: the zone of local times.
        left_out: what could not be made, each in a sentence.
    """
    lines = ["EVIDENCE PACKAGE", "", *wrapped(visible(scope.matter)), facts.span(scope), ""]
    lines += [*ruled(facts.heading(scope, zone)), "", "HOW TO BELIEVE IT", ""]
    for words in _BELIEVE:
        lines += [*wrapped(words, indent=3 if words[0].isdigit() else 0), ""]
    lines += [
        "   Fingerprint of the package key:",
        f"   {scope.fingerprint}",
        "",
        "WHERE TO LOOK, IN THIS ORDER",
        "",
    ]
    lines += [*ruled(_look(scope), label=24), "", "TIMESTAMPS", ""]
    for words in facts.timestamps(scope):
        lines += [*wrapped(words), ""]
    lines += ["WHAT IS IN IT, AND WHAT IS NOT", ""]
    lines += [*ruled(facts.asked(scope, totals, zone), label=26), ""]
    if left_out:
        lines += ["LEFT OUT", "", *(each for words in left_out for each in wrapped(words)), ""]
    lines += ["TIMES", ""]
    lines += wrapped(
        "Times are UTC, as in 2026-11-22T12:00:00.000Z. Where a local time stands beside, it is what clocks "
        f"showed in {zone.name}, with the difference from UTC."
    )
    folder.put(PATH, document(lines), role="readme", media_type="text/plain; charset=utf-8")


def _look(scope: Scope) -> list[tuple[str, str]]:
    person = scope.role == SUBJECT
    report = _YOURS if person else _REPORT
    return [
        (path, about.format(report=report)) for path, about in _LOOK if not (person and path in _NOT_YOURS)
    ]
