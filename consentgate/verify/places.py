"""What a verification is given about anchors: the rows that say what they keep, the places themselves, and witnesses.

Small ports again: a place is asked for what it keeps of one log, and nothing is ever put into it from here.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from consentgate.tlog.cosignature import WitnessKey
from consentgate.tlog.policy import Policy
from consentgate.values import dataclass

WITNESS = "witness"
"""The kind of an anchor whose evidence is a cosignature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRow:
    """A row of `anchor`: that an anchor took the checkpoint of a size, and what it answered."""

    name: str
    size: int
    kind: str
    evidence: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A checkpoint that a place keeps.

    Attributes:
        size: how many entries it is of, as its name in that place says.
        evidence: where it lies there, as `anchor.evidence` has it; empty where a place has no such word.
        note: its bytes.
        at: since when it is there, as the place says.
    """

    size: int
    evidence: str
    note: bytes
    at: datetime


class AnchorSource(Protocol):
    """The rows of `anchor` of one log."""

    def anchors(self) -> Iterable[AnchorRow]:
        """Read the rows.

        Returns:
            The rows in order of their sizes.
        """
        ...


class Place(Protocol):
    """An anchor, as far as it can be asked."""

    @property
    def name(self) -> str:
        """What the settings call it."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def retired(self) -> bool:
        """Whether it gets nothing more."""
        ...

    def held(self, origin: str) -> Iterable[Held]:
        """Read what it keeps of a log.

        Args:
            origin: the log's origin.

        Returns:
            The checkpoints in order of their sizes. A witness keeps the newest, if it gives it out at all.

        Raises:
            ConsentGateError: it cannot be asked now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """Anchors and witnesses, as whoever verifies knows them.

    Attributes:
        rows: what the database says that they keep.
        places: the anchors that the verifier knows, by what they are asked.
        witnesses: keys of the witnesses among them, by the anchors' names.
        policy: which witnesses have to have cosigned; None asks for one at least, where there is any.
    """

    rows: AnchorSource
    places: tuple[Place, ...] = ()
    witnesses: Mapping[str, WitnessKey]
    policy: Policy | None = None
