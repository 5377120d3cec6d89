"""One line of ``entries.jsonl``: the exact bytes of an entry, and keys of its parts.

Invariants: what `decode` accepts has one spelling, and its leaf is one of an entry; nothing is opened before
its digest and the thumbprint of its key are what leaf and token name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from cryptography.exceptions import InvalidTag

from consentgate.canonical import Json, decode_canonical, unb64
from consentgate.crypto import jwe
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Leaf, PartRef
from consentgate.errors import KeyMismatch, Malformed
from consentgate.tlog.merkle import leaf_hash
from consentgate.values import dataclass
from consentgate.verify.package.lines import object_of
from consentgate.verify.package.manifest import Manifest

REASONS: Final = frozenset(
    {"destroyed", "matches", "other_person", "privilege", "references", "role", "templates"}
)
"""Why a part may be withheld: the closed list of the format."""

_MEMBERS: Final = frozenset({"bates", "entry", "leaf", "log", "parts", "position"})
_OPEN: Final = frozenset({"p", "jwe", "key"})
_CLOSED: Final = frozenset({"p", "jwe", "withheld"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLine:
    """A part as the line has it.

    Attributes:
        name: its name.
        jwe: the token.
        key: the part key, or None where it is withheld.
        withheld: the reason, or an empty text where it is open.
    """

    name: str
    jwe: str = field(repr=False)
    key: bytes | None = field(repr=False)
    withheld: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """A line.

    Attributes:
        bates: the record's number, as it is written.
        number: the same as a number.
        entry: the entry's id, as the line says.
        log: number of the log.
        position: the position in it.
        leaf: the leaf.
        parts: in the order of the line.
    """

    bates: str
    number: int
    entry: str
    log: int
    position: int
    leaf: Leaf
    parts: tuple[SealedLine, ...]

    @property
    def hash(self) -> bytes:
        """The leaf hash."""
        return leaf_hash(self.leaf.spelled)

    @property
    def where(self) -> str:
        """How the record is called in findings."""
        return f"record {self.bates}"


class Numbered(Malformed):
    """A line that is no entry, but whose Bates number can be read."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


def decode(line: bytes, manifest: Manifest) -> EntryLine:
    """Read a line.

    Args:
        line: with its line feed.
        manifest: says how Bates numbers are written, and which logs there are.

    Returns:
        The entry.

    Raises:
        Malformed: it is none; a `Numbered` where at least its number can be read.
    """
    members = object_of(line)
    number = manifest.number(members.get("bates"))
    if number is None:
        raise Malformed("The line has no Bates number of this package.")
    try:
        return _entry(members, number, manifest)
    except Malformed as problem:
        raise Numbered(number, str(problem)) from problem


def opened(part: SealedLine, ref: PartRef) -> Mapping[str, Json]:
    """Open a part whose key is there.

    Args:
        part: the part.
        ref: what the leaf says of it.

    Returns:
        The members of its content.

    Raises:
        Changed: it is not the one of the leaf, or does not decrypt.
        Malformed: it is not of the profile, or its content is not.
        KeyMismatch: the token names another key than the one that stands beside it.
    """
    require(part, ref)
    try:
        plain = jwe.open_sealed(part.jwe, key=part.key or b"")
    except KeyMismatch:
        raise
    except Malformed as problem:
        if isinstance(problem.__cause__, InvalidTag):
            raise Changed(str(problem)) from problem
        raise
    content = decode_canonical(plain, limit=jwe.TOKEN_LIMIT)
    if not isinstance(content, dict):
        raise Malformed("The content is no object.")
    return content


def require(part: SealedLine, ref: PartRef) -> None:
    """Check that a part is the one of the leaf.

    Args:
        part: the part.
        ref: what the leaf says of it.

    Raises:
        Changed: it is another.
    """
    if hashlib.sha256(part.jwe.encode()).digest() != ref.d:
        raise Changed("The part is not the one that the leaf names.")


class Changed(Malformed):
    """A part whose bytes are not those that were sealed."""


def _entry(members: Mapping[str, Json], number: int, manifest: Manifest) -> EntryLine:
    log, position = members.get("log"), members.get("position")
    if members.keys() != _MEMBERS or type(log) is not int or type(position) is not int:
        raise Malformed("The line has other members than an entry.")
    if log not in manifest.logs or not 0 <= position < manifest.logs[log].size:
        raise Malformed("The entry has no place in a log of this package.")
    parts = members["parts"]
    if not isinstance(parts, list):
        raise Malformed("The parts are no list.")
    return EntryLine(
        bates=manifest.bates(number),
        number=number,
        entry=_text(members["entry"]),
        log=log,
        position=position,
        leaf=leaves.decode(unb64(_text(members["leaf"]))),
        parts=tuple(_part(each) for each in parts),
    )


def _part(value: Json) -> SealedLine:
    if not isinstance(value, dict) or value.keys() not in (_OPEN, _CLOSED):
        raise Malformed("A part has its name, its token, and a key or the reason why there is none.")
    name, token = _text(value["p"]), _text(value["jwe"])
    if "key" in value:
        key = unb64(_text(value["key"]))
        if len(key) != jwe.KEY_BYTES:
            raise Malformed("A part key is 32 bytes.")
        return SealedLine(name=name, jwe=token, key=key, withheld="")
    reason = _text(value["withheld"])
    if reason not in REASONS:
        raise Malformed("There is no such reason to withhold a part.")
    return SealedLine(name=name, jwe=token, key=None, withheld=reason)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Malformed("A member of the line is no text.")
    return value
