"""Artifacts: the exact bytes that entries and notices name by digest, and what is named in them in turn.

::

    registry entry -> registry              packs entry -> packs (an index) -> each pack
    export entry -> timestamp
    notice row, statement -> notice-manifest -> notice (the text or audio)

Invariants: an artifact's kind and media type follow from who names it, never from its own columns alone; one
that is missing is found through every chain, and one that nobody names is extra.
"""

from collections.abc import Iterable, Iterator
from dataclasses import field
from hashlib import sha256
from typing import Final, TypeAlias

from consentgate import canonical
from consentgate.consent import notice as notices
from consentgate.errors import Malformed
from consentgate.values import dataclass
from consentgate.verify.known import altered, extra, missing
from consentgate.verify.result import Finding
from consentgate.verify.rows import ArtifactRow, NoticeRow

MANIFEST: Final = "notice-manifest"
REGISTRY: Final = "registry"
PACKS: Final = "packs"
TIMESTAMP: Final = "timestamp"
_TEXT: Final = "notice"
_PACK: Final = "pack"
_JSON: Final = "application/json"
_MEDIA: Final = {
    MANIFEST: _JSON,
    REGISTRY: _JSON,
    PACKS: _JSON,
    _PACK: "application/toml",
    TIMESTAMP: "application/timestamp-reply",
}
_SEALED: Final = frozenset({REGISTRY, PACKS, TIMESTAMP})
"""Kinds that only sealed parts name: without keys nobody can tell whether they are named."""

# Manifests, registries and indexes are smaller; a recording is larger, and is never looked into.
_READ_LIMIT: Final = 4 << 20

_Key: TypeAlias = tuple[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    kind: str
    media_type: str
    content: bytes = field(repr=False)


class Artifacts:
    """The artifacts, and who named them so far."""

    def __init__(self, rows: Iterable[ArtifactRow]) -> None:
        """Read them all; the contents of large ones are not kept.

        Args:
            rows: the artifacts.
        """
        self._stored: dict[_Key, _Stored] = {}
        self._roles: dict[_Key, set[tuple[str, str]]] = {}
        self._followed: set[tuple[_Key, str]] = set()
        self._judged: set[_Key] = set()
        self._found: list[Finding] = []
        for row in rows:
            digest = sha256(row.content).digest()
            if digest != row.digest:
                where = f"artifact {row.digest.hex()}"
                self._found.append(altered(where, "bytes of this SHA-256", digest.hex()))
            content = row.content if len(row.content) <= _READ_LIMIT else b""
            self._stored[row.tenant, row.digest] = _Stored(
                kind=row.kind, media_type=row.media_type, content=content
            )

    def check(self, names: Iterable[NoticeRow]) -> Iterator[Finding]:
        """Check what can be checked without keys.

        Args:
            names: the names of notices.

        Yields:
            The findings.
        """
        yield from self._found
        for row in names:
            yield from self._notice(row)
        for (tenant, digest), stored in list(self._stored.items()):
            if stored.kind in (MANIFEST, PACKS):
                yield from self._follow(tenant, digest, stored.kind)
        yield from self._unnamed(sealed=False)

    def name(self, tenant: str, digest: bytes, kind: str, where: str) -> Iterator[Finding]:
        """Take note that something names an artifact, and follow what it names in turn.

        Args:
            tenant: whose.
            digest: SHA-256 of the artifact.
            kind: what it is to whoever names it.
            where: who that is.

        Yields:
            The findings.
        """
        yield from self._named(tenant, digest, (kind, _MEDIA[kind]), where)
        yield from self._follow(tenant, digest, kind)

    def rest(self) -> Iterator[Finding]:
        """Check what is left once every sealed part has been looked into.

        Yields:
            The findings.
        """
        yield from self._unnamed(sealed=True)

    def content(self, tenant: str, digest: bytes) -> bytes | None:
        """Give the bytes of an artifact.

        Args:
            tenant: whose.
            digest: its SHA-256.

        Returns:
            The bytes, or None where there is no such artifact.
        """
        stored = self._stored.get((tenant, digest))
        return stored.content if stored else None

    def _named(
        self, tenant: str, digest: bytes, role: tuple[str, str] | None, where: str
    ) -> Iterator[Finding]:
        """Note who names an artifact; without a role nothing says of what kind it is."""
        self._roles.setdefault((tenant, digest), set()).update([role] if role else [])
        if (tenant, digest) not in self._stored:
            yield missing(where, f"the artifact {digest.hex()}")

    def _follow(self, tenant: str, digest: bytes, kind: str) -> Iterator[Finding]:
        stored = self._stored.get((tenant, digest))
        if stored is None or ((tenant, digest), kind) in self._followed:
            return
        self._followed.add(((tenant, digest), kind))
        where = f"artifact {digest.hex()}"
        if kind == MANIFEST:
            try:
                manifest = notices.decode(stored.content)
            except Malformed as problem:
                yield altered(where, "a manifest", str(problem))
                return
            role = (_TEXT, manifest.media_type)
            yield from self._named(tenant, manifest.digest, role, f"{where}, text")
        elif kind == PACKS:
            try:
                packs = _packs(stored.content)
            except Malformed as problem:
                yield altered(where, "an index of packs", str(problem))
                return
            for code, pack in packs:
                yield from self._named(tenant, pack, (_PACK, _MEDIA[_PACK]), f"{where}, pack {code}")

    def _notice(self, row: NoticeRow) -> Iterator[Finding]:
        where = f"notice {row.id} {row.version} ({row.language})"
        yield from self._named(row.tenant, row.digest, None, f"{where}, text")
        yield from self._named(row.tenant, row.manifest, (MANIFEST, _JSON), f"{where}, manifest")
        stored = self._stored.get((row.tenant, row.manifest))
        if stored is None:
            return
        self._followed.add(((row.tenant, row.manifest), MANIFEST))
        try:
            manifest = notices.decode(stored.content)
        except Malformed as problem:
            yield altered(f"{where}, manifest", "a manifest", str(problem))
            return
        if manifest.digest == row.digest:
            self._roles[row.tenant, row.digest].add((_TEXT, manifest.media_type))
        else:
            role = (_TEXT, manifest.media_type)
            yield from self._named(row.tenant, manifest.digest, role, f"{where}, text of its manifest")
        for column, in_row, in_manifest in (
            ("id", row.id, manifest.id),
            ("version", row.version, manifest.version),
            ("language", row.language, manifest.language),
            ("digest", row.digest.hex(), manifest.digest.hex()),
        ):
            if in_row != in_manifest:
                yield altered(f"{where}, column {column}", in_manifest, in_row)

    def _unnamed(self, *, sealed: bool) -> Iterator[Finding]:
        for key, stored in self._stored.items():
            roles = self._roles.get(key)
            if key in self._judged or (roles is None and stored.kind in _SEALED and not sealed):
                continue
            self._judged.add(key)
            where = f"artifact {key[1].hex()}"
            if roles is None and stored.kind == MANIFEST:
                # The two are written together: a manifest without a name means that the name was deleted.
                yield missing(f"notice of manifest {key[1].hex()}", "its row")
            elif roles is None:
                yield extra(where, "bytes that nobody names")
            elif roles and (stored.kind, stored.media_type) not in roles:
                expected = " or ".join(sorted(" ".join(role) for role in roles))
                found = f"{stored.kind} {stored.media_type}"
                yield altered(f"{where}, columns kind and media_type", expected, found)


def _packs(content: bytes) -> list[tuple[str, bytes]]:
    index = canonical.decode(content, limit=_READ_LIMIT)
    packs = index.get("packs") if isinstance(index, dict) else None
    if not isinstance(packs, dict):
        raise Malformed("An index of packs has packs.")
    found = []
    for code, named in packs.items():
        overlay = named.get("overlay") if isinstance(named, dict) else None
        for each in (named,) if overlay is None else (named, overlay):
            digest = each.get("sha256") if isinstance(each, dict) else None
            try:
                found.append((code, bytes.fromhex(digest if isinstance(digest, str) else "-")))
            except ValueError:
                raise Malformed("An index of packs names each file with its SHA-256.") from None
    return found
