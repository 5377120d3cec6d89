"""What would not fit into memory is kept on disk, in order, and nothing of it stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consentgate.errors import Unavailable
from consentgate.storage.scratch import DiskMap


@pytest.fixture
def kept() -> Iterator[DiskMap]:
    with DiskMap() as made:
        yield made


def test_keys_come_back_in_order_below_what_they_begin_with(kept: DiskMap) -> None:
    for key in (b"b/2", b"a", b"b/1", b"c", b"b", b"\xff\x00", b""):
        kept.put(key, key + b"!")
    assert [key for key, _ in kept.below()] == [b"", b"a", b"b", b"b/1", b"b/2", b"c", b"\xff\x00"]
    assert list(kept.below(b"b/")) == [(b"b/1", b"b/1!"), (b"b/2", b"b/2!")]
    assert list(kept.below(b"x")) == []


def test_what_is_put_again_stands_in_the_place_of_what_was_there(kept: DiskMap) -> None:
    kept.put(b"k", b"1")
    kept.put(b"k", b"2")
    assert (kept.get(b"k"), b"k" in kept, kept.get(b"other"), b"other" in kept) == (b"2", True, None, False)
    kept.put(b"empty")
    assert (kept.get(b"empty"), b"empty" in kept) == (b"", True)
    kept.remove(b"k")
    kept.remove(b"never there")
    assert [key for key, _ in kept.below()] == [b"empty"]


def test_more_than_fits_into_the_cache_lies_in_no_file_with_a_name(
    kept: DiskMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    for number in range(4_000):
        kept.put(number.to_bytes(4), bytes(1_000))
    assert list(tmp_path.iterdir()) == []
    assert sum(len(value) for _, value in kept.below()) == 4_000_000


def test_place_that_cannot_be_used_is_said(kept: DiskMap) -> None:
    # So small may the file become that a full disk is the same.
    kept._raw.execute("PRAGMA max_page_count = 4")
    with pytest.raises(Unavailable, match="TMPDIR"):
        kept.put(b"large", bytes(1 << 20))
