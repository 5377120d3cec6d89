"""One export from beginning to end; taken up where it was cut off, and made again byte for byte.

Invariants: nothing is handed over that is not on record; what was asked for, by whom and for whom is in the ledger
before the first file is written.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.errors import Malformed
from consentgate.export import bates, signing
from consentgate.export.asked import Asked
from consentgate.export.build import Workshop, build
from consentgate.export.choosing import choose
from consentgate.export.delivery import Seal, file_of
from consentgate.export.exported import Exported, Head
from consentgate.export.letter import letter_of, write_letter
from consentgate.export.pending import Outdated, make_folder, under_way
from consentgate.export.sink import Totals
from consentgate.storage import artifacts
from consentgate.storage.artifacts import ArtifactRow
from consentgate.values import dataclass
from consentgate.verify.package.longlist import read_long
from consentgate.version import VERSION

_STAMP: Final = "timestamp"
_STAMP_TYPE: Final = "application/timestamp-reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that was made.

    Attributes:
        folder: where it is; of an encrypted one, what unpacking its file there makes.
        file: the encrypted file; None where the package is in clear.
        letter: the cover letter beside it; None where the package was made again.
        export: id of the export's entry, as text.
        first: the first Bates number.
        last: the last one.
        fingerprint: of the key that signed it; the cover letter's.
        totals: what is in it, and what is not.
    """

    folder: Path
    file: Path | None
    letter: Path | None
    export: str
    first: str
    last: str
    fingerprint: str
    totals: Totals


def make(
    shop: Workshop,
    asked: Asked,
    out: Path,
    *,
    head: Callable[[Connection], Head],
    policy: str | None = None,
) -> Package:
    """Export, or go on with the same export that was cut off.

    Args:
        shop: what packages are made with.
        asked: what is asked for.
        out: the folder that packages are put into.
        head: gives the checkpoint to prove against.
        policy: the deployment's witness policy, or None.

    Returns:
        The package.

    Raises:
        ConsentGateError: it could not be made; `bates` says which numbers are gone.
    """
    with under_way(out, asked, shop.book.new_id(shop.book.now())) as entry:
        export = _on_record(shop, asked, entry, head, policy)
        if shop.seal is not None:
            return _encrypted(shop, shop.seal, export, out)
        folder, totals = _finished(shop, export, out) or _built(shop, export, out)
        return _package(folder, export, totals, write_letter(folder, export))


def make_again(shop: Workshop, entry: UUID, out: Path) -> Package:
    """Make the package of an export once more; nothing is put on record, since nothing is new.

    Args:
        shop: what packages are made with.
        entry: id of the export's entry.
        out: the folder that it is put into.

    Returns:
        The package, byte for byte as it was.

    Raises:
        InvalidInput: there is no such export, the folder has it already, keys were destroyed since, or another
            version made it.
    """
    with shop.database.read() as connection:
        export = bates.found(shop.book, connection, entry)
    make_folder(out)
    folder, totals = _built(shop, export, out)
    return _package(folder, export, totals, None, encrypted=shop.seal is not None)


def _on_record(
    shop: Workshop, asked: Asked, entry: UUID, head: Callable[[Connection], Head], policy: str | None
) -> Exported:
    book = shop.book
    with shop.database.read() as connection:
        if bates.is_on_record(book, connection, entry):
            return bates.found(book, connection, entry)
        chosen = choose(connection, book, asked.selection, head(connection), asked.privileged)
    # Before anything is on record: where the authority gives none, no number is gone.
    stamp = _stamped(shop, chosen.head)
    if stamp is not None:
        chosen = replace(chosen, head=replace(chosen.head, timestamp=stamp.digest))

    def made(first: int) -> Exported:
        return Exported(
            entry=entry,
            at=book.now(),
            asked=asked,
            chosen=chosen,
            first=first,
            fingerprint=shop.key.public.kid,
            engine=VERSION,
            controller=shop.controller,
            policy=policy,
        )

    def put(connection: Connection) -> Exported:
        export = bates.put_on_record(book, connection, asked.prefix, made)
        if stamp is not None and export.chosen.head.timestamp == stamp.digest:
            artifacts.put_artifact(connection, book.tenant, stamp)
        return export

    return shop.database.write(put)


def _stamped(shop: Workshop, head: Head) -> ArtifactRow | None:
    if shop.stamp is None:
        return None
    content = shop.stamp(head.note.encode())
    return ArtifactRow(digest=sha256(content).digest(), kind=_STAMP, media_type=_STAMP_TYPE, content=content)


def _finished(shop: Workshop, export: Exported, out: Path) -> tuple[Path, Totals] | None:
    """Take the package that was named before the process was cut off, if it is this export's."""
    folder = out / export.name
    try:
        with (folder / signing.MANIFEST).open("rb") as file:
            said, _ = read_long(file, "files", lambda _: None)
    except (OSError, Malformed):
        return None
    if not isinstance(said, dict) or said.get("export") != str(export.entry):
        return None
    shop.check(folder, {})
    return folder, signing.totals_of(said)


def _encrypted(shop: Workshop, seal: Seal, export: Exported, out: Path) -> Package:
    """Make it as a file. The letter comes first: it says whose the file is, should the process end right after it."""
    folder = out / export.name
    _, totals = _built(
        shop, export, out, before=lambda written: write_letter(written, export, folder, seal.names)
    )
    return _package(folder, export, totals, letter_of(folder), encrypted=True)


def _built(
    shop: Workshop, export: Exported, out: Path, before: Callable[[Path], object] = lambda _: None
) -> tuple[Path, Totals]:
    if export.engine != VERSION:
        raise Outdated(
            f"This export was made by consentgate {export.engine}, and this is {VERSION}: its bytes may differ."
            f" Install {export.engine}, or export anew."
        )
    if export.fingerprint != shop.key.public.kid:
        raise Outdated("This export was signed by another package key: restore package.key, or export anew.")
    return build(shop, export, out, before)


def _package(
    folder: Path, export: Exported, totals: Totals, letter: Path | None, *, encrypted: bool = False
) -> Package:
    return Package(
        folder=folder,
        file=file_of(folder) if encrypted else None,
        letter=letter,
        export=str(export.entry),
        first=export.bates(export.first),
        last=export.bates(export.last),
        fingerprint=export.fingerprint,
        totals=totals,
    )
