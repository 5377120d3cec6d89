"""Whom opened parts name: the one place that reads it, for whoever looks rows up and whoever judges them."""

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, Statement, from_claims
from consentgate.crypto import jws
from consentgate.errors import InvalidInput


def statement_of(content: Json) -> tuple[jws.Jws, Statement]:
    """Read the signed statement in a part.

    Args:
        content: what the part says.

    Returns:
        The token as it was parsed, and what it states. No signature is verified.

    Raises:
        Malformed: there is none.
    """
    token = content.get("token") if isinstance(content, dict) else None
    parsed = jws.parse(token if isinstance(token, str) else "", typ=TYP)
    return parsed, from_claims(parsed.payload)


def call_of(content: Json) -> str | None:
    """Read the name of a call.

    Args:
        content: what a part of a call's entry says.

    Returns:
        The name, or None where there is none.
    """
    call = content.get("call") if isinstance(content, dict) else None
    return call if isinstance(call, str) else None


def first_reference(content: Json) -> Reference | None:
    """Read the reference that names the speaker.

    Args:
        content: what a part of a call's entry says.

    Returns:
        The first reference, or None where there is none.
    """
    speaker = content.get("speaker") if isinstance(content, dict) else None
    references = speaker.get("references") if isinstance(speaker, dict) else None
    first = references[0] if isinstance(references, list) and references else None
    kind, value = (first.get(each) if isinstance(first, dict) else None for each in ("kind", "value"))
    try:
        return Reference(kind=kind, value=value) if isinstance(kind, str) and isinstance(value, str) else None
    except InvalidInput:
        return None
