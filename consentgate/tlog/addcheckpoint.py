r"""C2SP tlog-witness ``add-checkpoint``: what is sent to a witness, and what it answers.

Invariants: each request and answer has one spelling; reading verifies no signature and no proof. Nothing here
talks to anybody.

    >>> read_size(b"20852014\n", "text/x.tlog.size")
    20852014
"""

import re
from dataclasses import field
from typing import Final

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog import checkpoint
from consentgate.tlog.merkle import HASH_BYTES, MAX_SIZE
from consentgate.tlog.note import NOTE_LIMIT, NoteSignature, parse_note, parse_signatures
from consentgate.tlog.notekey import b64_text, unb64_text
from consentgate.values import dataclass

PATH: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
MOST_HASHES: Final = 63
LIMIT: Final = NOTE_LIMIT + 4096

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_OLD: Final = "old "


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """A checkpoint for a witness, and the proof that it continues the one before.

    Attributes:
        old: the size of the checkpoint that the witness cosigned last, 0 for none.
        hashes: the consistency proof from there, 32 bytes each.
        note: the signed checkpoint.
    """

    old: int
    hashes: tuple[bytes, ...]
    note: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.hashes) > MOST_HASHES or any(len(each) != HASH_BYTES for each in self.hashes):
            raise InvalidInput(f"A consistency proof has at most {MOST_HASHES} hashes of 32 bytes.")
        try:
            size = checkpoint.decode(parse_note(self.note).text).size
        except Malformed as problem:
            raise InvalidInput(str(problem)) from problem
        if not 0 <= self.old <= size:
            raise InvalidInput("The old size is between 0 and the checkpoint's size.")
        if self.hashes and self.old in (0, size):
            raise InvalidInput("From an empty tree, and from the same tree, the proof is empty.")


def encode(request: AddCheckpoint) -> bytes:
    """Write the body of a request.

    Args:
        request: what is asked.

    Returns:
        The body.
    """
    lines = [f"{_OLD}{request.old}", *(b64_text(each) for each in request.hashes), ""]
    return ("\n".join(lines) + f"\n{request.note}").encode()


def decode(data: bytes) -> AddCheckpoint:
    """Read the body of a request.

    Args:
        data: the body.

    Returns:
        What is asked; neither signature nor proof is verified.

    Raises:
        Malformed: it is no such body.
    """
    if len(data) > LIMIT:
        raise Malformed(f"A request is at most {LIMIT} bytes.")
    try:
        head, gap, note = data.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise Malformed("A request is UTF-8.") from None
    first, *lines = head.split("\n")
    if not gap or not first.startswith(_OLD):
        raise Malformed("A request is the old size, proof lines, an empty line and a checkpoint.")
    try:
        return AddCheckpoint(
            old=_size(first.removeprefix(_OLD)),
            hashes=tuple(unb64_text(each) for each in lines),
            note=note,
        )
    except InvalidInput as problem:
        raise Malformed(str(problem)) from problem


def read_cosignatures(body: bytes) -> tuple[NoteSignature, ...]:
    """Read the answer 200.

    Args:
        body: its body.

    Returns:
        The cosignatures, at least one, unverified: whoever asked takes those of known keys that fit.

    Raises:
        Malformed: it is anything but signature lines.
    """
    return parse_signatures(body)


def read_size(body: bytes, content_type: str | None) -> int:
    """Read the answer 409 of a witness that cosigned another size last.

    Args:
        body: its body.
        content_type: the header; a witness that answers 409 for another reason sends another type.

    Returns:
        The size of the checkpoint that it cosigned last.

    Raises:
        Malformed: it has another type, or is no size.
    """
    kind = (content_type or "").partition(";")[0].strip(" \t").lower()
    if kind != SIZE_TYPE:
        raise Malformed(f"The answer is not of the type {SIZE_TYPE}.")
    if not body.endswith(b"\n") or len(body) > 20 or not body.isascii():
        raise Malformed("The answer is a size in decimal digits and a line feed.")
    return _size(body[:-1].decode())


def _size(text: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise Malformed("A size is a decimal number below 2^63, without leading zeros.")
    return int(text)
