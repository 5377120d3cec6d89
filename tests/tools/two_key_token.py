"""Make a token that opens under two keys, for the golden file `tests/golden/two_key_token.json`.

AES-GCM's tag is a polynomial in the ciphertext's blocks, evaluated at a point that follows from the key. Two
keys give two linear equations for one tag; one block of ciphertext that may be anything solves them. The
header can name only one of the keys: a reader that compares ``kid`` refuses the other, a reader that does
not opens both.

Run ``python -m tests.tools.two_key_token`` to print the file.
"""

import hashlib
import json

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from consentgate.canonical import b64, encode_ascii
from consentgate.crypto.jwk import oct_thumbprint

# The field of GCM (NIST SP 800-38D): bits are numbered from the left, so that the polynomial's 1 is the top
# bit.
_ONE = 1 << 127
_REDUCE = 0xE1 << 120


def multiply(left: int, right: int) -> int:
    product = 0
    for bit in range(127, -1, -1):
        if right >> bit & 1:
            product ^= left
        left = left >> 1 ^ (_REDUCE if left & 1 else 0)
    return product


def power(base: int, exponent: int) -> int:
    result = _ONE
    while exponent:
        if exponent & 1:
            result = multiply(result, base)
        base = multiply(base, base)
        exponent >>= 1
    return result


def block(key: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def keystream(key: bytes, iv: bytes, blocks: int) -> bytes:
    return b"".join(block(key, iv + (2 + at).to_bytes(4, "big")) for at in range(blocks))


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def hashed(key: bytes, aad: bytes, ciphertext: bytes) -> int:
    """GHASH of aad and ciphertext (whole blocks) under the key, as a number."""
    point = int.from_bytes(block(key, bytes(16)), "big")
    padded = aad + bytes(-len(aad) % 16) + ciphertext
    lengths = (8 * len(aad)).to_bytes(8, "big") + (8 * len(ciphertext)).to_bytes(8, "big")
    value = 0
    for at in range(0, len(padded) + 16, 16):
        value = multiply(value ^ int.from_bytes((padded + lengths)[at : at + 16], "big"), point)
    return value


def make() -> dict[str, str]:
    first, second = (hashlib.sha256(b"two key token " + each).digest() for each in (b"one", b"two"))
    iv = hashlib.sha256(b"two key token iv").digest()[:12]
    header = b64(encode_ascii({"alg": "dir", "enc": "A256GCM", "kid": oct_thumbprint(first)}))
    # The first block reads as wanted under one key, the second under the other; the third is solved for.
    streams = [keystream(key, iv, 3) for key in (first, second)]
    ciphertext = xor(b'{"state":"no"  }', streams[0][:16]) + xor(b'{"state":"yes" }', streams[1][16:32])
    sums = [
        hashed(key, header.encode(), ciphertext + bytes(16))
        ^ int.from_bytes(block(key, iv + b"\0\0\0\x01"), "big")
        for key in (first, second)
    ]
    # The last ciphertext block is multiplied by the point twice: once for itself, once for the lengths.
    points = [int.from_bytes(block(key, bytes(16)), "big") for key in (first, second)]
    slope = power(points[0], 2) ^ power(points[1], 2)
    last = multiply(sums[0] ^ sums[1], power(slope, 2**128 - 2))
    ciphertext += last.to_bytes(16, "big")
    tag = (sums[0] ^ multiply(last, power(points[0], 2))).to_bytes(16, "big")
    return {
        "token": f"{header}..{b64(iv)}.{b64(ciphertext)}.{b64(tag)}",
        "key_named": b64(first),
        "key_not_named": b64(second),
        "opens_named": b64(xor(ciphertext, streams[0])),
        "opens_not_named": b64(xor(ciphertext, streams[1])),
    }


if __name__ == "__main__":
    print(json.dumps(make(), indent=1))
