"""Level ``links``: with the keys, each sealed part belongs to someone whom the ledger can find, and opens.

Invariants: a part is recognised by its tag, under the key of a linked subject or a key of the tenant; a part
that no such key fits has lost its link or its key, and the number of these equals what `key_destroyed`
entries account for. From a checkpoint on, that sum says only how many there may be at most.
"""

from collections.abc import Iterator, Sequence

from consentgate.entries.leaf import Leaf, PartRef
from consentgate.entries.parts import split_parts
from consentgate.errors import Malformed
from consentgate.values import dataclass
from consentgate.verify.artifacts import Artifacts
from consentgate.verify.content import Contents, Opened
from consentgate.verify.earlier import Earlier
from consentgate.verify.keysource import KeySource
from consentgate.verify.known import RESTORE, altered, missing
from consentgate.verify.reach import Reach
from consentgate.verify.result import Finding
from consentgate.verify.ring import Ring, content_of, leaf_of
from consentgate.verify.rows import EntryRow, entry_row
from consentgate.verify.source import EntrySource
from consentgate.verify.turns import People, check_people


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What the level came to.

    Attributes:
        findings: what is wrong.
        judged: whether that is all that can be wrong.
    """

    findings: tuple[Finding, ...]
    judged: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passed:
    """What opening every part came to."""

    of_rows: list[Finding]
    of_parts: list[Finding]
    lost: list[str]
    destroyed: int
    blind: bool


def check_links(source: EntrySource, keys: KeySource, artifacts: Artifacts, people: People) -> Linked:
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
    done = _pass(source, keys, artifacts, people, None)
    findings = [*done.of_rows, *done.of_parts]
    if not done.blind:
        findings += artifacts.rest()
    return Linked(findings=(*findings, *_lost(done.lost, done.destroyed)))


def check_later_links(earlier: Earlier, artifacts: Artifacts, people: People) -> Linked:
    """Open every part of the entries that a checkpoint does not cover.

    Args:
        earlier: these entries, with those before them that decide about the same persons.
        artifacts: the artifacts, which parts name; that nobody names one is not judged.
        people: as for `check_links`.

    Returns:
        The findings. Where keys were destroyed since, and parts have none, nobody can tell whether it is theirs
        that were destroyed, or those of earlier entries: the level is not judged then.

    Raises:
        Unavailable: the keys are out of reach.
    """
    done = _pass(earlier.ledger, earlier.keys, artifacts, people, earlier)
    findings = [*done.of_rows, *done.of_parts]
    if len(done.lost) > done.destroyed:
        findings += _lost(done.lost, done.destroyed)
    return Linked(findings=tuple(findings), judged=not done.lost)


def _pass(
    source: EntrySource,
    keys: KeySource,
    artifacts: Artifacts,
    people: People,
    earlier: Earlier | None,
) -> _Passed:
    data_keys = list(keys.data_keys())
    reach = Reach(keys, people.kinds, earlier.first if earlier else {})
    ring = Ring()
    of_keys = [finding for each in data_keys for finding in ring.add(each)]
    contents = Contents(source, artifacts, reach)
    lost: list[str] = []
    of_links: list[Finding] = []
    of_parts: list[Finding] = []
    for batch in source.entries():
        rows = [(row, leaf_of(row)) for row in map(entry_row, batch)]
        of_links += reach.take([(row, leaf.kind if leaf else row.kind) for row, leaf in rows])
        for row, leaf in rows:
            if leaf is None:
                continue
            if earlier is not None and (row.tenant, row.id) in earlier.covered:
                # It is gone through for what it says; what is wrong with it is not judged here.
                for _ in _entry(row, leaf, ring, contents, []):
                    pass
            else:
                of_parts += _entry(row, leaf, ring, contents, lost)
    if earlier is None:
        of_links += reach.check_rest(lambda some: {(row.tenant, row.id) for row in source.find(some)})
    turns = check_people(people, reach.links, earlier.last(people, reach.links) if earlier else {})
    of_rows = [*of_links, *reach.found, *turns, *of_keys]
    of_rows += reach.check_subjects((each.tenant, each.subject) for each in data_keys)
    return _Passed(
        of_rows=of_rows, of_parts=of_parts, lost=lost, destroyed=contents.destroyed, blind=contents.blind
    )


def _entry(row: EntryRow, leaf: Leaf, ring: Ring, contents: Contents, lost: list[str]) -> Iterator[Finding]:
    opened: dict[str, Opened] = {}
    for ref, token in zip(leaf.parts, split_parts(row.parts), strict=False):
        yield from _part(row, leaf, ref, token, ring, opened, contents.linked(row), lost)
    yield from contents.check(row, leaf, opened)


def _part(
    row: EntryRow,
    leaf: Leaf,
    ref: PartRef,
    token: str,
    ring: Ring,
    opened: dict[str, Opened],
    linked: Sequence[bytes],
    lost: list[str],
) -> Iterator[Finding]:
    where = f"entry {leaf.id}, part {ref.p}"
    key = ring.key_of(row, leaf, ref, linked)
    if key is None:
        if ref.p.startswith("body.") and row.kind != "denial":
            yield missing(where, "the tenant's key that it lies under")
        else:
            lost.append(where)
        return
    try:
        content = content_of(leaf, ref, token, key)
    except Malformed as problem:
        yield altered(where, "a part that opens under the key of its tag", str(problem))
        return
    opened[ref.p] = Opened(content=content, owner=key.subject if key.name is None else None)


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
