"""The page on evidence does what it says: its blocks run in order, and its tables are the code's."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from click import unstyle

from consentgate import Evidence
from consentgate.cli.explained import shown
from consentgate.config.explain import Question, explain
from consentgate.config.setup import make_home
from consentgate.moment import system_clock
from consentgate.packs.packset import shipped
from consentgate.policy.facts import EvidenceKind, candidates, evidence_kind
from consentgate.policy.numbers import jurisdictions
from consentgate.policy.reasons import DEFINITIONS
from tests.functional.docs.pages import blocks, rows, text_of

PAGE = text_of("docs/howto/evidence.md")
OPEN, GIVE, LOOK, NOWHERE = blocks(PAGE, "python")


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the blocks make, on a home of its own."""
    make_home(tmp_path / "home", controller="acme", purposes={"search": "authentication"})
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "home"))
    made: dict[str, Any] = {}
    exec(OPEN, made)
    for block in (GIVE, LOOK, NOWHERE):
        exec(block, made)
    yield made
    made["gate"].close()


def explained(names: dict[str, Any], call: str) -> tuple[str, list[str]]:
    found = explain(names["gate"]._parts, Question(at=system_clock(), call=call, leg="Caller"))
    return unstyle(shown(found).text), [reason.code for reason in found.verdict.reasons]


def test_three_places_count_as_the_page_says(names: dict[str, Any]) -> None:
    [shows] = blocks(PAGE, "text")
    text, _ = explained(names, "tx-1")
    assert [" ".join(line.split()) for line in shows.splitlines()] == [
        " ".join(line.split()) for line in text.splitlines() if re.match(r"  (candidates|hints)", line)
    ]


def test_a_number_of_a_place_without_a_pack_denies(names: dict[str, Any]) -> None:
    assert "UNKNOWN_JURISDICTION" in DEFINITIONS
    assert explained(names, "tx-2")[1] == ["UNKNOWN_JURISDICTION"]


def test_the_table_has_every_kind_and_says_which_are_enough() -> None:
    table = {row[0].strip("`"): row[2] for row in rows(PAGE, "| kind | what it is | alone enough |")}
    assert list(table) == list(get_args(EvidenceKind))
    for kind, enough in table.items():
        found = candidates([Evidence(code="FR", kind=kind, source="x")])
        assert enough.startswith("yes" if found else "no"), kind


def test_places_that_the_page_names_have_numbers_and_no_pack() -> None:
    packs = shipped()
    numbers = {"PR": "+17875550142", "RE": "+262262161234", "AX": "+358181234567"}
    for code, number in numbers.items():
        assert f"`{code}`" in PAGE
        assert jurisdictions(number) == (code,)
    for number in ("+16715550142", "+13405550142", "+390669812345", "+212528812345", *numbers.values()):
        assert any(packs.lookup(code) is None for code in jurisdictions(number)), number


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("account_address", "verified_address"),
        ("residence", "verified_address"),
        ("ip", "network"),
        ("ani", "phone_number"),
        ("area_code", "phone_number"),
        ("hearsay", "declared_location"),
    ],
)
def test_other_words_mean_what_the_page_says(word: str, kind: str) -> None:
    assert evidence_kind(word) == kind
    assert f"`{word}`" in PAGE or word == "hearsay"
