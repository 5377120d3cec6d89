"""What each kind of entry is called, how times are told, and what may be shown."""

import ast
import inspect
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.entries.kinds import ENDS, KINDS
from consentgate.errors import Misconfigured
from consentgate.export.paper import telling, words
from consentgate.export.paper.entry import entry_of
from consentgate.export.paper.known import Numbers
from consentgate.export.paper.members import text, unpadded
from consentgate.export.paper.notices import Notice, in_report, in_text
from consentgate.export.paper.plain import ruled
from consentgate.export.paper.shown import covered, printable, readable_share, tabular, visible
from consentgate.export.paper.spoken import said
from consentgate.export.paper.telling import Told, told
from consentgate.export.paper.texts import text_of
from consentgate.export.paper.typesetting import paper
from consentgate.export.paper.views import rulings
from consentgate.export.paper.zones import Zone, stored
from consentgate.export.record import REASONS, Withheld
from consentgate.export.sink import Artifact
from consentgate.export.withholding import ROLES
from consentgate.policy.facts import OPERATIONS
from tests.papers import record

UTC_ZONE = Zone("UTC")
SHUT = Withheld(reason="role", rule="role")


def title(kind: str, parts: dict[str, Any], *, you: bool = False, **more: Any) -> str:
    """What an entry is called."""
    return told(record(1, kind, parts, **more), UTC_ZONE, you=you).title


def test_every_word_of_the_formats_has_its_meaning() -> None:
    assert words.KINDS.keys() == KINDS.keys()
    assert words.WITHHELD.keys() == set(REASONS)
    assert words.ROLES.keys() == set(ROLES)
    assert words.ACTIONS.keys() == set(OPERATIONS)
    assert words.ENDS.keys() == ENDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_title_with_and_without_its_content(kind: str) -> None:
    tried: tuple[dict[str, Any], ...] = (
        {},
        {"body.0": SHUT},
        {"body.0": {}},
        {"exchange.0": {}, "decision.0": {}, "call.0": {}},
    )
    for parts in tried:
        for you in (False, True):
            assert title(kind, parts, you=you, end="unknown")


@pytest.mark.parametrize(
    ("kind", "parts", "expected"),
    [
        ("statement", {"statement.0": SHUT}, "A statement"),
        ("denial", {"decision.0": SHUT}, "A request was denied"),
        ("stop", {"decision.0": {"cause": "x"}}, "The task was ordered to stop"),
        ("observation", {"exchange.0": {"stopped": True, "said": "gone"}},
         "The order to stop was carried out: it was not there any more"),
        ("observation", {"exchange.0": {"stopped": False}}, "The order to stop was tried"),
        ("observation", {"body.0": {"exchange": {"operation": "DeleteVoiceProfile"}}},
         "A client called DeleteVoiceProfile"),
        ("observation", {"exchange.0": {"source": "poll", "status": "COMPLETE", "results": True}},
         "Seen of the task: COMPLETE"),
        ("observation", {"exchange.0": {"status": 503}}, "The request was carried out"),
        ("call", {"call.0": {"event": "left", "speaker": {}}, "call.1": {"event": "left", "speaker": {}}},
         "2 speakers left a call"),
        ("call", {"body.0": {"event": "joined", "legs": {"Caller": "nobody"}}}, "What a call was told"),
        ("assertion", {"body.0": {"name": "strictly_necessary", "value": True}},
         "The controller asserted: strictly necessary = yes"),
        ("intent", {"body.0": {"decision": {"request": "allowed", "action": "enrol"},
                               "exchange": {"operation": "CreateVoiceProfileDomain"}}},
         "Making of a place for voiceprints allowed"),
    ],
)  # fmt: skip
def test_what_happened_stands_in_the_title(kind: str, parts: dict[str, Any], expected: str) -> None:
    assert title(kind, parts, end="succeeded") == expected


def test_nothing_that_is_withheld_is_told() -> None:
    shown = told(record(1, "outcome", {"exchange.0": SHUT}, end="rejected"), UTC_ZONE)
    assert shown.title == "The receiver refused the request"
    assert shown.lines == (("Content", "Withheld. It is not for this recipient's role."),)


def test_redacted_statement_shows_what_may_be_shown() -> None:
    part = Withheld(reason="references", rule="r", shown={"state": "ConsentGiven", "method": "paper"})
    found = said(record(1, "statement", {"statement.0": part}))
    assert found is not None
    assert (found.state, found.token, found.references) == ("ConsentGiven", "", ())
    assert title("statement", {"statement.0": part}) == "Consent given (on paper)"


def test_reason_of_a_later_version_is_named_and_not_guessed() -> None:
    reasons = [
        {"code": "NEW_ONE"},
        {"code": "INPUT_MISSING:purpose"},
        {"code": "NOTICE_INCOMPLETE", "detail": ["a_b"]},
    ]
    packs = [{"code": "US", "since": "2000-01-01", "exemptions": ["glba"], "conditions": ["x", "y"]}]
    decision = {"allowed": False, "reasons": reasons, "packs": packs}
    (found,) = rulings(record(1, "denial", {"decision.0": {"request": "denied", "decision": decision}}))
    new, missing, incomplete = found.reasons
    assert new.sentence == "A reason that this version does not know."
    assert missing.sentence.endswith(": purpose.")
    assert incomplete.sentence.endswith(": a b.")
    assert found.packs == ("US since 2000-01-01, exempt: glba, condition: x, y",)


def test_decision_that_is_withheld_is_no_ruling() -> None:
    shown = {"request": "denied", "decision": {"obligations": [{"duty": "delete_by", "due": "2030-01-01"}]}}
    (found,) = rulings(record(1, "denial", {"decision.0": SHUT, "decision.1": shown, "exchange.1": SHUT}))
    assert (found.part, found.verdict, found.operation) == ("decision.1", "denied", "")
    assert [(each.duty, each.due) for each in found.duties] == [("delete_by", "2030-01-01")]


def test_text_of_an_entry_shows_bytes_that_are_none() -> None:
    exchange = {"response": canonical.b64(b"\xff\xfe"), "body": "not base64url!"}
    shown = text_of(
        entry_of(record(1, "outcome", {"exchange.0": exchange}, end="succeeded"), UTC_ZONE, Numbers())
    )
    assert b"response: __4 (base64url of bytes that are no text)" in shown
    assert b"body: not base64url!" in shown


def labels() -> set[str]:
    """Every label that `telling` gives to a line."""
    found = {telling.CAUSE}
    for node in ast.walk(ast.parse(inspect.getsource(telling))):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
            found.add(str(node.elts[0].value))
    return found


def test_all_values_of_a_text_stand_in_one_column_apart_from_their_labels() -> None:
    assert {"Who", "Call", "Content", "Vendor's request id"} <= labels()
    entry = entry_of(record(1, "outcome", {}, end="succeeded", re=UUID(int=9)), UTC_ZONE, Numbers())
    lines = tuple((label, "value") for label in labels() - {telling.CAUSE})
    _, _, *shown = text_of(replace(entry, told=Told(title="t", lines=lines))).decode().splitlines()
    assert {label for label, _ in lines} <= {line[:20].rstrip() for line in shown}
    assert all(line[19] == " " != line[20] for line in shown)


@pytest.mark.parametrize(
    ("speaker", "expected"),
    [
        ({"adult": False, "age": 34}, ["    age: 34"]),
        ({"adult": True, "age": 34}, ["    adult (stated to be of age): true", "    age: 34"]),
        ({"adult": True}, ["    adult (stated to be of age): true"]),
        ({"adult": False}, ["    adult (stated to be of age): false"]),
        ({"adult": "x", "age": 34}, ["    adult: x", "    age: 34"]),
    ],
)
@pytest.mark.parametrize("part", ["call.0", "decision.0"])
def test_text_never_reads_as_if_a_speaker_of_known_age_were_none(
    part: str, speaker: dict[str, Json], expected: list[str]
) -> None:
    entry = entry_of(record(1, "call", {part: {"speaker": speaker}}), UTC_ZONE, Numbers())
    assert text_of(entry).decode().partition("  speaker\n")[2].splitlines() == expected


def test_local_time_stands_with_its_distance_from_utc() -> None:
    chicago, kathmandu = Zone("America/Chicago"), Zone("Asia/Kathmandu")
    winter, summer = datetime(2026, 1, 1, 3, tzinfo=UTC), datetime(2026, 7, 1, 3, tzinfo=UTC)
    assert chicago.local(winter) == "2025-12-31 21:00:00 CST (UTC-06:00)"
    assert chicago.local(summer) == "2026-06-30 22:00:00 CDT (UTC-05:00)"
    assert kathmandu.local(winter) == "2026-01-01 08:45:00 (UTC+05:45)"
    assert UTC_ZONE.local(winter) == "2026-01-01 03:00:00 (UTC+00:00)"
    assert chicago.day(winter) == "31 December 2025"
    assert chicago.told("2026-01-01T03:00:00Z").startswith("2026-01-01 03:00:00 UTC, 2025-12-31 21:00:00")
    assert chicago.told("soon") == "soon"
    assert stored("2026-99-01T03:00:00Z") is None


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", ""])
def test_zone_that_is_not_known_is_refused_with_what_to_install(name: str) -> None:
    with pytest.raises(Misconfigured, match="pip install tzdata"):
        Zone(name)


def test_what_cannot_be_seen_or_printed_stands_as_its_code() -> None:
    assert visible("a\u200bb\ufeff\x07\u2028c\tz") == "a[U+200B]b[U+FEFF][U+0007]\nc\tz"
    assert tabular("a\x07\u202e\ud800") == "a\u2407\u202e?"
    assert printable("e\u0301 \u6f22") == "\u00e9 [U+6F22]"
    assert printable("\u00e9", plain=True) == "[U+00E9]"
    assert readable_share("ab\u6f22\u5b57") == 0.5
    assert readable_share(" ") == 1.0
    assert {ord("A"), 0x416, 0x5D0} <= covered()


def test_numbers_are_forgotten_the_oldest_first() -> None:
    numbers = Numbers(limit=2)
    for number in (1, 2, 3):
        numbers.add(UUID(int=number), f"CG{number}")
    assert [numbers.of(str(UUID(int=number))) for number in (1, 2, 3)] == ["", "CG2", "CG3"]
    assert numbers.shown(str(UUID(int=1))) == "entry …00000001"
    assert numbers.shown("no id") == "entry …no id"
    assert numbers.shown("") == ""


def test_members_of_any_shape_are_texts() -> None:
    found: tuple[Json, ...] = (None, True, 2, 0.5, [1], {"b": 1}, "x")
    assert [text({"a": each}, "a") for each in found] == [
        "", "yes", "2", "0.5", "[1]", '{"b":1}', "x",
    ]  # fmt: skip
    assert text([], "a") == ""
    assert unpadded("\u00e9") is None


def test_notice_that_shows_as_it_is_needs_no_note() -> None:
    notice = Notice(digest=b"d" * 32, name="n", first="CG1", count=1)
    found = Artifact(digest=b"d" * 32, kind="notice", media_type="text/plain", content=b"Just words.")
    assert in_report(notice, lambda _: found) == ("", "Just words.")
    assert in_text(notice, lambda _: found) == ("", "Just words.")
    assert in_text(notice, lambda _: None)[0].startswith("Not a text (not in the ledger).")


def test_long_label_stands_on_a_line_of_its_own() -> None:
    assert ruled([("A label that is long", "value")], label=8) == ["A label that is long", "        value"]


def test_paper_has_the_size_of_where_the_reader_is() -> None:
    assert [paper(zone) for zone in ("America/Chicago", "Europe/Berlin", "UTC")] == ["us-letter", "a4", "a4"]
