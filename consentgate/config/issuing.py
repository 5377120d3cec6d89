"""The way in for a contact centre: build, sign and take in a statement, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Connection

from consentgate.config.granting import granted, said_by
from consentgate.consent import terms
from consentgate.consent.details import EvidenceRef
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.consent.terms import Method
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey
from consentgate.errors import InvalidInput
from consentgate.gate.orders import StopOrder
from consentgate.gate.withdrawal import Withdrawal
from consentgate.ledger import notices
from consentgate.ledger.book import Book
from consentgate.ledger.ingest import Ingested
from consentgate.ledger.speaker import Speaker
from consentgate.moment import uuid7_text
from consentgate.values import dataclass

_ADULT: Final = 18

Named: TypeAlias = Reference | tuple[str, str]
"""How a person is known: a `Reference`, or a (kind, value) pair."""

Take = Callable[[Callable[[Connection], str]], Ingested]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A statement that was issued and taken in.

    Attributes:
        entry: id of its entry as text.
        token: the signed statement: personal data.
        stops: ids of the intents that a stop order was written for.
        orders: those stop orders, and what became of them by now: tasks stopped, voice profiles deleted, and what is
            open until when.
    """

    entry: str
    token: str = field(repr=False)
    stops: tuple[str, ...] = ()
    orders: tuple[StopOrder, ...] = ()


class SigningIssuer:
    """An issuer whose key is in hand; made by `ConsentGate.issuer`."""

    def __init__(self, iss: str, key: SigningKey, controller: str, book: Book, take: Take) -> None:
        self.iss = iss
        self._key = key
        self._controller = controller
        self._book = book
        self._take = take

    def __repr__(self) -> str:
        return f"SigningIssuer({self.iss!r})"

    def grant(
        self,
        speaker: Speaker,
        *,
        notice: str,
        method: Method,
        language: str | None = None,
        call: str | None = None,
        **overrides: Any,
    ) -> Issued:
        """Record that the speaker agreed, just now, after the notice.

        Form, purposes, operations, disclosure and validity are those that the notice asks for.

        Args:
            speaker: who agreed.
            notice: ``id@version``, or ``id`` where it has one version.
            method: how, for example ``ivr_dtmf``.
            language: the notice's language, where it has several.
            call: transaction id, when the consent is for this one call; None for a standing consent.
            **overrides: other claims of the statement, by their names in `Statement`: fewer ``purposes`` or
                ``operations``, ``valid_until``, ``max_uses``, ``guardian``, ``evidence`` ...

        Returns:
            The entry and the token; durable.

        Raises:
            InvalidInput: the notice is not there, or an override is no claim or goes beyond the notice.
            StatementRefused: the ledger did not take it.
        """

        def build(connection: Connection) -> str:
            manifest = notices.choose(self._book, connection, notice, language)
            said = self._statement(speaker, "ConsentGiven", method, manifest)
            return self._signed(granted(said, manifest, self._controller, call, overrides))

        return self._issue(build)

    def refuse(
        self,
        speaker: Speaker,
        *,
        method: Method,
        notice: str | None = None,
        language: str | None = None,
        purposes: Sequence[str] = (),
        evidence: Sequence[EvidenceRef] = (),
    ) -> Issued:
        """Record that the speaker said no, just now.

        Args:
            speaker: who refused; it need not be anybody that the ledger knows.
            method: how.
            notice: the notice that they were shown, if any.
            language: its language, where it has several.
            purposes: for which purposes; none means all.
            evidence: digests of recordings or signed forms.

        Returns:
            The entry and the token; durable.
        """
        return self._negative("ConsentRefused", speaker, method, notice, language, purposes, evidence)

    def withdraw(
        self,
        speaker: Speaker,
        *,
        method: Method,
        purposes: Sequence[str] = (),
        evidence: Sequence[EvidenceRef] = (),
    ) -> Issued:
        """Record that the speaker took their consent back, just now.

        Args:
            speaker: who withdrew.
            method: how.
            purposes: for which purposes; none means all.
            evidence: digests of recordings or signed forms.

        Returns:
            The entry and the token; durable. No request for this speaker begins after it returns. What runs is
            stopped, and voice profiles that nothing covers any more are deleted: `orders` says how far that is.
        """
        return self._negative("ConsentWithdrawn", speaker, method, None, None, purposes, evidence)

    def same_subject(
        self, one: Named, other: Named, *, method: Method, evidence: Sequence[EvidenceRef] = ()
    ) -> Issued:
        """State that two references are one person.

        From now on what the person granted under one of them counts under the other, as far as this issuer may
        record such grants; what they refused or withdrew under one of them is heard under both, and for good.

        Args:
            one: a `Reference`, or a (kind, value) pair.
            other: another one.
            method: how the person showed it, for example ``web_form``.
            evidence: digests of what proves it.

        Returns:
            The entry and the token; durable.

        Raises:
            InvalidInput: they are the same reference, or one of them has another form.
            StatementRefused: the ledger did not take it.
        """
        return self._about_two("SameSubject", one, other, method, evidence)

    def not_same_subject(
        self, one: Named, other: Named, *, method: Method, evidence: Sequence[EvidenceRef] = ()
    ) -> Issued:
        """State that two references are not one person, or no longer: ends what any issuer stated before.

        What was refused or withdrawn until now stays so under both, until a new grant is given.

        Args:
            one: a `Reference`, or a (kind, value) pair.
            other: another one.
            method: how it became known.
            evidence: digests of what proves it.

        Returns:
            The entry and the token; durable. Requests that rested on it have a stop order.

        Raises:
            InvalidInput: they are the same reference, or one of them has another form.
        """
        return self._about_two("NotSameSubject", one, other, method, evidence)

    def _about_two(
        self,
        state: Literal["SameSubject", "NotSameSubject"],
        one: Named,
        other: Named,
        method: Method,
        evidence: Sequence[EvidenceRef],
    ) -> Issued:
        statement = self._statement(Speaker([one, other]), state, method, None)
        return self._issue(lambda _: self._signed(replace(statement, evidence=tuple(evidence))))

    def _negative(
        self,
        state: Literal["ConsentRefused", "ConsentWithdrawn"],
        speaker: Speaker,
        method: Method,
        notice: str | None,
        language: str | None,
        purposes: Sequence[str],
        evidence: Sequence[EvidenceRef],
    ) -> Issued:
        def build(connection: Connection) -> str:
            manifest = notices.choose(self._book, connection, notice, language) if notice else None
            statement = self._statement(speaker, state, method, manifest)
            return self._signed(replace(statement, purposes=tuple(purposes), evidence=tuple(evidence)))

        return self._issue(build)

    def _statement(
        self,
        speaker: Speaker,
        state: terms.State,
        method: Method,
        manifest: Manifest | None,
    ) -> Statement:
        given: object = speaker
        if not isinstance(given, Speaker):
            raise InvalidInput("Say about whom: Speaker([('customer', '1001')]).")
        now = self._book.now()
        return Statement(
            issuer=self.iss,
            id=uuid7_text(now, self._book.random),
            issued_at=now,
            references=speaker.known_as,
            state=state,
            event_time=now,
            method=method,
            controllers=(self._controller,),
            jurisdictions=tuple(sorted({e.code for e in speaker.evidence})),
            age_over=_ADULT if speaker.adult or (speaker.age or 0) >= _ADULT else None,
            **(said_by(manifest, method, now) if manifest else {}),
        )

    def _signed(self, statement: Statement) -> str:
        return jws.sign(claims(statement), key=self._key, typ=TYP)

    def _issue(self, build: Callable[[Connection], str]) -> Issued:
        signed: list[str] = []

        def keep(connection: Connection) -> str:
            signed[:] = [build(connection)]
            return signed[0]

        done = self._take(keep)
        orders = done.orders if isinstance(done, Withdrawal) else ()
        return Issued(
            entry=str(done.entry), token=signed[0], stops=tuple(map(str, done.stops)), orders=orders
        )
