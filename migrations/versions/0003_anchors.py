"""Anchors: where checkpoints are kept outside of the database, and what was answered there.

Revision ID: 0003
Revises: 0002

Stands alone: what it makes must not change when the package does.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Make the table, its index and its guards."""
    op.create_table(
        "anchor",
        sa.Column("log", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("log", "name", "size", name="pk_anchor"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_anchor_size", "anchor", ["log", "size"])
    if context.get_context().dialect.name == "postgresql":
        _guards_of_postgresql()
    else:
        _guards_of_sqlite()


def downgrade() -> None:
    """Refuse: evidence is not dropped by a migration.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("Restore a backup instead.")


def _guards_of_sqlite() -> None:
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER consentgate_anchor_{event.lower()} BEFORE {event} ON anchor BEGIN"
            " SELECT RAISE(ABORT, 'consentgate: anchor is insert-only'); END"
        )
    op.execute(
        "CREATE TRIGGER consentgate_anchor_insert BEFORE INSERT ON anchor BEGIN"
        " SELECT RAISE(ABORT, 'consentgate: key pk_anchor exists') WHERE EXISTS (SELECT 1 FROM anchor"
        ' WHERE "log" = NEW."log" AND "name" = NEW."name" AND "size" = NEW."size"); END'
    )


def _guards_of_postgresql() -> None:
    for suffix, event, each in (("row", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        name = f"consentgate_anchor_{suffix}"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON anchor FOR EACH {each}"
            " EXECUTE FUNCTION consentgate_refuse_change()"
        )
        op.execute(f"ALTER TABLE anchor ENABLE ALWAYS TRIGGER {name}")
