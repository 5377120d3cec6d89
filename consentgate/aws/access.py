"""The vendor's own access rules that let only the gate's role call the gated operations.

Invariant: they follow from the table of gated operations: an operation that is added there is in them.
"""

import re
from collections.abc import Sequence
from typing import Final

from consentgate.aws.operations import GATED
from consentgate.aws.watched import ENDING, SHOWING
from consentgate.canonical import Json
from consentgate.errors import InvalidInput

_VERSION: Final = "2012-10-17"
# Both services sign as chime, and so do their actions.
_PREFIX: Final = "chime"
_ROLE: Final = re.compile(r"arn:(aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role/[\x21-\x7e]+")


def gated_actions() -> tuple[str, ...]:
    """Name the actions of the gated operations; two clients share some.

    Returns:
        They, sorted.
    """
    return tuple(sorted({f"{_PREFIX}:{name}" for _, name in GATED}))


def role_policy() -> dict[str, Json]:
    """Give the identity policy for the role that runs the gate.

    Returns:
        The document: the gated actions, and those that stop, delete and show what they started.
    """
    others = sorted({f"{_PREFIX}:{name}" for _, name in SHOWING | ENDING})
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "ConsentgateGated",
                "Effect": "Allow",
                "Action": list(gated_actions()),
                "Resource": "*",
            },
            {"Sid": "ConsentgateOpen", "Effect": "Allow", "Action": list(others), "Resource": "*"},
        ],
    }


def organisation_policy(roles: Sequence[str]) -> dict[str, Json]:
    """Give the service control policy that keeps everybody else from the gated actions.

    Args:
        roles: ARNs of the roles that run a gate.

    Returns:
        The document. It denies nothing that stops or deletes: a withdrawal must be able to act from anywhere.

    Raises:
        InvalidInput: no role is named, or one is no ARN of a role without wildcards.
    """
    if not roles:
        raise InvalidInput("Name the role that runs the gate: --role arn:aws:iam::111122223333:role/NAME.")
    for role in roles:
        if not _ROLE.fullmatch(role) or "*" in role or "?" in role:
            raise InvalidInput(
                f"{role!r} is no ARN of one role, such as arn:aws:iam::111122223333:role/gate."
            )
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": "ConsentgateOnly",
                "Effect": "Deny",
                "Action": list(gated_actions()),
                "Resource": "*",
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": tuple(sorted(roles))}},
            }
        ],
    }
