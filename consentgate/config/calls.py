"""The live side of `ConsentGate`: clients, who is on a call, and what must stop."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consentgate.aws.operations import call_of_transaction, leg_of
from consentgate.aws.standing import Manners
from consentgate.config.keystates import Compromised
from consentgate.config.outcomes import Outcomes
from consentgate.config.parts import Parts
from consentgate.errors import InvalidInput
from consentgate.gate.attendance import Attendance
from consentgate.gate.door import Gate
from consentgate.gate.orders import StopOrder
from consentgate.gate.ports import Vendor
from consentgate.gate.replay import replay_due
from consentgate.gate.resolve import Resolver, Seconds, Sources, Who
from consentgate.gate.stopping import Stopping
from consentgate.gate.withdrawal import Withdrawal, withdrawn
from consentgate.gate.worker import Worker
from consentgate.ledger import ingest
from consentgate.ledger.calls import LegName
from consentgate.ledger.registering import Departure, Leaver, Registration
from consentgate.ledger.speaker import Nobody, Speaker
from consentgate.policy.facts import RecordingConsent


class Calls(Outcomes):
    """The part of `ConsentGate` that a live call meets."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._door = Gate(parts.gate)
        self._stopping = Stopping(parts.gate)
        self._attendance = Attendance(parts.gate, leg_of, self._stopping)
        self._worker = Worker(self._stopping, parts.book.clock)
        if parts.service is not None:
            self._stopping.tell(self._worker.wake)
            parts.database.listen(self._worker.start)

    def protect(
        self,
        client: Any,
        *,
        who: Who | None = None,
        who_timeout: Seconds | None = None,
        wait_for_call: Seconds | None = None,
        retry: int | None = None,
    ) -> Any:
        """Put the gate into a boto3 client; from now on its gated operations need a consent.

        Args:
            client: a client of ``chime-sdk-voice`` or ``chime-sdk-media-pipelines``.
            who: asked who is on a call of which the ledger knows nothing, with the vendor's name of the operation
                and its parameters. It returns the speakers of the leg that the request names, a mapping of
                ``Caller`` and ``Callee`` to speakers or `NOBODY`, or None where it does not know either.
            who_timeout: how long `who` may take, as seconds or a timedelta; by default what the settings say.
            wait_for_call: how long a request waits for the registration of its call; by default not at all.
            retry: how often a request that the vendor throttles (429) is sent at most, under one intent; by default
                what the settings say.

        Returns:
            The same client.

        Raises:
            InvalidInput: it is a client of another service, another gate is in it already, or this one with
                another `who`, `wait_for_call` or `retry`.
            Misconfigured: this botocore is not supported.
        """
        return self._protect(client, self._manners(who, who_timeout, wait_for_call, retry))

    def install(
        self,
        session: Any,
        *,
        who: Who | None = None,
        who_timeout: Seconds | None = None,
        wait_for_call: Seconds | None = None,
        retry: int | None = None,
        tripwire: bool = True,
    ) -> None:
        """Protect every client of a gated service that a session makes from now on.

        Args:
            session: of boto3 or botocore.
            who: as `protect` takes it.
            who_timeout: likewise.
            wait_for_call: likewise.
            retry: likewise.
            tripwire: whether, for the life of this process, gated requests of all its other clients of botocore are
                refused and recorded, those that were made before included: `protect` what you need of them.

        Raises:
            InvalidInput: it is no session, another gate is in it already, or this one with another `who`,
                `wait_for_call` or `retry`.
        """
        from consentgate.aws.installing import install

        manners = self._manners(who, who_timeout, wait_for_call, retry)
        install(
            session, self._door, manners, lambda client: self._protect(client, manners), tripwire=tripwire
        )

    def register_call(
        self,
        transaction_id: str,
        *,
        caller: Sequence[Speaker] | Nobody | None = None,
        callee: Sequence[Speaker] | Nobody | None = None,
        purpose: str | None = None,
        recording_consent: RecordingConsent | None = None,
    ) -> str | None:
        """Say who is on a call, or who joined it; telling the same again does nothing.

        A task that is running on a leg is decided on anew for whoever joins it: where the person may not be
        compared, it gets a stop order, which is carried out at once if a client of this process can.

        Args:
            transaction_id: the vendor's transaction id.
            caller: who is on the Caller leg, or `NOBODY`; None leaves the leg as it is, at first unknown, and unknown
                denies.
            callee: likewise for the Callee leg.
            purpose: what a comparison is for, or None for the default of the settings. A call has one.
            recording_consent: ``all_parties``, ``one_party`` or ``none``, or None for the standing assertion. It
                only ever becomes weaker.

        Returns:
            Id of the entry as text, or None when all of it stood already.

        Raises:
            InvalidInput: a value cannot be used.
            RecordConflict: it takes back what was told before: `NOBODY` where people are, another purpose, a
                stronger recording consent. Nothing was written, and what was told stands.
            Unavailable: nothing was written.
        """
        legs: dict[LegName, Sequence[Speaker] | Nobody] = {}
        if caller is not None:
            legs["Caller"] = caller
        if callee is not None:
            legs["Callee"] = callee
        registration = Registration(
            call=_call(transaction_id), legs=legs, purpose=purpose, recording_consent=recording_consent
        )
        entry = self._attendance.register(registration)
        replay_due(self._parts.gate)
        return str(entry) if entry else None

    def leave_call(
        self,
        transaction_id: str,
        *,
        caller: Sequence[Leaver] = (),
        callee: Sequence[Leaver] = (),
    ) -> str | None:
        """Say who left a call: they are not compared any more. A leg that everybody left is unknown, and denies.

        Args:
            transaction_id: the vendor's transaction id.
            caller: who left the Caller leg: speakers, or references that they were registered with.
            callee: likewise for the Callee leg.

        Returns:
            Id of the entry as text, or None when all of them had left already.

        Raises:
            InvalidInput: nobody registered the call, or somebody named here was never on that leg.
            Unavailable: nothing was written.
        """
        legs: dict[LegName, Sequence[Leaver]] = {}
        if caller:
            legs["Caller"] = caller
        if callee:
            legs["Callee"] = callee
        entry = self._attendance.leave(Departure(call=_call(transaction_id), legs=legs))
        replay_due(self._parts.gate)
        return str(entry) if entry else None

    def withdraw(self, token: str) -> Withdrawal:
        """Take in a withdrawal or refusal that was signed elsewhere, and carry out what follows from it.

        After it returns no request for this person begins. What is under way is stopped, and voice profiles are
        deleted that nothing covers keeping any more, at once where a client of this gate can, else by a worker.

        Args:
            token: the compact JWS. Taking the same one in again changes nothing, and tells how far it is by now.

        Returns:
            Its entry, and each stop order that follows from it: what is stopped, what is deleted, and what is still
            open until when.

        Raises:
            InvalidInput: the token is a grant.
            StatementRefused: issuer, notice, clock or id are not accepted.
        """
        ingest.require_negative(token)
        return self._take(lambda _: token)

    def open_stops(self) -> tuple[StopOrder, ...]:
        """List the stop orders that nobody carried out yet.

        Returns:
            Them, the oldest first; each until its task can run no longer.

        Raises:
            Unavailable: the database is out of reach.
        """
        return self._stopping.open()

    def carry_out_stops(self) -> tuple[StopOrder, ...]:
        """Stop what runs against a stop order, as far as a client of this gate can; trying again does no harm.

        Returns:
            The orders that are open still.

        Raises:
            Unavailable: the database is out of reach.
        """
        self._stopping.carry_out()
        return self._stopping.open()

    def compromise_key(self, iss: str, kid: str | None = None, *, since: datetime) -> Compromised:
        """Mark an issuer's key as compromised, as `Records.compromise_key`, and stop what runs on what fell.

        Args:
            iss: the issuer's name.
            kid: the key's RFC 7638 thumbprint; None marks every key of the issuer.
            since: from when on it may have been in other hands.

        Returns:
            The issuer, how many statements of how many people fell, and the requests that are to be stopped.

        Raises:
            UnknownIssuer: it is not in the registry.
            InvalidInput: it has no such key, or the time lies ahead or after that of an earlier mark.
        """
        compromised = super().compromise_key(iss, kid, since=since)
        self._stopping.carry_out_quietly(tuple(map(UUID, compromised.stops)))
        return compromised

    def _at_hand(self) -> tuple[Vendor, ...]:
        return self._stopping.vendors

    def _manners(
        self, who: Who | None, who_timeout: Seconds | None, wait_for_call: Seconds | None, retry: int | None
    ) -> Manners:
        times = self._parts.settings.times
        within = times.who if who_timeout is None else who_timeout
        return Manners(
            sources=Sources(who=who, who_timeout=within, wait_for_call=wait_for_call),
            retry=replace(times.retry, attempts=retry) if retry is not None else None,
        )

    def _protect(self, client: Any, manners: Manners) -> Any:
        from consentgate.aws.hooks import Hooks

        times, book = self._parts.settings.times, self._parts.book
        vendor = Hooks(
            self._door,
            client,
            book.clock,
            book.random,
            Resolver(self._attendance, manners.sources),
            manners.retry or times.retry,
            times.stop.total_seconds(),
        ).register(client, manners)
        if vendor is not None:
            self._stopping.take(vendor)
            self._work_on()
        return client

    def _work_on(self) -> None:
        if self._parts.service is not None:
            self._worker.start()

    def _take(self, token: Callable[[Connection], str]) -> Withdrawal:
        ingested = super()._take(token)
        self._stopping.carry_out_quietly(ingested.stops)
        return withdrawn(ingested, self._stopping)


def _call(transaction_id: object) -> str:
    if not isinstance(transaction_id, str) or not transaction_id:
        raise InvalidInput("transaction_id is the vendor's transaction id.")
    return call_of_transaction(transaction_id)
