"""Looking at a deployment: notices, issuers, assertions, and what a person said.

Invariants: nothing here writes; what is sealed is opened only by keys that this deployment holds, and what
does not open is said to be sealed, never guessed.
"""

from collections.abc import Sequence
from dataclasses import field
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.config import issuers as issuer_files
from consentgate.config.parts import Parts
from consentgate.consent.issuers import Registry
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.state import Received, State, fold
from consentgate.errors import InvalidInput, Malformed
from consentgate.gate.orders import StopOrder
from consentgate.gate.stopping import Stopping
from consentgate.ledger import controller, notices, statements
from consentgate.policy.assertions import Assertion
from consentgate.storage import artifacts, entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one person said.

    Attributes:
        received: the statements, in commit order.
        state: what stands of them, for the purpose that was asked about.
    """

    received: tuple[Received, ...] = field(repr=False)
    state: State


def all_notices(parts: Parts) -> tuple[tuple[str, Manifest], ...]:
    """List the notices.

    Args:
        parts: the deployment.

    Returns:
        The SHA-256 of each manifest as text, and the manifest; by id, version, language.

    Raises:
        Malformed: one is missing or altered.
    """
    with parts.database.read() as connection:
        return tuple(
            (canonical.b64(row.manifest), notices.manifest(parts.book, connection, row.manifest))
            for row in artifacts.notices(connection, parts.book.tenant)
        )


def notice_named(parts: Parts, name: str, language: str | None) -> tuple[Manifest, str, bytes]:
    """Find one notice.

    Args:
        parts: the deployment.
        name: ``id@version``, or ``id`` where it has one version.
        language: its language, where it has several.

    Returns:
        The manifest, the manifest's SHA-256 as text, and the exact bytes.

    Raises:
        InvalidInput: no notice, or more than one, goes by that name.
        Malformed: its bytes are missing.
    """
    with parts.database.read() as connection:
        manifest = notices.choose(parts.book, connection, name, language)
        row = artifacts.artifact_of(connection, parts.book.tenant, manifest.digest)
    if row is None:
        raise Malformed("The notice's bytes are missing. Run `consentgate verify`.")
    return manifest, canonical.b64(manifest.ref().manifest or b""), row.content


def registry(parts: Parts) -> Registry:
    """Read the issuers that are in force.

    Args:
        parts: the deployment.

    Returns:
        The registry.
    """
    with parts.database.read() as connection:
        return parts.reader.controller(connection).registry


def keys_here(parts: Parts) -> frozenset[str]:
    """Name the issuers' keys whose private half lies in the home folder.

    Args:
        parts: the deployment.

    Returns:
        Their thumbprints.
    """
    kids = [key.public.kid for issuer in registry(parts).issuers for key in issuer.keys]
    return frozenset(kid for kid in kids if issuer_files.key_path(parts.settings, kid).is_file())


def assertions(parts: Parts, about: Reference | None = None) -> tuple[Assertion, ...]:
    """List what was asserted.

    Args:
        parts: the deployment.
        about: a person; None for the controller's own assertions.

    Returns:
        The assertions, oldest first.
    """
    with parts.database.read() as connection:
        if about is None:
            return parts.reader.controller(connection).assertions
        return _asserted_about(parts, connection, about)


def said_by(parts: Parts, references: Sequence[Reference], purpose: str | None) -> Said:
    """Read what a person said.

    Args:
        parts: the deployment.
        references: how the person is known, the most certain first.
        purpose: the purpose to fold for; None takes every no as being about it.

    Returns:
        The statements and what stands of them.

    Raises:
        Malformed: a stored statement cannot be read.
    """
    known_as = tuple(references)
    with parts.database.read() as connection:
        found = set(parts.book.vault.find(connection, known_as).values())
        linked = subjects.entries_of(connection, parts.book.tenant, found, ["statement"])
        received = _received(parts, connection, linked)
    return Said(received=received, state=fold(received, references=known_as, purpose=purpose))


def said_in(parts: Parts, entry: UUID) -> Received:
    """Read one statement.

    Args:
        parts: the deployment.
        entry: id of its entry.

    Returns:
        The statement.

    Raises:
        InvalidInput: there is no such statement, or the key that it lies under is gone.
        Malformed: it cannot be read.
    """
    with parts.database.read() as connection:
        row = entries.by_id(connection, parts.book.tenant, entry)
        if row is None or row.kind != "statement":
            raise InvalidInput(
                "This entry is no statement; `consentgate entries list --kind statement` lists them."
            )
        received = _received(parts, connection, (_linked(parts, connection, row),))
    if not received:
        raise InvalidInput(
            "The key that this statement lies under was destroyed: it cannot be opened any more."
        )
    return received[0]


def orders_caused_by(parts: Parts, entry: UUID) -> tuple[StopOrder, ...]:
    """List the stop orders that a statement is the cause of, and what came of them.

    Args:
        parts: the deployment.
        entry: id of the statement's entry.

    Returns:
        Them, oldest first.
    """
    return Stopping(parts.gate).caused_by(entry)


def _linked(parts: Parts, connection: Connection, row: EntryRow) -> LinkedEntry:
    about = subjects.subjects_of(connection, parts.book.tenant, [row.id])[row.id]
    return LinkedEntry(row=row, subjects=about)


def _received(parts: Parts, connection: Connection, linked: Sequence[LinkedEntry]) -> tuple[Received, ...]:
    keys = parts.book.vault.data_keys(connection, [s for each in linked for s in each.subjects])
    standing = parts.reader.controller(connection).registry
    return statements.received(parts.book, connection, linked, keys, standing, timed=True)


def _asserted_about(parts: Parts, connection: Connection, about: Reference) -> tuple[Assertion, ...]:
    own = parts.book.vault.find(connection, [about]).get(about)
    if own is None:
        return ()
    keys = list(parts.book.vault.data_keys(connection, [own]).values())
    linked = subjects.entries_of(connection, parts.book.tenant, [own], ["assertion"])
    found = (controller.assertion_of(each.row, keys, own) for each in linked)
    return tuple(each for each in found if each is not None)
