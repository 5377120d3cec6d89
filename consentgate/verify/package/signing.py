"""Level ``manifest``: there is one that can be read, and the package key signed exactly the bytes of the manifest.

Invariants: the key stands in the package, so a signature shows that a package agrees with itself and nothing more;
whose key it is, only a fingerprint from outside shows.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from consentgate.canonical import decode_canonical
from consentgate.crypto import jws
from consentgate.crypto.jwk import PublicKey, public_key_from_jwk
from consentgate.errors import KeyMismatch, Malformed, SignatureInvalid
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.manifest import KEY, LIMIT, MANIFEST, SIGNATURE, ListedFiles, Manifest, decode
from consentgate.verify.package.result import Findings

TYP: Final = "consentgate-package+jwt"

_Read = TypeVar("_Read")


def read_manifest(folder: PackageFolder, listed: ListedFiles, findings: Findings) -> Manifest | None:
    """Read the manifest of a package.

    Args:
        folder: the package.
        listed: takes the files that it lists.
        findings: takes what is wrong.

    Returns:
        The manifest, or None where there is none that can be read.
    """
    if MANIFEST not in folder:
        findings.say("manifest", "missing", MANIFEST, "the manifest", "nothing")
        return None
    try:
        with folder.open(MANIFEST, LIMIT) as file:
            return decode(file, listed)
    except Malformed as problem:
        findings.say("manifest", "malformed", MANIFEST, "a manifest", str(problem))
        return None


def check_signature(
    folder: PackageFolder, manifest: Manifest, fingerprint: str | None, findings: Findings
) -> str | None:
    """Check who signed the manifest.

    Args:
        folder: the package.
        manifest: its manifest.
        fingerprint: what the reader expects, or None.
        findings: takes what is wrong.

    Returns:
        The fingerprint of the package key, or None where no key can be read.
    """
    findings.judged("manifest")
    signed = _read(folder, SIGNATURE, _signed, findings)
    # The signature comes first, so that one cause has one finding in every verifier.
    key = _read(folder, KEY, read_key, findings) if signed is not None else _quiet_key(folder)
    if signed is not None and key is not None:
        try:
            digest = jws.verify_long(signed, key)
        except (KeyMismatch, SignatureInvalid) as problem:
            findings.say("manifest", "forged", SIGNATURE, f"a signature by key {key.kid}", str(problem))
        else:
            # What was read is what was signed, even if somebody exchanged the file meanwhile.
            if digest != manifest.digest:
                findings.say("manifest", "altered", SIGNATURE, "the bytes of manifest.json", "other bytes")
    if fingerprint is not None and key is not None and key.kid != fingerprint:
        findings.say(
            "manifest",
            "forged",
            KEY,
            f"the key {fingerprint}, whose fingerprint you gave",
            f"the key {key.kid}",
            "Compare the fingerprint with the cover letter, letter by letter. If it is typed right, somebody else "
            "made or altered this package.",
        )
    return None if key is None else key.kid


def read_key(data: bytes) -> PublicKey:
    r"""Read the package key.

    Args:
        data: the file: canonical JSON of ``crv``, ``kty`` and ``x``, and a line feed.

    Returns:
        The key.

    Raises:
        Malformed: anything else.
    """
    jwk = decode_canonical(data.removesuffix(b"\n"))
    if not isinstance(jwk, dict) or data[-1:] != b"\n" or jwk.keys() != {"crv", "kty", "x"}:
        raise Malformed("A package key is a JWK of crv, kty and x, and a line feed.")
    return public_key_from_jwk(jwk)


def _read(
    folder: PackageFolder, path: str, read: Callable[[bytes], _Read], findings: Findings
) -> _Read | None:
    if path not in folder:
        findings.say("manifest", "missing", path, path, "nothing")
        return None
    try:
        return read(folder.read(path, LIMIT * 2))
    except Malformed as problem:
        findings.say("manifest", "malformed", path, f"a {path}", str(problem))
        return None


def _quiet_key(folder: PackageFolder) -> PublicKey | None:
    try:
        return read_key(folder.read(KEY)) if KEY in folder else None
    except Malformed:
        return None


def _signed(data: bytes) -> jws.LongJws:
    signed = jws.parse_long(data, typ=TYP)
    if signed.alg != "EdDSA":
        raise Malformed("A manifest is signed with EdDSA.")
    return signed
