"""Anchors as a verification asks them: what the settings name, beside what the database says of it.

Invariant: nothing is put anywhere; why an anchor cannot be asked is noted, and leaves its level unjudged.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from consentgate.config.anchoring import place_of, policy_file, witnesses_of
from consentgate.config.anchors import AnchorSettings
from consentgate.config.settings import Settings
from consentgate.config.times import Times
from consentgate.errors import ConsentGateError, Malformed, Unavailable
from consentgate.log.directory import DirectoryAnchor
from consentgate.log.witness import WitnessAnchor
from consentgate.moment import Clock, from_millis
from consentgate.storage import stored
from consentgate.storage.sequence import FIRST_LOG
from consentgate.tlog import checkpoint
from consentgate.tlog.note import parse_note
from consentgate.values import dataclass
from consentgate.verify.places import AnchorRow, Anchors, Held

if TYPE_CHECKING:
    from consentgate.aws.anchors import BucketAnchor

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnchors:
    """The rows of `anchor`, read in one transaction.

    Attributes:
        connection: of a read.
        log: number of the log.
    """

    connection: Connection
    log: int = FIRST_LOG

    def anchors(self) -> Iterable[AnchorRow]:
        """Read the rows.

        Returns:
            The rows in order of their sizes.
        """
        return (AnchorRow(**row) for row in stored.anchors(self.connection, log=self.log))


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPlace:
    """An anchor of the settings.

    Attributes:
        settings: what they say of it.
        times: how long it is waited for.
        clock: the time.
        notes: takes why it cannot be asked.
    """

    settings: AnchorSettings
    times: Times
    clock: Clock
    notes: list[str]

    @property
    def name(self) -> str:
        """What the settings call it."""
        return self.settings.name

    @property
    def kind(self) -> str:
        """What it is."""
        return self.settings.kind

    @property
    def retired(self) -> bool:
        """Whether it gets nothing more."""
        return self.settings.retired

    def held(self, origin: str) -> Iterator[Held]:
        """Read what it keeps of a log.

        Args:
            origin: the log's origin.

        Yields:
            The checkpoints in order of their sizes.

        Raises:
            ConsentGateError: it cannot be asked now, whatever stands in the way: other levels are judged.
        """
        try:
            place = place_of(self.settings, self.clock, self.times)
            yield from _given_out(place, origin) if isinstance(place, WitnessAnchor) else _kept(place, origin)
        except ConsentGateError as error:
            self.notes.append(str(error))
            raise
        except Exception as error:
            failure = Unavailable(f"The anchor {self.name} cannot be asked ({type(error).__name__}).")
            self.notes.append(str(failure))
            raise failure from error


def anchors_of(
    settings: Settings,
    connection: Connection,
    *,
    clock: Clock,
    notes: list[str],
    policy: Path | None = None,
    log: int = FIRST_LOG,
) -> Anchors | None:
    """Gather what a verification is given about anchors.

    Args:
        settings: the settings.
        connection: of a read; it stays open while this is used.
        clock: the time.
        notes: takes why an anchor cannot be asked.
        policy: a file with a witness policy in the place of the settings'.
        log: number of the log.

    Returns:
        The anchors; None where neither settings nor database know any.

    Raises:
        Misconfigured: the witness policy cannot be used.
    """
    rows = StoredAnchors(connection=connection, log=log)
    if not settings.anchors and policy is None and not stored.has_anchors(connection):
        return None
    return Anchors(
        rows=rows,
        places=tuple(
            NamedPlace(settings=each, times=settings.times, clock=clock, notes=notes)
            for each in settings.anchors
        ),
        witnesses={each.name: each.key for each in settings.anchors if each.key is not None},
        policy=witnesses_of(settings).policy if policy is None else policy_file(policy),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest checkpoint of an anchor, as the database says.

    Attributes:
        name: the anchor's name.
        kind: its kind.
        size: of the checkpoint, 0 for none.
        at: when the anchor took it, or None.
    """

    name: str
    kind: str
    size: int = 0
    at: datetime | None = None


def newest_of(settings: Settings, connection: Connection, *, log: int = FIRST_LOG) -> tuple[Newest, ...]:
    """Say what each anchor has, as the database says, whatever a damaged one holds.

    Args:
        settings: the settings.
        connection: of a read.
        log: number of the log.

    Returns:
        One for each anchor of the settings, in their order.
    """
    found: dict[str, Newest] = {
        each.name: Newest(name=each.name, kind=each.kind) for each in settings.anchors
    }
    if not found:
        return ()
    try:
        for row in StoredAnchors(connection=connection, log=log).anchors():
            values: tuple[object, ...] = (row.size, row.at)
            last = found.get(row.name)
            if last is None or not all(isinstance(each, int) for each in values) or row.size <= last.size:
                continue
            found[row.name] = Newest(name=last.name, kind=last.kind, size=row.size, at=from_millis(row.at))
    except (ConsentGateError, OverflowError):
        return tuple(found.values())
    return tuple(found.values())


def _kept(place: "DirectoryAnchor | BucketAnchor", origin: str) -> Iterator[Held]:
    for evidence, note, at in place.held(origin):
        yield Held(size=_size_in(evidence), evidence=evidence, note=note, at=at)


def _given_out(place: WitnessAnchor, origin: str) -> Iterator[Held]:
    note = place.newest(origin)
    if note is None:
        return
    try:
        size = checkpoint.decode(parse_note(note).text).size
    except Malformed as error:
        raise Unavailable(f"What witness {place.name} gives out is no checkpoint: {error}") from error
    yield Held(size=size, evidence="", note=note, at=_NEVER)


def _size_in(evidence: str) -> int:
    """Read the size that the name of a file or object begins with; 0 where it is no such name."""
    digits = evidence.rpartition("/")[2][:20]
    return int(digits) if digits.isascii() and digits.isdecimal() else 0
