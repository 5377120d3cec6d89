"""C2SP tlog-cosignature, version 1: what witnesses add to a log's signed checkpoint.

Invariants: a cosignature signs a time and the whole text of the checkpoint; its key has the type 0x04, so that no
signature of a log passes for one, nor the other way round. A failing cosignature of a known witness rejects the note;
those of unknown keys are ignored. Only Ed25519 is known here.

A cosignature does not sign the witness's name: two names for one public key are one witness.
"""

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.note import NoteSignature, parse_note, signature_line
from consentgate.tlog.notekey import b64_text, is_key_name, key_id_of, require_public, split_key
from consentgate.values import dataclass

COSIGNATURE: Final = 0x04
LATEST: Final = (1 << 63) - 1

_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKey:
    """A public key that cosigns checkpoints.

    Attributes:
        name: the witness's.
        public: the 32 bytes of the Ed25519 public key.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise InvalidInput("A key name is not empty and has no spaces and no plus signs.")
        require_public(self.public)

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that go before each cosignature: a hash of name, type and key."""
        return key_id_of(self.name, COSIGNATURE, self.public)

    @property
    def vkey(self) -> str:
        """The text form: name, key id in hexadecimal, type and key in base64."""
        return f"{self.name}+{self.key_id.hex()}+{b64_text(bytes([COSIGNATURE]) + self.public)}"

    @classmethod
    def from_vkey(cls, text: str) -> "WitnessKey":
        """Read the text form.

        Args:
            text: a vkey, without a line feed.

        Returns:
            The key.

        Raises:
            Malformed: it is not a vkey, not of an Ed25519 witness, or its key id does not fit.
        """
        name, key_id, material = split_key(text, COSIGNATURE)
        try:
            key = cls(name=name, public=material)
        except InvalidInput as problem:
            raise Malformed(str(problem)) from problem
        if key.key_id.hex() != key_id:
            raise Malformed("The key id does not fit the name and the key.")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSigner:
    """A private key that cosigns; its representation hides the seed.

    Attributes:
        key: the public half.
        seed: the 32 bytes of the Ed25519 private key.
    """

    key: WitnessKey
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str, random: Callable[[int], bytes]) -> "WitnessSigner":
        """Make a new key.

        Args:
            name: its name.
            random: gives random bytes.

        Returns:
            The signer.

        Raises:
            InvalidInput: the name cannot be one.
        """
        seed = random(32)
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(key=WitnessKey(name=name, public=public), seed=seed)

    def cosign(self, text: str, seconds: int) -> NoteSignature:
        """Cosign a checkpoint.

        Args:
            text: the note's text.
            seconds: the time, in seconds since 1970.

        Returns:
            The signature; `signature_line` writes it.

        Raises:
            InvalidInput: the time cannot be one, or the text does not end with a line feed.

        Note:
            Whether the log's tree continues the one that was cosigned before is the caller's question.
        """
        signed = Ed25519PrivateKey.from_private_bytes(self.seed).sign(signed_message(text, seconds))
        blob = seconds.to_bytes(_TIME_BYTES, "big") + signed
        return NoteSignature(name=self.key.name, key_id=self.key.key_id, signature=blob)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A verified cosignature.

    Attributes:
        key: whose.
        seconds: when it was made, as the witness says, in seconds since 1970.
        signature: as the note has it.
    """

    key: WitnessKey
    seconds: int
    signature: NoteSignature


def signed_message(text: str, seconds: int) -> bytes:
    """Write what a witness signs.

    Args:
        text: the checkpoint's text.
        seconds: the time, in seconds since 1970.

    Returns:
        The message.

    Raises:
        InvalidInput: the time cannot be one, or the text does not end with a line feed.
    """
    if not 0 <= seconds <= LATEST:
        raise InvalidInput("A cosignature's time is between 0 and 2^63 - 1 seconds.")
    if not text.endswith("\n"):
        raise InvalidInput("A checkpoint's text ends with a line feed.")
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def verify_cosignature(signature: NoteSignature, key: WitnessKey, text: str) -> int:
    """Verify one cosignature.

    Args:
        signature: the line, read.
        key: the witness's key.
        text: the checkpoint's text.

    Returns:
        Its time, in seconds since 1970, as the witness says.

    Raises:
        SignatureInvalid: it is of another key, has another form, or does not fit the text.
    """
    blob = signature.signature
    if (signature.name, signature.key_id) != (key.name, key.key_id):
        raise SignatureInvalid(f"The cosignature is not one of {key.name}.")
    if len(blob) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise SignatureInvalid(f"The cosignature of {key.name} is not a time and an Ed25519 signature.")
    seconds = int.from_bytes(blob[:_TIME_BYTES], "big")
    try:
        message = signed_message(text, seconds)
        Ed25519PublicKey.from_public_bytes(key.public).verify(blob[_TIME_BYTES:], message)
    except (InvalidInput, InvalidSignature) as problem:
        raise SignatureInvalid(f"The cosignature of {key.name} does not fit the note.") from problem
    return seconds


def cosignatures_of(note: str | bytes, keys: Sequence[WitnessKey]) -> tuple[Cosignature, ...]:
    """Verify the cosignatures of a note.

    Args:
        note: the signed note. The log's own signature is not looked at.
        keys: the known witnesses.

    Returns:
        Those of known witnesses, in the note's order; none is needed.

    Raises:
        Malformed: it is not a signed note.
        SignatureInvalid: a known witness's cosignature fails.
        InvalidInput: two different keys have the same name and key id.
    """
    parsed = parse_note(note)
    known = {(each.name, each.key_id): each for each in keys}
    if len(known) != len(set(keys)):
        raise InvalidInput("Two different keys have the same name and key id.")
    verified = []
    for each in parsed.signatures:
        key = known.get((each.name, each.key_id))
        if key is not None:
            seconds = verify_cosignature(each, key, parsed.text)
            verified.append(Cosignature(key=key, seconds=seconds, signature=each))
    return tuple(verified)


def with_cosignatures(note: str, signatures: Sequence[NoteSignature]) -> str:
    """Add cosignatures to a signed note.

    Args:
        note: the signed note.
        signatures: verified ones; whose key signed the note already is left out.

    Returns:
        The note with what it had, then what is new, in the order given.

    Raises:
        Malformed: it is not a signed note.
        InvalidInput: the note would have too many signatures, or one that no note can have.
    """
    there = {(each.name, each.key_id) for each in parse_note(note).signatures}
    lines = []
    for each in signatures:
        if (each.name, each.key_id) not in there:
            there.add((each.name, each.key_id))
            lines.append(signature_line(each))
    if not lines:
        return note
    longer = note + "".join(lines)
    try:
        parse_note(longer)
    except Malformed as problem:
        raise InvalidInput(str(problem)) from problem
    return longer
