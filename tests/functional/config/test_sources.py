from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from consentgate.config.sources import evidence_of
from consentgate.consent.reference import Reference
from consentgate.keys.custody import KeyFile
from consentgate.ledger.vault import BODY, Vault, month_key
from consentgate.log.append import append_writer_stop
from consentgate.moment import system_clock, system_random
from consentgate.storage import artifacts, statements, subjects
from consentgate.storage.artifacts import ArtifactRow, NoticeRow
from consentgate.verify.levels import verify
from consentgate.verify.source import Memory
from tests.functional.log.place import Log, draft, log_at, sequence_once, signer_at


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


def test_every_row_reaches_verification(tmp_path: Path, log: Log) -> None:
    appended = log.append(300)
    entry, ann = appended[0].id, uuid4()

    def fill(connection: Connection) -> None:
        statements.insert_statement(connection, "default", entry, b"k" * 32)
        artifact = ArtifactRow(digest=b"d" * 32, kind="notice", media_type="text/plain", content=b"words")
        artifacts.put_artifact(connection, "default", artifact)
        notice = NoticeRow(id="n", version="1", language="en", digest=b"d" * 32, manifest=b"m" * 32)
        artifacts.insert_notice(connection, "default", notice)
        subjects.link(connection, "default", entry, "heartbeat", [ann])

    log.database.write(fill)
    sequence_once(log.database)
    signer = signer_at(tmp_path, log.database)
    checkpoint = signer.once()
    custody = KeyFile.create(tmp_path / "keys", system_random)
    with log.database.read() as connection:
        evidence = evidence_of(connection, now=system_clock(), custody=custody)
        assert [row[2] for batch in evidence.ledger.entries() for row in batch] == [
            each.id.bytes for each in appended
        ]
        assert [row[3] for batch in evidence.log.sequence() for row in batch] == [
            each.hash for each in appended
        ]
        assert [row.key for row in evidence.ledger.statements()] == [b"k" * 32]
        assert [row.content for row in evidence.ledger.artifacts()] == [b"words"]
        assert [row.manifest for row in evidence.ledger.notices()] == [b"m" * 32]
        assert [(row.level, row.index) for row in evidence.log.tiles()] == [(0, 0)]
        assert [row.size for row in evidence.log.tree_states()] == [300]
        assert checkpoint is not None
        assert [row.note for row in evidence.log.checkpoints()] == [checkpoint.note]
        assert [(row.name, row.value) for row in evidence.ledger.facts()] == [
            ("log_origin", signer.key.key.name)
        ]
        assert list(evidence.ledger.damage()) == []
        assert evidence.log.strays() == {}
        assert evidence.keys is not None
        assert [row.subject for row in evidence.keys.links()] == [ann.bytes]
        assert list(evidence.keys.data_keys()) == []


def test_keys_come_with_the_names_of_the_tenants_own(tmp_path: Path, log: Log) -> None:
    log.append()
    custody = KeyFile.create(tmp_path / "keys", system_random)
    vault = Vault(custody, "default", system_random)
    now = system_clock()
    month = month_key("matches", now)

    def fill(connection: Connection) -> dict[str | None, bytes]:
        return {
            None: vault.ensure(connection, Reference(kind="customer", value="c-1")).data_key,
            BODY: vault.ensure_key(connection, BODY).data_key,
            month: vault.ensure_key(connection, month).data_key,
        }

    made = log.database.write(fill)
    with log.database.read() as connection:
        evidence = evidence_of(connection, now=now + timedelta(days=1), custody=custody)
        assert evidence.keys is not None
        assert {each.name: each.key for each in evidence.keys.data_keys()} == made


def test_without_custody_nothing_can_be_opened(log: Log) -> None:
    with log.database.read() as connection:
        evidence = evidence_of(connection, now=system_clock())
    assert evidence.keys is None


def test_a_log_that_nobody_touched_verifies(tmp_path: Path, log: Log) -> None:
    log.append(300)
    with pytest.raises(ZeroDivisionError):
        log.database.write(lambda c: log.lanes.append(c, draft(system_clock())).ordinal // 0)
    append_writer_stop(log.database, log.lanes, system_random)
    sequence_once(log.database)
    signer = signer_at(tmp_path, log.database)
    signer.once()
    state = signer.state.read()
    assert state is not None
    custody = KeyFile.create(tmp_path / "keys", system_random)
    memory = Memory(size=state.size, root=state.root, note=state.note)
    with log.database.read() as connection:
        evidence = evidence_of(
            connection,
            now=system_clock(),
            vkey=signer.key.key.vkey,
            signer=memory,
            signer_after=memory,
            custody=custody,
        )
        found = verify(evidence)
    assert found.findings == ()
    assert {level.verdict for level in found.levels} == {"holds"}
