"""How often a grant that limits its uses was used.

A use is an intent that names the grant and has no final outcome `rejected` or `not_sent`: what is open may have been
sent, so it counts. A retry inside one intent is no use.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.state import Received
from consentgate.ledger.book import Book, open_parts
from consentgate.policy.facts import Uses
from consentgate.storage import entries, subjects

_NO_USE: Final = frozenset({"rejected", "not_sent"})


def count_uses(
    book: Book, connection: Connection, subject: UUID, received: Sequence[Received]
) -> tuple[Uses, ...]:
    """Count the uses of a speaker's grants that limit them.

    Args:
        book: the ledger.
        connection: an open transaction.
        subject: id of the speaker's subject.
        received: the speaker's statements.

    Returns:
        The uses of each grant with a limit.

    Raises:
        Malformed: a stored intent cannot be read.
    """
    uses = {each.entry: 0 for each in received if each.statement.max_uses is not None}
    if not uses:
        return ()
    keys = book.vault.data_keys(connection, [subject])
    for linked in subjects.entries_of(connection, book.tenant, [subject], ["intent"]):
        outcome = entries.final_outcome(connection, book.tenant, linked.row.id)
        if outcome is not None and outcome.end in _NO_USE:
            continue
        # One intent is one use, on however many legs the speaker stands.
        for grant in {_grant(content) for content in open_parts(linked.row, keys.values()).values()}:
            if grant in uses:
                uses[grant] += 1
    return tuple(Uses(entry=entry, count=count) for entry, count in sorted(uses.items()))


def _grant(content: Mapping[str, Json]) -> str:
    decision = content.get("decision")
    grant = decision.get("grant") if isinstance(decision, Mapping) else None
    return grant if isinstance(grant, str) else ""
