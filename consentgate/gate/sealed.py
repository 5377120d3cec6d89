"""An outcome on its way to the ledger by another road: sealed into one text, and read back.

The text is an envelope under custody's key, so that it shows neither whom it is about nor how the request
ended. Inside, what came back lies once for each speaker, under a key that follows from that speaker's data key:
when a person's key is destroyed, what such a text holds about them goes too.

Invariant: what was sealed is read back as the same `Ending`, or refused.
"""

from dataclasses import field
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.consent import shapes
from consentgate.consent.readers import Shaped
from consentgate.crypto import derive, jwe
from consentgate.entries.leaf import Answer
from consentgate.errors import Malformed
from consentgate.gate.context import GateContext
from consentgate.gate.outcomes import Attempt, End
from consentgate.gate.request import Ending, Exchange
from consentgate.ledger.vault import Subject
from consentgate.moment import parse_uuid
from consentgate.storage import entries
from consentgate.values import dataclass

T = TypeVar("T", bound=Shaped)

_NAME: Final = "ending"
_LIMIT: Final = jwe.TOKEN_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """One speaker's copy of what came back."""

    subject: bytes
    jwe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outside:
    """What an envelope holds."""

    tenant: str
    entry: str
    intent: str
    hash: bytes
    end: End
    about: tuple[bytes, ...]
    copies: tuple[_Copy, ...]
    locks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """What came back, and where the task was started."""

    service: str
    operation: str
    path: str = field(repr=False)
    results: bool
    summary: bytes = field(repr=False)
    region: str | None = None
    attempts: tuple[Attempt, ...] = ()
    status: int | None = None
    request_id: str | None = None
    body: bytes | None = field(default=None, repr=False)
    task: str | None = field(default=None, repr=False)
    error: str | None = None
    shadow: bool = False


def seal_ending(gate: GateContext, ending: Ending) -> str:
    """Seal an outcome.

    Args:
        gate: the gate.
        ending: the outcome.

    Returns:
        The text.

    Raises:
        InvalidInput: the answer is too large.
        Unavailable: the wrapping key is out of reach.
    """
    inside = shapes.to_bytes(_inside(ending))
    copies = tuple(
        _Copy(
            subject=owner.id.bytes,
            jwe=jwe.seal(inside, key=_key(owner.data_key, ending.entry), iv=gate.book.random(jwe.IV_BYTES)),
        )
        for owner in ending.owners
    )
    outside = _Outside(
        tenant=gate.book.tenant,
        entry=str(ending.entry),
        intent=str(ending.intent.id),
        hash=ending.intent.h,
        end=ending.end,
        about=tuple(sorted(each.bytes for each in ending.about)),
        copies=copies,
        locks=tuple(str(number) for number in sorted(ending.locks)),
    )
    return gate.envelopes.seal(shapes.to_bytes(outside))


def open_ending(gate: GateContext, connection: Connection, record: str) -> Ending:
    """Read an outcome back.

    Args:
        gate: the gate.
        connection: an open transaction: the speakers' keys are looked up, and the intent.
        record: what `seal_ending` gave.

    Returns:
        The outcome.

    Raises:
        Malformed: the text was changed, answers an intent of another ledger, or is about a person whose key is
            gone.
        Unavailable: a key is out of reach.
    """
    outside = _read(_Outside, gate.envelopes.open(record))
    ids = tuple(_subject(each.subject) for each in outside.copies)
    keys = gate.book.vault.data_keys(connection, ids)
    intent = entries.by_id(connection, gate.book.tenant, parse_uuid(outside.intent))
    if outside.tenant != gate.book.tenant or intent is None or intent.hash != outside.hash:
        raise Malformed("The outcome answers an intent that this ledger does not have.")
    if outside.end == "undetermined":
        raise Malformed("A request that was answered ends in no such way.")
    if not ids or not keys.keys() >= {*ids}:
        raise Malformed(
            "The outcome is about a person whose key was destroyed; it can no longer be recorded."
        )
    entry = parse_uuid(outside.entry)
    first = jwe.open_sealed(outside.copies[0].jwe, key=_key(keys[ids[0]], entry))
    return _ending(outside, entry, tuple(Subject(id=i, data_key=keys[i]) for i in ids), _read(_Inside, first))


def _inside(ending: Ending) -> _Inside:
    exchange = ending.exchange
    return _Inside(
        service=ending.service,
        operation=ending.operation,
        path=ending.path,
        results=exchange.results,
        summary=canonical.encode(dict(exchange.summary)),
        region=ending.region,
        attempts=exchange.attempts,
        status=exchange.status,
        request_id=exchange.request_id,
        body=exchange.body,
        task=exchange.task,
        error=exchange.error,
        shadow=ending.shadow,
    )


def _ending(outside: _Outside, entry: UUID, owners: tuple[Subject, ...], inside: _Inside) -> Ending:
    summary = canonical.decode(inside.summary, limit=_LIMIT)
    exchange = Exchange(
        attempts=inside.attempts,
        status=inside.status,
        request_id=inside.request_id,
        body=inside.body,
        task=inside.task,
        results=inside.results,
        summary=summary if isinstance(summary, dict) else {},
        error=inside.error,
    )
    return Ending(
        entry=entry,
        intent=Answer(id=parse_uuid(outside.intent), h=outside.hash),
        owners=owners,
        about=frozenset(map(_subject, outside.about)),
        end=outside.end,
        exchange=exchange,
        service=inside.service,
        operation=inside.operation,
        region=inside.region,
        path=inside.path,
        locks=frozenset(map(_number, outside.locks)),
        shadow=inside.shadow,
    )


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Malformed("A lock is a number.") from None


def _read(kind: type[T], data: bytes) -> T:
    return shapes.read(kind, canonical.decode(data, limit=_LIMIT), closed=True)


def _subject(data: bytes) -> UUID:
    if len(data) != 16:
        raise Malformed("A subject's id is 16 bytes.")
    return UUID(bytes=data)


def _key(data_key: bytes, entry: UUID) -> bytes:
    """The key of one speaker's copy: no part of an entry is sealed under it."""
    return derive.part_key(data_key, entry, _NAME)
