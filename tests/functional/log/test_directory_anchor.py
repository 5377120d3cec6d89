"""A folder that keeps checkpoints."""

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from consentgate.errors import LogRefused, Misconfigured, Unavailable
from consentgate.log.directory import DirectoryAnchor, file_of
from consentgate.moment import system_clock
from tests.functional.log.test_witness import SIGNER, submission

pytestmark = pytest.mark.sqlite_file  # nothing here has a database

ORIGIN = SIGNER.key.name


@pytest.fixture
def place(tmp_path: Path) -> DirectoryAnchor:
    return DirectoryAnchor(name="second-site", path=tmp_path)


def test_a_checkpoint_is_a_file_that_is_kept_once(place: DirectoryAnchor) -> None:
    put = submission(3)
    evidence = place.put(put)
    assert evidence == file_of(put.head) == f"witnessed/{3:020d}-{put.head.root.hex()}"
    before = (place.path / evidence).stat()
    assert place.put(put) == evidence
    after = (place.path / evidence).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    place.put(submission(7))
    assert len(list(place.path.rglob("*"))) == 3
    ((first, note, at), (second, _, _)) = place.held(ORIGIN)
    assert (first, note) == (evidence, put.note.encode())
    assert second == file_of(submission(7).head)
    assert abs(system_clock() - at) < timedelta(minutes=1)
    assert list(place.held("consentgate.invalid/test/other")) == []


def test_another_checkpoint_of_the_same_size_is_refused(place: DirectoryAnchor) -> None:
    place.put(submission(3))
    with pytest.raises(LogRefused, match="another checkpoint of 3 entries"):
        place.put(submission(3, fork=b"x"))
    path = place.path / place.put(submission(5))
    path.write_bytes(b"something else")
    with pytest.raises(LogRefused, match="another checkpoint of 5 entries"):
        place.put(submission(5))
    assert path.read_bytes() == b"something else"


def test_half_a_file_of_somebody_who_was_killed_is_nothing(place: DirectoryAnchor) -> None:
    put = submission(3)
    half = place.path / f"{file_of(put.head)}.4711-1.new"
    half.parent.mkdir()
    half.write_bytes(put.note.encode()[:7])
    assert list(place.held(ORIGIN)) == []
    place.put(put)
    assert [name for name, _, _ in place.held(ORIGIN)] == [file_of(put.head)]


def test_a_disk_without_second_names_keeps_checkpoints_too(
    place: DirectoryAnchor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    put = submission(3)
    evidence = place.put(put)
    assert place.put(put) == evidence
    ((name, note, _),) = place.held(ORIGIN)
    assert (name, note) == (evidence, put.note.encode())
    path = place.path / place.put(submission(5))
    path.write_bytes(b"something else")
    with pytest.raises(LogRefused, match="another checkpoint of 5 entries"):
        place.put(submission(5))
    assert path.read_bytes() == b"something else"
    assert not list(place.path.rglob("*.new"))


def test_a_link_that_fails_otherwise_is_out_of_reach(
    place: DirectoryAnchor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(Unavailable, match="No space left"):
        place.put(submission(3))
    assert list(place.held(ORIGIN)) == []


def test_a_folder_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    gone = DirectoryAnchor(name="second-site", path=tmp_path / "not-mounted")
    with pytest.raises(Misconfigured, match="make it, or mount it"):
        gone.put(submission(3))
    with pytest.raises(Unavailable, match="mount it"):
        list(gone.held(ORIGIN))
    assert not gone.path.exists()


def test_a_disk_that_refuses_is_out_of_reach(place: DirectoryAnchor, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    put = submission(3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            place.put(put)
    assert place.put(put) == file_of(put.head)
    (place.path / "witnessed" / f"{9:020d}-00").mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        list(place.held(ORIGIN))
