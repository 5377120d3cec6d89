"""HTTP/1.1 on the loopback interface, in threads of its own, with an end that is an end.

Connections are kept alive, so that a test sees the latency of a real client. `LoopbackServer.stop` returns
only when no thread and no socket of the server is left. Nothing listens on any other interface.
"""

import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from consentgate.values import dataclass

BODY_LIMIT: Final = 1 << 20
STOP_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One request as it arrived.

    Attributes:
        method: HTTP method.
        path: URL path, still percent-encoded.
        query: URL query without the question mark.
        headers: header fields by lower-case name.
        body: exact bytes of the body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireReply:
    """One answer as it is sent.

    Attributes:
        status: HTTP status.
        headers: header fields besides the length.
        body: exact bytes of the body.
        cut: after how many bytes of the body the connection closes; None sends all of them.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    cut: int | None = None


Answering = Callable[[WireRequest], WireReply | None]


class LoopbackServer:
    """Answers requests on a free port of 127.0.0.1 until it is stopped."""

    def __init__(self, answer: Answering) -> None:
        self._http = _Http(answer)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(POLL_SECONDS,), name="consentgate-loopback", daemon=True
        )

    @property
    def url(self) -> str:
        """The address to give as `endpoint_url`."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection and thread, and wait for them.

        Raises:
            RuntimeError: if answering a request failed in the server itself, or a thread did not end.
        """
        if self._thread.ident is not None:
            self._http.shutdown()
            self._thread.join(STOP_SECONDS)
        lively = self._http.end_connections(time.monotonic() + STOP_SECONDS)
        self._http.server_close()
        if self._http.failures:
            message = "the loopback server failed while it answered a request"
            raise RuntimeError(message) from self._http.failures[0]
        if lively:
            message = f"{lively} connections of the loopback server did not end in {STOP_SECONDS:.0f} s"
            raise RuntimeError(message)


class _Http(ThreadingHTTPServer):
    # The standard library forgets its threads (daemon) or joins them without a limit: here they are kept.
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._running: list[threading.Thread] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look its own name up here, which can hang where no name server answers.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]  # only sockets arrive here
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="consentgate-loopback-connection",
            daemon=True,
        )
        with self._lock:
            self._open.add(request)
            self._running = [*(one for one in self._running if one.is_alive()), thread]
            # Started under the lock: a thread that is listed but not yet alive would be forgotten above.
            thread.start()

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]  # only sockets arrive here
        with self._lock:
            self._open.discard(request)
            super().shutdown_request(request)

    def handle_error(self, _request: object, _client_address: object) -> None:
        failure = sys.exc_info()[1]
        # A client that went away is its own business; anything else is a bug here, and `stop` says so.
        if failure is not None and not isinstance(failure, ConnectionError):
            self.failures.append(failure)

    def end_connections(self, deadline: float) -> int:
        with self._lock:
            for connection in self._open:
                # The other side may have closed it between the look and the call.
                _end(connection)
            threads = list(self._running)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Buffered: status line, headers and body leave in one segment.
    wbufsize = -1
    server: _Http

    def exchange(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.send_error(411)
            return
        if int(length) > BODY_LIMIT:
            # A client that is cut off while it sends does not see the answer: a little more is read and dropped.
            self.rfile.read(min(int(length), 2 * BODY_LIMIT))
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            # A client that died while it sent: half a request is none.
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        request = WireRequest(
            method=self.command,
            path=path,
            query=query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        reply = self.server.answer(request)
        if reply is None:
            self.close_connection = True
            return
        self._send(reply)

    def _send(self, reply: WireReply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:  # RFC 9110, 8.6: such an answer has no length
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.status != 204 and self.command != "HEAD":
            self.wfile.write(reply.body[: reply.cut])
        self.close_connection = self.close_connection or reply.cut is not None

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = exchange  # noqa: N815  # http.server's own names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Say nothing: requests hold personal data."""


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
