"""Tables, load file and texts: whatever people and systems wrote comes back, and nothing of it becomes a formula."""

import io
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import openpyxl
import pytest

from consentgate.canonical import Json
from consentgate.errors import InvalidInput
from consentgate.export.paper import tools, workbook
from consentgate.export.paper.loadfile import DIALECTS, FIELDS, LoadFile
from consentgate.export.paper.sheets import TABLES
from consentgate.export.paper.texts import text_path
from consentgate.export.record import Record
from tests import papers
from tests.papers import HOSTILE, hostile, pictured, read_csv, read_dat, record, written


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The paper of the hostile records, without PDF files."""
    return written(tmp_path_factory.mktemp("paper"), hostile(), options=tools.options(report=False))


def test_every_value_comes_back_from_the_csv_tables(files: dict[str, bytes]) -> None:
    said = read_csv(files["data/tables/statements.csv"])
    assert [row["iss"] for row in said] == [pictured(text) for text in HOSTILE]
    assert [row["references"] for row in said] == [pictured(f"customer {text}".strip()) for text in HOSTILE]
    ruled = read_csv(files["data/tables/decisions.csv"])
    assert {row["evidence"] for row in ruled} == {"US-IL (account address)"}
    assert [row["call"] for row in ruled] == [pictured(text) for text in HOSTILE]
    assert [row["citations"] for row in ruled] == [pictured(f"US-IL: {text}") for text in HOSTILE]


def test_tables_reconcile_with_the_records(files: dict[str, bytes]) -> None:
    records = hostile()
    listed = read_csv(files["data/tables/entries.csv"])
    assert [row["bates"] for row in listed] == [each.bates for each in records]
    assert listed[-1]["answers"] == "CG00000002"
    (gone,) = read_csv(files["data/tables/withheld.csv"])
    assert (gone["bates"], gone["part"], gone["reason"]) == (records[-1].bates, "matches.0", "matches")
    assert listed[0]["at_utc"] == "2026-11-22T13:00:00.000Z"
    assert listed[0]["at_local"] == "2026-11-22 07:00:00 CST (UTC-06:00)"


def test_files_that_prove_a_statement_stand_with_their_hashes(tmp_path: Path) -> None:
    made = written(
        tmp_path, [papers.proven(1, "7"), papers.statement(2, "8")], options=tools.options(report=False)
    )
    proven, bare = read_csv(made["data/tables/statements.csv"])
    # What is no digest leaves its line empty, so that the next is beside its own.
    assert proven["evidence_sha256"] == f"{papers.RECORDING.hex()}\n"
    first, second = proven["evidence"].split("\n")
    assert first == "recording, audio/wav, 64044 bytes, https://files.acme.example/7"
    assert second == "signed_form, image/png"
    assert bare["evidence"] == bare["evidence_sha256"] == ""
    assert f"SHA-256 {papers.RECORDING.hex()}" in " ".join(
        made["data/text/000/CG00000001.txt"].decode().split()
    )


def test_no_cell_begins_as_a_formula(files: dict[str, bytes]) -> None:
    for table in TABLES:
        text = files[f"data/tables/{table.name}.csv"].decode("utf-8-sig")
        for start in ('"=', '"+', '"-', '"@', '"\t', '"\uff1d'):
            assert f",{start}" not in text
            assert f"\n{start}" not in text


def test_workbook_holds_the_same_texts_and_nothing_but_texts(files: dict[str, bytes]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(files[workbook.PATH]))
    assert book.sheetnames == [table.name for table in TABLES]
    for table in TABLES:
        rows = [[cell.value or "" for cell in row] for row in book[table.name].iter_rows()]
        expected = read_csv(files[f"data/tables/{table.name}.csv"])
        assert rows[0] == [column.name for column in table.columns]
        assert [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] == expected
        assert {cell.data_type for row in book[table.name].iter_rows() for cell in row} <= {"s", "n"}
        assert not [c for row in book[table.name].iter_rows() for c in row if c.data_type == "n" and c.value]


def test_text_that_no_cell_can_hold_is_cut_and_says_so(tmp_path: Path) -> None:
    long = papers.statement(1, "x", iss="y" * 40_000)
    made = written(tmp_path, [long], options=tools.options(report=False))
    (row,) = read_csv(made["data/tables/statements.csv"])
    assert row["iss"] == "y" * 40_000
    book = openpyxl.load_workbook(io.BytesIO(made[workbook.PATH]))
    (cell,) = [str(c.value) for c in book["statements"][2] if str(c.value).startswith("yyy")]
    assert len(cell) == workbook.CELL
    assert cell.endswith(workbook.CUT)


def test_full_sheet_goes_on_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS", 3)
    made = written(tmp_path, hostile()[:5], options=tools.options(report=False))
    book = openpyxl.load_workbook(io.BytesIO(made[workbook.PATH]))
    names = ["entries", "entries 2", "entries 3"]
    assert [name for name in book.sheetnames if name.startswith("entries")] == names
    found = [row[0].value for name in names for row in book[name].iter_rows(min_row=2)]
    assert found == [each.bates for each in hostile()[:5]]


@pytest.mark.parametrize(("dialect", "encoding"), [(DIALECTS[0], "utf-8-sig"), (DIALECTS[1], "cp1252")])
def test_every_value_comes_back_from_the_load_file(tmp_path: Path, dialect: str, encoding: str) -> None:
    options = tools.options(dialect=dialect, report=False)
    made = written(tmp_path, hostile(), options=options)
    rows = read_dat(made["data/loadfile/loadfile.dat"], encoding)
    assert list(rows[0]) == [name for name, _, _ in FIELDS]
    assert [row["BEGBATES"] for row in rows] == [each.bates for each in hostile()]

    def as_written(text: str) -> str:
        for sign, letters in (("\u00fe", "th"), ("\u00ae", "(R)"), ("\u00b6", "(P)")):
            text = text.replace(sign, letters)
        return pictured(text).encode(encoding, "backslashreplace").decode(encoding)

    calls = [row["CALL"] for row in rows if row["DOCTYPE"] == "denial"]
    assert calls == [as_written(text) for text in HOSTILE]
    cited = [row["CITATIONS"] for row in rows if row["DOCTYPE"] == "denial"]
    assert cited == [as_written(f"US-IL: {text}") for text in HOSTILE]


def test_load_file_names_texts_by_path_and_hash(files: dict[str, bytes]) -> None:
    rows = read_dat(files["data/loadfile/loadfile.dat"], "utf-8-sig")
    for row in rows:
        text = files[row["TEXTPATH"].replace("\\", "/")]
        assert sha256(text).hexdigest() == row["HASH_SHA256"]
        assert row["BEGBATES"] in text.decode()
    assert rows[0]["NATIVEPATH"] == "data\\statements\\CG00000001.jws"
    assert [row["REDACTED"] for row in rows[-2:]] == ["No", "Yes"]
    assert rows[-1]["REDACTION_REASON"] == "matches.0: matches"


def test_texts_show_what_cannot_be_seen(files: dict[str, bytes]) -> None:
    texts = "".join(data.decode() for path, data in files.items() if path.startswith("data/text/"))
    assert "\u202e" not in texts
    assert "[U+202E]" in texts
    assert "\x00" not in texts
    assert "[U+0000]" in texts
    assert "body: {}" in texts
    assert "Withheld: It names other people" in texts


def test_texts_lie_a_thousand_to_a_folder() -> None:
    assert text_path("CG1", 999) == "data/text/000/CG1.txt"
    assert text_path("CG2", 1000) == "data/text/001/CG2.txt"


def test_dictionary_explains_every_column(files: dict[str, bytes]) -> None:
    rows = read_csv(files["data/dictionary/data-dictionary.csv"])
    named = {(row["where"], row["name"]) for row in rows}
    for table in TABLES:
        head = files[f"data/tables/{table.name}.csv"].decode("utf-8-sig").split("\r\n")[0]
        columns = [each.strip('"') for each in head.split(",")]
        assert {(f"tables/{table.name}", column) for column in columns} <= named
    assert {
        ("loadfile", name) for name in read_dat(files["data/loadfile/loadfile.dat"], "utf-8-sig")[0]
    } <= named
    assert all(row["means"] for row in rows)
    about = {row["name"]: row["means"] for row in rows if row["where"] == "members of a speaker"}
    assert about.keys() == {"adult", "age"}
    assert "does not say that the person is younger" in about["adult"]


def test_unknown_dialect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="concordance-utf8, concordance-cp1252"):
        tools.options(dialect="summation")
    with pytest.raises(InvalidInput, match="concordance-utf8, concordance-cp1252"):
        LoadFile(papers.Memory(tmp_path), papers.scope(0), "summation")


def test_tool_that_is_not_installed_is_not_in_the_export(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(tools, "version", version)
    assert tools.options() == {"dialect": "concordance-utf8"}


def test_part_of_any_shape_has_a_row_and_a_text(tmp_path: Path) -> None:
    odd: list[Json] = [
        None,
        True,
        1.5,
        "text",
        [],
        [1, {"a": None}],
        {"decision": 3, "exchange": [], "value": "\ud800"},
    ]
    kinds = (
        "statement",
        "call",
        "assertion",
        "intent",
        "denial",
        "outcome",
        "observation",
        "stop",
        "new_kind",
    )
    names = ("statement.0", "call.0", "assertion.0", "decision.0", "body.0", "exchange.0")
    records: list[Record] = []
    for kind in kinds:
        for each in odd:
            for content in (
                {},
                dict.fromkeys(("token", "speaker", "decision", "legs", "exchange"), each),
            ):
                made = replace(record(len(records) + 1, kind, {}), parts=dict.fromkeys(names, content))
                records.append(made)
    files = written(tmp_path, records, options=tools.options(report=False))
    assert len(read_csv(files["data/tables/entries.csv"])) == len(records)
