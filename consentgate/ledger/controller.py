"""What is known about the controller as a whole: issuers, rule packs, and assertions about its own operation.

Each is an entry about nobody; registries and pack sets lie beside it as artifacts and are named by digest.
The newest registry and the newest pack set are in force. Rows are only added, so their counts tell whether
anything changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.issuers import Registry
from consentgate.consent.issuers import decode as decode_registry
from consentgate.consent.issuers import encode as encode_registry
from consentgate.consent.keystates import require_stricter
from consentgate.consent.reference import Reference
from consentgate.errors import Malformed
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.ledger.vault import BODY
from consentgate.moment import from_text, to_text
from consentgate.policy.assertions import Assertion
from consentgate.storage import artifacts, entries
from consentgate.storage.artifacts import ArtifactRow
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

KINDS: Final = ("assertion", "packs", "registry")
_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An assertion as it is made.

    Attributes:
        name: a name of the closed list.
        value: of that name's shape.
        by: who states it.
        since: since when it holds.
    """

    name: str
    value: Json
    by: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """The controller's side of a decision.

    Attributes:
        registry: the issuers in force.
        registry_digest: SHA-256 of the registry, empty when there is none yet.
        packs: digests of the pack sets that are recorded, so that a decision may name them.
        assertions: what it asserted about its own operation, oldest first.
    """

    registry: Registry
    registry_digest: bytes
    packs: frozenset[bytes]
    assertions: tuple[Assertion, ...]


def read(book: Book, connection: Connection) -> Controller:
    """Read the controller's side.

    Args:
        book: the ledger.
        connection: an open transaction.

    Returns:
        What stands.

    Raises:
        Malformed: a stored entry cannot be read.
    """
    body = book.vault.find_key(connection, BODY)
    registry_digest = _registry_digest(book, connection, body)
    return Controller(
        registry=registry(book, connection, registry_digest),
        registry_digest=registry_digest,
        packs=_recorded_packs(book, connection, body),
        assertions=_assertions(book, connection, body),
    )


def registry(book: Book, connection: Connection, digest: bytes) -> Registry:
    """Read a registry by digest.

    Args:
        book: the ledger.
        connection: an open transaction.
        digest: SHA-256 of its bytes; empty for the registry that has no issuer yet.

    Returns:
        The registry.

    Raises:
        Malformed: it is missing or altered.
    """
    if not digest:
        return Registry(issuers=())
    row = artifacts.artifact_of(connection, book.tenant, digest)
    if row is None or sha256(row.content).digest() != digest:
        raise Malformed("The issuer registry is missing or altered. Run `consentgate verify`.")
    return decode_registry(row.content)


def put_registry(book: Book, connection: Connection, new: Registry) -> UUID:
    """Put a registry in force.

    Args:
        book: the ledger.
        connection: an open write transaction.
        new: the whole registry.

    Returns:
        Id of its entry.

    Raises:
        InvalidInput: a retired or compromised key would count again.
    """
    book.hold(connection, controller=True)
    require_stricter(in_force(book, connection), new)
    content = encode_registry(new)
    digest = sha256(content).digest()
    row = ArtifactRow(digest=digest, kind="registry", media_type="application/json", content=content)
    artifacts.put_artifact(connection, book.tenant, row)
    return book.write_body(connection, "registry", book.now(), {"registry": canonical.b64(digest)}).id


def in_force(book: Book, connection: Connection) -> Registry:
    """Read the registry that is in force.

    Args:
        book: the ledger.
        connection: an open transaction; of a write, after the controller's lock was taken.

    Returns:
        The issuers.

    Raises:
        Malformed: it is missing or altered.
    """
    body = book.vault.find_key(connection, BODY)
    return registry(book, connection, _registry_digest(book, connection, body))


def put_packs(
    book: Book, connection: Connection, digest: bytes, files: Mapping[str, bytes], index: bytes
) -> None:
    """Record the pack set that decisions use from now on.

    Args:
        book: the ledger.
        connection: an open write transaction.
        digest: the set's digest: SHA-256 of its index.
        files: each pack's exact bytes by code.
        index: the set's index.
    """
    book.hold(connection, controller=True)
    put = [ArtifactRow(digest=digest, kind="packs", media_type="application/json", content=index)]
    put += [
        ArtifactRow(
            digest=sha256(content).digest(), kind="pack", media_type="application/toml", content=content
        )
        for _, content in sorted(files.items())
    ]
    artifacts.put_artifacts(connection, book.tenant, put)
    book.write_body(connection, "packs", book.now(), {"packs": canonical.b64(digest)})


def put_assertion(book: Book, connection: Connection, said: Said, about: Reference | None) -> str:
    """Record an assertion.

    Args:
        book: the ledger.
        connection: an open write transaction.
        said: what is asserted, by whom, since when.
        about: the person that it is about, or None.

    Returns:
        Id of its entry as text.

    Raises:
        InvalidInput: the name is not in the closed list, or its value has another shape.
    """
    book.hold(connection, [about] if about else [], controller=about is None)
    at = book.now()
    subject = book.vault.ensure(connection, about) if about is not None else None
    whom = str(subject.id) if subject else None
    assertion = Assertion(name=said.name, value=said.value, by=said.by, since=said.since, about=whom)
    members: dict[str, Json] = {
        "name": assertion.name,
        "value": assertion.value,
        "by": assertion.by,
        "since": to_text(assertion.since),
    }
    if subject is None:
        return str(book.write_body(connection, "assertion", at, members).id)
    part = Content(name="assertion.0", data_key=subject.data_key, members=members)
    return str(book.write(connection, "assertion", at, [part], [subject.id]).id)


def assertion_of(row: EntryRow, keys: Sequence[bytes], about: UUID | None = None) -> Assertion | None:
    """Open an assertion's entry.

    Args:
        row: the entry.
        keys: data keys that may open it.
        about: id of the subject that it is about, or None.

    Returns:
        The assertion, or None when its key was destroyed or is not among them.

    Raises:
        Malformed: it cannot be read.
    """
    for content in open_parts(row, keys).values():
        name, by, since = (content.get(k) for k in ("name", "by", "since"))
        if not (isinstance(name, str) and isinstance(by, str) and isinstance(since, str)):
            raise Malformed("A stored assertion cannot be read.")
        return Assertion(
            name=name,
            value=content.get("value"),
            by=by,
            since=from_text(since),
            about=str(about) if about else None,
            entry=str(row.id),
        )
    return None


def _assertions(book: Book, connection: Connection, body: bytes | None) -> tuple[Assertion, ...]:
    rows = _all(book, connection, "assertion")
    found = (assertion_of(row, [body]) for row in rows if body is not None)
    return tuple(assertion for assertion in found if assertion is not None)


def _recorded_packs(book: Book, connection: Connection, body: bytes | None) -> frozenset[bytes]:
    return frozenset(_digest(row, "packs", body) for row in _all(book, connection, "packs"))


def _registry_digest(book: Book, connection: Connection, body: bytes | None) -> bytes:
    row = entries.latest(connection, book.tenant, "registry")
    return _digest(row, "registry", body) if row else b""


def _digest(row: EntryRow, member: str, body: bytes | None) -> bytes:
    content = open_parts(row, [body] if body else []).get("body.0")
    digest = content.get(member) if content else None
    if not isinstance(digest, str):
        raise Malformed("A registry or pack set of the ledger cannot be read. Run `consentgate verify`.")
    return canonical.unb64(digest)


def _all(book: Book, connection: Connection, kind: str) -> Iterator[EntryRow]:
    after = 0
    while page := entries.tenant_wide(connection, book.tenant, kind, after=after, limit=_PAGE):
        after = page[-1].ordinal
        yield from page
