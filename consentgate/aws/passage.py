"""What one call of a gated operation carries from event to event, and the last look before its bytes leave.

botocore hands one context from event to event; the `Passage` lies in it. It is one object whatever becomes of
the context: a copy of the context holds the same passage, so that a permit serves one request; it does not
go into a pickle, and a forked child has no use of it.

The events see what botocore tells them. A handler that runs after ours, one that sends the bytes of one
operation under another's name, or handlers that somebody took away are outside their sight. `LastLook`
therefore stands in the place of the client's HTTP session, behind all handlers.
"""

import os
import posixpath
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import unquote, urlparse, urlsplit
from uuid import UUID

from consentgate.errors import ConsentDenied, Misconfigured
from consentgate.gate.outcomes import Attempt
from consentgate.gate.request import Permit
from consentgate.policy.reasons import reason

KEY: Final = "consentgate"

_TASKS: Final = r"(?:speaker-search-tasks|voice-tone-analysis-tasks)"
# Where the gated operations of both services listen, below whatever path an endpoint has. A request that stops
# something names one thing more.
_ROUTES: Final = re.compile(
    rf".*(?:/voice-connectors/.*/{_TASKS}|/media-insights-pipelines/.*/{_TASKS}"
    r"|/voice-profiles(?:/[^/]*)?|/voice-profile-domains)/*",
    re.DOTALL,
)
# What only reads or deletes there is never gated; any other method is, known or not.
_OPEN: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


@dataclass(slots=True, eq=False)
class Passage:
    """What one call of a gated operation carries through botocore's context.

    Attributes:
        intent: id of the intent's entry.
        permit: the permit while it stands.
        url: the URL that was decided on.
        attempts: every attempt so far.
        cleared: whether the handlers let the attempt go that begins now.
        answer: status and exact body of the attempt's answer, once bytes left and one came; None until then.
        left: whether the attempt was handed to the network.
        process: the process that it belongs to.
    """

    intent: UUID
    permit: Permit | None = field(default=None, repr=False)
    url: str = field(default="", repr=False)
    attempts: list[Attempt] = field(default_factory=list)
    cleared: bool = False
    answer: tuple[int, bytes] | None = field(default=None, repr=False)
    left: bool = False
    process: int = field(default_factory=os.getpid)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        raise TypeError("A permit serves one request of one process: it cannot be pickled.")


class LastLook:
    """A client's HTTP session with a look at each request before it is sent."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """Send a request, if it is none of a gated operation or has its permit.

        Args:
            request: botocore's prepared request.

        Returns:
            The answer.

        Raises:
            ConsentDenied: it would leave without the permit for exactly these bytes.
        """
        context = getattr(request, "context", None)
        carried = context.get(KEY) if isinstance(context, dict) else None
        if not isinstance(carried, Passage) and not is_gated(request.method, request.url):
            return self._session.send(request)
        passage, permit = permitted(context)
        begun = passage.attempts and passage.attempts[-1].ended_at is None
        if not passage.cleared or not begun:
            # Our handlers did not run: somebody took them away.
            raise ConsentDenied((reason("NO_PERMIT"),), str(permit.entry))
        passage.cleared = False
        require_same(passage, request.method, request.url, request.body)
        if not _is_framed(request):
            raise ConsentDenied((reason("REQUEST_ALTERED"),), str(permit.entry))
        if time.monotonic() >= permit.ends_tick:
            # Whoever handles the event after us took too long.
            raise ConsentDenied((reason("PERMIT_EXPIRED"),), str(permit.entry))
        passage.left = True
        answer = self._session.send(request)
        passage.answer = (int(answer.status_code), bytes(answer.content or b""))
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def stand_behind(client: Any) -> None:
    """Put the last look into a client, once.

    Args:
        client: a boto3 client.

    Raises:
        Misconfigured: this botocore keeps its HTTP session elsewhere.
    """
    endpoint = getattr(client, "_endpoint", None)
    session = getattr(endpoint, "http_session", None)
    if endpoint is None or not callable(getattr(session, "send", None)):
        raise Misconfigured("This botocore is not supported: its clients keep their HTTP session elsewhere.")
    if not isinstance(session, LastLook):
        endpoint.http_session = LastLook(session)


def is_gated(method: object, url: object) -> bool:
    """Tell whether a request is one of a gated operation, by where it goes.

    Args:
        method: HTTP method.
        url: the URL.

    Returns:
        True if so, in whatever spelling of the path; also when method and URL are no texts.
    """
    if not isinstance(method, str) or not isinstance(url, str):
        return True
    if method in _OPEN:
        return False
    # As botocore takes the path out of a URL, and as a server may read it.
    path = urlparse(url).path
    plain = unquote(path)
    return any(_ROUTES.fullmatch(each.lower()) for each in (path, plain, posixpath.normpath(plain)))


def origin_of(url: str) -> tuple[str, str]:
    """Tell where a URL leads.

    Args:
        url: the URL.

    Returns:
        Its scheme, and its host and port as they stand there.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def permitted(context: object) -> tuple[Passage, Permit]:
    """Find the permit of a request.

    Args:
        context: botocore's context of the call.

    Returns:
        The passage and its permit.

    Raises:
        ConsentDenied: there is none, it was used up, or it is another process's.
    """
    passage = context.get(KEY) if isinstance(context, dict) else None
    if not isinstance(passage, Passage) or passage.permit is None or passage.process != os.getpid():
        raise ConsentDenied((reason("NO_PERMIT"),), None)
    return passage, passage.permit


def used_up(passage: object) -> Permit | None:
    """Take the permit away: it was for one request, and that is over.

    Args:
        passage: what the context carries.

    Returns:
        The permit, or None where this process has none.
    """
    if not isinstance(passage, Passage) or passage.process != os.getpid():
        return None
    permit, passage.permit = passage.permit, None
    return permit


def require_same(passage: Passage, method: object, url: object, body: object) -> None:
    """Check that a request is the one that was decided on.

    Args:
        passage: the passage, with its permit.
        method: HTTP method.
        url: the URL.
        body: the body.

    Raises:
        ConsentDenied: it is another one.
    """
    permit = passage.permit
    # Exact types: what compares like a text, or turns into other bytes than it sends, is not one.
    plain = type(method) is str and type(url) is str and type(body) is bytes
    if permit is None or not plain or (method, url, body) != _decided(passage, permit):
        raise ConsentDenied((reason("REQUEST_ALTERED"),), str(permit.entry) if permit else None)


def _decided(passage: Passage, permit: Permit) -> tuple[str, str, bytes]:
    return permit.request.method, passage.url, permit.request.body


def _is_framed(request: Any) -> bool:
    """Tell whether the headers frame exactly this body: no second request hides behind it."""
    framing = {"content-length": str(len(request.body)), "host": urlparse(request.url).netloc}
    found = [(str(_text(name)).strip().lower(), _text(value)) for name, value in request.headers.items()]
    names = [name for name, _ in found]
    return (
        names.count("content-length") == 1
        and not {"transfer-encoding", "content-encoding"}.intersection(names)
        and all(framing.get(name, value) == value for name, value in found)
    )


def _text(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value
