"""Entries judged many at a time: rows of which everything is right cost little more than reading them.

The rows of a batch are sorted by their layout; what leaves of one layout say is put beside what the columns hold, a
column at a time. Texts are compared as they are spelled: a value that is spelled in another way than its one does not
equal what the stored value spells.

Invariant: an entry is known from here only if the careful way (`consentgate.verify.stored`) would find nothing in its
row, and the facts are the same; where there is any doubt, this module says nothing.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from typing import Final, TypeAlias

from consentgate.entries.parts import SEPARATOR
from consentgate.errors import Malformed
from consentgate.moment import from_text, to_millis
from consentgate.verify.known import Known
from consentgate.verify.layouts import Layout, layout_of
from consentgate.verify.rows import EntryValues

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_DIGITS: Final = bytes.maketrans(b"123456789", b"0" * 9)
# Longer numbers go the careful way.
_LARGEST: Final = 10**15
# A log of any size has some dozens; where somebody made up more, the rest goes the careful way.
_MOST_LAYOUTS: Final = 4096

# As `Known._make` does it, without its call of Python.
_known: Final[Callable[[tuple[object, ...]], Known]] = partial(tuple.__new__, Known)

_Column: TypeAlias = Sequence[bytes]


class Batches:
    """Judges batches of rows, and learns which layouts there are."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[str, str, int], list[Layout]] = {}
        self._count = 0

    def sound(self, rows: Sequence[EntryValues]) -> list[Known | None]:
        """Judge a batch.

        Args:
            rows: rows of the right types, in the order of the columns of `EntryRow`.

        Returns:
            What is known of each entry, in the same order; None where not everything is certainly right.
        """
        known: list[Known | None] = [None] * len(rows)
        groups: dict[int, _Group] = {}
        for number, row in enumerate(rows):
            # Kind, end and leaf.
            parted = self._parted(row[3], row[9], row[10])
            if parted is None:
                continue
            layout, values = parted
            group = groups.get(id(layout))
            if group is None:
                group = groups[id(layout)] = _Group(layout)
            group.numbers.append(number)
            group.values.append(values)
        for group in groups.values():
            try:
                found = group.sound([rows[number] for number in group.numbers])
            except (Malformed, ValueError):
                continue
            for number, each in zip(group.numbers, found, strict=True):
                known[number] = each
        return known

    def _parted(self, kind: str, end: str, leaf: bytes) -> tuple[Layout, tuple[bytes, ...]] | None:
        key = (kind, end, len(leaf))
        for layout in self._layouts.get(key, ()):
            pieces = layout.struct.unpack(leaf)
            if pieces[::2] == layout.fixed:
                return layout, pieces[1::2]
        learned = layout_of(leaf) if self._count < _MOST_LAYOUTS else None
        if learned is None or (learned.kind, learned.end) != (kind, end):
            return None
        self._count += 1
        self._layouts.setdefault(key, []).append(learned)
        return learned, learned.struct.unpack(leaf)[1::2]


class _Group:
    """Rows of a batch whose leaves have one layout."""

    __slots__ = ("layout", "numbers", "values")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.numbers: list[int] = []
        self.values: list[tuple[bytes, ...]] = []

    def sound(self, rows: Sequence[EntryValues]) -> list[Known]:
        """Give what is known of the rows.

        Raises:
            Malformed: not everything is certainly right in all of them.
            ValueError: the same.
        """
        ordinals, tenants, ids, kinds, ats, abouts, ws, ns, res, ends, leaves, hashes, parts = zip(
            *rows, strict=True
        )
        said: dict[str, list[_Column]] = {}
        for name, column in zip(self.layout.names, zip(*self.values, strict=True), strict=True):
            said.setdefault(name, []).append(column)
        digests = [sha256(b"\0" + leaf).digest() for leaf in leaves]
        _require(digests == list(hashes) and {*abouts} == {self.layout.about})
        _require(_times(said["at"][0]) == list(ats))
        _require(b"".join(said["n"][0]) == b"".join(map(b"%d".__mod__, ns)) and max(ns) < _LARGEST)
        _require(_spelled_ids(said["id"][0]) == _hex(ids))
        _require(_joined(said["w"][0], 16) == _spelled(ws, 16))
        _same_parts(said.get("d", ()), parts)
        for tags in said.get("t", ()):
            _values(tags, 16)
        if "re" in said:
            _require(_spelled_ids(said["re"][0]) == _hex(res))
        else:
            _require(not any(res))
        if "decided_at" in said:
            _times(said["decided_at"][0])
        nothing = (None,) * len(rows)
        later = (
            _values(said["prev"][0], 32) if "prev" in said else nothing,
            nothing,
            res if "re" in said else nothing,
            _values(said["h"][0], 32) if "h" in said else nothing,
            _times(said["send_by"][0]) if "send_by" in said else nothing,
            ends,
        )
        facts = (tenants, ids, ordinals, (True,) * len(rows), digests, kinds, ats, ws, ns)
        return list(map(_known, zip(*facts, *later, strict=True)))


def _require(right: bool) -> None:
    if not right:
        raise Malformed("Something in these rows is not as it should be.")


def _same_parts(said: Sequence[_Column], parts: Sequence[str]) -> None:
    if not said:
        _require(not any(parts))
        return
    tokens = [each.split(SEPARATOR) for each in parts]
    _require({*map(len, tokens)} == {len(said)})
    for texts, column in zip(said, zip(*tokens, strict=True), strict=True):
        digests = [sha256(token.encode()).digest() for token in column]
        _require(_joined(texts, 32) == _spelled(digests, 32))


def _joined(texts: _Column, size: int) -> bytes:
    """Put texts of base64url for so many bytes behind each other, as `_spelled` spells many at once."""
    return (b"A" * (-size % 3)).join([*texts, b""])


def _spelled(values: _Column, size: int) -> bytes:
    """Spell values as base64url: bytes of zero up to a multiple of three make each stand for itself."""
    _require({*map(len, values)} == {size})
    return b2a_base64((b"\0" * (-size % 3)).join([*values, b""]), newline=False).translate(_TO_URL)


def _values(texts: _Column, size: int) -> list[bytes]:
    """Read what texts spell, each in its one spelling."""
    joined = _joined(texts, size)
    data = a2b_base64(joined.translate(_FROM_URL))
    values = [data[at : at + size] for at in range(0, len(data), size + -size % 3)]
    _require(_spelled(values, size) == joined)
    return values


def _spelled_ids(texts: _Column) -> str:
    """Take the hyphens out of ids, and only where they stand."""
    joined = b"".join(texts)
    _require(all(joined[at::36] == b"-" * len(texts) for at in (8, 13, 18, 23)))
    _require({*joined[14::36]} == {*b"7"} and {*joined[19::36]} <= {*b"89ab"})
    return joined.replace(b"-", b"").decode("ascii")


def _hex(ids: _Column) -> str:
    _require({*map(len, ids)} == {16})
    return b"".join(ids).hex()


def _times(texts: _Column) -> list[int]:
    """Read times, each in its one spelling, as milliseconds since 1970."""
    ends = b"".join([each[16:] for each in texts])
    _require(ends.translate(_DIGITS) == b":00.000Z" * len(texts) and max(ends[1::8]) <= ord("5"))
    return [_minute(each[:16]) + int(each[17:19] + each[20:23]) for each in texts]


@lru_cache(maxsize=4096)
def _minute(text: bytes) -> int:
    return to_millis(from_text(text.decode("ascii") + ":00.000Z"))
