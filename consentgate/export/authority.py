"""A timestamping authority, reached by HTTP: it says when it saw some bytes, and never sees the bytes themselves.

The answer is untrusted: it is bounded in size and time, redirects are not followed, no proxy is used, and it is
verified under the certificates of the settings before it is kept.

Invariant: what is given back is an answer over exactly the bytes that were asked about, to this question.
"""

import http.client
import ssl
import threading
from typing import Final
from urllib.parse import SplitResult, urlsplit

from consentgate.crypto import timestamp
from consentgate.crypto.timestamp import Authorities
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid, Unavailable
from consentgate.log.witness import hung_up_after
from consentgate.values import dataclass

_TYPE: Final = "application/timestamp-query"
_INSTEAD: Final = "Run the same command again, or with --without-timestamp for a package without one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A timestamping authority.

    Attributes:
        url: where it is.
        certificates: what its own certificate leads to.
        seconds: how long connecting may take, and after it the whole exchange.
    """

    url: str
    certificates: Authorities
    seconds: float

    def stamp(self, data: bytes) -> bytes:
        """Get a timestamp.

        Args:
            data: the bytes; only their SHA-256 leaves the house.

        Returns:
            The answer as it came, verified.

        Raises:
            Unavailable: the authority is out of reach, its answer does not hold, or the extra is not installed.
        """
        query = timestamp.query(data)
        answer = self._exchanged(query.body)
        try:
            read = timestamp.read_answer(answer)
            timestamp.verify_answer(read, data, self.certificates, nonce=query.nonce)
        except (Malformed, SignatureInvalid) as error:
            raise self._failed(f"gave no timestamp that holds: {error}") from error
        return answer

    def _exchanged(self, body: bytes) -> bytes:
        parts = url_parts(self.url)
        connection = self._connection(parts)
        overdue = threading.Event()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.connect()
            with hung_up_after(self.seconds, connection.sock, overdue):
                connection.request("POST", path, body, {"Content-Type": _TYPE})
                response = connection.getresponse()
                data = response.read(timestamp.LIMIT + 1)
        except (OSError, http.client.HTTPException) as error:
            slow = overdue.is_set() or isinstance(error, TimeoutError)
            raise self._failed(
                f"took longer than {self.seconds:g} s"
                if slow
                else f"is out of reach ({type(error).__name__})"
            ) from error
        finally:
            connection.close()
        if overdue.is_set():
            raise self._failed(f"took longer than {self.seconds:g} s")
        if response.status != http.client.OK:
            raise self._failed(f"gave no timestamp: HTTP {response.status}")
        if len(data) > timestamp.LIMIT:
            raise self._failed(f"answered with more than {timestamp.LIMIT} bytes")
        return data

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self.seconds)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self.seconds, context=context)

    def _failed(self, why: str) -> Unavailable:
        return Unavailable(f"The timestamping authority {why.rstrip('.')}. {_INSTEAD}")


def url_parts(url: str) -> SplitResult:
    """Take the URL of an authority apart; in the clear will do, since only a digest is said and the answer is signed.

    Args:
        url: the URL.

    Returns:
        Its parts.

    Raises:
        InvalidInput: it is none of HTTP, or holds a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("The URL cannot be read.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidInput("The URL begins with https:// or http://.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput("The URL has no user and no fragment.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput("The URL is printable ASCII.")
    return parts
