"""C2SP tlog-checkpoint: the three lines that a log signs, and nothing else.

Invariants: the origin is the name of the key that signs; the size has one spelling; extension lines are
refused, because no witness could audit them.

    >>> encode(Checkpoint(origin="example.com/log", size=0, root=bytes(32))).splitlines()[:2]
    ['example.com/log', '0']
"""

import re
from collections.abc import Sequence
from typing import Final

from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.merkle import HASH_BYTES, MAX_SIZE
from consentgate.tlog.note import sign_note, verify_note
from consentgate.tlog.notekey import NoteKey, NoteSigner, b64_text, is_key_name, unb64_text
from consentgate.values import dataclass

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log claims about itself: that it has so many entries, under this root.

    Attributes:
        origin: the log's unique name, which is the name of its key.
        size: how many entries.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.origin):
            raise InvalidInput("An origin is a key name: not empty, without spaces and plus signs.")
        if not 0 <= self.size <= MAX_SIZE:
            raise InvalidInput("A checkpoint's size is between 0 and 2^63 - 1.")
        if len(self.root) != HASH_BYTES:
            raise InvalidInput("A checkpoint's root is 32 bytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyCheckpoint:
    """What a log that need not be ours claims about itself: C2SP recommends the form of an origin, and no more.

    Attributes:
        origin: the log's name, any text in one line.
        size: how many entries.
        root: 32 bytes.
        extensions: further lines; nothing here reads them.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def encode(checkpoint: Checkpoint) -> str:
    """Write the body that is signed.

    Args:
        checkpoint: the claim.

    Returns:
        Three lines.
    """
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64_text(checkpoint.root)}\n"


def decode(body: str) -> Checkpoint:
    """Read a body.

    Args:
        body: the text of a note, without signatures.

    Returns:
        The claim.

    Raises:
        Malformed: it is not exactly the three lines.
    """
    found = decode_any(body)
    if found.extensions:
        raise Malformed("A checkpoint is three lines: origin, size and root.")
    try:
        return Checkpoint(origin=found.origin, size=found.size, root=found.root)
    except InvalidInput as problem:
        raise Malformed(str(problem)) from problem


def decode_any(body: str) -> AnyCheckpoint:
    """Read a body of a log that need not be ours.

    Args:
        body: the text of a note, without signatures.

    Returns:
        The claim.

    Raises:
        Malformed: it does not begin with origin, size and root, or a line is empty.
    """
    if not isinstance(body, str):
        raise Malformed("A checkpoint's body is text.")
    lines = body.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise Malformed("A checkpoint is three lines: origin, size and root.")
    origin, size, root, *extensions = lines[:-1]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise Malformed("A checkpoint's size is a decimal number without leading zeros, below 2^63.")
    digest = unb64_text(root)
    if len(digest) != HASH_BYTES:
        raise Malformed("A checkpoint's root is 32 bytes.")
    return AnyCheckpoint(origin=origin, size=int(size), root=digest, extensions=tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> str:
    """Sign a checkpoint.

    Args:
        checkpoint: the claim.
        signer: the log's key.

    Returns:
        The signed note.

    Raises:
        InvalidInput: the key's name is not the origin.

    Note:
        Whether the log may sign this, after what it signed before, is the caller's question.
    """
    if signer.key.name != checkpoint.origin:
        raise InvalidInput("A checkpoint is signed by the key that is named like its origin.")
    return sign_note(encode(checkpoint), (signer,))


def open_checkpoint(note: str | bytes, key: NoteKey, others: Sequence[NoteKey] = ()) -> Checkpoint:
    """Verify a signed checkpoint.

    Args:
        note: the signed note.
        key: the log's key; it must have signed.
        others: further known keys: a signature of theirs that fails rejects the note, none is needed.

    Returns:
        The claim.

    Raises:
        Malformed: it is not a note, or not a checkpoint.
        SignatureInvalid: the log's key did not sign, a known key's signature fails, or the origin is another
            one.
    """
    opened = verify_note(note, (key, *others))
    if all((each.name, each.key_id) != (key.name, key.key_id) for each in opened.signatures):
        raise SignatureInvalid("The log's own key did not sign the checkpoint.")
    checkpoint = decode(opened.text)
    if checkpoint.origin != key.name:
        raise SignatureInvalid("The checkpoint is of another origin than the key.")
    return checkpoint


def open_any(note: str | bytes, key: NoteKey, origin: str | None = None) -> AnyCheckpoint:
    """Verify a signed checkpoint of a log that need not be ours.

    Args:
        note: the signed note.
        key: the log's key; it must have signed.
        origin: the log's name, where that is not the name of its key.

    Returns:
        The claim.

    Raises:
        Malformed: it is not a note, or not a checkpoint.
        SignatureInvalid: the log's key did not sign, or the origin is another one.
    """
    checkpoint = decode_any(verify_note(note, (key,)).text)
    if checkpoint.origin != (key.name if origin is None else origin):
        raise SignatureInvalid(f"The checkpoint is of another origin: {checkpoint.origin!r}.")
    return checkpoint
