"""Opening entries for an export: which key opens a part, and whose it is.

Invariants: a part is recognised by its tag before anything is decrypted; what no key here opens is said to be closed,
never skipped; a stored token that is not the leaf's own is refused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.crypto import derive, jwe
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Leaf
from consentgate.entries.parts import PartRef, require_digest, split_parts
from consentgate.errors import KeyMismatch, Malformed
from consentgate.ledger.vault import BODY, Vault, month_key
from consentgate.storage import subjects
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

_LIMIT: Final = 16 << 20
_DATA_KEYS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A part of an entry, and what opens it.

    Attributes:
        ref: what the leaf says of it.
        jwe: the token.
        key: its part key; None where no key here is its.
        owner: the person under whose key it lies; None for a key of the tenant, or for none.
    """

    ref: PartRef
    jwe: str = field(repr=False)
    key: bytes | None = field(repr=False)
    owner: UUID | None

    def open(self) -> bytes:
        """Decrypt it.

        Returns:
            The content, exactly as it was sealed.

        Raises:
            Malformed: it is not what was sealed, or there is no key.
        """
        if self.key is None:
            raise Malformed("No key opens this part.")
        try:
            return jwe.open_sealed(self.jwe, key=self.key)
        except KeyMismatch as error:
            raise Malformed(
                "A part has its key's tag, and another key's name. Run `consentgate verify`."
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An entry with its parts in hand.

    Attributes:
        row: the entry as it is stored.
        leaf: its leaf.
        parts: its parts, in the order of the leaf.
        subjects: whom it is linked to.
    """

    row: EntryRow
    leaf: Leaf
    parts: tuple[Sealed, ...]
    subjects: tuple[UUID, ...]


class Opener:
    """Finds the keys of entries, some hundreds of entries at once."""

    def __init__(self, vault: Vault, tenant: str) -> None:
        """Remember nothing yet.

        Args:
            vault: gives keys.
            tenant: whose entries.
        """
        self._vault = vault
        self._tenant = tenant
        self._own: dict[str, bytes | None] = {}
        self._tag_key = lru_cache(maxsize=_DATA_KEYS)(derive.tag_key)

    def hold(self, connection: Connection, rows: Sequence[EntryRow]) -> list[Held]:
        """Take entries in hand; nothing is decrypted yet.

        Args:
            connection: of a read.
            rows: the entries.

        Returns:
            The same with their keys.

        Raises:
            Malformed: what is stored is not what the leaf says.
        """
        linked = subjects.subjects_of(connection, self._tenant, [row.id for row in rows])
        people = {subject for each in linked.values() for subject in each}
        keys = self._vault.data_keys(connection, sorted(people)) if people else {}
        return [self._held(connection, row, linked[row.id], keys) for row in rows]

    def _held(
        self, connection: Connection, row: EntryRow, linked: Collection[UUID], keys: Mapping[UUID, bytes]
    ) -> Held:
        leaf = leaves.decode(row.leaf)
        tokens = split_parts(row.parts)
        if leaf.id != row.id or leaf.kind != row.kind or len(tokens) != len(leaf.parts):
            raise Malformed(f"Entry {row.id} is not what was written. Run `consentgate verify`.")
        offered: list[tuple[UUID | None, bytes]] = [(each, keys[each]) for each in linked if each in keys]
        own = [(None, key) for key in self._tenants(connection, leaf) if key is not None]
        parts = tuple(
            self._sealed(leaf, ref, token, [*offered, *own])
            for ref, token in zip(leaf.parts, tokens, strict=True)
        )
        return Held(row=row, leaf=leaf, parts=parts, subjects=tuple(linked))

    def _sealed(
        self, leaf: Leaf, ref: PartRef, token: str, offered: Sequence[tuple[UUID | None, bytes]]
    ) -> Sealed:
        require_digest(ref, token)
        for owner, data_key in offered:
            if derive.tag(self._tag_key(data_key), leaf.id, ref.p) == ref.t:
                key = derive.part_key(data_key, leaf.id, ref.p)
                return Sealed(ref=ref, jwe=token, key=key, owner=owner)
        return Sealed(ref=ref, jwe=token, key=None, owner=None)

    def _tenants(self, connection: Connection, leaf: Leaf) -> list[bytes | None]:
        names = (BODY, month_key("matches", leaf.at), month_key("unattributed", leaf.at))
        for name in names:
            if name not in self._own:
                self._own[name] = self._vault.find_key(connection, name)
        return [self._own[name] for name in names]


def content_of(plain: bytes) -> Mapping[str, Json]:
    """Read what a part says.

    Args:
        plain: its content.

    Returns:
        The members.

    Raises:
        Malformed: it is no object in canonical form.
    """
    content = canonical.decode(plain, limit=_LIMIT)
    if not isinstance(content, dict):
        raise Malformed("A part's content is no object.")
    return content
