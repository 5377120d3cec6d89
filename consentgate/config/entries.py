"""Looking at entries: lists, and one entry opened as far as our keys go.

Invariants: hashes and digests are recomputed from the stored bytes; a part that no key here opens is said to
be sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.config.parts import Parts
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Leaf
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger.book import open_parts
from consentgate.ledger.vault import BODY, month_key
from consentgate.moment import parse_uuid
from consentgate.storage import entries, listing, sequence, subjects
from consentgate.storage.entries import EntryRow
from consentgate.storage.listing import Listed
from consentgate.tlog.merkle import leaf_hash
from consentgate.values import dataclass

_SHORTEST: Final = 8
_GROUPS: Final = (8, 13, 18, 23)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One entry, opened as far as our keys go.

    Attributes:
        leaf: its leaf.
        hash: the leaf hash, recomputed.
        hash_stands: whether the stored hash is the same.
        position: its position in the log, or None.
        about: how many subjects it is linked to.
        contents: by part name; None for a part that no key here opens.
        answers: entries that answer it: kind, id, end.
    """

    leaf: Leaf
    hash: bytes
    hash_stands: bool
    position: int | None
    about: int
    contents: Mapping[str, Mapping[str, Json] | None] = field(repr=False)
    answers: tuple[EntryRow, ...] = field(repr=False)


def entry_list(
    parts: Parts, *, kinds: Sequence[str], only_open: bool, after: UUID | None, limit: int
) -> tuple[Listed, ...]:
    """List entries.

    Args:
        parts: the deployment.
        kinds: only these kinds; none means all.
        only_open: only intents without a final outcome.
        after: the entries that follow this one; None for the newest.
        limit: at most so many.

    Returns:
        The entries in the order of their rows.

    Raises:
        InvalidInput: there is no entry `after`.
    """
    tenant = parts.book.tenant
    with parts.database.read() as connection:
        ordinal = None
        if after is not None:
            row = entries.by_id(connection, tenant, after)
            if row is None:
                raise InvalidInput("There is no such entry to go on from.")
            ordinal = row.ordinal
        return listing.listed(
            connection, tenant, kinds=kinds, only_open=only_open, after=ordinal, limit=limit
        )


def entry_named(parts: Parts, text: str) -> UUID:
    """Find an entry by what a person types.

    Args:
        parts: the deployment.
        text: its whole id, or the last 8 to 12 characters of it.

    Returns:
        Its id.

    Raises:
        InvalidInput: no entry, or more than one, has this id or end.
    """
    text = text.strip().lower()
    if all(len(text) > i and text[i] == "-" for i in _GROUPS):
        try:
            return parse_uuid(text)
        except Malformed as error:
            raise InvalidInput(f"{error} `consentgate entries list` shows ids.") from error
    try:
        end = bytes.fromhex(text)
    except ValueError:
        end = b""
    if len(text) < _SHORTEST or not end or len(end) > 16:
        raise InvalidInput("An entry is named by its id, or by the last 8 characters of it.")
    with parts.database.read() as connection:
        found = listing.ids_ending(connection, parts.book.tenant, end)
    if not found:
        raise InvalidInput("No entry's id ends like this. `consentgate entries list` shows ids.")
    if len(found) > 1:
        raise InvalidInput(f"Several entries' ids end like this: {', '.join(map(str, found))}.")
    return found[0]


def entry_opened(parts: Parts, entry: UUID) -> Opened:
    """Open one entry.

    Args:
        parts: the deployment.
        entry: its id.

    Returns:
        The entry with the parts that our keys open.

    Raises:
        InvalidInput: there is no such entry.
        Malformed: its bytes are not what was written.
    """
    tenant = parts.book.tenant
    with parts.database.read() as connection:
        row = entries.by_id(connection, tenant, entry)
        if row is None:
            raise InvalidInput("There is no such entry. `consentgate entries list` shows ids.")
        leaf = leaves.decode(row.leaf)
        about = subjects.subjects_of(connection, tenant, [entry])[entry]
        opened = open_parts(row, [*_keys(parts, connection, row, about)])
        computed = leaf_hash(row.leaf)
        return Opened(
            leaf=leaf,
            hash=computed,
            hash_stands=computed == row.hash,
            position=sequence.position_of(connection, tenant, entry),
            about=len(about),
            contents={part.p: opened.get(part.p) for part in leaf.parts},
            answers=entries.answers(connection, tenant, entry, kinds=("outcome", "observation", "stop")),
        )


def _keys(parts: Parts, connection: Connection, row: EntryRow, about: Sequence[UUID]) -> list[bytes]:
    vault = parts.book.vault
    names = (BODY, month_key("matches", row.at), month_key("unattributed", row.at))
    own = (vault.find_key(connection, name) for name in names)
    return [*vault.data_keys(connection, about).values(), *(key for key in own if key is not None)]
