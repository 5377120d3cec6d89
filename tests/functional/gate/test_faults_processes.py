"""Interrupts, ended threads and forks: an intent at most stays open, nothing is sent twice, nothing is broken."""

import ctypes
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from pathlib import Path
from typing import Any

import pytest

from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import CONNECTOR, World

ROOT = Path(__file__).parents[3]


class Cancelled(BaseException):
    """What ends a thread from outside."""


class Dropped(Exception):
    """The same as an ordinary exception."""


@pytest.fixture
def ready(world: World) -> World:
    """A caller who may be searched on the calls tx-1 to tx-4."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    for number in range(1, 5):
        world.register(f"tx-{number}", caller)
    return world


# Interrupts inside botocore


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Cancelled])
@pytest.mark.parametrize(
    ("event", "sent"),
    [
        ("request-created", 0),
        ("before-sign", 0),
        ("before-send", 0),
        ("response-received", 1),
        ("needs-retry", 1),
    ],
)
def test_interrupt_inside_botocore_leaves_no_intent_open(
    ready: World, event: str, sent: int, error: type[BaseException]
) -> None:
    def interrupt(**_: Any) -> None:
        ready.client.meta.events.unregister(event, interrupt)
        raise error

    ready.client.meta.events.register_first(event, interrupt)
    with pytest.raises(error):
        ready.search("tx-1")
    end = "succeeded" if sent else "not_sent"
    assert (ready.searches, len(ready.opened("intent")), ready.ends()) == (sent, 1, [end])
    ready.search("tx-2")
    assert ready.ends() == [end, "succeeded"]
    require_sound(ready)


def test_interrupt_before_the_decision_leaves_nothing(ready: World) -> None:
    def interrupt(**_: Any) -> None:
        raise KeyboardInterrupt

    ready.client.meta.events.register_first("before-call", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ready.search("tx-1")
    assert (ready.searches, ready.opened("intent", "denial")) == (0, [])
    require_sound(ready)


# Threads


def in_the_middle(world: World, thread: threading.Thread, act: Callable[[int], None]) -> None:
    """Start a thread that searches, and do something to it while its first request is at the server."""
    arrived, done = threading.Event(), threading.Event()
    accept = world.server._answer

    def answer(request: Any) -> Any:
        reply = accept(request)
        arrived.set()
        done.wait(20)
        return reply

    world.server._loopback._http.answer = answer
    thread.start()
    assert arrived.wait(20)
    assert thread.ident is not None
    act(thread.ident)
    done.set()
    thread.join(30)


def searched_by_a_thread_that_gets(world: World, error: type[BaseException]) -> list[type[BaseException]]:
    """What a thread's search raised that got an exception from outside while its request was at the server."""
    seen: list[type[BaseException]] = []

    def run() -> None:
        try:
            world.search("tx-1")
        except BaseException as ended:  # noqa: BLE001  # whatever ends the thread
            seen.append(type(ended))

    def end(thread: int) -> None:
        set_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        assert set_in(ctypes.c_ulong(thread), ctypes.py_object(error)) == 1

    in_the_middle(world, threading.Thread(target=run), end)
    return seen


@pytest.mark.parametrize("error", [Cancelled, SystemExit])
def test_exception_set_in_a_thread_ends_it_without_a_lie(ready: World, error: type[BaseException]) -> None:
    assert searched_by_a_thread_that_gets(ready, error) == [error]
    assert (ready.searches, ready.ends()) == (1, ["unknown"])
    ready.search("tx-2")
    require_sound(ready)


# It may strike while urllib3 holds a socket that it has not put away yet.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ordinary_exception_set_in_a_thread_is_a_failed_attempt(ready: World) -> None:
    """botocore takes it for a failure of the connection, and tries again or not, by version."""
    met = searched_by_a_thread_that_gets(ready, Dropped)
    assert (ready.searches, ready.ends()) == ((1, ["unknown"]) if met else (2, ["succeeded"]))
    ready.search("tx-2")
    require_sound(ready)


def test_future_that_nobody_waits_for_any_more_is_recorded(ready: World) -> None:
    ready.server.script.delay(0.2)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ready.search, "tx-1")
        second = pool.submit(ready.search, "tx-2")
        with pytest.raises(TooLate):
            first.result(timeout=0.01)
        assert not first.cancel() or first.cancelled()
        assert second.cancel()
    assert (ready.searches, ready.ends()) == (1, ["succeeded"])
    assert len(ready.opened("intent")) == 1
    require_sound(ready)


# Processes


def script_of(world: World, body: str) -> list[str]:
    """A program that opens the deployment of a test, and does something with a protected client."""
    head = f"""
        import os, signal, sys, threading, time
        from consentgate import ConsentGate, ConsentDenied
        from consentgate.config.settings import load_settings
        from consentgate.testing.client import loopback_client
        from consentgate.testing.clock import FrozenClock
        from datetime import datetime
        from pathlib import Path

        # Whoever starts the tests may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        now = datetime.fromisoformat({world.clock().isoformat()!r})
        settings = load_settings(Path({str(world.home)!r}))
        gate = ConsentGate(settings, clock=FrozenClock(now), background=False)

        def client(**more):
            return gate.protect(loopback_client("chime-sdk-voice", {world.server.url!r}, **more))

        def search(chime, transaction):
            return chime.start_speaker_search_task(
                VoiceConnectorId={CONNECTOR!r}, TransactionId=transaction, VoiceProfileDomainId="d",
                CallLeg="Caller")
    """
    return [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(body)]


def run(world: World, body: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        script_of(world, body), capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, **more
    )


def test_signal_in_the_middle_of_a_request_leaves_its_end_open(ready: World) -> None:
    ready.server.script.delay(20)
    program = subprocess.Popen(
        script_of(ready, 'search(client(), "tx-1")'), stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    arrived = threading.Event()
    while not ready.server.requests and program.poll() is None:
        arrived.wait(0.01)
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert said.rstrip().endswith("KeyboardInterrupt"), said
    assert (ready.searches, len(ready.opened("intent")), ready.ends()) == (1, 1, ["unknown"])
    ready.server.script.clear()
    ready.search("tx-2")
    require_sound(ready)


def test_daemon_thread_that_ends_with_its_process_leaves_an_open_intent(ready: World) -> None:
    ready.server.script.delay(20)
    done = run(
        ready,
        """
        chime = client()
        sent = threading.Event()
        chime.meta.events.register_last("before-send", lambda **_: sent.set())
        threading.Thread(target=search, args=(chime, "tx-1"), daemon=True).start()
        sent.wait(30)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert (len(ready.opened("intent")), ready.ends()) == (1, [])
    ready.server.script.clear()
    ready.search("tx-2")
    require_sound(ready)


FORKS: dict[str, str] = {
    "before the first write": """
        child = os.fork()
        search(client(), "tx-1" if child else "tx-2")
        """,
    "between requests": """
        search(client(), "tx-1")
        child = os.fork()
        search(client(), "tx-2" if child else "tx-3")
        """,
    "after everything": """
        search(client(), "tx-1")
        child = os.fork()
        """,
    "several times": """
        search(client(), "tx-1")
        child = os.fork()
        if child == 0:
            again = os.fork()
            search(client(), "tx-2" if again else "tx-3")
            if again:
                assert os.waitstatus_to_exitcode(os.waitpid(again, 0)[1]) == 0
        else:
            search(client(), "tx-4")
        """,
}
WAIT = """
        gate.close()
        if child == 0:
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        """


@pytest.mark.parametrize("when", FORKS)
def test_parent_and_child_of_a_fork_both_work_on(ready: World, when: str) -> None:
    done = run(ready, FORKS[when] + WAIT)
    assert done.returncode == 0, done.stderr
    expected = {"after everything": 1, "between requests": 3, "several times": 4}.get(when, 2)
    assert (ready.searches, ready.ends()) == (expected, ["succeeded"] * expected)
    require_sound(ready)


def test_fork_in_the_middle_of_a_request_sends_it_once(ready: World) -> None:
    body = """
        chime = client()
        children = []
        def fork(**_):
            child = os.fork()
            children.append(child)
        chime.meta.events.register_first("request-created", fork)
        try:
            search(chime, "tx-1")
        except ConsentDenied as denied:
            assert children == [0] and [r.code for r in denied.reasons] == ["NO_PERMIT"]
            os._exit(0)
        assert children[0] > 0
        assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
        """
    done = run(ready, body)
    assert done.returncode == 0, done.stderr
    assert (ready.searches, ready.ends()) == (1, ["succeeded"])
    require_sound(ready)


def test_workers_that_are_forked_beforehand_serve_side_by_side(ready: World) -> None:
    """As a pre-forking server does: one gate, opened and used before the workers are made."""
    body = """
        search(client(), "tx-1")
        workers = []
        for number in (2, 3, 4):
            worker = os.fork()
            if worker == 0:
                search(client(), f"tx-{number}")
                gate.close()
                os._exit(0)
            workers.append(worker)
        for worker in workers:
            assert os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) == 0
        gate.close()
        """
    done = run(ready, body)
    assert done.returncode == 0, done.stderr
    assert (ready.searches, ready.ends()) == (4, ["succeeded"] * 4)
    require_sound(ready)
