"""An anchor that is a witness: it cosigns a checkpoint when the log has grown, and never two histories.

A client of C2SP tlog-witness ``add-checkpoint``. The answer of a witness is untrusted: it is bounded in size and
time, redirects are not followed, no proxy is used, and a cosignature is verified under the witness's key before it is
kept. In the clear it talks to this machine only.

Invariant: what is kept is one signature line over exactly the checkpoint that was sent, by the key of the settings.
"""

import contextlib
import hashlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from consentgate.errors import (
    InvalidInput,
    LogRefused,
    Malformed,
    Misconfigured,
    SignatureInvalid,
    Unavailable,
)
from consentgate.log.anchoring import Submission
from consentgate.tlog import addcheckpoint
from consentgate.tlog.addcheckpoint import AddCheckpoint
from consentgate.tlog.checkpoint import Checkpoint
from consentgate.tlog.cosignature import WitnessKey, verify_cosignature
from consentgate.tlog.note import parse_note, signature_line
from consentgate.values import dataclass

KIND: Final = "witness"

_ANSWER_BYTES: Final = 1 << 16
_ROUNDS: Final = 3
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_VERIFY: Final = "Run `consentgate verify`."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    content_type: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessAnchor:
    """A witness, reached by HTTP.

    Attributes:
        name: what the settings call it.
        key: its public key.
        url: where it is; ``/add-checkpoint`` comes after.
        seconds: how long connecting may take, and after it the whole exchange.
    """

    name: str
    key: WitnessKey
    url: str
    seconds: float

    def __post_init__(self) -> None:
        _parts(self.url)

    @property
    def kind(self) -> str:
        """``witness``."""
        return KIND

    def kept(self, heads: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        """Say nothing: a witness shows the last checkpoint that it signed, and is put the newest in any case.

        Args:
            heads: the checkpoints.

        Returns:
            None of them.
        """
        del heads
        return ()

    def put(self, submitted: Submission) -> str:
        """Let the witness cosign a checkpoint.

        Args:
            submitted: the checkpoint.

        Returns:
            The cosignature as a line of the note, verified.

        Raises:
            LogRefused: it cosigned what this checkpoint does not continue.
            Misconfigured: it does not know this log, or its key is another one.
            Unavailable: it is out of reach, or its answer is none.
        """
        old = min(submitted.before, submitted.head.size)
        for _ in range(_ROUNDS):
            answer = self._asked(submitted, old)
            if answer.status != http.client.CONFLICT:
                return self._cosignature(submitted, answer)
            try:
                known = addcheckpoint.read_size(answer.body, answer.content_type)
            except Malformed as error:
                raise Unavailable(f"The witness {self.name} answered 409 without a size.") from error
            if known > submitted.head.size:
                raise LogRefused(
                    f"The witness {self.name} has cosigned {known} entries of this log, which now shows"
                    f" {submitted.head.size}. {_VERIFY}"
                )
            old = known
        raise Unavailable(f"The witness {self.name} says each time that it cosigned another size last.")

    def newest(self, origin: str) -> bytes | None:
        """Ask for the last checkpoint that it cosigned.

        Args:
            origin: the log's origin.

        Returns:
            The signed note, unverified; None where it has none of this log, or gives none out.

        Raises:
            Unavailable: it is out of reach, or its answer is none.
        """
        answer = self._exchanged("GET", f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
        if answer.status == http.client.NOT_FOUND:
            return None
        if answer.status != http.client.OK:
            raise Unavailable(f"The witness {self.name} gives no checkpoint: HTTP {answer.status}.")
        return answer.body

    def _asked(self, submitted: Submission, old: int) -> _Answer:
        inside = 0 < old < submitted.head.size
        hashes = submitted.consistency(old) if inside else ()
        request = AddCheckpoint(old=old, hashes=hashes, note=submitted.note)
        return self._exchanged("POST", addcheckpoint.PATH, addcheckpoint.encode(request))

    def _cosignature(self, submitted: Submission, answer: _Answer) -> str:
        if answer.status != http.client.OK:
            raise self._refusal(answer.status)
        text = parse_note(submitted.note).text
        try:
            lines = addcheckpoint.read_cosignatures(answer.body)
        except Malformed as error:
            raise Unavailable(f"The answer of witness {self.name} is no cosignature: {error}") from error
        for line in lines:
            if (line.name, line.key_id) == (self.key.name, self.key.key_id):
                try:
                    verify_cosignature(line, self.key, text)
                except SignatureInvalid as error:
                    raise Misconfigured(
                        f"The witness {self.name} does not cosign this checkpoint: {error}"
                    ) from error
                return signature_line(line).rstrip("\n")
        raise Misconfigured(
            f"The witness {self.name} cosigned with a key that its vkey is not of: correct it in the settings."
        )

    def _refusal(self, status: int) -> LogRefused | Misconfigured | Unavailable:
        if status in (http.client.FORBIDDEN, http.client.NOT_FOUND):
            return Misconfigured(
                f"The witness {self.name} does not know this log or its key (HTTP {status}): give its operator the"
                " origin and the vkey that `consentgate log show` prints."
            )
        if status == http.client.UNPROCESSABLE_ENTITY:
            return LogRefused(
                f"The witness {self.name} cosigned what this log does not continue (HTTP {status}). {_VERIFY}"
            )
        return Unavailable(f"The witness {self.name} cosigned nothing: HTTP {status}.")

    def _exchanged(self, method: str, below: str, body: bytes | None = None) -> _Answer:
        parts = _parts(self.url)
        connection = self._connection(parts)
        overdue = threading.Event()
        path = parts.path.rstrip("/") + below
        headers = {} if body is None else {"Content-Type": "text/plain; charset=utf-8"}
        try:
            connection.connect()
            with hung_up_after(self.seconds, connection.sock, overdue):
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                data = self._read(response)
        except (OSError, http.client.HTTPException) as error:
            why = self._too_slow if overdue.is_set() else f"is out of reach ({type(error).__name__})"
            raise Unavailable(f"The witness {self.name} {why}.") from error
        finally:
            connection.close()
        if overdue.is_set():
            raise Unavailable(f"The witness {self.name} {self._too_slow}.")
        return _Answer(status=response.status, content_type=response.getheader("Content-Type"), body=data)

    @property
    def _too_slow(self) -> str:
        return f"took longer than {self.seconds:g} s to answer"

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self.seconds)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self.seconds, context=context)

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        data = response.read(_ANSWER_BYTES + 1)
        if len(data) > _ANSWER_BYTES:
            raise Unavailable(f"The witness {self.name} answered with more than {_ANSWER_BYTES} bytes.")
        return data


@contextlib.contextmanager
def hung_up_after(seconds: float, to: socket.socket, overdue: threading.Event) -> Iterator[None]:
    """Bound an exchange as a whole: each read has a time-out of its own, so one byte at a time would never end.

    Args:
        seconds: how long it may take.
        to: the connection.
        overdue: set when it took longer; then nothing more comes.

    Yields:
        Nothing.
    """

    def hang_up() -> None:
        overdue.set()
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _parts(url: str) -> SplitResult:
    """Take a witness's URL apart; refuse one that others could read along with, or that holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("The URL of a witness cannot be read.") from error
    plain = parts.scheme == "http" and parts.hostname in _HERE
    if not (parts.scheme == "https" or plain) or not parts.hostname or port == 0:
        raise InvalidInput("The URL of a witness begins with https://; http:// is for this machine alone.")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InvalidInput("The URL of a witness has no user, query or fragment.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput("The URL of a witness is printable ASCII.")
    return parts
