"""The signer is cut off at every step of signing and persisting: the next pass goes on, and signs one story."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consentgate.errors import Unavailable
from consentgate.keys import files
from consentgate.log import signer as signing
from consentgate.log.signer import Signer
from consentgate.log.state import FileState
from consentgate.storage import checkpoints
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.tlog.checkpoint import open_checkpoint
from tests.functional.log.place import Log, log_at, sequence_once, signer_at


class Cut(Exception):
    """The process ends here."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


def before(work: Callable[..., Any]) -> Callable[..., Any]:
    def cut(*_: Any, **__: Any) -> Any:
        raise Cut

    return cut


def after(work: Callable[..., Any]) -> Callable[..., Any]:
    def cut(*arguments: Any, **named: Any) -> Any:
        work(*arguments, **named)
        raise Cut

    return cut


# Every effect of `Signer.once`, in order, and every step of writing the state's file.
STEPS: dict[str, tuple[Any, str]] = {
    "read the state": (FileState, "read"),
    "check growth": (Signer, "_grown"),
    "sign": (signing, "sign_checkpoint"),
    "lock the state": (FileState, "_locked"),
    "write the new state": (files, "_write"),
    "put it in place": (Path, "replace"),
    "sync its folder": (files, "_sync_folder"),
    "set the state": (FileState, "replace"),
    "release": (Signer, "_release"),
    "insert the checkpoint": (checkpoints, "insert_checkpoint"),
    "commit it": (Database, "write"),
}


def released(log: Log) -> list[CheckpointRow]:
    with log.database.read() as connection:
        return list(checkpoints.checkpoints(connection))


@pytest.mark.parametrize("when", [before, after])
@pytest.mark.parametrize("step", STEPS)
def test_signer_goes_on_where_it_was_cut_off(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, step: str, when: Callable[..., Any]
) -> None:
    signer = signer_at(tmp_path, log.database)
    for _ in range(2):
        log.append(3)
        sequence_once(log.database)
        signer.once()
    log.append(300)
    sequence_once(log.database)
    owner, name = STEPS[step]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, when(getattr(owner, name)))
        with pytest.raises(Cut):
            signer.once()
    left = FileState(tmp_path / "log.state").read()
    assert left is not None
    assert left.size in (6, 306)
    assert {row.size for row in released(log)} in ({3, 6}, {3, 6, 306}), (
        "only what the state holds is released"
    )
    assert max(row.size for row in released(log)) <= left.size
    # Another process goes on, after the log has grown too.
    signed = signer_at(tmp_path, log.database).once()
    assert signed is not None
    assert left.size < 306 or signed.note == left.note
    log.append()
    sequence_once(log.database)
    last = signer_at(tmp_path, log.database).once()
    assert last is not None
    assert [row.size for row in released(log)] == [3, 6, 306, 307]
    for row in released(log):
        assert open_checkpoint(row.note, signer.key.key).size == row.size


@pytest.mark.parametrize("step", ["write the new state", "put it in place", "sync its folder"])
def test_state_that_cannot_be_written_releases_nothing(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    signer = signer_at(tmp_path, log.database)
    log.append(3)
    sequence_once(log.database)

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], full)
        with pytest.raises(Unavailable, match="No space left"):
            signer.once()
    assert released(log) == []
    signed = signer.once()
    assert signed is not None
    assert [row.note for row in released(log)] == [signed.note]
