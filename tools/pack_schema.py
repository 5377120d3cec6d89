"""Write the JSON Schema of rule packs, from the values that packs are read into.

Usage: ``python tools/pack_schema.py > docs/formats/pack.schema.json``

It describes what TOML gives: its dates are texts of the form ``2024-08-02`` here. What the program checks beyond
shapes (dates that overlap, words that belong together, citations) is in docs/formats/pack.md. Not part of the wheel.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from consentgate.packs.layer import Overlay
from consentgate.packs.pack import Pack
from consentgate.packs.period import Period
from consentgate.packs.rules import NOTICE_ELEMENTS, Tri
from consentgate.packs.shape import MOST

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: Mapping[object, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 1, "maximum": MOST},
    str: {"type": "string", "pattern": r"\S"},
    date: {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    Period: {
        "type": "string",
        "pattern": "^P([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?$",
        "minLength": 2,
    },
    Tri: {"enum": [True, False, "unclear"]},
}
# Texts of a closed list that is no type of its own.
_WORDS = {("Rules", "notice_elements"), ("ConditionalElement", "element")}


def schema() -> dict[str, Any]:
    """Give the schema.

    Returns:
        A pack, or an overlay of one.
    """
    named: dict[str, Any] = {}
    for kind in (Pack, Overlay):
        _table(kind, named)
    return {
        "$schema": _DRAFT,
        "title": "consentgate rule pack, or overlay of one",
        "anyOf": [{"$ref": "#/$defs/Pack"}, {"$ref": "#/$defs/Overlay"}],
        "$defs": dict(sorted(named.items())),
    }


def _table(kind: Any, named: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in named:
        named[kind.__name__] = {}
        own = [each for each in fields(kind) if not each.metadata.get("computed")]
        named[kind.__name__] = {
            "type": "object",
            "description": (kind.__doc__ or "").partition("\n")[0],
            "properties": {_name(each): _field(kind, each, named) for each in own},
            "required": [
                _name(each) for each in own if each.default is MISSING and each.default_factory is MISSING
            ],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _name(each: Field[Any]) -> str:
    return str(each.metadata.get("name", each.name))


def _field(owner: Any, each: Field[Any], named: dict[str, Any]) -> dict[str, Any]:
    if _name(each) == "format":
        return {"const": 1}
    found = _kind(each.type, named)
    if (owner.__name__, each.name) in _WORDS:
        words = {"enum": sorted(NOTICE_ELEMENTS)}
        found = {**found, "items": words} if "items" in found else words
    if owner is Pack and each.name in ("laws", "versions"):
        found = {**found, "minItems": 1}
    return found


def _kind(kind: Any, named: dict[str, Any]) -> dict[str, Any]:
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    choices = [choice for choice in get_args(kind) if choice is not NoneType]
    if get_origin(kind) is Literal:
        return {"enum": choices}
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _kind(choices[0], named), "uniqueItems": True}
    if choices:  # X | None: what is absent is the None
        return _kind(choices[0], named)
    if is_dataclass(kind):
        return _table(kind, named)
    raise TypeError(f"no schema for {kind}")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
