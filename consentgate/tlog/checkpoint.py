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
    if not isinstance(body, str):
        raise Malformed("A checkpoint's body is text.")
    lines = body.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed("A checkpoint is three lines: origin, size and root.")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise Malformed("A checkpoint's size is a decimal number without leading zeros.")
    try:
        return Checkpoint(origin=origin, size=int(size), root=unb64_text(root))
    except InvalidInput as problem:
        raise Malformed(str(problem)) from problem


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
