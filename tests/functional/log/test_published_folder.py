"""What a folder of published files is after rot, and after a power cut: every file is there, and right."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consentgate.errors import LogRefused, Unavailable
from consentgate.log.signer import Signer
from consentgate.log.tree import stored_nodes
from tests.functional.log.place import Log, log_at, signer_at
from tests.functional.log.test_publish import grow, holds, published


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


@pytest.fixture
def signer(tmp_path: Path, log: Log) -> Signer:
    return signer_at(tmp_path, log.database)


@pytest.mark.parametrize(
    "name", ["tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/45"]
)
@pytest.mark.parametrize("damage", [lambda data: bytes([data[0] ^ 1]) + data[1:], lambda data: data[:-1]])
def test_file_that_rotted_is_written_again(
    log: Log, signer: Signer, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    grow(log, signer, 301)
    published(log, tmp_path / "public")
    path = tmp_path / "public" / name
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert not holds(tmp_path / "public", signer)
    assert published(log, tmp_path / "public").files == 1
    assert path.read_bytes() == whole
    assert holds(tmp_path / "public", signer)


def test_full_files_that_rotted_are_written_again_when_the_log_grew(
    log: Log, signer: Signer, tmp_path: Path
) -> None:
    grow(log, signer, 300)
    published(log, tmp_path / "public")
    for name in ("tile/0/000", "tile/entries/000"):
        path = tmp_path / "public" / name
        path.write_bytes(b"\1" + path.read_bytes()[1:])
    grow(log, signer, 1)
    published(log, tmp_path / "public")
    assert holds(tmp_path / "public", signer)


def test_tile_that_leads_elsewhere_is_not_published(
    log: Log, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the highest tiles make the root: each one below is held against the one above it."""
    grow(log, signer, 300)
    published(log, tmp_path / "public")
    path = tmp_path / "public/tile/0/000"
    sound = path.read_bytes()

    def rotten(*given: Any, **named: Any) -> Any:
        node = stored_nodes(*given, **named)
        return lambda level, index: bytes(32) if (level, index) == (0, 5) else node(level, index)

    monkeypatch.setattr("consentgate.log.publish.stored_nodes", rotten)
    with pytest.raises(LogRefused, match="Tile 0 of level 0 does not lead to what was signed"):
        published(log, tmp_path / "public")
    assert path.read_bytes() == sound


def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Note what is put on disk, bytes of files and names in folders, and what gets its name, by inodes."""
    done: list[tuple[str, int]] = []
    fsync, rename = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        fsync(descriptor)
        found = os.fstat(descriptor)
        done.append(("names" if stat.S_ISDIR(found.st_mode) else "bytes", found.st_ino))

    def named(self: Path, target: Path) -> Path:
        done.append(("named", self.stat().st_ino))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    return done


def number(path: Path) -> int:
    return path.stat().st_ino


def test_every_name_is_on_disk_before_the_checkpoint_has_its_own(
    log: Log, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(log, signer, 300)
    done = steps(monkeypatch)
    folder = tmp_path / "web/public"
    published(log, folder)
    checkpoint = number(folder / "checkpoint")
    assert done[-3:] == [("bytes", checkpoint), ("named", checkpoint), ("names", number(folder))]
    files = [each for each in folder.rglob("*") if each.is_file() and each.name != "checkpoint"]
    assert len(files) == 5
    for path in files:
        at = done.index(("named", number(path)))
        assert ("bytes", number(path)) in done[:at]
        for above in path.parents[: len(path.relative_to(tmp_path).parts)]:
            assert ("names", number(above)) in done[at:-3], above


def test_names_that_an_earlier_run_left_are_put_on_disk_too(
    log: Log, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(log, signer, 300)
    folder = tmp_path / "public"
    with monkeypatch.context() as failing:
        failing.setattr("consentgate.log.publish._sync", raising)
        with pytest.raises(Unavailable):
            published(log, folder)
    assert not (folder / "checkpoint").exists()
    done = steps(monkeypatch)
    assert published(log, folder).files == 1
    named = done.index(("named", number(folder / "checkpoint")))
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        assert ("names", number(each)) in done[:named], each


def raising(folder: Path) -> None:
    raise OSError(5, "Input/output error", str(folder))
