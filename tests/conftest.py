"""Brings the fixtures that users get too, and the databases that tests run on."""

import gc
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
from coverage import Coverage

from consentgate.config.settings import DATABASE_VARIABLE
from consentgate.config.setup import make_home
from consentgate.testing.clock import FrozenClock
from tests.databases import Elsewhere, Kind, Server, server
from tests.homes import Home
from tests.once import Once

pytest_plugins = ["consentgate.testing.plugin", "tests.packages"]

# Files in memory, where there is room: what tests ask for durability is most of what they would wait for.
_MEMORY: Final = Path("/dev/shm")
_ROOM: Final = 4 << 30
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ["TMPDIR"] = str(_MEMORY)
    tempfile.tempdir = None

# Tracing doubles what a test takes. These go many times over what others cover, and are not counted.
_UNCOUNTED: Final = (
    "/fuzz/",
    "/mutation/",
    "/functional/crash/",
    "/functional/docs/",
    "/functional/packs/",
    "/functional/races/",
    "/soak/",
    "/gate/bypass/test_matrix.py",
    "/gate/test_faults_processes.py",  # an exception for one thread keeps others from going on while they are traced
    "/policy/test_anything.py",
    "/verify/test_odd_values.py",
)
# Nor are more cases than these of one test, nor most on the second database: there what is for it alone.
_CASES: Final = 40
_OF_POSTGRESQL: Final = ("/functional/config/", "/functional/storage/", "/integration/")

# What takes longest begins first, for tests side by side.
_LONG: Final = ("/crash/", "/faults/", "/fuzz/", "/races/", "/soak/", "/functional/test_canaries.py")

_NUMBER: Final = pytest.StashKey[int]()

# How long an example takes says something about the machine.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

# Until all tests are found: what is found stays, and looking through it over and over takes longer than finding it.
gc.disable()

BOTH = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]


@pytest.fixture(autouse=True)
def one_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are as wide in every process: tests side by side are told another width than one alone."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(autouse=True)
def no_tripwire() -> Iterator[None]:
    """A wire that a test lays across the process is gone after it."""
    yield
    laid = sys.modules.get("consentgate.aws.tripwire")
    if laid is not None:
        laid.TRIPWIRE.take_up()


@pytest.fixture(scope="session")
def once() -> Iterator[Once]:
    """What is made once for all tests of this session."""
    with Once() as things:
        yield things


@pytest.fixture(scope="session")
def postgres(once: Once) -> Iterator[Server]:
    """The PostgreSQL server of this session, with room for fifty gates at once."""
    with server(connections=400) as running:
        yield running
        # Some of it lies on the server.
        once.close()


@pytest.fixture(scope="session", params=BOTH)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which database a test runs on: it runs on both."""
    found: Kind = request.param
    return found


@pytest.fixture
def on_database(database_url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything that the test opens lie in its database: settings take it from the environment."""
    if database_url is not None:
        monkeypatch.setenv(DATABASE_VARIABLE, database_url)


@pytest.fixture
def elsewhere(kind: Kind, request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    """Opens a block in which everything that is opened lies in another database than the test's own.

    In files it does so by itself, as long as the folders differ.
    """
    made: list[str] = []

    @contextmanager
    def another() -> Iterator[None]:
        if kind == "sqlite":
            yield
            return
        running: Server = request.getfixturevalue("postgres")
        made.append(running.database())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(DATABASE_VARIABLE, made[-1])
            yield

    yield another
    for url in made:
        request.getfixturevalue("postgres").drop(url)


@pytest.fixture(scope="session")
def just_made(
    kind: Kind, once: Once, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Home:
    """A home of a test's clock as `make_home` leaves it."""

    def make() -> Home:
        folder = tmp_path_factory.mktemp("made") / "home"
        server: Server | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
        home = Home(folder, server.database() if server else None, server)
        with home.in_environment():
            make_home(folder, controller="acme", clock=FrozenClock())
        return home

    return once.made("home", kind, by=make)


@pytest.fixture
def fresh_home(just_made: Home, tmp_path: Path) -> Iterator[Path]:
    """A home as if it was made just now, for this test alone; all that the test opens lies in its database."""
    with just_made.copied(tmp_path / "home") as home, home.in_environment():
        yield home.folder


def _tampers(item: pytest.Item) -> bool:
    """What tampers with a client meets no database: on the second one, each way to send is enough."""
    of = getattr(item, "callspec", None)
    return (
        item.path.match("bypass/test_matrix.py")
        and of is not None
        and of.params.get("name", "nothing") != "nothing"
    )


def pytest_report_header() -> str:
    """What makes most of the difference in how long all of this takes."""
    place = Path(tempfile.gettempdir())
    room = shutil.disk_usage(place).free >> 30
    return f"machine: {os.cpu_count()} processors; files of tests in {place}, {room} GiB free"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let what was found be no matter of the garbage collection that begins now."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """In a process beside others pytest-cov counts twice; the first count goes on in pauses, and nobody reads it."""
    controller = _coverage(session.config)
    if controller is None:
        return
    controller.pause()
    while (first := Coverage.current()) is not None:
        first.stop()
    controller.resume()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count coverage where the test is one that counts."""
    controller = _coverage(item.config)
    if controller is None or _counts(item):
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


def _coverage(config: pytest.Config) -> Any:
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)


def _counts(item: pytest.Item) -> bool:
    path = item.path.as_posix()
    if any(each in path for each in _UNCOUNTED) or item.stash.get(_NUMBER, 0) >= _CASES:
        return False
    return not _on_postgresql(item) or any(each in path for each in _OF_POSTGRESQL)


def _on_postgresql(item: pytest.Item) -> bool:
    return "postgresql" in item.name.partition("[")[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is about a SQLite file as such runs on one; cases are numbered, and long ones come first."""
    items[:] = [
        item
        for item in items
        if not (_on_postgresql(item) and (item.get_closest_marker("sqlite_file") or _tampers(item)))
    ]
    cases: Counter[tuple[str, bool]] = Counter()
    for item in items:
        case = (item.nodeid.partition("[")[0], _on_postgresql(item))
        item.stash[_NUMBER] = cases[case]
        cases[case] += 1
    items.sort(key=lambda item: not any(each in str(item.path) for each in _LONG))


@pytest.fixture
def database_url(kind: Kind, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a fresh database on the server; None for a SQLite file, which the test places itself."""
    if kind == "sqlite":
        yield None
        return
    running: Server = request.getfixturevalue("postgres")
    url = running.database()
    yield url
    running.drop(url)
