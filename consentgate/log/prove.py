"""Receipts: what shows one entry's place in the signed log to somebody without the database.

Invariant: a receipt is verified against its own checkpoint before it is given out, so that a damaged tree gives none.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.errors import InvalidInput, LogRefused, Malformed, Unavailable
from consentgate.log.cosigned import Witnesses, newest_cosigned
from consentgate.log.tree import Roots, stored_nodes
from consentgate.storage import entries, sequence
from consentgate.tlog import checkpoint
from consentgate.tlog.merkle import MAX_SIZE, leaf_hash
from consentgate.tlog.note import parse_note
from consentgate.tlog.proof import inclusion_proof, verify_inclusion
from consentgate.tlog.receipt import Receipt

_FIRST: Final = sequence.FIRST_LOG


def prove(
    connection: Connection,
    tenant: str,
    entry: UUID,
    *,
    witnesses: Witnesses | None = None,
    log: int = _FIRST,
    roots: Roots | None = None,
) -> Receipt:
    """Make an entry's receipt, under the newest checkpoint that enough witnesses cosigned.

    Args:
        connection: of `Database.read`.
        tenant: whose entry.
        entry: the entry's id.
        witnesses: whose cosignatures go with the checkpoint, and how many have to; None for none.
        log: number of the log.
        roots: what is remembered of this database's full tiles, by who makes many receipts.

    Returns:
        The receipt, with the leaf's bytes as its extra member.

    Raises:
        InvalidInput: there is no such entry.
        Unavailable: it has no position yet, or no checkpoint, with enough cosignatures, covers it yet.
        LogRefused: the stored tree, or the entry, is not what was signed.
    """
    row = entries.by_id(connection, tenant, entry)
    if row is None:
        raise InvalidInput(
            "There is no entry of this id. `consentgate entries list` shows those that there are."
        )
    position = sequence.position_of(connection, tenant, entry, log=log)
    # Above everything there is nothing: an entry without a position is covered by no checkpoint.
    above = MAX_SIZE if position is None else position
    newest = newest_cosigned(connection, witnesses or Witnesses(), above=above, log=log)
    if position is None or newest is None:
        raise Unavailable(
            "No checkpoint covers this entry yet."
            " Run `consentgate log sequence --once`, then `consentgate log sign --once`."
        )
    node = stored_nodes(connection, newest.size, log=log, roots=roots)
    hashes = inclusion_proof(position, newest.size, node)
    _require_own(position, row.leaf, newest.note, hashes)
    return Receipt(index=position, hashes=hashes, note=newest.note, extra=row.leaf)


def _require_own(position: int, leaf: bytes, note: str, hashes: Sequence[bytes]) -> None:
    """Refuse a proof that does not lead from the entry to what was signed."""
    try:
        head = checkpoint.decode(parse_note(note).text)
        verify_inclusion(position, head.size, leaf_hash(leaf), head.root, hashes)
    except Malformed as error:
        raise LogRefused(
            "The entry, or the tree over it, is not what was signed. Run `consentgate verify`."
        ) from error
