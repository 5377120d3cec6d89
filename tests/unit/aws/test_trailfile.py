"""Files of CloudTrail are read record by record; what is no such file is refused, with its name and the place."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from consentgate.aws import trailfile
from consentgate.aws.trailfile import records, records_in
from consentgate.errors import InvalidInput
from consentgate.testing.cloudtrail import trail_file, trail_record, ungated_search


def read(data: bytes) -> list[dict[str, Any]]:
    return list(records(io.BytesIO(data), "trail.json"))


def test_records_come_in_the_files_order() -> None:
    made = [trail_record("Ä" * n, {}) for n in range(5)]
    assert read(trail_file(*made)) == made
    assert (
        read(b"\xef\xbb\xbf" + json.dumps({"Records": made}, indent=2, ensure_ascii=False).encode()) == made
    )
    assert read(b' { "x" : [1, {"Records": 2}], "Records" : [ ] , "y" : 12 } \n') == []


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_may_end_anywhere(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    made = [ungated_search("tx-ÄÖ€"), {"n": 1234567890, "t": '\\"'}]
    monkeypatch.setattr(trailfile, "_CHUNK", chunk)
    data = json.dumps({"a": 123, "Records": made, "b": 45}, ensure_ascii=False).encode()
    assert read(data) == made


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_may_be_compressed_whatever_its_name(tmp_path: Path, compressed: bool) -> None:
    data = trail_file(ungated_search())
    path = tmp_path / "trail"
    path.write_bytes(gzip.compress(data) if compressed else data)
    assert len(list(records_in(path))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"Records":{}}',
        b'{"Records":[1]}',
        b'{"Records":[{}',
        b'{"Records":[{}]',
        b'{"Records":[{},]}',
        b'{"Records":[{}],}',
        b'{"Records":[{} {}]}',
        b'{"Records":[]}{',
        b'{"Records" []}',
        b'{"Records":[],"Records":[{}]',
        b'{"records":[{}]}',
        b'{"Records":["' + b"\xff" * 5 + b'"]}',
        b'{"Records":[' + b"[" * 200_000,
        b'{"Records":[' + b"9" * 10_000 + b"]}",
        b'{"Records":[{"a":"\xc3',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_is_no_file_of_cloudtrail_is_refused(data: bytes) -> None:
    with pytest.raises(
        InvalidInput, match=r"^trail\.json is no file of CloudTrail: .*, near character \d+\.$"
    ):
        read(data)


def test_a_second_list_counts_for_nothing() -> None:
    assert read(b'{"Records":[{"a":1}],"Records":[{"a":2}]}') == [{"a": 1}]


def test_a_record_that_never_ends_is_refused_before_memory_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trailfile, "LONGEST_RECORD", 1000)
    monkeypatch.setattr(trailfile, "_CHUNK", 100)

    class Endless(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1) -> bytes:
            self.taken += 1
            return b'{"Records":[{"a":"' if self.taken == 1 else b"x" * (size or 0)

    file = Endless()
    with pytest.raises(InvalidInput, match="too long"):
        list(records(file, "trail.json"))
    assert file.taken < 20


WHOLE = gzip.compress(trail_file(ungated_search()))


@pytest.mark.parametrize(
    "data",
    [WHOLE[:-20], WHOLE[:2] + b"\x07" + WHOLE[3:], WHOLE[:12] + bytes(len(WHOLE) - 12)],
    ids=["cut off", "of another sort", "altered"],
)
def test_a_damaged_gzip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "trail.json.gz"
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match=r"trail\.json\.gz"):
        list(records_in(path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        list(records_in(tmp_path / "trail.json"))
