import errno
import os
import stat
from pathlib import Path

import pytest

from consentgate.errors import Misconfigured, Unavailable
from consentgate.keys import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secret_is_for_its_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    files.write_secret(path, b"one")
    assert mode(path) == 0o600
    with pytest.raises(Misconfigured, match="already"):
        files.write_secret(path, b"two")
    assert files.read_secret(path) == b"one"


def test_public_file_is_not_written_over_either(tmp_path: Path) -> None:
    path = tmp_path / "public"
    files.write_public(path, b"one")
    with pytest.raises(Misconfigured):
        files.write_public(path, b"two")
    assert path.read_bytes() == b"one"


def test_whoever_is_cut_off_leaves_the_whole_file_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    for effect in ("fdopen", "fsync", "link"):
        with monkeypatch.context() as patch:
            patch.setattr(os, effect, cut)
            with pytest.raises(KeyboardInterrupt):
                files.write_secret(path, b"one")
        assert not path.exists()
    files.write_secret(path, b"one")
    assert path.read_bytes() == b"one"


def test_file_system_without_links_takes_secrets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    files.write_secret(tmp_path / "secret", b"one")
    assert (tmp_path / "secret").read_bytes() == b"one"
    assert mode(tmp_path / "secret") == 0o600
    with pytest.raises(Misconfigured, match="already"):
        files.write_secret(tmp_path / "secret", b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_link_is_not_followed_when_writing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Misconfigured):
        files.write_secret(tmp_path / "link", b"one")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_secret_that_others_may_read_is_refused(tmp_path: Path, loose: int) -> None:
    path = tmp_path / "secret"
    files.write_secret(path, b"one")
    path.chmod(loose)
    with pytest.raises(Misconfigured, match=f"chmod 600 {path}"):
        files.read_secret(path)


def test_missing_large_and_unreadable_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="consentgate init"):
        files.read_secret(tmp_path / "none")
    files.write_secret(tmp_path / "large", b"x" * 11)
    with pytest.raises(Misconfigured, match="too large"):
        files.read_secret(tmp_path / "large", limit=10)
    with pytest.raises(Unavailable):
        files.read_secret(tmp_path / "large" / "below")
    with pytest.raises(Unavailable):
        files.write_secret(tmp_path / "none" / "below", b"x")


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    files.write_secret(path, b"one")
    (tmp_path / "state.new").write_bytes(b"left by a crash")
    files.replace_file(path, b"two")
    assert files.read_secret(path) == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["state"]
    with pytest.raises(Unavailable):
        files.replace_file(tmp_path / "none" / "state", b"x")


@pytest.mark.parametrize("writer", [files.write_secret, files.replace_file])
def test_disk_that_fails_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: object
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "secret"
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Unavailable, match="No space"):
        files.write_secret(path, b"one") if writer is files.write_secret else files.replace_file(path, b"one")
    assert list(tmp_path.iterdir()) == []
