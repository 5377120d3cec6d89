"""The report, ``data/report/report.pdf``: what a person reads first, and can print.

Cover, summary, charts, the story of every entry with each decision's reasons and law, the exact notices, the law,
and a sheet for custody. A long story does not fit one document: then it stands in annexes of `VOLUME` entries each,
``annex-001.pdf`` and on, and the report says where.

Invariants: every entry stands in the story once; memory is bounded by `VOLUME`; the same bytes for the same export.
"""

from typing import Any, Final

from consentgate.export.paper import facts, notices
from consentgate.export.paper.charts import Counts
from consentgate.export.paper.custody import HEAD
from consentgate.export.paper.entry import Entry
from consentgate.export.paper.shown import printable
from consentgate.export.paper.story import Item, Law, item
from consentgate.export.paper.typesetting import paper, surely
from consentgate.export.paper.zones import Zone
from consentgate.export.sink import Folder, Scope, Totals

VOLUME: Final = 1_000
PATH: Final = "data/report/report.pdf"
TEMPLATE: Final = "report.typ"
MEDIA: Final = "application/pdf"

_FINGERPRINT: Final = (
    "Compare it with the fingerprint in the cover letter, which reached you on another way. Only then do the "
    "signatures in this package say who made it."
)
_READING: Final = (
    "Each entry stands once, in the order in which the ledger recorded it: its Bates number, its time in UTC "
    "and below it in local time, what happened, and for each decision its reasons. Numbers in brackets name "
    "the clauses under “The law”. Sentences are made from the sealed records, whose exact bytes are in "
    "data/records."
)
_LAW: Final = (
    "The clauses that the decisions rested on, as the rules in force named them, each with how often it was "
    "cited. This is data about the law, not advice."
)
_CHECK: Final = (
    (
        "This report is for reading and proves nothing by itself. Open verify.html in a browser and give it this "
        "package: the page recomputes every hash and checks every signature on your own computer, without a "
        "network. verify.py does the same as a program of one file, and RECIPES.txt says how to do it by hand."
    ),
    (
        "A package that somebody made anew from beginning to end would agree with itself too. So compare the "
        "fingerprint on the first page with the cover letter, and, where there are any, look at witnesses and "
        "timestamps."
    ),
)


class Report:
    """Writes the report and its annexes."""

    def __init__(self, folder: Folder, scope: Scope, zone: Zone, counts: Counts) -> None:
        """Begin.

        Args:
            folder: the package.
            scope: what is told about the export.
            zone: the zone of local times.
            counts: counts every entry beside this writer.
        """
        self._folder, self._scope, self._zone, self._counts = folder, scope, zone, counts
        self._law, self._notices = Law(), notices.Notices()
        self._items: list[Item] = []
        self._annexes: list[tuple[str, str, str]] = []

    def take(self, entry: Entry) -> None:
        """Add an entry to the story.

        Args:
            entry: the entry.
        """
        if len(self._items) == VOLUME:
            self._annex()
        self._notices.take(entry)
        self._items.append(item(entry, self._law))

    def finish(self, totals: Totals) -> None:
        """Make the report.

        Args:
            totals: what there was.

        Raises:
            Misconfigured: the installed typst is another than the template is written for.
        """
        if self._annexes:
            self._annex()
        self._write(PATH, self._data(totals))

    def _annex(self) -> None:
        number = len(self._annexes) + 1
        first, last = self._items[0]["bates"], self._items[-1]["bates"]
        path = f"data/report/annex-{number:03d}.pdf"
        title = f"Annex {number}: {first} to {last}"
        sections = [
            _section(title, "story", [_READING], items=self._items),
            _section("The law", "law", [_LAW], law=self._law.turn()),
        ]
        self._write(path, _document(self._scope, self._zone, title, sections, cover=False))
        self._annexes.append((path, first, last))
        self._items = []

    def _write(self, path: str, data: dict[str, Any]) -> None:
        self._folder.put(path, surely(TEMPLATE, data, self._scope.at), role="report", media_type=MEDIA)

    def _data(self, totals: Totals) -> dict[str, Any]:
        scope, zone, counts = self._scope, self._zone, self._counts
        summary = [printable(each) for each in facts.summary(scope, totals, counts, zone)]
        why = counts.why()
        figures = [
            [f"{totals.exported:,}", "entries"],
            [f"{counts.verdicts['allowed']:,}", "requests allowed"],
            [f"{counts.verdicts['denied']:,}", "requests denied"],
            [f"{totals.by_kind.get('statement', 0):,}", "statements"],
            [f"{totals.parts_withheld:,}", "parts withheld"],
        ]
        sections = [
            _section("Summary", "figures", summary, figures=figures, more=_CHECK),
            _section("What was asked for", "facts", [], rows=_printable(facts.asked(scope, totals, zone))),
            _section(
                "When and why",
                "charts",
                [],
                time=counts.time_line(),
                why=why,
                why_title="Why requests were denied",
                most=max([each["count"] for each in why], default=1),
            ),
            self._story(),
            *self._wordings(),
            _section("The law", "law", [_LAW], law=self._law.listed()),
            _section("Custody", "custody", _custody_words(), head=HEAD, rows=[["", "", "", "", ""]] * 6),
        ]
        return _document(scope, zone, "Report", sections, cover=True)

    def _story(self) -> Item:
        if not self._annexes:
            return _section("The story, entry by entry", "story", [_READING], items=self._items)
        listed = [[f"{first} to {last}", path] for path, first, last in self._annexes]
        words = ["The story is long and stands in annexes, each with the law that it cites."]
        return _section("The story, entry by entry", "facts", words, rows=listed)

    def _wordings(self) -> list[Item]:
        listed = []
        for notice in self._notices:
            note, shown = notices.in_report(notice, self._scope.artifact)
            rows = [
                ["Named by", _count(notice)],
                ["SHA-256", notice.digest.hex()],
                *([["Note", note]] if note else []),
            ]
            listed.append({"title": printable(notice.name) or "A notice", "rows": rows, "text": shown})
        words = ["What people were shown or heard before they answered, word for word."]
        return [_section("The notices", "notices", words, notices=listed)] if listed else []


def form(scope: Scope, zone: Zone, title: str, sections: list[Item], *, banner: str = "") -> dict[str, Any]:
    """Put a document without a cover into what the template reads.

    Args:
        scope: what is told about the export.
        zone: the zone of local times.
        title: its title.
        sections: its sections.
        banner: what stands at the head of every page.

    Returns:
        The data.
    """
    return {**_document(scope, zone, title, _shown(sections), cover=False), "banner": banner}


def _shown(data: Any) -> Any:
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, dict):
        return {name: _shown(value) for name, value in data.items()}
    return [_shown(each) for each in data] if isinstance(data, list) else data


def _document(scope: Scope, zone: Zone, title: str, sections: list[Item], *, cover: bool) -> dict[str, Any]:
    return {
        "title": printable(f"{title}: {scope.matter}"),
        "author": printable(scope.controller_name),
        "description": printable(f"{facts.span(scope)}, prepared for {scope.recipient}"),
        "paper": paper(zone.name),
        "cover": cover,
        "banner": "",
        "kicker": "Evidence package",
        "matter": printable(scope.matter),
        "range": printable(facts.span(scope)),
        "running": printable(f"{scope.matter} · {facts.span(scope)}"),
        "facts": _printable(facts.heading(scope, zone)),
        "fingerprint": printable(scope.fingerprint),
        "fingerprint_note": _FINGERPRINT,
        "sections": sections,
    }


def _section(title: str, kind: str, words: list[str], **more: Any) -> Item:
    return {
        "title": title,
        "kind": kind,
        "words": words,
        "new_page": kind in ("charts", "story", "notices", "custody"),
        **more,
    }


def _printable(rows: facts.Rows) -> list[list[str]]:
    return [[printable(label), printable(value)] for label, value in rows]


def _count(notice: notices.Notice) -> str:
    return notice.first if notice.count == 1 else f"{notice.count} statements, the first {notice.first}"


def _custody_words() -> list[str]:
    return [
        (
            "Whoever hands this package on, or takes it, fills in a line. What happened before it was handed "
            "over stands in data/custody/custody.txt."
        )
    ]
