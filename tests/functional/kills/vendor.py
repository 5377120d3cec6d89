"""The vendor as a process of its own: ``python -m tests.functional.kills.vendor DATABASE TOLD``.

It is the loopback service. Of each search it writes down, before anything else is done with it, whether the intent
that its token names was in the database when it arrived; and then which task of which call it started, or that it
refused it, each with the record that CloudTrail keeps. Of each other request it writes down what was asked. It takes
its time, and lives when the workers do.
"""

import json
import os
import random
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from consentgate.aws.asking import intent_of_token
from consentgate.errors import InvalidInput
from consentgate.testing.chime import ChimeServer
from consentgate.testing.cloudtrail import Record, record_of
from consentgate.testing.script import error_reply
from tests.databases import raw
from tests.functional.kills.work import BEFORE, Shifted

_LONGEST: Final = 0.01
_RUNNING: Final = 8
_SEARCH: Final = "StartSpeakerSearchTask"
_REFUSAL: Final = "ForbiddenException"
_REFUSED: Final = 4
"""One call in so many."""


class Watching(ChimeServer):
    """The loopback service, which looks into the ledger and writes down what it sees."""

    def __init__(self, database: str, told: Path) -> None:
        super().__init__(clock=Shifted(BEFORE))
        self._database = database
        self._file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._dice = random.Random(11)
        self._turn = threading.Lock()

    def _note(self, request: Any, operation: Any) -> None:
        super()._note(request, operation)
        if operation is None or operation.name != _SEARCH:
            self._say(asked=operation.name if operation is not None else None)
            return
        intent = _intent(request)
        self._say(arrived=str(intent), call=_call(request), durable=self._is_durable(intent))
        time.sleep(self._dice.uniform(0, _LONGEST))

    def _accept(self, operation: Any, request: Any, query: Any, step: Any) -> Any:
        if operation.name == _SEARCH:
            reply = self._searched(operation, request, query, step)
        else:
            reply = super()._accept(operation, request, query, step)
        time.sleep(self._dice.uniform(0, _LONGEST))
        return reply

    def _searched(self, operation: Any, request: Any, query: Any, step: Any) -> Any:
        intent, call = str(_intent(request)), _call(request)
        if crc32(call.encode()) % _REFUSED == 0:
            self._say(refused=intent, call=call, record=self._record(request, error=_REFUSAL))
            return error_reply(403, _REFUSAL, "Not this call.")
        self._make_room()
        reply = super()._accept(operation, request, query, step)
        task = json.loads(reply.body)["SpeakerSearchTask"]["SpeakerSearchTaskId"]
        self._say(started=intent, call=call, task=task, record=self._record(request, made=task))
        return reply

    def _record(self, request: Any, **how: Any) -> Record:
        """What CloudTrail keeps of a request."""
        return record_of(next(each for each in reversed(self.requests) if each.body == request.body), **how)

    def _make_room(self) -> None:
        """The service runs so many tasks at once and no more: the oldest are over."""
        voice: Any = self._behaviours["chime-sdk-voice"]
        with self._lock:
            active = [each.id for each in voice.searches._tasks.values() if each.active]
        for each in active[:-_RUNNING]:
            with suppress(InvalidInput):
                self.finish(each)

    def _is_durable(self, intent: UUID | None) -> bool:
        if intent is None:
            return False
        with self._turn, raw(self._database) as ledger:
            found = ledger.execute("SELECT kind FROM entry WHERE id = ?", (intent.bytes,)).fetchone()
        return found is not None and found[0] == "intent"

    def _say(self, **what: object) -> None:
        os.write(self._file, f"{json.dumps(what)}\n".encode())


def _intent(request: Any) -> UUID | None:
    return intent_of_token(json.loads(request.body).get("ClientRequestToken"))


def _call(request: Any) -> str:
    return str(json.loads(request.body)["TransactionId"])


def main(database: str, told: str) -> None:
    with Watching(database, Path(told)) as server:
        print(server.url, flush=True)
        # Until whoever started it closes the pipe.
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
