"""The levels of a verification, each built on the one before.

::

    bytes -> lanes -> tree -> signature -> signer -> pairing -> links

What each covers: ``bytes`` that every row says what its bytes say; ``lanes`` that no connection's chain has
a gap; ``tree`` that the log has every entry once; ``signature`` that this tree was signed; ``signer`` that
the signer remembers the same; ``pairing`` that every request has its end; ``links`` that sealed parts can be
found and opened.

Invariants: no stored hash is trusted and nothing is repaired; every level is there every time, and without
what it needs it says *cannot judge*. One damaged row, or a damaged file, hides nothing that can be judged.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from consentgate.errors import Damaged, SchemaMismatch, Unavailable
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.known import altered, level_of
from consentgate.verify.lanes import check_lanes
from consentgate.verify.links import check_links
from consentgate.verify.order import check_times
from consentgate.verify.pairing import check_pairing
from consentgate.verify.result import Finding, Level, Verification
from consentgate.verify.signed import check_signature, check_signer
from consentgate.verify.source import Evidence, KeySource
from consentgate.verify.stored import ORIGIN, TEST, Stored, check_stored
from consentgate.verify.tree import Tree, check_tree
from consentgate.verify.typed import Faults, typed_keys, typed_ledger, typed_log

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
    damage = [altered("database file", "a sound file", line) for line in evidence.ledger.damage()]
    try:
        return _Run(evidence, key, damage).result()
    except Damaged as error:
        damage = damage or [_unreadable(error)]
    except (SchemaMismatch, Unavailable):
        if not damage:
            raise
    rest = (Level(name=each, verdict="cannot_judge") for each in LEVELS[1:])
    return Verification(levels=(level_of("bytes", damage, None), *rest), findings=tuple(damage))


def _unreadable(error: Damaged) -> Finding:
    """Say what a database found out about itself only while it was read."""
    return altered("database", "rows that can be read", str(error))


class _Run:
    """One verification: the levels so far."""

    def __init__(self, evidence: Evidence, key: NoteKey | None, damage: Sequence[Finding]) -> None:
        self._evidence = evidence
        self._key = key
        self._damage = damage
        self._ledger_faults, self._log_faults = Faults(), Faults()
        self._ledger = typed_ledger(evidence.ledger, self._ledger_faults)
        self._log = typed_log(evidence.log, self._log_faults)
        self._levels: list[Level] = []
        self._findings: list[Finding] = []

    def result(self) -> Verification:
        stored = check_stored(self._ledger)
        until = max((each.at for each in stored.entries.values()), default=None)
        self._judge("bytes", [*self._damage, *self._ledger_faults.findings, *stored.findings], until)
        self._judge("lanes", check_lanes(stored.entries), until)
        tree = self._tree(stored)
        self._signed(tree, stored.facts.get(ORIGIN))
        self._judge("pairing", check_pairing(stored.entries, self._evidence.now), until)
        if self._evidence.keys is None:
            self._leave("links")
        else:
            self._links(stored, tree, self._evidence.keys, until)
        return Verification(levels=tuple(self._levels), findings=tuple(self._findings))

    def _tree(self, stored: Stored) -> Tree:
        memory = self._evidence.signer
        tree, grown = check_tree(self._log, stored.entries, remembered=memory.size if memory else 0)
        # The clock of a test database is not the one of this process.
        now = None if TEST in stored.facts else self._evidence.now
        grown += check_times("tree state", self._log.tree_states(), tree.times, now)
        grown += check_times("checkpoint", self._log.checkpoints(), tree.times, now)
        self._judge("tree", [*self._log_faults.findings, *grown], tree.until(tree.size))
        return tree

    def _signed(self, tree: Tree, origin: str | None) -> None:
        if self._key is None:
            self._leave("signature")
            self._leave("signer")
            return
        found, until = check_signature(self._log, self._key, tree, origin)
        self._judge("signature", found, until)
        before, after = self._evidence.signer, self._evidence.signer_after
        if before is None or after is None:
            self._leave("signer")
            return
        last = max((each.size for each in self._log.checkpoints()), default=0)
        self._judge("signer", check_signer(before, after, self._key, tree, last), until)

    def _links(self, stored: Stored, tree: Tree, source: KeySource, until: datetime | None) -> None:
        faults = Faults()
        keys = typed_keys(source, faults)
        try:
            linked = check_links(self._ledger, keys, stored.entries, stored.artifacts, tree.turns)
        except Unavailable as error:
            if isinstance(error, Damaged) and not self._damage:
                self._judge("links", [_unreadable(error)], until)
            else:
                self._leave("links")
            return
        self._judge("links", [*faults.findings, *linked], until)

    def _judge(self, name: str, findings: Sequence[Finding], until: datetime | None) -> None:
        self._levels.append(level_of(name, findings, until))
        self._findings += findings

    def _leave(self, name: str) -> None:
        self._levels.append(Level(name=name, verdict="cannot_judge"))
