"""The brief of a jurisdiction as JSON: everything that the page shows, by name."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from consentgate.canonical import Json, b64

if TYPE_CHECKING:
    from consentgate.packs.brief import Brief, Line
    from consentgate.packs.pack import ConditionalRule, Law, Pack, Version
    from consentgate.packs.packset import PackSet


def brief_json(
    packs: "PackSet",
    asked: str,
    said: "Brief",
    over: "Sequence[tuple[Pack, Sequence[Line]]]",
    later: "Sequence[tuple[Version, Sequence[Line], Sequence[str]]]",
    day: date,
    purpose: str | None,
) -> dict[str, Json]:
    """Write a brief.

    Args:
        packs: the rules.
        asked: the code that was asked for.
        said: what the pack says itself.
        over: what parents and groups add.
        later: what later versions change.
        day: the day, in UTC.
        purpose: a purpose, to say which conditional rules it meets, or None.

    Returns:
        The members.
    """
    return {
        "packs": set_json(packs),
        "asked": asked,
        **_about(said.pack),
        "at": day.isoformat(),
        "standing": said.standing,
        "since": said.version.since.isoformat(),
        "until": _day(said.version.until),
        "sections": [{"title": each.title, "lines": _lines(each.lines)} for each in said.sections],
        "conditions": [_condition(rule, lines, purpose) for rule, lines in said.conditions],
        "adds": [{"code": each.code, "name": each.name, "lines": _lines(lines)} for each, lines in over],
        "upcoming": [
            {"since": version.since.isoformat(), "lines": _lines(lines), "dropped": list(dropped)}
            for version, lines, dropped in later
        ],
    }


def set_json(packs: "PackSet") -> dict[str, Json]:
    """Name a pack set.

    Args:
        packs: the set.

    Returns:
        Its digest and version.
    """
    return {"digest": b64(packs.digest), "version": packs.version}


def _about(pack: "Pack") -> dict[str, Json]:
    return {
        "code": pack.code,
        "name": pack.name,
        "kind": pack.kind,
        "tier": pack.tier,
        "confidence": pack.confidence,
        "parents": list(pack.parents),
        "groups": list(pack.groups),
        "members": list(pack.members),
        "sha256": pack.digest,
        "laws": [_law(law) for law in pack.laws],
        "exemptions": [cast("dict[str, Json]", asdict(each)) for each in pack.exemptions],
        "territorial_triggers": list(pack.territorial_triggers),
        "uncertain_fields": list(pack.uncertain_fields),
        "notes": pack.notes,
        "sources": list(pack.links),
    }


def _law(law: "Law") -> dict[str, Json]:
    return {
        "name": law.name,
        "citation": law.citation,
        "status": law.status,
        "since": _day(law.in_force_from),
        "until": _day(law.in_force_to),
        "amendments": list(law.amendments),
    }


def _lines(lines: "Sequence[Line]") -> list[Json]:
    return [_line(line) for line in lines]


def _line(line: "Line") -> dict[str, Json]:
    members: dict[str, Any] = asdict(line)
    return {"requirement": members.pop("name"), **members}


def _condition(rule: "ConditionalRule", lines: "Sequence[Line]", purpose: str | None) -> dict[str, Json]:
    met = None if purpose is None or rule.purpose_in is None else purpose in rule.purpose_in
    return {
        "id": rule.id,
        "purpose_in": None if rule.purpose_in is None else list(rule.purpose_in),
        "controller_type_not_in": (
            None if rule.controller_type_not_in is None else list(rule.controller_type_not_in)
        ),
        "applies": rule.applies,
        "level": rule.level,
        "citation": rule.cite,
        "met": met,
        "lines": _lines(lines),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
