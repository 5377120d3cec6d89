"""Files of a package: the manifest, the lines of records, the key that signed, the nodes of a proof."""

import io
from collections.abc import Sequence
from typing import Any, Final

from consentgate import canonical
from consentgate.verify.package import entry, lines, manifest, signing
from consentgate.verify.package.logs import Leaves
from tests.fuzz.target import Target
from tests.package.forge import ENTRIES, READABLE, WITHHELD
from tests.package.tiny import tiny

_FILES: Final = tiny().files
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
)
