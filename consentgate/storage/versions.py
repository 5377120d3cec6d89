"""The version of everything that a decision reads, as one text: equal texts, nothing changed.

Rows are only ever added, but for erasure, which takes the same locks: so a count is a version. The text has three
parts: the subjects that some references reach, the number of links of each by kind, and the number of tenant-wide
entries of three kinds. It is the same text on both databases; PostgreSQL makes it in `consentgate_version`.

Example:
    >>> text((), {}, {"packs": 1})
    '||assertion=0,packs=1,registry=0'
"""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.storage.functions import VERSION_FUNCTION
from consentgate.storage.prepared import call
from consentgate.storage.standing import counted

CONTROLLER_KINDS: Final = ("assertion", "packs", "registry")
"""Kinds of which tenant-wide entries are counted, always all of them."""

_VERSION: Final = f"SELECT {VERSION_FUNCTION}(%s::text, %s::bigint[], %s::bytea[], %s::text[], %s::bytea[])"


def text(
    subjects: Collection[UUID], links: Mapping[tuple[UUID, str], int], controller: Mapping[str, int]
) -> str:
    """Write a version.

    Args:
        subjects: what the references reach.
        links: how many entries of a kind each of them is linked to; nothing is the same as 0.
        controller: number of tenant-wide entries by kind; missing ones are 0.

    Returns:
        The text.
    """
    reached = ",".join(sorted(subject.hex for subject in subjects))
    counted = sorted(f"{subject.hex}:{kind}={count}" for (subject, kind), count in links.items() if count)
    side = ",".join(f"{kind}={controller.get(kind, 0)}" for kind in CONTROLLER_KINDS)
    return f"{reached}|{','.join(counted)}|{side}"


def read(
    connection: Connection,
    tenant: str,
    *,
    epochs: Collection[int],
    hmacs: Collection[bytes],
    kinds: Collection[str],
    calls: Collection[bytes] = (),
) -> str:
    """Read a version.

    Args:
        connection: any; on PostgreSQL one statement.
        tenant: whose entries.
        epochs: the live key epochs.
        hmacs: keyed hashes of the references of everybody in question.
        kinds: kinds of entries whose links count.
        calls: keyed hashes of the call's name; of a call its own events count, not those of its people's others.

    Returns:
        The text.

    Raises:
        SchemaMismatch: a table or function is missing.
        Unavailable: the database is out of reach.
    """
    if connection.dialect.name != "sqlite":
        values = (tenant, sorted(epochs), sorted(hmacs), sorted(kinds), sorted(calls))
        return str(call(connection, _VERSION, values)[0][0])
    found = counted(
        connection,
        tenant,
        epochs=epochs,
        hmacs=hmacs,
        kinds=kinds,
        calls=calls,
        tenant_wide=CONTROLLER_KINDS,
    )
    return text(found.subjects, found.links, found.tenant_wide)
