"""Voice profiles that a refusal or withdrawal takes the ground from: each gets a stop order, one to delete it.

::

    the person's requests that made or renewed a profile, of any age -> what stands of the person's statements for the
    purpose of each, the new one included -> an order against the request where nothing covers keeping the profile

All of it in the transaction that takes the statement in. Every doubt orders the deletion. A profile that is in the
making gets its order too: what it will be called follows from the outcome.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.issuers import Registry
from consentgate.consent.keeping import Made, kept_by
from consentgate.errors import Malformed
from consentgate.ledger import standing
from consentgate.ledger.book import Book, open_parts
from consentgate.ledger.stops import makes_profiles, order_stop
from consentgate.ledger.vault import Subject
from consentgate.storage import entries, subjects
from consentgate.storage.subjects import LinkedEntry

_MADE_NOTHING: Final = frozenset({"rejected", "not_sent"})


def order_deletions(
    book: Book,
    connection: Connection,
    at: datetime,
    about: Collection[UUID],
    registry: Registry,
    *,
    cause: UUID,
) -> tuple[UUID, ...]:
    """Write an order for each voice profile that nothing covers any more.

    Args:
        book: the ledger.
        connection: the write transaction that takes the refusal or withdrawal in.
        at: its time.
        about: ids of the subjects that it reaches.
        registry: the issuers in force.
        cause: id of its entry, which is written.

    Returns:
        Ids of the intents of the requests that made them.
    """
    ordered: list[UUID] = []
    named: set[str] = set()
    for linked, decisions, keys in _made(book, connection, about):
        profile = _profile(book, connection, linked, keys)
        if entries.stop_orders(connection, book.tenant, linked.row.id):
            named.update([profile] if profile is not None else [])
            continue
        mine = [each for each in decisions if standing.is_about(book, connection, each, about)]
        if profile in named or all(_is_kept(book, connection, each, registry, at) for each in mine):
            continue
        whose = next((s for s in linked.subjects if s in about and s in keys), None)
        if whose is not None:
            named.update([profile] if profile is not None else [])
            order_stop(book, connection, at, linked, Subject(id=whose, data_key=keys[whose]), cause=cause)
            ordered.append(linked.row.id)
    return tuple(ordered)


def _made(
    book: Book, connection: Connection, about: Collection[UUID]
) -> Iterator[tuple[LinkedEntry, list[Mapping[str, Json]], dict[UUID, bytes]]]:
    """Find what made or may have made a profile, with its decisions and the keys at hand."""
    for linked in subjects.entries_of(connection, book.tenant, about, ["intent"]):
        keys = book.vault.data_keys(connection, linked.subjects)
        try:
            opened = open_parts(linked.row, keys.values())
        except Malformed:
            # Damaged: verification says so. A no is taken in all the same.
            continue
        decisions = [told for name, told in opened.items() if name.startswith("decision.")]
        if not makes_profiles(decisions):
            continue
        outcome = entries.final_outcome(connection, book.tenant, linked.row.id)
        if outcome is None or outcome.end not in _MADE_NOTHING:
            yield linked, decisions, keys


def _profile(
    book: Book, connection: Connection, linked: LinkedEntry, keys: Mapping[UUID, bytes]
) -> str | None:
    """Name the profile, where its outcome does: several requests may be about one."""
    outcome = entries.final_outcome(connection, book.tenant, linked.row.id)
    try:
        opened = open_parts(outcome, keys.values()) if outcome is not None else {}
    except Malformed:
        return None
    found = [told.get("task") for name, told in opened.items() if name.startswith("exchange.")]
    return next((each for each in found if isinstance(each, str)), None)


def _is_kept(
    book: Book, connection: Connection, decision: Mapping[str, Json], registry: Registry, at: datetime
) -> bool:
    """Whether what stands of the person's statements covers keeping the profile."""
    state, purpose = standing.state_for(book, connection, decision, registry), decision.get("purpose")
    if state is None or not isinstance(purpose, str):
        return False
    made = Made(
        purpose=purpose, controller=_text(decision, "controller"), grant=_text(_decided(decision), "grant")
    )
    return kept_by(state, made, at) is not None


def _decided(decision: Mapping[str, Json]) -> Mapping[str, Json]:
    told = decision.get("decision")
    return told if isinstance(told, Mapping) else {}


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
