"""The export's entry says everything that the package follows from, and is read back as it was written."""

from array import array
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from consentgate import canonical
from consentgate.consent.reference import Reference
from consentgate.errors import InvalidInput, Malformed
from consentgate.export.asked import Asked, Selection, parse_query
from consentgate.export.exported import Chosen, Exported, Head, pack, read, unpack

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = UUID("01a20320-a200-7111-8892-db117338634a")
HEAD = Head(log=0, origin="o", size=900, root=b"r" * 32, note="note", vkey="vkey")
BARE = Asked(matter="Doe v. Acme", purpose="p", recipient="r", selection=Selection())
FULL = Asked(
    matter="Ünïcode & Söhne",
    purpose="p",
    recipient="r",
    requested_by="court",
    role="opposing",
    time_zone="Europe/Berlin",
    prefix="ACME-",
    privileged=(ID,),
    options={"dialect": "concordance-cp1252"},
    selection=Selection(
        subjects=(Reference(kind="customer", value="1001"),),
        tasks=("t",),
        calls=("transaction/x",),
        since=AT,
        until=AT.replace(year=2027),
        jurisdictions=("US-IL",),
        decisions=("denied", str(ID)),
        query="kind=denial reason=A,B",
    ),
)


def exported(asked: Asked = BARE, **more: Any) -> Exported:
    """An export of three entries."""
    chosen = Chosen(head=HEAD, positions=array("q", [0, 5, 800]), **more)
    return Exported(
        entry=ID,
        at=AT,
        asked=asked,
        chosen=chosen,
        first=43,
        fingerprint="f",
        engine="0.1.0",
        controller="acme",
        policy=None,
    )


@pytest.mark.parametrize("asked", [BARE, FULL])
def test_what_was_written_is_read_back(asked: Asked) -> None:
    export = exported(asked, closed=(1, 4), people=(ID,), not_covered=2)
    members = canonical.decode(canonical.encode(export.members()))
    assert isinstance(members, dict)
    assert read(ID, members) == export
    assert export.last == 45


def test_name_is_the_matter_and_the_range() -> None:
    assert exported().name == "doe-v-acme_CG00000043-CG00000045"
    assert exported(FULL).name == "unicode-sohne_ACME-00000043-ACME-00000045"


@pytest.mark.parametrize("numbers", [[], [0], [3], [0, 1, 2], [127, 128, 300, 1 << 40]])
def test_positions_are_packed(numbers: list[int]) -> None:
    assert list(unpack(pack(numbers))) == numbers


@pytest.mark.parametrize("packed", ["gA", "____________AA", "!"])
def test_what_is_no_positions_is_refused(packed: str) -> None:
    with pytest.raises(Malformed):
        unpack(packed)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"rules": 99},
        {"logs": []},
        {"last": 99},
        {"first": "1"},
        {"at": None},
        {"matter": ""},
        {"role": "nobody"},
        {"selection": None},
        {"selection": {"subjects": {}}},
        {"people": "AaIDIKIAcRGIktsRczhjSg"},
        {"people": [1]},
        {"people": ["AaIDIKIAcRGIktsRczhj"]},
    ],
)
def test_another_entry_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(ID, {**exported().members(), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"matter": " "},
        {"purpose": "two\nlines"},
        {"recipient": "x" * 201},
        {"role": "judge"},
        {"role": "subject"},
        {"prefix": "CG1"},
        {"prefix": "cg"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
    ],
)
def test_what_cannot_be_asked_for_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Asked(**{"matter": "m", "purpose": "p", "recipient": "r", "selection": Selection(), **change})


@pytest.mark.parametrize(
    "query", ["kind", "kind=", "kind=nothing", "end=gone", "colour=red", "kind=call kind=stop", "reason=A,,B"]
)
def test_query_that_asks_for_nothing_is_refused(query: str) -> None:
    with pytest.raises(InvalidInput):
        parse_query(query)


def test_times_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InvalidInput, match="--to"):
        Selection(since=AT, until=AT)


def test_references_are_shown_by_kind_alone_unless_they_may_be_seen() -> None:
    assert ("subject", "customer") in FULL.selection.shown(references=False)
    assert ("subject", "customer=1001") in FULL.selection.shown(references=True)
    assert Selection().shown(references=True) == (("everything", "every entry"),)


def test_matter_without_a_letter_that_files_may_have_still_has_a_name() -> None:
    assert Asked(matter="判例", purpose="p", recipient="r", selection=Selection()).slug == "matter"
