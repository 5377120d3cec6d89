"""Checkpoints with the cosignatures that witnesses gave: for the published log, and for receipts.

Invariant: a cosignature is taken out of the database only if it verifies now, under a key that the settings name; one
that does not is refused, since whoever changed it had a reason.
"""

from sqlalchemy import Connection

from consentgate.errors import LogRefused, Malformed, SignatureInvalid, Unavailable
from consentgate.storage import anchors, checkpoints, sequence
from consentgate.storage.anchors import AnchorRow
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.tlog.cosignature import Cosignature, WitnessKey, cosignatures_of, with_cosignatures
from consentgate.tlog.note import NoteSignature, parse_signatures
from consentgate.tlog.policy import Policy
from consentgate.values import dataclass

WITNESS = "witness"
"""The kind of an anchor whose evidence is a cosignature."""

_VERIFY = "Run `consentgate verify`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnesses:
    """Whose cosignatures count.

    Attributes:
        keys: the known witnesses.
        policy: how many have to have cosigned; None asks for none, and takes what there is.
    """

    keys: tuple[WitnessKey, ...] = ()
    policy: Policy | None = None


def newest_cosigned(
    connection: Connection, witnesses: Witnesses, *, above: int = 0, log: int = sequence.FIRST_LOG
) -> CheckpointRow | None:
    """Find the newest checkpoint that enough witnesses cosigned.

    Args:
        connection: of `Database.read`.
        witnesses: whose cosignatures count.
        above: only checkpoints of more entries.
        log: number of the log.

    Returns:
        The checkpoint, its note with the cosignatures that there are; None where nothing is signed yet.

    Raises:
        LogRefused: a stored cosignature of a known witness does not fit.
        Unavailable: checkpoints are signed, but witnesses are lacking on each of them.
    """
    newest = checkpoints.latest_checkpoint(connection, log=log)
    if newest is None or newest.size <= above:
        return None
    if witnesses.policy is None:
        return cosigned(connection, newest, witnesses, log=log)
    if witnesses.policy.met(()):
        return cosigned(connection, newest, witnesses, log=log)
    for size in anchors.sizes_of_kind(connection, WITNESS, above=above, log=log):
        row = checkpoints.checkpoint_at(connection, size, log=log)
        if row is None:
            continue
        made = cosigned(connection, row, witnesses, log=log)
        if witnesses.policy.met({each.key for each in _verified(made.note, witnesses.keys)}):
            return made
    raise Unavailable(
        "Too few witnesses have cosigned a checkpoint that covers this: run `consentgate log anchor --once`, and see"
        " with `consentgate log show` which of them lag behind."
    )


def cosigned(
    connection: Connection, row: CheckpointRow, witnesses: Witnesses, *, log: int = sequence.FIRST_LOG
) -> CheckpointRow:
    """Add to a checkpoint what witnesses gave.

    Args:
        connection: of `Database.read`.
        row: the checkpoint.
        witnesses: whose cosignatures count.
        log: number of the log.

    Returns:
        The same, with the cosignatures of known witnesses in its note, by their names.

    Raises:
        LogRefused: one of them does not fit.
    """
    known = {(each.name, each.key_id) for each in witnesses.keys}
    lines: list[NoteSignature] = []
    for each in anchors.anchors_at(connection, row.size, log=log) if known else ():
        if each.kind == WITNESS:
            lines += [line for line in _lines(each) if (line.name, line.key_id) in known]
    try:
        note = with_cosignatures(row.note, lines)
    except Malformed as error:
        raise LogRefused(f"A checkpoint cannot be read. {_VERIFY}") from error
    if known:
        _verified(note, witnesses.keys)
    return CheckpointRow(size=row.size, origin=row.origin, note=note, at=row.at)


def _verified(note: str, keys: tuple[WitnessKey, ...]) -> tuple[Cosignature, ...]:
    try:
        return cosignatures_of(note, keys)
    except (Malformed, SignatureInvalid) as error:
        raise LogRefused(f"A stored cosignature is not what the witness gave: {error} {_VERIFY}") from error


def _lines(row: AnchorRow) -> tuple[NoteSignature, ...]:
    try:
        return parse_signatures(f"{row.evidence}\n")
    except Malformed as error:
        raise LogRefused(f"The evidence of witness {row.name} is no cosignature. {_VERIFY}") from error
