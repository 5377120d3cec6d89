"""The spine: entries, artifacts, log, destroyable tables, and the triggers that guard them.

Revision ID: 0001
Revises:

Stands alone: what it makes must not change when the package does.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ORDINAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Insert-only tables; columns of each unique key, and the condition under which it holds.
KEYS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "deployment": {"pk_deployment": (("name",), "")},
    "entry": {
        "pk_entry": (("ordinal",), ""),
        "uq_entry_id": (("tenant", "id"), ""),
        "uq_entry_lane": (("tenant", "w", "n"), ""),
        "uq_entry_outcome": (("tenant", "re"), "kind = 'outcome'"),
    },
    "statement": {"pk_statement": (("tenant", "entry"), ""), "uq_statement_key": (("tenant", "key"), "")},
    "artifact": {"pk_artifact": (("tenant", "digest"), "")},
    "notice": {"pk_notice": (("tenant", "id", "version", "language"), "")},
    "seq": {"pk_seq": (("log", "position"), ""), "uq_seq_entry": (("log", "tenant", "entry"), "")},
    "tile": {"pk_tile": (("log", "level", "idx"), "")},
    "tree_state": {"pk_tree_state": (("log", "size"), "")},
    "checkpoint": {"pk_checkpoint": (("log", "size"), "")},
}


def upgrade() -> None:
    """Make everything."""
    _artifacts()
    _entries()
    _statements()
    _log()
    _signing()
    _destroyable()
    if context.get_context().dialect.name == "postgresql":
        _guards_of_postgresql()
    else:
        _guards_of_sqlite()


def downgrade() -> None:
    """Refuse: evidence is not dropped by a migration.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("The first schema has nothing below it. Restore a backup instead.")


def _entries() -> None:
    """Entries."""
    op.create_table(
        "entry",
        sa.Column("ordinal", ORDINAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("about", sa.SmallInteger(), nullable=False),
        sa.Column("w", sa.LargeBinary(), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("re", sa.LargeBinary(), nullable=False),
        sa.Column("end", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ordinal"),
        sa.UniqueConstraint("tenant", "id", name="uq_entry_id"),
        sa.UniqueConstraint("tenant", "w", "n", name="uq_entry_lane"),
        sa.CheckConstraint("length(id) = 16", name="ck_entry_id"),
        sa.CheckConstraint("length(w) = 16", name="ck_entry_w"),
        sa.CheckConstraint("length(hash) = 32", name="ck_entry_hash"),
        sa.CheckConstraint("about IN (0, 1)", name="ck_entry_about"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entry_kind", "entry", ["tenant", "kind", "about", "ordinal"], unique=False)
    op.create_index("ix_entry_re", "entry", ["tenant", "re"], unique=False)
    op.create_index(
        "uq_entry_outcome",
        "entry",
        ["tenant", "re"],
        unique=True,
        sqlite_where=sa.text("kind = 'outcome'"),
        postgresql_where=sa.text("kind = 'outcome'"),
    )


def _statements() -> None:
    """The index of statements."""
    op.create_table(
        "statement",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "entry", name="pk_statement"),
        sa.UniqueConstraint("tenant", "key", name="uq_statement_key"),
        sa.CheckConstraint("length(key) = 32", name="ck_statement_key"),
        sqlite_with_rowid=False,
    )


def _artifacts() -> None:
    """Facts about the database, artifacts, names of notices."""
    op.create_table(
        "deployment",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_deployment"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "artifact",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name="ck_artifact_digest"),
        sa.PrimaryKeyConstraint("tenant", "digest", name="pk_artifact"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notice",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name="ck_notice_digest"),
        sa.CheckConstraint("length(manifest) = 32", name="ck_notice_manifest"),
        sa.PrimaryKeyConstraint("tenant", "id", "version", "language", name="pk_notice"),
        sqlite_with_rowid=False,
    )


def _log() -> None:
    """Positions and tiles."""
    op.create_table(
        "seq",
        sa.Column("log", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "position", name="pk_seq"),
        sa.UniqueConstraint("log", "tenant", "entry", name="uq_seq_entry"),
        sa.CheckConstraint("length(entry) = 16", name="ck_seq_entry"),
        sa.CheckConstraint("length(hash) = 32", name="ck_seq_hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tile",
        sa.Column("log", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(hashes) = 8192", name="ck_tile_hashes"),
        sa.PrimaryKeyConstraint("log", "level", "idx", name="pk_tile"),
        sqlite_with_rowid=False,
    )


def _signing() -> None:
    """The trees, and what was signed of them."""
    op.create_table(
        "tree_state",
        sa.Column("log", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.CheckConstraint("length(root) = 32", name="ck_tree_state_root"),
        sa.PrimaryKeyConstraint("log", "size", name="pk_tree_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoint",
        sa.Column("log", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("log", "size", name="pk_checkpoint"),
        sqlite_with_rowid=False,
    )


def _destroyable() -> None:
    """The three tables that erasure deletes from."""
    op.create_table(
        "data_key",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("wrapping_key", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("length(subject) = 16", name="ck_data_key_subject"),
        sa.PrimaryKeyConstraint("tenant", "subject", name="pk_data_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subject_ref",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key_epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hmac", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("suppression", sa.Boolean(), nullable=False),
        sa.CheckConstraint("length(hmac) = 32", name="ck_subject_ref_hmac"),
        sa.CheckConstraint("length(subject) = 16", name="ck_subject_ref_subject"),
        sa.PrimaryKeyConstraint("tenant", "key_epoch", "hmac", name="pk_subject_ref"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_subject_ref_subject", "subject_ref", ["tenant", "subject"], unique=False)
    op.create_table(
        "entry_subject",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.CheckConstraint("length(entry) = 16", name="ck_entry_subject_entry"),
        sa.CheckConstraint("length(subject) = 16", name="ck_entry_subject_subject"),
        sa.PrimaryKeyConstraint("tenant", "entry", "subject", name="pk_entry_subject"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_entry_subject_subject", "entry_subject", ["tenant", "subject", "kind", "entry"], unique=False
    )


def _guards_of_sqlite() -> None:
    """Refuse UPDATE, DELETE, and INSERT of a key that exists: INSERT OR REPLACE fires no DELETE trigger."""
    for table, keys in KEYS.items():
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER consentgate_{table}_{event.lower()} BEFORE {event} ON {table} BEGIN"
                f" SELECT RAISE(ABORT, 'consentgate: {table} is insert-only'); END"
            )
        checks = []
        for key, (columns, condition) in keys.items():
            same = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
            scope = f" AND {condition} AND NEW.{condition}" if condition else ""
            checks.append(
                f"SELECT RAISE(ABORT, 'consentgate: key {key} exists')"  # noqa: S608  # our own names
                f" WHERE EXISTS (SELECT 1 FROM {table} WHERE {same}{scope});"
            )
        name = f"consentgate_{table}_insert"
        op.execute(f"CREATE TRIGGER {name} BEFORE INSERT ON {table} BEGIN {' '.join(checks)} END")


def _guards_of_postgresql() -> None:
    """Refuse UPDATE, DELETE and TRUNCATE, in replica mode too; and give the database its clock."""
    op.execute(
        "CREATE OR REPLACE FUNCTION consentgate_now() RETURNS bigint LANGUAGE sql VOLATILE"
        " AS $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$"
    )
    op.execute(
        "CREATE OR REPLACE FUNCTION consentgate_refuse_change() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = 'consentgate: ' || TG_TABLE_NAME || ' is insert-only',"
        " ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in KEYS:
        for suffix, event, each in (
            ("row", "UPDATE OR DELETE", "ROW"),
            ("truncate", "TRUNCATE", "STATEMENT"),
        ):
            name = f"consentgate_{table}_{suffix}"
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each}"
                " EXECUTE FUNCTION consentgate_refuse_change()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
