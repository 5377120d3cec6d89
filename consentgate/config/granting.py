"""What a grant says: what its notice asks for, and where the caller narrows that.

Invariant: a grant never says more than its notice.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from consentgate.consent import terms
from consentgate.consent.details import CallContext
from consentgate.consent.notice import Manifest
from consentgate.consent.statement import Statement
from consentgate.consent.terms import Method
from consentgate.errors import InvalidInput

# What a caller may say otherwise than the notice; never more than it asks for.
_OVERRIDES: Final = frozenset(
    {
        "evidence",
        "expressed_by",
        "guardian",
        "max_uses",
        "operations",
        "purposes",
        "service",
        "storage_locations",
        "sub",
        "valid_until",
    }
)


def granted(
    said: Statement, manifest: Manifest, controller: str, call: str | None, overrides: Mapping[str, Any]
) -> Statement:
    """Make a grant out of what its notice says.

    Args:
        said: the statement with what it takes over from the notice.
        manifest: the notice's manifest.
        controller: who is to be granted to.
        call: transaction id, when the consent is for this one call; None for a standing consent.
        overrides: other claims, by their names in `Statement`.

    Returns:
        The grant.

    Raises:
        InvalidInput: an override is no claim or goes beyond the notice, or the notice is another controller's.
    """
    if controller not in manifest.controllers:
        raise InvalidInput("The notice does not name this controller; a grant cannot say more than it.")
    unknown = sorted(set(overrides) - _OVERRIDES)
    if unknown:
        raise InvalidInput(f"No override {unknown[0]}; there are {', '.join(sorted(_OVERRIDES))}.")
    chosen: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in overrides.items()}
    if chosen.get("guardian") is not None:
        chosen.setdefault("expressed_by", "representative")
    context = CallContext(transaction_id=call) if call is not None else None
    grant = replace(said, context=context, **chosen)
    exceeded = manifest.exceeded_by(grant)
    if exceeded:
        raise InvalidInput(f"The notice does not ask for these {', '.join(exceeded)}.")
    return grant


def said_by(manifest: Manifest, method: Method, now: datetime) -> dict[str, Any]:
    """Give the claims that a statement takes over from its notice.

    Args:
        manifest: the notice's manifest.
        method: how the person said it.
        now: when.

    Returns:
        Members of `Statement`.
    """
    return {
        "consent_form": manifest.consent_form,
        "signature_kind": terms.signature_of(method),
        "consent_type": terms.consent_type_of(manifest.consent_form),
        "separate": manifest.separate,
        "disclosure_consent": manifest.disclosure_consent,
        "purposes": manifest.purposes,
        "purpose_iris": manifest.purpose_iris,
        "operations": manifest.operations,
        "recipients": manifest.recipients,
        "notice": manifest.ref(),
        "language": manifest.language,
        "valid_until": manifest.valid_until(now),
        "personal_data": manifest.personal_data,
        "legal_basis": manifest.legal_basis,
        "retention": manifest.retention,
        "storage_locations": manifest.storage_locations,
        "withdrawal": manifest.withdrawal,
    }
