"""Keys that sign notes, in the text forms of C2SP: vkeys in public, ``PRIVATE+KEY`` in secret.

Invariants: a key is an Ed25519 key (type 0x01) with a name; its key id is a hash of both, so that a text
form whose id does not fit is refused; keys of small order are refused; a private key shows in no
representation or message.

    >>> key = NoteKey.from_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    >>> key.name
    'example.com/foo'
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consentgate.errors import InvalidInput, Malformed
from consentgate.values import dataclass

ED25519: Final = 0x01
_NO_NAME: Final = re.compile("[\\s+\\x00-\\x1f\\ud800-\\udfff]")
_PRIVATE: Final = "PRIVATE+KEY+"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A public key that signs notes.

    Attributes:
        name: who signs, for a log its origin.
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
        """The 4 bytes that go before each signature: a hash of name, type and key."""
        return key_id_of(self.name, ED25519, self.public)

    @property
    def vkey(self) -> str:
        """The text form: name, key id in hexadecimal, type and key in base64."""
        return f"{self.name}+{self.key_id.hex()}+{b64_text(bytes([ED25519]) + self.public)}"

    @classmethod
    def from_vkey(cls, text: str) -> "NoteKey":
        """Read the text form.

        Args:
            text: a vkey, without a line feed.

        Returns:
            The key.

        Raises:
            Malformed: it is not a vkey, not of Ed25519, or its key id does not fit.
        """
        name, key_id, material = split_key(text)
        try:
            key = cls(name=name, public=material)
        except InvalidInput as problem:
            raise Malformed(str(problem)) from problem
        if key.key_id.hex() != key_id:
            raise Malformed("The key id does not fit the name and the key.")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSigner:
    """A private key that signs notes; its representation hides the seed.

    Attributes:
        key: the public half.
        seed: the 32 bytes of the Ed25519 private key.
    """

    key: NoteKey
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str, random: Callable[[int], bytes]) -> "NoteSigner":
        """Make a new key.

        Args:
            name: its name.
            random: gives random bytes.

        Returns:
            The signer.

        Raises:
            InvalidInput: the name cannot be one.
        """
        return cls._of_seed(name, random(32))

    @classmethod
    def from_text(cls, text: str) -> "NoteSigner":
        """Read the text form ``PRIVATE+KEY+name+id+base64``.

        Args:
            text: the key, without a line feed.

        Returns:
            The signer.

        Raises:
            Malformed: it is not such a key, or its key id does not fit. The message never holds the key.
        """
        if not isinstance(text, str):
            raise Malformed("A signer's key is text.")
        if not text.startswith(_PRIVATE):
            raise Malformed("A signer's key begins with PRIVATE+KEY+.")
        name, key_id, material = split_key(text.removeprefix(_PRIVATE))
        signer = cls._of_seed(name, material)
        if signer.key.key_id.hex() != key_id:
            raise Malformed("The key id does not fit the name and the key.")
        return signer

    def to_text(self) -> str:
        """Write the text form, a secret.

        Returns:
            ``PRIVATE+KEY+name+id+base64``.
        """
        material = b64_text(bytes([ED25519]) + self.seed)
        return f"{_PRIVATE}{self.key.name}+{self.key.key_id.hex()}+{material}"

    def sign(self, data: bytes) -> bytes:
        """Sign bytes.

        Args:
            data: what is signed.

        Returns:
            64 bytes.
        """
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(data)

    @classmethod
    def _of_seed(cls, name: str, seed: bytes) -> "NoteSigner":
        if len(seed) != 32:
            raise InvalidInput("An Ed25519 private key is 32 bytes.")
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(key=NoteKey(name=name, public=public), seed=seed)


def is_key_name(name: str) -> bool:
    """Tell whether a text can name a key.

    Args:
        name: the text.

    Returns:
        Whether it is not empty, can be UTF-8, and has no Unicode spaces, control characters and plus signs.
    """
    return bool(name) and _NO_NAME.search(name) is None


def b64_text(data: bytes) -> str:
    """Encode as notes do: standard base64 with padding.

    Args:
        data: any bytes.

    Returns:
        The text.
    """
    return base64.b64encode(data).decode()


def unb64_text(text: str) -> bytes:
    """Decode standard base64 that has exactly one spelling.

    Args:
        text: base64 with padding.

    Returns:
        The bytes.

    Raises:
        Malformed: another alphabet, wrong padding or stray bits.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Malformed("This is not base64.") from problem
    if b64_text(data) != text:
        raise Malformed("This is not the one base64 spelling of its bytes.")
    return data


def key_id_of(name: str, kind: int, public: bytes) -> bytes:
    """Compute a key id.

    Args:
        name: the key's name.
        kind: the type of its signatures, one byte.
        public: the public key.

    Returns:
        4 bytes: what notes know the key by, together with its name.
    """
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def require_public(public: bytes) -> None:
    """Refuse what is no public key, and keys under which one signature fits many texts.

    Args:
        public: the Ed25519 public key.

    Raises:
        InvalidInput: it is not 32 bytes, or of small order.
    """
    if len(public) != 32 or _is_small_order(public):
        raise InvalidInput("The public key is not a usable Ed25519 key.")


def split_key(text: str, kind: int = ED25519) -> tuple[str, str, bytes]:
    """Take a key's text form apart.

    Args:
        text: ``name+id+base64``.
        kind: the type that the key has to have.

    Returns:
        Name, key id in hexadecimal as written, and 32 bytes of key; the id is not verified yet.

    Raises:
        Malformed: it has another form, or is of another type.
    """
    # Base64 may hold plus signs itself: the name and the id end at the first two.
    if not isinstance(text, str):
        raise Malformed("A key is text.")
    pieces = text.split("+", 2)
    if len(pieces) != 3 or not is_key_name(pieces[0]):
        raise Malformed("A key is name, key id and base64, with plus signs between.")
    material = unb64_text(pieces[2])
    if len(material) != 33 or material[0] != kind:
        raise Malformed(f"Only Ed25519 keys of type {kind} can be used here.")
    return pieces[0], pieces[1], material[1:]


def _is_small_order(public: bytes) -> bool:
    # Under a key of order 8 or less, one signature fits many texts. These points have y = 0, 1 or -1, or
    # double to y = 0, which is d*y^4 + 2*y^2 = 1.
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    y = (int.from_bytes(public, "little") & ((1 << 255) - 1)) % p
    return y in (0, 1, p - 1) or (d * pow(y, 4, p) + 2 * y * y - 1) % p == 0
