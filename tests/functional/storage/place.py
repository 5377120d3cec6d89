"""A database in a temporary folder, with a clock that tests move."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine

from consentgate.config.settings import DATABASE_VARIABLE
from consentgate.moment import system_clock, system_random, uuid7
from consentgate.storage import schema
from consentgate.storage.database import Database
from consentgate.storage.entries import EntryRow, insert_entry
from consentgate.storage.patience import Patience

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class SetClock:
    now: datetime = START
    step: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


def engine_at(folder: Path, name: str = "ledger.db") -> Engine:
    elsewhere = os.environ.get(DATABASE_VARIABLE)
    return create_engine(elsewhere or f"sqlite:///{folder / name}")


@contextmanager
def database_at(
    folder: Path, *, clock: Callable[[], datetime] = system_clock, tenant: str = "default", wait: float = 5.0
) -> Iterator[Database]:
    """Open the test's database; on PostgreSQL its clock follows a test's, which marks it."""
    engine = engine_at(folder)
    schema.upgrade(engine)
    follows = engine.dialect.name != "sqlite" and clock is not system_clock
    database = Database(engine, clock=clock, tenant=tenant, patience=Patience(turn=wait), test_clock=follows)
    try:
        yield database
    finally:
        database.close()
        engine.dispose()


def inserted(database: Database, *rows: EntryRow) -> None:
    def work(connection: Connection) -> None:
        for row in rows:
            insert_entry(connection, row)

    database.write(work)


def entry_row(
    kind: str = "statement",
    *,
    entry: UUID | None = None,
    tenant: str = "default",
    about_people: bool = True,
    re: UUID | None = None,
    end: str | None = None,
    w: bytes | None = None,
    n: int = 0,
) -> EntryRow:
    return EntryRow(
        id=entry or uuid7(START, system_random),
        tenant=tenant,
        kind=kind,
        at=START,
        about_people=about_people,
        w=w or system_random(16),
        n=n,
        re=re,
        end=end,
        leaf=b"{}",
        hash=system_random(32),
        parts="sealed",
    )
