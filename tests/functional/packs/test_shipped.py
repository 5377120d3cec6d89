"""The packs that are shipped: what the research says, readable, complete and quick to open."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from consentgate.errors import PackInvalid
from consentgate.packs.bases import UNCITED, own_clause
from consentgate.packs.index import INDEX, NOTE
from consentgate.packs.pack import Confidence
from consentgate.packs.packset import shipped
from consentgate.packs.rules import RULE_NAMES
from consentgate.packs.signers import SIGNERS
from consentgate.policy.assertions import DEFINITIONS, Standing
from consentgate.policy.requirements import merge

ROOT = Path(__file__).parents[3]
DATA = ROOT / "consentgate" / "packs" / "data"
PACKS = shipped()


def test_the_packs_are_what_the_generator_makes_of_the_research(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "tools/packs.py", "docs/law/jurisdictions.yaml", str(tmp_path), *PACKS.codes],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    names = sorted(path.relative_to(DATA) for path in DATA.rglob("*") if path.is_file())
    names.remove(Path(NOTE))  # that takes the key, which is nobody's to read here
    assert names == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    for name in names:
        assert (DATA / name).read_bytes() == (tmp_path / name).read_bytes(), name


@pytest.mark.parametrize("code", PACKS.codes)
def test_a_shipped_pack_can_be_used_with_all_that_is_above_it(code: str) -> None:
    for version in PACKS.pack(code).versions:
        asked = merge((code,), PACKS, day=version.since, purpose="authentication", standing=Standing())
        assert code in {used.code for used in asked.packs}
        assert version.bases.keys() == {*version.rules.stated()}


def test_a_decision_for_france_does_not_read_texas(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(_package: str, path: str) -> bytes:
        read.append(path)
        return (DATA.parent / path).read_bytes()

    monkeypatch.setattr("pkgutil.get_data", watched)
    packs = shipped()
    assert read == ["data/index.json", "data/index.note"]
    asked = merge(("FR",), packs, day=date(2026, 11, 22), purpose="authentication", standing=Standing())
    assert [used.code for used in asked.packs] == ["EEA", "EU", "FR"]
    assert sorted(read[2:]) == ["data/europe/EEA.toml", "data/europe/EU.toml", "data/europe/FR.toml"]
    merge(("FR", "DE"), packs, day=date(2026, 11, 22), purpose="authentication", standing=Standing())
    assert read[5:] == ["data/europe/DE.toml"]


def test_the_set_is_signed_by_a_key_of_the_list() -> None:
    assert PACKS.version is not None
    assert len(PACKS.signed_by) == 1
    assert PACKS.signed_by[0] in {key.partition("+")[0] for key in SIGNERS}
    assert PACKS.overlaid == ()


@pytest.mark.parametrize("name", [INDEX, NOTE])
def test_an_installation_without_index_or_signature_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(_package: str, path: str) -> bytes:
        if path.endswith(name):
            raise FileNotFoundError(2, "No such file", path)
        return (DATA.parent / path).read_bytes()

    monkeypatch.setattr("pkgutil.get_data", without)
    with pytest.raises(
        PackInvalid, match=f"^{name}: the whole file: it is missing; install consentgate again"
    ):
        shipped()


def test_an_installation_that_hides_its_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pkgutil.get_data", lambda _package, _path: None)
    with pytest.raises(PackInvalid, match="unpack consentgate"):
        shipped()


def test_an_index_that_was_edited_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def edited(_package: str, path: str) -> bytes:
        return (DATA.parent / path).read_bytes().replace(b"US-TX.toml", b"US-T_.toml")

    monkeypatch.setattr("pkgutil.get_data", edited)
    with pytest.raises(PackInvalid, match=r"index\.note: .*signed for another set"):
        shipped()


def test_every_requirement_of_every_version_is_cited() -> None:
    for code in PACKS.codes:
        pack = PACKS.pack(code)
        known = sorted({each.cite for each in pack.sources} | {law.citation for law in pack.laws}, key=len)[
            ::-1
        ]
        for version in pack.versions:
            assert version.bases.keys() == {*version.rules.stated()}, code
            for name, basis in version.bases.items():
                assert (basis.pack, basis.confidence in get_args(Confidence)) == (code, True)
                assert basis.uncertain == bool(pack.uncertain(name))
                # A clause, or whole laws of the pack one after the other, or that there is none.
                left = basis.citation
                for citation in (own_clause(version.rules, name), UNCITED, *known):
                    left = left.replace(citation or " ", " ") if left else left
                assert left.strip("; ") == "", (code, name)
            for rule in version.conditional_rules:
                assert rule.cite


def test_most_that_can_deny_names_a_clause_and_little_names_no_law() -> None:
    bases = [basis for code in PACKS.codes for v in PACKS.pack(code).versions for basis in v.bases.values()]
    uncited = {basis.pack for basis in bases if basis.citation == UNCITED}
    # Before an act was in force, and in states listed for their recording law alone, the research names none.
    assert uncited == {
        "US-CT",
        "US-DE",
        "US-FL",
        "US-MA",
        "US-MI",
        "US-MT",
        "US-NH",
        "US-NV",
        "US-PA",
    }


def test_every_doubt_of_the_research_is_about_fields_or_known_to_be_about_none() -> None:
    remarks = {
        remark
        for code in PACKS.codes
        for remark in PACKS.pack(code).uncertain_fields
        if not any(remark in PACKS.pack(code).uncertain(name) for name in RULE_NAMES)
    }
    assert {remark.partition("(")[0].strip() for remark in remarks} == {
        "2025 amendment status",
        "2026 Digital Code changes not read",
        "2026 amendment status",
        "AI Act classification of 1:N call search as 'remote' identification",
        "article numbers",
        "commencement of Parts I-III",
        "enforceability in 2026",
        "in force",
        "in force date",
        "retention after seven years",
        "some duties deferred",
    }


def test_the_format_page_names_every_field_and_the_assertions_page_every_assertion() -> None:
    page = (ROOT / "docs" / "formats" / "pack.md").read_text("utf-8")
    assert [name for name in RULE_NAMES if f"`{name}`" not in page] == []
    assertions = (ROOT / "docs" / "reference" / "assertions.md").read_text("utf-8")
    for definition in DEFINITIONS.values():
        assert f"| `{definition.name}` | {definition.scope} | " in assertions
        assert definition.meaning in assertions
