"""Level ``epochs``: each log that an epoch ended is what the first entry of the next one says of it.

That entry names the old log's last known checkpoint, how much of it still has a root that was signed, how many
positions were left, and under which root. The old log is recomputed out of the entries that are there, and has to
give just that.

What anchors keep of the old log is held against it as well.

Invariants: what was lost before the epoch was opened stays a finding for ever, of kind ``lost``; what differs from
the entry was changed after it, and is broken. Old keys come from the verifier like the newest, not from the database.
A number that is left out is that of an epoch of which this database knows nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from consentgate import canonical
from consentgate.entries.epoch import EpochRecord, epoch_record, origin_fact, origins
from consentgate.entries.leaf import decode
from consentgate.entries.parts import open_part, split_parts
from consentgate.errors import KeyMismatch, Malformed, SignatureInvalid, Unavailable
from consentgate.tlog.checkpoint import open_checkpoint
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.anchored import check_anchors
from consentgate.verify.faults import Faults
from consentgate.verify.known import RESTORE, EntryId, altered, extra, missing, truncated
from consentgate.verify.marks import Marks
from consentgate.verify.pairing import Find
from consentgate.verify.result import Finding
from consentgate.verify.rows import EntryRow
from consentgate.verify.signed import Signatures
from consentgate.verify.since import ended_at
from consentgate.verify.source import Evidence, LedgerSource, LogSource, OldLog
from consentgate.verify.stored import TEST
from consentgate.verify.tree import Prefix, Tree
from consentgate.verify.typed import typed_keys, typed_log

_OF_A_CUT: Final = frozenset({"missing", "truncated"})
_PART: Final = "body.0"
_FORMAT: Final = 1
_LARGEST: Final = 4 << 20


def check_epochs(
    evidence: Evidence, ledger: LedgerSource, facts: Mapping[str, str], find: Find
) -> tuple[list[Finding], bool]:
    """Check every log that an epoch ended.

    Args:
        evidence: the logs, their keys, and what opens the entries that begin epochs.
        ledger: the ledger, with rows of the right types.
        facts: facts about the database, by name.
        find: looks entries up.

    Returns:
        The findings, and whether everything could be judged.
    """
    run = _Epochs(evidence, ledger, facts, find)
    whole = evidence.since.whole if evidence.since is not None else evidence.log
    last = OldLog(number=evidence.number, log=whole, vkey=evidence.vkey)
    logs = (*evidence.older, last)
    if logs[0].number:
        # Whoever opens an epoch leaves the first log's origin as it is.
        run.findings.append(missing(f"deployment, {origin_fact(0)}", "the origin of log 0"))
    for old, following in pairwise(logs):
        run.forgotten(old.number, following.number)
        run.check(old, following)
    return run.findings, run.judged


class _Epochs:
    """Goes from log to log."""

    def __init__(
        self, evidence: Evidence, ledger: LedgerSource, facts: Mapping[str, str], find: Find
    ) -> None:
        self._ledger = ledger
        self._facts = facts
        self._origins = origins(facts)
        self._find = find
        self._evidence = evidence
        self._keys: dict[str, list[bytes]] | None = None
        self.findings: list[Finding] = []
        self.judged = True

    def forgotten(self, old: int, following: int) -> None:
        """Find the numbers between those of two logs."""
        for number in range(old + 1, following):
            self.findings.append(
                Finding(
                    kind="lost",
                    where=f"log {number}",
                    expected=f"an epoch between log {old} and log {following}",
                    found="nothing: the database was put back to a copy from before it, or its key was lost unused",
                    cure=RESTORE,
                )
            )

    def check(self, old: OldLog, following: OldLog) -> None:
        name = f"log {old.number}"
        opening = f"entry that opens log {following.number}"
        row = self._opening(following.log)
        if row is None:
            self.findings.append(
                missing(opening, f"an entry of kind epoch, at position 0 of log {following.number}")
            )
            return
        key = NoteKey.from_vkey(old.vkey) if old.vkey is not None else None
        since = self._evidence.since
        # From a checkpoint on, an old log is held against the entry that ended it by its right edge alone.
        found, size, root = self._recomputed(old, key) if since is None else ended_at(since.ended[old.number])
        try:
            record = self._record(row)
        except Malformed as problem:
            self.findings.append(altered(opening, "what it says of the log before it", str(problem)))
            return
        if record is None or key is None:
            self.judged = False
        if record is not None:
            self.findings += self._compare(name, opening, record, (old.number, following.number), size, root)
            if key is not None:
                self.findings += _noted(opening, record, key)
            as_then = record.lost > 0 and (size, root) == (record.sequenced, record.root)
            if as_then:
                # So it was when the epoch was opened, and that something is wrong was written down then.
                found = [replace(each, kind="lost") for each in found]
            if key is not None:
                found += self._anchored(old, key, size, record.signed if as_then else 0)
        self.findings += [replace(each, where=f"{name}: {each.where}") for each in found]

    def _anchored(self, old: OldLog, key: NoteKey, size: int, known: int) -> Iterator[Finding]:
        """Hold an old log against what anchors keep of it, of which so many entries are known to be lost."""
        if old.anchors is None:
            return
        now = None if TEST in self._facts else self._evidence.now
        done = check_anchors(old.anchors, old.log.checkpoints(), key, size=size, now=now)
        self.judged = self.judged and not done.unreached
        for each in done.findings:
            # It grows no longer, and no anchor gets any more of it.
            if each.kind == "uncovered":
                continue
            lost = each.kind in _OF_A_CUT and 0 < done.beyond <= known
            yield replace(each, kind="lost") if lost else each

    def _opening(self, log: LogSource) -> EntryRow | None:
        """Find the entry at position 0, if it opens an epoch."""
        first = next((row for batch in typed_log(log, Faults()).sequence() for row in batch[:1]), None)
        if first is None:
            return None
        rows = self._ledger.find({(first[1], first[2])})
        return next((row for row in rows if row.kind == "epoch"), None)

    def _recomputed(self, old: OldLog, key: NoteKey | None) -> tuple[list[Finding], int, bytes]:
        faults = Faults()
        log = typed_log(old.log, faults)
        signatures = Signatures(key) if key is not None else None
        marks = Marks(log, signatures, 0)
        # The entry that opens an epoch is placed by the tree itself, and is not given to it again.
        opening = old.number > 0
        tree = Tree(log, marks, self._find, Prefix(), opening=opening)
        for number, batch in enumerate(log.sequence()):
            keys: list[EntryId] = [(row[1], row[2]) for row in batch[opening and not number :]]
            there = self._find(keys)
            known = [there[each] for each in keys if each in there]
            if known:
                tree.take(known)
        found = [*tree.finish()]
        if signatures is not None:
            found += signatures.findings(tree.size, 0, self._origins.get(old.number))
        # What no checkpoint covered is logged again, and signed there.
        found = [each for each in found if each.kind not in ("uncovered", "unsequenced")]
        return [*faults.findings, *found], tree.size, tree.root

    def _record(self, row: EntryRow) -> EpochRecord | None:
        """Open what an entry says of the log before it; None without the key."""
        leaf = decode(row.leaf)
        for ref, token in zip(leaf.parts, split_parts(row.parts), strict=False):
            for key in self._body_keys(row.tenant) if ref.p == _PART else ():
                try:
                    content = canonical.decode(open_part(leaf.id, ref, token, key), limit=_LARGEST)
                except KeyMismatch:
                    continue
                if not isinstance(content, dict) or content.pop("v", None) != _FORMAT:
                    raise Malformed("The content is of no format that this version reads.")
                return epoch_record(content)
        return None

    def _body_keys(self, tenant: str) -> Sequence[bytes]:
        if self._keys is None:
            self._keys = {}
            if self._evidence.keys is not None:
                try:
                    for each in typed_keys(self._evidence.keys, Faults()).data_keys():
                        if each.name == "body" and each.key is not None:
                            self._keys.setdefault(each.tenant, []).append(each.key)
                except Unavailable:
                    self._keys = {}
        return self._keys.get(tenant, ())

    def _compare(
        self, name: str, opening: str, record: EpochRecord, numbers: tuple[int, int], size: int, root: bytes
    ) -> Iterator[Finding]:
        old, new = numbers
        for what, said, is_so in (
            ("log", record.log, new),
            ("old_log", record.old_log, old),
            ("origin", record.origin, self._origins.get(new)),
            ("old_origin", record.old_origin, self._origins.get(old)),
        ):
            if said != is_so:
                yield altered(f"{opening}, {what}", str(said), str(is_so))
        if size < record.sequenced:
            yield truncated(name, record.sequenced, size)
        elif size > record.sequenced:
            yield extra(name, f"{size - record.sequenced} positions more than when it was ended")
        elif root != record.root:
            yield altered(name, f"the root that the {opening} says", "another root")
        if record.lost:
            gone = f", {record.gone} of them without their entry" if record.gone else ""
            yield Finding(
                kind="lost",
                where=name,
                expected=f"{record.signed} entries, which were signed",
                found=f"{record.sound} under a root that was signed{gone}",
                cure=RESTORE,
            )


def _noted(opening: str, record: EpochRecord, key: NoteKey) -> Iterator[Finding]:
    """Check the checkpoint that the entry repeats."""
    if not record.checkpoint:
        return
    try:
        head = open_checkpoint(record.checkpoint, key)
    except (Malformed, SignatureInvalid) as problem:
        yield Finding(
            kind="unsigned",
            where=f"{opening}, checkpoint",
            expected="a note of the old log's key",
            found=str(problem),
            cure=RESTORE,
        )
        return
    if head.size > record.signed:
        yield altered(
            f"{opening}, sizes.signed", f"{head.size} or more, as its checkpoint says", str(record.signed)
        )
