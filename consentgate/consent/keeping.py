"""Whether a consent that stands covers keeping a voiceprint that was made: a pure question to what stands.

The laws of the packs tie the life of a voiceprint to the purpose for which it was made and to the consent for that
(740 ILCS 14/15(a), GDPR art. 17(1)(b), LCCJTI 44). So a voiceprint is kept only by a grant by which it could be made
again: one that stands, names enrolment, and names that purpose. A consent for something else keeps none.

Invariant: more refusals or withdrawals never keep more.
"""

from datetime import datetime

from consentgate.consent.state import Consent, Grant, State
from consentgate.values import dataclass

ENROL = "enrol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """How a voiceprint was made.

    Attributes:
        purpose: what for, or None where nobody said.
        controller: whose it is.
        grant: entry id of the grant on which it was made, or None.
    """

    purpose: str | None
    controller: str
    grant: str | None = None


def kept_by(state: State, made: Made, at: datetime) -> Consent | None:
    """Find a consent that covers keeping a voiceprint.

    Args:
        state: what stands of the person's statements for the purpose for which it was made.
        made: how it was made.
        at: now.

    Returns:
        The newest such consent, or None: then it has to go.
    """
    return next((each for each in reversed(state.standing) if _covers(each, made, at)), None)


def _covers(consent: Consent, made: Made, at: datetime) -> bool:
    grant = consent.grant
    return (
        grant is not None
        and grant.sound
        and not grant.issuer_problems
        and (grant.valid_until is None or grant.valid_until > at)
        and _names(grant, made)
        # What one call was consented to covers what was made on it, and nothing else.
        and (grant.context is None or consent.entry == made.grant)
    )


def _names(grant: Grant, made: Made) -> bool:
    return (
        made.purpose in grant.purposes
        and (grant.operations is None or ENROL in grant.operations)
        and (grant.controllers is None or made.controller in grant.controllers)
    )
