"""How attempts and requests ended, from what botocore reports of them and what the last look saw.

Status and bytes are what the network gave, whatever other handlers made of them; botocore's reading of them only adds
the request id and the error code.
"""

import ssl
from typing import Any, Final

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError

from consentgate.aws.operations import Operation
from consentgate.aws.passage import Passage
from consentgate.errors import ConsentGateError
from consentgate.gate.outcomes import Attempt, Fault
from consentgate.gate.request import Exchange

# Failures that botocore reports only before a byte of the request has left.
_NOT_SENT: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, ConsentGateError)


def fault_of(exception: BaseException | None) -> Fault:
    """Tell whether an attempt failed before bytes left.

    Args:
        exception: what botocore reports, or None.

    Returns:
        ``lost`` wherever they may have left.
    """
    if isinstance(exception, SSLError):
        # A certificate is refused in the handshake; any other failure of TLS may come after the request.
        return "not_sent" if _is_about_certificate(exception.kwargs.get("error")) else "lost"
    return "not_sent" if isinstance(exception, _NOT_SENT) else "lost"


def _is_about_certificate(error: Any) -> bool:
    inner = error.args[0] if isinstance(error, BaseException) and error.args else None
    return any(isinstance(each, ssl.SSLCertVerificationError) for each in (error, inner))


def answered(operation: Operation, passage: Passage, parsed: Any) -> Exchange:
    """Say what came back of a request that was answered.

    Args:
        operation: the operation.
        passage: the call.
        parsed: the answer as botocore read it.

    Returns:
        What is to be recorded.
    """
    error = None if _is_success(passage) else _told(parsed, "Error", "Code")
    request_id = _told(parsed, "ResponseMetadata", "RequestId")
    return _exchange(operation, passage, tuple(passage.attempts), request_id=request_id, error=error)


def failed(operation: Operation, passage: Passage, exception: BaseException) -> Exchange:
    """Say what came back of a request that ended in an exception: perhaps an answer that nobody could read.

    Args:
        operation: the operation.
        passage: the call.
        exception: what botocore reports in the end.

    Returns:
        What is to be recorded.
    """
    attempts = _ended(passage, exception)
    return _exchange(operation, passage, attempts, request_id=None, error=type(exception).__name__)


def unread(operation: Operation, passage: Passage) -> Exchange:
    """Say what came back where reading it failed: the bytes as they came, which may name other people.

    Args:
        operation: the operation.
        passage: the call.

    Returns:
        What is to be recorded.
    """
    status, body = passage.answer or (None, None)
    return Exchange(
        attempts=tuple(passage.attempts),
        status=status,
        body=body,
        results=_is_success(passage),
        changed=operation.changes,
    )


def _exchange(
    operation: Operation,
    passage: Passage,
    attempts: tuple[Attempt, ...],
    *,
    request_id: str | None,
    error: str | None,
) -> Exchange:
    status, body = passage.answer or (None, None)
    answer = operation.answer(body) if _is_success(passage) and body is not None else None
    return Exchange(
        attempts=attempts,
        status=status,
        request_id=request_id,
        body=body,
        task=answer.task if answer else None,
        results=answer.results if answer else False,
        summary=answer.summary if answer else {},
        error=error,
        changed=operation.changes,
    )


def _is_success(passage: Passage) -> bool:
    return passage.answer is not None and 200 <= passage.answer[0] < 300


def _ended(passage: Passage, exception: BaseException) -> tuple[Attempt, ...]:
    """Close a last attempt whose end botocore did not report: its answer could not be read, or it never left."""
    attempts = passage.attempts
    if attempts and attempts[-1].ended_at is None:
        fault = fault_of(exception) if passage.left else "not_sent"
        cause = type(exception).__name__
        return (*attempts[:-1], Attempt(started_at=attempts[-1].started_at, fault=fault, cause=cause))
    return tuple(attempts)


def _told(parsed: Any, member: str, name: str) -> str | None:
    """One member of botocore's reading, which other handlers may have spoilt."""
    members = parsed.get(member) if isinstance(parsed, dict) else None
    found = members.get(name) if isinstance(members, dict) else None
    return found if isinstance(found, str) else None
