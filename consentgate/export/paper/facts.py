"""What is told about an export as a whole, in the words of all its papers.

Invariants: pure; the same facts everywhere, so the papers never disagree; times in UTC and in the stated zone.
"""

from consentgate.export.paper.charts import Counts
from consentgate.export.paper.shown import visible
from consentgate.export.paper.words import ROLES, WITHHELD, word
from consentgate.export.paper.zones import Zone, utc
from consentgate.export.sink import Log, Scope, Totals

Rows = list[tuple[str, str]]


def span(scope: Scope) -> str:
    """Name the range of Bates numbers.

    Args:
        scope: what is told about the export.

    Returns:
        For example ``CG-000001 to CG-000042``.
    """
    if scope.last < scope.first:
        return "no entries"
    return f"{scope.bates(scope.first)} to {scope.bates(scope.last)}"


def both(scope: Scope, zone: Zone) -> str:
    """Tell when the export was made.

    Args:
        scope: what is told about the export.
        zone: the zone of local times.

    Returns:
        In UTC and in local time.
    """
    return f"{utc(scope.at)}, {zone.local(scope.at)}"


def heading(scope: Scope, zone: Zone) -> Rows:
    """Tell what the package is.

    Args:
        scope: what is told about the export.
        zone: the zone of local times.

    Returns:
        Label and value.
    """
    rows = [
        ("Controller", _controller(scope)),
        ("Prepared for", scope.recipient),
        ("Purpose", scope.purpose),
        ("Asked for by", scope.requested_by or ""),
        ("Made", both(scope, zone)),
        ("Export entry", str(scope.export)),
        ("Made by", f"consentgate {scope.version}"),
    ]
    return [(label, visible(value)) for label, value in rows if value]


def asked(scope: Scope, totals: Totals, zone: Zone) -> Rows:
    """Tell what was selected and what was left out.

    Args:
        scope: what is told about the export.
        totals: what there was.
        zone: the zone of local times.

    Returns:
        Label and value.
    """
    chosen = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in scope.selection)
    return [
        ("Selected by", visible(chosen) or "everything"),
        ("Prepared for the eyes of", f"{word(ROLES, scope.role)} ({scope.role})"),
        (
            "Entries",
            f"{totals.selected} selected = {totals.exported} here + {totals.withheld_entries} withheld",
        ),
        ("Parts", f"{totals.parts} = {totals.parts_open} open + {totals.parts_withheld} withheld"),
        *(
            (
                f"Withheld: {reason.replace('_', ' ')}",
                f"{count} part{'s' if count > 1 else ''}. {word(WITHHELD, reason)}",
            )
            for reason, count in sorted(totals.by_reason.items())
            if count
        ),
        (
            "Not yet covered",
            f"{totals.not_covered} further entries were selected that no signed checkpoint covered yet; they "
            "are not here."
            if totals.not_covered
            else "none: a signed checkpoint covers every entry that was selected",
        ),
        ("Never included", "voiceprints and raw audio; keys that open more than one part"),
        ("Time zone", f"UTC first; local time beside it is that of {zone.name}"),
    ]


def timestamps(scope: Scope) -> list[str]:
    """Tell what a timestamping authority saw, and what this does not say.

    Args:
        scope: what is told about the export.

    Returns:
        Paragraphs.
    """
    return [
        *map(_stamped, scope.logs),
        (
            "manifest.json.tsr, where it is here, is about manifest.json, the list of all files. It is taken once "
            "the package is finished, so no list names it; a package that was made again has none."
        ),
        (
            "RECIPES.txt, number 10, and consentgate verify --tsa-certs check timestamps, with certificates that you "
            "get from the authority itself. verify.html and verify.py do not."
        ),
    ]


def summary(scope: Scope, totals: Totals, counts: Counts, zone: Zone) -> list[str]:
    """Sum the package up.

    Args:
        scope: what is told about the export.
        totals: what there was.
        counts: what was counted.
        zone: the zone of local times.

    Returns:
        Paragraphs.
    """
    name = visible(scope.controller_name)
    first = (
        f"{name} keeps a ledger of every request to compare a caller's voice with stored voiceprints: what "
        "the caller had agreed to, what the law asked for, what was decided, and what came of it."
    )
    if counts.first is None or counts.last is None:
        return [first, "No entry of it was selected for this package."]
    when = f"between {zone.day(counts.first)} and {zone.day(counts.last)}"
    if zone.day(counts.first) == zone.day(counts.last):
        when = f"on {zone.day(counts.first)}"
    allowed, denied = counts.verdicts["allowed"], counts.verdicts["denied"]
    requests = (
        f"Of {allowed + denied} requests, {allowed} were allowed and {denied} were denied before anything left."
        if allowed + denied
        else "There is no request among them."
    )
    return [first, f"This package holds {totals.exported} of its entries, recorded {when}. {requests}"]


def _controller(scope: Scope) -> str:
    named = scope.controller_name
    return named if named == scope.controller else f"{named} ({scope.controller})"


def _stamped(log: Log) -> str:
    if log.stamped is None:
        return f"No timestamping authority (RFC 3161) was asked about the checkpoint of log {log.number}."
    return (
        f"{visible(log.stamped.by)} saw the checkpoint of log {log.number} on {utc(log.stamped.at)}, and so all of "
        f"its records that are here: data/log/{log.number}/checkpoint.tsr (RFC 3161)."
    )
