"""Mistakes that somebody could make in the log, put into a process that is about to be killed."""

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from consentgate.log import state as state_module
from consentgate.log.directory import DirectoryAnchor, file_of
from consentgate.log.signer import Signer
from consentgate.log.state import FileState, SignerState
from consentgate.storage import checkpoints, sequence
from consentgate.storage.postgres import PostgresSession
from consentgate.storage.sqlite import SqliteSession

# In a process that ends with them: nothing is put back.
patch = pytest.MonkeyPatch()


def note_is_released_before_the_state_is_kept() -> None:
    once, replace = Signer.once, FileState.replace
    later: list[tuple[FileState, SignerState, SignerState]] = []

    def late(self: FileState, old: SignerState, new: SignerState) -> bool:
        later.append((self, old, new))
        return True

    def hasty(self: Signer, **given: Any) -> Any:
        row = once(self, **given)
        for each in later:
            replace(*each)
        return row

    patch.setattr(FileState, "replace", late)
    patch.setattr(Signer, "once", hasty)


def state_is_never_kept() -> None:
    patch.setattr(FileState, "replace", lambda *_: True)


def state_is_written_in_place() -> None:
    def in_place(path: Path, data: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    patch.setattr(state_module, "replace_file", in_place)


def signer_keeps_no_note() -> None:
    """What it signed is remembered, but not with which signature."""
    replace = FileState.replace

    def without(self: FileState, old: SignerState, new: SignerState) -> bool:
        forgetful = SignerState(origin=new.origin, size=new.size, root=new.root, note="")
        return replace(self, old, forgetful)

    patch.setattr(FileState, "replace", without)


def positions_are_committed_before_their_tree() -> None:
    insert_positions = sequence._insert_positions

    def early(connection: Connection, *given: Any) -> None:
        insert_positions(connection, *given)
        connection.exec_driver_sql("COMMIT")
        writing = "IMMEDIATE" if connection.dialect.name == "sqlite" else "READ WRITE"
        connection.exec_driver_sql(f"BEGIN {writing}")

    patch.setattr(sequence, "_insert_positions", early)


def caller_is_answered_before_the_commit() -> None:
    for session in (SqliteSession, PostgresSession):
        patch.setattr(session, "commit", lambda *_: None)


def checkpoint_is_never_released() -> None:
    patch.setattr(checkpoints, "insert_checkpoint", lambda *_, **__: True)


def checkpoint_is_noted_and_not_anchored() -> None:
    patch.setattr(DirectoryAnchor, "put", lambda _, submitted: file_of(submitted.head))
