"""Taking statements in.

::

    token -> issuer's key -> signature -> claims -> notice is there -> clock -> entry, index row, links, stop
    orders

All of it in one write transaction. A statement that is there already is taken in again without effect; the
same id with other content is refused. Statements lie sealed: a token is personal data.
"""

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.issuers import Registry, key_problems
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, Statement, from_claims
from consentgate.crypto import jws
from consentgate.errors import (
    ClockSkew,
    InvalidInput,
    NoticeExceeded,
    RecordConflict,
    UnknownIssuer,
    UnknownNotice,
)
from consentgate.ledger import bindings, notices
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.ledger.profiles import order_deletions
from consentgate.ledger.statements import read_statement
from consentgate.ledger.stops import order_stops
from consentgate.storage import entries, subjects
from consentgate.storage import statements as rows
from consentgate.values import dataclass


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
        skew: how far in the future a statement may claim to be that allows something.

    Returns:
        Its entry; durable when the transaction commits.

    Raises:
        Malformed: the token or its claims do not follow the format.
        SignatureInvalid: the signature does not fit.
        UnknownIssuer: no issuer in the registry holds the key, or it no longer counts and the statement allows
            something.
        UnknownNotice: the notice that it names is not in the ledger.
        NoticeExceeded: a grant says more than its notice asked for.
        ClockSkew: a statement that allows something claims a time too far in the future.
        RecordConflict: its id is taken by another statement.
        StatementRefused: it would make more references one person than may be.
    """
    parsed = jws.parse(token, typ=TYP)
    statement = from_claims(parsed.payload)
    same = bindings.hold(book, connection, statement, registry)
    at = book.now()
    known = rows.entry_of(connection, book.tenant, statement.key)
    _verify(parsed, statement, registry, at, known=known is not None)
    if known is not None:
        _same(book, connection, known, parsed)
        return Ingested(entry=known, statement=statement, new=False)
    manifest = _notice(book, connection, statement)
    # A no never waits for a clock; what allows something may not claim to be from later on.
    if statement.gives and statement.event_time > at + skew:
        raise ClockSkew
    bindings.check_size(statement, same)
    entry, about = _written(book, connection, at, token, statement, manifest, same)
    stops: tuple[UUID, ...] = ()
    if statement.refuses:
        stops = _ordered(book, connection, at, statement, about, registry, entry)
    elif statement.pair is not None:
        stops = bindings.settle(book, connection, at, statement, about, registry, cause=entry)
    return Ingested(entry=entry, statement=statement, new=True, stops=stops)


def require_negative(token: str) -> None:
    """Refuse a token that is no refusal or withdrawal; its signature is not verified here.

    Args:
        token: the compact JWS.

    Raises:
        InvalidInput: it is something else.
        Malformed: it does not follow the format.
    """
    statement = from_claims(jws.parse(token, typ=TYP).payload)
    if not statement.refuses:
        what = "a grant" if statement.grants else "about two references"
        raise InvalidInput(
            f"This statement is {what}; take it in with `ingest` or `consentgate consent add`."
        )


def _written(
    book: Book,
    connection: Connection,
    at: datetime,
    token: str,
    statement: Statement,
    manifest: bytes | None,
    same: Iterable[Reference],
) -> tuple[UUID, set[UUID]]:
    """Write entry, index row and links; give the entry and whom it is linked to."""
    first = book.vault.ensure(connection, statement.references[0])
    about = {first.id, *_reached(book, connection, statement), *bindings.subjects_of(book, connection, same)}
    members: dict[str, Json] = {"token": token}
    if manifest is not None:
        members["manifest"] = canonical.b64(manifest)
    part = Content(name="statement.0", data_key=first.data_key, members=members)
    entry = book.write(connection, "statement", at, [part], about).id
    rows.insert_statement(connection, book.tenant, entry, statement.key)
    return entry, about


def _ordered(
    book: Book,
    connection: Connection,
    at: datetime,
    statement: Statement,
    about: set[UUID],
    registry: Registry,
    cause: UUID,
) -> tuple[UUID, ...]:
    """Order the stop of what runs, and the deletion of the voice profiles that nothing covers any more."""
    purposes = frozenset(statement.purposes)
    stops = order_stops(book, connection, at, about, purposes, cause=cause)
    return stops + order_deletions(book, connection, at, about, registry, cause=cause)


def _verify(parsed: jws.Jws, statement: Statement, registry: Registry, at: datetime, *, known: bool) -> None:
    key = registry.key(statement.issuer, parsed.kid)
    if key is None:
        raise UnknownIssuer
    jws.verify(parsed, key.public)
    # A key that no longer counts allows nothing; but nobody needs leave to say no.
    if not statement.gives or known:
        return
    if key.state != "active" or key_problems(key, received_at=at, trusted_at=None):
        raise UnknownIssuer(
            "The key that signed this is retired, compromised or outside its dates. Sign with a key that counts."
        )


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
    others = statement.references[1:]
    if statement.grants:
        return set(book.vault.find(connection, others).values())
    # A refusal must reach a person whom we meet later under this reference alone: the subject is made now.
    return {book.vault.ensure(connection, reference).id for reference in others}
