"""What records name by digest, and the keys: artifacts, notices under readable names, issuers' keys, the log.

Invariants: an artifact's content has the digest that it is named by, or there is no package; one that the ledger does
not hold is not enclosed, and the verifiers say so. Only what opened parts name, or what is shown of redacted ones, is
enclosed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.issuers import decode as decode_registry
from consentgate.consent.notice import decode as decode_manifest
from consentgate.errors import LogRefused, Malformed
from consentgate.export.record import Record
from consentgate.export.sink import Artifact, Folder
from consentgate.packs.index import decode as decode_index

_MANIFEST: Final = "notice-manifest"
_REGISTRY: Final = "registry"
_PACKS: Final = "packs"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_ENDINGS: Final = {
    "text/plain": "txt",
    "text/html": "html",
    "application/pdf": "pdf",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
}


class Enclosed:
    """Collects what records name, and writes it once the last one came."""

    def __init__(self, find: Callable[[bytes], Artifact | None]) -> None:
        """Begin.

        Args:
            find: gives an artifact of the ledger by its digest, or None.
        """
        self._find = find
        self._named: dict[bytes, str] = {}
        self._packs: list[str] = []

    @property
    def packs(self) -> tuple[str, ...]:
        """Digests of the pack sets that records name, base64url, in the order in which they came."""
        return tuple(self._packs)

    def take(self, record: Record) -> None:
        """Note what a record names.

        Args:
            record: the record.
        """
        for name in record.parts:
            content = record.content(name) or {}
            if record.kind == "statement":
                self._note(content.get("manifest"), _MANIFEST)
            elif record.kind == _REGISTRY:
                self._note(content.get("registry"), _REGISTRY)
            elif record.kind == _PACKS:
                digest = content.get("packs")
                if self._note(digest, _PACKS) and isinstance(digest, str) and digest not in self._packs:
                    self._packs.append(digest)

    def write(self, folder: Folder) -> None:
        """Write the artifacts, the notices under their names and the issuers' keys.

        Args:
            folder: where to.

        Raises:
            LogRefused: an artifact is not what it is named by.
            Malformed: one cannot be read.
        """
        found = {each.digest: each for each in self._artifacts()}
        for _, each in sorted(found.items()):
            path = f"data/artifacts/{each.digest.hex()}"
            folder.put(path, each.content, role="artifact", media_type=each.media_type, kind=each.kind)
        for path, text in sorted(_notices(found)):
            folder.put(path, text.content, role="notice", media_type=text.media_type)
        jwks = _issuers(each.content for each in found.values() if each.kind == _REGISTRY)
        folder.put("data/keys/issuers.jwks.json", jwks, role="keys", media_type="application/jwk-set+json")

    def _note(self, named: Json, kind: str) -> bool:
        try:
            digest = canonical.unb64(named) if isinstance(named, str) else b""
        except Malformed:
            return False
        if len(digest) == sha256().digest_size:
            self._named.setdefault(digest, kind)
        return bool(digest)

    def _artifacts(self) -> Iterator[Artifact]:
        for digest, kind in self._named.items():
            found = self._checked(digest)
            if found is None:
                continue
            yield found
            inner: Iterable[bytes] = ()
            if kind == _MANIFEST:
                inner = [decode_manifest(found.content).digest]
            elif kind == _PACKS:
                inner = [bytes.fromhex(each.sha256) for each in decode_index(found.content).files()]
            for each in inner:
                more = self._checked(each)
                if more is not None:
                    yield more

    def _checked(self, digest: bytes) -> Artifact | None:
        found = self._find(digest)
        if found is not None and sha256(found.content).digest() != digest:
            raise LogRefused(f"Artifact {digest.hex()} is not what it is named by. Run `consentgate verify`.")
        return found


def _notices(found: Mapping[bytes, Artifact]) -> Iterator[tuple[str, Artifact]]:
    taken: set[str] = set()
    for _, each in sorted(found.items()):
        if each.kind != _MANIFEST:
            continue
        manifest = decode_manifest(each.content)
        text = found.get(manifest.digest)
        ending = _ENDINGS.get(manifest.media_type.partition(";")[0], "bin")
        parts = (manifest.id, manifest.version, manifest.language)
        stem = "_".join(_UNSAFE.sub("-", part).strip("-.") or "x" for part in parts)
        path = f"data/notices/{stem}.{ending}"
        if path.lower() in taken:
            # Two names that only differ in letters that a path cannot have.
            path = f"data/notices/{stem}_{each.digest.hex()[:8]}.{ending}"
        taken.add(path.lower())
        if text is not None:
            yield path, text


def _issuers(registries: Iterable[bytes]) -> bytes:
    keys: dict[str, Json] = {}
    for content in registries:
        for issuer in decode_registry(content).issuers:
            for key in issuer.keys:
                jwk: dict[str, Json] = {**key.public.jwk()}
                keys[key.public.kid] = {**jwk, "kid": key.public.kid}
    return canonical.encode({"keys": [keys[kid] for kid in sorted(keys)]}) + b"\n"
