"""Files of a package: manifest, lines of records, the key that signed, nodes of a proof, timestamps."""

import io
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final
from warnings import catch_warnings, simplefilter

from cryptography.utils import CryptographyDeprecationWarning

from consentgate import canonical
from consentgate.crypto import jws, timestamp
from consentgate.errors import Malformed, SignatureInvalid
from consentgate.verify.package import entry, lines, longlist, manifest, signing
from consentgate.verify.package.logs import Leaves
from tests.fuzz.target import Target, golden
from tests.package.forge import ENTRIES, READABLE, WITHHELD
from tests.package.tiny import tiny

_FILES: Final = tiny().files
_ANSWER, _PEM = golden("timestamp/answer.tsr", "timestamp/authority.pem")
_AUTHORITIES: Final = timestamp.read_authorities(_PEM)


def _lines(path: str) -> list[bytes]:
    return _FILES[path].splitlines(keepends=True)


def _long(data: bytes) -> canonical.Json:
    items: list[canonical.Json] = []
    value, _ = longlist.read_long(io.BytesIO(data), "files", items.append)
    assert isinstance(value, dict)
    return {**value, "files": items} if value.get("files") == [] else value


def _manifest(data: bytes) -> manifest.Manifest:
    with closing(manifest.ListedFiles()) as listed:
        return manifest.decode(io.BytesIO(data), listed)


_MANIFEST: Final = _manifest(_FILES["manifest.json"])


def _leaves() -> Leaves:
    leaves = Leaves()
    for line in _lines(ENTRIES):
        read = entry.decode(line, _MANIFEST)
        if read.log == 0:
            leaves.take(read)
    return leaves


_LEAVES: Final = _leaves()


def _told(answer: bytes) -> timestamp.Stamp:
    with catch_warnings():
        # Of certificates that a later release of cryptography will refuse.
        simplefilter("ignore", CryptographyDeprecationWarning)
        return timestamp.told(answer)


def _stamp(answer: bytes) -> timestamp.Stamp:
    with catch_warnings():
        simplefilter("ignore", CryptographyDeprecationWarning)
        return timestamp.verify_answer(timestamp.read_answer(answer), b"what was there", _AUTHORITIES)


def _key(value: Any) -> bytes:
    return canonical.encode({name: value.jwk()[name] for name in ("crv", "kty", "x")}) + b"\n"


PACKAGES: Final[Sequence[Target]] = (
    Target(
        name="verify.package.manifest.decode",
        decode=_manifest,
        samples=[_FILES["manifest.json"]],
    ),
    Target(
        name="crypto.jws.parse_long",
        decode=lambda data: jws.parse_long(data, typ=signing.TYP),
        samples=[_FILES["manifest.jws"]],
        encode=lambda token: bytes(token.signing_input) + b"." + canonical.b64(token.signature).encode(),
    ),
    Target(
        name="verify.package.longlist.read_long",
        decode=_long,
        samples=[_FILES["manifest.json"]],
        encode=canonical.encode,
    ),
    Target(
        name="verify.package.lines.object_of",
        decode=lines.object_of,
        samples=[*_lines(READABLE)[:4], *_lines(WITHHELD)],
        encode=lambda value: canonical.encode(value) + b"\n",
    ),
    Target(
        name="verify.package.entry.decode",
        decode=lambda data: entry.decode(data, _MANIFEST),
        samples=_lines(ENTRIES),
    ),
    Target(
        name="verify.package.signing.read_key",
        decode=signing.read_key,
        samples=[_FILES["package.jwk"]],
        encode=_key,
    ),
    Target(
        name="verify.package.logs.Leaves.root",
        decode=lambda nodes: _LEAVES.root(_MANIFEST.logs[0].size, io.BytesIO(nodes)),
        samples=[_FILES["data/log/0/nodes.bin"]],
    ),
    Target(
        name="crypto.timestamp.read_answer",
        decode=_stamp,
        samples=[_ANSWER],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(
        name="crypto.timestamp.told",
        decode=_told,
        samples=[_ANSWER],
    ),
    Target(
        name="crypto.timestamp.read_authorities",
        decode=timestamp.read_authorities,
        samples=[_PEM],
    ),
)
