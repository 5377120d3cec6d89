"""Notices: the exact bytes that were shown or played, and the manifest that says what they are.

Both are artifacts, found by digest; a notice's name (id, version, language) is given once and for ever.
"""

from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from consentgate.consent.notice import Manifest
from consentgate.consent.notice import decode as decode_manifest
from consentgate.consent.notice import encode as encode_manifest
from consentgate.consent.statement import NoticeRef
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger.book import Book
from consentgate.storage import artifacts
from consentgate.storage.artifacts import ArtifactRow, NoticeRow

_KEPT: Final = 1000


def add(book: Book, connection: Connection, manifest: Manifest, content: bytes) -> bytes:
    """Add a notice.

    Args:
        book: the ledger.
        connection: an open write transaction.
        manifest: what the notice is.
        content: its exact bytes.

    Returns:
        SHA-256 of the manifest. Adding the same notice again changes nothing.

    Raises:
        InvalidInput: the digest does not fit the bytes, or the name stands for another notice.
    """
    digest = sha256(content).digest()
    if manifest.digest != digest:
        raise InvalidInput("The manifest's digest is not that of the notice's bytes.")
    encoded = encode_manifest(manifest)
    name = sha256(encoded).digest()
    standing = artifacts.notice_of(
        connection, book.tenant, notice_id=manifest.id, version=manifest.version, language=manifest.language
    )
    if standing is not None:
        if standing.manifest != name:
            raise InvalidInput(
                "Another notice has this id, version and language. Give the new text a new version."
            )
        return name
    text = ArtifactRow(digest=digest, kind="notice", media_type=manifest.media_type, content=content)
    artifacts.put_artifact(connection, book.tenant, text)
    said = ArtifactRow(digest=name, kind="notice-manifest", media_type="application/json", content=encoded)
    artifacts.put_artifact(connection, book.tenant, said)
    row = NoticeRow(
        id=manifest.id, version=manifest.version, language=manifest.language, digest=digest, manifest=name
    )
    artifacts.insert_notice(connection, book.tenant, row)
    return name


def find(book: Book, connection: Connection, named: NoticeRef) -> bytes | None:
    """Find the notice that a statement names.

    Args:
        book: the ledger.
        connection: an open transaction.
        named: what the statement says.

    Returns:
        SHA-256 of its manifest, or None when no such notice, or one with other bytes, is in the ledger.
    """
    row = artifacts.notice_of(
        connection, book.tenant, notice_id=named.id, version=named.version, language=named.language
    )
    if row is None or row.digest != named.digest:
        return None
    if named.manifest is not None and named.manifest != row.manifest:
        return None
    return row.manifest


def manifest(book: Book, connection: Connection, digest: bytes) -> Manifest:
    """Read a manifest.

    Args:
        book: the ledger.
        connection: an open transaction.
        digest: SHA-256 of the manifest's bytes.

    Returns:
        The manifest.

    Raises:
        Malformed: it is not there, or its bytes are not those that the digest names.
    """
    kept = book.manifests.get(digest)
    if kept is not None:
        return kept
    row = artifacts.artifact_of(connection, book.tenant, digest)
    if row is None or sha256(row.content).digest() != digest:
        raise Malformed("A notice's manifest is missing or altered. Run `consentgate verify`.")
    found = decode_manifest(row.content)
    if len(book.manifests) >= _KEPT:
        book.manifests.clear()
    book.manifests[digest] = found
    return found


def any_for(book: Book, connection: Connection, operation: str) -> bool:
    """Tell whether a notice asks for consent to an operation.

    Args:
        book: the ledger.
        connection: an open transaction.
        operation: the policy engine's word.

    Returns:
        Whether there is one.

    Raises:
        Malformed: a manifest is not there, or altered.
    """
    rows = artifacts.notices(connection, book.tenant)
    return any(operation in manifest(book, connection, row.manifest).operations for row in rows)


def choose(book: Book, connection: Connection, named: str, language: str | None) -> Manifest:
    """Find a notice by what a person types.

    Args:
        book: the ledger.
        connection: an open transaction.
        named: ``id@version``, or ``id`` where it has one version.
        language: BCP 47 tag, or None where there is one language.

    Returns:
        Its manifest.

    Raises:
        InvalidInput: no notice, or more than one, goes by that name.
    """
    notice_id, _, version = named.partition("@")
    rows = [
        row
        for row in artifacts.notices(connection, book.tenant)
        if row.id == notice_id and version in {"", row.version} and language in {None, row.language}
    ]
    if len(rows) == 1:
        return manifest(book, connection, rows[0].manifest)
    if not rows:
        raise InvalidInput(
            f"No notice goes by {named!r}. `consentgate notice list` shows those that are there."
        )
    known = ", ".join(f"{row.id}@{row.version} ({row.language})" for row in rows)
    raise InvalidInput(f"Several notices go by {named!r}: {known}. Name version and language.")
