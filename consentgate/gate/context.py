"""What the steps of the gate work with, put together once by `config`."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timedelta
from typing import TypeAlias

from consentgate.canonical import Json
from consentgate.gate.shadow import Shadow
from consentgate.gate.spool import Spool
from consentgate.gate.unsigned import Unsigned
from consentgate.keys.envelope import Envelopes
from consentgate.ledger.book import Book
from consentgate.ledger.calls import LegName
from consentgate.ledger.reader import Reader
from consentgate.ledger.vault import Subject
from consentgate.packs.packset import PackSet
from consentgate.storage.database import Database
from consentgate.values import dataclass

LegOf: TypeAlias = Callable[[Mapping[str, Json]], LegName | None]


def _both(_request: Mapping[str, Json]) -> LegName | None:
    """Without anybody who knows the vendor's requests, both legs count."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times that bound the gate's work.

    Attributes:
        send_by: how long a permit lasts after the decision.
        reread_after: an attempt that begins later than this after the commit reads the versions again.
        outcome_budget: how long writing an outcome is retried.
        clock_skew: how far in the future a grant may claim to be.
    """

    send_by: timedelta = timedelta(seconds=5)
    reread_after: timedelta = timedelta(milliseconds=250)
    outcome_budget: timedelta = timedelta(seconds=2)
    clock_skew: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """The gate's collaborators.

    Attributes:
        database: where everything is read and written.
        book: the ledger.
        reader: reads for decisions.
        packs: the rules.
        controller: id of the controller, as statements name it; empty where none is set.
        jurisdiction: code of the controller's own law, or None.
        purposes: default purpose per action.
        limits: times.
        envelopes: seals outcomes that cannot be written.
        spool: where they wait, or None.
        unsigned: says whether entries have waited too long for a signature; None under a test's clock, which jumps.
        shadow: the shadow mode where it was switched on, or None.
        leg_of: tells from a stored request which leg it names; None means both.
        months: the tenant's monthly keys that this process has used, by name.
    """

    database: Database
    book: Book
    reader: Reader
    packs: PackSet
    controller: str
    jurisdiction: str | None
    purposes: Mapping[str, str]
    limits: Limits
    envelopes: Envelopes
    spool: Spool | None = None
    unsigned: Unsigned | None = None
    shadow: Shadow | None = None
    leg_of: LegOf = _both
    months: dict[str, Subject] = field(default_factory=dict, repr=False, compare=False)
