"""Retiring an issuer's key, and marking it as compromised, in the registry of a deployment.

Invariants: a new registry is made of the one that is in force under the lock that both need, so nothing that somebody
else put on record is lost; a decision under way with the registry before is made again. What falls with a key is
counted the same way before anybody is asked and when it is done, and never under a lock.
"""

from dataclasses import field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.config.parts import Parts
from consentgate.consent import keystates
from consentgate.consent.issuers import Issuer, Registry
from consentgate.errors import Unavailable, UnknownIssuer
from consentgate.ledger import controller, fallen
from consentgate.ledger.fallen import Change, Fallen
from consentgate.storage import personal
from consentgate.values import dataclass

_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Compromised:
    """What marking keys as compromised came to.

    Attributes:
        issuer: the issuer as it stands now.
        statements: how many grants, and statements that two references are one person, fell.
        people: how many people they are about.
        stops: ids of the intents that a stop order was written for.
    """

    issuer: Issuer
    statements: int
    people: int
    stops: tuple[str, ...] = field(default=())


def retire(parts: Parts, connection: Connection, iss: str, kid: str | None) -> Issuer:
    """Retire keys.

    Args:
        parts: the deployment.
        connection: an open write transaction.
        iss: the issuer's name.
        kid: thumbprint of one key, or None for all that are active.

    Returns:
        The issuer as it stands now.

    Raises:
        UnknownIssuer: it is not in the registry.
        InvalidInput: it has no such key, or the key is compromised.
    """
    parts.book.hold(connection, controller=True)
    registry = controller.in_force(parts.book, connection)
    before = _issuer(registry, iss)
    after = keystates.retired(before, parts.book.now(), kid)
    if after != before:
        controller.put_registry(parts.book, connection, registry.with_issuer(after))
    return after


def compromise(parts: Parts, iss: str, kid: str | None, since: datetime) -> Compromised:
    """Mark keys as compromised, and order to stop what rests on them.

    Args:
        parts: the deployment.
        iss: the issuer's name.
        kid: thumbprint of one key, or None for all of them.
        since: from when on they may have been in other hands.

    Returns:
        What fell.

    Raises:
        UnknownIssuer: it is not in the registry.
        InvalidInput: it has no such key, or the time cannot be used.
        Malformed: a stored statement cannot be read.
        Unavailable: the registry changed each time meanwhile.
    """
    book = parts.book
    for _ in range(_TRIES):
        registry, last = parts.database.write(lambda c: _now(parts, c))
        before, at = _issuer(registry, iss), book.now()
        after = keystates.compromised(before, since, kid, at=at)
        if after == before:
            return Compromised(issuer=after, statements=0, people=0)
        change = Change(before=registry, after=registry.with_issuer(after))
        # Statements are looked through before the lock is taken: there may be millions, and calls wait behind it.
        with parts.database.read() as connection:
            fell = fallen.fallen(book, connection, change, at)
        stops = parts.database.write(partial(_put, parts, change, fell, last))
        if stops is not None:
            return Compromised(
                issuer=after,
                statements=len(fell.statements),
                people=fell.people,
                stops=tuple(map(str, stops)),
            )
    raise Unavailable("Issuers were changed by others each time, and nothing was marked. Try again.")


def _now(parts: Parts, connection: Connection) -> tuple[Registry, int]:
    """The registry, and the last intent that was decided by it: under the lock, so that none is on its way."""
    parts.book.hold(connection, controller=True)
    last = personal.last_ordinal(connection, parts.book.tenant, "intent")
    return controller.in_force(parts.book, connection), last


def _put(
    parts: Parts, change: Change, fell: Fallen, last: int, connection: Connection
) -> tuple[UUID, ...] | None:
    """Put the registry in force with its stop orders, or do nothing where it is not made of the one in force."""
    parts.book.hold(connection, controller=True)
    if controller.in_force(parts.book, connection) != change.before:
        return None
    cause = controller.put_registry(parts.book, connection, change.after)
    return fallen.stop(parts.book, connection, change, fell, since=last, cause=cause)


def would_fall(parts: Parts, iss: str, kid: str | None, since: datetime) -> Fallen:
    """Find what would fall if keys were marked as compromised now; nothing is written.

    Args:
        parts: the deployment.
        iss: the issuer's name.
        kid: thumbprint of one key, or None for all of them.
        since: from when on they may have been in other hands.

    Returns:
        What would fall.

    Raises:
        UnknownIssuer: it is not in the registry.
        InvalidInput: it has no such key, or the time cannot be used.
        Malformed: a stored statement cannot be read.
    """
    at = parts.book.now()
    with parts.database.read() as connection:
        registry = controller.in_force(parts.book, connection)
        after = keystates.compromised(_issuer(registry, iss), since, kid, at=at)
        change = Change(before=registry, after=registry.with_issuer(after))
        return fallen.fallen(parts.book, connection, change, at)


def _issuer(registry: Registry, iss: str) -> Issuer:
    found = registry.issuer(iss)
    if found is None:
        raise UnknownIssuer(f"{iss} is not registered. `consentgate issuer list` shows those that are.")
    return found
