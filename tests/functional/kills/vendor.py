"""The vendor as a process of its own: ``python -m tests.functional.kills.vendor DATABASE TOLD``.

It is the loopback service. Of each search it writes down, before anything else is done with it, whether the intent
that its token names was in the database when it arrived; and then which task it started. It takes its time.
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

from consentgate.aws.asking import intent_of_token
from consentgate.errors import InvalidInput
from consentgate.testing.chime import ChimeServer
from tests.databases import raw

_LONGEST: Final = 0.01
_RUNNING: Final = 8
_SEARCH: Final = "StartSpeakerSearchTask"


class Watching(ChimeServer):
    """The loopback service, which looks into the ledger and writes down what it sees."""

    def __init__(self, database: str, told: Path) -> None:
        super().__init__()
        self._database = database
        self._file = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._dice = random.Random(11)
        self._turn = threading.Lock()

    def _note(self, request: Any, operation: Any) -> None:
        super()._note(request, operation)
        if operation is not None and operation.name == _SEARCH:
            intent = _intent(request)
            self._say(arrived=str(intent), durable=self._is_durable(intent))
            time.sleep(self._dice.uniform(0, _LONGEST))

    def _accept(self, operation: Any, request: Any, query: Any, step: Any) -> Any:
        self._make_room()
        reply = super()._accept(operation, request, query, step)
        if operation.name == _SEARCH and reply.status < 300:
            task = json.loads(reply.body)["SpeakerSearchTask"]["SpeakerSearchTaskId"]
            self._say(started=str(_intent(request)), task=task)
        time.sleep(self._dice.uniform(0, _LONGEST))
        return reply

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


def main(database: str, told: str) -> None:
    with Watching(database, Path(told)) as server:
        print(server.url, flush=True)
        # Until whoever started it closes the pipe.
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
