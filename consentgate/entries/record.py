"""The leaf of an entry, version 1: the small record without personal data that is hashed, logged and kept.

Invariants: a `Leaf` that exists is valid, and it has exactly one spelling, at most 4 KB of printable ASCII;
`decode` accepts exactly the bytes that `encode` makes. A member is absent, never null or empty. Nothing in a
leaf is constant per person: only random ids, times, digests of ciphertext, and tags that die with their key.
"""

from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from consentgate import moment
from consentgate.canonical import MAX_INTEGER, b64
from consentgate.entries.kinds import KINDS, Kind, is_part_name
from consentgate.entries.parts import PartRef, SealedPart
from consentgate.errors import InvalidInput
from consentgate.tlog.merkle import leaf_hash
from consentgate.values import dataclass

VERSION: Final = 1
LEAF_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePosition:
    """A place in a lane.

    Attributes:
        w: the lane, 16 random bytes.
        n: the number in it, from 0.
    """

    w: bytes
    n: int

    def __post_init__(self) -> None:
        _require_place(self.w, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Which entry an entry answers.

    Attributes:
        id: that entry's id.
        h: its leaf hash, 32 bytes.
    """

    id: UUID
    h: bytes

    def __post_init__(self) -> None:
        _require_id(self.id)
        if len(self.h) != 32:
            raise InvalidInput("A leaf hash is 32 bytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry's leaf.

    Attributes:
        id: UUIDv7 of the entry.
        kind: one of the sixteen.
        at: when the entry was appended.
        decided_at: when the decision was made; on intents and denials.
        send_by: until when the request may leave; on intents.
        w: the lane, 16 random bytes.
        n: the number in the lane, from 0.
        prev: leaf hash of the lane's entry n - 1; absent at 0.
        after: at 0 only, the lane that this one follows, and the last number that it tried.
        re: the entry that this one answers.
        end: how the request ended.
        parts: digests and tags of the sealed parts, in order of their names.
        spelled: its bytes, which follow from the rest.
    """

    id: UUID
    kind: str
    at: datetime
    w: bytes
    n: int
    decided_at: datetime | None = None
    send_by: datetime | None = None
    prev: bytes | None = None
    after: LanePosition | None = None
    re: Answer | None = None
    end: str | None = None
    parts: tuple[PartRef, ...] = ()
    spelled: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _require_id(self.id)
        for each in (self.at, self.decided_at, self.send_by):
            if each is not None and moment.floor(each) != each:
                raise InvalidInput("The times of a leaf are whole milliseconds.")
        _require_lane(self)
        _require_kind(self)
        _require_parts(self, KINDS[self.kind])
        object.__setattr__(self, "spelled", _spell(self))
        if len(self.spelled) > LEAF_LIMIT:
            raise InvalidInput(f"A leaf is at most {LEAF_LIMIT} bytes.")

    @property
    def hash(self) -> bytes:
        """The leaf hash: SHA-256(0x00 || the leaf's bytes)."""
        return leaf_hash(self.spelled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry before it has a place in a lane.

    Attributes:
        id: UUIDv7 of the entry.
        kind: one of the sixteen.
        at: when it is appended.
        decided_at: when the decision was made; on intents and denials.
        send_by: until when the request may leave; on intents.
        re: the entry that this one answers.
        end: how the request ended.
        parts: the sealed parts, in any order.
    """

    id: UUID
    kind: str
    at: datetime
    decided_at: datetime | None = None
    send_by: datetime | None = None
    re: Answer | None = None
    end: str | None = None
    parts: tuple[SealedPart, ...] = field(default=(), repr=False)


def encode(leaf: Leaf) -> bytes:
    """Write a leaf.

    Args:
        leaf: the leaf.

    Returns:
        Its one spelling.
    """
    return leaf.spelled


def _spell(leaf: Leaf) -> bytes:
    """Put the members together in the order of their names; none of their values has a letter to escape."""
    members = []
    if leaf.after is not None:
        members.append(f'"after":{{"n":{leaf.after.n},"w":"{b64(leaf.after.w)}"}}')
    members.append(f'"at":"{moment.to_text(leaf.at)}"')
    if leaf.decided_at is not None:
        members.append(f'"decided_at":"{moment.to_text(leaf.decided_at)}"')
    if leaf.end is not None:
        members.append(f'"end":"{leaf.end}"')
    members.append(f'"id":"{leaf.id}","kind":"{leaf.kind}","n":{leaf.n}')
    if leaf.parts:
        parts = [f'{{"d":"{b64(each.d)}","p":"{each.p}","t":"{b64(each.t)}"}}' for each in leaf.parts]
        members.append(f'"parts":[{",".join(parts)}]')
    if leaf.prev is not None:
        members.append(f'"prev":"{b64(leaf.prev)}"')
    if leaf.re is not None:
        members.append(f'"re":{{"h":"{b64(leaf.re.h)}","id":"{leaf.re.id}"}}')
    if leaf.send_by is not None:
        members.append(f'"send_by":"{moment.to_text(leaf.send_by)}"')
    members.append(f'"v":{VERSION},"w":"{b64(leaf.w)}"')
    return f"{{{','.join(members)}}}".encode()


def _require_place(w: bytes, n: int) -> None:
    if len(w) != 16:
        raise InvalidInput("A lane is 16 bytes.")
    if type(n) is not int or not 0 <= n <= MAX_INTEGER:
        raise InvalidInput("A number in a lane is from 0 up to 2^53 - 1.")


def _require_id(entry: UUID) -> None:
    if entry.version != 7:
        raise InvalidInput("The id of an entry is a UUIDv7.")


def _require_lane(leaf: Leaf) -> None:
    _require_place(leaf.w, leaf.n)
    if (leaf.prev is None) != (leaf.n == 0):
        raise InvalidInput("A leaf names the hash before it exactly when its number is not 0.")
    if leaf.prev is not None and len(leaf.prev) != 32:
        raise InvalidInput("A leaf hash is 32 bytes.")
    if leaf.after is not None and (leaf.n != 0 or leaf.after.w == leaf.w):
        raise InvalidInput("Only the first leaf of a lane follows another lane.")


def _require_kind(leaf: Leaf) -> None:
    kind = KINDS.get(leaf.kind)
    if kind is None:
        raise InvalidInput("There is no such kind of entry.")
    if (leaf.decided_at is not None) != kind.decided:
        raise InvalidInput(f"decided_at stands on intents and denials, not on every {kind.name}.")
    if (leaf.send_by is not None) != kind.sends:
        raise InvalidInput(f"send_by stands on intents only, and always; this is of kind {kind.name}.")
    if (leaf.re is not None) != bool(kind.answers):
        raise InvalidInput(f"re stands on what answers an entry, and always; this is of kind {kind.name}.")
    if leaf.end is None and kind.ends:
        raise InvalidInput(f"Each {kind.name} has an end.")
    if leaf.end is not None and leaf.end not in kind.ends:
        raise InvalidInput(f"There is no such end for kind {kind.name}.")


def _require_parts(leaf: Leaf, kind: Kind) -> None:
    if not leaf.parts and not kind.without_parts:
        raise InvalidInput(f"Each {kind.name} has at least one part.")
    before = ""
    for each in leaf.parts:
        if not is_part_name(each.p) or each.p.partition(".")[0] not in kind.parts:
            raise InvalidInput(f"A part of this name does not belong to kind {kind.name}.")
        if each.p <= before:
            raise InvalidInput("Parts stand in order of their names, each once.")
        before = each.p
