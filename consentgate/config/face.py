"""`ConsentGate`: the public face, and the one place where everything is put together."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine

from consentgate.canonical import Json
from consentgate.config import issuers as issuer_files
from consentgate.config.issuing import SigningIssuer
from consentgate.config.parts import Parts, assemble
from consentgate.config.settings import Settings, home_of, load_settings
from consentgate.consent.issuers import Issuer
from consentgate.consent.notice import describe
from consentgate.consent.reference import Reference
from consentgate.crypto.jwk import PublicKey, SigningKey
from consentgate.errors import InvalidInput, LogRefused, UnknownIssuer
from consentgate.gate.door import Gate
from consentgate.ledger import calls, controller, notices, statements
from consentgate.ledger.calls import LegName, Registration
from consentgate.ledger.controller import Said
from consentgate.ledger.speaker import Nobody, Speaker
from consentgate.ledger.statements import Ingested
from consentgate.moment import Clock, Random, system_clock, system_random
from consentgate.policy.facts import RecordingConsent

T = TypeVar("T")


class ConsentGate:
    """Gates the speaker searches of boto3 clients, and keeps the evidence.

    One object serves a process: it is safe to use from many threads, and after a fork.

    Example:
        ``gate = ConsentGate.open(); chime = gate.protect(boto3.client("chime-sdk-voice"))``
    """

    def __init__(
        self,
        settings: Settings,
        *,
        engine: Engine | None = None,
        clock: Clock = system_clock,
        random: Random = system_random,
        background: bool = True,
    ) -> None:
        """Put everything together and check the database.

        Args:
            settings: what the deployment decides.
            engine: the host's engine, if its pool is to be used; our own otherwise.
            clock: the time; a clock of `consentgate.testing` marks the database as a test database for ever.
            random: randomness.
            background: whether a thread of this process sequences and signs the log.

        Raises:
            Misconfigured: settings or key files cannot be used.
            SchemaMismatch: the database is not as the migrations made it.
            Unavailable: the database is out of reach.
        """
        self._parts: Parts = assemble(
            settings, engine=engine, clock=clock, random=random, background=background
        )
        self._door = Gate(self._parts.gate)

    @classmethod
    def open(cls, home: str | Path | None = None, **options: Any) -> "ConsentGate":
        """Open the gate of a home folder.

        Args:
            home: the folder that `consentgate init` made; by default ``CONSENTGATE_HOME``, else
                ``.consentgate``.
            **options: as the constructor takes them.

        Returns:
            The gate.

        Raises:
            Misconfigured: there are no settings, or they cannot be used.
        """
        return cls(load_settings(home_of(home)), **options)

    def protect(self, client: Any) -> Any:
        """Put the gate into a boto3 client; from now on its gated operations need a consent.

        Args:
            client: a client of ``chime-sdk-voice`` or ``chime-sdk-media-pipelines``.

        Returns:
            The same client.

        Raises:
            InvalidInput: it is a client of another service.
        """
        from consentgate.aws.hooks import Hooks

        Hooks(self._door, client, self._parts.book.clock).register(client.meta.events)
        return client

    def register_call(
        self,
        transaction_id: str,
        *,
        caller: Sequence[Speaker] | Nobody | None = None,
        callee: Sequence[Speaker] | Nobody | None = None,
        purpose: str | None = None,
        recording_consent: RecordingConsent | None = None,
    ) -> str | None:
        """Say who is on a call.

        Args:
            transaction_id: the vendor's transaction id.
            caller: who is on the Caller leg, or `NOBODY`; None leaves the leg unknown, and unknown denies.
            callee: likewise for the Callee leg.
            purpose: what a comparison is for, or None for the default of the settings.
            recording_consent: ``all_parties``, ``one_party`` or ``none``, or None for the standing assertion.

        Returns:
            Id of the entry as text, or None when all of it stood already.

        Raises:
            InvalidInput: a value cannot be used.
            Unavailable: nothing was written.
        """
        if not transaction_id:
            raise InvalidInput("transaction_id is the vendor's transaction id.")
        legs: dict[LegName, Sequence[Speaker] | Nobody] = {}
        if caller is not None:
            legs["Caller"] = caller
        if callee is not None:
            legs["Callee"] = callee
        registration = Registration(
            call=f"transaction/{transaction_id}",
            legs=legs,
            purpose=purpose,
            recording_consent=recording_consent,
        )
        entry = self._write(lambda c: calls.register(self._parts.book, c, registration))
        return str(entry) if entry else None

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
            raise UnknownIssuer
        key = key or issuer_files.read_key(self._parts.settings, [k.public.kid for k in standing.keys])
        return SigningIssuer(iss, key, self._parts.settings.controller, self._parts.book, self._take)

    def add_issuer(
        self,
        iss: str,
        *,
        name: str,
        key: PublicKey | None = None,
        purposes: Sequence[str] = ("*",),
        jurisdictions: Sequence[str] = ("*",),
        controllers: Sequence[str] | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Issuer:
        """Trust an issuer, or another key of one that is trusted.

        Args:
            iss: its name in statements.
            name: its name for people.
            key: its public key; None makes a new one and keeps it in the home folder.
            purposes: for which purposes it may record grants; ``*`` is all.
            jurisdictions: for which jurisdictions.
            controllers: for which controllers; by default this one.
            not_before: the first time at which the key counts.
            not_after: the first time at which it no longer counts.

        Returns:
            The issuer as it now stands.

        Raises:
            InvalidInput: a value cannot be used.
        """
        made = None
        if key is None:
            made = issuer_files.make_key()
            key = made.public
        record = issuer_files.record(
            iss,
            name=name,
            key=key,
            purposes=purposes,
            jurisdictions=jurisdictions,
            controllers=(self._parts.settings.controller,) if controllers is None else controllers,
            window=(not_before, not_after),
        )
        if made is not None:
            # The private half is safe on disk before anybody trusts the public half.
            issuer_files.keep_key(self._parts.settings, made)
        return self._write(lambda c: issuer_files.add(self._parts, c, record))

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
            InvalidInput: the name stands for another notice.
        """
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
        statements.require_negative(token)
        return self._take(lambda _: token)

    def ready(self) -> bool:
        """Say whether the gate could decide now: the database answers and the log is being kept.

        Returns:
            True.

        Raises:
            ConsentGateError: what stands in the way.
        """
        self._read(self._parts.reader.controller)
        service = self._parts.service
        if service is not None and service.failure is not None:
            raise LogRefused("The log is not being kept; see the cause.") from service.failure
        return True

    def close(self) -> None:
        """Sequence and sign what is written, and let go of threads and connections."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, token: Callable[[Connection], str]) -> Ingested:
        parts = self._parts

        def work(connection: Connection) -> Ingested:
            registry = parts.reader.controller(connection).registry
            skew = parts.gate.limits.clock_skew
            return statements.ingest(parts.book, connection, token(connection), registry, skew)

        return self._write(work)

    def _write(self, work: Callable[[Connection], T]) -> T:
        return self._parts.database.write(work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._parts.database.read() as connection:
            return work(connection)
