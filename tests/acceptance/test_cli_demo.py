"""`consentgate demo`: the main job, told truly."""

from pathlib import Path

import pytest

from tests.acceptance.deployment import Program, checked, outside

# What each caller stands for; Ada comes again after her withdrawal.
EXPECTED = [
    ("Ada", "allowed", "task"),
    ("Ben", "allowed", "ThrottledClientException"),
    ("Cleo", "denied", "CONSENT_FORM_INSUFFICIENT"),
    ("Dan", "denied", "CONSENT_REFUSED"),
    ("Eve", "denied", "NO_CONSENT"),
    ("Fay", "denied", "UNKNOWN_JURISDICTION"),
    ("Gus", "denied", "MINOR_NO_GUARDIAN"),
    ("Ada", "denied", "CONSENT_WITHDRAWN"),
]


def test_demo_allows_one_denies_five_for_their_own_reasons_and_proves_it() -> None:
    said = outside("demo", "--json")
    assert said.exit == 0, said.err
    result = checked(said.out)["result"]
    told = [(call["who"], call["verdict"], call["what"]) for call in result["calls"]]
    assert [(who, verdict) for who, verdict, _ in told] == [(who, verdict) for who, verdict, _ in EXPECTED]
    for (_, _, what), (_, _, expected) in zip(told, EXPECTED, strict=True):
        assert expected in what
    assert result["requests_sent"] == 2
    assert {level["verdict"] for level in result["levels"]} == {"holds"}
    assert {finding["kind"] for finding in result["flipped"]} >= {"altered"}
    # The newest denial is Ada's, after her withdrawal.
    assert any(result["calls"][-1]["entry"] in finding["where"] for finding in result["flipped"])
    assert len({call["entry"] for call in result["calls"]}) == len(EXPECTED)
    assert {statement["issuer"] for statement in result["statements"]} == {
        "https://ivr.acme.example",
        "https://web.acme.example",
    }


def test_demo_fits_a_screen() -> None:
    said = outside("demo")
    lines = said.out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "C-ADA" not in said.out


def test_kept_demo_can_be_looked_around_in(
    tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = program.bare("demo", "--keep", "home")
    assert said.exit == 0
    assert "consentgate entries list --home home" in said.out
    assert program.bare("verify", "--home", tmp_path / "home").exit == 0
    assert program.bare("demo", "--keep", "home").exit == 2
