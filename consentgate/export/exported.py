"""The export's entry: everything from which the package follows, sealed in its one part.

Invariants: `read` gives what `members` wrote; with the ledger as it is now, the same package follows from it for as
long as the keys of its parts are there. Entries are named by their positions: a link that is made later changes
nothing.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.export.asked import DIGITS, Asked, asked_from
from consentgate.export.withholding import RULES
from consentgate.moment import from_text, to_text
from consentgate.values import dataclass

FORMAT: Final = 1
"""Of the package: docs/formats/package.md."""

_SUBJECT_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The checkpoint that an export proves against.

    Attributes:
        log: number of the log.
        origin: its origin.
        size: how many entries the checkpoint covers.
        root: its root, 32 bytes.
        note: the signed note, with cosignatures.
        vkey: the log's public key.
        timestamp: SHA-256 of the checkpoint's timestamp, an artifact; None for none.
    """

    log: int
    origin: str
    size: int
    root: bytes
    note: str = field(repr=False)
    vkey: str
    timestamp: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is to be exported, before it has numbers.

    Attributes:
        head: the checkpoint.
        positions: of the entries, in order.
        closed: of all their parts, counted from 0, those that no key opens.
        people: the subjects that the references asked for named; a reference may name another one later, or none.
        not_covered: how many entries were selected that the checkpoint does not cover.
    """

    head: Head
    positions: Sequence[int] = field(repr=False)
    closed: tuple[int, ...] = field(default=(), repr=False)
    people: tuple[UUID, ...] = field(default=(), repr=False)
    not_covered: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export that is on record.

    Attributes:
        entry: id of its entry.
        at: when it was made.
        asked: what was asked for.
        chosen: which entries.
        first: the first Bates number.
        fingerprint: of the package key.
        engine: the version of consentgate that made it.
        controller: the controller's id, as the settings had it.
        policy: the deployment's witness policy, or None.
    """

    entry: UUID
    at: datetime
    asked: Asked
    chosen: Chosen
    first: int
    fingerprint: str
    engine: str
    controller: str
    policy: str | None = None

    @property
    def last(self) -> int:
        """The last Bates number."""
        return self.first + len(self.chosen.positions) - 1

    def bates(self, number: int) -> str:
        """Write a Bates number.

        Args:
            number: the number.

        Returns:
            The prefix and the number, filled up with zeros.
        """
        return f"{self.asked.prefix}{number:0{DIGITS}d}"

    @property
    def name(self) -> str:
        """What the folder is called."""
        return f"{self.asked.slug}_{self.bates(self.first)}-{self.bates(self.last)}"

    def members(self) -> dict[str, Json]:
        """Write the content of the entry's part.

        Returns:
            Canonical JSON members, without the format's number.
        """
        head, chosen = self.chosen.head, self.chosen
        members: dict[str, Json] = {
            **self.asked.members(),
            "format": FORMAT,
            "rules": RULES,
            "at": to_text(self.at),
            "first": self.first,
            "last": self.last,
            "engine": self.engine,
            "controller": self.controller,
            "fingerprint": self.fingerprint,
            "positions": pack(chosen.positions),
            "not_covered": chosen.not_covered,
            "logs": [
                {
                    "number": head.log,
                    "origin": head.origin,
                    "size": head.size,
                    "root": canonical.b64(head.root),
                    "note": head.note,
                    "vkey": head.vkey,
                }
            ],
        }
        members |= {"closed": pack(chosen.closed)} if chosen.closed else {}
        members |= {"people": [canonical.b64(each.bytes) for each in chosen.people]} if chosen.people else {}
        members |= {"policy": self.policy} if self.policy is not None else {}
        members |= {"timestamp": canonical.b64(head.timestamp)} if head.timestamp is not None else {}
        return members


def read(entry: UUID, members: Mapping[str, Json]) -> Exported:
    """Read what `Exported.members` wrote.

    Args:
        entry: id of the export's entry.
        members: what its part says.

    Returns:
        The export.

    Raises:
        Malformed: it is something else, or of a format or of rules that this version does not have.
    """
    if members.get("format") != FORMAT or members.get("rules") != RULES:
        raise Malformed(
            "This export was made in another format: make it again with the version that it names."
        )
    logs = members.get("logs")
    log = logs[0] if isinstance(logs, list) and len(logs) == 1 else None
    if not isinstance(log, Mapping):
        raise Malformed("The export's entry does not name its checkpoint.")
    positions, closed = unpack(_text(members, "positions")), unpack(_optional(members, "closed") or "")
    first, last = _number(members, "first"), _number(members, "last")
    if last - first + 1 != len(positions):
        raise Malformed("The export's entry has more or fewer Bates numbers than entries.")
    return Exported(
        entry=entry,
        at=from_text(_text(members, "at")),
        asked=asked_from(members),
        chosen=Chosen(
            head=_head(log, _optional(members, "timestamp")),
            positions=positions,
            closed=tuple(closed),
            people=_people(members.get("people", [])),
            not_covered=_number(members, "not_covered"),
        ),
        first=first,
        fingerprint=_text(members, "fingerprint"),
        engine=_text(members, "engine"),
        controller=_text(members, "controller"),
        policy=_optional(members, "policy"),
    )


def _people(listed: Json) -> tuple[UUID, ...]:
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise Malformed("In the export's entry, people is a list of subjects.")
    found = [canonical.unb64(str(each)) for each in listed]
    if any(len(each) != _SUBJECT_BYTES for each in found):
        raise Malformed("The export's entry names a subject that is none.")
    return tuple(UUID(bytes=each) for each in found)


def _head(log: Mapping[str, Json], timestamp: str | None) -> Head:
    return Head(
        log=_number(log, "number"),
        origin=_text(log, "origin"),
        size=_number(log, "size"),
        root=canonical.unb64(_text(log, "root")),
        note=_text(log, "note"),
        vkey=_text(log, "vkey"),
        timestamp=canonical.unb64(timestamp) if timestamp is not None else None,
    )


def pack(numbers: Iterable[int]) -> str:
    """Write ascending numbers: the distance from one to the next in seven bits a byte, the lowest first.

    Args:
        numbers: in order, each once, from 0.

    Returns:
        base64url.
    """
    packed, before = bytearray(), -1
    for number in numbers:
        left = number - before - 1
        while left > 0x7F:
            packed.append(left & 0x7F | 0x80)
            left >>= 7
        packed.append(left)
        before = number
    return canonical.b64(bytes(packed))


def unpack(text: str) -> "array[int]":
    """Read what `pack` wrote.

    Args:
        text: base64url.

    Returns:
        The numbers.

    Raises:
        Malformed: it is something else.
    """
    found, before, value, shift = array("q"), -1, 0, 0
    for byte in canonical.unb64(text):
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > 49:
                raise Malformed("The export's entry names a position that no log has.")
            continue
        before += value + 1
        found.append(before)
        value, shift = 0, 0
    if shift:
        raise Malformed("The positions in the export's entry are cut off.")
    return found


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise Malformed(f"In the export's entry, {name} is text.")
    return value


def _optional(members: Mapping[str, Json], name: str) -> str | None:
    return _text(members, name) if name in members else None


def _number(members: Mapping[str, Json], name: str) -> int:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"In the export's entry, {name} is a number.")
    return value
