"""What every file of a package is made through: the folder, what is told about the export, and who takes its records.

One stream of records runs through every `Sink`, in the order of their Bates numbers. A sink keeps no records: what it
cannot write at once, it keeps in a file of its own in `Folder.scratch`.

Invariants: nothing but a `Folder` writes files of a package; what a sink writes follows from the scope, the records
and the totals, and from nothing else: no clock, no randomness, no order of a set.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias
from uuid import UUID

from consentgate.crypto.timestamp import Stamp
from consentgate.export.record import Record
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log that the package proves against.

    Attributes:
        number: its number.
        origin: its origin.
        size: size of the tree that the checkpoint covers.
        root: its root, 32 bytes.
        note: the signed checkpoint with its cosignatures, exactly.
        vkey: the log's public key.
        positions: how many exported entries are in this log.
        stamped: who gave the checkpoint a timestamp, and when; None where nobody did.
    """

    number: int
    origin: str
    size: int
    root: bytes
    note: str = field(repr=False)
    vkey: str
    positions: int
    stamped: Stamp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Bytes that entries name by their digest.

    Attributes:
        digest: SHA-256 of the content.
        kind: ``notice``, ``manifest``, ``registry``, ``pack``, ...
        media_type: of the content.
        content: the exact bytes.
    """

    digest: bytes
    kind: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is told about an export before its first record.

    Attributes:
        export: id of the export's entry.
        matter: what the export is for, as the caller wrote it.
        slug: the same as it stands in names of files.
        at: when the export was made; "now" for everything in the package.
        purpose: why.
        recipient: for whom.
        requested_by: who asked, or None.
        role: whose eyes it is for: what is withheld follows from it.
        selection: what was asked for, as pairs of words to be shown: a reference is shown as its kind only, unless
            the role may see it.
        time_zone: IANA name of the zone whose local times stand beside UTC.
        prefix: of the Bates numbers.
        digits: how many digits a Bates number has at least.
        first: number of the first record.
        last: number of the last record; one less than `first` where there is none.
        controller: the controller's id, as statements name it.
        controller_name: its name for people, or the id.
        packs: digests of the pack sets in the package, b64; the newest last.
        logs: the logs, by number.
        fingerprint: RFC 7638 thumbprint of the package key.
        version: the version of consentgate.
        tenant: whose ledger.
        options: further words for those who write files, as the export's entry has them.
        artifact: gives an artifact of the ledger by its digest, or None.
    """

    export: UUID
    matter: str
    slug: str
    at: datetime
    purpose: str
    recipient: str
    requested_by: str | None = None
    role: str
    selection: tuple[tuple[str, str], ...]
    time_zone: str
    prefix: str
    digits: int
    first: int
    last: int
    controller: str
    controller_name: str
    packs: tuple[str, ...] = ()
    logs: tuple[Log, ...]
    fingerprint: str
    version: str
    tenant: str
    options: Mapping[str, str] = field(default_factory=dict)
    artifact: Callable[[bytes], Artifact | None] = field(repr=False, compare=False)

    def bates(self, number: int) -> str:
        """Write a Bates number.

        Args:
            number: the number.

        Returns:
            The prefix and the number, filled up with zeros.
        """
        return f"{self.prefix}{number:0{self.digits}d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What there was, once the last record is taken.

    Attributes:
        selected: entries that were selected and that a checkpoint covers: `exported` and `withheld_entries` together.
        exported: entries in the package.
        withheld_entries: entries that are not in it at all.
        parts: sealed parts of the exported entries: open and withheld together.
        parts_open: those whose key is disclosed.
        parts_withheld: those whose key is not, redacted ones too.
        not_covered: entries that were selected and that no checkpoint covered at the time.
        by_reason: withheld parts by reason.
        by_kind: exported entries by kind.
    """

    selected: int
    exported: int
    withheld_entries: int = 0
    parts: int
    parts_open: int
    parts_withheld: int
    not_covered: int = 0
    by_reason: Mapping[str, int] = field(default_factory=dict)
    by_kind: Mapping[str, int] = field(default_factory=dict)


class Folder(Protocol):
    """Where a package is written: every file is hashed on its way, and listed in the manifest."""

    @property
    def scratch(self) -> Path:
        """A folder beside the package, for files that are not part of it; removed at the end."""
        ...

    def open(
        self, path: str, *, role: str, media_type: str | None = None, kind: str | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """Open a new file of the package for writing.

        Args:
            path: where, in lower-case ASCII with ``/``, for example ``data/tables/entries.csv``.
            role: what it is for, a word of docs/formats/package.md.
            media_type: of its content, or None.
            kind: of an artifact, or None.

        Returns:
            A writer; listed once it is closed without an error. It can only write.
        """
        ...

    def put(
        self, path: str, data: bytes, *, role: str, media_type: str | None = None, kind: str | None = None
    ) -> None:
        """Write a whole file of the package.

        Args:
            path: as in `open`.
            data: its content.
            role: as in `open`.
            media_type: as in `open`.
            kind: as in `open`.
        """
        ...

    def read(self, path: str) -> BinaryIO:
        """Open a finished file of the package for reading.

        Args:
            path: where it is.

        Returns:
            A reader.
        """
        ...

    def has(self, path: str) -> bool:
        """Tell whether a file of the package is finished.

        Args:
            path: where it would be.

        Returns:
            Whether it is.
        """
        ...


class Sink(Protocol):
    """Takes every record once, in order, and writes its own files of the package."""

    def take(self, record: Record) -> None:
        """Take the next record.

        Args:
            record: the record; not to be kept.
        """
        ...

    def finish(self, totals: Totals) -> None:
        """Write what is left to write, after the last record.

        Args:
            totals: what there was.
        """
        ...


MakeSink: TypeAlias = Callable[[Folder, Scope], Sink]
"""How a sink is made: at the start of an export, before the first record."""
