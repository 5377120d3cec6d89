"""A queue of SQS on the loopback interface: what was received and not deleted comes again.

It knows ``ReceiveMessage`` and ``DeleteMessage`` of botocore's JSON protocol, and nothing of time: a message that was
received is hidden until `redeliver`. Signatures are not checked; headers are not kept.

Example:
    >>> with QueueServer() as queue:
    ...     queue.send("hello")
    ...     client = queue.client()
    ...     answer = client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)
    ...     client.close()
    >>> [message["Body"] for message in answer["Messages"]]
    ['hello']
"""

import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from types import TracebackType
from typing import Any, Final, Self

from consentgate.testing.client import loopback_client
from consentgate.testing.wire import LoopbackServer, WireReply, WireRequest

_JSON: Final = {"Content-Type": "application/x-amz-json-1.0"}


@dataclass(slots=True, kw_only=True)
class _Message:
    """One message, and how often it was received."""

    id: str
    body: str
    receipt: str = ""
    received: int = 0


class QueueServer:
    """The queue; use it in a ``with`` statement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: list[_Message] = []
        self._loopback = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """The address, which is the queue's URL too."""
        return self._loopback.url

    @property
    def bodies(self) -> tuple[str, ...]:
        """What nobody deleted yet, in the order of sending."""
        with self._lock:
            return tuple(message.body for message in self._messages)

    def client(self) -> Any:
        """Make a boto3 client that talks to this queue and to nothing else.

        Returns:
            The client, with credentials that open nothing. The caller closes it.
        """
        return loopback_client("sqs", self.url)

    def send(self, *bodies: str) -> None:
        """Put messages into the queue.

        Args:
            *bodies: their bodies.
        """
        with self._lock:
            self._messages += [_Message(id=str(uuid.uuid4()), body=body) for body in bodies]

    def redeliver(self) -> None:
        """Let everything that was received and not deleted be received again."""
        with self._lock:
            for message in self._messages:
                message.receipt = ""

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loopback.stop()

    def _answer(self, request: WireRequest) -> WireReply:
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        asked: dict[str, Any] = json.loads(request.body or b"{}")
        with self._lock:
            if operation == "ReceiveMessage":
                return _reply(self._receive(int(asked.get("MaxNumberOfMessages", 1))))
            if operation == "DeleteMessage":
                self._messages = [m for m in self._messages if m.receipt != asked.get("ReceiptHandle")]
                return _reply({})
        error = {
            "__type": "com.amazonaws.sqs#UnsupportedOperation",
            "message": "The queue does not know this.",
        }
        return WireReply(status=400, headers=_JSON, body=json.dumps(error).encode())

    def _receive(self, count: int) -> Mapping[str, Any]:
        chosen = [message for message in self._messages if not message.receipt][:count]
        for message in chosen:
            message.receipt, message.received = str(uuid.uuid4()), message.received + 1
        shown = [
            {
                "MessageId": message.id,
                "ReceiptHandle": message.receipt,
                "MD5OfBody": md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "Body": message.body,
                "Attributes": {"ApproximateReceiveCount": str(message.received)},
            }
            for message in chosen
        ]
        return {"Messages": shown} if shown else {}


def _reply(members: Mapping[str, Any]) -> WireReply:
    return WireReply(status=200, headers=_JSON, body=json.dumps(members).encode())
