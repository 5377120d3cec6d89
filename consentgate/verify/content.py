"""What opened parts say, compared with the index and artifact rows beside them.

Invariants: a statement's signature verifies against the issuer registry that was in force when it was taken
in; what an entry names by digest is there.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from consentgate.canonical import Json, unb64
from consentgate.consent.issuers import Registry
from consentgate.consent.issuers import decode as decode_registry
from consentgate.consent.statement import TYP, Statement, from_claims
from consentgate.crypto import jws
from consentgate.entries.leaf import Leaf
from consentgate.errors import KeyMismatch, Malformed, SignatureInvalid
from consentgate.verify.known import RESTORE, altered, missing
from consentgate.verify.result import Finding
from consentgate.verify.source import ArtifactRow, EntryRow, LedgerSource

_NAMES: Final = {
    "registry": ("body.0", "registry"),
    "packs": ("body.0", "packs"),
    "statement": ("statement.0", "manifest"),
}
"""Which member of which part names an artifact by its digest, by kind."""


class Contents:
    """Goes through opened parts in the order of the entries, and counts the links that were destroyed.

    Attributes:
        destroyed: the sum of ``links`` in the `key_destroyed` entries so far.
    """

    def __init__(self, source: LedgerSource) -> None:
        self._artifacts: set[tuple[str, bytes]] = set()
        self._registries: dict[tuple[str, bytes], ArtifactRow] = {}
        for each in source.artifacts():
            self._artifacts.add((each.tenant, each.digest))
            if each.kind == "registry":
                self._registries[each.tenant, each.digest] = each
        self._keys = {(each.tenant, each.entry): each.key for each in source.statements()}
        self._in_force: dict[str, Registry] = {}
        self.destroyed = 0

    def check(self, row: EntryRow, leaf: Leaf, opened: Mapping[str, Json]) -> Iterator[Finding]:
        """Check what one entry says.

        Args:
            row: the entry.
            leaf: its leaf.
            opened: the contents of its parts that were opened, by name.

        Yields:
            The findings.
        """
        where = f"entry {leaf.id}"
        part, member = _NAMES.get(leaf.kind, ("", ""))
        content = opened.get(part)
        try:
            digest = _digest(content, member)
        except Malformed as problem:
            yield altered(f"{where}, {member}", "a digest", str(problem))
            return
        if digest is not None and (row.tenant, digest) not in self._artifacts:
            yield missing(f"{where}, {member}", f"the artifact {digest.hex()}")
        if leaf.kind == "registry" and digest is not None:
            yield from self._registry(row, digest, where)
        elif leaf.kind == "statement" and content is not None:
            yield from self._statement(row, content, where)
        elif leaf.kind == "key_destroyed":
            yield from self._destroyed(opened.get("body.0"), where)

    def _registry(self, row: EntryRow, digest: bytes, where: str) -> Iterator[Finding]:
        stored = self._registries.get((row.tenant, digest))
        if stored is None:
            return
        try:
            self._in_force[row.tenant] = decode_registry(stored.content)
        except Malformed as problem:
            yield altered(f"{where}, registry", "an issuer registry", str(problem))

    def _statement(self, row: EntryRow, content: Json, where: str) -> Iterator[Finding]:
        token = content.get("token") if isinstance(content, dict) else None
        try:
            parsed = jws.parse(token if isinstance(token, str) else "", typ=TYP)
            statement = from_claims(parsed.payload)
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
        elif content is not None:
            yield altered(f"{where}, links", "a number of links", "none")


def _digest(content: Json, member: str) -> bytes | None:
    named = content.get(member) if isinstance(content, dict) else None
    return unb64(named) if isinstance(named, str) else None
