"""Scenario files are read strictly, whatever they hold, and answered by the engine."""

import json
from typing import Any

import pytest

from consentgate.config.scenarios import LIMIT, answer, chosen, read_scenarios
from consentgate.errors import InvalidInput
from consentgate.packs.packset import shipped

CASE: dict[str, Any] = {
    "id": "S1",
    "title": "Nobody agreed",
    "at": "2026-11-22T12:00:00Z",
    "jurisdictions": [{"code": "FR", "source": "account_address", "confidence": "high"}],
    "speaker": {"id": "spk", "age": 34},
    "controller": {"type": "contact_centre"},
    "request": {"operation": "search", "purpose": "authentication"},
    "facts": {"recording_consent": "all_parties"},
}


def file_of(*cases: object, **members: object) -> bytes:
    return json.dumps({"scenarios": list(cases), **members}).encode()


def refused(data: bytes, file: str = "cases.yaml") -> str:
    with pytest.raises(InvalidInput) as error:
        read_scenarios(data, file)
    return str(error.value)


def test_json_and_yaml_say_the_same() -> None:
    data = file_of(CASE)
    [from_json] = read_scenarios(data, "cases.json")
    [from_yaml] = read_scenarios(b"# as YAML\n" + data, "cases.yaml")
    assert from_json.members == from_yaml.members == CASE
    assert (from_json.id, from_json.title, from_json.expected) == ("S1", "Nobody agreed", {})


def test_answer_is_the_engines_and_judges_only_what_is_expected() -> None:
    packs = shipped()
    [plain] = read_scenarios(file_of(CASE), "cases.json")
    said = answer(plain, packs).result
    assert (said.verdict, said.as_expected) == ("deny", None)
    assert "NO_CONSENT" in said.reasons
    met = {"decision": "deny", "reasons": list(said.reasons)}
    for expect, holds in (
        (met, True),
        (met | {"reasons": ["NO_CONSENT"]}, False),
        ({"decision": "allow"}, False),
    ):
        [case] = read_scenarios(file_of(CASE | {"expect": expect}), "cases.json")
        assert answer(case, packs).result.as_expected is holds


def test_unquoted_times_are_utc() -> None:
    text = file_of(CASE).decode().replace('"2026-11-22T12:00:00Z"', "2026-11-22T12:00:00Z")
    [case] = read_scenarios(b"# YAML\n" + text.encode(), "cases.yaml")
    assert answer(case, shipped()).result.decision.at.isoformat() == "2026-11-22T12:00:00+00:00"


def test_anchors_save_writing_and_are_never_unfolded() -> None:
    data = b"words: &w [authentication]\nscenarios:\n- {id: a, at: *w}\n- {id: b, at: *w}\n"
    first, second = read_scenarios(data, "cases.yaml")
    assert first.members["at"] is second.members["at"]
    lines = [
        "a0: &a0 [x]",
        *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 500)),
        "scenarios: *a499",
    ]
    assert "scenarios[0] is not an object" in refused("\n".join(lines).encode())
    assert "scenarios[0] is not an object" in refused(b"scenarios: &a [*a]")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "a list of `scenarios`"),
        (b"# nothing", "a list of `scenarios`"),
        (b"[1, 2]", "a list of `scenarios`"),
        (b"scenarios: {}", "a list of `scenarios`"),
        (b"scenarios: []", "no scenario in it"),
        (b"schema_version: 2\nscenarios: [{id: a}]", "schema_version is 1"),
        (b"scenarios: [1]", "scenarios[0] is not an object"),
        (b"scenarios: [{at: x}]", "scenarios[0].id is not a short text"),
        (b"scenarios: [{id: 7}]", "scenarios[0].id is not a short text"),
        (b'scenarios: [{id: "a\\e"}]', "scenarios[0].id is not a short text"),
        (b"scenarios: [{id: a}, {id: a}]", "two scenarios have the id a"),
        (b"{", "This is not JSON"),
        (b'{"scenarios": [], "scenarios": []}', "cannot be used"),
        (b"a: 1\nb: 2\na: 3", "line 3: this name stands here twice"),
        (b"NO: 1", "line 1: put this name in quotes"),
        (b"? [a]\n: 1", "line 1: put this name in quotes"),
        (b"a: &a {b: 1}\nc: {<<: *a}", "line 2: write out what << would merge"),
        (b"a: !!python/object/apply:os.getcwd []", "line 1: leave out the tag"),
        (b"a: !!int x", "line 1: leave out the tag"),
        (b"- " * 100_000, "nested deeper than 32 levels"),
        (b"[" * 1_000_000, "nested deeper than 32 levels"),
        (b"a: [", "line 2: this is not YAML"),
        (b"a: 1\n---\nb: 1", "this is not YAML"),
        (b"a: \x00", "this is not YAML"),
        (b"a: 2026-13-45", "a date or number in it is none"),
        (b"a: " + b"1" * 9000, "a date or number in it is none"),
        (b"\xff\xfe", "not UTF-8"),
        (b" " * (LIMIT + 1), "larger than"),
    ],
)
def test_what_is_no_scenario_file_is_refused_with_its_place(data: bytes, said: str) -> None:
    message = refused(data)
    assert message.startswith("cases.yaml")
    assert said in message


def test_a_file_that_calls_itself_json_is_read_as_nothing_else() -> None:
    assert "not JSON" in refused(b"scenarios: [{id: a}]", "cases.JSON")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"at": None}, "at is missing"),
        ({"at": "yesterday"}, "at is no time"),
        ({"speaker": 3}, "speaker is not an object"),
        ({"request": {"operation": False}}, "request.operation is not a text"),
        ({"jurisdictions": "FR"}, "jurisdictions is not a list"),
        ({"expect": "allow"}, "expect is not an object"),
    ],
)
def test_a_scenario_that_cannot_be_read_is_named(members: dict[str, Any], said: str) -> None:
    [case] = read_scenarios(file_of(CASE | members), "cases.json")
    with pytest.raises(InvalidInput) as error:
        answer(case, shipped())
    assert str(error.value).startswith("cases.json: scenario S1: ")
    assert said in str(error.value)


def test_scenarios_are_chosen_by_id() -> None:
    cases = read_scenarios(file_of(CASE, CASE | {"id": "S2"}), "cases.json")
    assert [each.id for each in chosen(cases, ())] == ["S1", "S2"]
    assert [each.id for each in chosen(cases, ("S2",))] == ["S2"]
    with pytest.raises(InvalidInput, match=r"There is no scenario S3 in cases\.json\."):
        chosen(cases, ("S3",))
