"""Levels ``tree``, ``checkpoint`` and ``witnesses``: the records are in a log that was signed, and cosigned.

Invariants: the root follows from the records' exact leaves and the nodes of the package, and from every byte of
these; it is never read. Of each record its position and leaf hash are kept, 40 bytes.
"""

from array import array
from typing import BinaryIO, Final

from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog import checkpoint
from consentgate.tlog.cosignature import cosignatures_of
from consentgate.tlog.merkle import EMPTY_ROOT, HASH_BYTES, node_hash
from consentgate.tlog.note import NOTE_LIMIT, parse_note, verify_note
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import LIMIT, Policy
from consentgate.tlog.policy import decode as decode_policy
from consentgate.verify.package.entry import EntryLine
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.manifest import ListedLog, Manifest
from consentgate.verify.package.result import Findings

POLICY: Final = "data/keys/witnesses.policy"

_NODES: Final = "nodes.bin"
_CHECKPOINT: Final = "checkpoint"
_VKEY: Final = "vkey"


class Leaves:
    """The leaf hashes of the records of one log, by position."""

    def __init__(self) -> None:
        self._positions = array("Q")
        self._hashes = bytearray()

    def take(self, line: EntryLine) -> None:
        """Take the next record.

        Args:
            line: the record; its position is above those before it.
        """
        self._positions.append(line.position)
        self._hashes += line.hash

    def root(self, size: int, nodes: BinaryIO) -> bytes:
        """Compute the root of the log.

        Args:
            size: of the tree.
            nodes: the hashes of what is not in the package, in the order of the format.

        Returns:
            The root.

        Raises:
            Malformed: there are too few nodes, or too many.
        """
        walk = _Walk(self._positions, self._hashes, nodes)
        root = walk.hash(0, size) if size else EMPTY_ROOT
        if nodes.read(1):
            raise Malformed("There are more nodes than the proof needs.")
        return root


class _Walk:
    """The walk of the format, over one log."""

    def __init__(self, positions: "array[int]", hashes: bytearray, nodes: BinaryIO) -> None:
        self._positions = positions
        self._hashes = hashes
        self._nodes = nodes
        self._at = 0

    def hash(self, low: int, high: int) -> bytes:
        """Give the hash over the positions from `low` to below `high`; no deeper than 63 calls."""
        at = self._at
        if at == len(self._positions) or self._positions[at] >= high:
            node = self._nodes.read(HASH_BYTES)
            if len(node) != HASH_BYTES:
                raise Malformed("There are fewer nodes than the proof needs.")
            return node
        if high - low == 1:
            self._at += 1
            return bytes(self._hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES])
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        return node_hash(self.hash(low, middle), self.hash(middle, high))


def check_trees(
    folder: PackageFolder, manifest: Manifest, leaves: dict[int, Leaves] | None, findings: Findings
) -> None:
    """Judge the level ``tree``.

    Args:
        folder: the package.
        manifest: its manifest.
        leaves: of each log; None where not every record could be read, or one stands out of order.
        findings: takes what is wrong.
    """
    findings.judged("tree", wholly=leaves is not None)
    if leaves is None:
        return
    for number, log in manifest.logs.items():
        path = f"{log.folder}{_NODES}"
        if path not in folder:
            findings.say("tree", "missing", path, "the nodes of the proof", "nothing")
            continue
        try:
            with folder.open(path) as nodes:
                root = leaves[number].root(log.size, nodes)
        except Malformed as problem:
            findings.say("tree", "malformed", path, "the nodes of the proof", str(problem))
            continue
        if root != log.root:
            where = f"log {number}"
            findings.say("tree", "altered", where, f"the root {log.root.hex()}", f"the root {root.hex()}")


def check_checkpoints(folder: PackageFolder, manifest: Manifest, findings: Findings) -> dict[int, str]:
    """Judge the level ``checkpoint``.

    Args:
        folder: the package.
        manifest: its manifest.
        findings: takes what is wrong.

    Returns:
        The signed notes that could be read, by log.
    """
    findings.judged("checkpoint")
    notes: dict[int, str] = {}
    for number, log in manifest.logs.items():
        _vkey(folder, log, findings)
        path = f"{log.folder}{_CHECKPOINT}"
        if path not in folder:
            findings.say("checkpoint", "missing", path, "a signed checkpoint", "nothing")
            continue
        try:
            note = folder.read(path, NOTE_LIMIT)
            head = checkpoint.decode(parse_note(note).text)
        except Malformed as problem:
            findings.say("checkpoint", "malformed", path, "a signed checkpoint", str(problem))
            continue
        notes[number] = note.decode()
        _signed(note, log, findings)
        if (head.origin, head.size, head.root) != (log.origin, log.size, log.root):
            where = f"log {number}"
            findings.say("checkpoint", "altered", where, "origin, size and root of the manifest", "others")
    return notes


def check_witnesses(
    folder: PackageFolder,
    manifest: Manifest,
    notes: dict[int, str],
    policy: Policy | None,
    findings: Findings,
) -> tuple[str, ...]:
    """Judge the level ``witnesses``, where there is anything to judge.

    Args:
        folder: the package.
        manifest: its manifest.
        notes: the signed notes, by log.
        policy: the reader's own, or None.
        findings: takes what is wrong.

    Returns:
        The names of the reader's witnesses that cosigned, if they meet the reader's policy.
    """
    own = _policy(folder, findings)
    if own is None and policy is None and POLICY not in folder:
        if any(_is_cosigned(note, manifest.logs[number]) for number, note in notes.items()):
            findings.judged("witnesses", wholly=False)
        return ()
    findings.judged("witnesses")
    newest = max(manifest.logs, default=None)
    trusted: tuple[str, ...] = ()
    for asked in filter(None, (own, policy)):
        for number, note in notes.items():
            names = _cosigned(note, asked, manifest.logs[number], findings, newest=number == newest)
            if asked is policy and number == newest:
                trusted = names
    return trusted


def _is_cosigned(note: str, log: ListedLog) -> bool:
    """Tell whether anybody signed besides the log itself."""
    try:
        key = NoteKey.from_vkey(log.vkey)
    except Malformed:
        return False
    return any((each.name, each.key_id) != (key.name, key.key_id) for each in parse_note(note).signatures)


def _policy(folder: PackageFolder, findings: Findings) -> Policy | None:
    if POLICY not in folder:
        return None
    try:
        return decode_policy(folder.read(POLICY, LIMIT))
    except Malformed as problem:
        findings.say("witnesses", "malformed", POLICY, "a witness policy", str(problem))
        return None


def _cosigned(
    note: str, policy: Policy, log: ListedLog, findings: Findings, *, newest: bool
) -> tuple[str, ...]:
    where = f"log {log.number}"
    try:
        cosigned = {each.key for each in cosignatures_of(note, policy.keys)}
    except (InvalidInput, SignatureInvalid) as problem:
        path = f"{log.folder}{_CHECKPOINT}"
        findings.say("witnesses", "forged", path, "cosignatures that fit", str(problem))
        return ()
    if not newest:
        return ()
    lacking = policy.missing(cosigned)
    if policy.logs and not any(_by(note, each.key) for each in policy.logs):
        findings.say("witnesses", "unsigned", where, "the signature of a log of the policy", "none")
        return ()
    if lacking:
        findings.say(
            "witnesses", "unsigned", where, "cosignatures that meet the policy", "; ".join(lacking[:10])
        )
        return ()
    return tuple(each.name for each in policy.witnesses if each.key in cosigned)


def _vkey(folder: PackageFolder, log: ListedLog, findings: Findings) -> None:
    path = f"{log.folder}{_VKEY}"
    expected = f"{log.vkey}\n".encode()
    if path not in folder:
        findings.say("checkpoint", "missing", path, "the log's key", "nothing")
    elif not folder.holds(path, (expected,)):
        findings.say("checkpoint", "altered", path, "the key that the manifest names", "another")


def _signed(note: bytes, log: ListedLog, findings: Findings) -> None:
    path = f"{log.folder}{_CHECKPOINT}"
    try:
        key = NoteKey.from_vkey(log.vkey)
        if key.name != log.origin:
            found = f"the key of {key.name}"
            findings.say("checkpoint", "altered", f"log {log.number}", f"the key of {log.origin}", found)
        verify_note(note, (key,))
    except (Malformed, SignatureInvalid) as problem:
        findings.say("checkpoint", "forged", path, f"a checkpoint signed by {log.vkey}", str(problem))


def _by(note: str, key: NoteKey) -> bool:
    try:
        return checkpoint.decode(verify_note(note, (key,)).text).origin == key.name
    except (Malformed, SignatureInvalid):
        return False
