"""Level ``bytes``: every row says what its bytes say, and every index row belongs to an entry.

Invariants: hashes and digests are recomputed, never read; an index column that differs from the leaf is
found, whichever of the two was changed.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from consentgate import moment
from consentgate.entries.epoch import current_log, origin_fact, origins
from consentgate.entries.kinds import about_people
from consentgate.entries.leaf import Leaf, decode
from consentgate.entries.parts import require_digest, split_parts
from consentgate.errors import Malformed
from consentgate.tlog.merkle import leaf_hash
from consentgate.verify.artifacts import Artifacts
from consentgate.verify.batches import Batches
from consentgate.verify.indexed import IndexOf, Statements
from consentgate.verify.known import RESTORE, EntryId, Known, altered, extra, known_of, missing, read_again
from consentgate.verify.result import Finding
from consentgate.verify.rows import EntryRow, EntryValues, FactRow, entry_row, name_of
from consentgate.verify.source import LedgerSource

ORIGIN: Final = "log_origin"
"""Name of the fact that says which log this database has."""
TEST: Final = "test_database"
"""Name of the fact that a test clock was ever used on this database."""

_TEST_ORIGIN: Final = "/test/"
_STATEMENT: Final = "statement"
_LEAF: Final = "the bytes of a leaf, version 1"


class Stored:
    """The rows of the ledger, compared with their bytes as they go by.

    Attributes:
        artifacts: the artifacts, and what named them so far.
        facts: facts about the database, by name.
        newest: the latest time of an entry so far, in milliseconds.
    """

    def __init__(self, source: LedgerSource) -> None:
        """Read what there is besides entries.

        Args:
            source: the ledger.
        """
        self._source = source
        self._batches = Batches()
        self._repeated = dict.fromkeys(source.repeated(), False)
        self._doubled: set[EntryId] = set()
        self._statements = Statements()
        self.facts, self._found = _facts(source.facts())
        self.artifacts = Artifacts(source.artifacts())
        self.newest: int | None = None

    def entries(self) -> Iterator[list[Known]]:
        """Read the entries.

        Yields:
            What is known of each, in the order of the rows, some hundreds at once; of several rows with one id the
            first.
        """
        for rows in self._source.entries():
            quick = self._batches.sound(rows)
            batch = [known or self._careful(row) for known, row in zip(quick, rows, strict=True)]
            if self._repeated:
                batch = [each for each in batch if self._is_first(each)]
            if batch:
                for each in batch:
                    if each.kind == _STATEMENT:
                        self._statements.meet(each.key)
                newest = max([each.at for each in batch])
                self.newest = newest if self.newest is None else max(self.newest, newest)
                yield batch

    def find(self, keys: Collection[EntryId]) -> dict[EntryId, Known]:
        """Look entries up, and recompute their hashes.

        Args:
            keys: tenant and id of each.

        Returns:
            What is known of those that there are.
        """
        found: dict[EntryId, Known] = {}
        for row in self._source.find(keys) if keys else ():
            known = read_again(row)
            if known.key not in found or known.ordinal < found[known.key].ordinal:
                found[known.key] = known
        return found

    def findings(self, index: IndexOf | None = None) -> list[Finding]:
        """Give what was found, once every entry was read.

        Args:
            index: looks up the index rows of the statements that were met, where not every entry was read; else each
                index row must have been met.

        Returns:
            The findings.
        """
        found = [*self._found]
        if index is None:
            found += self._statements.against(self._source.statements())
        else:
            # The first row of these is one that was not read.
            twice = [key for key in self._repeated if key not in self._doubled]
            found += [extra(f"entry {name_of(entry)}", "a second row of this id") for _, entry in twice]
            found += self._statements.looked_up(index)
        return [*found, *self.artifacts.check(self._source.notices())]

    def _careful(self, values: EntryValues) -> Known:
        found, known = _entry(entry_row(values))
        self._found += found
        return known

    def _is_first(self, known: Known) -> bool:
        met = self._repeated.get(known.key, False)
        if known.key in self._repeated:
            self._repeated[known.key] = True
        if met:
            self._doubled.add(known.key)
            self._found.append(extra(known.name, "a second row of this id"))
        return not met


def _facts(rows: Iterable[FactRow]) -> tuple[dict[str, str], list[Finding]]:
    facts = {row.name: row.value for row in rows}
    findings = [
        extra(f"deployment, {name}", "a fact of no known name")
        for name in sorted(facts.keys() - {TEST} - set(map(origin_fact, origins(facts))))
    ]
    name = origin_fact(current_log(facts))
    origin = facts.get(name)
    if origin is None:
        return facts, [*findings, missing(f"deployment, {name}", "the origin of the log")]
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
