"""The paper of packages that were exported: it agrees with the records, and shows nothing that they withhold."""

import re
from collections.abc import Iterator
from pathlib import Path

from consentgate.export.making import Package
from tests.functional.export.place import lines, manifest, records
from tests.packages import PERSON, Exporter
from tests.papers import read_csv, read_dat

ROLES = {"certificate", "custody", "dictionary", "loadfile", "readme", "report", "table", "text"}
OTHERS = ("2002", "3003", "4004", "+12175550142")


def table(package: Path, name: str) -> list[dict[str, str]]:
    """A CSV table of a package."""
    return read_csv((package / f"data/tables/{name}.csv").read_bytes())


def papers_of(package: Path) -> Iterator[tuple[str, str]]:
    """Every paper that is text: path and content."""
    for each in manifest(package)["files"]:
        if each["role"] in ROLES and not each["path"].endswith((".pdf", ".xlsx")):
            yield each["path"], (package / each["path"]).read_text("utf-8")


def test_every_record_has_its_row_its_line_and_its_text(package: Path) -> None:
    known = records(package)
    rows = table(package, "entries")
    loaded = read_dat((package / "data/loadfile/loadfile.dat").read_bytes(), "utf-8-sig")
    for listed in (rows, [{**row, "bates": row["BEGBATES"], "entry": row["ENTRY_ID"]} for row in loaded]):
        assert [(row["bates"], row["entry"]) for row in listed] == [(r["bates"], r["entry"]) for r in known]
    assert [row["at_utc"] for row in rows] == [each["at"] for each in known]
    for row in loaded:
        for name in ("TEXTPATH", "NATIVEPATH"):
            assert not row[name] or (package / row[name].replace("\\", "/")).is_file()


def test_every_open_decision_and_statement_has_its_row(package: Path) -> None:
    open_parts = [
        (each["bates"], name)
        for each in records(package)
        for name, part in each["parts"].items()
        if "withheld" not in part
    ]
    ruled = [(bates, name) for bates, name in open_parts if name.startswith("decision")]
    rows = [(row["bates"], row["part"]) for row in table(package, "decisions") if row["part"] != "body.0"]
    stopped = {each["bates"] for each in records(package) if each["kind"] == "stop"}
    assert rows == [each for each in ruled if each[0] not in stopped]
    stated = [bates for bates, name in open_parts if name == "statement.0"]
    assert [row["bates"] for row in table(package, "statements")] == stated
    for row in table(package, "statements"):
        assert not row["notice_sha256"] or (package / "data/artifacts" / row["notice_sha256"]).is_file()
    denied = [row for row in table(package, "decisions") if row["decision"] == "denied"]
    assert denied
    assert all(row["reasons"] and row["sentences"] for row in denied)


def test_what_is_withheld_is_in_both_lists(package: Path) -> None:
    named = [
        (each["bates"], each["part"], each["reason"])
        for each in lines(package, "data/withheld/withheld.jsonl")
    ]
    assert [(row["bates"], row["part"], row["reason"]) for row in table(package, "withheld")] == named
    assert named


def test_all_papers_are_listed(package: Path) -> None:
    listed = {each["path"]: each["role"] for each in manifest(package)["files"]}
    assert set(listed.values()) >= ROLES
    for path in ("README.txt", "data/report/report.pdf", "data/certificate/certificate-draft.pdf",
                 "data/certificate/certificate-draft.txt", "data/custody/custody.txt", "data/tables/evidence.xlsx",
                 "data/dictionary/data-dictionary.txt", "data/loadfile/loadfile.dat"):  # fmt: skip
        assert path in listed


def test_redacted_references_stand_in_no_paper(narrow_package: Path) -> None:
    for path, text in papers_of(narrow_package):
        assert not re.search(rf"\b{PERSON[1]}\b(?!-)", text), path


def test_nothing_of_others_stands_in_the_papers_for_a_person(exporter: Exporter, tmp_path: Path) -> None:
    made: Package = exporter.world.gate.export(
        "Access",
        tmp_path,
        purpose="GDPR Art. 15",
        recipient="Ada",
        subject=PERSON,
        role="subject",
        prefix="DSAR-",
        clear=True,
    )
    found = dict(papers_of(made.folder))
    page = found["data/report/your-data.html"]
    assert page.count('<li class="') == made.totals.exported
    assert "You gave your consent" in page
    assert f"customer {PERSON[1]}" in page
    assert "Þú mátt segja nei." in page
    assert "data/custody/custody.txt" not in found
    for path, text in found.items():
        for other in OTHERS:
            assert f"customer {other}" not in text, path
            assert f'"value":"{other}"' not in text, path
