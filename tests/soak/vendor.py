"""The service of a soak: ``python -m tests.soak.vendor LOG SEED``; it prints its address first.

It is the loopback service, with faults that a seed chooses: of every hundred requests of any operation some are
throttled, some fail before or after the work is done, some get no answer, one too late, or one that is none. What
each request was, and whether the service did its work, goes into the log before the answer leaves. After SIGUSR1 it
has no faults any more. Tasks end by themselves after some seconds, and are forgotten later: it serves for hours.
"""

import json
import signal
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final

from consentgate.moment import Clock, system_clock, to_text
from consentgate.testing.chime import VOICE, ChimeServer
from consentgate.testing.model import Operation
from consentgate.testing.script import Script, Step, error_reply
from consentgate.testing.tasks import SUCCEEDED, TaskBook
from consentgate.testing.voice import Voice
from consentgate.testing.wire import WireReply, WireRequest

LATE_SECONDS: Final = 1.6
# How many of a hundred requests; the rest is answered well.
FAULTS: Final = (
    (5, Step(scripted=True, reply=error_reply(429, "ThrottledClientException", "Too many."))),
    (4, Step(scripted=True, reply=error_reply(500, "ServiceFailureException", "Nothing was done."))),
    (
        2,
        Step(scripted=True, after_accepting=True, reply=error_reply(500, "ServiceFailureException", "Done.")),
    ),
    (2, Step(scripted=True, after_accepting=True, reply=error_reply(503, "ServiceUnavailableException", ""))),
    (3, Step(scripted=True)),
    (2, Step(scripted=True, after_accepting=True)),
    (1, Step(seconds=LATE_SECONDS)),
    (1, Step(scripted=True, after_accepting=True, reply=WireReply(status=200, headers={}, body=b"<p>"))),
)
_ENDS_AFTER: Final = timedelta(seconds=4)
_FORGOTTEN_AFTER: Final = timedelta(seconds=60)


class Unreliable(Script):
    """Faults by chance, until they are over."""

    def __init__(self, errors: Mapping[str, Mapping[str, int]], seed: int) -> None:
        super().__init__(errors)
        self._dice = Random(seed)
        self._rolling = threading.Lock()
        self.over = threading.Event()

    def take(self, operation: str) -> Step:
        step = super().take(operation)
        if self.over.is_set():
            return step
        with self._rolling:
            rolled = self._dice.uniform(0, 100)
        for share, fault in FAULTS:
            rolled -= share
            if rolled < 0:
                return fault
        return step


class Service(Voice):
    """As many searches at once as anybody asks for."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._clock = clock
        self.searches = TaskBook(clock, lambda: str(uuid.uuid4()), at_most=None)

    def grow_old(self) -> None:
        """Bring tasks to their end, and forget those that ended long ago."""
        now, tasks = self._clock(), self.searches._tasks
        for task in list(tasks.values()):
            if task.active and now - task.created > _ENDS_AFTER:
                self.searches.move(task.id, SUCCEEDED)
            elif now - task.updated > _FORGOTTEN_AFTER:
                del tasks[task.id]
        tokens = self.searches._tokens
        for token in [token for token, task_id in tokens.items() if task_id not in tasks]:
            del tokens[token]


class Vendor(ChimeServer):
    """The service, with its log."""

    def __init__(self, path: Path, seed: int) -> None:
        super().__init__(services={VOICE: Service})
        self.unreliable = Unreliable(self.script._errors, seed)
        self.script = self.unreliable
        self._done = threading.local()
        self._log = path.open("a", buffering=1)

    def grow_old(self) -> None:
        service = self._behaviours[VOICE]
        assert isinstance(service, Service)
        with self._lock:
            service.grow_old()
            self._requests.clear()

    def _answer(self, request: WireRequest) -> WireReply | None:
        came = system_clock()
        self._done.reply = None
        reply = super()._answer(request)
        done: WireReply | None = self._done.reply
        body = json.loads(request.body or b"{}")
        told = {
            "at": to_text(came),
            "request": f"{request.method} {request.path}?{request.query}",
            "call": body.get("TransactionId"),
            "token": body.get("ClientRequestToken"),
            "body": sha256(request.body).hexdigest(),
            "done": done.status if done is not None else None,
            "task": _task(done),
            "answer": reply.status if reply is not None else None,
        }
        self._log.write(json.dumps(told) + "\n")
        return reply

    def _accept(
        self, operation: Operation, request: WireRequest, query: Mapping[str, str], step: Step
    ) -> WireReply:
        self._done.reply = super()._accept(operation, request, query, step)
        reply: WireReply = self._done.reply
        return reply


def _task(reply: WireReply | None) -> str | None:
    if reply is None or reply.status != 201:
        return None
    answer: dict[str, Any] = json.loads(reply.body)
    return str(answer["SpeakerSearchTask"]["SpeakerSearchTaskId"])


def main(path: str, seed: str) -> None:
    """Serve until terminated."""
    ended = threading.Event()
    with Vendor(Path(path), int(seed)) as vendor:
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        signal.signal(signal.SIGUSR1, lambda *_: vendor.unreliable.over.set())
        sys.stdout.write(vendor.url + "\n")
        sys.stdout.flush()
        while not ended.wait(0.5):
            vendor.grow_old()
        time.sleep(0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
