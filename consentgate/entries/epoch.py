"""Epochs: how the logs of a deployment are numbered and named, and what the first entry of a new one says.

Log 0 is the deployment's first. Each epoch is a log with the next number, an origin and a key of its own, and begins
with an ``epoch`` entry whose part ``body.0`` is an `EpochRecord`. Then every entry of the database is logged again.

Invariants: the log that grows is the one with the highest number; the logs before it stay as they were when it was
opened, and the record says what that was: how many positions, under which root, and how much of what was signed
nothing shows any longer.
"""

from collections.abc import Mapping
from typing import Final

from consentgate.canonical import MAX_INTEGER, Json, b64, unb64
from consentgate.errors import Malformed
from consentgate.tlog.merkle import HASH_BYTES
from consentgate.values import dataclass

ORIGIN: Final = "log_origin"
"""Name of the fact that is the origin of log 0; that of log N is this name, a dot and N."""

FIRST: Final = 0

_MEMBERS: Final = frozenset(
    {"log", "origin", "old_log", "old_origin", "checkpoint", "source", "sizes", "root", "lost"}
)
_SIZES: Final = frozenset({"signed", "sound", "gone", "sequenced", "entries"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What the first entry of an epoch says.

    Attributes:
        log: number of the log that it opens.
        origin: the new log's origin.
        old_log: number of the log before.
        old_origin: the old log's origin.
        checkpoint: the last checkpoint of the old log that is known, anchored if any was, as a signed note; empty
            where none is known.
        source: where it was found: ``anchor``, ``given``, ``state``, ``database`` or ``none``.
        signed: how many entries it covers.
        sound: the largest checkpoint that is known and whose root the old log still has.
        gone: how many of its positions below that have no entry, or another than was logged.
        sequenced: how many positions the old log has left.
        root: of the tree over those.
        entries: how many entries the database holds.
    """

    log: int
    origin: str
    old_log: int
    old_origin: str
    checkpoint: str
    source: str
    signed: int
    sound: int
    gone: int
    sequenced: int
    root: bytes
    entries: int

    @property
    def lost(self) -> int:
        """How many signed positions nothing here shows as they were signed."""
        return self.signed - self.sound + self.gone

    def members(self) -> dict[str, Json]:
        """Give the members of ``body.0``.

        Returns:
            Canonical JSON.
        """
        sizes: dict[str, Json] = {
            "signed": self.signed,
            "sound": self.sound,
            "gone": self.gone,
            "sequenced": self.sequenced,
            "entries": self.entries,
        }
        return {
            "log": self.log,
            "origin": self.origin,
            "old_log": self.old_log,
            "old_origin": self.old_origin,
            "checkpoint": self.checkpoint,
            "source": self.source,
            "sizes": sizes,
            "root": b64(self.root),
            "lost": self.lost,
        }


def epoch_record(members: Mapping[str, object]) -> EpochRecord:
    """Read what the first entry of an epoch says.

    Args:
        members: of ``body.0``, without the format's number.

    Returns:
        The record.

    Raises:
        Malformed: it is none, or contradicts itself.
    """
    sizes = members.get("sizes")
    if set(members) != _MEMBERS or not isinstance(sizes, dict) or set(sizes) != _SIZES:
        raise Malformed("The record of an epoch has other members than it should.")
    root = members["root"]
    record = EpochRecord(
        log=_number(members["log"]),
        origin=_text(members["origin"]),
        old_log=_number(members["old_log"]),
        old_origin=_text(members["old_origin"]),
        checkpoint=_text(members["checkpoint"]),
        source=_text(members["source"]),
        signed=_number(sizes["signed"]),
        sound=_number(sizes["sound"]),
        gone=_number(sizes["gone"]),
        sequenced=_number(sizes["sequenced"]),
        root=unb64(root) if isinstance(root, str) else b"",
        entries=_number(sizes["entries"]),
    )
    fits = record.gone <= record.sound <= min(record.signed, record.sequenced)
    if (
        len(record.root) != HASH_BYTES
        or not fits
        or record.old_log >= record.log
        or members["lost"] != record.lost
    ):
        raise Malformed("The record of an epoch contradicts itself.")
    return record


def origin_fact(log: int) -> str:
    """Name the fact that says a log's origin.

    Args:
        log: number of the log.

    Returns:
        The fact's name.
    """
    return f"{ORIGIN}.{log}" if log else ORIGIN


def origins(facts: Mapping[str, str]) -> dict[int, str]:
    """Find the logs of a deployment among its facts.

    Args:
        facts: values by name.

    Returns:
        The origins by the numbers of the logs, in order; a name that is none is left out.
    """
    numbers = {log: value for name, value in facts.items() if (log := _log_of(name)) is not None}
    return dict(sorted(numbers.items()))


def current_log(facts: Mapping[str, str]) -> int:
    """Say which log grows.

    Args:
        facts: values by name.

    Returns:
        The highest number, 0 where there is no log yet.
    """
    return max(origins(facts), default=FIRST)


def _log_of(name: str) -> int | None:
    if name == ORIGIN:
        return FIRST
    word, _, number = name.partition(".")
    # One spelling for each number: "01" and "+1" are no names.
    if word != ORIGIN or not number.isascii() or not number.isdigit() or len(number) > 9:
        return None
    return int(number) if number[0] != "0" else None


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise Malformed("A number of an epoch's record is from 0.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("The record of an epoch names its log and its checkpoint as text.")
    return value
