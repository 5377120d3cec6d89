"""What a package says of itself, ``manifest.json``: its shape.

Invariants: the bytes are canonical, so one manifest has one spelling and one signature; members that verification
uses have exactly their types, all others are left alone; no path leads out of the package.

The format's page is docs/formats/package.md.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import BinaryIO, Final, TypeAlias

from consentgate import moment
from consentgate.canonical import Json, unb64
from consentgate.errors import Malformed
from consentgate.storage.scratch import DiskMap
from consentgate.tlog.merkle import HASH_BYTES
from consentgate.values import dataclass
from consentgate.verify.package.folder import key_of
from consentgate.verify.package.longlist import read_long

VERSION: Final = 1
LIMIT: Final = 256 << 20
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.jws"
KEY: Final = "package.jwk"
STAMP: Final = "manifest.json.tsr"
PAYLOAD_LIST: Final = "manifest-sha256.txt"
TAG_LIST: Final = "tagmanifest-sha256.txt"
SUMS: Final = "SHA256SUMS"

UNLISTED: Final = frozenset({MANIFEST, SIGNATURE, STAMP, PAYLOAD_LIST, TAG_LIST, SUMS})
"""Files that the manifest cannot list, because they follow from it."""

COUNTS: Final = (
    "selected",
    "exported",
    "withheld_entries",
    "parts",
    "parts_open",
    "parts_withheld",
    "not_covered",
)

_SEGMENT: Final = r"[A-Za-z0-9_][A-Za-z0-9._+-]*"
_PATH: Final = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_HEX: Final = re.compile(r"[0-9a-f]{64}")

_Object: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A file as the manifest lists it.

    Attributes:
        path: where it is.
        sha256: of its bytes, in hexadecimal.
        size: how many bytes.
        kind: of an artifact, or an empty text.
    """

    path: str
    sha256: str
    size: int
    kind: str = ""


class ListedFiles:
    """The files that a manifest lists, on disk: they are more than its records."""

    def __init__(self) -> None:
        """List nothing yet."""
        self._kept = DiskMap()
        self._last = ""

    def __contains__(self, path: str) -> bool:
        return key_of(path) in self._kept

    def __iter__(self) -> Iterator[ListedFile]:
        return self.below("")

    def below(self, prefix: str) -> Iterator[ListedFile]:
        """Give the files below a folder of the package.

        Args:
            prefix: the folder with its last slash.

        Yields:
            Each, sorted by path.
        """
        for path, value in self._kept.below(prefix.encode()):
            sha256, size, kind = value.decode().split(" ", 2)
            yield ListedFile(path=path.decode(), sha256=sha256, size=int(size), kind=kind)

    def take(self, value: Json) -> None:
        """List the next file.

        Args:
            value: what the manifest says of it.

        Raises:
            Malformed: it has another shape, or does not stand behind the one before it.
        """
        item = _object(value, "file")
        path, digest, size = _text(item, "path"), _text(item, "sha256"), _number(item, "size")
        kind = _text(item, "kind") if "kind" in item else ""
        if path in UNLISTED or path <= self._last or not _PATH.fullmatch(path) or not _HEX.fullmatch(digest):
            raise Malformed("Files stand in order, each once, by a path inside the package and its SHA-256.")
        self._last = path
        self._kept.put(path.encode(), f"{digest} {size} {kind}".encode())

    def close(self) -> None:
        """Forget them."""
        self._kept.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLog:
    """A log as the manifest lists it.

    Attributes:
        number: its number.
        origin: its origin.
        size: of the tree that the checkpoint covers.
        root: its root.
        vkey: its public key.
        positions: how many records are in it.
    """

    number: int
    origin: str
    size: int
    root: bytes
    vkey: str
    positions: int

    @property
    def folder(self) -> str:
        """Where its files are, with the last slash."""
        return f"data/log/{self.number}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that has the shape that it should.

    Attributes:
        export: id of the export.
        matter: what the package is for; an empty text where it does not say.
        at: when it was made.
        prefix: of Bates numbers.
        digits: how many digits a Bates number has at least.
        first: number of the first record.
        last: number of the last record.
        counts: by name, at least `COUNTS`.
        logs: by number.
        files: in order.
        digest: SHA-256 of the exact bytes.
    """

    export: str
    matter: str
    at: datetime
    prefix: str
    digits: int
    first: int
    last: int
    counts: Mapping[str, int]
    logs: Mapping[int, ListedLog]
    files: ListedFiles = field(repr=False)
    digest: bytes

    def bates(self, number: int) -> str:
        """Write a Bates number.

        Args:
            number: the number.

        Returns:
            Its one spelling.
        """
        return f"{self.prefix}{number:0{self.digits}d}"

    def number(self, bates: object) -> int | None:
        """Read a Bates number.

        Args:
            bates: what should be one.

        Returns:
            The number; None for anything but the one spelling of one.
        """
        if not isinstance(bates, str) or not bates.startswith(self.prefix):
            return None
        digits = bates[len(self.prefix) :]
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 100:
            return None
        number = int(digits)
        return number if self.bates(number) == bates else None


def decode(file: BinaryIO, listed: ListedFiles) -> Manifest:
    """Read a manifest.

    Args:
        file: the file.
        listed: takes the files that it lists.

    Returns:
        The manifest; whose it is, nobody has looked at.

    Raises:
        Malformed: it has another shape or spelling.
    """
    value, digest = read_long(file, "files", listed.take)
    it = _object(value, "manifest")
    if _number(it, "v") != VERSION:
        raise Malformed("The manifest is of another version than this program knows.")
    bates, counts = _object(it.get("bates"), "bates"), _object(it.get("counts"), "counts")
    digits = _number(bates, "digits")
    if digits > 30:
        raise Malformed("digits are at most 30.")
    _list(it.get("files"), "files")
    matter = it.get("matter")
    return Manifest(
        export=_text(it, "export"),
        matter=matter if isinstance(matter, str) else "",
        at=moment.from_text(_text(it, "at")),
        prefix=_text(bates, "prefix"),
        digits=digits,
        first=_number(bates, "first"),
        last=_number(bates, "last"),
        counts={name: _number(counts, name) for name in COUNTS},
        logs={each.number: each for each in _logs(it.get("logs"))},
        files=listed,
        digest=digest,
    )


def _logs(value: Json) -> Iterable[ListedLog]:
    last = -1
    for each in _list(value, "logs"):
        item = _object(each, "log")
        log = ListedLog(
            number=_number(item, "number"),
            origin=_text(item, "origin"),
            size=_number(item, "size"),
            root=unb64(_text(item, "root")),
            vkey=_text(item, "vkey"),
            positions=_number(item, "positions"),
        )
        if log.number <= last or len(log.root) != HASH_BYTES:
            raise Malformed("Logs stand in order, each once, with a root of 32 bytes.")
        last = log.number
        yield log


def _object(value: Json, what: str) -> _Object:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object.")
    return value


def _list(value: Json, what: str) -> Iterable[Json]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is no list.")
    return value


def _text(members: _Object, name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text.")
    return value


def _number(members: _Object, name: str) -> int:
    value = members.get(name)
    if type(value) is not int or value < 0:
        raise Malformed(f"{name} is no number from 0.")
    return value
