"""How PostgreSQL finds a few rows among many."""

import pytest

from consentgate.storage import entries
from consentgate.storage.prepared import Prepared
from tests.databases import Raw
from tests.integration.place import Ledger

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("question", [entries._LATEST, entries._TENANT_WIDE])
def test_few_rows_among_many_are_found_by_their_index(
    ledger: Ledger, behind: Raw, question: Prepared
) -> None:
    """With another plan each decision would read every entry there is."""
    ledger.database.write(ledger.append)
    behind.execute(
        'INSERT INTO entry (id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)'
        " SELECT decode(lpad(to_hex(g), 32, '0'), 'hex'), tenant, 'intent', at, 1, w, g, re, \"end\", leaf, hash,"
        " parts FROM entry, generate_series(100, 8000) g"
    )
    behind.execute("ANALYZE entry")
    values = {"tenant": "default", "kind": "registry", "after": 0, "limit": 1000}
    with ledger.database.read() as connection:
        asked = question._for(connection)
        raw = connection.connection.dbapi_connection
        assert raw is not None
        found = raw.cursor().execute(f"EXPLAIN {asked.text}", asked.arguments(values)).fetchall()
    plan = "\n".join(row[0] for row in found)
    assert "ix_entry_kind" in plan
    assert "Seq Scan" not in plan
