"""Before an export is on record: which entries it has, where they are in the log, and which parts nobody can open.

Invariants: only what a checkpoint covers is exported, so that everything in a package can be proved; what it does not
cover is counted.
"""

from array import array
from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

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


def choose(
    connection: Connection, book: Book, selection: Selection, head: Head, privileged: Collection[UUID] = ()
) -> Chosen:
    """Choose what is exported.

    Args:
        connection: of a read.
        book: the ledger.
        selection: what was asked for.
        head: the checkpoint.
        privileged: entries that shall be withheld; each must be one of those chosen.

    Returns:
        The entries.

    Raises:
        InvalidInput: nothing fits, or something named is not there: it would be missed in silence.
        Unavailable: nothing of it is covered yet.
        Malformed: something stored cannot be read.
    """
    opener = Opener(book.vault, book.tenant)
    chooser = Chooser(connection=connection, tenant=book.tenant, vault=book.vault, opener=opener)
    _require_known(chooser, selection)
    found = chooser.choose(selection)
    if not found:
        raise InvalidInput("No entry fits what was asked for, so nothing was exported.")
    _require_chosen(privileged, found)
    places = selecting.places(connection, book.tenant, found, log=head.log)
    positions = array("q", sorted(position for _, position in places if position < head.size))
    if not positions:
        raise Unavailable(
            "No checkpoint covers what was asked for yet."
            " Run `consentgate log sequence --once`, then `consentgate log sign --once`."
        )
    return Chosen(
        head=head,
        positions=positions,
        closed=tuple(_closed(chooser, positions, head)),
        people=tuple(sorted(chooser.people(selection))),
        not_covered=len(found) - len(positions),
    )


def _closed(chooser: Chooser, positions: Sequence[int], head: Head) -> Iterator[int]:
    parts = 0
    for page in selecting.placed(chooser.connection, chooser.tenant, positions, log=head.log):
        for held in chooser.opener.hold(chooser.connection, [row for _, row in page]):
            yield from (parts + i for i, part in enumerate(held.parts) if part.key is None)
            parts += len(held.parts)


def _require_chosen(privileged: Collection[UUID], found: Collection[bytes]) -> None:
    for each in privileged:
        if each.bytes not in found:
            raise InvalidInput(
                f"Entry {each} shall be withheld as privileged, and is not among those chosen: nothing was exported."
                " Correct its id, or leave it out."
            )


def _require_known(chooser: Chooser, selection: Selection) -> None:
    """Refuse a name that names nothing; it is said by its place, since names of people stand in no message."""
    connection, vault = chooser.connection, chooser.vault
    people = vault.find(connection, selection.subjects)
    named = {
        "person": [each in people for each in selection.subjects],
        "call": [vault.find_call(connection, each) is not None for each in selection.calls],
        "task": [
            bool(selecting.linked_to(connection, chooser.tenant, vault.task_subjects(each)))
            for each in selection.tasks
        ],
    }
    for what, known in named.items():
        if not all(known):
            raise InvalidInput(
                f"The ledger knows nothing of {what} {known.index(False) + 1} of those named: nothing was exported."
                " Correct it, or leave it out."
            )
