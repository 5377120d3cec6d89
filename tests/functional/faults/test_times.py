"""Each time of the settings, written into them and let run out: against a lock, or a peer that never answers."""

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from sqlalchemy import Connection, text

from consentgate.config import timestamping
from consentgate.config.anchoring import anchorer_of, place_of
from consentgate.config.parts import database_of, state_of
from consentgate.config.settings import Settings, load_settings
from consentgate.config.times import patience_of
from consentgate.config.worker import clients_of
from consentgate.errors import Unavailable
from consentgate.gate.request import Started
from consentgate.log.state import first_state
from consentgate.moment import system_clock, system_random
from consentgate.storage import schema
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.readonly import read_only
from consentgate.tlog.cosignature import WitnessSigner
from tests.databases import raw
from tests.functional.faults.conftest import Behind
from tests.functional.faults.place import locked
from tests.functional.log.states import held

# What is set here, and what nothing may reach that keeps to it: each default is longer, or many times as long.
SHORT = 0.2
AT_MOST = 3.5

# The bound of the whole exchange and that of a single read are over at the same time.
TOO_SLOW = r"took longer than 0\.2 s|TimeoutError"

STARTED = Started(
    service="chime-sdk-voice",
    operation="StartSpeakerSearchTask",
    region="us-east-1",
    path="/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks",
    task="11111111-2222-4333-8444-555555555555",
)


@dataclass
class Silent:
    """A peer that takes connections and what is said on them, and never answers.

    Attributes:
        port: where it listens.
        taken: the connections.
    """

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    taken: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self) -> None:
        while True:
            try:
                self.taken.append(self.listener.accept()[0])
            except OSError:
                return


@pytest.fixture
def silent() -> Iterator[Silent]:
    """A peer that never answers."""
    peer = Silent()
    thread = threading.Thread(target=peer.take, daemon=True)
    thread.start()
    yield peer
    peer.listener.shutdown(socket.SHUT_RDWR)
    peer.listener.close()
    thread.join(5)
    for each in peer.taken:
        each.close()


@pytest.fixture
def aws(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> Silent:
    """The same in the place of AWS."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    known = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1"}
    for name, value in (known | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": silent.url}).items():
        monkeypatch.setenv(name, value)
    return silent


def settings_at(
    home: Path, more: str = "", /, *, database: str = "sqlite:///ledger.db", **times: float
) -> Settings:
    own = "\n".join(f"{name} = {value}" for name, value in times.items())
    (home / "consentgate.toml").write_text(
        f'format = 1\ndatabase = "{database}"\n{more}\n[timeouts]\n{own}\n[retry]\ns3_attempts = 2\n'
    )
    return load_settings(home, {})


@contextmanager
def over(told: str | None = None) -> Iterator[None]:
    """What runs out does so in time, and says so."""
    began = time.monotonic()
    with pytest.raises(Unavailable, match=told):
        yield
    assert time.monotonic() - began < AT_MOST


# PostgreSQL


@pytest.fixture
def opened(tmp_path: Path, behind: Behind) -> Iterator[Callable[..., Database]]:
    """Opens the database behind the proxy, by settings with some times of their own."""
    schema.upgrade(open_engine(behind.real))
    with ExitStack() as stack:

        def open_(**times: float) -> Database:
            database = database_of(settings_at(tmp_path, database=behind.url, **times))
            stack.callback(database.close)
            stack.callback(behind.proxy.set, "pass")
            return database

        yield open_


def sleep(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(30)"))


def ask(connection: Connection) -> Any:
    return connection.execute(text("SELECT 1")).scalar()


@pytest.mark.postgres
def test_statement_is_ended_by_the_server(opened: Callable[..., Database]) -> None:
    database = opened(statement_s=SHORT)
    with over("a statement took too long"):
        database.write(sleep)


@pytest.mark.postgres
def test_statement_that_reads_is_ended_by_the_server(opened: Callable[..., Database]) -> None:
    database = opened(reading_s=SHORT)
    with over("a statement took too long"), database.read() as connection:
        sleep(connection)


APPEND = (
    "SELECT code FROM consentgate_append('{}', '{7}', '{}', '{}', '{}', '{}', '', 't', '\\x01', 'k',"
    " consentgate_now(), 0::smallint, '\\x02', 0, '', '', '', '\\x03', '', '{}')"
)


@pytest.mark.postgres
@pytest.mark.parametrize("single", [True, False])
def test_lock_that_an_append_needs_is_not_waited_for(
    behind: Behind, opened: Callable[..., Database], single: bool
) -> None:
    database = opened(lock_s=SHORT)
    with raw(behind.real) as other:
        other.execute("BEGIN")
        other.execute("SELECT consentgate_lock('{}', '{7}')")
        with over("another transaction held a lock"):
            database.write(lambda connection: connection.exec_driver_sql(APPEND).all(), single=single)
        other.execute("ROLLBACK")


@pytest.mark.postgres
def test_transaction_that_does_nothing_is_ended_by_the_server(opened: Callable[..., Database]) -> None:
    database = opened(idle_s=SHORT)
    looked: list[str] = []

    def hold(connection: Connection) -> None:
        looked.append(str(connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()))
        time.sleep(3 * SHORT)
        ask(connection)

    with over():
        database.write(hold)
    assert {*looked} == {"200ms"}


def _write(database: Database) -> Any:
    return database.write(ask)


def _glance(database: Database) -> Any:
    with database.glance() as connection:
        return ask(connection)


def _read(database: Database) -> Any:
    with database.read() as connection:
        return ask(connection)


@pytest.mark.postgres
@pytest.mark.parametrize("work", [_write, _glance, _read], ids=["write", "glance", "read"])
def test_answer_that_never_comes_is_not_waited_for(
    behind: Behind, opened: Callable[..., Database], work: Callable[[Database], Any]
) -> None:
    times = {"statement_s": SHORT / 2, "answer_s": SHORT, "reading_s": SHORT / 2, "reading_answer_s": SHORT}
    database = opened(connect_s=1, **times)
    assert work(database) == 1
    behind.proxy.set("stall")
    began = time.monotonic()
    with pytest.raises(Unavailable):
        work(database)
    # A new connection is tried besides, for two seconds.
    assert time.monotonic() - began < 2 + AT_MOST


@pytest.mark.postgres
def test_connection_that_never_comes_about_is_not_waited_for(tmp_path: Path, silent: Silent) -> None:
    settings = settings_at(tmp_path, database=f"postgresql://a:b@127.0.0.1:{silent.port}/x", connect_s=1)
    database = database_of(settings)
    with over("out of reach"):
        _glance(database)
    database.close()


# SQLite


@pytest.mark.sqlite_file
def test_lock_on_a_file_is_not_waited_for(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, busy_s=SHORT, turn_s=SHORT)
    schema.upgrade(open_engine(settings.database))
    database = database_of(settings)
    with locked(str(tmp_path / "ledger.db")), over("another process held the database's write lock"):
        _write(database)
    assert _write(database) == 1
    database.close()


@pytest.mark.sqlite_file
def test_lock_on_a_file_that_is_only_read_is_not_waited_for(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, busy_s=SHORT)
    copy = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    copy.execute("CREATE TABLE entry (id)")
    copy.execute("BEGIN EXCLUSIVE")
    with over("lock"), read_only(settings.database, patience_of(settings.times)) as connection:
        ask(connection)
    copy.close()


@pytest.mark.sqlite_file
def test_upgrade_that_meets_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    settings = settings_at(tmp_path, busy_s=SHORT)
    schema.upgrade(open_engine(settings.database))
    with locked(str(tmp_path / "ledger.db")), over("another process held the database's write lock"):
        schema.upgrade(open_engine(settings.database), patience_of(settings.times))


@pytest.mark.sqlite_file
@pytest.mark.parametrize(("patience", "told"), [(SHORT, "refused"), (30, "1")])
def test_fork_waits_for_what_is_being_read_as_long_as_is_set(
    tmp_path: Path, patience: float, told: str
) -> None:
    settings = settings_at(tmp_path, fork_s=patience)
    schema.upgrade(open_engine(settings.database))
    database = database_of(settings)
    reading = threading.Event()

    def read() -> None:
        with database.read() as connection:
            ask(connection)
            reading.set()
            time.sleep(5 * SHORT)

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(10)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(theirs, str(_glance(database)).encode())
        except Unavailable:
            os.write(theirs, b"refused")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(ours, 100).decode() == told
    thread.join()
    database.close()


# What is asked over HTTP

BUCKET = """
[[anchors]]
name = "bucket"
kind = "s3"
bucket = "acme-checkpoints"
retain_days = 1
"""
WITNESS = """
[[anchors]]
name = "witness"
kind = "witness"
url = "{url}"
vkey = "{vkey}"
"""


@pytest.mark.sqlite_file
def test_lock_of_the_signer_s_file_is_waited_for_as_long_as_is_set(tmp_path: Path) -> None:
    state, first = state_of(settings_at(tmp_path, state_s=SHORT), 0), first_state("consentgate.invalid/x")
    state.create(first)
    with held(tmp_path / "log.state.lock"), over(r"held the lock .* for 0\.2 seconds"):
        state.replace(first, first)
    assert state.replace(first, first)


def test_state_in_a_bucket_that_never_answers_is_not_waited_for(tmp_path: Path, aws: Silent) -> None:
    settings = settings_at(tmp_path, '[log]\nstate = "s3://signer/state"', state_s=SHORT)
    with over("ReadTimeoutError"):
        state_of(settings, 0).read()
    assert len(aws.taken) == 2


def test_bucket_of_an_anchor_that_never_answers_is_not_waited_for(tmp_path: Path, aws: Silent) -> None:
    settings = settings_at(tmp_path, BUCKET, bucket_connect_s=SHORT, bucket_read_s=SHORT)
    [anchor] = settings.anchors
    place: Any = place_of(anchor, system_clock, settings.times)
    with over("ReadTimeoutError"):
        list(place.held("consentgate.invalid/log"))
    assert len(aws.taken) == 2


def test_client_of_the_worker_does_not_wait_for_an_answer_that_never_comes(
    tmp_path: Path, aws: Silent
) -> None:
    settings = settings_at(tmp_path, vendor_connect_s=SHORT, vendor_read_s=SHORT, stop_s=30)
    clients = clients_of(settings.times)
    with over("ReadTimeoutError"):
        clients.look(STARTED)
    assert len(aws.taken) == 1
    clients.close()


def test_stop_by_the_worker_is_bounded_as_a_whole(tmp_path: Path, aws: Silent) -> None:
    settings = settings_at(tmp_path, vendor_read_s=30, stop_s=SHORT)
    clients = clients_of(settings.times)
    began = time.monotonic()
    assert not clients.stop(STARTED)
    assert time.monotonic() - began < AT_MOST
    clients.close()


def test_witness_that_never_answers_is_not_waited_for(tmp_path: Path, silent: Silent) -> None:
    key = WitnessSigner.generate("witness.example/w", system_random).key
    settings = settings_at(tmp_path, WITNESS.format(url=silent.url, vkey=key.vkey), witness_s=SHORT)
    [anchor] = settings.anchors
    place: Any = place_of(anchor, system_clock, settings.times)
    with over(TOO_SLOW):
        place.newest("consentgate.invalid/log")


def test_authority_that_never_answers_is_not_waited_for(
    tmp_path: Path, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = f'[timestamps]\nurl = "{silent.url}/tsr"\ncertificates = "tsa.pem"'
    settings = settings_at(tmp_path, table, timestamp_s=SHORT)
    monkeypatch.setattr(timestamping, "authorities_in", lambda _: ())
    authority = timestamping.authority_of(settings.timestamps, settings.times)
    assert authority is not None
    with over(TOO_SLOW):
        authority.stamp(b"data")


@pytest.mark.sqlite_file
def test_anchors_are_waited_for_as_long_as_is_set(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    table = '[[anchors]]\nname = "d"\nkind = "directory"\npath = "kept"'
    settings = settings_at(tmp_path, table, anchors_s=3, anchors_end_s=2)
    database = database_of(settings)
    made = anchorer_of(settings, database)
    assert made is not None
    # What they do with it: tests/functional/log/test_anchoring.py.
    assert (made._within, made._ends_within) == (3, 2)
    database.close()
