"""Reading back what was said about a person: opened, verified, in commit order.

Invariant: what does not fit is given back as not sound, never left out; only what nobody can open is missing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.issuers import IssuerKey, Registry, key_problems
from consentgate.consent.notice import Manifest
from consentgate.consent.state import Received
from consentgate.consent.statement import TYP, Statement, from_claims
from consentgate.crypto import jws
from consentgate.errors import Malformed, SignatureInvalid
from consentgate.ledger import notices, times
from consentgate.ledger.book import Book, open_parts
from consentgate.storage.subjects import LinkedEntry


def received(
    book: Book,
    connection: Connection,
    found: Sequence[LinkedEntry],
    keys: Mapping[UUID, bytes],
    registry: Registry,
    *,
    timed: bool = False,
) -> tuple[Received, ...]:
    """Open and verify what was said, in commit order.

    Args:
        book: the ledger.
        connection: an open transaction.
        found: statement entries with their subjects.
        keys: data keys by subject.
        registry: the issuers in force.
        timed: whether to look for trusted times although no key is compromised, to show them.

    Returns:
        The statements; those whose key was destroyed are missing.

    Raises:
        Malformed: a stored statement cannot be read.
    """
    trusted: Mapping[UUID, datetime] = {}
    if timed or times.matter(registry):
        ids = [linked.row.id for linked in found]
        trusted = times.trusted_times(connection, book.tenant, ids)
    out: list[Received] = []
    for linked in found:
        parts = open_parts(linked.row, [keys[s] for s in linked.subjects if s in keys])
        content = parts.get("statement.0")
        if content is not None:
            at = trusted.get(linked.row.id)
            out.append(_received(book, connection, linked, content, registry, at))
    return tuple(out)


def read_statement(content: Mapping[str, Json]) -> tuple[jws.Jws, Statement]:
    """Read the content of a statement's part.

    Args:
        content: what the part holds.

    Returns:
        The parsed token and what it says, its signature not verified.

    Raises:
        Malformed: it is something else.
    """
    token = content.get("token")
    if not isinstance(token, str):
        raise Malformed("A stored statement holds no token.")
    parsed = jws.parse(token, typ=TYP)
    return parsed, from_claims(parsed.payload)


def _received(
    book: Book,
    connection: Connection,
    linked: LinkedEntry,
    content: Mapping[str, Json],
    registry: Registry,
    trusted_at: datetime | None,
) -> Received:
    parsed, statement = read_statement(content)
    manifest = _manifest(book, connection, content.get("manifest"))
    fits = statement.notice is None or (
        manifest is not None
        and manifest.is_named_by(statement.notice)
        and not manifest.exceeded_by(statement)
    )
    return Received(
        statement=statement,
        entry=str(linked.row.id),
        received_at=linked.row.at,
        notice=manifest,
        issuer=registry.issuer(statement.issuer),
        sound=fits
        and _is_signed(parsed, registry.key(statement.issuer, parsed.kid), linked.row.at, trusted_at),
        trusted_at=trusted_at,
    )


def _is_signed(
    parsed: jws.Jws, key: IssuerKey | None, received_at: datetime, trusted_at: datetime | None
) -> bool:
    if key is None or key_problems(key, received_at=received_at, trusted_at=trusted_at):
        return False
    try:
        jws.verify(parsed, key.public)
    except SignatureInvalid:
        return False
    return True


def _manifest(book: Book, connection: Connection, named: Json) -> Manifest | None:
    if named is None:
        return None
    if not isinstance(named, str):
        raise Malformed("A stored statement names its notice in no form that can be read.")
    return notices.manifest(book, connection, canonical.unb64(named))
