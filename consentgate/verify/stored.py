"""Level ``bytes``: every row says what its bytes say, and every index row belongs to an entry.

Invariants: hashes and digests are recomputed, never read; an index column that differs from the leaf is
found, whichever of the two was changed.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from consentgate import moment
from consentgate.entries.kinds import about_people
from consentgate.entries.leaf import Leaf, decode
from consentgate.entries.parts import require_digest, split_parts
from consentgate.errors import Malformed
from consentgate.tlog.merkle import leaf_hash
from consentgate.values import dataclass
from consentgate.verify.artifacts import Artifacts
from consentgate.verify.known import RESTORE, Entries, EntryId, Known, altered, extra, known_of, missing
from consentgate.verify.result import Finding
from consentgate.verify.rows import EntryRow, FactRow, StatementRow, name_of
from consentgate.verify.source import LedgerSource

ORIGIN: Final = "log_origin"
"""Name of the fact that says which log this database has."""
TEST: Final = "test_database"
"""Name of the fact that a test clock was ever used on this database."""

_TEST_ORIGIN: Final = "/test/"
_LEAF: Final = "the bytes of a leaf, version 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the rows of the ledger say.

    Attributes:
        entries: what is known of each entry, in order.
        artifacts: the artifacts, and what named them so far.
        facts: facts about the database, by name.
        findings: what is wrong with the rows.
    """

    entries: Entries
    artifacts: Artifacts
    facts: dict[str, str]
    findings: list[Finding]


def check_stored(source: LedgerSource) -> Stored:
    """Read the ledger and compare every row with its bytes.

    Args:
        source: the ledger.

    Returns:
        What the rows say, and what is wrong with them.
    """
    entries: dict[EntryId, Known] = {}
    facts, findings = _facts(source.facts())
    for row in source.entries():
        found, known = _entry(row)
        findings += found
        if (known.tenant, known.id) in entries:
            findings.append(extra(known.name, "a second row of this id"))
        else:
            entries[known.tenant, known.id] = known
    findings += _statements(source.statements(), entries)
    artifacts = Artifacts(source.artifacts())
    findings += artifacts.check(source.notices())
    return Stored(entries=entries, artifacts=artifacts, facts=facts, findings=findings)


def _facts(rows: Iterable[FactRow]) -> tuple[dict[str, str], list[Finding]]:
    facts = {row.name: row.value for row in rows}
    findings = [
        extra(f"deployment, {name}", "a fact of no known name")
        for name in sorted(facts.keys() - {ORIGIN, TEST})
    ]
    origin = facts.get(ORIGIN)
    if origin is None:
        return facts, [*findings, missing(f"deployment, {ORIGIN}", "the origin of the log")]
    marked = facts.get(TEST)
    if _TEST_ORIGIN in origin and marked is None:
        findings.append(
            missing(f"deployment, {TEST}", "the mark of a test database, as its log's origin says")
        )
    elif marked is not None and (_TEST_ORIGIN not in origin or marked != "yes"):
        expected = "yes" if _TEST_ORIGIN in origin else "nothing, as the log's origin says"
        findings.append(altered(f"deployment, {TEST}", expected, marked))
    return facts, findings


def _entry(row: EntryRow) -> tuple[list[Finding], Known]:
    recomputed = leaf_hash(row.leaf)
    try:
        leaf = decode(row.leaf)
    except Malformed as problem:
        known = known_of(row, None, recomputed)
        found = Finding(
            kind="malformed",
            where=known.name,
            expected=_LEAF,
            found=str(problem),
            cure=RESTORE,
        )
        return [found], known
    known = known_of(row, leaf, recomputed)
    return [*_columns(row, leaf, recomputed, known.name), *_parts(row, leaf, known.name)], known


def _columns(row: EntryRow, leaf: Leaf, recomputed: bytes, name: str) -> Iterator[Finding]:
    about = int(about_people(each.p for each in leaf.parts))
    for column, stored, said in (
        ("hash", row.hash.hex(), recomputed.hex()),
        ("id", row.id.hex(), leaf.id.hex),
        ("kind", row.kind, leaf.kind),
        ("at", str(row.at), str(moment.to_millis(leaf.at))),
        ("about", str(row.about), str(about)),
        ("w", row.w.hex(), leaf.w.hex()),
        ("n", str(row.n), str(leaf.n)),
        ("re", row.re.hex(), leaf.re.id.hex if leaf.re else ""),
        ("end", row.end, leaf.end or ""),
    ):
        if stored != said:
            yield altered(f"{name}, column {column}", said, stored)


def _parts(row: EntryRow, leaf: Leaf, name: str) -> Iterator[Finding]:
    tokens = split_parts(row.parts)
    if len(tokens) != len(leaf.parts):
        yield altered(f"{name}, parts", f"{len(leaf.parts)} parts", f"{len(tokens)} parts")
        return
    for ref, token in zip(leaf.parts, tokens, strict=True):
        try:
            require_digest(ref, token)
        except Malformed:
            yield altered(f"{name}, part {ref.p}", f"the token of SHA-256 {ref.d.hex()}", "another token")


def _statements(rows: Iterable[StatementRow], entries: Entries) -> Iterator[Finding]:
    indexed = set()
    for row in rows:
        where = f"statement index of entry {name_of(row.entry)}"
        known = entries.get((row.tenant, row.entry))
        if known is None or known.kind != "statement":
            yield extra(where, "an index row without its statement")
        elif (row.tenant, row.entry) in indexed:
            yield extra(where, "a second index row")
        indexed.add((row.tenant, row.entry))
    for name, known in entries.items():
        if known.kind == "statement" and name not in indexed:
            yield missing(f"statement index of {known.name}", "an index row")
