"""Deciding stored decisions again, from what their entries name: nothing should come out otherwise.

Everything that a decision read is an entry or an artifact. Statements are verified anew by the registry that the
decision names, assertions are read anew, the packs are the ones of its digest, and what it was told stands in it.

Invariants: nothing is written, and nothing of today has a part in it, unless the registry of now is asked for;
what cannot be opened or found is said, never guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.config.packsets import of_ledger
from consentgate.config.parts import Parts
from consentgate.consent.issuers import Registry
from consentgate.consent.reference import Reference
from consentgate.consent.state import Received, fold
from consentgate.entries import leaf as leaves
from consentgate.errors import InvalidInput, Malformed, PackInvalid
from consentgate.ledger import controller, statements
from consentgate.ledger.book import open_parts
from consentgate.ledger.vault import BODY, month_key
from consentgate.moment import parse_uuid
from consentgate.packs.packset import PackSet
from consentgate.policy.assertions import Assertion, in_force
from consentgate.policy.decide import Decision, decide
from consentgate.policy.facts import candidates
from consentgate.policy.record import decision_from, decision_json, request_from, speaker_from
from consentgate.policy.requirements import merge
from consentgate.storage import entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass
from consentgate.version import VERSION

Verdict: TypeAlias = Literal["same", "different", "broken", "sealed", "no law"]

KINDS: Final = ("intent", "denial")
_PAGE: Final = 200
# Whom an assertion is about only matters for leaving others out; those of a decision are all about its speaker.
_SPEAKER: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One decision, decided again.

    Attributes:
        entry: id of its entry.
        kind: ``intent`` or ``denial``.
        at: when it was written.
        part: which part of the entry it is, one for each speaker.
        verdict: ``same`` or ``different``; ``broken`` where something that it names is missing or altered;
            ``sealed`` where a key was destroyed; ``no law`` where none was asked: denied before, or about nobody.
        why: what is broken, or that another version of the engine decided.
        stored: the decision as it is stored, or None.
        again: the decision as it comes out, or None.
        differs: the members in which they differ.
    """

    entry: UUID
    kind: str
    at: datetime
    part: str
    verdict: Verdict
    why: str = ""
    stored: Decision | None = field(default=None, repr=False)
    again: Decision | None = field(default=None, repr=False)
    differs: tuple[str, ...] = ()


class Replayer:
    """Decides again; keeps the packs and registries that it has read."""

    def __init__(self, parts: Parts, *, registry_now: bool) -> None:
        """Prepare.

        Args:
            parts: the deployment.
            registry_now: whether to verify statements by the registry of now.
        """
        self._parts = parts
        self._now = registry_now
        self._packs: dict[bytes, PackSet] = {}
        self._registries: dict[bytes, Registry] = {}

    def since(self, at: datetime | None) -> Iterator[Replayed]:
        """Decide every stored decision again.

        Args:
            at: only those written at this time or later; None for all.

        Yields:
            What each came to, intents first, each kind in the order in which they were written.
        """
        for kind in KINDS:
            after = 0
            while page := self._page(kind, after):
                after = page[-1].ordinal
                for row in page:
                    if at is None or row.at >= at:
                        yield from self._row(row)

    def one(self, entry: UUID) -> Iterator[Replayed]:
        """Decide one stored decision again.

        Args:
            entry: id of its entry.

        Yields:
            What it came to, once for each speaker.

        Raises:
            InvalidInput: there is no such decision.
        """
        with self._parts.database.read() as connection:
            row = entries.by_id(connection, self._parts.book.tenant, entry)
        if row is None or row.kind not in KINDS:
            raise InvalidInput(
                "This entry is no decision: `consentgate entries list --kind denial` lists denials."
            )
        yield from self._row(row)

    def _page(self, kind: str, after: int) -> Sequence[EntryRow]:
        with self._parts.database.read() as connection:
            return entries.of_kind(connection, self._parts.book.tenant, kind, after=after, limit=_PAGE)

    def _row(self, row: EntryRow) -> Iterator[Replayed]:
        try:
            with self._parts.database.read() as connection:
                contents = self._opened(connection, row)
                yield from [self._part(connection, row, name, content) for name, content in contents]
        except Malformed as error:
            yield _replayed(row, "", "broken", why=str(error))

    def _opened(self, connection: Connection, row: EntryRow) -> list[tuple[str, Mapping[str, Json] | None]]:
        vault = self._parts.book.vault
        about = subjects.subjects_of(connection, self._parts.book.tenant, [row.id])[row.id]
        keys = [*vault.data_keys(connection, about).values()]
        own = [vault.find_key(connection, name) for name in (month_key("unattributed", row.at), BODY)]
        opened = open_parts(row, [*keys, *(key for key in own if key is not None)])
        named = [part for part in _part_names(row) if part.startswith(("decision.", "body."))]
        return [(part, opened.get(part)) for part in named]

    def _part(
        self, connection: Connection, row: EntryRow, name: str, content: Mapping[str, Json] | None
    ) -> Replayed:
        if content is None:
            return _replayed(row, name, "sealed")
        if name.startswith("body."):
            return _replayed(row, name, "no law")
        try:
            stored = decision_from(content.get("decision"))
            again = self._decide(connection, content, stored.at)
        except (Malformed, PackInvalid, InvalidInput) as error:
            return _replayed(row, name, "broken", why=str(error))
        before, now = decision_json(stored), decision_json(again)
        differs = tuple(sorted(k for k in {*before, *now} if before.get(k) != now.get(k)))
        if row.kind == "intent" and not stored.allowed and "shadow" not in content:
            differs = (*differs, "request")
        verdict: Verdict = "different" if differs else "same"
        why = _engines(content) if differs else ""
        return _replayed(row, name, verdict, why=why, stored=stored, again=again, differs=differs)

    def _decide(self, connection: Connection, content: Mapping[str, Json], at: datetime) -> Decision:
        speaker, asked = speaker_from(content.get("speaker")), request_from(content.get("asked"))
        purpose = asked.purpose
        standing = in_force(self._assertions(connection, content), at, about=str(_SPEAKER))
        own = content.get("controller_jurisdiction")
        codes = candidates(speaker.evidence, controller=own if isinstance(own, str) else None)
        packs = self._packs_of(_digest(content, "packs"))
        received = self._received(connection, content)
        return decide(
            request=asked,
            speaker=speaker,
            state=fold(received, references=_references(content), purpose=purpose),
            requirements=merge(codes, packs, day=at.date(), purpose=purpose, standing=standing),
            standing=standing,
            at=at,
        )

    def _assertions(self, connection: Connection, content: Mapping[str, Json]) -> list[Assertion]:
        found = []
        body = self._parts.book.vault.find_key(connection, BODY)
        for linked in self._linked(connection, content, "assertions"):
            keys = [*self._parts.book.vault.data_keys(connection, linked.subjects).values()]
            about = _SPEAKER if linked.row.about_people else None
            one = controller.assertion_of(linked.row, keys if body is None else [*keys, body], about)
            if one is None:
                raise Malformed("An assertion that the decision read lies under a key that was destroyed.")
            found.append(one)
        return found

    def _received(self, connection: Connection, content: Mapping[str, Json]) -> Sequence[Received]:
        book = self._parts.book
        linked = self._linked(connection, content, "statements")
        keys = book.vault.data_keys(connection, [s for each in linked for s in each.subjects])
        found = statements.received(book, connection, linked, keys, self._registry(connection, content))
        if len(found) != len(linked):
            raise Malformed("A statement that the decision read lies under a key that was destroyed.")
        return found

    def _linked(self, connection: Connection, content: Mapping[str, Json], name: str) -> list[LinkedEntry]:
        tenant, kind = self._parts.book.tenant, name.removesuffix("s")
        ids = [_entry_id(each) for each in _list(content, name)]
        about = subjects.subjects_of(connection, tenant, ids)
        found = []
        for each in ids:
            row = entries.by_id(connection, tenant, each)
            if row is None or row.kind != kind:
                raise Malformed(
                    f"The decision read {kind} {each}, which is not there. Run `consentgate verify`."
                )
            found.append(LinkedEntry(row=row, subjects=about[each]))
        return found

    def _registry(self, connection: Connection, content: Mapping[str, Json]) -> Registry:
        if self._now:
            return self._parts.reader.controller(connection).registry
        digest = _digest(content, "registry")
        known = self._registries.get(digest)
        if known is None:
            known = self._registries[digest] = controller.registry(self._parts.book, connection, digest)
        return known

    def _packs_of(self, digest: bytes) -> PackSet:
        known = self._packs.get(digest)
        if known is None:
            known = self._packs[digest] = of_ledger(self._parts, digest)
        return known


def _replayed(
    row: EntryRow,
    part: str,
    verdict: Verdict,
    *,
    why: str = "",
    stored: Decision | None = None,
    again: Decision | None = None,
    differs: tuple[str, ...] = (),
) -> Replayed:
    return Replayed(
        entry=row.id,
        kind=row.kind,
        at=row.at,
        part=part,
        verdict=verdict,
        why=why,
        stored=stored,
        again=again,
        differs=differs,
    )


def _engines(content: Mapping[str, Json]) -> str:
    engine = content.get("engine")
    return "" if engine == VERSION else f"It was decided by consentgate {engine}, and again by {VERSION}."


def _part_names(row: EntryRow) -> tuple[str, ...]:
    return tuple(part.p for part in leaves.decode(row.leaf).parts)


def _list(content: Mapping[str, Json], name: str) -> list[Json]:
    found = content.get(name)
    if not isinstance(found, list):
        raise Malformed(f"The stored decision does not name its {name}.")
    return found


def _entry_id(value: Json) -> UUID:
    if not isinstance(value, str):
        raise Malformed("The stored decision names an entry in no form that can be read.")
    return parse_uuid(value)


def _digest(content: Mapping[str, Json], name: str) -> bytes:
    found = content.get(name)
    if not isinstance(found, str):
        raise Malformed(f"The stored decision does not name its {name}.")
    return canonical.unb64(found)


def _references(content: Mapping[str, Json]) -> tuple[Reference, ...]:
    found = []
    for each in _list(content, "references"):
        kind, value = (each.get("kind"), each.get("value")) if isinstance(each, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(value, str):
            raise Malformed("The stored decision names a reference in no form that can be read.")
        found.append(Reference(kind=kind, value=value))
    return tuple(found)
