"""What a controller puts on record: issuers, notices, assertions, and the statements of people."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.config import issuers as issuer_files
from consentgate.config import keystates
from consentgate.config.issuing import SigningIssuer
from consentgate.config.keystates import Compromised
from consentgate.config.parts import Parts
from consentgate.consent.issuers import Issuer
from consentgate.consent.notice import describe
from consentgate.consent.reference import Reference
from consentgate.crypto.jwk import PublicKey, SigningKey
from consentgate.errors import InvalidInput, UnknownIssuer
from consentgate.ledger import controller, ingest, notices
from consentgate.ledger.controller import Said
from consentgate.ledger.ingest import Ingested

T = TypeVar("T")


class Records:
    """The part of `ConsentGate` that puts things on record."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def issuer(self, iss: str, key: SigningKey | None = None) -> SigningIssuer:
        """Take an issuer of the registry in hand, to grant, refuse and withdraw with.

        Args:
            iss: the issuer's name.
            key: its signing key; by default the one that `add_issuer` keeps in the home folder.

        Returns:
            The issuer.

        Raises:
            UnknownIssuer: it is not in the registry.
            Misconfigured: its key is not in the home folder.
        """
        standing = self._read(self._parts.reader.controller).registry.issuer(iss)
        if standing is None:
            raise UnknownIssuer(f"{iss} is not registered. Run `consentgate issuer add {iss}`.")
        key = key or issuer_files.read_key(self._parts.settings, standing.keys)
        return SigningIssuer(iss, key, self._parts.settings.controller, self._parts.book, self._take)

    def add_issuer(
        self,
        iss: str,
        *,
        name: str,
        key: PublicKey | None = None,
        purposes: Sequence[str] | None = None,
        jurisdictions: Sequence[str] | None = None,
        controllers: Sequence[str] | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Issuer:
        """Trust an issuer, or another key of one that is trusted.

        Args:
            iss: its name in statements.
            name: its name for people.
            key: its public key; None makes a new one and keeps it in the home folder.
            purposes: for which purposes it may record grants; by default what stands, else all (``*``).
            jurisdictions: for which jurisdictions, likewise.
            controllers: for which controllers; by default what stands, else this one.
            not_before: the first time at which the key counts.
            not_after: the first time at which it no longer counts.

        Returns:
            The issuer as it now stands.

        Raises:
            InvalidInput: a value cannot be used.
        """
        record = issuer_files.key_record(self._parts.settings, key, not_before, not_after)
        scope = issuer_files.Scope(purposes=purposes, jurisdictions=jurisdictions, controllers=controllers)
        return self._write(lambda c: issuer_files.add(self._parts, c, iss, name, record, scope))

    def retire_key(self, iss: str, kid: str | None = None) -> Issuer:
        """Retire an issuer's key: it signs nothing new, and what it signed stands.

        Args:
            iss: the issuer's name.
            kid: the key's RFC 7638 thumbprint; None retires every active key of the issuer.

        Returns:
            The issuer as it now stands.

        Raises:
            UnknownIssuer: it is not in the registry.
            InvalidInput: it has no such key, or the key is compromised.
        """
        return self._write(lambda c: keystates.retire(self._parts, c, iss, kid))

    def compromise_key(self, iss: str, kid: str | None = None, *, since: datetime) -> Compromised:
        """Mark an issuer's key as compromised: what it allowed no longer counts, for new decisions. It is for good.

        Falls what it signed with a trusted time at or after `since`, or without a trusted time; while no
        checkpoint is anchored that is everything. Refusals and withdrawals stand. What runs on a fallen grant gets
        a stop order.

        Args:
            iss: the issuer's name.
            kid: the key's RFC 7638 thumbprint; None marks every key of the issuer.
            since: from when on it may have been in other hands.

        Returns:
            The issuer, how many statements of how many people fell, and the requests that are to be stopped.

        Raises:
            UnknownIssuer: it is not in the registry.
            InvalidInput: it has no such key, or the time lies ahead or after that of an earlier mark.
            Unavailable: the database is out of reach, or issuers were changed by others each time.
        """
        return keystates.compromise(self._parts, iss, kid, since)

    def add_notice(self, text: bytes, **members: Any) -> bytes:
        """Add a notice: the exact bytes that are shown or played, and what they say.

        Args:
            text: the exact bytes.
            **members: the manifest's members, for example ``id``, ``version``, ``language``, ``in_writing``,
                ``elements``, ``consent_form``, ``purposes``, ``operations``, ``validity``; see
                `docs/formats/notice.md`. ``media_type`` and ``controllers`` have defaults.

        Returns:
            SHA-256 of the manifest.

        Raises:
            Malformed: a member is unknown, missing or of another form.
            InvalidInput: the name stands for another notice, or the text is no bytes.
        """
        exact: object = text
        if not isinstance(exact, bytes):
            raise InvalidInput("A notice is the exact bytes that people see or hear: read the file as bytes.")
        given = {"media_type": "text/plain", "controllers": [self._parts.settings.controller], **members}
        manifest = describe(text, given)
        return self._write(lambda c: notices.add(self._parts.book, c, manifest, text))

    def assert_(
        self, name: str, value: Json, *, by: str, since: datetime, about: Reference | None = None
    ) -> str:
        """State something about the controller's operation, or about one person.

        Args:
            name: a name of the closed list, see `consentgate assertion list --names`.
            value: of that name's shape.
            by: who states it.
            since: since when it holds.
            about: the person, for names that are about one.

        Returns:
            Id of the entry as text.

        Raises:
            InvalidInput: the name is not in the list, or the value has another shape.
        """
        said = Said(name=name, value=value, by=by, since=since)
        return self._write(lambda c: controller.put_assertion(self._parts.book, c, said, about))

    def ingest(self, token: str) -> Ingested:
        """Take in a statement that was signed elsewhere.

        Args:
            token: the compact JWS.

        Returns:
            Its entry, and the requests that stop orders were written for.

        Raises:
            Malformed: the token does not follow the format.
            SignatureInvalid: the signature does not fit.
            StatementRefused: issuer, notice, clock or id are not accepted.
        """
        return self._take(lambda _: token)

    def withdraw(self, token: str) -> Ingested:
        """Take in a withdrawal or refusal that was signed elsewhere.

        After it returns no request for this person begins. Requests that are under way have a stop order.

        Args:
            token: the compact JWS.

        Returns:
            Its entry, and the requests that stop orders were written for.

        Raises:
            InvalidInput: the token is a grant.
            StatementRefused: issuer, notice, clock or id are not accepted.
        """
        ingest.require_negative(token)
        return self._take(lambda _: token)

    def _take(self, token: Callable[[Connection], str]) -> Ingested:
        parts = self._parts

        def work(connection: Connection) -> Ingested:
            registry = parts.reader.controller(connection).registry
            skew = parts.gate.limits.clock_skew
            return ingest.ingest(parts.book, connection, token(connection), registry, skew)

        return self._write(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._parts.database.write(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._parts.database.read() as connection:
            return work(connection)
