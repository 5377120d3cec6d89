"""References to subjects, subjects to data keys: who an entry is about, and the key that its parts lie under.

A subject is a random id. Persons, calls and the tenant's own keys are found the same way, by the keyed hash
of a reference; calls and keys under reserved kinds that no caller can write. The rows that this module makes
are the only ones that link an entry to a person, and all of them can be destroyed.

What a vendor started needs no row of its own: its subject *is* the keyed hash of its id, cut to the length of one,
so that an outcome is found by it for one more link in the statement that writes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.crypto.derive import lock_number, reference_hmac
from consentgate.entries.leaf import SealedPart
from consentgate.entries.parts import seal_part
from consentgate.errors import Unavailable
from consentgate.keys.custody import Custody
from consentgate.moment import Random
from consentgate.storage import subjects
from consentgate.storage.subjects import DataKeyRow, ReferenceRow
from consentgate.values import dataclass

CALL: Final = ":call"
KEY: Final = ":key"
TASK: Final = ":task"
BODY: Final = "body"

_CONTROLLER: Final = ":controller"
_BATES: Final = ":bates"

_ID_BYTES: Final = 16
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A subject with its data key in hand.

    Attributes:
        id: 16 random bytes.
        data_key: 32 bytes.
    """

    id: UUID
    data_key: bytes = field(repr=False)


class Vault:
    """Finds and makes subjects, and seals parts for them."""

    def __init__(self, custody: Custody, tenant: str, random: Random) -> None:
        self._custody = custody
        self._tenant = tenant
        self._random = random

    def hashes(self, kind: str, value: str) -> tuple[bytes, ...]:
        """Give the keyed hashes of a reference, one per live epoch of the reference key, the newest first.

        Args:
            kind: the reference's kind.
            value: its value.

        Returns:
            HMAC-SHA256 values of 32 bytes.
        """
        keys = self._custody.reference_keys()
        return tuple(reference_hmac(keys[e], self._tenant, kind, value) for e in sorted(keys, reverse=True))

    @property
    def epochs(self) -> tuple[int, ...]:
        """The live epochs of the reference key."""
        return tuple(self._custody.reference_keys())

    def call_hashes(self, call: str) -> tuple[bytes, ...]:
        """Give the keyed hashes of a call's name.

        Args:
            call: the call's name.

        Returns:
            As `hashes`.
        """
        return self.hashes(CALL, call)

    def unwrap(self, row: DataKeyRow) -> bytes:
        """Unwrap a data key.

        Args:
            row: the wrapped key.

        Returns:
            32 bytes.
        """
        return self._custody.unwrap(row.wrapping_key, row.wrapped)

    def lock_numbers(
        self,
        references: Iterable[Reference],
        *,
        call: str | None = None,
        controller: bool = False,
        bates: str | None = None,
    ) -> frozenset[int]:
        """Give the numbers to lock before what is said about people, a call or the controller is read or added to.

        Args:
            references: every reference of everybody in question.
            call: the call's name, or None.
            controller: whether the controller's side is in question too.
            bates: prefix of Bates numbers that are to be given out, or None.

        Returns:
            The numbers.
        """
        names = {(r.kind, r.value) for r in references}
        if call is not None:
            names.add((CALL, call))
        if controller:
            names.add((_CONTROLLER, ""))
        if bates is not None:
            names.add((_BATES, bates))
        key = self._custody.lock_key()
        return frozenset(lock_number(key, self._tenant, kind, value) for kind, value in names)

    def find(self, connection: Connection, references: Iterable[Reference]) -> dict[Reference, UUID]:
        """Find the subjects that references name.

        Args:
            connection: an open transaction.
            references: the references.

        Returns:
            Subject ids of those that are known.
        """
        wanted = {r: self.hashes(r.kind, r.value) for r in references}
        known = self._resolve(connection, [h for hashes in wanted.values() for h in hashes])
        found = {r: next((known[h] for h in hashes if h in known), None) for r, hashes in wanted.items()}
        return {r: s for r, s in found.items() if s is not None}

    def find_call(self, connection: Connection, call: str) -> UUID | None:
        """Find the subject row of a call.

        Args:
            connection: an open transaction.
            call: the call's name.

        Returns:
            Its id, or None when nobody registered the call.
        """
        return self._lookup(connection, CALL, call)

    def task_subjects(self, task: str) -> tuple[UUID, ...]:
        """Give the subjects under which the outcome that started a task is found.

        Args:
            task: the vendor's id of what was started.

        Returns:
            One per live epoch of the reference key, that of the newest first: new outcomes are linked to it.

        Raises:
            InvalidInput: the id is no Unicode.
        """
        return tuple(UUID(bytes=each[:_ID_BYTES]) for each in self.hashes(TASK, task))

    def ensure(self, connection: Connection, reference: Reference) -> Subject:
        """Find the subject of a reference, or make it.

        Args:
            connection: an open write transaction.
            reference: the reference.

        Returns:
            The subject with its data key.

        Raises:
            Unavailable: the subject is there but its data key was destroyed.
        """
        return self._ensure(connection, reference.kind, reference.value)

    def ensure_call(self, connection: Connection, call: str) -> UUID:
        """Find the subject row of a call, or make it; a call has no data key.

        Args:
            connection: an open write transaction.
            call: the call's name.

        Returns:
            Its id.
        """
        return self._lookup(connection, CALL, call) or self._make(connection, CALL, call)

    def ensure_key(self, connection: Connection, name: str) -> Subject:
        """Find one of the tenant's own keys, or make it.

        Args:
            connection: an open write transaction.
            name: `BODY`, or what `month_key` gives.

        Returns:
            The key's subject.
        """
        return self._ensure(connection, KEY, name)

    def find_key(self, connection: Connection, name: str) -> bytes | None:
        """Find one of the tenant's own data keys.

        Args:
            connection: an open transaction.
            name: `BODY`, or what `month_key` gives.

        Returns:
            The data key, or None when it was never made or was destroyed.
        """
        subject = self._lookup(connection, KEY, name)
        return self.data_keys(connection, [subject]).get(subject) if subject else None

    def data_keys(self, connection: Connection, wanted: Sequence[UUID]) -> dict[UUID, bytes]:
        """Unwrap the data keys of subjects.

        Args:
            connection: an open transaction.
            wanted: subject ids.

        Returns:
            Data keys of those that still have one.
        """
        rows = subjects.data_keys(connection, self._tenant, frozenset(wanted))
        return {s: self.unwrap(row) for s, row in rows.items()}

    def seal(self, entry: UUID, name: str, content: Mapping[str, Json], data_key: bytes) -> SealedPart:
        """Seal one part.

        Args:
            entry: id of the part's entry.
            name: the part's name.
            content: canonical JSON members.
            data_key: the data key of the subject that it is about.

        Returns:
            The sealed part.
        """
        return seal_part(entry, name, canonical.encode(content), data_key, self._random)

    def _ensure(self, connection: Connection, kind: str, value: str) -> Subject:
        subject = self._lookup(connection, kind, value)
        if subject is None:
            subject = self._make(connection, kind, value)
            data_key = self._random(_KEY_BYTES)
            wrapped = self._custody.wrap(data_key)
            row = DataKeyRow(subject=subject, wrapping_key=wrapped.wrapping_key, wrapped=wrapped.wrapped)
            subjects.insert_data_key(connection, self._tenant, row)
            return Subject(id=subject, data_key=data_key)
        data_key_found = self.data_keys(connection, [subject]).get(subject)
        if data_key_found is None:
            raise Unavailable(
                "A subject's data key was destroyed while its reference was kept. Run `consentgate verify`."
            )
        return Subject(id=subject, data_key=data_key_found)

    def _make(self, connection: Connection, kind: str, value: str) -> UUID:
        subject = UUID(bytes=self._random(_ID_BYTES))
        epoch = max(self._custody.reference_keys())
        row = ReferenceRow(key_epoch=epoch, hmac=self.hashes(kind, value)[0], subject=subject)
        subjects.insert_reference(connection, self._tenant, row)
        return subject

    def _lookup(self, connection: Connection, kind: str, value: str) -> UUID | None:
        hashes = self.hashes(kind, value)
        known = self._resolve(connection, hashes)
        return next((known[h] for h in hashes if h in known), None)

    def _resolve(self, connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, UUID]:
        epochs = self._custody.reference_keys().keys()
        rows = subjects.resolve(connection, self._tenant, epochs=epochs, hmacs=hashes)
        return {row.hmac: row.subject for row in rows}


def month_key(name: str, at: datetime) -> str:
    """Name a monthly key of the tenant.

    Args:
        name: ``matches`` or ``unattributed``.
        at: a time in the month.

    Returns:
        For example ``matches/2026-11``.
    """
    return f"{name}/{at:%Y-%m}"
