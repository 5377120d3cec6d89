"""Everything here runs on both databases."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from consentgate.config.settings import DATABASE_VARIABLE, Settings, load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log
from tests.databases import Server
from tests.functional.config.recovering import Backup, signed, told


@pytest.fixture(autouse=True)
def both(on_database: None) -> None:
    """Run each test on SQLite and on PostgreSQL."""


@pytest.fixture
def settings(on_database: None, tmp_path: Path) -> Settings:
    """A deployment with three entries, all signed."""
    made = make_home(tmp_path / "home", controller="acme").settings
    told(made, "one", "two")
    assert keep_log(made) is None
    assert signed(made) == 3
    return made


@pytest.fixture
def backup(
    settings: Settings,
    database_url: str | None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Backup]:
    """Makes a copy of the test's database, and gives what restores it."""
    running: Server | None = request.getfixturevalue("postgres") if database_url else None
    file, copies = settings.home / "consentgate.db", list[str]()

    def make() -> Callable[[], Settings]:
        if running is None or database_url is None:
            with closing(sqlite3.connect(file)) as source:
                source.execute(f"VACUUM INTO '{settings.home / 'old.db'}'")
        else:
            running.hang_up(database_url)
            copies.append(running.copied(database_url))
        return restore

    def restore() -> Settings:
        if copies:
            monkeypatch.setenv(DATABASE_VARIABLE, copies[-1])
            return load_settings(settings.home)
        for leftover in ("consentgate.db-wal", "consentgate.db-shm"):
            (settings.home / leftover).unlink(missing_ok=True)
        shutil.copy(settings.home / "old.db", file)
        return settings

    yield make
    for url in copies:
        request.getfixturevalue("postgres").drop(url)
