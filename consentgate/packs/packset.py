"""A set of packs: an index of code, file and digest, and the packs behind it, read when they are needed.

The set's digest is the SHA-256 of its canonical index, which holds the SHA-256 of every file: whoever knows the
digest knows every rule. A decision for France does not read Texas.

Invariants: a file is used only if its bytes have the index's digest; the digest of a set does not depend on how
the index is laid out; `stack` never skips a parent or group that it cannot find; nothing is above itself.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import PurePath

from consentgate.packs import index as indexes
from consentgate.packs.index import CODE, INDEX, NOTE, OVERLAY, Named
from consentgate.packs.pack import Pack, Version
from consentgate.packs.shape import Place
from consentgate.packs.signers import SIGNERS
from consentgate.packs.toml import load
from consentgate.values import dataclass


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

    def __init__(
        self, index: bytes, read: Callable[[str], bytes], *, signed_by: tuple[str, ...] = ()
    ) -> None:
        """Open a set.

        Args:
            index: the index, in any layout.
            read: gives the bytes of a file that the index names.
            signed_by: names of the keys whose signatures under it were verified.

        Raises:
            PackInvalid: the index cannot be used.
        """
        self._index = indexes.decode(index)
        self._read = read
        self._packs: dict[str, Pack] = {}
        self._above: dict[str, tuple[Pack, ...]] = {}
        self.index = indexes.encode(self._index)
        self.digest = sha256(self.index).digest()
        self.signed_by = signed_by

    @property
    def version(self) -> str | None:
        """The version that the set's makers gave it, for example ``2026.11.22``, or None."""
        return self._index.version

    @property
    def overlaid(self) -> tuple[str, ...]:
        """The codes that a deployment tightened or added, sorted; empty for a set without overlay."""
        return tuple(sorted(code for code in self._index.packs if self._is_overlaid(code)))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the set, sorted."""
        return tuple(sorted(self._index.packs))

    def files(self) -> Mapping[str, bytes]:
        """Give the exact bytes of every file that the index names, so that the set can be kept as artifacts.

        Returns:
            The bytes by path, each checked against the index: `PackSet(s.index, s.files().__getitem__)` is the
            same set again.

        Raises:
            PackInvalid: a file has other bytes than the index says.
        """
        return {named.file: self._bytes(named) for named in self._index.files()}

    def read(self, file: str) -> bytes:
        """Give the bytes of a file as they lie there, checked by nobody.

        Args:
            file: a path of the index.

        Returns:
            Its bytes.

        Raises:
            OSError: it cannot be read.
            KeyError: it is not there.
        """
        return self._read(file)

    def pack(self, code: str) -> Pack:
        """Read a pack.

        Args:
            code: a code of the set.

        Returns:
            The pack, tightened where the index names an overlay for it.

        Raises:
            PackInvalid: the set has no such code, or the pack cannot be used.
        """
        known = self._packs.get(code)
        if known is None:
            entry = self._index.packs.get(code)
            if entry is None:
                cure = "no such pack; add it, or correct who names it as parent"
                raise Place(file=INDEX).at(code).refuse(cure)
            known = load(self._bytes(entry.pack), file=entry.pack.file, code=code)
            if entry.overlay is not None:
                known = self._tightened(known, entry.overlay)
            self._packs[code] = known
        return known

    def lookup(self, code: str) -> str | None:
        """Find the pack that answers for a code: its own, else that of what it is part of.

        Args:
            code: for example ``US-WY``.

        Returns:
            A code of the set, for example ``US``; None where there is none. What has not the form of a code
            is part of nothing: ``US-il`` may be meant for a stricter law than that of ``US``.
        """
        if code not in self._index.packs and CODE.fullmatch(code) is None:
            return None
        while code not in self._index.packs:
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
            PackInvalid: one of them cannot be used, or two are above each other.
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
            self._check_circles(found)
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

    def _check_circles(self, found: Mapping[str, Pack]) -> None:
        waiting = {code: {*pack.parents, *pack.groups} for code, pack in found.items()}
        while settled := {code for code, over in waiting.items() if over.isdisjoint(waiting)}:
            waiting = {code: over for code, over in waiting.items() if code not in settled}
        if waiting:
            code = min(waiting)
            place = Place(file=self._index.packs[code].pack.file).at("parents")
            raise place.refuse(f"{', '.join(sorted(waiting))} stand above each other; take one of them out")

    def _tightened(self, pack: Pack, overlay: Named) -> Pack:
        # Deployments without an overlay never pay for the import.
        from consentgate.packs.layer import tightened

        return tightened(pack, self._bytes(overlay), file=overlay.file)

    def _is_overlaid(self, code: str) -> bool:
        entry = self._index.packs[code]
        return entry.overlay is not None or entry.pack.file.startswith(f"{OVERLAY}/")

    def _bytes(self, named: Named) -> bytes:
        try:
            data = self._read(named.file)
        except (OSError, KeyError) as error:
            cure = "it is in the index and cannot be read; restore it"
            raise Place(file=named.file).refuse(cure) from error
        if sha256(data).hexdigest() != named.sha256:
            cure = "it is not the file that the index names; rebuild the index or restore it"
            raise Place(file=named.file).refuse(cure)
        return data


def shipped() -> PackSet:
    """Open the packs that this release ships, and verify who signed them.

    Returns:
        The set.

    Raises:
        PackInvalid: the installation is damaged, or nobody of the key list signed this set.
    """
    try:
        index, note = (_shipped(name) for name in (INDEX, NOTE))
    except OSError as error:
        file = PurePath(error.filename or INDEX).name
        raise Place(file=file).refuse("it is missing; install consentgate again") from error
    return signed(index, _shipped, note=note, keys=SIGNERS)


def signed(index: bytes, read: Callable[[str], bytes], *, note: bytes, keys: Sequence[str]) -> PackSet:
    """Open a set that somebody signed.

    Args:
        index: the index, in any layout.
        read: gives the bytes of a file that the index names.
        note: the signed note beside the index.
        keys: vkeys of those who may sign it.

    Returns:
        The set.

    Raises:
        PackInvalid: the index cannot be used, or none of them signed it.
    """
    from consentgate.packs import signature

    packs = PackSet(index, read)
    packs.signed_by = signature.verify(note, version=packs.version, digest=packs.digest, keys=keys)
    return packs


def kept(index: bytes, find: Callable[[bytes], bytes | None]) -> PackSet:
    """Open a set that was kept as artifacts, so that an old decision can be made again.

    Args:
        index: the bytes whose SHA-256 a decision names.
        find: gives the artifact of a SHA-256 digest, or None.

    Returns:
        The set, overlays included.

    Raises:
        PackInvalid: the index cannot be used; a file that is missing is found out when it is read.
    """
    digests = {named.file: bytes.fromhex(named.sha256) for named in indexes.decode(index).files()}

    def read(file: str) -> bytes:
        data = find(digests[file])
        if data is None:
            raise KeyError(file)
        return data

    return PackSet(index, read)


def _shipped(file: str) -> bytes:
    # Like importlib.resources, which takes longer to import than all packs of a decision take to read.
    data = pkgutil.get_data("consentgate.packs", f"data/{file}")
    if data is None:
        raise Place(file=file).refuse("this way to install packages hides files; unpack consentgate")
    return data
