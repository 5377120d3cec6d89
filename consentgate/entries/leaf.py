"""Leaves: the small records without personal data that are hashed, logged and kept for ever.

Invariants: `decode` accepts exactly the bytes that `encode` makes; whatever the bytes, the result is a valid
`Leaf` or `Malformed`. An unknown member is refused: a leaf of another version is not read as one of this.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from consentgate import canonical, moment
from consentgate.canonical import Json, unb64
from consentgate.entries.parts import PartRef, SealedPart
from consentgate.entries.record import LEAF_LIMIT, VERSION, Answer, Draft, LanePosition, Leaf, encode
from consentgate.errors import InvalidInput, Malformed

__all__ = [
    "LEAF_LIMIT",
    "VERSION",
    "Answer",
    "Draft",
    "LanePosition",
    "Leaf",
    "PartRef",
    "SealedPart",
    "decode",
    "encode",
    "leaf_of",
]

_ALWAYS: Final = frozenset({"v", "id", "kind", "at", "w", "n"})
_KNOWN: Final = _ALWAYS | {"decided_at", "send_by", "prev", "after", "re", "end", "parts"}
_PLACE: Final = frozenset({"w", "n"})
_ANSWER: Final = frozenset({"id", "h"})
_PART: Final = frozenset({"p", "d", "t"})


def leaf_of(
    draft: Draft, *, w: bytes, n: int, prev: bytes | None = None, after: LanePosition | None = None
) -> Leaf:
    """Give a draft its place in a lane.

    Args:
        draft: the entry.
        w: the lane.
        n: the number in the lane.
        prev: leaf hash of the lane's previous entry; None exactly at 0.
        after: at 0, the lane that this one replaces, if any.

    Returns:
        The leaf; its parts are in order of their names.

    Raises:
        InvalidInput: members or parts that the kind does not have, a place that cannot be, or over 4 KB.
    """
    refs = [
        PartRef(p=each.name, d=hashlib.sha256(each.jwe.encode()).digest(), t=each.tag) for each in draft.parts
    ]
    return Leaf(
        id=draft.id,
        kind=draft.kind,
        at=moment.floor(draft.at),
        decided_at=None if draft.decided_at is None else moment.floor(draft.decided_at),
        send_by=None if draft.send_by is None else moment.floor(draft.send_by),
        w=w,
        n=n,
        prev=prev,
        after=after,
        re=draft.re,
        end=draft.end,
        parts=tuple(sorted(refs, key=lambda each: each.p)),
    )


def decode(data: bytes) -> Leaf:
    """Read a leaf.

    Args:
        data: its stored bytes.

    Returns:
        The leaf.

    Raises:
        Malformed: these are not the bytes of a leaf of version 1.
    """
    members = _object(canonical.decode(data, limit=LEAF_LIMIT), _ALWAYS, _KNOWN)
    if members["v"] != VERSION or isinstance(members["v"], bool):
        raise Malformed("This leaf is of another version.")
    try:
        leaf = Leaf(
            id=_id(members["id"]),
            kind=_text(members["kind"]),
            at=_time(members["at"]),
            w=_bytes(members["w"]),
            n=_integer(members["n"]),
            decided_at=_time(members["decided_at"]) if "decided_at" in members else None,
            send_by=_time(members["send_by"]) if "send_by" in members else None,
            prev=_bytes(members["prev"]) if "prev" in members else None,
            after=_position(members["after"]) if "after" in members else None,
            re=_answer(members["re"]) if "re" in members else None,
            end=_text(members["end"]) if "end" in members else None,
            parts=_parts(members["parts"]) if "parts" in members else (),
        )
    except InvalidInput as problem:
        raise Malformed(f"This is not a leaf. {problem}") from problem
    if encode(leaf) != data:
        raise Malformed("The leaf is not in its one spelling.")
    return leaf


def _position(value: Json) -> LanePosition:
    members = _object(value, _PLACE, _PLACE)
    return LanePosition(w=_bytes(members["w"]), n=_integer(members["n"]))


def _answer(value: Json) -> Answer:
    members = _object(value, _ANSWER, _ANSWER)
    return Answer(id=_id(members["id"]), h=_bytes(members["h"]))


def _parts(value: Json) -> tuple[PartRef, ...]:
    # An empty list would be a second spelling of no parts.
    if not isinstance(value, list) or not value:
        raise Malformed("The parts of a leaf are a list that is not empty.")
    return tuple(_part(each) for each in value)


def _part(value: Json) -> PartRef:
    members = _object(value, _PART, _PART)
    return PartRef(p=_text(members["p"]), d=_bytes(members["d"]), t=_bytes(members["t"]))


def _object(value: Json, always: frozenset[str], known: frozenset[str]) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise Malformed("This is not a leaf: an object is missing.")
    if not always <= value.keys() <= known:
        raise Malformed("This is not a leaf: a member is missing or unknown.")
    return value


def _id(value: Json) -> UUID:
    return moment.parse_uuid(_text(value))


def _time(value: Json) -> datetime:
    return moment.from_text(_text(value))


def _bytes(value: Json) -> bytes:
    return unb64(_text(value))


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Malformed("This is not a leaf: a text is missing.")
    return value


def _integer(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed("This is not a leaf: an integer is missing.")
    return value
