"""The levels of a verification, each built on the one before.

::

    bytes -> lanes -> tree -> signature -> signer -> (epochs) -> (witnesses -> anchors) -> pairing -> links

What each covers: ``bytes`` that every row says what its bytes say; ``lanes`` that no connection's chain has
a gap; ``tree`` that the log has every entry once; ``signature`` that this tree was signed; ``signer`` that
the signer remembers the same; ``epochs`` that each log that was ended is what the next one says of it; ``witnesses``
that enough of them cosigned; ``anchors`` that what places outside the database keep is what is here; ``pairing`` that
every request has its end; ``links`` that sealed parts can be found and opened.

Invariants: no stored hash is trusted and nothing is repaired; every level is there every time, but for epochs,
witnesses and anchors where there are none, and without what it needs it says *cannot judge*. One damaged row, or a
damaged file, hides nothing that can be judged.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Final

from consentgate.entries.epoch import origin_fact
from consentgate.errors import Damaged, SchemaMismatch, Unavailable
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.anchored import check_anchors, names_of
from consentgate.verify.earlier import earlier_of
from consentgate.verify.epochs import check_epochs
from consentgate.verify.faults import Faults
from consentgate.verify.keysource import KeySource
from consentgate.verify.known import altered, level_of, time_of
from consentgate.verify.lanes import Lanes
from consentgate.verify.links import check_later_links, check_links
from consentgate.verify.marks import Marks
from consentgate.verify.pairing import Pairing
from consentgate.verify.result import Finding, Level, Verification
from consentgate.verify.signed import Signatures, check_signer
from consentgate.verify.since import edge_of, outcomes_of, resume_lanes, resume_left, sound_statements
from consentgate.verify.source import Evidence
from consentgate.verify.stored import TEST, Stored
from consentgate.verify.tree import Prefix, Tree
from consentgate.verify.turns import People
from consentgate.verify.typed import typed_keys, typed_ledger, typed_log

LEVELS: Final = ("bytes", "lanes", "tree", "signature", "signer", "pairing", "links")


def verify(evidence: Evidence) -> Verification:
    """Verify everything that can be.

    Args:
        evidence: the rows, the trusted key, and what else is to hand.

    Returns:
        Levels and findings.

    Raises:
        Malformed: the given vkey is none.
        SchemaMismatch: a table is missing from a file that is sound otherwise.
        Unavailable: the rows are out of reach.
    """
    key = NoteKey.from_vkey(evidence.vkey) if evidence.vkey is not None else None
    lines = evidence.ledger.damage()

    @cache
    def damage() -> tuple[Finding, ...]:
        return tuple(altered("database file", "a sound file", line) for line in lines)

    try:
        return _Run(evidence, key, damage).result()
    except Damaged as error:
        found = [*damage()] or [_unreadable(error)]
    except (SchemaMismatch, Unavailable):
        found = [*damage()]
        if not found:
            raise
    names = (*LEVELS[1:5], *names_of(evidence.anchors), *LEVELS[5:])
    rest = (Level(name=each, verdict="cannot_judge") for each in names)
    return Verification(levels=(level_of("bytes", found, None), *rest), findings=tuple(found))


def _unreadable(error: Damaged) -> Finding:
    """Say what a database found out about itself only while it was read."""
    return altered("database", "rows that can be read", str(error))


class _Run:
    """One verification: the levels so far."""

    def __init__(
        self, evidence: Evidence, key: NoteKey | None, damage: Callable[[], Sequence[Finding]]
    ) -> None:
        self._evidence = evidence
        self._key = key
        self._damage = damage
        self._ledger_faults, self._log_faults = Faults(), Faults()
        self._ledger = typed_ledger(evidence.ledger, self._ledger_faults)
        self._log = typed_log(evidence.log, self._log_faults)
        self._levels: list[Level] = []
        self._findings: list[Finding] = []

    def result(self) -> Verification:
        since, opening = self._evidence.since, self._evidence.number > 0
        stored = Stored(self._ledger)
        edge = edge_of(since, stored.find, opening=opening) if since is not None else None
        if edge is not None and edge.prefix is None:
            return self._not_continued(edge.findings)
        prefix = (edge.prefix if edge is not None else None) or Prefix()
        lanes = Lanes()
        pairing = Pairing(stored.find, partial(outcomes_of, since.prefix) if since is not None else None)
        signatures = None
        if self._key is not None:
            signatures = Signatures(self._key, prefix.size, time_of(prefix.at))
        memory = self._evidence.signer
        marks = Marks(self._log, signatures, memory.size if memory else 0)
        people = People() if self._evidence.keys is not None else None
        tree = Tree(self._log, marks, stored.find, prefix, opening=opening, people=people)
        for batch in stored.entries():
            if since is not None:
                resume_lanes(lanes, batch, since.prefix)
            lanes.take(batch)
            pairing.take(batch)
            tree.take(batch)
        if since is not None:
            resume_left(lanes, since.prefix)
        until = time_of(stored.newest if stored.newest is not None else prefix.at)
        of_rows = stored.findings(partial(sound_statements, since.prefix) if since is not None else None)
        self._judge("bytes", [*self._damage(), *self._ledger_faults.findings, *of_rows], until)
        self._judge("lanes", lanes.findings(), until)
        self._tree(tree, marks, edge.findings if edge is not None else (), test=TEST in stored.facts)
        self._signed(tree, marks, signatures, stored.facts.get(origin_fact(self._evidence.number)))
        self._epochs(stored)
        self._anchored(tree.size, test=TEST in stored.facts)
        self._judge("pairing", pairing.findings(self._evidence.now), until)
        if self._evidence.keys is None or people is None:
            self._leave("links")
        else:
            self._links(stored, people, self._evidence.keys, until)
        return Verification(levels=tuple(self._levels), findings=tuple(self._findings))

    def _not_continued(self, findings: Sequence[Finding]) -> Verification:
        """Judge no more than that the log is no continuation of what was pinned."""
        ended = ("epochs",) if self._evidence.number else ()
        names = [*LEVELS[:5], *ended, *names_of(self._evidence.anchors), *LEVELS[5:]]
        for name in names:
            if name == "tree":
                self._judge(name, findings, None)
            else:
                self._leave(name)
        return Verification(levels=tuple(self._levels), findings=tuple(self._findings))

    def _epochs(self, stored: Stored) -> None:
        if not self._evidence.number:
            return
        found, judged = check_epochs(self._evidence, self._ledger, stored.facts, stored.find)
        self._judge("epochs", found, None, judged=judged)

    def _tree(self, tree: Tree, marks: Marks, edge: Sequence[Finding], *, test: bool) -> None:
        found = [*edge, *tree.finish()]
        # The clock of a test database is not the one of this process.
        found += marks.times(None if test else self._evidence.now)
        self._judge("tree", [*self._log_faults.findings, *found], tree.until)

    def _signed(self, tree: Tree, marks: Marks, signatures: Signatures | None, origin: str | None) -> None:
        if self._key is None or signatures is None:
            self._leave("signature")
            self._leave("signer")
            return
        found = signatures.findings(tree.size, len(tree.unsequenced), origin)
        self._judge("signature", found, signatures.until)
        before, after = self._evidence.signer, self._evidence.signer_after
        if before is None or after is None:
            self._leave("signer")
            return
        found = check_signer(before, after, self._key, tree.size, marks.remembered, signatures.last)
        self._judge("signer", found, signatures.until)

    def _anchored(self, size: int, *, test: bool) -> None:
        anchors = self._evidence.anchors
        if anchors is None:
            return
        if self._key is None:
            for name in names_of(anchors):
                self._leave(name)
            return
        now = None if test else self._evidence.now
        since = self._evidence.since
        log = self._log if since is None else typed_log(since.whole, Faults())
        done = check_anchors(anchors, log.checkpoints(), self._key, size=size, now=now)
        self._levels += done.levels
        self._findings += done.findings

    def _links(self, stored: Stored, people: People, source: KeySource, until: datetime | None) -> None:
        faults, since = Faults(), self._evidence.since
        try:
            if since is None:
                linked = check_links(self._ledger, typed_keys(source, faults), stored.artifacts, people)
            elif since.keys is None:
                self._leave("links")
                return
            else:
                earlier = earlier_of(self._ledger, since, source, since.keys, faults)
                linked = check_later_links(earlier, stored.artifacts, people)
        except Unavailable as error:
            if isinstance(error, Damaged) and not self._damage():
                self._judge("links", [_unreadable(error)], until)
            else:
                self._leave("links")
            return
        self._judge("links", [*faults.findings, *linked.findings], until, judged=linked.judged)

    def _judge(
        self, name: str, findings: Sequence[Finding], until: datetime | None, *, judged: bool = True
    ) -> None:
        level = level_of(name, findings, until)
        if not judged and level.verdict != "broken":
            level = Level(name=name, verdict="cannot_judge")
        self._levels.append(level)
        self._findings += findings

    def _leave(self, name: str) -> None:
        self._levels.append(Level(name=name, verdict="cannot_judge"))
