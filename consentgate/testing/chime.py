"""Chime SDK Voice and media pipelines on the loopback interface, for tests, for the demo and for trying things out.

Operations, routes, checks of the input, statuses, errors and the form of answers come from botocore's own
service model, so the server is as new as the botocore that asks it. Signatures are not checked; headers are
not kept.

Example:
    >>> with ChimeServer() as chime:
    ...     client = chime.client()
    ...     task = client.start_speaker_search_task(
    ...         VoiceConnectorId="abcdefghij0123456789a", TransactionId="t-1", VoiceProfileDomainId="d-1"
    ...     )["SpeakerSearchTask"]
    ...     client.close()
    >>> task["SpeakerSearchTaskStatus"]
    'IN_QUEUE'

``python -m consentgate.testing.chime`` serves until it is interrupted and prints its address first.
"""

import argparse
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from consentgate.errors import InvalidInput
from consentgate.moment import Clock, system_clock
from consentgate.testing.client import loopback_client
from consentgate.testing.model import Operation, ServiceApi, VendorError
from consentgate.testing.pipelines import Pipelines
from consentgate.testing.sample import sample
from consentgate.testing.script import Match, Script, Step, error_reply
from consentgate.testing.tasks import SUCCEEDED
from consentgate.testing.voice import Behaviour, Voice
from consentgate.testing.wire import LoopbackServer, WireReply, WireRequest
from consentgate.values import dataclass

VOICE: Final = "chime-sdk-voice"
PIPELINES: Final = "chime-sdk-media-pipelines"

Services = Mapping[str, Callable[[Clock], Behaviour]]

# A further service is one more line here: its model is botocore's, its behaviour a class like `Voice`.
SERVICES: Final[Services] = {VOICE: Voice, PIPELINES: Pipelines}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """A request that reached the server; of its headers only the attempt is kept.

    Attributes:
        service: the service's name in botocore, or None if no modelled operation fits.
        operation: the operation's name in the model, or None.
        method: HTTP method.
        path: URL path, percent-encoded.
        query: URL query without the question mark.
        body: exact bytes of the body.
        at: when it arrived, by the server's clock.
        attempt: botocore's ``amz-sdk-request`` header, for example ``attempt=2; max=3``, or an empty text.
    """

    service: str | None
    operation: str | None
    method: str
    path: str
    query: str
    body: bytes = field(repr=False)
    at: datetime
    attempt: str


class ChimeServer:
    """The server; use it in a ``with`` statement, or call `start` and `stop`.

    Attributes:
        script: what shall go otherwise than well.
    """

    def __init__(self, *, clock: Clock = system_clock, services: Services = SERVICES) -> None:
        self._clock = clock
        self._apis = tuple(ServiceApi(service) for service in services)
        self._behaviours = {service: make(clock) for service, make in services.items()}
        # Services name some operations alike: a step of the script then counts for whichever is called.
        errors: dict[str, dict[str, int]] = {}
        for api in self._apis:
            for name, operation in api.operations.items():
                errors.setdefault(name, {}).update(operation.errors)
        self.script = Script(errors)
        self._lock = threading.Lock()
        self._requests: list[SeenRequest] = []
        self._stopping = threading.Event()
        self._loopback = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """The address to give as `endpoint_url`."""
        return self._loopback.url

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """Every request that arrived, in order of arrival; retries are requests too."""
        with self._lock:
            return tuple(self._requests)

    def client(self, service: str = VOICE, *, retries: Mapping[str, Any] | None = None) -> Any:
        """Make a boto3 client that talks to this server and to nothing else.

        Args:
            service: the service's name in botocore.
            retries: botocore's `retries` setting, or None for botocore's default.

        Returns:
            The client, with credentials that open nothing. The caller closes it.
        """
        return loopback_client(service, self.url, retries=retries)

    def finish(
        self, task_id: str, *, results: Sequence[Match] | None = None, status: str = SUCCEEDED
    ) -> None:
        """Bring a task to its end, or to another state that it can go to.

        Args:
            task_id: the task's id.
            results: voice profile id and score (0 to 1) of each match, or None to leave them as they are.
            status: the state.

        Raises:
            InvalidInput: if there is no such task, or it cannot go to that state.
        """
        matches = None if results is None else tuple(results)
        with self._lock:
            if not any(one.settle(task_id, status, matches) for one in self._behaviours.values()):
                raise InvalidInput("the server has no such task")

    def start(self) -> Self:
        """Begin to answer.

        Returns:
            The server.
        """
        self._loopback.start()
        return self

    def stop(self) -> None:
        """End all connections and threads, also those that wait in a scripted delay.

        Raises:
            RuntimeError: if the server itself failed while it answered.
        """
        self._stopping.set()
        self._loopback.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answer(self, request: WireRequest) -> WireReply | None:
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        routed = (api.route(request.method, request.path, query) for api in self._apis)
        operation = next((one for one in routed if one is not None), None)
        self._note(request, operation)
        if operation is None:
            return error_reply(404, "UnknownOperationException", "No modelled operation fits.")
        step = self.script.take(operation.name)
        if step.seconds and self._stopping.wait(step.seconds):
            return None
        if step.scripted and not step.after_accepting:
            return step.reply
        reply = self._accept(operation, request, query, step)
        return step.reply if step.scripted else reply

    def _note(self, request: WireRequest, operation: Operation | None) -> None:
        seen = SeenRequest(
            service=operation.service if operation else None,
            operation=operation.name if operation else None,
            method=request.method,
            path=request.path,
            query=request.query,
            body=request.body,
            at=self._clock(),
            attempt=request.headers.get("amz-sdk-request", ""),
        )
        with self._lock:
            self._requests.append(seen)

    def _accept(
        self, operation: Operation, request: WireRequest, query: Mapping[str, str], step: Step
    ) -> WireReply:
        act = self._behaviours[operation.service].acts.get(operation.name)
        try:
            values = operation.read(request.path, query, request.body)
            with self._lock:
                if act is not None:
                    output = act(values, step.matches)
                else:
                    output = sample(operation.gives, values, self._clock()) if operation.gives else {}
        except VendorError as error:
            return error_reply(operation.errors[error.code], error.code, error.message)
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
        return WireReply(status=operation.status, headers=headers, body=operation.render(output))


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted or terminated.

    Args:
        arguments: the command line, or None for the process's own.

    Returns:
        The exit code, 0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m consentgate.testing.chime",
        description="Serve Chime SDK Voice on the loopback interface.",
    )
    parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with ChimeServer() as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
