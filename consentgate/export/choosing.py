"""Before an export is on record: which entries it has, where they are in the log, and which parts nobody can open.

Invariants: only what a checkpoint covers is exported, so that everything in a package can be proved; what it does not
cover is counted.
"""

from array import array

from sqlalchemy import Connection

from consentgate.errors import InvalidInput, LogRefused, Malformed, SignatureInvalid, Unavailable
from consentgate.export.asked import Selection
from consentgate.export.chosen import Chooser
from consentgate.export.exported import Chosen, Head
from consentgate.export.unsealing import Opener
from consentgate.ledger.book import Book
from consentgate.log.cosigned import Witnesses, newest_cosigned
from consentgate.storage import selecting
from consentgate.tlog import checkpoint
from consentgate.tlog.notekey import NoteKey


def head_of(connection: Connection, *, log: int, vkey: str, witnesses: Witnesses) -> Head:
    """Take the newest checkpoint that enough witnesses cosigned.

    Args:
        connection: of a read.
        log: number of the log.
        vkey: its public key, from a place outside of the database.
        witnesses: whose cosignatures go with it, and how many have to.

    Returns:
        The checkpoint.

    Raises:
        Unavailable: nothing is signed yet, or too few witnesses cosigned.
        LogRefused: what is stored was not signed under that key.
    """
    newest = newest_cosigned(connection, witnesses, log=log)
    if newest is None:
        raise Unavailable(
            "No checkpoint covers any entry yet."
            " Run `consentgate log sequence --once`, then `consentgate log sign --once`."
        )
    try:
        read = checkpoint.open_checkpoint(newest.note, NoteKey.from_vkey(vkey))
    except (Malformed, SignatureInvalid) as error:
        raise LogRefused(f"The newest checkpoint is not signed under this log's key: {error}") from error
    return Head(log=log, origin=read.origin, size=read.size, root=read.root, note=newest.note, vkey=vkey)


def choose(connection: Connection, book: Book, selection: Selection, head: Head) -> Chosen:
    """Choose what is exported.

    Args:
        connection: of a read.
        book: the ledger.
        selection: what was asked for.
        head: the checkpoint.

    Returns:
        The entries.

    Raises:
        InvalidInput: nothing fits, or nothing of it is covered yet.
        Malformed: something stored cannot be read.
    """
    opener = Opener(book.vault, book.tenant)
    chooser = Chooser(connection=connection, tenant=book.tenant, vault=book.vault, opener=opener)
    found = chooser.choose(selection)
    if not found:
        raise InvalidInput("No entry fits what was asked for, so nothing was exported.")
    places = selecting.places(connection, book.tenant, found, log=head.log)
    positions = array("q", sorted(position for _, position in places if position < head.size))
    if not positions:
        raise Unavailable(
            "No checkpoint covers what was asked for yet."
            " Run `consentgate log sequence --once`, then `consentgate log sign --once`."
        )
    closed: list[int] = []
    parts = 0
    for page in selecting.placed(connection, book.tenant, positions, log=head.log):
        for held in opener.hold(connection, [row for _, row in page]):
            closed += [parts + i for i, part in enumerate(held.parts) if part.key is None]
            parts += len(held.parts)
    return Chosen(
        head=head, positions=positions, closed=tuple(closed), not_covered=len(found) - len(positions)
    )
