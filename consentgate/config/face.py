"""`ConsentGate`: the public face, and the one place where everything is put together."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy import Engine

from consentgate.config.anchoring import lags_of
from consentgate.config.exports import Exports
from consentgate.config.parts import assemble
from consentgate.config.readiness import Readiness
from consentgate.config.settings import Settings, home_of, load_settings
from consentgate.config.streams import Streams
from consentgate.errors import LogRefused, Unavailable
from consentgate.gate.replay import replay_due
from consentgate.moment import Clock, Random, system_clock, system_random

_LOG: Final = logging.getLogger("consentgate")


class ConsentGate(Streams, Exports):
    """Gates what boto3 clients and other engines do with voices, and keeps the evidence.

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
        shadow: bool = False,
    ) -> None:
        """Put everything together and check the database.

        Args:
            settings: what the deployment decides.
            engine: the host's engine, if its pool is to be used; our own otherwise.
            clock: the time; a clock of `consentgate.testing` marks the database as a test database for ever.
            random: randomness.
            background: whether threads of this process sequence and sign the log, and carry stop orders out.
            shadow: whether requests that would be denied go out all the same and are recorded as what they are,
                until the last day that the settings name; only where the settings allow it.

        Raises:
            Misconfigured: settings or key files cannot be used.
            SchemaMismatch: the database is not as the migrations made it.
            Unavailable: the database is out of reach.
        """
        super().__init__(
            assemble(
                settings, engine=engine, clock=clock, random=random, background=background, shadow=shadow
            )
        )
        self._closed = False
        if (shadowed := self._parts.gate.shadow) is not None:
            _LOG.warning(
                "Shadow mode until %s: what would be denied is sent. %s answers for it.",
                shadowed.until,
                shadowed.by,
            )
        replay_due(self._parts.gate, at_most=None)

    @classmethod
    def open(
        cls,
        home: str | Path | None = None,
        *,
        engine: Engine | None = None,
        clock: Clock = system_clock,
        random: Random = system_random,
        background: bool = True,
        shadow: bool = False,
    ) -> "ConsentGate":
        """Open the gate of a home folder.

        Args:
            home: the folder that `consentgate init` made; by default ``CONSENTGATE_HOME``, else
                ``.consentgate``.
            engine: as the constructor takes it.
            clock: likewise.
            random: likewise.
            background: likewise.
            shadow: likewise.

        Returns:
            The gate.

        Raises:
            Misconfigured: there are no settings, or they cannot be used.
        """
        settings = load_settings(home_of(home))
        return cls(settings, engine=engine, clock=clock, random=random, background=background, shadow=shadow)

    def ready(self) -> Readiness:
        """Check that the gate could decide now: the database answers, the log is kept, stop orders are looked after.

        Returns:
            The stop orders that are open, and how far behind each anchor is: worth a look, and no reason to take no
            requests.

        Raises:
            ConsentGateError: what stands in the way.
        """
        self._read(self._parts.reader.controller)
        service = self._parts.service
        if service is not None and service.failure is not None:
            raise LogRefused("The log is not being kept; see the cause.") from service.failure
        unsigned = self._parts.gate.unsigned
        if unsigned is not None and unsigned.overdue(self._parts.book.now()):
            raise LogRefused(
                "Entries have waited too long for a signature: requests are denied (LOG_UNSIGNED)."
            )
        if (failure := self._worker.failure) is not None:
            raise Unavailable("Stop orders are not being carried out; see the cause.") from failure
        anchors = lags_of(self._parts.settings, self._parts.database)
        return Readiness(stops=self.open_stops(), anchors=anchors)

    def close(self) -> None:
        """Sequence and sign what is written, and let go of threads and connections; twice does nothing more."""
        if not self._closed:
            self._closed = True
            self._worker.stop()
            self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
