"""A second one that writes to a SQLite file is noticed where the library is too old for two."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from consentgate.config.setup import make_home
from consentgate.config.sqlite import sqlite_check
from consentgate.log.append import Lanes, append_writer_stop
from consentgate.moment import system_clock, system_random
from consentgate.storage import neighbours
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from tests.functional.log.place import draft
from tests.functional.storage.writing import fact, names

pytestmark = pytest.mark.sqlite_file  # its one writer


@pytest.fixture(autouse=True)
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 2))
    monkeypatch.setattr(neighbours, "_told", set())


@pytest.fixture
def other(database: Database, tmp_path: Path) -> Iterator[Database]:
    """Another one on the same file, as another process has it."""
    found = Database(database._engine, clock=system_clock)
    yield found
    found.close()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == neighbours.__name__]


def test_second_writer_is_warned_of_once(
    database: Database, other: Database, caplog: pytest.LogCaptureFixture
) -> None:
    fact(database, "one")
    fact(other, "two")
    assert warnings(caplog) == []
    for name in ("three", "four"):
        fact(database, name)
        fact(other, name + " too")
    [said] = warnings(caplog)
    assert "use SQLite 3.51.3" in said


def test_one_writer_and_many_readers_are_no_reason(
    database: Database, other: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        fact(database, f"fact {number}")
        assert len(names(database)) == len(names(other)) == number + 1
    assert warnings(caplog) == []


def test_sound_library_is_not_asked(
    database: Database, other: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", neighbours.SOUND_SQLITE)
    for name in ("one", "two"):
        fact(database, name)
        fact(other, name + " too")
    assert warnings(caplog) == []


def append(database: Database, lanes: Lanes) -> None:
    database.write(lambda connection: lanes.append(connection, draft(system_clock())))


def test_doctor_says_how_many_wrote_lately(tmp_path: Path) -> None:
    settings = make_home(tmp_path / "home", controller="acme").settings
    opened = [Database(open_engine(settings.database), clock=system_clock) for _ in range(2)]
    lanes = [Lanes(each, system_random) for each in opened]
    for each, lane in zip(opened, lanes, strict=True):
        assert "seem to have written" not in sqlite_check(settings).found
        append(each, lane)
    assert "2 seem to have written" in sqlite_check(settings).found
    with opened[0].read() as connection:
        assert neighbours.open_lanes(connection, since=system_clock() + timedelta(minutes=1)) == 0
    append_writer_stop(opened[1], lanes[1], system_random)
    assert "seem to have written" not in sqlite_check(settings).found
    for each in opened:
        each.close()


def test_doctor_says_the_version_where_there_is_no_database(tmp_path: Path) -> None:
    settings = make_home(tmp_path / "home", controller="acme").settings
    (tmp_path / "home" / "consentgate.db").unlink()
    assert "can damage" in sqlite_check(settings).found
