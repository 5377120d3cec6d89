"""What anchors keep, as the database remembers it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consentgate.storage import anchors, checkpoints, sequence, stored
from consentgate.storage.anchors import AnchorRow
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.storage.sequence import Sequenced, TreeRow
from tests.functional.storage.place import START

ROW = AnchorRow(name="second-site", size=8, kind="directory", evidence="8", at=START)
ENTRIES = [UUID(int=number) for number in range(1, 11)]


def keep(database: Database, *rows: AnchorRow, log: int = 0) -> None:
    def work(connection: Connection) -> None:
        for row in rows:
            anchors.insert_anchor(connection, row, log=log)

    database.write(work)


def release(database: Database, *sizes: int, log: int = 0) -> None:
    def work(connection: Connection) -> None:
        for size in sizes:
            row = CheckpointRow(size=size, origin="test", note="note", at=START)
            checkpoints.insert_checkpoint(connection, row, log=log)

    database.write(work)


def sequence_entries(database: Database) -> None:
    placed = [
        Sequenced(position=at, tenant="default", entry=each.bytes, hash=bytes(32))
        for at, each in enumerate(ENTRIES)
    ]
    tree = TreeRow(size=len(placed), frontier=b"", root=bytes(32), at=START)
    database.write(lambda c: sequence.insert_batch(c, rows=placed, full_tiles=[], tree=tree))


def test_rows_go_in_once_and_come_back(database: Database) -> None:
    witness = replace(ROW, name="w-1", kind="witness", evidence="a line")
    release(database, 4, 8)
    keep(database, ROW, witness, replace(ROW, size=4))
    with pytest.raises(Duplicate) as caught:
        keep(database, replace(ROW, evidence="another"))
    assert caught.value.key == "pk_anchor"
    with database.read() as connection:
        assert anchors.anchors_at(connection, 8) == (ROW, witness)
        assert anchors.newest_of(connection, "second-site") == ROW
        assert sorted(each["size"] for each in stored.anchors(connection)) == [4, 8, 8]
        assert anchors.sizes_of_kind(connection, "directory") == (8, 4)
        assert anchors.sizes_of_kind(connection, "directory", limit=1) == (8,)
        assert anchors.sizes_of_kind(connection, "directory", above=4) == (8,)
        assert anchors.sizes_of_kind(connection, "s3") == ()


def test_rows_over_no_checkpoint_do_not_count(database: Database) -> None:
    keep(database, ROW, replace(ROW, size=7), replace(ROW, name="w-1", size=9))
    with database.read() as connection:
        assert anchors.newest_of(connection, "second-site") is None
        assert anchors.beyond(connection, "second-site") == 8
    release(database, 4, 8)
    with database.read() as connection:
        assert anchors.newest_of(connection, "second-site") == ROW
        assert anchors.beyond(connection, "second-site") == 0
        assert anchors.newest_of(connection, "w-1") is None
        assert anchors.beyond(connection, "w-1") == 9
        assert anchors.beyond(connection, "w-1", log=1) == 0


def test_logs_are_apart(database: Database) -> None:
    release(database, 8, log=1)
    keep(database, ROW, log=1)
    with database.read() as connection:
        assert anchors.newest_of(connection, "second-site") is None
        assert anchors.anchors_at(connection, 8) == ()
        assert anchors.newest_of(connection, "second-site", log=1) == ROW
        assert stored.strays(connection) == {"anchor": 1, "checkpoint": 1}


def test_time_of_an_entry_is_that_of_the_smallest_anchored_checkpoint_over_it(database: Database) -> None:
    sequence_entries(database)
    later = START + timedelta(minutes=1)
    keep(
        database,
        replace(ROW, size=4, at=later),
        replace(ROW, name="w-1", size=4, at=START),
        # Another anchor took more, and earlier: that says nothing about who took less.
        replace(ROW, name="w-2", size=8, at=START - timedelta(minutes=1)),
    )
    with database.read() as connection:
        found = anchors.first_anchored(connection, "default", ENTRIES)
        assert anchors.first_anchored(connection, "default", ()) == {}
        assert anchors.first_anchored(connection, "default", ENTRIES, log=1) == {}
    assert found == {
        **dict.fromkeys(ENTRIES[:4], START),
        **dict.fromkeys(ENTRIES[4:8], START - timedelta(minutes=1)),
    }
