"""Auditing a log from its published files alone: any log in the layout of C2SP tlog-tiles, ours or not.

Invariants: every hash is recomputed from the level below it, down to the entries where those are published; memory
does not grow with the log; what is missing is a finding, never passed over. What the entries mean is not looked at.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog import bundle, checkpoint
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint
from consentgate.tlog.merkle import EMPTY_ROOT, HASH_BYTES, fold, leaf_hash
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import Policy
from consentgate.tlog.tiles import TILE_BYTES, TILE_WIDTH, peaks_of_row, subtree_of_tile, tile_path
from consentgate.verify.known import altered, level_of, missing
from consentgate.verify.result import Finding, Level, Verification
from consentgate.verify.witnesses import WITNESSES, unwitnessed

CHECKPOINT: Final = "checkpoint"

Read: TypeAlias = Callable[[str], bytes | None]
"""``read(path)``: a file's bytes by its relative path; None where there is no such file."""

_MOST_FINDINGS: Final = 100
_CURE: Final = "Fetch the file again; if it stays so, ask whoever publishes the log, and keep what you have."


def verify_published(
    read: Read, key: NoteKey | None, *, step: Callable[[int], None], policy: Policy | None = None
) -> Verification:
    """Verify a published log.

    Args:
        read: gives its files.
        key: the log's key, from where the verifier trusts it; None leaves the signature unjudged.
        step: told the number of entries that were covered, again and again.
        policy: whose cosignatures the verifier asks for; None asks for none.

    Returns:
        The levels ``bytes`` (only where entries are published), ``tree`` and ``signature``, and with a policy
        ``witnesses``.
    """
    note = read(CHECKPOINT)
    if note is None:
        return _ended(missing(CHECKPOINT, "a signed checkpoint"), policy)
    try:
        head = checkpoint.decode(parse_note(note).text)
    except Malformed as problem:
        return _ended(_finding("malformed", CHECKPOINT, "a checkpoint", str(problem)), policy)
    audit = _Audit(read, head, step)
    audit.run()
    signature = _signature(note, key) if key is not None else None
    lacking = unwitnessed(note, policy) if policy is not None else None
    return Verification(
        levels=(
            *((level_of("bytes", audit.bytes, None),) if audit.has_entries else ()),
            level_of("tree", audit.tree, None),
            _open("signature") if signature is None else level_of("signature", signature, None),
            *(() if lacking is None else (level_of(WITNESSES, lacking, None),)),
        ),
        findings=(
            *audit.bytes[:_MOST_FINDINGS],
            *audit.tree[:_MOST_FINDINGS],
            *(signature or ()),
            *(lacking or ()),
        ),
    )


def size_of(read: Read) -> int:
    """Say how many entries there are to verify.

    Args:
        read: gives the log's files.

    Returns:
        The size that the checkpoint claims, whoever signed it; 0 where it cannot be read.
    """
    try:
        return checkpoint.decode(parse_note(read(CHECKPOINT) or b"").text).size
    except Malformed:
        return 0


class _Audit:
    """One pass over the files, from the first position to the last."""

    def __init__(self, read: Read, head: Checkpoint, step: Callable[[int], None]) -> None:
        self._read = read
        self._head = head
        self._step = step
        # Of each level, the hashes of the tile that is being filled, and how many tiles are full.
        self._rows: list[bytearray] = []
        self._done: list[int] = []
        self.bytes: list[Finding] = []
        self.tree: list[Finding] = []
        first = min(head.size, TILE_WIDTH)
        self.has_entries = bool(first) and self._find(bundle.bundle_path, 0, first) is not None

    def run(self) -> None:
        size = self._head.size
        for index in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            width = min(size - index * TILE_WIDTH, TILE_WIDTH)
            hashes = self._tile(0, index, width)
            if hashes is None:
                # Without these hashes nothing above them can be recomputed.
                return
            if self.has_entries:
                self.bytes += self._bundle(index, width, hashes)
            self._push(hashes, 0)
            self._step(width)
        self._edge()
        if self._root() != self._head.root:
            where = f"tree under the checkpoint of size {size}"
            self.tree.append(altered(where, "the root that was signed", "another root", _CURE))

    def _push(self, hashes: bytes, level: int) -> None:
        while level >= len(self._rows):
            self._rows.append(bytearray())
            self._done.append(0)
        row = self._rows[level]
        row += hashes
        if len(row) < TILE_BYTES:
            return
        tile = bytes(row)
        row.clear()
        if level:
            self._compare(level, self._done[level], tile)
        self._done[level] += 1
        self._push(subtree_of_tile(tile), level + 1)

    def _edge(self) -> None:
        """Compare the tiles above the first level that are not full."""
        for level, row in enumerate(self._rows):
            if level and row:
                self._compare(level, self._done[level], bytes(row))

    def _compare(self, level: int, index: int, computed: bytes) -> None:
        stored = self._tile(level, index, len(computed) // HASH_BYTES)
        if stored is not None and stored != computed:
            where = tile_path(level, index, len(computed) // HASH_BYTES)
            self.tree.append(altered(where, "the hashes of the tiles below", "other hashes", _CURE))

    def _root(self) -> bytes:
        peaks = [peak for row in reversed(self._rows) for peak in peaks_of_row(bytes(row))]
        return fold(peaks) if peaks else EMPTY_ROOT

    def _tile(self, level: int, index: int, width: int) -> bytes | None:
        found = self._find(lambda i, w: tile_path(level, i, w), index, width)
        where = tile_path(level, index, width)
        if found is None:
            self.tree.append(missing(where, f"a tile of {width} hashes"))
            return None
        if len(found) % HASH_BYTES or len(found) < width * HASH_BYTES or len(found) > TILE_BYTES:
            expected = f"{width * HASH_BYTES} bytes"
            self.tree.append(_finding("malformed", where, expected, f"{len(found)} bytes"))
            return None
        return found[: width * HASH_BYTES]

    def _find(self, path: Callable[[int, int], str], index: int, width: int) -> bytes | None:
        """Read a file; a log that has grown since may have only the full one left in place of a partial one."""
        found = self._read(path(index, width))
        return self._read(path(index, TILE_WIDTH)) if found is None and width < TILE_WIDTH else found

    def _bundle(self, index: int, width: int, hashes: bytes) -> Iterator[Finding]:
        where = bundle.bundle_path(index, width)
        data = self._find(bundle.bundle_path, index, width)
        if data is None:
            yield missing(where, f"{width} entries")
            return
        try:
            entries = bundle.decode(data)
        except Malformed as problem:
            yield _finding("malformed", where, "an entry bundle", str(problem))
            return
        if len(entries) < width:
            yield _finding("truncated", where, f"{width} entries", f"{len(entries)} entries")
        for number, entry in enumerate(entries[:width]):
            if leaf_hash(entry) != hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]:
                position = index * TILE_WIDTH + number
                yield altered(f"entry at position {position}", "the entry that was logged", "another", _CURE)


def _ended(broken: Finding, policy: Policy | None) -> Verification:
    names = ("signature",) if policy is None else ("signature", WITNESSES)
    levels = (level_of("tree", [broken], None), *(_open(each) for each in names))
    return Verification(levels=levels, findings=(broken,))


def _signature(note: bytes, key: NoteKey) -> list[Finding]:
    try:
        open_checkpoint(note, key)
    except (Malformed, SignatureInvalid) as problem:
        return [_finding("unsigned", CHECKPOINT, f"a checkpoint signed by {key.name}", str(problem))]
    return []


def _finding(kind: str, where: str, expected: str, found: str) -> Finding:
    return Finding(kind=kind, where=where, expected=expected, found=found, cure=_CURE)


def _open(name: str) -> Level:
    return Level(name=name, verdict="cannot_judge")
