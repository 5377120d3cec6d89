"""The document for the person whom the records are about, ``data/report/your-data.html``: their data, in plain words.

Written for the role ``subject`` in place of the report. It tells every event in the second person, every reason, the
exact wording of every notice, and how to withdraw. One page without script, images or links to anywhere.

Invariants: nothing of what is withheld is in it, so nothing of others; constant memory but for notices and
references; whatever a person or system wrote is text, never markup.
"""

import hashlib
import shutil
from base64 import b64encode
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Final

from consentgate.export.paper import notices
from consentgate.export.paper.entry import Entry
from consentgate.export.paper.members import text
from consentgate.export.paper.shown import visible
from consentgate.export.paper.words import DUTIES, WITHHELD, word
from consentgate.export.paper.zones import Zone, utc
from consentgate.export.sink import Folder, Scope, Totals

PATH: Final = "data/report/your-data.html"
MEDIA: Final = "text/html; charset=utf-8"

_LEAD: Final = (
    "This is everything that {controller} has recorded about you in its ledger of consents and voice "
    "comparisons, and that may be shown to you. Nothing was shortened or put more kindly: where words are "
    "quoted, they are the exact ones."
)
_EXPLAINED: Final = (
    "When you call, a computer can compare your voice with a stored voiceprint to check that you are you. A "
    "voiceprint says who you are like a fingerprint does. So a comparison is only allowed when you agreed to "
    "it and the law of where you live permits it. Every time, the ledger notes what was asked, what you had "
    "said, what was decided and why."
)
_OTHERS: Final = (
    "Entries can be about several people. What is about somebody else is left out. So is what is withheld "
    "for another reason; the list below says how much and why."
)


class YourData:
    """Writes the document."""

    def __init__(self, folder: Folder, scope: Scope, zone: Zone) -> None:
        """Begin.

        Args:
            folder: the package.
            scope: what is told about the export.
            zone: the zone of local times.
        """
        self._folder, self._scope, self._zone = folder, scope, zone
        self._notices = notices.Notices()
        self._references: dict[str, None] = {}
        self._withdrawal: dict[str, None] = {}
        self._events = folder.scratch / "events.html"
        self._events.write_bytes(b"")

    def take(self, entry: Entry) -> None:
        """Tell an event.

        Args:
            entry: the entry.
        """
        self._notices.take(entry)
        for ruling in entry.rulings:
            self._references.update(dict.fromkeys(ruling.references))
        if entry.said is not None:
            self._references.update(dict.fromkeys(entry.said.references))
            named = (text(entry.said.claims, "withdrawal", each) for each in ("text", "phone", "uri"))
            self._withdrawal.update(dict.fromkeys(each for each in named if each))
        # Opened each time: whatever fails in between, nothing stays open.
        with self._events.open("ab") as file:
            file.write(_event(entry).encode("utf-8", "replace"))

    def finish(self, totals: Totals) -> None:
        """Put the document together.

        Args:
            totals: what there was.
        """
        with self._folder.open(PATH, role="report", media_type=MEDIA) as file:
            file.write("".join(self._before(totals)).encode("utf-8", "replace"))
            with self._events.open("rb") as events:
                shutil.copyfileobj(events, file)
            file.write("".join(self._after()).encode("utf-8", "replace"))
        self._events.unlink()

    def _before(self, totals: Totals) -> Iterable[str]:
        scope = self._scope
        yield _head()
        yield "<h1>Your data</h1>"
        yield f'<p class="lead">{_text(_LEAD.format(controller=scope.controller_name))}</p>'
        yield _rows(
            (
                ("Made", f"{utc(scope.at)}, {self._zone.local(scope.at)}"),
                ("For", scope.recipient),
                (
                    "Entries",
                    f"{totals.exported}, numbered {scope.bates(scope.first)} to {scope.bates(scope.last)}",
                ),
            )
        )
        yield f"<h2>What this is about</h2><p>{_text(_EXPLAINED)}</p>"
        yield "<h2>How you are known here</h2>"
        yield f"<p>{_text('; '.join(self._references) or 'By nothing that is in these entries.')}</p>"
        yield "<h2>How to take a consent back</h2>"
        how = "; ".join(self._withdrawal)
        yield f"<p>{_text(how or f'Ask {scope.controller_name}; no other way is named in your statements.')}</p>"
        yield f"<h2>What you were told, word for word</h2>{''.join(self._wordings())}"
        yield f"<h2>What is left out</h2><p>{_text(_OTHERS)}</p>"
        yield _rows(
            (f"{count} part{'s' if count > 1 else ''}", word(WITHHELD, reason))
            for reason, count in sorted(totals.by_reason.items())
            if count
        )
        yield "<h2>Every event, in order</h2>"
        yield f'<p class="small">Times are UTC; beside them stands local time in {_text(self._zone.name)}.</p>'
        yield '<ol class="events">'

    def _wordings(self) -> Iterable[str]:
        for notice in self._notices:
            note, shown = notices.in_text(notice, self._scope.artifact)
            yield f"<h3>{_text(notice.name) or 'A notice'}</h3>"
            yield f'<p class="small">Named by {notice.first}. {_text(note)}</p>'
            yield f"<pre>{_text(shown)}</pre>" if shown else ""

    def _after(self) -> Iterable[str]:
        yield "</ol></main></body></html>\n"


def _event(entry: Entry) -> str:
    told = entry.in_person
    return "".join(
        (
            f'<li class="{told.tone}"><p class="when">{_text(utc(entry.record.at))} · {_text(entry.local)} · ',
            f"<code>{_text(entry.record.bates)}</code></p><h3>{_text(told.title)}</h3>",
            *_reasons(entry),
            _rows(told.lines),
            "</li>\n",
        )
    )


def _reasons(entry: Entry) -> Iterable[str]:
    for ruling in entry.rulings:
        items = [
            f"{why.sentence} {' '.join(f'({clause.pack}: {clause.citation})' for clause in why.clauses)}"
            for why in ruling.reasons
        ]
        duties = [
            f"What follows: {word(DUTIES, duty.duty)}{f' by {duty.due[:10]}' if duty.due else ''}."
            for duty in ruling.duties
        ]
        if items or duties:
            yield f'<ul class="why">{"".join(f"<li>{_text(each)}</li>" for each in (*items, *duties))}</ul>'


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    inside = "".join(f"<dt>{_text(label)}</dt><dd>{_text(value)}</dd>" for label, value in rows)
    return f"<dl>{inside}</dl>" if inside else ""


def _text(shown: str) -> str:
    return escape(visible(shown))


def _head() -> str:
    style = (files("consentgate.export.paper") / "yourdata.css").read_text("utf-8")
    allowed = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Your data</title>'
        f"<style>{style}</style></head><body><main>"
    )
