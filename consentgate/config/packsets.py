"""Which pack set is meant: the deployment's own, the one of this release, a folder's, or one that the ledger keeps.

Invariants: nothing here writes; a set is always taken whole, by an index whose files are checked when they are
read; looking at packs needs neither a database nor keys unless a digest is named.
"""

from pathlib import Path
from typing import Final

from consentgate import canonical
from consentgate.config.overlays import packs_of
from consentgate.config.parts import Parts
from consentgate.config.settings import FILE, home_of, load_settings
from consentgate.errors import InvalidInput, Malformed
from consentgate.packs import index as indexes
from consentgate.packs.index import INDEX
from consentgate.packs.packset import PackSet, kept, shipped
from consentgate.storage.artifacts import artifact_of

SHIPPED: Final = "shipped"
_HEX: Final = 64


def in_use(home: str | Path | None) -> PackSet:
    """Open the packs that decisions use.

    Args:
        home: the home folder as given, or None.

    Returns:
        The deployment's packs; those of this release where no home was named and there is none.

    Raises:
        Misconfigured: the settings cannot be used.
        PackInvalid: a set cannot be used.
    """
    folder = home_of(home)
    if home is None and not (folder / FILE).exists():
        return shipped()
    return packs_of(load_settings(folder))


def of_release() -> PackSet:
    """Open the packs of this release.

    Returns:
        The set.

    Raises:
        PackInvalid: the installation is damaged.
    """
    return shipped()


def of_folder(folder: Path) -> PackSet:
    """Open the packs of a folder that holds an index.

    Args:
        folder: the folder.

    Returns:
        The set; its signature, if there is one, is not asked for.

    Raises:
        InvalidInput: there is no index to be read.
        PackInvalid: the index cannot be used.
    """
    root = folder.absolute()
    try:
        index = (root / INDEX).read_bytes()
    except OSError as error:
        raise InvalidInput(f"{folder / INDEX} cannot be read: {error.strerror}.") from error

    def read(file: str) -> bytes:
        return root.joinpath(*file.split("/")).read_bytes()

    return PackSet(index, read)


def of_ledger(parts: Parts, digest: bytes) -> PackSet:
    """Open the packs that the ledger keeps under a digest.

    Args:
        parts: the deployment.
        digest: the set's digest, as decisions name it.

    Returns:
        The set, overlays included.

    Raises:
        InvalidInput: the ledger keeps no such set.
        Malformed: the index is not the one that was kept.
        PackInvalid: what it keeps cannot be used.
    """  # All files at once: who compares or replays with a set does so when the database is closed again.
    with parts.database.read() as connection:
        row = artifact_of(connection, parts.book.tenant, digest)
        if row is None or row.kind != "packs":
            raise InvalidInput(f"The ledger keeps no pack set {canonical.b64(digest)}.")
        named = (bytes.fromhex(each.sha256) for each in indexes.decode(row.content).files())
        rows = {each: artifact_of(connection, parts.book.tenant, each) for each in named}
    contents = {each: found.content for each, found in rows.items() if found is not None}
    packs = kept(row.content, contents.get)
    if packs.digest != digest:
        raise Malformed("The index of a pack set is not the one of its digest. Run `consentgate verify`.")
    return packs


def digest_named(text: str) -> bytes | None:
    """Read the digest of a set.

    Args:
        text: what was typed: unpadded base64url as decisions have it, or hexadecimal.

    Returns:
        The digest; None where the text is none.
    """
    try:
        found = bytes.fromhex(text) if len(text) == _HEX else canonical.unb64(text)
    except (ValueError, Malformed):
        return None
    return found if len(found) == _HEX // 2 else None
