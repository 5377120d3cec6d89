"""C2SP signed notes: a text and the signatures under it, readable by people.

Invariants: a note is valid UTF-8 without control characters but the line feed; a key is known by name *and*
key id; a signature of a known key that fails rejects the whole note, one of an unknown key is ignored; a
note that no known key signed is refused. Only Ed25519 (type 0x01) is a key here; what witnesses add (type 0x04) is
read in `cosignature`.
"""

import re
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.notekey import NoteKey, NoteSigner, b64_text, is_key_name, unb64_text
from consentgate.values import dataclass

NOTE_LIMIT: Final = 1 << 20
SIGNATURE_LIMIT: Final = 100
_DASH: Final = "\N{EM DASH} "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: the key's name.
        key_id: the key's id, 4 bytes.
        signature: what follows the id, whose form the key's type determines.
    """

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and signatures under it.

    Attributes:
        text: what is signed; ends with a line feed.
        signatures: out of `parse_note` all of them, unverified; out of `verify_note` the verified ones only.
    """

    text: str
    signatures: tuple[NoteSignature, ...]


def sign_note(text: str, signers: Sequence[NoteSigner]) -> str:
    """Sign a text.

    Args:
        text: it ends with a line feed.
        signers: at least one, at most 100.

    Returns:
        The signed note.

    Raises:
        InvalidInput: the text or the number of signers cannot be.
    """
    if not text.endswith("\n") or not signers:
        raise InvalidInput("A note is a text that ends with a line feed, and at least one signer.")
    made = [
        NoteSignature(name=each.key.name, key_id=each.key.key_id, signature=each.sign(text.encode()))
        for each in signers
    ]
    note = f"{text}\n{''.join(signature_line(each) for each in made)}"
    try:
        parse_note(note)
    except Malformed as problem:
        raise InvalidInput(str(problem)) from problem
    return note


def signature_line(signature: NoteSignature) -> str:
    """Write a signature line.

    Args:
        signature: the signature.

    Returns:
        The line, with its line feed.
    """
    return f"{_DASH}{signature.name} {b64_text(signature.key_id + signature.signature)}\n"


def parse_signatures(lines: str | bytes) -> tuple[NoteSignature, ...]:
    """Read signature lines that come without their text.

    Args:
        lines: one or more lines, each with its line feed.

    Returns:
        The signatures, unverified.

    Raises:
        Malformed: it is something else, or too many of them.
    """
    return _signatures(_note_text(lines))


def parse_note(note: str | bytes) -> Note:
    """Read a note without verifying anything.

    Args:
        note: the signed note.

    Returns:
        Text and all signatures, unverified.

    Raises:
        Malformed: it is not a signed note.
    """
    whole = _note_text(note)
    text, gap, block = whole.rpartition("\n\n")
    if not gap:
        raise Malformed("A note is a text, an empty line and signature lines.")
    return Note(text=text + "\n", signatures=_signatures(block))


def verify_note(note: str | bytes, keys: Sequence[NoteKey]) -> Note:
    """Verify a note.

    Args:
        note: the signed note.
        keys: the known keys.

    Returns:
        The text and the verified signatures, at least one.

    Raises:
        Malformed: it is not a signed note.
        SignatureInvalid: a signature of a known key fails, or no known key signed.
    """
    parsed = parse_note(note)
    known = {(each.name, each.key_id): each for each in keys}
    if len(known) != len(set(keys)):
        raise InvalidInput("Two different keys have the same name and key id.")
    verified = []
    for each in parsed.signatures:
        key = known.get((each.name, each.key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(each.signature, parsed.text.encode())
        except InvalidSignature as problem:
            raise SignatureInvalid(f"The signature of {each.name} does not fit the note.") from problem
        verified.append(each)
    if not verified:
        raise SignatureInvalid("No known key signed the note.")
    return Note(text=parsed.text, signatures=tuple(verified))


def _note_text(note: str | bytes) -> str:
    if not isinstance(note, str | bytes):
        raise Malformed("A note is text.")
    if len(note) > NOTE_LIMIT:
        raise Malformed("A note is at most 1 MiB.")
    try:
        raw = note.encode() if isinstance(note, str) else note
        whole = raw.decode()
    except UnicodeError as problem:
        raise Malformed("A note is UTF-8.") from problem
    if _CONTROL.search(whole):
        raise Malformed("A note has no control characters but the line feed.")
    return whole


def _signatures(block: str) -> tuple[NoteSignature, ...]:
    if not block.endswith("\n"):
        raise Malformed("Each signature line ends with a line feed.")
    lines = block[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise Malformed("The note has too many signatures.")
    return tuple(_signature(line) for line in lines)


def _signature(line: str) -> NoteSignature:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not gap or not is_key_name(name):
        raise Malformed("A signature line is a dash, a key name and base64.")
    blob = unb64_text(encoded)
    if len(blob) < 5:
        raise Malformed("A signature line holds a key id and a signature.")
    return NoteSignature(name=name, key_id=blob[:4], signature=blob[4:])
