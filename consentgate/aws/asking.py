"""What a client is about to send, as the gate decides on it.

Invariant: the request is read from the bytes that were serialised, never from the parameters that a caller or another
handler passed.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from consentgate.aws.operations import Addressed, Operation, Wire
from consentgate.aws.passage import origin_of
from consentgate.aws.patience import longest_ms
from consentgate.aws.regions import country_of
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.gate.request import GatedRequest
from consentgate.gate.retry import Retry
from consentgate.moment import parse_uuid

_OURS: Final = "cg-"


class Asking:
    """Reads the requests of one client."""

    def __init__(self, client: Any, service: str, retry: Retry) -> None:
        """Take a client in hand.

        Args:
            client: the client.
            service: botocore's service id in event names.
            retry: how throttled requests are sent again.
        """
        self._service = service
        self._region: str | None = client.meta.region_name
        self._lasts_ms = longest_ms(client.meta.config, retry)
        self._origin = origin_of(client.meta.endpoint_url)

    def read(
        self, operation: Operation, intent: UUID, params: Mapping[str, Any]
    ) -> tuple[GatedRequest, Mapping[str, Json]]:
        """Read a serialised request.

        Args:
            operation: the operation.
            intent: id that the intent's entry will have.
            params: botocore's request dictionary.

        Returns:
            The request, and its parameters as the backend's resolver is told.
        """
        url = urlsplit(str(params["url"]))
        wire = Wire(method=params["method"], path=url.path, query=url.query, body=_bytes(params["body"]))
        said = operation.address(wire)
        altered = self._is_altered(operation, said, str(params["url"]))
        request = GatedRequest(
            intent=intent,
            service=self._service,
            operation=operation.name,
            action=operation.action,
            region=self._region,
            country=country_of(self._region),
            method=wire.method,
            path=wire.path,
            query=wire.query,
            body=wire.body,
            call=said.call,
            context=said.context,
            leg=said.leg,
            token=said.token,
            token_from="gate" if said.token == token_of(intent) else "caller",
            lasts_ms=self._lasts_ms,
            trouble=said.trouble or ("REQUEST_ALTERED" if altered else None),
            about=said.about,
            task=said.task,
            made=said.made,
            dated=said.dated,
        )
        return request, said.parameters

    def _is_altered(self, operation: Operation, said: Addressed, url: str) -> bool:
        """Whether another handler replaced the parameters after the token was set, or the place."""
        return (operation.token is not None and said.token is None) or origin_of(url) != self._origin


def token_of(intent: UUID) -> str:
    """Give the client request token that we make.

    Args:
        intent: the intent's id.

    Returns:
        Stable over botocore's own retries, and telling.
    """
    return f"{_OURS}{intent}"


def intent_of_token(token: str | None) -> UUID | None:
    """Read the intent from a client request token of ours.

    Args:
        token: any token, or None.

    Returns:
        The intent's id; None where the token is somebody else's.
    """
    if token is None or not token.startswith(_OURS):
        return None
    try:
        return parse_uuid(token.removeprefix(_OURS))
    except Malformed:
        return None


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, (bytes, bytearray)) else b""
