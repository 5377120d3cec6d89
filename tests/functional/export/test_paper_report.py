"""The report, the certificate and the document for the person: what stands in them, and that text stays text."""

import io
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import typst

from consentgate.crypto.timestamp import Stamp
from consentgate.errors import InvalidInput, Misconfigured
from consentgate.export.paper import certificate, report, tools, typesetting, yourdata
from consentgate.export.paper.shown import covered
from consentgate.export.paper.zones import Zone
from consentgate.export.record import Record, Withheld
from consentgate.export.sink import Artifact
from tests import papers
from tests.papers import HOSTILE, WORDING, denial, hostile, record, statement, written

EVERYTHING = "".join(map(chr, sorted(covered())))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The paper of the hostile records, with PDF files."""
    return written(tmp_path_factory.mktemp("paper"), hostile())


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Catches what the template would be given, and typesets nothing."""
    caught: list[dict[str, Any]] = []

    def surely(_: str, given: dict[str, Any], __: object) -> bytes:
        caught.append(given)
        return b"%PDF"

    for module in (report, typesetting):
        monkeypatch.setattr(module, "surely", surely)
    return caught


def sections(given: dict[str, Any]) -> dict[str, Any]:
    """The sections of a document by title."""
    return {each["title"]: each for each in given["sections"]}


@pytest.mark.parametrize("path", [report.PATH, certificate.PDF])
def test_pdf_declares_pdf_a_and_ua_and_is_tagged(files: dict[str, bytes], path: str) -> None:
    with pikepdf.open(io.BytesIO(files[path])) as pdf, pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "2A"
        assert metadata["pdfuaid:part"] == "1"
        assert "Doe v. Acme #evil()" in str(metadata["dc:title"])
        root = pdf.Root
        assert root.MarkInfo.Marked
        assert root.ViewerPreferences.DisplayDocTitle
        assert str(root.Lang).startswith("en")
        assert "/K" in root.StructTreeRoot
        assert "/OutputIntents" in root
        assert "/EmbeddedFiles" not in root.get("/Names", {})
        assert not [page for page in pdf.pages if "/AA" in page or "/Annots" in page]
        assert "/OpenAction" not in root


def test_chart_has_words(files: dict[str, bytes]) -> None:
    with pikepdf.open(io.BytesIO(files[report.PATH])) as pdf:
        told = [
            str(each.Alt) for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and "/Alt" in each
        ]
    assert [each for each in told if "Consents given: 15" in each and "Requests denied: 15" in each]


def test_report_is_the_same_each_time_and_everywhere(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        again = written(tmp_path, hostile())
    finally:
        monkeypatch.undo()
        time.tzset()
    assert again.keys() == files.keys()
    assert [path for path in files if again[path] != files[path]] == []


def test_markup_of_the_template_in_a_text_stays_text(tmp_path: Path) -> None:
    # Any of these would end the typesetting, or read a file, if it were markup.
    evil = '#panic("x") #read("/etc/passwd") #import "@preview/x:1.0.0" #evil() $x^$ ] } ) * _ ` @nowhere \\'
    made = written(tmp_path, [statement(1, evil), denial(2, evil)], matter=f"M {evil}"[:200])
    with pikepdf.open(io.BytesIO(made[report.PATH])) as pdf, pdf.open_metadata() as metadata:
        assert '#read("/etc/passwd")' in str(metadata["dc:title"])


def test_every_character_that_the_table_names_can_be_printed(tmp_path: Path) -> None:
    pieces = [EVERYTHING[at : at + 200] for at in range(0, len(EVERYTHING), 200)]
    texts = [{"title": "t", "kind": "form", "new_page": False, "words": [each], "rows": [[each, each]],
              "points": [], "blanks": []} for each in pieces]  # fmt: skip
    told = papers.scope(1)
    given = report.form(told, Zone("UTC"), "t", texts)
    assert given["sections"][0]["words"] == [pieces[0]]
    assert typesetting.typeset(report.TEMPLATE, given, told.at).startswith(b"%PDF-")


def test_what_the_fonts_lack_together_is_written_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Any] = []

    def typeset(_: str, given: Any, __: object) -> bytes:
        tries.append(given)
        if len(tries) == 1:
            raise typesetting.GlyphMissing
        return b"%PDF"

    monkeypatch.setattr(typesetting, "typeset", typeset)
    assert typesetting.surely("t", {"a": ["\u00e9", 1, None]}, papers.AT) == b"%PDF"
    assert tries[1] == {"a": ["[U+00E9]", 1, None]}


def test_what_a_long_document_laid_out_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    monkeypatch.setattr(typesetting, "_LARGE", 0)
    given = report.form(papers.scope(1), Zone("UTC"), "t", [])
    made = typesetting.surely(report.TEMPLATE, given, papers.AT)
    monkeypatch.setattr(typst, "compile", lambda source, **_: kept.append(source))
    typesetting._forget()
    assert made.startswith(b"%PDF-")
    # It keeps what it laid out for ten documents.
    assert len(set(kept)) > 10


def test_glyphs_that_are_missing_and_templates_that_do_not_fit_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = report.form(papers.scope(1), Zone("UTC"), "t", [])
    with pytest.raises(typesetting.GlyphMissing):
        typesetting.typeset(report.TEMPLATE, {**given, "title": "t", "running": "\u6f22"}, papers.AT)
    with pytest.raises(Misconfigured, match="release that is pinned"):
        typesetting.typeset(report.TEMPLATE, {}, papers.AT)


def test_every_decision_stands_with_reasons_and_law(data: list[dict[str, Any]], tmp_path: Path) -> None:
    written(tmp_path, [denial(1, "740 ILCS 14/15(b)"), denial(2, "740 ILCS 14/15(b)"), denial(3, "other")])
    story = sections(data[0])["The story, entry by entry"]["items"]
    assert [each["bates"] for each in story] == ["CG00000001", "CG00000002", "CG00000003"]
    assert [each["rulings"][0]["verdict"] for each in story] == ["denied"] * 3
    (why,) = story[0]["rulings"][0]["reasons"]
    assert why == {"code": "NO_CONSENT", "sentence": "There is no consent of this speaker.", "law": [1]}
    assert story[2]["rulings"][0]["reasons"][0]["law"] == [2]
    law = sections(data[0])["The law"]["law"]
    assert [(each["number"], each["citation"], each["uses"]) for each in law] == [
        (1, "740 ILCS 14/15(b)", 2),
        (2, "other", 1),
    ]


def test_stop_names_what_it_is_because_of_by_its_number(data: list[dict[str, Any]], tmp_path: Path) -> None:
    cause = statement(1, "a", state="ConsentWithdrawn")
    stop = record(2, "stop", {"decision.0": {"cause": str(cause.entry)}})
    made = written(tmp_path, [cause, stop])
    told = sections(data[0])["The story, entry by entry"]["items"][1]
    assert told["lines"] == [["Because of", "CG00000001"]]
    assert "Because of          CG00000001" in made["data/text/000/CG00000002.txt"].decode()


def test_notice_stands_word_for_word(data: list[dict[str, Any]], tmp_path: Path) -> None:
    written(tmp_path, [statement(1, "a"), statement(2, "b")])
    (notice,) = sections(data[0])["The notices"]["notices"]
    assert notice["text"] == WORDING.replace("\u202e", "[U+202E]")
    assert ["Named by", "2 statements, the first CG00000001"] in notice["rows"]
    assert ["SHA-256", papers.NOTICE.hex()] in notice["rows"]


def test_files_that_prove_a_statement_stand_in_its_story(data: list[dict[str, Any]], tmp_path: Path) -> None:
    written(tmp_path, [papers.proven(1, "7")])
    (told,) = sections(data[0])["The story, entry by entry"]["items"]
    first, second = (value for label, value in told["lines"] if label == "Proved by")
    place = "https://files.acme.example/7"
    assert first == f"recording, audio/wav, 64044 bytes, {place}; SHA-256 {papers.RECORDING.hex()}"
    assert second == "signed_form, image/png"


@pytest.mark.parametrize(
    ("media", "content", "note"),
    [
        ("audio/wav", b"RIFF", "Not a text (audio/wav)."),
        ("text/plain", b"\xff\xfe", "Not a text (text/plain)."),
        (
            "text/plain",
            "\u6f22\u5b57\u6f22\u5b57".encode(),
            "Written in letters that this report's fonts do not have.",
        ),
    ],
)
def test_notice_that_cannot_be_printed_is_named_by_its_file(
    data: list[dict[str, Any]], tmp_path: Path, media: str, content: bytes, note: str
) -> None:
    def artifact(digest: bytes) -> Artifact:
        return Artifact(digest=digest, kind="notice", media_type=media, content=content)

    written(tmp_path, [statement(1, "a")], artifact=artifact)
    (notice,) = sections(data[0])["The notices"]["notices"]
    assert notice["text"] == ""
    assert dict(notice["rows"])["Note"].startswith(note)
    assert f"data/artifacts/{papers.NOTICE.hex()}" in dict(notice["rows"])["Note"]


def test_long_story_stands_in_annexes_and_no_entry_is_lost(
    data: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "VOLUME", 4)
    records = [denial(number, f"clause {number % 3}") for number in range(1, 11)]
    made = written(tmp_path, records)
    annexes = sorted(path for path in made if "annex" in path)
    assert annexes == [f"data/report/annex-00{n}.pdf" for n in (1, 2, 3)]
    told = [item["bates"] for given in data[:3] for item in given["sections"][0]["items"]]
    assert told == [each.bates for each in records]
    assert (
        dict(sections(data[3])["The story, entry by entry"]["rows"])["CG00000001 to CG00000004"] == annexes[0]
    )
    # Numbers of clauses are the same in every volume.
    listed = {each["number"]: each["citation"] for each in sections(data[3])["The law"]["law"]}
    for given in data[:3]:
        assert {
            each["number"]: each["citation"] for each in sections(given)["The law"]["law"]
        }.items() <= listed.items()


def test_export_of_nothing_has_its_paper(tmp_path: Path) -> None:
    made = written(tmp_path, [])
    assert made[report.PATH].startswith(b"%PDF-")
    assert b"no entries" in made["README.txt"]


def test_without_the_extras_the_readme_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "_installed", lambda _: None)
    options = tools.options()
    made = written(tmp_path, [denial(1, "x")], options=options)
    assert not [path for path in made if path.endswith((".pdf", ".xlsx"))]
    readme = made["README.txt"].decode()
    assert 'pip install "consentgate[pdf]"' in readme
    assert 'pip install "consentgate[xlsx]"' in readme


def test_pdf_files_that_nobody_wants_are_left_out(tmp_path: Path) -> None:
    made = written(tmp_path, [denial(1, "x")], options=tools.options(report=False))
    assert not [path for path in made if path.endswith(".pdf")]
    assert "left out, as was asked for" in made["README.txt"].decode()


def test_another_release_of_an_extra_does_not_make_the_paper_again(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"pip install typst==0\.0\.1"):
        written(tmp_path, [], options={**tools.options(), "typst": "0.0.1"})
    with pytest.raises(InvalidInput, match="not installed here"):
        written(tmp_path, [], options={**tools.options(), "xlsxwriter": "0.0.1"})


def test_certificate_fills_in_facts_leaves_blanks_and_is_a_draft(files: dict[str, bytes]) -> None:
    text = files[certificate.PATH].decode()
    assert text.count("DRAFT, NOT LEGAL ADVICE") == 2
    for fact in ("CG00000001 to CG00000031", "consentgate 0.1.0", "acme.invalid/log", (b"r" * 32).hex(), "f" * 43,
                 "2026-11-22 12:00:00 UTC", "00000000-0000-0000-0000-000000000007"):  # fmt: skip
        assert fact in text
    for blank in (
        "Name:",
        "Signature:",
        "Executed on (date):",
        "Initials:",
        "SHA-256 of manifest.json, as I computed it:",
    ):
        assert re.search(re.escape(blank).replace(r"\ ", r"\s+") + r"\s+_{40}", text)
    for rule in ("902(11)", "902(13)", "902(14)", "28 U.S.C. 1746", "702", "803(6)"):
        assert rule in text
    assert "[blank]" not in text


def test_certificate_says_the_same_as_text_and_as_pdf(data: list[dict[str, Any]], tmp_path: Path) -> None:
    made = written(tmp_path, [denial(1, "x")])
    text = re.sub(r"\s+", " ", made[certificate.PATH].decode())
    for section in data[-1]["sections"]:
        for words in (*section["words"], *section["points"], *(value for _, value in section["rows"])):
            assert re.sub(r"\s+", " ", words) in text


def test_custody_sheet_tells_the_way_of_the_records(files: dict[str, bytes]) -> None:
    text = files["data/custody/custody.txt"].decode()
    assert text.count("Handed over by:") == 4
    for fact in ("acme.invalid/log", (b"r" * 32).hex(), "f" * 43, "America/Chicago", "31 entries"):
        assert fact in re.sub(r"\s+", " ", text)


def test_readme_says_whose_and_how_to_verify_and_counts_reconcile(files: dict[str, bytes]) -> None:
    text = files["README.txt"].decode()
    for fact in ("verify.html", "verify.py", "RECIPES.txt", "cover letter", "f" * 43, "Roe & Partners", "Subpoena",
                 "31 selected = 31 here + 0 withheld", "47 = 46 open + 1 withheld", "America/Chicago"):  # fmt: skip
        assert fact in text


def test_readme_says_what_a_timestamping_authority_saw(files: dict[str, bytes], tmp_path: Path) -> None:
    def told(readme: bytes) -> str:
        return re.sub(r"\s+", " ", readme.decode()).partition("TIMESTAMPS ")[2].partition(" WHAT IS IN IT")[0]

    without = told(files["README.txt"])
    assert without.startswith("No timestamping authority (RFC 3161) was asked about the checkpoint of log 0.")
    (log,) = papers.scope(1).logs
    stamped = replace(log, stamped=Stamp(by="Test authority", at=papers.AT))
    made = written(tmp_path, [statement(1, "a")], logs=(stamped,), options=tools.options(report=False))
    text = told(made["README.txt"])
    assert text.startswith(
        "Test authority saw the checkpoint of log 0 on 2026-11-22 12:00:00 UTC, and so all"
    )
    assert "data/log/0/checkpoint.tsr (RFC 3161)" in text
    for each in (without, text):
        assert "manifest.json.tsr, where it is here," in each
        assert "RECIPES.txt, number 10" in each


def events() -> list[Record]:
    """What happened to one person, beside somebody else."""
    shut = Withheld(reason="other_person", rule="other_person")
    call = {"call": "transaction/t", "event": "joined", "leg": "Caller", "legs": {"Caller": "speakers"}}
    mine = {**call, "speaker": {"references": [{"kind": "customer", "value": "mine"}]}}
    return [
        statement(1, "mine", withdrawal={"phone": "+1 800 555 0100"}),
        record(2, "call", {"call.0": mine, "call.1": shut}),
        denial(3, "mine"),
        record(6, "intent", {"body.0": {"decision": {"request": "allowed", "action": "search"}}}),
        record(4, "assertion", {"assertion.0": {"name": "employment_ended", "by": "hr", "since": "x"}}),
        statement(5, HOSTILE[9], state="ConsentWithdrawn"),
    ]


def test_person_gets_their_own_data_in_plain_words(tmp_path: Path) -> None:
    made = written(tmp_path, events(), role="subject")
    page = made[yourdata.PATH].decode()
    for told in ("You gave your consent (on paper)", "You joined a call as caller", "Voice comparison denied for you",
                 "You withdrew your consent", "It was stated about you: employment ended", "+1 800 555 0100",
                 "There is no consent of this speaker.", "2026-11-22 13:00:00 UTC", "07:00:00 CST"):  # fmt: skip
        assert told in page
    # The exact wording, with what cannot be seen made visible and markup as text.
    assert "Line two, &lt;b&gt;not bold&lt;/b&gt;, #evil() \u00fe\u00ae\u00b6, [U+202E]turned." in page
    assert page.count('<li class="') == 6
    assert "<dt>1 part</dt>" in page
    assert "It is about another person." in page


def test_page_of_the_person_runs_and_loads_nothing(tmp_path: Path) -> None:
    made = written(tmp_path, hostile(), role="subject")
    page = made[yourdata.PATH].decode()
    assert "<script" not in page
    assert not re.search(r"<[^>]+\b(?:src|href|on\w+)=", page)
    assert "default-src 'none'" in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert not [path for path in made if "certificate" in path or "custody" in path or path == report.PATH]
    assert "data/certificate/" not in made["README.txt"].decode()


def test_person_who_is_told_of_nothing_gets_a_page_too(tmp_path: Path) -> None:
    page = written(tmp_path, [], role="subject")[yourdata.PATH].decode()
    assert "By nothing that is in these entries." in page
    assert "Ask acme; no other way is named" in page
