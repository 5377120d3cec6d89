"""Receipts and published files out of a database: sound ones, and none out of a damaged one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from consentgate.errors import InvalidInput, LogRefused, Unavailable
from consentgate.log.prove import prove
from consentgate.log.publish import Published, publish
from consentgate.log.signer import Signer
from consentgate.log.tree import Roots, stored_nodes
from consentgate.storage import entries, sequence, stored
from consentgate.tlog.receipt import encode
from consentgate.verify.published import verify_published
from consentgate.verify.receipts import verify_receipt
from tests.functional.log.place import Log, log_at, sequence_once, signer_at
from tests.functional.log.test_sequencer import bulk


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


@pytest.fixture
def signer(tmp_path: Path, log: Log) -> Signer:
    return signer_at(tmp_path, log.database)


def published(log: Log, folder: Path, *, with_leaves: bool = True) -> Published:
    with log.database.read() as connection:
        return publish(connection, folder, with_leaves=with_leaves)


def grow(log: Log, signer: Signer, count: int) -> None:
    bulk(log, count)
    sequence_once(log.database)
    signer.once()


def holds(folder: Path, signer: Signer) -> bool:
    def read(name: str) -> bytes | None:
        path = folder / name
        return path.read_bytes() if path.exists() else None

    return verify_published(read, signer.key.key, step=lambda _: None).exit_code == 0


def test_every_entry_has_a_receipt_that_holds(log: Log, signer: Signer) -> None:
    appended = log.append(9)
    sequence_once(log.database)
    signer.once()
    with log.database.read() as connection:
        for number, each in enumerate(appended):
            receipt = prove(connection, "default", each.id)
            assert receipt.index == number
            found = verify_receipt(encode(receipt).encode(), signer.key.key)
            assert [level.verdict for level in found.levels] == ["holds"] * 3


def test_what_many_receipts_share_is_read_and_hashed_once(
    log: Log, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(log, signer, 600)
    roots, read = Roots(), list[str]()

    def counted(name: str, found: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any, **named: Any) -> Any:
            read.append(name)
            return found(*given, **named)

        return asked

    for name in ("tiles", "sequenced"):
        monkeypatch.setattr(sequence, name, counted(name, getattr(sequence, name)))
    with log.database.read() as connection:
        ids = [(each["tenant"], UUID(bytes=each["id"])) for each in stored.entries(connection)]
        alone = [prove(connection, *ids[each]) for each in (0, 300, 599)]
        read.clear()
        # The first reads both full tiles, and the edge; so does one in the other tile, and from then on each its own.
        assert prove(connection, *ids[0], roots=roots) == alone[0]
        assert read.count("tiles") == 2
        read.clear()
        assert prove(connection, *ids[300], roots=roots) == alone[1]
        assert prove(connection, *ids[301], roots=roots).index == 301
        assert read == ["tiles", "tiles", "tiles"]
        assert prove(connection, *ids[599], roots=roots) == alone[2]
        # Nothing is proved of what the log does not have yet, whatever is remembered.
        with pytest.raises(InvalidInput, match="is not complete"):
            stored_nodes(connection, 500, roots=roots)(9, 0)


def test_receipt_waits_for_a_checkpoint(log: Log, signer: Signer) -> None:
    (first,) = log.append()
    with log.database.read() as connection, pytest.raises(Unavailable, match="No checkpoint covers"):
        prove(connection, "default", first.id)
    sequence_once(log.database)
    with log.database.read() as connection, pytest.raises(Unavailable, match="No checkpoint covers"):
        prove(connection, "default", first.id)
    signer.once()
    (second,) = log.append()
    sequence_once(log.database)
    with log.database.read() as connection:
        assert prove(connection, "default", first.id).index == 0
        with pytest.raises(Unavailable, match="No checkpoint covers"):
            prove(connection, "default", second.id)


@pytest.mark.parametrize("tenant", ["default", "other"])
def test_only_entries_of_the_tenant_have_receipts(log: Log, signer: Signer, tenant: str) -> None:
    (first,) = log.append()
    sequence_once(log.database)
    signer.once()
    with log.database.read() as connection, pytest.raises(InvalidInput, match="no entry of this id"):
        prove(connection, tenant, first.id if tenant == "other" else uuid4())


def test_altered_entry_gets_no_receipt(log: Log, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = log.append(2)
    sequence_once(log.database)
    signer.once()
    with log.database.read() as connection:
        other = entries.by_id(connection, "default", second.id)
        monkeypatch.setattr(entries, "by_id", lambda *_: other)
        with pytest.raises(LogRefused, match="not what was signed"):
            prove(connection, "default", first.id)


def test_folder_grows_with_the_log(log: Log, signer: Signer, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    with pytest.raises(Unavailable, match="Nothing is signed"):
        published(log, folder)
    size = 0
    for count in (1, 254, 1, 1, 300):
        grow(log, signer, count)
        size += count
        assert published(log, folder).size == size
        assert holds(folder, signer)
        assert published(log, folder).files == 0
    assert not list(folder.rglob("*.new"))


def test_leaves_may_be_published_later_or_never(log: Log, signer: Signer, tmp_path: Path) -> None:
    grow(log, signer, 300)
    published(log, tmp_path / "public", with_leaves=False)
    assert not (tmp_path / "public/tile/entries").exists()
    assert holds(tmp_path / "public", signer)
    assert published(log, tmp_path / "public").files == 2
    assert holds(tmp_path / "public", signer)


def test_folder_of_another_log_is_refused_and_left_alone(log: Log, signer: Signer, tmp_path: Path) -> None:
    grow(log, signer, 3)
    published(log, tmp_path / "public")
    path = tmp_path / "public/checkpoint"
    other = path.read_bytes().replace(signer.key.key.name.encode(), b"example.com/other")
    path.write_bytes(other)
    grow(log, signer, 5)
    with pytest.raises(LogRefused, match="holds another log"):
        published(log, tmp_path / "public")
    assert path.read_bytes() == other


def test_folder_that_is_ahead_is_refused(log: Log, signer: Signer, tmp_path: Path) -> None:
    grow(log, signer, 3)
    published(log, tmp_path / "public")
    path = tmp_path / "public/checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n3\n", b"\n4\n"))
    with pytest.raises(LogRefused, match="a checkpoint of 4 entries"):
        published(log, tmp_path / "public")


@pytest.mark.parametrize("text", [b"nonsense", b"", None])
def test_folder_with_another_past_is_refused(
    log: Log, signer: Signer, tmp_path: Path, text: bytes | None
) -> None:
    grow(log, signer, 3)
    published(log, tmp_path / "public")
    path = tmp_path / "public/checkpoint"
    if text is None:
        lines = path.read_text().split("\n")
        text = "\n".join([lines[0], "2", *lines[2:]]).encode()
    path.write_bytes(text)
    grow(log, signer, 3)
    with pytest.raises(LogRefused):
        published(log, tmp_path / "public")
    assert path.read_bytes() == text


def test_damaged_tree_is_not_published(
    log: Log, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(log, signer, 3)
    monkeypatch.setattr("consentgate.log.publish.root_at", lambda *_: bytes(32))
    with pytest.raises(LogRefused, match="not what was signed"):
        published(log, tmp_path / "public")
    assert not (tmp_path / "public").exists()


@pytest.mark.parametrize("found", [[(0, b"x"), (1, b"y"), (2, b"z")], [(0, b"x")]])
def test_altered_leaves_are_not_published(
    log: Log, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: list[tuple[int, bytes]]
) -> None:
    grow(log, signer, 3)
    monkeypatch.setattr("consentgate.storage.looking.leaves", lambda *_, **__: found)
    with pytest.raises(LogRefused):
        published(log, tmp_path / "public")
    assert not (tmp_path / "public/checkpoint").exists()


def test_folder_that_cannot_be_written_is_said(log: Log, signer: Signer, tmp_path: Path) -> None:
    grow(log, signer, 3)
    (tmp_path / "public").write_text("a file")
    with pytest.raises(Unavailable, match="cannot be written"):
        published(log, tmp_path / "public")
