"""The key that signs packages: made once in the home, for its owner alone."""

from pathlib import Path

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.config.settings import Settings
from consentgate.crypto.jwk import SigningKey, generate_signing_key, signing_key_from_pem
from consentgate.errors import Malformed, Misconfigured
from consentgate.keys.files import read_secret, write_public, write_secret


def package_key(settings: Settings) -> SigningKey:
    """Read the package key; a home that has none gets one.

    Args:
        settings: the settings.

    Returns:
        The key. Its thumbprint is the fingerprint for cover letters.

    Raises:
        Misconfigured: the file cannot be used.
        Unavailable: it cannot be read or written.
    """
    path = settings.package_key
    if not path.exists():
        made = generate_signing_key("Ed25519")
        try:
            write_secret(path, made.pem())
        except Misconfigured:
            # Somebody else made one in this moment: theirs is the key.
            return _read(path)
        _write_public(settings.package_jwk, made)
        return made
    key = _read(path)
    if not settings.package_jwk.exists():
        _write_public(settings.package_jwk, key)
    return key


def _read(path: Path) -> SigningKey:
    try:
        key = signing_key_from_pem(read_secret(path, limit=4096))
    except Malformed as error:
        raise Misconfigured(f"{path} is not a package key: {error} Restore the file.") from error
    if key.public.algorithm != "Ed25519":
        raise Misconfigured(f"{path} is not a key of Ed25519. Restore the file.")
    return key


def _write_public(path: Path, key: SigningKey) -> None:
    jwk: dict[str, Json] = {**key.public.jwk()}
    write_public(path, canonical.encode(jwk) + b"\n")
