"""What the draft certificate says of clocks is what the program does, on each kind of database."""

import re
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from consentgate.errors import ClockDisagrees
from consentgate.export.paper import certificate, tools
from consentgate.log.append import Lanes
from consentgate.moment import system_clock, system_random
from consentgate.storage import schema
from consentgate.storage.database import Database
from tests.databases import Kind
from tests.functional.log.place import draft
from tests.functional.storage.place import engine_at
from tests.papers import written

SERVER = (
    "Where the ledger is kept by a database server (PostgreSQL), the program compares that clock with the server's"
    " and writes no entry where they differ by more than two seconds."
)
FILE = (
    "Where the ledger is a file on the machine itself (SQLite), that machine's clock is the only one, and the program"
    " compares it with no other."
)
WHICH = "Which of the two it was, and of a server whether it was another machine: "


def text(folder: Path) -> str:
    """The certificate of no records, on one line."""
    made = written(folder, [], options=tools.options(report=False))
    return re.sub(r"\s+", " ", made[certificate.PATH].decode())


@pytest.mark.usefixtures("on_database")
def test_certificate_tells_of_each_database_what_its_clock_is_compared_with(
    kind: Kind, tmp_path: Path
) -> None:
    def fast() -> datetime:
        return system_clock() + timedelta(hours=1)

    engine = engine_at(tmp_path)
    schema.upgrade(engine)
    with closing(Database(engine, clock=fast)) as database:
        lanes = Lanes(database, system_random)

        def work(connection: Connection) -> None:
            lanes.append(connection, draft(fast()))

        if kind == "postgresql":
            with pytest.raises(ClockDisagrees):
                database.write(work)
        else:
            database.write(work)
    engine.dispose()
    assert (SERVER if kind == "postgresql" else FILE) in text(tmp_path / "paper")


def test_who_signs_fills_in_which_it_was_and_what_keeps_the_clocks_right(tmp_path: Path) -> None:
    shown = text(tmp_path)
    for blank in (WHICH, "The clock, or each of them, is kept right by: "):
        assert blank + "_" * 40 in shown
