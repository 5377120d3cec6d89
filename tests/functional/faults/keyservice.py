"""A wrapping key service as the network has one: it speaks KMS's Encrypt and Decrypt, and is asked by boto3."""

import base64
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from consentgate.errors import Unavailable
from consentgate.keys.custody import KeyFile, Wrapped
from consentgate.testing.client import client_settings
from tests.functional.faults.proxy import Proxy

ANSWER_SECONDS: Final = 0.3
"""How long connecting to the service may take here, and then an answer."""
ATTEMPTS: Final = 2


class KeyService:
    """The service: what it wraps under is a key file's, and never leaves it.

    Attributes:
        refuses: how many of the next questions are refused.
    """

    def __init__(self, keys: KeyFile) -> None:
        self.refuses = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler) -> None:  # noqa: N805  # the library's name
                asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                operation = handler.headers["X-Amz-Target"].partition(".")[2]
                status, told = self._answer(keys, operation, asked)
                body = json.dumps(told).encode()
                handler.send_response(status)
                handler.send_header("Content-Type", "application/x-amz-json-1.1")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_: Any) -> None:  # noqa: N805  # the library's
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="key-service")
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join(5)
        self._http.server_close()

    def _answer(self, keys: KeyFile, operation: str, asked: Mapping[str, Any]) -> tuple[int, dict[str, str]]:
        if self.refuses:
            self.refuses -= 1
            return 400, {"__type": "DisabledException", "message": "The key is disabled."}
        if operation == "Encrypt":
            wrapped = keys.wrap(base64.b64decode(asked["Plaintext"]))
            told = {"CiphertextBlob": wrapped.wrapped, "KeyId": wrapped.wrapping_key.encode()}
        else:
            plain = keys.unwrap(asked["KeyId"], base64.b64decode(asked["CiphertextBlob"]))
            told = {"Plaintext": plain, "KeyId": asked["KeyId"].encode()}
        return 200, {
            name: value.decode() if name == "KeyId" else base64.b64encode(value).decode()
            for name, value in told.items()
        }


class Service:
    """Custody by such a service; no data key is kept on this side.

    Attributes:
        server: the service itself.
        network: what lies between.
    """

    def __init__(self, keys: KeyFile, server: KeyService, network: Proxy) -> None:
        self._keys = keys
        self.server = server
        self.network = network
        settings = client_settings(
            f"http://127.0.0.1:{network.port}",
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            read_seconds=ANSWER_SECONDS,
        )
        settings["config"] = settings["config"].merge(Config(connect_timeout=ANSWER_SECONDS))
        self._client: Any = boto3.client("kms", **settings)

    def wrap(self, data_key: bytes) -> Wrapped:
        told = self._asked("encrypt", KeyId="alias/consentgate", Plaintext=data_key)
        return Wrapped(wrapping_key=told["KeyId"], wrapped=told["CiphertextBlob"])

    def unwrap(self, wrapping_key: str, wrapped: bytes) -> bytes:
        return bytes(self._asked("decrypt", KeyId=wrapping_key, CiphertextBlob=wrapped)["Plaintext"])

    def reference_keys(self) -> Mapping[int, bytes]:
        return self._keys.reference_keys()

    def lock_key(self) -> bytes:
        return self._keys.lock_key()

    def _asked(self, operation: str, **parameters: object) -> Any:
        try:
            return getattr(self._client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"The key service does not answer ({type(error).__name__}).") from error


@contextmanager
def key_service(path: Path) -> Iterator[Service]:
    """Run a service on the keys of a file, and give custody by it."""
    keys = KeyFile.read(path)
    server = KeyService(keys)
    network = Proxy(lambda: socket.create_connection(("127.0.0.1", server.port), 5))
    try:
        custody = Service(keys, server, network)
        yield custody
        custody._client.close()
    finally:
        network.close()
        server.close()
