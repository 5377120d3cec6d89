"""The keys that parts lie under, by whom they belong to.

Invariant: a key is used for a part only where the part's tag is one of that key; which key lies under which name is
not taken from any row of the ledger.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import field

from consentgate.canonical import Json, decode
from consentgate.crypto.derive import tag, tag_key
from consentgate.entries import leaf as leaves
from consentgate.entries.kinds import is_about_people
from consentgate.entries.leaf import Leaf, PartRef
from consentgate.entries.parts import open_part
from consentgate.errors import Malformed
from consentgate.values import dataclass
from consentgate.verify.known import altered
from consentgate.verify.result import Finding
from consentgate.verify.rows import DataKey, EntryRow, name_of

_CONTENT_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A data key.

    Attributes:
        key: 32 bytes.
        for_tags: what tags are made with.
        name: of a tenant's own key; None for the key of a person.
        subject: whose it is.
    """

    key: bytes = field(repr=False)
    for_tags: bytes = field(repr=False)
    name: str | None
    subject: bytes


@dataclass(slots=True, kw_only=True)
class Ring:
    """The keys of persons, and those of the tenants."""

    people: dict[tuple[str, bytes], Key] = field(default_factory=dict)
    tenants: dict[str, list[Key]] = field(default_factory=dict)

    def add(self, row: DataKey) -> Iterator[Finding]:
        """Take a key.

        Args:
            row: the key.

        Yields:
            A finding where it does not unwrap.
        """
        if row.key is None:
            # It counts as absent: what lies under it cannot be opened.
            where = f"data_key of subject {name_of(row.subject)}"
            yield altered(where, "a key that opens under its wrapping key", row.problem)
            return
        key = Key(key=row.key, for_tags=tag_key(row.key), name=row.name, subject=row.subject)
        if row.name is None:
            self.people[row.tenant, row.subject] = key
        else:
            self.tenants.setdefault(row.tenant, []).append(key)

    def key_of(self, row: EntryRow, leaf: Leaf, ref: PartRef, linked: Collection[bytes]) -> Key | None:
        """Find the key of a part by its tag.

        Args:
            row: the entry.
            leaf: its leaf.
            ref: what the leaf says of the part.
            linked: the subjects that the entry is linked to.

        Returns:
            The key, or None where no key that may be fits.
        """
        fits = (
            each
            for each in self._candidates(row, ref.p, linked)
            if tag(each.for_tags, leaf.id, ref.p) == ref.t
        )
        return next(fits, None)

    def _candidates(self, row: EntryRow, name: str, linked: Iterable[bytes]) -> Iterator[Key]:
        what = name.partition(".")[0]
        if is_about_people(name):
            for subject in linked:
                if key := self.people.get((row.tenant, subject)):
                    yield key
        # Which month's key a part lies under depends on a clock that the leaf does not show: all are tried.
        for key in self.tenants.get(row.tenant, ()):
            if _holds((key.name or "").partition("/")[0], what, row.kind):
                yield key


def content_of(leaf: Leaf, ref: PartRef, token: str, key: Key) -> Json:
    """Open a part.

    Args:
        leaf: the entry's leaf.
        ref: what it says of the part.
        token: the part.
        key: the key of its tag.

    Returns:
        What it says.

    Raises:
        Malformed: it does not open, or is no JSON.
    """
    return decode(open_part(leaf.id, ref, token, key.key), limit=_CONTENT_LIMIT, floats=True)


def leaf_of(row: EntryRow) -> Leaf | None:
    """Read a leaf.

    Args:
        row: the entry.

    Returns:
        The leaf, or None where the bytes are none: that is found elsewhere.
    """
    try:
        return leaves.decode(row.leaf)
    except Malformed:
        return None


def _holds(name: str, what: str, kind: str) -> bool:
    """Tell whether parts of a name lie under a tenant's key of a name."""
    if name == "unattributed":
        return kind == "denial"
    return name == what
