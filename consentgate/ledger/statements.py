"""Taking statements in, and reading back what was said about a person.

::

    token -> issuer's key -> signature -> claims -> notice is there -> clock -> entry, index row, links, stop
    orders

All of it in one write transaction. A statement that is there already is taken in again without effect; the
same id with other content is refused. Statements lie sealed: a token is personal data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.issuers import IssuerKey, Registry, key_problems
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.state import Received
from consentgate.consent.statement import TYP, Statement, from_claims
from consentgate.crypto import jws
from consentgate.errors import (
    ClockSkew,
    InvalidInput,
    Malformed,
    NoticeExceeded,
    RecordConflict,
    SignatureInvalid,
    UnknownIssuer,
    UnknownNotice,
)
from consentgate.ledger import notices
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.ledger.stops import order_stops
from consentgate.storage import entries, subjects
from consentgate.storage import statements as rows
from consentgate.storage.subjects import LinkedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What taking a statement in came to.

    Attributes:
        entry: id of the statement's entry.
        statement: what it says.
        new: whether it was not there before.
        stops: intents that a stop order was written for.
    """

    entry: UUID
    statement: Statement = field(repr=False)
    new: bool
    stops: tuple[UUID, ...] = ()


def ingest(book: Book, connection: Connection, token: str, registry: Registry, skew: timedelta) -> Ingested:
    """Take a signed statement in.

    Args:
        book: the ledger.
        connection: an open write transaction.
        token: the compact JWS.
        registry: the issuers in force.
        skew: how far in the future a grant may claim to be.

    Returns:
        Its entry; durable when the transaction commits.

    Raises:
        Malformed: the token or its claims do not follow the format.
        SignatureInvalid: the signature does not fit.
        UnknownIssuer: no issuer in the registry holds the key.
        UnknownNotice: the notice that it names is not in the ledger.
        NoticeExceeded: a grant says more than its notice asked for.
        ClockSkew: a grant claims a time too far in the future.
        RecordConflict: its id is taken by another statement.
    """
    parsed = jws.parse(token, typ=TYP)
    statement = from_claims(parsed.payload)
    book.hold(connection, statement.references)
    at = book.now()
    known = rows.entry_of(connection, book.tenant, statement.key)
    _verify(parsed, statement, registry, at, known=known is not None)
    if known is not None:
        _same(book, connection, known, parsed)
        return Ingested(entry=known, statement=statement, new=False)
    manifest = _notice(book, connection, statement)
    if statement.grants and statement.event_time > at + skew:
        raise ClockSkew
    return _take_in(book, connection, at, token, statement, manifest)


def _take_in(
    book: Book, connection: Connection, at: datetime, token: str, statement: Statement, manifest: bytes | None
) -> Ingested:
    first = book.vault.ensure(connection, statement.references[0])
    about = {first.id, *_reached(book, connection, statement)}
    members: dict[str, Json] = {"token": token}
    if manifest is not None:
        members["manifest"] = canonical.b64(manifest)
    part = Content(name="statement.0", data_key=first.data_key, members=members)
    entry = book.write(connection, "statement", at, [part], about).id
    rows.insert_statement(connection, book.tenant, entry, statement.key)
    stops: tuple[UUID, ...] = ()
    if not statement.grants:
        stops = order_stops(book, connection, at, about, frozenset(statement.purposes), cause=entry)
    return Ingested(entry=entry, statement=statement, new=True, stops=stops)


def received(
    book: Book,
    connection: Connection,
    found: Sequence[LinkedEntry],
    keys: Mapping[UUID, bytes],
    registry: Registry,
) -> tuple[Received, ...]:
    """Open and verify what was said, in commit order.

    Args:
        book: the ledger.
        connection: an open transaction.
        found: statement entries with their subjects.
        keys: data keys by subject.
        registry: the issuers in force.

    Returns:
        The statements; those whose key was destroyed are missing.

    Raises:
        Malformed: a stored statement cannot be read.
    """
    out: list[Received] = []
    for linked in found:
        parts = open_parts(linked.row, [keys[s] for s in linked.subjects if s in keys])
        content = parts.get("statement.0")
        if content is not None:
            out.append(_received(book, connection, linked, content, registry))
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


def require_negative(token: str) -> None:
    """Refuse a token that grants; its signature is not verified here.

    Args:
        token: the compact JWS.

    Raises:
        InvalidInput: it is a grant.
        Malformed: it does not follow the format.
    """
    if from_claims(jws.parse(token, typ=TYP).payload).grants:
        raise InvalidInput(
            "This statement is a grant; take it in with `ingest` or `consentgate consent add`."
        )


def _received(
    book: Book, connection: Connection, linked: LinkedEntry, content: Mapping[str, Json], registry: Registry
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
        sound=fits and _is_signed(parsed, registry.key(statement.issuer, parsed.kid), linked.row.at),
    )


def _is_signed(parsed: jws.Jws, key: IssuerKey | None, received_at: datetime) -> bool:
    # No checkpoint is anchored yet: every trusted time is weak.
    if key is None or key_problems(key, received_at=received_at, trusted_at=None):
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


def _verify(parsed: jws.Jws, statement: Statement, registry: Registry, at: datetime, *, known: bool) -> None:
    key = registry.key(statement.issuer, parsed.kid)
    if key is None:
        raise UnknownIssuer
    jws.verify(parsed, key.public)
    # A key that no longer counts grants nothing; but nobody needs leave to say no.
    if statement.grants and not known and key_problems(key, received_at=at, trusted_at=None):
        raise UnknownIssuer


def _same(book: Book, connection: Connection, known: UUID, parsed: jws.Jws) -> None:
    """The same statement again: the bytes that were signed are compared, not the signature."""
    row = entries.by_id(connection, book.tenant, known)
    linked = subjects.subjects_of(connection, book.tenant, [known])[known]
    keys = book.vault.data_keys(connection, linked)
    content = open_parts(row, keys.values()).get("statement.0") if row else None
    if content is None or read_statement(content)[0].signing_input != parsed.signing_input:
        raise RecordConflict


def _notice(book: Book, connection: Connection, statement: Statement) -> bytes | None:
    if statement.notice is None:
        return None
    found = notices.find(book, connection, statement.notice)
    if found is None:
        raise UnknownNotice
    exceeded = notices.manifest(book, connection, found).exceeded_by(statement)
    if exceeded:
        raise NoticeExceeded(f"The grant says more than its notice asked for: {', '.join(exceeded)}.")
    return found


def _reached(book: Book, connection: Connection, statement: Statement) -> set[UUID]:
    others: Sequence[Reference] = statement.references[1:]
    if statement.grants:
        return set(book.vault.find(connection, others).values())
    # A refusal must reach a person whom we meet later under this reference alone: the subject is made now.
    return {book.vault.ensure(connection, reference).id for reference in others}
