"""One exported entry as all the paper sees it: taken apart once, then given to every writer.

Invariant: what a writer is given is complete; nothing is looked up later.
"""

from collections.abc import Sequence
from dataclasses import field
from typing import Protocol

from consentgate.export.paper.known import Numbers
from consentgate.export.paper.spoken import Said, said
from consentgate.export.paper.telling import Told, told
from consentgate.export.paper.views import Ruling, rulings, withheld
from consentgate.export.paper.zones import Zone
from consentgate.export.record import Record, Withheld
from consentgate.export.sink import Totals
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry, taken apart.

    Attributes:
        record: the record.
        local: when it was recorded, as clocks in the zone showed it.
        told: what happened, in words.
        rulings: its decisions, in the order of its parts.
        said: what a person stated, or None.
        withheld: its parts whose key is not disclosed.
        zone: the zone of local times.
        numbers: the Bates numbers so far, its own included.
    """

    record: Record
    local: str
    told: Told
    rulings: tuple[Ruling, ...]
    said: Said | None
    withheld: Sequence[tuple[str, Withheld]]
    zone: Zone = field(repr=False)
    numbers: Numbers = field(repr=False)

    @property
    def in_person(self) -> Told:
        """What happened, told to the person whom it is about."""
        return told(self.record, self.zone, you=True)


class Writer(Protocol):
    """Takes every entry once, in order, and writes its own files."""

    def take(self, entry: Entry) -> None:
        """Take the next entry.

        Args:
            entry: the entry; not to be kept.
        """
        ...

    def finish(self, totals: Totals) -> None:
        """Write what is left to write.

        Args:
            totals: what there was.
        """
        ...


def entry_of(record: Record, zone: Zone, numbers: Numbers) -> Entry:
    """Take a record apart.

    Args:
        record: the record.
        zone: the zone of local times.
        numbers: the Bates numbers so far; the record's is added.

    Returns:
        The entry.
    """
    numbers.add(record.entry, record.bates)
    return Entry(
        record=record,
        local=zone.local(record.at),
        told=told(record, zone),
        rulings=tuple(rulings(record)),
        said=said(record),
        withheld=tuple(withheld(record)),
        zone=zone,
        numbers=numbers,
    )
