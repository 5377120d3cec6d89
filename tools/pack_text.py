"""Write one jurisdiction of the research as a pack: TOML that a lawyer can read and diff.

Not part of the wheel.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from consentgate.packs.rules import RULE_NAMES

_HEAD = """\
# {name} ({code}): when a voice may be compared here, as data with citations.
# Research notes for engineers, not reviewed by counsel; law as data, never advice.
# The fields are described in docs/formats/pack.md. A field that is not here is not stated.
"""
# The research names these remarks after several fields at once, or after none.
_ABOUT = {
    "specific_purpose notice, separate_consent, impact_assessment": (
        "notice_elements",
        "separate_consent",
        "impact_assessment_required",
    ),
}
_MUST = ("code", "name", "kind", "tier", "confidence")
_MAY = ("parents", "groups", "members", "territorial_triggers", "uncertain_fields", "notes", "sources")
_LAW = ("name", "citation", "requirements", "in_force_from", "in_force_to", "amendments", "status")
_WIDTH = 100


def render(entry: Mapping[str, Any]) -> str:
    """Write one jurisdiction as TOML.

    Args:
        entry: the jurisdiction, as the research has it.

    Returns:
        The file's text.
    """
    lines = [_HEAD.format(**entry), "format = 1"]
    lines += [f"{name} = {_value(entry[name])}" for name in _MUST]
    lines += [f"{name} = {_value(entry[name])}" for name in _MAY if entry.get(name)]
    for law in entry["laws"]:
        lines += _table("[[laws]]", {name: law[name] for name in _LAW if name in law})
    for version in entry["versions"]:
        lines += _version(version)
    sources = [_source(name, source) for name, source in (entry.get("basis") or {}).items()]
    for source in (*sources, *_clauses(entry, sources)):
        lines += _table("[[basis]]", source)
    for exemption in entry.get("exemptions") or ():
        lines += _table("[[exemptions]]", exemption)
    return "\n".join(lines) + "\n"


def _version(version: Mapping[str, Any]) -> list[str]:
    requirements = dict(version["requirements"] or {})
    conditional = requirements.pop("conditional_rules", [])
    retention = requirements.pop("max_retention", None)
    if retention is not None:
        requirements["max_retention"] = retention["clocks"]
    elements = requirements.pop("notice_elements_conditional", None)
    if elements is not None:
        requirements["notice_elements_conditional"] = [
            {"element": element, "flag": flag} for element, flag in elements.items()
        ]
    action = requirements.get("private_right_of_action")
    if action and "statutory_damages" in action:
        lines_of = [_damages(line) for line in action["statutory_damages"]]
        requirements["private_right_of_action"] = {**action, "statutory_damages": lines_of}
    flat = {name: requirements[name] for name in RULE_NAMES if name in requirements}
    if len(flat) != len(requirements):
        raise SystemExit(f"unknown requirements: {sorted(set(requirements) - set(flat))}")
    dates = {name: version[name] for name in ("from", "to")}
    lines = ["", "", *_table("[[versions]]", dates)[1:]]
    inline = {name: value for name, value in flat.items() if not isinstance(value, dict)}
    lines += _table("[versions.requirements]", inline)
    for name, value in flat.items():
        if isinstance(value, dict):
            lines += _table(f"[versions.requirements.{name}]", value)
    for rule in conditional:
        lines += _table("[[versions.conditional_rules]]", _conditional(rule))
    return lines


def _conditional(rule: Mapping[str, Any]) -> dict[str, Any]:
    require = dict(rule["require"])
    out = {"id": rule["id"], "level": rule["level"], "cite": rule["cite"], **rule["when"]}
    if "applies" in require:
        out["applies"] = require.pop("applies")
    if require:
        out["require"] = require
    return out


def _damages(line: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(line)
    if "range" in out:
        out["min"], out["max"] = out.pop("range")
    return out


def _source(name: str, source: Mapping[str, Any]) -> dict[str, Any]:
    if name in RULE_NAMES or name == "conditional_rules":
        return {"requirements": [name], **source}
    if name in _ABOUT:
        return {"requirements": list(_ABOUT[name]), **source}
    return {"about": name, **source}


def _clauses(entry: Mapping[str, Any], sources: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """The clauses that the notes name, for requirements about which the research itself says nothing."""
    said = {name for source in sources for name in source.get("requirements", ())}
    confidence = "from-knowledge" if entry["clauses_known"] else entry["confidence"]
    for cite, names in entry["clauses"].items():
        if missing := [name for name in names.split() if name not in said]:
            yield {"requirements": missing, "cite": cite, "confidence": confidence}


def _table(head: str, members: Mapping[str, Any]) -> list[str]:
    stated = {name: value for name, value in members.items() if value is not None}
    return ["", head, *(f"{name} = {_value(value)}" for name, value in stated.items())]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | int):
        return str(value)
    if isinstance(value, str):
        # JSON's escapes are TOML's, and the rest of Unicode stands as it is.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + " }"
    return _list([_value(item) for item in value])


def _list(items: Iterable[str]) -> str:
    items = list(items)
    short = f"[{', '.join(items)}]"
    if len(short) <= _WIDTH and not short.startswith("[{"):
        return short
    return "[\n" + "".join(f"  {item},\n" for item in items) + "]"
