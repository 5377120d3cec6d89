"""Trusted times: since when a place outside the database keeps a checkpoint that covers an entry.

Invariant: an entry without such a checkpoint has no trusted time: it is weak. What was weak when it was decided
about, under a key compromised by then, is anchored after the compromise if ever: decided again it comes out the same.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consentgate.consent.issuers import Registry
from consentgate.storage import anchors, deployment


def trusted_times(connection: Connection, tenant: str, entries: Collection[UUID]) -> dict[UUID, datetime]:
    """Find the trusted times of entries.

    Args:
        connection: an open transaction.
        tenant: whose entries.
        entries: their ids.

    Returns:
        The time of the first anchored checkpoint that covers the entry, in whichever log; nothing for a weak one.
    """
    found: dict[UUID, datetime] = {}
    # An entry that an epoch logged again may have been anchored in the log before.
    for log in range(deployment.current_log(connection) + 1):
        for entry, at in anchors.first_anchored(connection, tenant, entries, log=log).items():
            found[entry] = min(at, found.get(entry, at))
    return found


def matter(*registries: Registry) -> bool:
    """Tell whether a decision has to know trusted times: only a compromised key asks for them.

    Args:
        *registries: the registries that it goes by.

    Returns:
        Whether a key of theirs is compromised.
    """
    return any(
        key.compromised_since is not None
        for registry in registries
        for issuer in registry.issuers
        for key in issuer.keys
    )
