"""The packs that are shipped: what the research says, readable, complete and quick to open."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from consentgate.errors import PackInvalid
from consentgate.packs.packset import shipped
from consentgate.packs.rules import RULE_NAMES
from consentgate.packs.toml import load
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

    def watched(data: bytes, *, file: str, code: str) -> object:
        read.append(code)
        return load(data, file=file, code=code)

    monkeypatch.setattr("consentgate.packs.packset.load", watched)
    shipped().stack("FR", date(2026, 11, 22))
    assert sorted(read) == ["EEA", "EU", "FR"]


def test_a_damaged_installation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consentgate.packs.packset.INDEX", "missing.json")
    with pytest.raises(PackInvalid, match="install consentgate again"):
        shipped()


def test_the_format_page_names_every_field_and_the_assertions_page_every_assertion() -> None:
    page = (ROOT / "docs" / "formats" / "pack.md").read_text("utf-8")
    assert [name for name in RULE_NAMES if f"`{name}`" not in page] == []
    assertions = (ROOT / "docs" / "reference" / "assertions.md").read_text("utf-8")
    for definition in DEFINITIONS.values():
        assert f"| `{definition.name}` | {definition.scope} | " in assertions
        assert definition.meaning in assertions
