"""What a speaker's phone numbers hint at, added to the evidence when the speaker is registered.

It is stored with the call, under the table's version, so that a decision rests on what the ledger holds and not on
the table of the day. Telling the same speaker again gives the same hints, and so writes nothing.
"""

from dataclasses import replace
from typing import Final

from consentgate.consent.reference import PHONE
from consentgate.ledger.speaker import Speaker
from consentgate.policy import numbers
from consentgate.policy.facts import PHONE_NUMBER, Evidence

SOURCE: Final = "numbering_plan"
CONFIDENCE: Final = "low"


def hinted(speaker: Speaker) -> Speaker:
    """Add what the telephone numbers among a speaker's references hint at.

    Args:
        speaker: as the caller described them.

    Returns:
        The speaker with the hints after all other evidence; the same where there are none.

    Raises:
        Misconfigured: the table of telephone numbers is damaged.
    """
    values = [reference.value for reference in speaker.known_as if reference.kind == PHONE]
    codes = sorted({code for value in values for code in numbers.jurisdictions(value)})
    if not codes:
        return speaker
    source = f"{SOURCE}:{numbers.shipped().source}"
    hints = (Evidence(code=code, kind=PHONE_NUMBER, source=source, confidence=CONFIDENCE) for code in codes)
    return replace(speaker, evidence=tuple(dict.fromkeys((*speaker.evidence, *hints))))
