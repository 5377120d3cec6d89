"""Level ``links``: with the keys, each sealed part belongs to someone whom the ledger can find, and opens.

Invariants: a part is recognised by its tag, under the key of a linked subject or a key of the tenant; a part
that no such key fits has lost its link or its key, and the number of these equals what `key_destroyed`
entries account for.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from consentgate.canonical import Json, decode
from consentgate.crypto.derive import tag, tag_key
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Leaf, PartRef
from consentgate.entries.parts import open_part, split_parts
from consentgate.errors import Malformed
from consentgate.verify.content import Contents
from consentgate.verify.known import RESTORE, Entries, EntryId, altered, extra, missing
from consentgate.verify.result import Finding
from consentgate.verify.source import DataKey, EntryRow, KeySource, LedgerSource, LinkRow, name_of

_CONTENT_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    key: bytes = field(repr=False)
    for_tags: bytes = field(repr=False)
    name: str | None


@dataclass(slots=True, kw_only=True)
class _Ring:
    """The keys by whom they belong to, and the links by entry."""

    people: dict[tuple[str, bytes], _Key]
    tenants: dict[str, list[_Key]]
    links: dict[EntryId, list[bytes]]

    def candidates(self, row: EntryRow, name: str) -> Iterator[_Key]:
        what = name.partition(".")[0]
        if what not in ("body", "matches"):
            for subject in self.links.get((row.tenant, row.id), ()):
                if key := self.people.get((row.tenant, subject)):
                    yield key
        # Which month's key a part lies under depends on a clock that the leaf does not show: all are tried.
        for key in self.tenants.get(row.tenant, ()):
            if _holds((key.name or "").partition("/")[0], what, row.kind):
                yield key


def check_links(source: LedgerSource, keys: KeySource, entries: Entries) -> list[Finding]:
    """Open every part.

    Args:
        source: the ledger.
        keys: links and keys.
        entries: what is known of each entry.

    Returns:
        The findings.

    Raises:
        Unavailable: the keys are out of reach.

    Note:
        A deleted link of a person who is named by another than a statement's first reference is not found:
        no part lies under that person's key.
    """
    ring = _ring(keys.data_keys())
    findings = list(_links(keys.links(), entries, ring))
    contents = Contents(source)
    lost: list[str] = []
    for row in source.entries():
        try:
            leaf = leaves.decode(row.leaf)
            tokens = split_parts(row.parts)
        except Malformed:
            continue
        opened: dict[str, Json] = {}
        for ref, token in zip(leaf.parts, tokens, strict=False):
            findings += _part(row, leaf, ref, token, ring, opened, lost)
        findings += contents.check(row, leaf, opened)
    return [*findings, *_lost(lost, contents.destroyed)]


def _ring(keys: Iterable[DataKey]) -> _Ring:
    ring = _Ring(people={}, tenants={}, links={})
    for each in keys:
        key = _Key(key=each.key, for_tags=tag_key(each.key), name=each.name)
        if each.name is None:
            ring.people[each.tenant, each.subject] = key
        else:
            ring.tenants.setdefault(each.tenant, []).append(key)
    return ring


def _links(rows: Iterable[LinkRow], entries: Entries, ring: _Ring) -> Iterator[Finding]:
    for row in rows:
        where = f"link of entry {name_of(row.entry)}"
        known = entries.get((row.tenant, row.entry))
        ring.links.setdefault((row.tenant, row.entry), []).append(row.subject)
        if known is None:
            yield extra(where, "a link to an entry that is not there")
        elif known.kind != row.kind:
            yield altered(f"{where}, column kind", known.kind, row.kind)


def _part(
    row: EntryRow,
    leaf: Leaf,
    ref: PartRef,
    token: str,
    ring: _Ring,
    opened: dict[str, Json],
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
        opened[ref.p] = decode(open_part(leaf.id, ref, token, key.key), limit=_CONTENT_LIMIT, floats=True)
    except Malformed as problem:
        yield altered(where, "a part that opens under the key of its tag", str(problem))


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
