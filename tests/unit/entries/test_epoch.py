"""The logs of a deployment by their numbers, and what an epoch's first entry says."""

from typing import Any

import pytest

from consentgate.entries.epoch import EpochRecord, current_log, epoch_record, origin_fact, origins
from consentgate.errors import Malformed

RECORD = EpochRecord(
    log=2,
    origin="consentgate.invalid/new",
    old_log=1,
    old_origin="consentgate.invalid/old",
    checkpoint="note\n",
    source="anchor",
    signed=9,
    sound=7,
    gone=1,
    sequenced=8,
    root=bytes(32),
    entries=12,
)


def test_record_is_read_as_it_was_written() -> None:
    members = RECORD.members()
    assert epoch_record(members) == RECORD
    assert members["lost"] == RECORD.lost == 3
    assert set(members) == {
        "log",
        "origin",
        "old_log",
        "old_origin",
        "checkpoint",
        "source",
        "sizes",
        "root",
        "lost",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"lost": 2},
        {"log": 1},
        {"log": True},
        {"log": -1},
        {"origin": None},
        {"root": "AAAA"},
        {"root": 5},
        {"sizes": {}},
        {"sizes": None},
        {"sizes": {"signed": 9, "sound": 7, "gone": 8, "sequenced": 8, "entries": 12}},
        {"sizes": {"signed": 9, "sound": 9, "gone": 1, "sequenced": 8, "entries": 12}},
        {"sizes": {"signed": 6, "sound": 7, "gone": 1, "sequenced": 8, "entries": 12}},
        {"sizes": {"signed": 9.0, "sound": 7, "gone": 1, "sequenced": 8, "entries": 12}},
    ],
)
def test_other_records_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        epoch_record({**RECORD.members(), **change})


def test_facts_name_the_logs() -> None:
    facts = {"log_origin.10": "c", "log_origin": "a", "log_origin.2": "b", "test_database": "yes"}
    assert origins(facts) == {0: "a", 2: "b", 10: "c"}
    assert [origin_fact(each) for each in origins(facts)] == ["log_origin", "log_origin.2", "log_origin.10"]
    assert current_log(facts) == 10
    assert current_log({}) == 0


@pytest.mark.parametrize(
    "name",
    [
        "log_origin.",
        "log_origin.0",
        "log_origin.01",
        "log_origin.+1",
        "log_origin.x",
        "log_origin.²",
        "log_origi",
    ],
)
def test_other_names_are_no_logs(name: str) -> None:
    assert origins({name: "x"}) == {}
