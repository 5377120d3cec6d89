"""What a process does about outcomes that could not be written when they were due."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from consentgate.config.parts import assemble
from consentgate.config.records import Records
from consentgate.config.settings import Settings
from consentgate.errors import InvalidInput, Misconfigured, OutcomeNotRecorded
from consentgate.gate.ports import Vendor
from consentgate.gate.replay import Replay, replay, replay_due, replay_spool
from consentgate.moment import Clock, system_clock, system_random

T = TypeVar("T")


class Outcomes(Records):
    """The part of `ConsentGate` that hands outcomes in later."""

    def record(self, unrecorded: OutcomeNotRecorded | None = None, *, client: Any = None) -> Replay:
        """Record an outcome that could not be recorded, or all that wait in the spool; twice changes nothing.

        Args:
            unrecorded: what a search raised, also after pickling; None takes the spool.
            client: a further client, besides those that this gate protects, that may stop tasks whose speaker
                withdrew meanwhile; of the account that started them. Where none serves, the stop order stays
                open, and the result says so.

        Returns:
            What is in the ledger now, and what stays in the spool.

        Raises:
            InvalidInput: the error carries no outcome, or there is no spool.
            Malformed: its outcome is none of this ledger.
            Unavailable: the database is out of reach; nothing is lost, try again.
        """
        vendors = (*self._given(client), *self._at_hand())
        if unrecorded is None:
            spool = self._parts.gate.spool
            if spool is None:
                raise InvalidInput(
                    "There is no spool: set folder under [spool], or pass an OutcomeNotRecorded."
                )
            return replay_spool(self._parts.gate, spool, vendors)
        given: object = unrecorded
        if not isinstance(given, OutcomeNotRecorded):
            raise InvalidInput("record takes the OutcomeNotRecorded that a search raised, as it was raised.")
        if not unrecorded.record:
            raise InvalidInput("This OutcomeNotRecorded carries no outcome: it could not even be sealed.")
        return Replay(done=(replay(self._parts.gate, unrecorded.record, vendors),))

    def _write(self, work: Callable[[Connection], T]) -> T:
        done = super()._write(work)
        replay_due(self._parts.gate, self._at_hand())
        return done

    def _given(self, client: Any) -> tuple[Vendor, ...]:
        if client is None:
            return ()
        from consentgate.aws.vendor import ChimeVendor

        return (ChimeVendor(client, within=self._parts.settings.times.stop.total_seconds()),)

    def _at_hand(self) -> tuple[Vendor, ...]:
        """The clients through which tasks can be stopped."""
        return ()


def record_spool(settings: Settings, *, clock: Clock = system_clock) -> Replay:
    """Record what waits in the spool, from outside the processes that put it there.

    Args:
        settings: the settings.
        clock: the time.

    Returns:
        What it came to.

    Raises:
        Misconfigured: there is no spool, or settings or key files cannot be used.
        Unavailable: database or spool are out of reach.
    """
    parts = assemble(settings, engine=None, clock=clock, random=system_random, background=False)
    try:
        if parts.gate.spool is None:
            raise Misconfigured("There is no spool: set folder under [spool] in consentgate.toml.")
        return replay_spool(parts.gate, parts.gate.spool, ())
    finally:
        parts.close()
