"""A set of packs: an index of code, file and digest, and the packs behind it, read when they are needed.

The set's digest is the SHA-256 of its canonical index, which holds the SHA-256 of every file: whoever knows the
digest knows every rule. A decision for France does not read Texas.

Invariants: a file is used only if its bytes have the index's digest; the digest of a set does not depend on how
the index is laid out; `stack` never skips a parent or group that it cannot find.
"""

from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256
from importlib import resources
from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.packs.pack import Pack, Version
from consentgate.packs.shape import Place
from consentgate.packs.toml import load
from consentgate.values import dataclass

FORMAT: Final = 1
INDEX: Final = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A pack and the version of it that is in force.

    Attributes:
        pack: the pack.
        version: the version.
    """

    pack: Pack
    version: Version


class PackSet:
    """A set of packs; packs are read from it lazily and kept."""

    def __init__(self, index: bytes, read: Callable[[str], bytes]) -> None:
        """Open a set.

        Args:
            index: the index, in any layout.
            read: gives the bytes of a file that the index names.

        Raises:
            PackInvalid: the index cannot be used.
        """
        self._files = _index(index)
        self._read = read
        self._packs: dict[str, Pack] = {}
        self._above: dict[str, tuple[Pack, ...]] = {}
        named: dict[str, Json] = {
            code: {"file": file, "sha256": digest} for code, (file, digest) in self._files.items()
        }
        self.index = canonical.encode({"format": FORMAT, "packs": named})
        self.digest = sha256(self.index).digest()

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the set, sorted."""
        return tuple(sorted(self._files))

    def files(self) -> Mapping[str, bytes]:
        """Give the exact bytes of every pack by code, so that the set can be kept as artifacts.

        Returns:
            The bytes, each checked against the index.

        Raises:
            PackInvalid: a file has other bytes than the index says.
        """
        return {code: self._bytes(code) for code in self.codes}

    def pack(self, code: str) -> Pack:
        """Read a pack.

        Args:
            code: a code of the set.

        Returns:
            The pack.

        Raises:
            PackInvalid: the set has no such code, or the pack cannot be used.
        """
        known = self._packs.get(code)
        if known is None:
            if code not in self._files:
                raise (
                    Place(file=INDEX)
                    .at(code)
                    .refuse("no such pack; add it, or correct who names it as parent")
                )
            known = self._packs[code] = load(self._bytes(code), file=self._files[code][0], code=code)
        return known

    def lookup(self, code: str) -> str | None:
        """Find the pack that answers for a code: its own, else that of what it is part of.

        Args:
            code: for example ``US-WY``.

        Returns:
            A code of the set, for example ``US``; None where there is none.
        """
        while code not in self._files:
            code, hyphen, _ = code.rpartition("-")
            if not hyphen:
                return None
        return code

    def above(self, code: str) -> tuple[Pack, ...]:
        """Give a pack and all its parents and groups, whether in force or not.

        Args:
            code: a code of the set.

        Returns:
            The pack first, then the others, each once.

        Raises:
            PackInvalid: one of them cannot be used.
        """
        known = self._above.get(code)
        if known is None:
            found: dict[str, Pack] = {}
            waiting = [code]
            while waiting:
                pack = self.pack(waiting.pop(0))
                if pack.code not in found:
                    found[pack.code] = pack
                    waiting += [*pack.parents, *pack.groups]
            known = self._above[code] = tuple(found.values())
        return known

    def stack(self, code: str, day: date) -> tuple[InForce, ...]:
        """Give the versions that apply to a jurisdiction on a day.

        Args:
            code: a code of the set, as `lookup` gives it.
            day: the UTC date of the decision.

        Returns:
            The pack's own version and those of its parents and groups, transitively; a pack without a version in
            force is left out.

        Raises:
            PackInvalid: one of them cannot be used.
        """
        return tuple(
            InForce(pack=pack, version=version)
            for pack in self.above(code)
            if (version := pack.in_force(day)) is not None
        )

    def _bytes(self, code: str) -> bytes:
        file, digest = self._files[code]
        try:
            data = self._read(file)
        except (OSError, KeyError) as error:
            raise Place(file=file).refuse("it is in the index and cannot be read; restore it") from error
        if sha256(data).hexdigest() != digest:
            raise Place(file=file).refuse(
                "it is not the file that the index names; rebuild the index or restore it"
            )
        return data


def shipped() -> PackSet:
    """Open the packs that this release ships.

    Returns:
        The set.

    Raises:
        PackInvalid: the installation is damaged.
    """
    root = resources.files("consentgate.packs") / "data"

    def read(file: str) -> bytes:
        return root.joinpath(*file.split("/")).read_bytes()

    try:
        index = read(INDEX)
    except OSError as error:
        raise Place(file=INDEX).refuse("it is missing; install consentgate again") from error
    return PackSet(index, read)


def _index(data: bytes) -> dict[str, tuple[str, str]]:
    place = Place(file=INDEX)
    try:
        whole = canonical.decode(data)
    except Malformed as error:
        raise place.refuse(f"correct the JSON ({error})") from error
    if not isinstance(whole, dict) or whole.keys() != {"format", "packs"} or whole["format"] != FORMAT:
        raise place.refuse(f'write {{"format": {FORMAT}, "packs": {{...}}}}')
    packs = whole["packs"]
    if not isinstance(packs, dict) or not packs:
        raise place.at("packs").refuse("write a table of codes")
    if not all(code.isascii() and code.isprintable() for code in packs):
        raise place.at("packs").refuse("write codes in ASCII")
    return {code: _named(named, place.at("packs").at(code)) for code, named in packs.items()}


def _named(named: Json, place: Place) -> tuple[str, str]:
    if not isinstance(named, dict) or named.keys() != {"file", "sha256"}:
        raise place.refuse("write file and sha256")
    file, digest = named["file"], named["sha256"]
    if not isinstance(file, str) or not isinstance(digest, str) or len(digest) != 64:
        raise place.refuse("write the file's name, and its SHA-256 in hex")
    parts = file.split("/")
    if not all(parts) or ".." in parts or "\\" in file:
        raise place.at("file").refuse("write a path inside the set's folder")
    return file, digest
