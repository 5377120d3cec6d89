"""What opened parts say, compared with the rows beside them.

Invariants: a statement's signature verifies against the issuer registry that was in force when it was taken
in; what an entry names by digest is there; whom it names by reference finds it.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from consentgate.canonical import Json, unb64
from consentgate.consent.issuers import Registry
from consentgate.consent.issuers import decode as decode_registry
from consentgate.consent.statement import Statement
from consentgate.crypto import jws
from consentgate.entries.leaf import Leaf
from consentgate.errors import KeyMismatch, Malformed, SignatureInvalid
from consentgate.values import dataclass
from consentgate.verify.artifacts import MANIFEST, PACKS, REGISTRY, TIMESTAMP, Artifacts
from consentgate.verify.known import RESTORE, altered
from consentgate.verify.naming import statement_of
from consentgate.verify.reach import Reach
from consentgate.verify.result import Finding
from consentgate.verify.rows import EntryRow
from consentgate.verify.source import EntrySource

_STATEMENT: Final = "statement.0"
_BODY: Final = "body.0"
_EXPORT: Final = "export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A part that was opened.

    Attributes:
        content: what it says.
        owner: the person under whose key it lay; None for a key of the tenant.
    """

    content: Json = field(repr=False)
    owner: bytes | None


class Contents:
    """Goes through opened parts in the order of the entries, and counts the links that were destroyed.

    Attributes:
        destroyed: the sum of ``links`` in the `key_destroyed` entries so far.
        blind: whether an entry that names artifacts could not be opened.
    """

    def __init__(self, source: EntrySource, artifacts: Artifacts, reach: Reach) -> None:
        self._artifacts = artifacts
        self._reach = reach
        self._keys = {(each.tenant, each.entry): each.key for each in source.statements()}
        self._in_force: dict[str, Registry] = {}
        self.destroyed = 0
        self.blind = False

    def linked(self, row: EntryRow) -> Sequence[bytes]:
        """Say whom an entry in its turn is linked to.

        Args:
            row: the entry.

        Returns:
            The subjects.
        """
        return self._reach.links.get((row.tenant, row.id), ())

    def check(self, row: EntryRow, leaf: Leaf, opened: Mapping[str, Opened]) -> Iterator[Finding]:
        """Check what one entry says.

        Args:
            row: the entry.
            leaf: its leaf.
            opened: its parts that were opened, by name.

        Yields:
            The findings.
        """
        where = f"entry {leaf.id}"
        if leaf.kind == "call":
            for name, part in opened.items():
                yield from self._reach.check_call(row, f"{where}, part {name}", part.content, part.owner)
        elif leaf.kind == "outcome":
            for name, part in list(opened.items())[:1]:
                yield from self._reach.check_outcome(row, f"{where}, part {name}", part.content)
        elif leaf.kind == "statement" and _STATEMENT in opened:
            yield from self._statement(row, opened[_STATEMENT], where)
        elif _BODY not in opened:
            self.blind = self.blind or leaf.kind in (REGISTRY, PACKS, _EXPORT)
        elif leaf.kind == "registry":
            yield from self._registry(row, opened[_BODY].content, where)
        elif leaf.kind == "packs":
            yield from self._named(row, opened[_BODY].content, PACKS, where, PACKS)
        elif leaf.kind == _EXPORT:
            yield from self._named(row, opened[_BODY].content, "timestamp", where, TIMESTAMP)
        elif leaf.kind == "key_destroyed":
            yield from self._destroyed(opened[_BODY].content, where)

    def _named(
        self, row: EntryRow, content: Json, member: str, where: str, kind: str
    ) -> Generator[Finding, None, bytes | None]:
        """Follow the digest that a member holds, if there is one, and give it back."""
        named = content.get(member) if isinstance(content, dict) else None
        try:
            digest = unb64(named) if isinstance(named, str) else None
        except Malformed as problem:
            yield altered(f"{where}, {member}", "a digest", str(problem))
            return None
        if digest is not None:
            yield from self._artifacts.name(row.tenant, digest, kind, f"{where}, {member}")
        return digest

    def _registry(self, row: EntryRow, content: Json, where: str) -> Iterator[Finding]:
        digest = yield from self._named(row, content, "registry", where, REGISTRY)
        stored = self._artifacts.content(row.tenant, digest) if digest is not None else None
        if stored is None:
            return
        try:
            self._in_force[row.tenant] = decode_registry(stored)
        except Malformed as problem:
            yield altered(f"{where}, registry", "an issuer registry", str(problem))

    def _statement(self, row: EntryRow, part: Opened, where: str) -> Iterator[Finding]:
        yield from self._named(row, part.content, "manifest", where, MANIFEST)
        try:
            parsed, statement = statement_of(part.content)
        except Malformed as problem:
            yield altered(f"{where}, statement", "a signed statement", str(problem))
            return
        key = self._keys.get((row.tenant, row.id))
        if key is not None and key != statement.key:
            yield altered(f"statement index of {where}, column key", statement.key.hex(), key.hex())
        problem_found = self._signature(row.tenant, parsed, statement)
        if problem_found is not None:
            yield Finding(
                kind="unsigned",
                where=f"{where}, statement",
                expected="a signature by a key of the registry in force",
                found=problem_found,
                cure=RESTORE,
            )
        if part.owner is not None:
            yield from self._reach.check_statement(row, where, statement, part.owner)

    def _signature(self, tenant: str, parsed: jws.Jws, statement: Statement) -> str | None:
        registry = self._in_force.get(tenant, Registry())
        key = registry.key(statement.issuer, parsed.kid)
        if key is None:
            return "no such key in the registry"
        try:
            jws.verify(parsed, key.public)
        except (KeyMismatch, SignatureInvalid) as problem:
            return str(problem)
        return None

    def _destroyed(self, content: Json, where: str) -> Iterator[Finding]:
        links = content.get("links") if isinstance(content, dict) else None
        if isinstance(links, int) and not isinstance(links, bool) and links >= 0:
            self.destroyed += links
        else:
            yield altered(f"{where}, links", "a number of links", "none")
