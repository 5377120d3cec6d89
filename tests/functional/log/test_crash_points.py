"""The signer is cut off at every step of signing and persisting: the next pass goes on, and signs one story."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from consentgate.aws.state import S3State
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
from tests.functional.log.states import Files, OneByOne, objects


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


# Every effect of `Signer.once`, in order, and every step of writing the state, to a file or to S3.
_CHECK: dict[str, tuple[Any, str]] = {
    "check growth": (Signer, "_grown"),
    "sign": (signing, "sign_checkpoint"),
}
_RELEASE: dict[str, tuple[Any, str]] = {
    "release": (Signer, "_release"),
    "insert the checkpoint": (checkpoints, "insert_checkpoint"),
    "commit it": (Database, "write"),
}
STEPS: dict[str, tuple[Any, str]] = {
    "read the state": (FileState, "read"),
    **_CHECK,
    "lock the state": (FileState, "_locked"),
    "write the new state": (files, "_write"),
    "put it in place": (Path, "replace"),
    "sync its folder": (files, "_sync_folder"),
    "set the state": (FileState, "replace"),
    **_RELEASE,
}
STEPS_OF_S3: dict[str, tuple[Any, str]] = {
    "read the state": (S3State, "read"),
    "get the object": (OneByOne, "get_object"),
    **_CHECK,
    "compare and put": (S3State, "_put"),
    "put the object": (OneByOne, "put_object"),
    "set the state": (S3State, "replace"),
    **_RELEASE,
}


def released(log: Log) -> list[CheckpointRow]:
    with log.database.read() as connection:
        return list(checkpoints.checkpoints(connection))


@pytest.mark.parametrize("when", [before, after])
@pytest.mark.parametrize("step", STEPS)
def test_signer_goes_on_where_it_was_cut_off(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, step: str, when: Callable[..., Any]
) -> None:
    cut_off(tmp_path, log, Files(), monkeypatch, STEPS[step], when)


@pytest.mark.parametrize("when", [before, after])
@pytest.mark.parametrize("step", STEPS_OF_S3)
def test_signer_with_its_state_in_s3_goes_on_where_it_was_cut_off(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, step: str, when: Callable[..., Any]
) -> None:
    with objects() as states:
        cut_off(tmp_path, log, states, monkeypatch, STEPS_OF_S3[step], when)


def cut_off(
    folder: Path,
    log: Log,
    states: Files,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[Any, str],
    when: Callable[..., Any],
) -> None:
    """Cut a signer off at a step, and let another one go on."""
    signer = states.signer(folder, log.database)
    for _ in range(2):
        log.append(3)
        sequence_once(log.database)
        signer.once()
    log.append(300)
    sequence_once(log.database)
    owner, name = step
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, when(getattr(owner, name)))
        with pytest.raises(Cut):
            signer.once()
    left = states.at(folder).read()
    assert left is not None
    assert left.size in (6, 306)
    assert {row.size for row in released(log)} in ({3, 6}, {3, 6, 306}), (
        "only what the state holds is released"
    )
    assert max(row.size for row in released(log)) <= left.size
    # Another process goes on, after the log has grown too.
    signed = states.signer(folder, log.database).once()
    assert signed is not None
    assert left.size < 306 or signed.note == left.note
    log.append()
    sequence_once(log.database)
    last = states.signer(folder, log.database).once()
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


LOST = ReadTimeoutError(endpoint_url="https://s3.invalid")


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("looked", [False, True])
def test_write_to_s3_whose_answer_is_lost_signs_one_story(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch, written: bool, looked: bool
) -> None:
    """Where the look shows the write, the note is released at once; else nothing is, until the next pass."""
    with objects() as states:
        signer = states.signer(tmp_path, log.database)
        log.append(3)
        sequence_once(log.database)
        put = OneByOne.put_object

        def lost(self: OneByOne, **request: Any) -> Any:
            if written:
                put(self, **request)
            if not looked:
                patch.setattr(OneByOne, "get_object", down)
            raise LOST

        def down(*_: Any, **__: Any) -> Any:
            raise LOST

        with monkeypatch.context() as patch:
            patch.setattr(OneByOne, "put_object", lost)
            if written and looked:
                assert signer.once() is not None
            else:
                with pytest.raises(Unavailable):
                    signer.once()
                assert released(log) == []
        left = states.at(tmp_path).read()
        assert left is not None
        assert left.size == (3 if written else 0)
        signed = states.signer(tmp_path, log.database).once()
        assert signed is not None
        assert not written or signed.note == left.note
        assert [row.note for row in released(log)] == [signed.note]
