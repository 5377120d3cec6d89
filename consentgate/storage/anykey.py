"""One wrapped data key of a tenant, whoever's: to see whether this process holds what it is wrapped under."""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from consentgate.storage.prepared import Prepared
from consentgate.storage.subjects import DataKeyRow
from consentgate.storage.tables import data_key

_ANY: Final = Prepared(
    select(data_key.c.subject, data_key.c.wrapping_key, data_key.c.wrapped)
    .where(data_key.c.tenant == bindparam("tenant"))
    .limit(1)
)


def any_data_key(connection: Connection, tenant: str) -> DataKeyRow | None:
    """Read one data key.

    Args:
        connection: any.
        tenant: whose.

    Returns:
        One of the tenant's wrapped data keys, or None where there is none.
    """
    found = [
        DataKeyRow(subject=UUID(bytes=subject), wrapping_key=wrapping_key, wrapped=wrapped)
        for subject, wrapping_key, wrapped in _ANY.rows(connection, {"tenant": tenant})
    ]
    return found[0] if found else None
