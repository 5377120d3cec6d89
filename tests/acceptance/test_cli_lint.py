"""``notice lint``: a manifest before it is added, or a notice of the ledger, against the law of places."""

import json
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance


def test_notice_of_the_ledger_is_checked_for_the_places_that_it_names(program: Program) -> None:
    result = program.json("notice", "lint", "voiceprint@2026-02")["result"]
    assert (result["for"], result["purposes"], result["items"]) == (["US-IL"], ["authentication"], [])
    assert "Nothing is missing." in program("notice", "lint", "voiceprint").out


def test_what_is_missing_elsewhere_is_listed_with_its_clauses(program: Program) -> None:
    document = program.json("notice", "lint", "voiceprint", "--for", "US-IL,FR", "--for", "XX", exit=1)
    items = document["result"]["items"]
    missing = {each["detail"] for each in items if each["kind"] == "element_missing"}
    assert {"withdrawal_right", "legal_basis"} <= missing
    assert all(each["bases"] for each in items if each["kind"] == "element_missing")
    assert len(document["findings"]) == sum(not each["advice"] for each in items)
    text = program("notice", "lint", "voiceprint", "--for", "US-IL,FR,XX")
    assert text.exit == 1
    for part in (
        "It does not say the right to withdraw (withdrawal_right). FR",
        "EU: Art. 13(1)-(2)",
        "which is needed if data crosses a border",
        "No pack answers for XX.",
        "things are missing.",
    ):
        assert part in " ".join(text.out.split())


def test_manifest_is_checked_before_it_is_added(
    program: Program, deployed: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(
        (deployed.folder / "notice.toml").read_text().replace("in_writing = true", "in_writing = false")
    )
    document = program.json("notice", "lint", path, "--purpose", "authentication", exit=1)
    assert [each["kind"] for each in document["result"]["items"]] == ["not_in_writing", "version_taken"]
    assert "2 things are missing." in program("notice", "lint", path).out
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "nowhere"))
    alone = program.bare("notice", "lint", path, "--json")
    assert [each["kind"] for each in json.loads(alone.out)["result"]["items"]] == ["not_in_writing"]


@pytest.mark.parametrize("form", ["opt_in"])
def test_every_kind_of_flaw_has_its_sentence(program: Program, tmp_path: Path, form: str) -> None:
    members = {
        "id": "voiceprint",
        "version": "2026-01",
        "language": "en",
        "in_writing": True,
        "elements": [],
        "consent_form": form,
        "purposes": ["authentication"],
        "operations": ["search", "disclose"],
        "jurisdictions": ["US"],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(members))
    words = ("notice", "lint", tmp_path / "manifest.json", "--for", "US-IL,FR,US-CO")
    found = {each["kind"] for each in program.json(*words, exit=1)["result"]["items"]}
    assert found >= {
        "form_insufficient",
        "not_separate",
        "disclosure_not_asked",
        "not_written_for",
        "language",
    }
    assert "newer_version" in found
    text = program(*words).out
    assert "The ledger has a newer version: 2026-02." in text
    assert "Its manifest does not name FR." in text


def test_lint_has_to_know_where(program: Program, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    assert program("notice", "lint", tmp_path / "manifest.json").exit == 2
    (tmp_path / "whole.toml").write_text(
        'id = "a"\nversion = "1"\nlanguage = "en"\nin_writing = true\nelements = []\n'
        'consent_form = "opt_in"\npurposes = ["x"]\noperations = ["search"]\n'
    )
    refused = program("notice", "lint", tmp_path / "whole.toml")
    assert refused.exit == 2
    assert "Say where" in refused.err
    assert program("notice", "lint", "nothing@1").exit == 2
    assert program("notice", "lint", tmp_path / "none.toml").exit == 2
