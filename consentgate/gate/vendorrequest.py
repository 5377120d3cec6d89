"""What a backend is about to send to an engine or API of its choice, as it is decided on and kept.

Invariants: the bytes are made once, when the value is, and never again; what is kept of a request is method, path,
query and body, never a header, and of a URL never where it leads nor who asks.

Example:
    >>> VendorRequest(url="https://voice.acme.example/v1/identify?top=1", body={"audio": "s-1"}).service
    'voice.acme.example'
"""

import json
import re
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from consentgate.canonical import Json
from consentgate.consent.terms import check_text
from consentgate.errors import InvalidInput
from consentgate.ledger.calls import LEGS, LegName
from consentgate.moment import floor
from consentgate.values import dataclass

Keep: TypeAlias = Literal["bytes", "digest"]

CALL: Final = "CALL"
"""The method of an engine that is called in this process."""

ENGINE: Final = "engine"
MAX_KEPT: Final = 1 << 20

_KEEPS: Final = ("bytes", "digest")
_PLAIN: Final = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRequest:
    """A request of an operation on voices, of any engine or HTTP API.

    Attributes:
        body: its exact bytes, or a JSON value that is written as such: `content` gives the bytes to send.
        service: what it goes to, in the backend's word; by default the host of the URL, else ``engine``.
        operation: that one's name of the operation; by default the word that it is guarded under.
        url: where it goes over HTTP, or None for an engine that is called. Path and query are kept, and neither may
            hold a credential.
        method: HTTP method; by default ``POST``, or ``CALL`` without a URL.
        country: ISO 3166-1 code of where the voice is processed, or None where nobody knows.
        region: the vendor's region, or None.
        token: what makes the vendor take repeats for one request, as it stands on the wire, or None.
        call: the call that it is about, as `register_call` knows it; None takes the speakers for a call of their own.
        leg: on which of the call's legs the speakers are.
        captured_at: when the audio was recorded: its first moment. None for live audio.
        keep: ``bytes`` keeps the body, ``digest`` its SHA-256 and length, for audio that is to be kept nowhere else.
    """

    body: "Json | bytes" = field(repr=False)
    service: str = ""
    operation: str = ""
    url: str | None = field(default=None, repr=False)
    method: str = ""
    country: str | None = None
    region: str | None = None
    token: str | None = field(default=None, repr=False)
    call: str | None = field(default=None, repr=False)
    leg: LegName = "Caller"
    captured_at: datetime | None = None
    keep: Keep = "bytes"

    def __post_init__(self) -> None:
        url = _split(self.url)
        kept: dict[str, object] = {
            "body": _bytes(self.body),
            "service": self.service or (url.hostname if url else None) or ENGINE,
            "method": self.method or (CALL if url is None else "POST"),
        }
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        for name in ("service", "operation", "method", "country", "region", "token", "call"):
            if (value := getattr(self, name)) not in (None, ""):
                check_text(value, name, limit=256)
        if self.leg not in LEGS:
            raise InvalidInput("leg is Caller or Callee.")
        if self.keep not in _KEEPS:
            raise InvalidInput("keep is bytes or digest.")
        if self.keep == "bytes" and len(self.content) > MAX_KEPT:
            raise InvalidInput(f"A body of more than {MAX_KEPT >> 20} MiB is not kept: pass keep='digest'.")
        if self.captured_at is not None:
            object.__setattr__(self, "captured_at", floor(self.captured_at))

    @property
    def content(self) -> bytes:
        """The exact bytes of the body."""
        return self.body if isinstance(self.body, bytes) else b""

    @property
    def path(self) -> str:
        """The URL's path; empty without a URL."""
        url = _split(self.url)
        return (url.path or "/") if url is not None else ""

    @property
    def query(self) -> str:
        """The URL's query without the question mark."""
        url = _split(self.url)
        return url.query if url is not None else ""


def request_of(given: object) -> VendorRequest:
    """Take what a backend hands in.

    Args:
        given: a request, or the bytes or the JSON value of the body of one that an engine in this process gets.

    Returns:
        The request.

    Raises:
        InvalidInput: it is neither.
    """
    if isinstance(given, VendorRequest):
        return given
    return VendorRequest(body=_bytes(given))


def _bytes(body: object) -> bytes:
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if isinstance(body, str):
        raise InvalidInput("A body is bytes or a JSON value; encode a text, so that its bytes are known.")
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("A body is bytes or a JSON value.") from error


def _split(url: object) -> SplitResult | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url) if isinstance(url, str) and _PLAIN.fullmatch(url) else None
        # A port that is none is found only when it is asked for.
        port = parts.port if parts is not None else 0
    except ValueError:
        parts, port = None, 0
    if parts is None or port == 0 or parts.fragment or "@" in parts.netloc or not _leads(parts):
        raise InvalidInput(
            "url is an HTTP URL or a path from /, percent-encoded, without user, password or fragment."
        )
    return parts


def _leads(parts: SplitResult) -> bool:
    if not parts.scheme and not parts.netloc:
        return parts.path.startswith("/")
    return parts.scheme in ("http", "https") and bool(parts.hostname)
