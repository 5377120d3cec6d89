"""The tables, in one place: what each column may hold, and which tables only ever grow.

Invariants:

- Every column is NOT NULL; hashes and ids are whole (checked by length in the database itself).
- `INSERT_ONLY` tables never change a row: triggers of `consentgate.storage.triggers` guard them. The three
  `DESTROYABLE` tables hold all that links an entry to a person; erasure deletes their rows, together.
- ``tenant`` is a column of every key, and never part of a leaf.
- On SQLite only `entry` has a rowid, which is its ordinal. A hidden one would be a key that no trigger sees:
  ``INSERT OR REPLACE`` by rowid would drop a row in silence.
- ``log`` numbers the logs of a deployment (0 is the first): an epoch, or a log of its own for a tenant, is
  another number, not another table.

The migrations in ``migrations/`` make exactly this; a test compares the two.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

REVISION: Final = "0003"
"""The newest migration that this code knows."""

ACCEPTED_REVISIONS: Final = (REVISION,)
"""Revisions that this code runs on: its own and, for rolling upgrades, the next expanding one."""

VERSION_TABLE: Final = "consentgate_alembic_version"

metadata = MetaData()

# SQLite numbers rows itself only in a column of type INTEGER.
_Ordinal = BigInteger().with_variant(Integer, "sqlite")


def _bytes_column(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _text_column(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, autoincrement=False)


deployment = Table(
    "deployment",
    metadata,
    _text_column("name"),
    _text_column("value"),
    PrimaryKeyConstraint("name", name="pk_deployment"),
    sqlite_with_rowid=False,
)
"""Facts about this database that stay true for ever, by name."""

entry = Table(
    "entry",
    metadata,
    Column("ordinal", _Ordinal, primary_key=True, autoincrement=True, nullable=False),
    _bytes_column("id"),
    _text_column("tenant"),
    _text_column("kind"),
    _number_column("at"),
    Column("about", SmallInteger, nullable=False),
    _bytes_column("w"),
    _number_column("n"),
    _bytes_column("re"),
    _text_column("end"),
    _bytes_column("leaf"),
    _bytes_column("hash"),
    _text_column("parts"),
    UniqueConstraint("tenant", "id", name="uq_entry_id"),
    UniqueConstraint("tenant", "w", "n", name="uq_entry_lane"),
    CheckConstraint("length(id) = 16", name="ck_entry_id"),
    CheckConstraint("length(w) = 16", name="ck_entry_w"),
    CheckConstraint("length(hash) = 32", name="ck_entry_hash"),
    CheckConstraint("about IN (0, 1)", name="ck_entry_about"),
    Index("ix_entry_kind", "tenant", "kind", "about", "ordinal"),
    Index("ix_entry_re", "tenant", "re"),
    sqlite_autoincrement=True,
)
"""Every entry: its leaf, its sealed parts, and index columns that repeat what the leaf says."""

# Its PostgreSQL half is set by `consentgate.storage.catalogue`: said here, it would import that dialect, 25 ms that
# every process on SQLite would wait for.
uq_entry_outcome = Index(
    "uq_entry_outcome",
    entry.c.tenant,
    entry.c.re,
    unique=True,
    sqlite_where=text("kind = 'outcome'"),
)
"""One final outcome per intent: the index that a second one runs into."""

statement = Table(
    "statement",
    metadata,
    _text_column("tenant"),
    _bytes_column("entry"),
    _bytes_column("key"),
    PrimaryKeyConstraint("tenant", "entry", name="pk_statement"),
    UniqueConstraint("tenant", "key", name="uq_statement_key"),
    CheckConstraint("length(key) = 32", name="ck_statement_key"),
    sqlite_with_rowid=False,
)
"""Which entry took in the statement of an issuer and id; the key is a digest of the two."""

artifact = Table(
    "artifact",
    metadata,
    _text_column("tenant"),
    _bytes_column("digest"),
    _text_column("kind"),
    _text_column("media_type"),
    _bytes_column("content"),
    PrimaryKeyConstraint("tenant", "digest", name="pk_artifact"),
    CheckConstraint("length(digest) = 32", name="ck_artifact_digest"),
    sqlite_with_rowid=False,
)
"""Exact bytes that entries name by SHA-256: notices, pack sets, issuer registries. No personal data."""

notice = Table(
    "notice",
    metadata,
    _text_column("tenant"),
    _text_column("id"),
    _text_column("version"),
    _text_column("language"),
    _bytes_column("digest"),
    _bytes_column("manifest"),
    PrimaryKeyConstraint("tenant", "id", "version", "language", name="pk_notice"),
    CheckConstraint("length(digest) = 32", name="ck_notice_digest"),
    CheckConstraint("length(manifest) = 32", name="ck_notice_manifest"),
    sqlite_with_rowid=False,
)
"""Names of notices: the digest of the text or audio and the digest of its manifest, both artifacts."""

seq = Table(
    "seq",
    metadata,
    _number_column("log"),
    _number_column("position"),
    _text_column("tenant"),
    _bytes_column("entry"),
    _bytes_column("hash"),
    PrimaryKeyConstraint("log", "position", name="pk_seq"),
    UniqueConstraint("log", "tenant", "entry", name="uq_seq_entry"),
    CheckConstraint("length(entry) = 16", name="ck_seq_entry"),
    CheckConstraint("length(hash) = 32", name="ck_seq_hash"),
    sqlite_with_rowid=False,
)
"""Position of each sequenced entry in the log: dense from 0, final."""

tile = Table(
    "tile",
    metadata,
    _number_column("log"),
    _number_column("level"),
    _number_column("idx"),
    _bytes_column("hashes"),
    PrimaryKeyConstraint("log", "level", "idx", name="pk_tile"),
    CheckConstraint("length(hashes) = 8192", name="ck_tile_hashes"),
    sqlite_with_rowid=False,
)
"""Full tiles of 256 hashes; the right edge is recomputed from `seq` and the tiles below."""

tree_state = Table(
    "tree_state",
    metadata,
    _number_column("log"),
    _number_column("size"),
    _bytes_column("frontier"),
    _bytes_column("root"),
    _number_column("at"),
    PrimaryKeyConstraint("log", "size", name="pk_tree_state"),
    CheckConstraint("length(root) = 32", name="ck_tree_state_root"),
    sqlite_with_rowid=False,
)
"""The tree after each batch of the sequencer."""

checkpoint = Table(
    "checkpoint",
    metadata,
    _number_column("log"),
    _number_column("size"),
    _text_column("origin"),
    _text_column("note"),
    _number_column("at"),
    PrimaryKeyConstraint("log", "size", name="pk_checkpoint"),
    sqlite_with_rowid=False,
)
"""What the signer released."""

anchor = Table(
    "anchor",
    metadata,
    _number_column("log"),
    _text_column("name"),
    _number_column("size"),
    _text_column("kind"),
    _text_column("evidence"),
    _number_column("at"),
    PrimaryKeyConstraint("log", "name", "size", name="pk_anchor"),
    Index("ix_anchor_size", "log", "size"),
    sqlite_with_rowid=False,
)
"""Which checkpoints are kept outside of this database, where, and what was answered there."""

data_key = Table(
    "data_key",
    metadata,
    _text_column("tenant"),
    _bytes_column("subject"),
    _text_column("wrapping_key"),
    _bytes_column("wrapped"),
    PrimaryKeyConstraint("tenant", "subject", name="pk_data_key"),
    CheckConstraint("length(subject) = 16", name="ck_data_key_subject"),
    sqlite_with_rowid=False,
)
"""Destroyable: the wrapped key that everything about a subject is sealed under."""

subject_ref = Table(
    "subject_ref",
    metadata,
    _text_column("tenant"),
    _number_column("key_epoch"),
    _bytes_column("hmac"),
    _bytes_column("subject"),
    Column("suppression", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "key_epoch", "hmac", name="pk_subject_ref"),
    CheckConstraint("length(hmac) = 32", name="ck_subject_ref_hmac"),
    CheckConstraint("length(subject) = 16", name="ck_subject_ref_subject"),
    Index("ix_subject_ref_subject", "tenant", "subject"),
    sqlite_with_rowid=False,
)
"""Destroyable: the keyed hash of a reference and the one subject that it names."""

entry_subject = Table(
    "entry_subject",
    metadata,
    _text_column("tenant"),
    _bytes_column("entry"),
    _bytes_column("subject"),
    _text_column("kind"),
    PrimaryKeyConstraint("tenant", "entry", "subject", name="pk_entry_subject"),
    CheckConstraint("length(entry) = 16", name="ck_entry_subject_entry"),
    CheckConstraint("length(subject) = 16", name="ck_entry_subject_subject"),
    Index("ix_entry_subject_subject", "tenant", "subject", "kind", "entry"),
    sqlite_with_rowid=False,
)
"""Destroyable: which subjects an entry is about, with the entry's kind."""

version_table = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""The revision, in one row; the tool that runs the migrations makes this table."""

INSERT_ONLY: Final = (
    deployment,
    entry,
    statement,
    artifact,
    notice,
    seq,
    tile,
    tree_state,
    checkpoint,
    anchor,
)
DESTROYABLE: Final = (data_key, subject_ref, entry_subject)
