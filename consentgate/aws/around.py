"""A look at each call of a client from outside all handlers: what no event tells of is recorded here.

botocore fires no event for an interrupt, and an exception at the very entry of a handler of ours goes past it. The
client's own method is therefore wrapped: a permit that is left when the call is over becomes an outcome.
"""

import threading
from collections.abc import Callable
from typing import Any, Protocol

from consentgate.aws.passage import Passage
from consentgate.errors import ConsentGateError, Misconfigured


class Close(Protocol):
    """Records what became of a call whose end no event told."""

    def __call__(self, name: str, passage: Passage, error: BaseException | None, response: object) -> None:
        """Record it, if nothing else did.

        Args:
            name: the operation's name.
            passage: the call.
            error: what ended it, or None.
            response: what it returned, or None.
        """
        ...


class Around:
    """The calls of one client, by thread."""

    def __init__(self, close: Close) -> None:
        self._close = close
        self._threads = threading.local()

    def begins(self, passage: Passage) -> None:
        """Note a call that begins in this thread.

        Args:
            passage: the call.
        """
        begun: list[Passage] | None = getattr(self._threads, "begun", None)
        if begun is not None:
            begun.append(passage)

    def stand(self, client: Any) -> None:
        """Wrap a client's method, once.

        Args:
            client: a boto3 client.

        Raises:
            Misconfigured: this botocore's clients have no such method.
        """
        inner = getattr(client, "_make_api_call", None)
        if not callable(inner):
            raise Misconfigured("This botocore is not supported: its clients make their calls elsewhere.")
        client._make_api_call = self._wrapped(inner)  # noqa: SLF001  # where every way to call an operation ends

    def _wrapped(self, inner: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
        def call(operation_name: str, api_params: Any) -> Any:
            outer = getattr(self._threads, "begun", None)
            begun = self._threads.begun = []
            try:
                response = inner(operation_name, api_params)
            except BaseException as error:
                self._failed(operation_name, begun, error)
                raise
            finally:
                self._threads.begun = outer
            for passage in begun:
                self._close(operation_name, passage, None, response)
            return response

        return call

    def _failed(self, name: str, begun: list[Passage], error: BaseException) -> None:
        for passage in begun:
            try:
                self._close(name, passage, error, None)
            except ConsentGateError as failure:
                if isinstance(error, Exception):
                    raise
                # What must end the thread goes on as what it is.
                error.add_note(f"{type(failure).__name__}: {failure}")
