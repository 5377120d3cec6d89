"""Write the rule packs from the research data, one TOML file per jurisdiction, and their index.

Usage: ``python tools/packs.py docs/law/jurisdictions.yaml consentgate/packs/data [CODE ...]``

Without codes it writes every jurisdiction of the research. The output depends on nothing but the arguments, so
that a difference in a pack is a difference in the research. Not part of the wheel; needs PyYAML.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from consentgate.packs.rules import RULE_NAMES
from consentgate.packs.toml import load

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
# Folders for people, after the regions of UN M49; nothing depends on them but the paths in the index.
_REGIONS = {
    "africa": "BW CI DZ EG ET GH KE MA MU NG RW SN TN TZ UG ZA ZM ZW",
    "americas": "AR BR CL CO CR DO EC GT HN JM MX PA PE PY SV UY",
    "asia": "AE AM BD BH CN GE HK ID IL IN JO JP KR KZ LK MO MY NP OM PH PK QA SA SG TH TR TW VN",
    "canada": "CA",
    "europe": "AL BA BY CH GB GG IM JE MC MD MK RS RU UA XK",
    "oceania": "AU NZ",
    "united-states": "US",
}
_FOLDERS = {code: folder for folder, codes in _REGIONS.items() for code in codes.split()}
_MUST = ("code", "name", "kind", "tier", "confidence")
_MAY = ("parents", "groups", "members", "territorial_triggers", "uncertain_fields", "notes", "sources")
_WIDTH = 100


def main(arguments: list[str]) -> int:
    """Write the packs.

    Args:
        arguments: research file, folder for the packs, then codes.

    Returns:
        The exit code.
    """
    if len(arguments) < 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    research = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8"))
    entries = {entry["code"]: entry for entry in research["jurisdictions"]}
    members = {code for group in research["groups"].values() for code in group}
    codes = arguments[2:] or sorted(entries)
    folder, index = Path(arguments[1]), {}
    for code in codes:
        entry = {**entries[code], "groups": _groups(code, entries[code], research["groups"])}
        file = f"{_folder(code, entry['kind'], members)}/{code}.toml"
        data = render(entry).encode()
        load(data, file=file, code=code)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        index[code] = {"file": file, "sha256": sha256(data).hexdigest()}
    (folder / "index.json").write_text(_index(index), encoding="utf-8")
    return 0


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
        lines += _table("[[laws]]", law)
    for version in entry["versions"]:
        lines += _version(version)
    for name, source in (entry.get("basis") or {}).items():
        lines += _table("[[basis]]", _source(name, source))
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


def _groups(code: str, entry: Mapping[str, Any], groups: Mapping[str, list[str]]) -> list[str]:
    listed = list(entry.get("groups") or ())
    missing = [name for name, members in groups.items() if code in members and name not in listed]
    if missing:
        raise SystemExit(f"{code} is a member of {missing} and does not list it")
    return listed


def _folder(code: str, kind: str, members: set[str]) -> str:
    if code in members or kind == "group":
        return "europe"
    return _FOLDERS.get(code.partition("-")[0], "world")


def _index(index: Mapping[str, Mapping[str, str]]) -> str:
    lines = [f"    {json.dumps(code)}: {json.dumps(index[code])}" for code in sorted(index)]
    return '{\n  "format": 1,\n  "packs": {\n' + ",\n".join(lines) + "\n  }\n}\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
