"""botocore's events of one client, turned into the gate's steps.

::

    provide-client-params   no presigned URL of a gated operation; allocate the intent, set the request token
    before-call             the one decision point: steps 1 to 4 on the request as it was serialised
    request-created         an attempt begins: it must have a permit and be the request that was decided on
    before-send             the last look at each attempt: same bytes, permit still good
    response-received       how the attempt ended
    after-call, -error      step 6

Handlers return None always: botocore takes any other value for new parameters or for a response.
"""

import ssl
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError

from consentgate.aws.operations import GATED, SERVICES, Operation, Wire
from consentgate.aws.regions import country_of
from consentgate.aws.vendor import ChimeVendor
from consentgate.errors import ConsentDenied, ConsentGateError, InvalidInput, PresignRefused
from consentgate.gate.door import Gate
from consentgate.gate.outcomes import Attempt, Fault
from consentgate.gate.request import Exchange, GatedRequest, Permit
from consentgate.moment import Clock
from consentgate.policy.reasons import reason

_KEY: Final = "consentgate"
_MARK: Final = "consentgate_gate"
# Failures that botocore reports only before a byte of the request has left.
_NOT_SENT: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, ConsentGateError)
_LONGEST_BACKOFF_S: Final = 20.0
_DEFAULT_ATTEMPTS: Final = 5


@dataclass(slots=True)
class _Passage:
    """What one call of a gated operation carries through botocore's context."""

    intent: UUID
    permit: Permit | None = None
    url: str = ""
    attempts: list[Attempt] = field(default_factory=list)


class Hooks:
    """The gate's handlers on one client."""

    def __init__(self, gate: Gate, client: Any, clock: Clock) -> None:
        service = client.meta.service_model.service_id.hyphenize()
        if service not in SERVICES:
            known = " and ".join(sorted(SERVICES))
            raise InvalidInput(f"protect takes clients of {known}; this one is of {service}.")
        self._gate = gate
        self._service = service
        self._region: str | None = client.meta.region_name
        self._lasts_ms = _longest(client.meta.config)
        self._vendor = ChimeVendor(client)
        self._clock = clock

    def register(self, meta: Any) -> None:
        """Put the handlers in place, once however often it is called.

        Args:
            meta: the client's ``meta``.

        Raises:
            InvalidInput: another gate is in this client already.
        """
        standing = getattr(meta, _MARK, None)
        if standing is not None:
            if standing is not self._gate:
                raise InvalidInput("Another gate protects this client already; each client has one.")
            return
        setattr(meta, _MARK, self._gate)
        handlers = {
            "provide-client-params": self._on_parameters,
            "before-call": self._on_call,
            "request-created": self._on_attempt,
            "before-send": self._on_send,
            "response-received": self._on_received,
            "after-call": self._on_answer,
            "after-call-error": self._on_failure,
        }
        for event, handler in handlers.items():
            # The bare name runs after every handler of a service or operation: nobody changes it after us.
            meta.events.register_last(event, handler, unique_id=f"consentgate-{event}")

    def _on_parameters(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Refuse presigned URLs, allocate the intent and set the request token in place."""
        operation = self._operation(model.name)
        if operation is None:
            return
        if context.get("is_presign_request"):
            raise PresignRefused
        intent = self._gate.new_intent()
        if operation.token is not None and not params.get(operation.token):
            params[operation.token] = _token(intent)
        context[_KEY] = _Passage(intent=intent)

    def _on_call(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Decide on the serialised request; without a permit nothing goes on."""
        operation = self._operation(model.name)
        if operation is None:
            return
        passage = context.get(_KEY)
        if not isinstance(passage, _Passage):
            raise ConsentDenied((reason("NO_PERMIT"),), None)
        passage.url = str(params["url"])
        passage.permit = self._gate.begin(self._request(operation, passage, params))

    def _on_attempt(self, request: Any, operation_name: str, **_: Any) -> None:
        """Begin an attempt: it must be the request that was decided on."""
        if self._operation(operation_name) is None:
            return
        passage, _permit = _permitted(getattr(request, "context", None))
        _same(passage, request.method, request.url, request.data)
        passage.attempts.append(Attempt(started_at=self._clock()))

    def _on_send(self, request: Any, event_name: str, **_: Any) -> None:
        """Look at the prepared request a last time, and at the permit."""
        if self._operation(event_name.rpartition(".")[2]) is None:
            return
        passage, permit = _permitted(getattr(request, "context", None))
        _same(passage, request.method, request.url, request.body)
        self._gate.recheck(permit, first=len(passage.attempts) == 1)

    def _on_received(
        self,
        response_dict: dict[str, Any] | None,
        context: dict[str, Any],
        exception: BaseException | None,
        **_: Any,
    ) -> None:
        """Note how the attempt ended."""
        passage = context.get(_KEY)
        if not isinstance(passage, _Passage) or not passage.attempts:
            return
        begun = passage.attempts.pop()
        passage.attempts.append(
            Attempt(
                started_at=begun.started_at,
                ended_at=self._clock(),
                status=response_dict["status_code"] if response_dict else None,
                fault=None if response_dict else _fault(exception),
                cause=type(exception).__name__ if exception else "",
            )
        )

    def _on_answer(
        self, http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        """Record the outcome of a request that was answered."""
        operation, passage = self._operation(model.name), context.get(_KEY)
        permit = _used_up(passage)
        if operation is None or passage is None or permit is None:
            return
        body = bytes(http_response.content or b"") if passage.attempts else b""
        status = int(http_response.status_code) if passage.attempts else None
        success = status is not None and 200 <= status < 300
        answer = operation.answer(body) if operation.answer and success else None
        exchange = Exchange(
            attempts=tuple(passage.attempts),
            status=status,
            request_id=_request_id(parsed),
            body=body,
            task=answer.task if answer else None,
            results=answer.results if answer else False,
            summary=answer.summary if answer else {},
            error=None if success else _error_code(parsed),
        )
        self._gate.finish(permit, exchange, parsed, self._vendor)

    def _on_failure(self, exception: BaseException, context: dict[str, Any], **_: Any) -> None:
        """Record the outcome of a request that got no answer."""
        passage = context.get(_KEY)
        permit = _used_up(passage)
        if passage is None or permit is None:
            return
        exchange = Exchange(attempts=_ended(passage.attempts, exception), error=type(exception).__name__)
        self._gate.finish(permit, exchange, None, self._vendor)

    def _operation(self, name: str) -> Operation | None:
        return GATED.get((self._service, name))

    def _request(self, operation: Operation, passage: _Passage, params: dict[str, Any]) -> GatedRequest:
        url = urlsplit(passage.url)
        wire = Wire(method=params["method"], path=url.path, query=url.query, body=_bytes(params["body"]))
        said = operation.address(wire) if operation.address else None
        trouble = "OPERATION_NOT_SUPPORTED" if said is None else said.trouble
        if said is not None and trouble is None and said.token is None:
            # Another handler replaced the parameters after the token was set: not what the caller asked for.
            trouble = "REQUEST_ALTERED"
        return GatedRequest(
            intent=passage.intent,
            service=self._service,
            operation=operation.name,
            action=operation.action,
            region=self._region,
            country=country_of(self._region),
            method=wire.method,
            path=wire.path,
            query=wire.query,
            body=wire.body,
            call=said.call if said else None,
            context=said.context if said else None,
            leg=said.leg if said else None,
            token=said.token if said else None,
            token_from="gate" if said and said.token == _token(passage.intent) else "caller",
            lasts_ms=self._lasts_ms,
            trouble=trouble,
        )


def _token(intent: UUID) -> str:
    """The client request token that we make: stable over botocore's own retries, and telling."""
    return f"cg-{intent}"


def _permitted(context: Any) -> tuple[_Passage, Permit]:
    passage = context.get(_KEY) if isinstance(context, dict) else None
    if not isinstance(passage, _Passage) or passage.permit is None:
        raise ConsentDenied((reason("NO_PERMIT"),), None)
    return passage, passage.permit


def _used_up(passage: _Passage | None) -> Permit | None:
    """Take the permit away: it was for one request, and that is over."""
    if not isinstance(passage, _Passage):
        return None
    permit, passage.permit = passage.permit, None
    return permit


def _same(passage: _Passage, method: str, url: str, body: Any) -> None:
    permit = passage.permit
    if permit is None or (method, url, _bytes(body)) != (
        permit.request.method,
        passage.url,
        permit.request.body,
    ):
        raise ConsentDenied((reason("REQUEST_ALTERED"),), str(permit.entry) if permit else None)


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else b""


def _fault(exception: BaseException | None) -> Fault:
    if isinstance(exception, SSLError):
        # A certificate is refused in the handshake; any other failure of TLS may come after the request.
        return "not_sent" if _is_about_certificate(exception.kwargs.get("error")) else "lost"
    return "not_sent" if isinstance(exception, _NOT_SENT) else "lost"


def _is_about_certificate(error: Any) -> bool:
    inner = error.args[0] if isinstance(error, BaseException) and error.args else None
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in (error, inner))


def _ended(attempts: list[Attempt], exception: BaseException) -> tuple[Attempt, ...]:
    """Close a last attempt whose end botocore did not report: its answer could not be parsed."""
    if attempts and attempts[-1].ended_at is None:
        begun = attempts[-1]
        last = Attempt(started_at=begun.started_at, fault=_fault(exception), cause=type(exception).__name__)
        return (*attempts[:-1], last)
    return tuple(attempts)


def _request_id(parsed: Any) -> str | None:
    metadata = parsed.get("ResponseMetadata", {}) if isinstance(parsed, dict) else {}
    found = metadata.get("RequestId")
    return found if isinstance(found, str) else None


def _error_code(parsed: Any) -> str | None:
    found = parsed.get("Error", {}).get("Code") if isinstance(parsed, dict) else None
    return found if isinstance(found, str) else None


def _longest(config: Any) -> int:
    """The longest that the client may take, in milliseconds: every attempt times out, with the longest waits."""
    retries = config.retries or {}
    attempts = retries.get("total_max_attempts") or (retries.get("max_attempts", _DEFAULT_ATTEMPTS - 1) + 1)
    once = float(config.connect_timeout or 0) + float(config.read_timeout or 0)
    return int(1000 * (attempts * once + (attempts - 1) * _LONGEST_BACKOFF_S))
