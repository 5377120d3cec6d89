"""Where the values of a leaf stand: leaves with the same members, of the same length, differ in their values alone.

A leaf has one spelling and its values have fixed widths, but for its number in the lane. So whether a leaf is one is
asked once of the strict decoder for each *layout*; of further leaves the bytes between their values are compared.

Invariant: a leaf of which these bytes are those of the layout, and of which each value is spelled as it should be, is
one that the strict decoder takes.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

from consentgate.entries.kinds import about_people
from consentgate.entries.leaf import Leaf, decode
from consentgate.errors import Malformed
from consentgate.values import dataclass

_WIDTHS: Final = {"at": 24, "decided_at": 24, "id": 36, "d": 43, "t": 22, "prev": 43, "h": 43, "re": 36} | {
    "send_by": 24,
    "w": 22,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Leaves with the same members.

    Attributes:
        kind: their kind.
        end: how they end; empty where they do not say.
        about: whether they are about people, 0 or 1.
        struct: parts bytes of this length into what is fixed and values, in turn.
        fixed: what is fixed.
        names: the names of the values, in their order; ``d`` and ``t`` once for each part.
    """

    kind: str
    end: str
    about: int
    struct: Struct
    fixed: tuple[bytes, ...]
    names: tuple[str, ...]


def layout_of(data: bytes) -> Layout | None:
    """Find the layout of a leaf.

    Args:
        data: its bytes.

    Returns:
        The layout; None where the bytes are no leaf, or one that follows another lane: that is rare, and has a rule
        about values.
    """
    try:
        leaf = decode(data)
    except Malformed:
        return None
    if leaf.after is not None:
        return None
    pieces = list(_pieces(leaf))
    fixed = tuple(text.encode() for text, _ in pieces)
    widths = [_WIDTHS.get(name, len(str(leaf.n))) for _, name in pieces[:-1]]
    sizes = [size for text, width in zip(fixed, [*widths, 0], strict=True) for size in (len(text), width)]
    return Layout(
        kind=leaf.kind,
        end=leaf.end or "",
        about=int(about_people(each.p for each in leaf.parts)),
        struct=Struct("".join(f"{size}s" for size in sizes[:-1])),
        fixed=fixed,
        names=tuple(name for _, name in pieces[:-1]),
    )


def _pieces(leaf: Leaf) -> Iterator[tuple[str, str]]:
    """What is fixed, and the name of the value after it; nothing comes after the last."""
    yield '{"at":"', "at"
    rest = '"'
    if leaf.decided_at is not None:
        yield f'{rest},"decided_at":"', "decided_at"
    if leaf.end is not None:
        rest += f',"end":"{leaf.end}"'
    yield f'{rest},"id":"', "id"
    yield f'","kind":"{leaf.kind}","n":', "n"
    rest = ""
    for number, each in enumerate(leaf.parts):
        start = ',"parts":[' if number == 0 else f"{rest},"
        yield f'{start}{{"d":"', "d"
        yield f'","p":"{each.p}","t":"', "t"
        rest = '"}'
    rest += "]" if leaf.parts else ""
    if leaf.prev is not None:
        yield f'{rest},"prev":"', "prev"
        rest = '"'
    if leaf.re is not None:
        yield f'{rest},"re":{{"h":"', "h"
        yield '","id":"', "re"
        rest = '"}'
    if leaf.send_by is not None:
        yield f'{rest},"send_by":"', "send_by"
        rest = '"'
    yield f'{rest},"v":1,"w":"', "w"
    yield '"}', ""
