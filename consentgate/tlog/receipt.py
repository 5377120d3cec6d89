r"""C2SP tlog-proof: one file by which anybody sees, offline, that a leaf is in a signed tree.

Invariants: one receipt has one spelling; what follows the empty line is the signed note, byte for byte. The file
carries no public key: whoever reads it brings the key. The format does not authenticate the member ``extra``; here it
holds the exact bytes of the leaf, which the proof authenticates.

    >>> print(encode(Receipt(index=0, hashes=(), note="note\n", extra=b"leaf")), end="")
    c2sp.org/tlog-proof@v1
    extra bGVhZg==
    index 0
    <BLANKLINE>
    note
"""

import re
from dataclasses import field
from typing import Final

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.merkle import HASH_BYTES, MAX_SIZE
from consentgate.tlog.notekey import b64_text, unb64_text
from consentgate.values import dataclass

HEADER: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
LIMIT: Final = 2 << 20

# No tree of fewer than 2^63 leaves has a longer one.
_MOST_HASHES: Final = 63
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_EXTRA: Final = "extra "


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A proof of inclusion with the checkpoint that it leads to.

    Attributes:
        index: the leaf's position, from 0.
        hashes: sibling hashes from the leaf upwards, 32 bytes each.
        note: the signed checkpoint.
        extra: the leaf's bytes where we made it; None where there are none.
    """

    index: int
    hashes: tuple[bytes, ...]
    note: str = field(repr=False)
    extra: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_SIZE:
            raise InvalidInput("A position is between 0 and 2^63 - 2.")
        if len(self.hashes) > _MOST_HASHES or any(len(each) != HASH_BYTES for each in self.hashes):
            raise InvalidInput(f"A proof has at most {_MOST_HASHES} hashes of 32 bytes.")
        if not self.note:
            raise InvalidInput("A receipt has a signed checkpoint.")


def encode(receipt: Receipt) -> str:
    """Write a receipt.

    Args:
        receipt: the receipt.

    Returns:
        The file's text.
    """
    lines = [HEADER]
    if receipt.extra is not None:
        lines.append(f"{_EXTRA}{b64_text(receipt.extra)}")
    lines += [f"index {receipt.index}", *(b64_text(each) for each in receipt.hashes), ""]
    return "\n".join(lines) + f"\n{receipt.note}"


def decode(data: bytes) -> Receipt:
    """Read a receipt.

    Args:
        data: the file's bytes.

    Returns:
        The receipt; nothing of it is verified.

    Raises:
        Malformed: it is not a receipt of the first version, spelled as it must be.
    """
    if len(data) > LIMIT:
        raise Malformed(f"A receipt is a file of at most {LIMIT} bytes.")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Malformed("A receipt is UTF-8.") from None
    head, empty, note = text.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != HEADER or not empty:
        raise Malformed(
            f"A receipt begins with the line {HEADER}, and has an empty line before its checkpoint."
        )
    extra = unb64_text(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
    index = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if index is None:
        raise Malformed("A receipt names the leaf's index, as a decimal number.")
    try:
        return Receipt(
            index=int(index[1]), hashes=tuple(unb64_text(each) for each in lines), note=note, extra=extra
        )
    except InvalidInput as problem:
        raise Malformed(str(problem)) from problem
