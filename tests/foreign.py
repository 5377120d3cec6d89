"""A log of somebody else, made from the text of C2SP's specifications with hashlib and cryptography alone.

Nothing here is ours: tlog-tiles says where hashes and entries lie, tlog-checkpoint and signed-note what is signed,
tlog-cosignature what a witness adds. Whatever these allow and ours does not use can be had: an origin that is no key
name, extension lines, signatures of types that nobody knows.
"""

import base64
import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519, COSIGNATURE, STH, ML_DSA = 0x01, 0x04, 0x05, 0x06


@dataclass(frozen=True)
class Key:
    """An Ed25519 key of a name and a type."""

    name: str
    seed: bytes
    type: int = ED25519

    @cached_property
    def _secret(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def _typed(self) -> bytes:
        return bytes([self.type]) + self._secret.public_key().public_bytes_raw()

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self._typed).decode()}"

    def line(self, body: str) -> str:
        """Sign as a log does."""
        return _line(self.name, self.id + self._secret.sign(body.encode()))

    def cosigned(self, body: str, seconds: int) -> str:
        """Sign as a witness does."""
        signed = self._secret.sign(f"cosignature/v1\ntime {seconds}\n{body}".encode())
        return _line(self.name, self.id + struct.pack(">Q", seconds) + signed)


def _line(name: str, blob: bytes) -> str:
    return f"\N{EM DASH} {name} {base64.b64encode(blob).decode()}\n"


def unknown(name: str, key_type: int, length: int) -> str:
    """A signature line of a type that nobody here reads."""
    key_id = hashlib.sha256(name.encode() + b"\n" + bytes([key_type]) + name.encode()).digest()[:4]
    return _line(name, key_id + hashlib.shake_128(name.encode()).digest(length))


@dataclass(frozen=True)
class Log:
    """A log.

    Attributes:
        key: signs its checkpoints.
        origin: its name.
        entry: gives the bytes of the entry at a position.
    """

    key: Key
    origin: str
    entry: Callable[[int], bytes] = lambda at: f"foreign {at}".encode() * (at % 3)

    def leaves(self, size: int) -> list[bytes]:
        return [hashlib.sha256(b"\x00" + self.entry(at)).digest() for at in range(size)]

    def checkpoint(
        self, size: int, *, extensions: Sequence[str] = (), more: Callable[[str], str] = lambda _: ""
    ) -> bytes:
        """Sign a checkpoint; `more` gives further signature lines, which go before the log's own."""
        root = base64.b64encode(tree_hash(self.leaves(size))).decode()
        body = "".join(f"{line}\n" for line in (self.origin, str(size), root, *extensions))
        return f"{body}\n{more(body)}{self.key.line(body)}".encode()

    def files(self, size: int, *, entries: bool = True) -> dict[str, bytes]:
        """Every file of the log at a size."""
        files, row, level = dict[str, bytes](), self.leaves(size), 0
        while row:
            for index in range(0, len(row), 256):
                files[_path(str(level), index // 256, len(row[index : index + 256]))] = b"".join(
                    row[index : index + 256]
                )
            full = len(row) // 256
            row = [tree_hash(row[256 * index : 256 * index + 256]) for index in range(full)]
            level += 1
        for index in range(0, size, 256) if entries else ():
            those = [self.entry(at) for at in range(index, min(size, index + 256))]
            files[_path("entries", index // 256, len(those))] = bundle(those)
        return {**files, "checkpoint": self.checkpoint(size)}


def bundle(entries: Sequence[bytes]) -> bytes:
    """Put entries behind their lengths."""
    return b"".join(struct.pack(">H", len(each)) + each for each in entries)


def _path(level: str, index: int, width: int) -> str:
    name = f"{index:03}"
    if index > 999:
        name = f"x{index // 1000:03}/{index % 1000:03}"
    return f"tile/{level}/{name}" + (f".p/{width}" if width < 256 else "")


def tree_hash(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 6962, section 2.1, over leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_hash(hashes[:split]) + tree_hash(hashes[split:])).digest()
