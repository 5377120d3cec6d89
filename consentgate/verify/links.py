"""Level ``links``: with the keys, each sealed part belongs to someone whom the ledger can find, and opens.

Invariants: a part is recognised by its tag, under the key of a linked subject or a key of the tenant; a part
that no such key fits has lost its link or its key, and the number of these equals what `key_destroyed`
entries account for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field

from consentgate.canonical import decode
from consentgate.crypto.derive import tag, tag_key
from consentgate.entries import leaf as leaves
from consentgate.entries.kinds import is_about_people
from consentgate.entries.leaf import Leaf, PartRef
from consentgate.entries.parts import open_part, split_parts
from consentgate.errors import Malformed
from consentgate.values import dataclass
from consentgate.verify.artifacts import Artifacts
from consentgate.verify.content import Contents, Opened
from consentgate.verify.keysource import KeySource
from consentgate.verify.known import RESTORE, Known, altered, missing
from consentgate.verify.reach import Reach
from consentgate.verify.result import Finding
from consentgate.verify.rows import DataKey, EntryRow, entry_row, name_of
from consentgate.verify.source import LedgerSource
from consentgate.verify.turns import check_people

_CONTENT_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    key: bytes = field(repr=False)
    for_tags: bytes = field(repr=False)
    name: str | None
    subject: bytes


@dataclass(slots=True, kw_only=True)
class _Ring:
    """The keys by whom they belong to, and the links by entry."""

    reach: Reach
    people: dict[tuple[str, bytes], _Key] = field(default_factory=dict)
    tenants: dict[str, list[_Key]] = field(default_factory=dict)

    def add(self, row: DataKey) -> Iterator[Finding]:
        if row.key is None:
            # It counts as absent: what lies under it cannot be opened.
            where = f"data_key of subject {name_of(row.subject)}"
            yield altered(where, "a key that opens under its wrapping key", row.problem)
            return
        key = _Key(key=row.key, for_tags=tag_key(row.key), name=row.name, subject=row.subject)
        if row.name is None:
            self.people[row.tenant, row.subject] = key
        else:
            self.tenants.setdefault(row.tenant, []).append(key)

    def candidates(self, row: EntryRow, name: str) -> Iterator[_Key]:
        what = name.partition(".")[0]
        if is_about_people(name):
            for subject in self.reach.links.get((row.tenant, row.id), ()):
                if key := self.people.get((row.tenant, subject)):
                    yield key
        # Which month's key a part lies under depends on a clock that the leaf does not show: all are tried.
        for key in self.tenants.get(row.tenant, ()):
            if _holds((key.name or "").partition("/")[0], what, row.kind):
                yield key


def check_links(
    source: LedgerSource, keys: KeySource, artifacts: Artifacts, people: Sequence[Known] = ()
) -> list[Finding]:
    """Open every part.

    Args:
        source: the ledger.
        keys: links, references and keys.
        artifacts: the artifacts, which parts name.
        people: entries about persons in the order of the log, where the rows' numbers are not those of the commits.

    Returns:
        The findings.

    Raises:
        Unavailable: the keys are out of reach.
    """
    data_keys = list(keys.data_keys())
    reach = Reach(keys, {each.kind for each in people})
    findings: list[Finding] = []
    ring = _Ring(reach=reach)
    for each in data_keys:
        findings += ring.add(each)
    contents = Contents(source, artifacts, reach)
    lost: list[str] = []
    of_links: list[Finding] = []
    of_parts: list[Finding] = []
    for batch in source.entries():
        rows = [(row, _leaf(row)) for row in map(entry_row, batch)]
        of_links += reach.take([(row, leaf.kind if leaf else row.kind) for row, leaf in rows])
        for row, leaf in rows:
            if leaf is not None:
                of_parts += _entry(row, leaf, ring, contents, lost)
    of_links += reach.check_rest(lambda some: {(row.tenant, row.id) for row in source.find(some)})
    findings = [*of_links, *reach.found, *check_people(people, reach.links), *findings]
    findings += reach.check_subjects((each.tenant, each.subject) for each in data_keys)
    findings += of_parts
    if not contents.blind:
        findings += artifacts.rest()
    return [*findings, *_lost(lost, contents.destroyed)]


def _leaf(row: EntryRow) -> Leaf | None:
    try:
        return leaves.decode(row.leaf)
    except Malformed:
        return None


def _entry(row: EntryRow, leaf: Leaf, ring: _Ring, contents: Contents, lost: list[str]) -> Iterator[Finding]:
    opened: dict[str, Opened] = {}
    for ref, token in zip(leaf.parts, split_parts(row.parts), strict=False):
        yield from _part(row, leaf, ref, token, ring, opened, lost)
    yield from contents.check(row, leaf, opened)


def _part(
    row: EntryRow,
    leaf: Leaf,
    ref: PartRef,
    token: str,
    ring: _Ring,
    opened: dict[str, Opened],
    lost: list[str],
) -> Iterator[Finding]:
    where = f"entry {leaf.id}, part {ref.p}"
    fits = (each for each in ring.candidates(row, ref.p) if tag(each.for_tags, leaf.id, ref.p) == ref.t)
    key = next(fits, None)
    if key is None:
        if ref.p.startswith("body.") and row.kind != "denial":
            yield missing(where, "the tenant's key that it lies under")
        else:
            lost.append(where)
        return
    try:
        content = decode(open_part(leaf.id, ref, token, key.key), limit=_CONTENT_LIMIT, floats=True)
    except Malformed as problem:
        yield altered(where, "a part that opens under the key of its tag", str(problem))
        return
    opened[ref.p] = Opened(content=content, owner=key.subject if key.name is None else None)


def _holds(name: str, what: str, kind: str) -> bool:
    """Tell whether parts of a name lie under a tenant's key of a name."""
    if name == "unattributed":
        return kind == "denial"
    return name == what


def _lost(lost: list[str], destroyed: int) -> Iterator[Finding]:
    if len(lost) == destroyed:
        return
    more = len(lost) > destroyed
    # Where nothing was destroyed, those without a link are the ones that lost it; else nobody can tell which.
    which = f": {', '.join(lost[:5])}{', ...' if len(lost) > 5 else ''}" if not destroyed else ""
    yield Finding(
        kind="link_missing" if more else "key_left",
        where=f"links of sealed parts{which}",
        expected=f"{destroyed} parts without a link and its key, as key_destroyed entries account for",
        found=f"{len(lost)}",
        cure=RESTORE if more else "Finish the destruction of the keys that were recorded as destroyed.",
    )
