"""Rows of `artifact` and `notice`: exact bytes by digest, and the names under which notices are found.

Invariant: what is stored under a digest never changes, and a notice's name never comes to mean other bytes.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from consentgate.storage.failures import translated
from consentgate.storage.prepared import OverLists, Prepared, first_of
from consentgate.storage.tables import artifact, notice
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRow:
    """Bytes that entries name by their digest.

    Attributes:
        digest: SHA-256 of the content.
        kind: what it is, for example ``notice`` or ``packs``.
        media_type: of the content.
        content: the exact bytes.
    """

    digest: bytes
    kind: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A notice by name.

    Attributes:
        id: the notice's id.
        version: its version.
        language: BCP 47 tag of its language.
        digest: of the text or audio that was shown, an artifact.
        manifest: digest of the manifest, an artifact.
    """

    id: str
    version: str
    language: str
    digest: bytes
    manifest: bytes


_INSERT_ARTIFACT: Final = Prepared(insert(artifact))
_NAMED: Final = (artifact.c.tenant == bindparam("tenant")) & (artifact.c.digest == bindparam("digest"))
_ARTIFACT: Final = Prepared(
    select(artifact.c.digest, artifact.c.kind, artifact.c.media_type, artifact.c.content).where(_NAMED)
)
_HAS_ARTIFACT: Final = Prepared(select(artifact.c.kind).where(_NAMED))
_THERE: Final = OverLists(
    lambda within: (
        select(artifact.c.digest)
        .where(artifact.c.tenant == bindparam("tenant"))
        .where(within(artifact.c.digest, "digests"))
    )
)
_INSERT_NOTICE: Final = Prepared(insert(notice))
_ALL_NOTICES: Final = (
    select(notice.c.id, notice.c.version, notice.c.language, notice.c.digest, notice.c.manifest)
    .where(notice.c.tenant == bindparam("tenant"))
    .order_by(notice.c.id, notice.c.version, notice.c.language)
)
_NOTICES: Final = Prepared(_ALL_NOTICES)
_NOTICE: Final = Prepared(
    _ALL_NOTICES.where(
        notice.c.id == bindparam("id"),
        notice.c.version == bindparam("version"),
        notice.c.language == bindparam("language"),
    )
)


def put_artifact(connection: Connection, tenant: str, row: ArtifactRow) -> bool:
    """Store an artifact, if it is not there.

    Args:
        connection: of `Database.write`.
        tenant: whose artifact.
        row: the artifact.

    Returns:
        Whether it was new. The same bytes under another kind are the artifact that is there.

    Raises:
        Duplicate: another process stored it in this moment (key ``pk_artifact``).
        Unavailable: the database refused.
    """
    name = {"tenant": tenant, "digest": row.digest}
    if _HAS_ARTIFACT.rows(connection, name):
        return False
    values = name | {"kind": row.kind, "media_type": row.media_type, "content": row.content}
    _INSERT_ARTIFACT.run(connection, values)
    return True


def put_artifacts(connection: Connection, tenant: str, rows: Iterable[ArtifactRow]) -> None:
    """Store artifacts that are not there, in two statements, however many there are.

    Args:
        connection: of `Database.write`.
        tenant: whose artifacts.
        rows: the artifacts.

    Raises:
        Duplicate: another process stored one in this moment (key ``pk_artifact``).
        Unavailable: the database refused.
    """
    wanted = {row.digest: row for row in rows}
    there = {bytes(digest) for (digest,) in _THERE.rows(connection, {"tenant": tenant}, digests=[*wanted])}
    new = [
        {"tenant": tenant, "digest": digest, "kind": r.kind, "media_type": r.media_type, "content": r.content}
        for digest, r in wanted.items()
        if digest not in there
    ]
    if new:
        with translated():
            connection.execute(insert(artifact), new)


def artifact_of(connection: Connection, tenant: str, digest: bytes) -> ArtifactRow | None:
    """Read an artifact.

    Args:
        connection: any.
        tenant: whose artifact.
        digest: SHA-256 of its content.

    Returns:
        The artifact, or None. The caller compares the digest of what it got.
    """
    found = first_of(_ARTIFACT.rows(connection, {"tenant": tenant, "digest": digest}))
    if found is None:
        return None
    return ArtifactRow(digest=found[0], kind=found[1], media_type=found[2], content=found[3])


def insert_notice(connection: Connection, tenant: str, row: NoticeRow) -> None:
    """Give a notice its name.

    Args:
        connection: of `Database.write`.
        tenant: whose notice.
        row: the name and the two digests.

    Raises:
        Duplicate: the name is taken (key ``pk_notice``).
        Unavailable: the database refused.
    """
    values = {
        "tenant": tenant,
        "id": row.id,
        "version": row.version,
        "language": row.language,
        "digest": row.digest,
        "manifest": row.manifest,
    }
    _INSERT_NOTICE.run(connection, values)


def notice_of(
    connection: Connection, tenant: str, *, notice_id: str, version: str, language: str
) -> NoticeRow | None:
    """Find a notice by name.

    Args:
        connection: any.
        tenant: whose notice.
        notice_id: its id.
        version: its version.
        language: its language.

    Returns:
        The notice, or None.
    """
    values = {"tenant": tenant, "id": notice_id, "version": version, "language": language}
    found = first_of(_NOTICE.rows(connection, values))
    return _notice_row(*found) if found else None


def notices(connection: Connection, tenant: str) -> tuple[NoticeRow, ...]:
    """List the notices.

    Args:
        connection: any.
        tenant: whose notices.

    Returns:
        All of them, by id, version and language.
    """
    return tuple(_notice_row(*row) for row in _NOTICES.rows(connection, {"tenant": tenant}))


def _notice_row(notice_id: str, version: str, language: str, digest: bytes, manifest: bytes) -> NoticeRow:
    return NoticeRow(id=notice_id, version=version, language=language, digest=digest, manifest=manifest)
