"""Level ``artifacts``: the bytes that open parts name by digest are in the package, under their own digest.

::

    statement -> notice manifest -> notice      decision, registry -> registry      decision, packs -> index -> packs

Invariants: a file's name is believed only if its bytes have that SHA-256; what is followed is small. Copies under
readable names must be one of those files.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, TypeVar

from consentgate.canonical import Json, decode_canonical, unb64
from consentgate.crypto.jwk import PublicKey, public_key_from_jwk
from consentgate.errors import Malformed
from consentgate.verify.package.folder import SMALL, PackageFolder, shown
from consentgate.verify.package.manifest import Manifest
from consentgate.verify.package.result import Findings

LEVEL: Final = "artifacts"
FOLDER: Final = "data/artifacts/"
NOTICES: Final = "data/notices/"

_REGISTRY: Final = "registry"
_PACKS: Final = "packs"
_NOTICE_MANIFEST: Final = "manifest"
_MANIFEST_OF: Final = "statement.0"
_BODY: Final = "body.0"
_DECISION: Final = "decision"
_DIGEST_BYTES: Final = 32

_Read = TypeVar("_Read")

IssuerKeys: TypeAlias = Mapping[tuple[str, str], PublicKey]
"""Keys by the issuer's name in statements, and their thumbprint."""


class Artifacts:
    """The artifacts of a package, and what open parts name."""

    def __init__(self, folder: PackageFolder, findings: Findings) -> None:
        """Hash what there is.

        Args:
            folder: the package.
            findings: takes what is wrong.
        """
        self._folder = folder
        self._findings = findings
        self._sound: set[str] = set()
        self._bytes: set[bytes] = set()
        self._followed: set[tuple[str, str]] = set()
        for path in folder.below(FOLDER):
            digest = folder.sha256(path)
            self._bytes.add(digest)
            if path == FOLDER + digest.hex():
                self._sound.add(path)
            else:
                expected = "bytes of the SHA-256 that it is named by"
                findings.say(LEVEL, "altered", shown(path), expected, digest.hex())
        for path in folder.below(NOTICES):
            if folder.sha256(path) not in self._bytes:
                findings.say(
                    LEVEL, "altered", shown(path), "a copy of a notice of the package", "another text"
                )

    def keys(self, manifest: Manifest) -> IssuerKeys:
        """Read the keys of issuers out of the registries of the package.

        Args:
            manifest: says which artifacts are registries.

        Returns:
            The keys.
        """
        keys: dict[tuple[str, str], PublicKey] = {}
        for listed in manifest.files.below(FOLDER):
            if listed.kind == _REGISTRY and listed.path in self._sound:
                found = self._read(listed.path, _registry)
                for iss, key in found or ():
                    keys[iss, key.kid] = key
        return keys

    def take(self, contents: Mapping[str, Mapping[str, Json]]) -> None:
        """Take note of what the opened parts of a record name.

        Args:
            contents: their members, by name.
        """
        for name, content in contents.items():
            if name == _MANIFEST_OF:
                self._name(content.get(_NOTICE_MANIFEST), _NOTICE_MANIFEST)
            elif name == _BODY or name.startswith(f"{_DECISION}."):
                decision = content.get(_DECISION) if name == _BODY else None
                for members in (content, decision):
                    if isinstance(members, dict):
                        self._name(members.get(_REGISTRY), _REGISTRY)
                        self._name(members.get(_PACKS), _PACKS)

    def finish(self, *, wholly: bool) -> None:
        """Judge the level.

        Args:
            wholly: whether every record of the range could be read.
        """
        self._findings.judged(LEVEL, wholly=wholly)

    def _name(self, named: Json, role: str) -> None:
        try:
            digest = unb64(named) if isinstance(named, str) else b""
        except Malformed:
            return
        if len(digest) == _DIGEST_BYTES:
            self._follow(digest.hex(), role)

    def _follow(self, digest: str, role: str) -> None:
        if (digest, role) in self._followed:
            return
        self._followed.add((digest, role))
        path = FOLDER + digest
        if path not in self._folder:
            self._findings.say(
                LEVEL, "missing", f"artifact {digest}", "bytes that an open part names", "nothing"
            )
        elif path in self._sound and role == _NOTICE_MANIFEST:
            for text in self._read(path, _notice) or ():
                self._name(text, "")
        elif path in self._sound and role == _PACKS:
            for each in self._read(path, _packs) or ():
                self._follow(each, "")

    def _read(self, path: str, read: Callable[[bytes], _Read]) -> _Read | None:
        try:
            return read(self._folder.read(path, SMALL))
        except Malformed as problem:
            self._findings.say(
                LEVEL, "malformed", path, "what the parts that name it say it is", str(problem)
            )
            return None


def _notice(data: bytes) -> Iterable[Json]:
    digest = _object(decode_canonical(data, limit=SMALL)).get("digest")
    if not isinstance(digest, str):
        raise Malformed("The manifest of a notice names its text.")
    unb64(digest)
    return (digest,)


def _packs(data: bytes) -> Iterable[str]:
    packs = _object(_object(decode_canonical(data, limit=SMALL)).get("packs"))
    digests = [_object(each).get("sha256") for each in packs.values()]
    if not all(isinstance(each, str) and _is_hex(each) for each in digests):
        raise Malformed("An index of packs names each by its SHA-256.")
    return [str(each) for each in digests]


def _registry(data: bytes) -> Iterable[tuple[str, PublicKey]]:
    keys = []
    for issuer in _list(_object(decode_canonical(data, limit=SMALL)).get("issuers")):
        members = _object(issuer)
        iss = members.get("iss")
        if not isinstance(iss, str):
            raise Malformed("An issuer has a name.")
        keys += [
            (iss, public_key_from_jwk(_object(_object(key).get("jwk")))) for key in _list(members.get("keys"))
        ]
    return keys


def _is_hex(text: str) -> bool:
    return len(text) == 2 * _DIGEST_BYTES and all(each in "0123456789abcdef" for each in text)


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise Malformed("A member is no object.")
    return value


def _list(value: Json) -> Iterable[Json]:
    if not isinstance(value, list):
        raise Malformed("A member is no list.")
    return value
