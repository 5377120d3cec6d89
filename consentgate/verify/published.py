"""Auditing a log from its published files alone: any log in the layout of C2SP tlog-tiles, ours or not.

Invariants: what is missing is a finding, never passed over; a signature counts under the key that the verifier
trusts, for the log's name that they know. What the entries mean is not looked at.
"""

from collections.abc import Callable
from typing import Final

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import AnyCheckpoint, decode_any, open_any
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import Policy
from consentgate.verify.filetree import CURE, FileTree, Read, wrong_file
from consentgate.verify.known import level_of, missing
from consentgate.verify.result import Finding, Level, Verification
from consentgate.verify.witnesses import WITNESSES, unwitnessed

CHECKPOINT: Final = "checkpoint"

_MOST_FINDINGS: Final = 100


def verify_published(
    read: Read,
    key: NoteKey | None,
    *,
    step: Callable[[int], None],
    policy: Policy | None = None,
    origin: str | None = None,
    since: AnyCheckpoint | None = None,
) -> Verification:
    """Verify a published log.

    Args:
        read: gives its files.
        key: the log's key, from where the verifier trusts it; None leaves the signature unjudged.
        step: told the number of entries that were covered, again and again.
        policy: whose cosignatures the verifier asks for; None asks for none.
        origin: the log's name, where that is not the name of its key.
        since: a checkpoint that the verifier trusts: the log has to continue it, and what it covers is not read;
            None reads everything.

    Returns:
        The levels ``bytes`` (only where entries are published), ``tree`` and ``signature``, and with a policy
        ``witnesses``.
    """
    note = read(CHECKPOINT)
    if note is None:
        return _ended(missing(CHECKPOINT, "a signed checkpoint"), policy)
    try:
        head = decode_any(parse_note(note).text)
    except Malformed as problem:
        return _ended(wrong_file("malformed", CHECKPOINT, "a checkpoint", str(problem)), policy)
    files = FileTree(read, head, step)
    files.run(since)
    signature = _signature(note, key, origin) if key is not None else None
    return _judged(files, signature, unwitnessed(note, policy) if policy is not None else None)


def size_of(read: Read) -> int:
    """Say how many entries there are to verify.

    Args:
        read: gives the log's files.

    Returns:
        The size that the checkpoint claims, whoever signed it; 0 where it cannot be read.
    """
    try:
        return decode_any(parse_note(read(CHECKPOINT) or b"").text).size
    except Malformed:
        return 0


def _judged(files: FileTree, signature: list[Finding] | None, lacking: list[Finding] | None) -> Verification:
    return Verification(
        levels=(
            *((level_of("bytes", files.bytes, None),) if files.has_entries else ()),
            level_of("tree", files.tree, None),
            _open("signature") if signature is None else level_of("signature", signature, None),
            *(() if lacking is None else (level_of(WITNESSES, lacking, None),)),
        ),
        findings=(
            *files.bytes[:_MOST_FINDINGS],
            *files.tree[:_MOST_FINDINGS],
            *(signature or ()),
            *(lacking or ()),
        ),
    )


def _ended(broken: Finding, policy: Policy | None) -> Verification:
    names = ("signature",) if policy is None else ("signature", WITNESSES)
    levels = (level_of("tree", [broken], None), *(_open(each) for each in names))
    return Verification(levels=levels, findings=(broken,))


def _signature(note: bytes, key: NoteKey, origin: str | None) -> list[Finding]:
    try:
        open_any(note, key, origin)
    except (Malformed, SignatureInvalid) as problem:
        named = key.name if origin is None else origin
        expected = f"a checkpoint of {named}, signed by {key.name}"
        cure = f"{CURE} Where a log goes by another name than its key, say so with --origin."
        return [Finding(kind="unsigned", where=CHECKPOINT, expected=expected, found=str(problem), cure=cure)]
    return []


def _open(name: str) -> Level:
    return Level(name=name, verdict="cannot_judge")
