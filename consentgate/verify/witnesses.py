"""The level ``witnesses``: whether a checkpoint was cosigned as the verifier's own policy asks.

Invariants: the policy is the verifier's own; without one there is no such level. A cosignature that fails, of a
witness whom the policy names, breaks the level whatever the others say. The times of cosignatures are not judged.
"""

from typing import Final

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import open_any
from consentgate.tlog.cosignature import cosignatures_of
from consentgate.tlog.policy import Policy
from consentgate.verify.result import Finding

WITNESSES: Final = "witnesses"

_SAID: Final = 10
_CURE: Final = "Ask for a checkpoint with more cosignatures; where witnesses refused to cosign, ask them why."


def unwitnessed(note: str | bytes, policy: Policy) -> list[Finding]:
    """Hold a signed checkpoint against a policy.

    Args:
        note: the signed checkpoint.
        policy: the verifier's.

    Returns:
        What is wrong; empty if one of the policy's logs signed, where it names logs, and its quorum is met.
    """
    try:
        cosigned = {each.key for each in cosignatures_of(note, policy.keys)}
    except (Malformed, SignatureInvalid) as problem:
        return [_finding("cosignatures that fit", str(problem))]
    found = []
    if policy.logs and not _of_a_log(note, policy):
        found.append(_finding("the signature of a log of the policy", "none"))
    lacking = policy.missing(cosigned)
    if lacking:
        more = f"; and {len(lacking) - _SAID} more" if len(lacking) > _SAID else ""
        expected = f"cosignatures that meet the quorum {policy.quorum!r}"
        found.append(_finding(expected, "; ".join(lacking[:_SAID]) + more))
    return found


def _of_a_log(note: str | bytes, policy: Policy) -> bool:
    for each in policy.logs:
        try:
            open_any(note, each.key)
        except (Malformed, SignatureInvalid):
            continue
        return True
    return False


def _finding(expected: str, found: str) -> Finding:
    return Finding(kind="unsigned", where="cosignatures", expected=expected, found=found, cure=_CURE)
