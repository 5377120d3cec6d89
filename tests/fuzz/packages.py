"""Files of a package: manifest, lines of records, the key that signed, nodes of a proof, timestamps."""

import io
from collections.abc import Sequence
from typing import Any, Final
from warnings import catch_warnings, simplefilter

from cryptography.utils import CryptographyDeprecationWarning

from consentgate import canonical
from consentgate.crypto import timestamp
from consentgate.errors import Malformed, SignatureInvalid
from consentgate.verify.package import entry, lines, manifest, signing
from consentgate.verify.package.logs import Leaves
from tests.fuzz.target import Target, golden
from tests.package.forge import ENTRIES, READABLE, WITHHELD
from tests.package.tiny import tiny

_FILES: Final = tiny().files
_ANSWER, _PEM = golden("timestamp/answer.tsr", "timestamp/authority.pem")
_AUTHORITIES: Final = timestamp.read_authorities(_PEM)
_MANIFEST: Final = manifest.decode(_FILES["manifest.json"])


def _lines(path: str) -> list[bytes]:
    return _FILES[path].splitlines(keepends=True)


def _root(nodes: bytes) -> bytes:
    leaves = Leaves()
    for line in _lines(ENTRIES):
        read = entry.decode(line, _MANIFEST)
        if read.log == 0:
            leaves.take(read)
    return leaves.root(_MANIFEST.logs[0].size, io.BytesIO(nodes))


def _stamp(answer: bytes) -> timestamp.Stamp:
    with catch_warnings():
        # Of certificates that a later release of cryptography will refuse.
        simplefilter("ignore", CryptographyDeprecationWarning)
        return timestamp.verify_answer(timestamp.read_answer(answer), b"what was there", _AUTHORITIES)


def _key(value: Any) -> bytes:
    return canonical.encode({name: value.jwk()[name] for name in ("crv", "kty", "x")}) + b"\n"


PACKAGES: Final[Sequence[Target]] = (
    Target(
        name="verify.package.manifest.decode",
        decode=manifest.decode,
        samples=[_FILES["manifest.json"]],
        encode=lambda value: value.data,
        share=0.1,
    ),
    Target(
        name="verify.package.lines.object_of",
        decode=lines.object_of,
        samples=[*_lines(READABLE)[:4], *_lines(WITHHELD)],
        encode=lambda value: canonical.encode(value) + b"\n",
        share=0.2,
    ),
    Target(
        name="verify.package.entry.decode",
        decode=lambda data: entry.decode(data, _MANIFEST),
        samples=_lines(ENTRIES),
        share=0.2,
    ),
    Target(
        name="verify.package.signing.read_key",
        decode=signing.read_key,
        samples=[_FILES["package.jwk"]],
        encode=_key,
        share=0.2,
    ),
    Target(
        name="verify.package.logs.Leaves.root",
        decode=_root,
        samples=[_FILES["data/log/0/nodes.bin"]],
        share=0.02,
    ),
    Target(
        name="crypto.timestamp.read_answer",
        decode=_stamp,
        samples=[_ANSWER],
        errors=(Malformed, SignatureInvalid),
        share=0.2,
    ),
    Target(
        name="crypto.timestamp.read_authorities",
        decode=timestamp.read_authorities,
        samples=[_PEM],
        share=0.1,
    ),
)
