"""How attempts ended, from what botocore reports of them."""

import ssl
from typing import Any, Final

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError

from consentgate.aws.passage import Passage
from consentgate.errors import ConsentGateError
from consentgate.gate.outcomes import Attempt, Fault

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


def ended(passage: Passage, exception: BaseException) -> tuple[Attempt, ...]:
    """Close a last attempt whose end botocore did not report: its answer could not be parsed, or it never left.

    Args:
        passage: the call.
        exception: what botocore reports in the end.

    Returns:
        Every attempt.
    """
    attempts = passage.attempts
    if attempts and attempts[-1].ended_at is None:
        fault = fault_of(exception) if passage.left else "not_sent"
        cause = type(exception).__name__
        return (*attempts[:-1], Attempt(started_at=attempts[-1].started_at, fault=fault, cause=cause))
    return tuple(attempts)


def request_id(parsed: Any) -> str | None:
    """Find the vendor's request id.

    Args:
        parsed: the answer as botocore read it.

    Returns:
        It, or None.
    """
    metadata = parsed.get("ResponseMetadata", {}) if isinstance(parsed, dict) else {}
    found = metadata.get("RequestId")
    return found if isinstance(found, str) else None


def error_code(parsed: Any) -> str | None:
    """Find the vendor's error code.

    Args:
        parsed: the answer as botocore read it.

    Returns:
        It, or None.
    """
    found = parsed.get("Error", {}).get("Code") if isinstance(parsed, dict) else None
    return found if isinstance(found, str) else None
