"""The packs that a deployment decides with: those of the release, under its own overlay where it has one.

Invariants: what is decided with was read whole and checked before the first decision; with signers named, no byte
of the overlay counts that they did not sign.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from consentgate import canonical
from consentgate.config.check import Check
from consentgate.config.settings import Settings
from consentgate.errors import Malformed, Misconfigured
from consentgate.packs.index import INDEX, NOTE
from consentgate.packs.overlay import overlaid
from consentgate.packs.packset import PackSet, shipped, signed
from consentgate.tlog.notekey import NoteKey

_LIMIT: Final = 1 << 20
_SUFFIXES: Final = (".toml", ".json", ".note")


def packs_of(settings: Settings) -> PackSet:
    """Open the packs of a deployment.

    Args:
        settings: what the deployment decides.

    Returns:
        The set.

    Raises:
        Misconfigured: the overlay's folder cannot be read, or a signer is no key.
        PackInvalid: a pack or an overlay cannot be used, or is not signed by who has to.
    """
    if settings.overlay is None:
        return shipped()
    files = _files(settings.overlay)
    if settings.pack_signers:
        files = _signed(settings.overlay, files, settings.pack_signers)
    return overlaid(shipped(), files)


def packs_check(settings: Settings) -> Check:
    """Look at the packs of a deployment.

    Args:
        settings: what the deployment decides.

    Returns:
        The set's digest and version, who signed it, and what the overlay is about.

    Raises:
        Misconfigured: as `packs_of`.
        PackInvalid: as `packs_of`.
    """
    packs = packs_of(settings)
    said = [
        f"version {packs.version}, {len(packs.codes)} packs, digest {canonical.b64(packs.digest)}",
        f"signed by {', '.join(packs.signed_by)}",
    ]
    if settings.overlay is None:
        said.append("no overlay")
    else:
        trust = "signed" if settings.pack_signers else "not signed"
        said.append(f"overlay {settings.overlay.name}, {trust}: {', '.join(packs.overlaid)}")
    return Check(name="packs", verdict="ok", found="; ".join(said))


def _files(folder: Path) -> dict[str, bytes]:
    try:
        if not folder.is_dir():
            raise Misconfigured(f"There is no folder {folder}. Make it, or correct [packs] overlay.")
        paths = sorted(path for path in folder.rglob("*") if _counts(path.relative_to(folder)))
        if odd := [path for path in paths if not path.is_file()]:
            # A link that leads nowhere would be a rule that is lost without a word.
            raise Misconfigured(f"{odd[0]} is no file. Restore it, or take it out of the overlay.")
        return {path.relative_to(folder).as_posix(): _read(path) for path in paths}
    except OSError as error:
        raise Misconfigured(f"{folder} cannot be read: {error.strerror}.") from error


def _counts(path: Path) -> bool:
    # A volume of Kubernetes keeps its files in a folder such as `..data`, and links to them from outside.
    return path.suffix.lower() in _SUFFIXES and not path.parts[0].startswith("..")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LIMIT + 1)
    if len(data) > _LIMIT:
        raise Misconfigured(f"{path} is larger than any pack. Take it out of the overlay.")
    return data


def _signed(folder: Path, files: Mapping[str, bytes], keys: tuple[str, ...]) -> dict[str, bytes]:
    for key in keys:
        try:
            NoteKey.from_vkey(key)
        except Malformed as error:
            raise Misconfigured(f"[packs] signers: {key[:80]!r} is no key. {error}") from error
    for name in (INDEX, NOTE):
        if name not in files:
            raise Misconfigured(
                f"{folder / name} is missing, and [packs] signers asks for it. Sign the folder, or take signers out."
            )
    # What the index does not name is as if it were not there: nobody signed it.
    return dict(signed(files[INDEX], files.__getitem__, note=files[NOTE], keys=keys).files())
