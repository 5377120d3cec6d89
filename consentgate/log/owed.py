"""What an anchor is owed: the newest checkpoint of the log's own key, over the tree that is stored.

Invariants: what an anchor has is counted by rows of `anchor` over stored checkpoints alone, so that a row which
nobody signed for keeps no checkpoint from leaving; such a row is a doubt, and is said. Signatures are verified here,
under the key that the caller brings, never believed.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused, Malformed, SignatureInvalid
from consentgate.log.tree import root_at, stored_nodes
from consentgate.storage import anchors, checkpoints
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass

# Checkpoints after the last one that is written down, in which one is looked for that is kept and not written down.
_BETWEEN: Final = 200

_VERIFY: Final = "Run `consentgate verify`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What an anchor lacks.

    Attributes:
        head: what the newest checkpoint claims.
        note: the newest checkpoint.
        before: size of the checkpoint that the anchor took last, as far as that is written down; 0 for none.
        between: checkpoints of sizes between these two, with their notes.
    """

    head: Checkpoint
    note: str = field(repr=False)
    before: int
    between: Mapping[Checkpoint, str] = field(repr=False)


def owed_to(
    connection: Connection,
    name: str,
    *,
    key_of: Callable[[int], NoteKey],
    log: int,
    rests: Callable[[datetime], bool],
) -> Owed | None:
    """Say what an anchor lacks.

    Args:
        connection: any.
        name: the anchor's.
        key_of: gives the public key of the log of a number.
        log: number of the log.
        rests: whether the anchor is left alone, by when it took a checkpoint last.

    Returns:
        The newest checkpoint and what lies between; None where the anchor has it, or rests.

    Raises:
        LogRefused: the newest checkpoint is not of the log's key, or not of the stored tree.
        Misconfigured: the log's key cannot be read.
    """
    newest = checkpoints.latest_checkpoint(connection, log=log)
    last = anchors.newest_of(connection, name, log=log)
    if newest is None or (last is not None and rests(last.at)):
        return None
    key, before = key_of(log), last.size if last else 0
    # Before sizes are compared: a checkpoint and a row of one size may both be forged.
    head = _own(newest, key)
    if head is None:
        raise LogRefused(f"The newest checkpoint is not of the log's key: no anchor gets it. {_VERIFY}")
    if head.size <= before:
        return None
    if root_at(head.size, stored_nodes(connection, head.size, log=log)) != head.root:
        raise LogRefused(f"The log's tree is not what was signed: no anchor gets it. {_VERIFY}")
    rows = checkpoints.checkpoints(connection, after=before, limit=_BETWEEN, log=log)
    opened = {found: each.note for each in rows if (found := _own(each, key)) is not None}
    opened.pop(head, None)
    return Owed(head=head, note=newest.note, before=before, between=opened)


def doubt_about(connection: Connection, name: str, *, log: int) -> LogRefused | None:
    """Look for a row that says of an anchor what cannot be.

    Args:
        connection: any.
        name: the anchor's.
        log: number of the log.

    Returns:
        What is the matter; None where nothing is.
    """
    size = anchors.beyond(connection, name, log=log)
    if not size:
        return None
    return LogRefused(
        f"The database says that the anchor {name} keeps a checkpoint of {size} entries, and shows none so large:"
        f" the row of table anchor was forged, or checkpoints are gone. {_VERIFY}"
    )


def _own(row: CheckpointRow, key: NoteKey) -> Checkpoint | None:
    """Open a checkpoint; None where the log's key did not sign it, or not for this size."""
    try:
        opened = open_checkpoint(row.note, key)
    except (Malformed, SignatureInvalid):
        return None
    return opened if opened.size == row.size else None
