"""A wire across the process: none of its botocore clients sends a gated request without a permit, whoever made it.

botocore copies a session's handlers into each client that it makes, so a client from before is out of a gate's
reach. All of them send through one method of one class and sign through another: the wire is put there, once, and
stays for the life of the process. What trips it is refused and recorded.

A request is the vendor's when its signature says so (the scope ``chime/aws4_request``); without one the vendor
takes nothing.

Note:
    It does not reach clients of aiobotocore, code that signs and sends by itself, a method that somebody took off
    an object before, and other processes. For these there are the vendor's own access rules: `consentgate aws
    policy` prints them.
"""

import functools
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from botocore.httpsession import URLLib3Session
from botocore.signers import RequestSigner

from consentgate.aws.operations import GATED, Operation, Wire
from consentgate.aws.passage import KEY, Passage, is_gated
from consentgate.errors import ConsentDenied, ConsentGateError, Misconfigured, PresignRefused
from consentgate.gate.door import Gate
from consentgate.gate.request import GatedRequest
from consentgate.policy.reasons import reason

_SCOPE: Final = "chime/aws4_request"
_SIGNING_NAME: Final = "chime"


class Tripwire:
    """The wire, and the gates that record what trips it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._laid: tuple[Callable[..., Any], Callable[..., Any]] | None = None
        self._gates: list[weakref.ref[Gate]] = []

    def lay(self, gate: Gate) -> None:
        """Lay the wire, once for the process; what trips it is recorded by the newest gate that laid it.

        Args:
            gate: records.

        Raises:
            Misconfigured: this botocore sends or signs elsewhere.
        """
        with self._lock:
            self._gates = [each for each in self._gates if each() not in (None, gate)] + [weakref.ref(gate)]
            if self._laid is not None:
                return
            send: Any = getattr(URLLib3Session, "send", None)
            presign: Any = getattr(RequestSigner, "generate_presigned_url", None)
            if not callable(send) or not callable(presign):
                raise Misconfigured("This botocore is not supported: its clients send and sign elsewhere.")
            self._laid = (send, presign)
            setattr(URLLib3Session, "send", self._sending(send))  # noqa: B010  # mypy knows it as a method
            setattr(RequestSigner, "generate_presigned_url", self._presigning(presign))  # noqa: B010  # likewise

    def take_up(self) -> None:
        """Take the wire away: for tests alone."""
        with self._lock:
            if self._laid is not None:
                send, presign = self._laid
                setattr(URLLib3Session, "send", send)  # noqa: B010  # as above
                setattr(RequestSigner, "generate_presigned_url", presign)  # noqa: B010  # as above
            self._laid, self._gates = None, []

    def _sending(self, send: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(send)
        def guarded(session: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            if _is_the_vendors(request) and not _has_passed(request):
                raise self._refused(request)
            return send(session, request, *args, **kwargs)

        return guarded

    def _presigning(self, presign: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(presign)
        def guarded(signer: Any, request_dict: Any, *args: Any, **kwargs: Any) -> Any:
            told = request_dict if isinstance(request_dict, dict) else {}
            named = kwargs.get("signing_name") or getattr(signer, "signing_name", None)
            if named == _SIGNING_NAME and is_gated(told.get("method"), told.get("url")):
                raise PresignRefused
            return presign(signer, request_dict, *args, **kwargs)

        return guarded

    def _refused(self, request: Any) -> ConsentDenied:
        """Record it where a gate is at hand; it is refused in any case."""
        gate = next((found for each in reversed(self._gates) if (found := each()) is not None), None)
        asked = _asked(gate, request) if gate is not None else None
        if gate is not None and asked is not None:
            try:
                gate.begin(asked)
            except ConsentDenied as denied:
                return denied
            except ConsentGateError:
                pass
        return ConsentDenied((reason("NO_PERMIT"),), None)


TRIPWIRE: Final = Tripwire()
"""The one of this process."""


def _is_the_vendors(request: Any) -> bool:
    headers = getattr(request, "headers", None)
    signed = headers.get("Authorization") if headers is not None else None
    told = signed.decode("latin-1") if isinstance(signed, bytes) else str(signed or "")
    url = getattr(request, "url", None)
    query = unquote(urlsplit(url).query) if isinstance(url, str) else ""
    return (_SCOPE in told or _SCOPE in query) and is_gated(getattr(request, "method", None), url)


def _has_passed(request: Any) -> bool:
    """Whether the last look of a protected client let exactly this attempt go."""
    context = getattr(request, "context", None)
    passage = context.get(KEY) if isinstance(context, dict) else None
    return isinstance(passage, Passage) and passage.permit is not None and passage.left


def _asked(gate: Gate, request: Any) -> GatedRequest | None:
    url = urlsplit(request.url)
    body = request.body if isinstance(request.body, bytes) else b""
    wire = Wire(method=request.method, path=url.path, query=url.query, body=body)
    operation = next((each for each in GATED.values() if _fits(each, wire)), None)
    if operation is None:
        return None
    return GatedRequest(
        intent=gate.new_intent(),
        service=operation.service,
        operation=operation.name,
        action=operation.action,
        region=None,
        country=None,
        method=wire.method,
        path=wire.path,
        query=wire.query,
        body=wire.body,
        call=None,
        context=None,
        leg=None,
        token=None,
        token_from="caller",  # noqa: S106  # who made the token
        lasts_ms=0,
        trouble="UNGATED_CLIENT",
    )


def _fits(operation: Operation, wire: Wire) -> bool:
    return operation.address(wire).trouble != "REQUEST_UNREADABLE"
