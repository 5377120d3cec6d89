"""Issuers' records in the registry, and their private keys in the home folder."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from consentgate.config.parts import Parts
from consentgate.config.settings import Settings
from consentgate.consent.issuers import ALL, Issuer, IssuerKey
from consentgate.crypto.jwk import PublicKey, SigningKey, generate_signing_key, signing_key_from_pem
from consentgate.errors import InvalidInput, Misconfigured
from consentgate.keys.files import read_secret, write_secret
from consentgate.ledger import controller
from consentgate.values import dataclass

FOLDER: Final = "issuers"


def key_path(settings: Settings, kid: str) -> Path:
    """Say where an issuer's private key lies.

    Args:
        settings: the settings.
        kid: RFC 7638 thumbprint of the key.

    Returns:
        The path; the file need not be there.
    """
    return settings.home / FOLDER / f"{kid}.pem"


def keep_key(settings: Settings, key: SigningKey) -> Path:
    """Keep an issuer's private key in the home folder, mode 0600.

    Args:
        settings: the settings.
        key: the key.

    Returns:
        Where it lies.
    """
    path = key_path(settings, key.public.kid)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(path, key.pem())
    return path


def read_key(settings: Settings, keys: Sequence[IssuerKey]) -> SigningKey:
    """Read an issuer's private key from the home folder.

    Args:
        settings: the settings.
        keys: the issuer's keys. The last active one that is here is taken, else the last one: with a key that no
            longer counts one can still say no.

    Returns:
        The key.

    Raises:
        Misconfigured: none of them is here.
    """
    newest_first = keys[::-1]
    for key in sorted(newest_first, key=lambda each: each.state != "active"):
        path = key_path(settings, key.public.kid)
        if path.exists():
            return signing_key_from_pem(read_secret(path))
    raise Misconfigured(
        f"No key of this issuer lies in {settings.home / FOLDER}. Pass its key, or sign elsewhere."
    )


def key_record(
    settings: Settings, key: PublicKey | None, not_before: datetime | None, not_after: datetime | None
) -> IssuerKey:
    """Make the record of a key, and the key itself where none is given.

    Args:
        settings: the settings.
        key: the public key, or None to make a pair: its private half is safe on disk before anybody trusts it.
        not_before: the first time at which it counts, or None.
        not_after: the first time at which it no longer counts, or None.

    Returns:
        The record.

    Raises:
        InvalidInput: the times contradict each other.
    """
    if key is None:
        made = generate_signing_key("Ed25519")
        keep_key(settings, made)
        key = made.public
    return IssuerKey(public=key, not_before=not_before, not_after=not_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an issuer may record grants for, as far as the caller says.

    Attributes:
        purposes: None leaves it as it stands.
        jurisdictions: likewise.
        controllers: likewise.
    """

    purposes: Sequence[str] | None
    jurisdictions: Sequence[str] | None
    controllers: Sequence[str] | None


def add(parts: Parts, connection: Connection, iss: str, name: str, key: IssuerKey, scope: Scope) -> Issuer:
    """Put an issuer into the registry; a known one gets the key beside those it has.

    Args:
        parts: the assembled gate.
        connection: an open write transaction.
        iss: its name in statements.
        name: its name for people.
        key: its key.
        scope: what it may record grants for.

    Returns:
        The record as it stands now.

    Raises:
        InvalidInput: the key is known already, or the issuer is, with another scope.
    """
    parts.book.hold(connection, controller=True)
    registry = controller.in_force(parts.book, connection)
    known = registry.issuer(iss)
    if any(i.key(key.public.kid) is not None for i in registry.issuers if i.iss != iss):
        raise InvalidInput("Another issuer holds this key; each issuer has its own.")
    if known is not None and known.key(key.public.kid) is not None:
        raise InvalidInput("This issuer holds this key already.")
    own = (parts.settings.controller,)
    issuer = Issuer(
        iss=iss,
        name=name,
        keys=(*(known.keys if known else ()), key),
        purposes=_scope("purposes", scope.purposes, known.purposes if known else None, ALL),
        jurisdictions=_scope(
            "jurisdictions", scope.jurisdictions, known.jurisdictions if known else None, ALL
        ),
        controllers=_scope("controllers", scope.controllers, known.controllers if known else None, own),
    )
    controller.put_registry(parts.book, connection, registry.with_issuer(issuer))
    return issuer


def _scope(
    what: str, said: Sequence[str] | None, stands: tuple[str, ...] | None, default: tuple[str, ...]
) -> tuple[str, ...]:
    if stands is None:
        return default if said is None else tuple(said)
    if said is not None and set(said) != set(stands):
        # Grants already rest on the scope that stands; another key must not change it in passing.
        raise InvalidInput(f"This issuer stands with other {what}: {', '.join(stands) or 'none'}.")
    return stands
