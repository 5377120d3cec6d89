"""The sixteen kinds of entries, and which members and parts the leaf of each may have.

Invariants: the table is closed; what a kind requires it always has, what it does not list it never has.
"""

from collections.abc import Iterable
from typing import Final

from consentgate.values import dataclass

FINAL_ENDS: Final = frozenset({"succeeded", "rejected", "not_sent", "undetermined"})
OPEN_END: Final = "unknown"
ENDS: Final = FINAL_ENDS | {OPEN_END}
MAX_SPEAKERS: Final = 12

_PARTS: Final = frozenset(
    {
        "matches.0",
        "body.0",
        *(
            f"{what}.{i}"
            for what in ("statement", "call", "assertion", "decision", "exchange")
            for i in range(MAX_SPEAKERS)
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the leaf of a kind may have, besides what every leaf has.

    Attributes:
        name: as it stands in the leaf.
        parts: the first words of the part names that it may have.
        without_parts: whether it may have none.
        decided: whether it has ``decided_at``, the time of a decision.
        sends: whether it has ``send_by``, until when its request may leave.
        answers: the kinds that its ``re`` may name; empty when it has no ``re``.
        ends: what its ``end`` may be; empty when it has none.
    """

    name: str
    parts: frozenset[str]
    without_parts: bool = False
    decided: bool = False
    sends: bool = False
    answers: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()


def _kinds(*kinds: Kind) -> dict[str, Kind]:
    return {each.name: each for each in kinds}


KINDS: Final = _kinds(
    Kind(name="statement", parts=frozenset({"statement"})),
    # A call without a human voice, or a fact about the call alone, is about nobody.
    Kind(name="call", parts=frozenset({"call", "body"})),
    Kind(name="assertion", parts=frozenset({"assertion", "body"})),
    Kind(name="registry", parts=frozenset({"body"})),
    Kind(name="packs", parts=frozenset({"body"})),
    # An intent is about nobody where a container is made: no voice is in it yet. So is its outcome.
    Kind(name="intent", parts=frozenset({"decision", "exchange", "body"}), decided=True, sends=True),
    # A denial without a speaker is about nobody: its parts lie under the month's tenant key.
    Kind(name="denial", parts=frozenset({"decision", "exchange", "body"}), decided=True),
    Kind(
        name="outcome",
        parts=frozenset({"exchange", "matches", "body"}),
        answers=frozenset({"intent"}),
        ends=FINAL_ENDS,
    ),
    Kind(
        name="observation",
        parts=frozenset({"exchange", "matches", "body"}),
        answers=frozenset({"intent", "stop"}),
        ends=ENDS,
    ),
    Kind(
        name="stop",
        parts=frozenset({"decision", "exchange", "body"}),
        without_parts=True,
        answers=frozenset({"intent"}),
    ),
    Kind(name="hold", parts=frozenset({"decision", "body"})),
    Kind(name="key_destroyed", parts=frozenset({"body"})),
    Kind(name="export", parts=frozenset({"body"})),
    Kind(name="heartbeat", parts=frozenset({"body"}), without_parts=True),
    Kind(name="writer_stop", parts=frozenset(), without_parts=True),
    Kind(name="epoch", parts=frozenset({"body"})),
)


def is_part_name(name: str) -> bool:
    """Tell whether a text names a part.

    Args:
        name: the text.

    Returns:
        Whether it is a word of the format, a dot and the position of a speaker, from 0 to 11.
    """
    return name in _PARTS


def is_about_people(name: str) -> bool:
    """Tell whether a part is about one person, and so sealed under that person's data key.

    Args:
        name: a part's name.

    Returns:
        False for ``body.0`` and ``matches.0``, which lie under tenant keys.

    Note:
        The parts of a denial without a speaker lie under a tenant key too, whatever their name; a leaf does
        not show it.
    """
    return name.partition(".")[0] not in ("body", "matches")


def about_people(names: Iterable[str]) -> bool:
    """Tell whether an entry is about people, or tenant-wide, from the names of its parts.

    Args:
        names: the parts of its leaf.

    Returns:
        Whether one of them is about a person; an entry without parts is tenant-wide.
    """
    return any(map(is_about_people, names))
