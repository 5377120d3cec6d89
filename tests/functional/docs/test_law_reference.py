"""The reference of jurisdictions: what is committed is what the packs say, and what the engine asks."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from consentgate.packs.packset import shipped
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import BASELINE, Requirements
from consentgate.policy.requirements import merge
from tests.functional.docs.pages import DOCS
from tools.law import cells
from tools.law.cells import COLUMNS, Cell, Clause, Row
from tools.law_reference import as_of, files, main

PACKS, DAY = shipped(), as_of()

# Columns whose cells are hard yes or no, with the demand that the engine makes.
PLAIN = {
    "electronic_signature_ok": "no_electronic_signature",
    "oral_consent_ok": "no_oral_consent",
    "separate_consent": "separate_consent",
    "notice_in_writing": "notice_in_writing",
    "alternative_required": "alternative",
    "strict_necessity": "strict_necessity",
    "call_recording_consent": "all_parties",
    "impact_assessment_required": "impact_assessment",
    "public_policy_required": "public_policy",
}
FORMS = {"opt-in": "opt_in", "explicit": "explicit", "signed": "written_release"}
SALES = {"signed", "no, but", "no"}
DISCLOSURES = {
    "consent": "disclosure_consent",
    "or list": "disclosure_consent",
    "own": "separate_disclosure",
    "list only": "no_disclosure",
}


@cache
def lines() -> dict[str, Row]:
    return {row.code: row for row in cells.rows(PACKS, DAY)}


@cache
def made() -> dict[str, str]:
    return files()


def asked(code: str) -> Requirements:
    """What the engine asks there, with nothing asserted."""
    return merge((code,), PACKS, day=DAY, purpose=None, standing=Standing())


def own(cell: Cell) -> set[str]:
    return {clause.pack for clause in cell.clauses if clause.pack}


def test_what_is_committed_is_what_the_packs_say() -> None:
    """Otherwise run `make law`."""
    committed = {
        path.relative_to(DOCS / "law").as_posix(): path.read_text("utf-8")
        for path in [*(DOCS / "law/reference").iterdir(), *(DOCS / "law").glob("matrix.*")]
    }
    stale = sorted(
        name for name in made().keys() | committed.keys() if made().get(name) != committed.get(name)
    )
    assert stale == []


def test_every_pack_has_a_page_and_a_line() -> None:
    assert set(lines()) == set(PACKS.codes)
    assert {f"reference/{code}.md" for code in PACKS.codes} < set(made())


@pytest.mark.parametrize("code", PACKS.codes)
def test_a_line_of_the_matrix_is_what_the_engine_asks(code: str) -> None:
    row, engine = lines()[code].cells, asked(code)
    for column, demand in PLAIN.items():
        assert bool(row[column].level) == bool(engine.demand(demand)), column
        assert own(row[column]) == {basis.pack for basis in engine.demand(demand)}, column
    assert (row["prohibited"].level == 4) == bool(engine.demand("prohibited"))
    assert (row["prohibited"].level > 0) == bool(engine.demand("prohibited") or engine.forbidden)
    assert FORMS[row["consent_form"].text] == engine.form
    assert own(row["consent_form"]) == {basis.pack for basis in engine.form_bases} - {BASELINE}
    assert row["minors"].text == str(engine.age)
    assert own(row["minors"]) == {basis.pack for basis in engine.age_bases} - {BASELINE}
    assert row["notice_elements"].text == str(len(engine.elements))
    assert (row["sale_prohibited"].text in SALES) == bool(engine.demand("no_sale"))
    disclosed = DISCLOSURES.get(row["disclosure_rule"].text)
    assert {name for name in set(DISCLOSURES.values()) if engine.demand(name)} >= {disclosed} - {None}
    assert (row["data_localisation"].level == 3) == bool(engine.localisation)
    assert (row["prior_authority"].level == 3) == bool(engine.filings)
    assert bool(row["max_retention"].level) == bool(engine.clocks)
    assert bool(row["consent_refresh"].level) == bool(engine.refresh)
    assert (row["withdrawal"].origin == "floor") == (engine.deletion.periods == ())
    assert own(row["withdrawal"]) <= {basis.pack for basis in engine.deletion.bases}


@pytest.mark.parametrize("code", PACKS.codes)
def test_no_clause_lacks_its_citation(code: str) -> None:
    def cited(clause: Clause) -> bool:
        return bool(clause.citation and clause.confidence) or not clause.pack

    for name, cell in lines()[code].cells.items():
        assert bool(cell.level) == bool(cell.clauses), name
        assert all(map(cited, (*cell.clauses, *cell.conditions))), name


def test_law_to_come_is_announced() -> None:
    coming = {code for code, row in lines().items() if row.cells["coming"].level}
    later = {
        code
        for code in PACKS.codes
        for pack in PACKS.above(code)
        for version in pack.versions
        if version.since > DAY
    }
    assert coming == later
    assert {"CL", "US-OK", "US-LA", "US-AL", "IN"} <= coming
    assert "From **2026-12-01**" in made()["reference/CL.md"]
    assert "What it will ask, from 2027-01-01" in made()["reference/US-OK.md"]


def test_conditions_are_marked() -> None:
    assert {code for code, row in lines().items() if row.cells["consent_form"].conditions} == {"US-CA"}
    (first, *_) = lines()["US-CA"].cells["consent_form"].conditions
    assert first.sentence == "For deception detection: The consent has to be a signed written release."


def test_pages_say_that_they_are_no_advice_and_stay_short() -> None:
    for name, text in made().items():
        if name.endswith(".md"):
            assert f"never advice. As of {DAY.isoformat()}" in text
            assert len(text.encode()) < 16_000, name


def test_regions_are_the_folders_of_the_packs() -> None:
    folders = {each["file"].partition("/")[0] for each in json.loads(PACKS.index)["packs"].values()}
    assert folders == set(cells.REGIONS)


def test_pages_of_jurisdictions_that_are_gone_go_too(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference/XX.md").write_text("gone")
    assert main([str(tmp_path)]) == 0
    assert not (tmp_path / "reference/XX.md").exists()
    assert (tmp_path / "matrix.svg").read_text("utf-8") == made()["matrix.svg"]


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = made()["matrix.html"]
    assert "default-src 'none'" in page
    assert re.findall(r"""(?:src|href)=["'](?!reference/)[^"']+""", page) == []
    assert re.findall(r"url\(|@import|style=|\son\w+=", page) == []


def row_of(page: str, code: str) -> str:
    found = re.search(rf'<tr data-code="{code}".*?</tr>', page)
    assert found is not None
    return found.group(0)


def test_the_table_is_a_table() -> None:
    page = made()["matrix.html"]
    assert page.count('scope="col"') == len(COLUMNS) + 1
    assert page.count('scope="row"') == len(lines())
    for row in lines().values():
        assert row_of(page, row.code).count("<td") == len(COLUMNS)


def test_every_line_has_its_picture() -> None:
    picture = made()["matrix.svg"]
    for column in COLUMNS:
        assert f"{column.title}: {asking(column.name)}" in picture


def asking(name: str) -> int:
    def asks(row: Row) -> bool:
        return row.cells[name].level > 0

    return sum(map(asks, lines().values()))
