"""The JSON Schema of packs says what the loader does: the shapes are one, and every pack has them."""

import copy
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consentgate.errors import PackInvalid
from consentgate.packs.layer import tightened
from consentgate.packs.packset import shipped
from consentgate.packs.toml import load
from tests.functional.packs.test_overlays import TIGHTER

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "formats" / "pack.schema.json").read_text("utf-8"))
PACKS = shipped()
FILES = {Path(file).stem: data for file, data in PACKS.files().items()}
VALIDATOR = Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": "#/$defs/Pack"}]})


def as_json(value: Any) -> Any:
    """TOML's dates as texts, the rest as it is."""
    if isinstance(value, dict):
        return {name: as_json(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def test_the_schema_is_what_the_tool_makes_of_the_values() -> None:
    made = subprocess.run(
        [sys.executable, "tools/pack_schema.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert json.loads(made.stdout) == SCHEMA
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("code", PACKS.codes)
def test_every_pack_has_the_shape(code: str) -> None:
    VALIDATOR.validate(as_json(tomllib.loads(FILES[code].decode())))


def test_an_overlay_has_the_shape_of_one() -> None:
    members = as_json(tomllib.loads(TIGHTER))
    Draft202012Validator(SCHEMA).validate(members)
    assert not VALIDATOR.is_valid(members)
    pack = PACKS.pack("US-IL")
    assert tightened(pack, TIGHTER.encode(), file="US-IL.toml").code == "US-IL"
    assert not Draft202012Validator(SCHEMA).is_valid({**members, "exemptions": []})


WHOLE = as_json(tomllib.loads(FILES["US-CO"].decode()))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a pack."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, member in inside for place in places(member, (*path, name)))]


def kinds_of_places(value: Any) -> list[tuple[Any, ...]]:
    """Every kind of place in a pack: of a list's items the first that has it."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for place in places(value)[1:]:
        found.setdefault(tuple("[]" if isinstance(name, int) else name for name in place), place)
    return list(found.values())


def toml(value: Any) -> str:
    """Write as TOML what JSON can hold, dates from their texts."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if (
        isinstance(value, str)
        and len(value) == 10
        and value[4:5] == value[7:8] == "-"
        and value[:4].isdigit()
    ):
        return value
    return json.dumps(value)


def both(members: dict[str, Any]) -> tuple[bool, str]:
    """Whether the schema takes it, and what the loader says; empty where it takes it."""
    text = "\n".join(f"{json.dumps(name)} = {toml(value)}" for name, value in members.items())
    try:
        load(text.encode(), file="US-CO.toml", code="US-CO")
    except PackInvalid as refused:
        return VALIDATOR.is_valid(members), str(refused)
    return VALIDATOR.is_valid(members), ""


HARMS: dict[str, Callable[[Any], Any]] = {
    "a number of its own kind": lambda _: 1_000_000_000,
    "a text": lambda _: "",
    "a strange text": lambda _: "P1X",
    "a list": lambda _: [[]],
    "a table": lambda _: {"colour": True},
    "a fraction": lambda _: 0.5,
    "nothing": lambda _: "  ",
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_the_schema_refuses_the_loader_refuses(harm: str) -> None:
    for place in kinds_of_places(WHOLE):
        members = copy.deepcopy(WHOLE)
        inside: Any = members
        for name in place[:-1]:
            inside = inside[name]
        inside[place[-1]] = HARMS[harm](inside[place[-1]])
        valid, says = both(members)
        assert valid or says, place
        if says:
            assert says.startswith("US-CO.toml: ")
            assert says.endswith(".")


def test_what_is_missing_or_unknown_is_refused_by_both() -> None:
    for place in kinds_of_places(WHOLE):
        inside: Any = WHOLE
        for name in place[:-1]:
            inside = inside[name]
        if isinstance(inside, dict):
            for change in ({place[-1]: None}, {"colour": True}):
                members = copy.deepcopy(WHOLE)
                table: Any = members
                for name in place[:-1]:
                    table = table[name]
                table.update(change)
                if change.get(place[-1], True) is None:
                    del table[place[-1]]
                valid, says = both(members)
                assert valid or says, place
                assert ("colour" in change) <= (not valid), place
