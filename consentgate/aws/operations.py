"""The one table of gated operations, of every client that has them.

An operation belongs here when its documentation in botocore's service model carries the vendor's consent warning. One
that carries it and is not here yet, because botocore is newer than this table, is refused outright. Operations that
stop or delete are not in the table: they stay open.
"""

import html
import re
from collections.abc import Mapping
from typing import Final

from consentgate import canonical
from consentgate.aws import pipelines, profiles, voice
from consentgate.aws.pipelines import call_of_stream
from consentgate.aws.voice import call_of_transaction
from consentgate.aws.wire import PIPELINES, VOICE, Addressed, Answer, Operation, Wire, text
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.gate.request import Leg

__all__ = [
    "GATED",
    "PIPELINES",
    "SERVICES",
    "VOICE",
    "Addressed",
    "Answer",
    "Operation",
    "Wire",
    "call_of_stream",
    "call_of_transaction",
    "carries_warning",
    "leg_of",
]

GATED: Final[Mapping[tuple[str, str], Operation]] = {
    (o.service, o.name): o for o in (*voice.OPERATIONS, *profiles.OPERATIONS, *pipelines.OPERATIONS)
}

SERVICES: Final = frozenset(service for service, _ in GATED)

_TAG: Final = re.compile(r"<[^>]*>")
_WARNING: Final = ("consent", "biometric")


def carries_warning(documentation: str) -> bool:
    """Tell whether an operation's documentation warns that the consent of people is needed.

    Args:
        documentation: as botocore's service model has it.

    Returns:
        Whether both words of the warning are in it; the seven texts have no more in common.
    """
    plain = html.unescape(_TAG.sub("", documentation)).lower()
    return all(word in plain for word in _WARNING)


def leg_of(exchange: Mapping[str, Json]) -> Leg | None:
    """Tell which leg a stored request names.

    Args:
        exchange: the members of its ``exchange`` part.

    Returns:
        The leg; None for both, and where nobody can tell.
    """
    told = {
        name: text(exchange.get(name)) or "" for name in ("service", "operation", "method", "path", "query")
    }
    operation = GATED.get((told["service"], told["operation"]))
    body = exchange.get("body")
    if operation is None or not isinstance(body, str):
        return None
    try:
        sent = canonical.unb64(body)
    except Malformed:
        return None
    return operation.address(
        Wire(method=told["method"], path=told["path"], query=told["query"], body=sent)
    ).leg
