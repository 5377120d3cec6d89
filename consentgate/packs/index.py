"""The index of a set of packs: which file each code has, with the SHA-256 of its bytes.

An index that a deployment overlaid also names the overlay's file of a code, and the digest of the set that lies
under it, so that it and the files that it names are all that the set is made of.

Invariants: `encode` gives one spelling, so that the digest of a set does not depend on how its index is laid out;
no path leaves the set's folder; no file has two digests.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.packs.shape import Place
from consentgate.values import dataclass

FORMAT: Final = 1
INDEX: Final = "index.json"
NOTE: Final = "index.note"
"""The signed note beside an index."""

OVERLAY: Final = "overlay"
"""The folder of an index under which a deployment's own files stand."""

CODE: Final = re.compile(r"[A-Z]{2,3}(?:-[A-Z0-9]{1,8}){0,3}")
"""The form of codes; that of `consentgate.consent.terms`, which lies beside this layer."""

_VERSION: Final = re.compile(r"\d{4}\.\d{2}\.\d{2}(?:\.\d{1,4})?", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A file that an index names.

    Attributes:
        file: its path inside the set's folder, with slashes.
        sha256: SHA-256 of its bytes, in lower-case hex.
    """

    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an index says about one code.

    Attributes:
        pack: the pack's file.
        overlay: the file that tightens it, or None.
    """

    pack: Named
    overlay: Named | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index.

    Attributes:
        version: the set's version, for example ``2026.11.22``, or None.
        base: digest of the set that an overlay lies on, in lower-case hex, or None.
        packs: entries by code.
    """

    version: str | None = None
    base: str | None = None
    packs: Mapping[str, Entry]

    def files(self) -> Iterator[Named]:
        """Walk the files that it names.

        Yields:
            Each file, one after the other.
        """
        for entry in self.packs.values():
            yield entry.pack
            if entry.overlay is not None:
                yield entry.overlay


def encode(index: Index) -> bytes:
    """Write an index in its one spelling.

    Args:
        index: the index.

    Returns:
        Canonical JSON.
    """
    named: dict[str, Json] = {code: _entry_members(entry) for code, entry in index.packs.items()}
    members: dict[str, Json] = {"format": FORMAT, "packs": named}
    members |= {"version": index.version} if index.version is not None else {}
    members |= {"base": index.base} if index.base is not None else {}
    return canonical.encode(members)


def decode(data: bytes) -> Index:
    """Read an index in any layout.

    Args:
        data: its bytes.

    Returns:
        The index.

    Raises:
        PackInvalid: it cannot be used.
    """
    place = Place(file=INDEX)
    try:
        whole = canonical.decode(data)
    except Malformed as error:
        raise place.refuse(f"correct the JSON ({error})") from error
    if not isinstance(whole, dict) or not {"format", "packs"} <= whole.keys() <= {*_MEMBERS}:
        raise place.refuse(f'write {{"format": {FORMAT}, "version": "2026.11.22", "packs": {{...}}}}')
    if whole["format"] != FORMAT or isinstance(whole["format"], bool):
        raise place.at("format").refuse(f"write {FORMAT}; this program reads no other")
    packs = whole["packs"]
    if not isinstance(packs, dict) or not packs:
        raise place.at("packs").refuse("write a table of codes")
    if not all(code.isascii() and code.isprintable() for code in packs):
        raise place.at("packs").refuse("write codes in ASCII")
    index = Index(
        version=_text(whole, "version", _VERSION, 'a version such as "2026.11.22"'),
        base=_text(whole, "base", _SHA256, "the digest of a set in hex"),
        packs={code: _entry(named, place.at("packs").at(code)) for code, named in packs.items()},
    )
    if len({named.file for named in index.files()}) != sum(1 for _ in index.files()):
        raise place.at("packs").refuse("name each file only once")
    return index


_MEMBERS: Final = ("format", "version", "base", "packs")


def _text(whole: Mapping[str, Json], name: str, form: re.Pattern[str], what: str) -> str | None:
    if name not in whole:
        return None
    value = whole[name]
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise Place(file=INDEX).at(name).refuse(f"write {what}")
    return value


def _entry_members(entry: Entry) -> Json:
    members: dict[str, Json] = {"file": entry.pack.file, "sha256": entry.pack.sha256}
    if entry.overlay is not None:
        members["overlay"] = {"file": entry.overlay.file, "sha256": entry.overlay.sha256}
    return members


def _entry(named: Json, place: Place) -> Entry:
    if not isinstance(named, dict):
        raise place.refuse("write file and sha256")
    pack = _named({name: value for name, value in named.items() if name != "overlay"}, place)
    overlay = _named(named["overlay"], place.at("overlay")) if "overlay" in named else None
    return Entry(pack=pack, overlay=overlay)


def _named(named: Json, place: Place) -> Named:
    if not isinstance(named, dict) or named.keys() != {"file", "sha256"}:
        raise place.refuse("write file and sha256")
    file, digest = named["file"], named["sha256"]
    if not isinstance(file, str) or not isinstance(digest, str) or _SHA256.fullmatch(digest) is None:
        raise place.refuse("write the file's name, and its SHA-256 in hex")
    parts = file.split("/")
    if not all(parts) or {".", ".."} & set(parts) or not file.isprintable() or "\\" in file or ":" in file:
        raise place.at("file").refuse("write a path inside the set's folder")
    return Named(file=file, sha256=digest)
