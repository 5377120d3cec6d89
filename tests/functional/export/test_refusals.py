"""What stands in the way of an export is said, and leaves no package."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from consentgate.canonical import b64
from consentgate.config import packagekey
from consentgate.config.anchors import AnchorSettings
from consentgate.config.exporting import _policy_text
from consentgate.crypto.jwk import generate_signing_key
from consentgate.entries.parts import PartRef
from consentgate.errors import InvalidInput, LogRefused, Malformed, Misconfigured, Unavailable
from consentgate.export import bates, letter, making, signing, stream
from consentgate.export.bag import Bag
from consentgate.export.enclosed import Enclosed
from consentgate.export.exported import Exported
from consentgate.export.making import Package
from consentgate.export.nodes import multiproof, tree_reader
from consentgate.export.record import Record
from consentgate.export.sink import Artifact
from consentgate.export.unsealing import Sealed, content_of
from consentgate.export.withholding import Withholding
from consentgate.keys.files import write_secret
from consentgate.ledger.book import Book
from consentgate.storage import selecting, sequence
from consentgate.tlog import policy
from consentgate.tlog.cosignature import WitnessSigner
from consentgate.tlog.merkle import root_of
from consentgate.tlog.notekey import NoteSigner
from tests.functional.export.place import ASKED
from tests.functional.gate.conftest import World
from tests.functional.log.place import sequence_once
from tests.packages import Exporter, keep_log

pytestmark = pytest.mark.sqlite_file


def test_without_a_checkpoint_there_is_nothing_to_prove_against(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unavailable, match="No checkpoint covers any entry"):
        world.gate.export("m", tmp_path, **ASKED)
    keep_log(world.gate)
    with monkeypatch.context() as patch:
        patch.setattr("consentgate.storage.selecting.places", lambda *_, **__: ())
        with pytest.raises(Unavailable, match="No checkpoint covers what was asked for"):
            world.gate.export("m", tmp_path, **ASKED)
    other = NoteSigner.generate("consentgate.invalid/other", bytes)
    world.gate._parts.settings.log_vkey.write_text(other.key.vkey)
    with pytest.raises(LogRefused, match="not signed under"):
        world.gate.export("m", tmp_path, **ASKED)


def test_folder_that_cannot_be_written_is_said(exporter: Exporter, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidInput, match="is not a folder"):
        exporter.world.gate.export("m", tmp_path / "file", **ASKED)
    with pytest.raises(Unavailable, match="cannot be made"):
        exporter.world.gate.export("m", tmp_path / "file" / "below", **ASKED)
    with pytest.raises(Unavailable, match="cannot be written"):
        exporter.world.gate.export("m", Path("/proc"), **ASKED)
    with pytest.raises(Unavailable, match="cannot be written"):
        letter.write_letter(tmp_path / "none" / "package", _export(exporter))


def test_file_of_a_package_is_written_once_and_where_packages_have_files(tmp_path: Path) -> None:
    bag = Bag(tmp_path / "bag", tmp_path / "scratch")
    bag.put("data/one", b"1", role="records")
    for path in ("data/one", "../out", "/etc/passwd", "data//x", "a b", ""):
        with pytest.raises(InvalidInput):
            bag.put(path, b"", role="records")
    with bag.open("data/two", role="records") as file:
        assert (file.writable(), file.readable(), file.seekable(), file.closed) == (True, False, False, False)
        file.flush()
        assert not bag.has("data/two")
        with pytest.raises(InvalidInput, match="already"):
            bag.put("data/two", b"", role="records")
    with bag.read("data/one") as finished:
        assert (bag.has("data/one"), finished.read()) == (True, b"1")
    with pytest.raises(InvalidInput, match="no finished file"):
        bag.read("data/three")
    (tmp_path / "bag" / "blocked").write_text("a file")
    with pytest.raises(Unavailable, match="cannot be written"):
        bag.put("blocked/inside", b"", role="records")


def test_proof_is_read_out_of_stored_tiles_each_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    database = world.gate._parts.database
    for _ in range(4):
        database.write(lambda c: _heartbeats(world.gate._parts.book, c, 200))
    sequence_once(database)
    read: list[tuple[int, int]] = []
    tiles = sequence.tiles

    def counted(connection: Any, *, level: int, first: int, end: int, log: int) -> Any:
        read.append((level, first))
        return tiles(connection, level=level, first=first, end=end, log=log)

    with database.read() as connection:
        tree = sequence.latest_tree(connection)
        assert tree is not None
        hashes = [each.hash for each in sequence.sequenced(connection, first=0, end=tree.size)]
        monkeypatch.setattr(sequence, "tiles", counted)
        positions = [0, 5, 300, 301, tree.size - 1]
        node = tree_reader(connection, tree.size, log=0)
        proof: list[bytes] = []
        assert multiproof(tree.size, positions, hashes.__getitem__, node, proof.append) == root_of(hashes)
        assert len(read) == len(set(read)) > 1
        monkeypatch.setattr(sequence, "tiles", lambda *_, **__: ())
        with pytest.raises(LogRefused, match="Tile"):
            multiproof(
                tree.size, [5], hashes.__getitem__, tree_reader(connection, tree.size, log=0), proof.append
            )
        with pytest.raises(LogRefused, match="Position"):
            tree_reader(connection, tree.size + 1, log=0)(0, tree.size)


def test_entries_that_are_not_where_they_were_give_no_package(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = selecting.placed
    for lose in (0, -1):

        def lost(*given: Any, lose: int = lose, **more: Any) -> Any:
            for page in placed(*given, **more):
                rows = list(page)
                del rows[lose]
                yield tuple(rows)

        with monkeypatch.context() as patch:
            patch.setattr(stream, "selecting", _Selecting(lost))
            with pytest.raises(LogRefused):
                exporter.world.gate.export(f"Lost {lose}", tmp_path, **ASKED, transaction="tx-1")


def test_key_that_is_not_one_of_packages_is_refused(exporter: Exporter, tmp_path: Path) -> None:
    settings = replace(exporter.world.gate._parts.settings, home=tmp_path)
    made = packagekey.package_key(settings)
    assert packagekey.package_key(settings).public.kid == made.public.kid
    settings.package_key.unlink()
    settings.package_key.write_bytes(generate_signing_key("ES256").pem())
    settings.package_key.chmod(0o600)
    with pytest.raises(Misconfigured, match="Ed25519"):
        packagekey.package_key(settings)
    with pytest.raises(Misconfigured, match="Ed25519"):
        signing.put_key(Bag(tmp_path / "b", tmp_path / "s"), generate_signing_key("ES256").public)


def test_of_two_who_make_the_first_key_one_wins(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(exporter.world.gate._parts.settings, home=tmp_path)
    first = generate_signing_key()

    def overtaken(path: Path, data: bytes) -> None:
        write_secret(path, first.pem())
        write_secret(path, data)

    monkeypatch.setattr(packagekey, "write_secret", overtaken)
    assert packagekey.package_key(settings).public.kid == first.public.kid


def test_manifest_without_counts_is_none_of_ours() -> None:
    with pytest.raises(Malformed, match="counts"):
        signing.totals_of({"counts": {"selected": 1}})


def test_folder_of_somebody_elses_is_not_taken_for_a_finished_package(
    exporter: Exporter, tmp_path: Path
) -> None:
    export = _export(exporter)
    shop: Any = None
    assert making._finished(shop, export, tmp_path) is None
    folder = tmp_path / export.name
    folder.mkdir()
    (folder / "manifest.json").write_text('{"export":"another"}')
    assert making._finished(shop, export, tmp_path) is None


def test_part_without_a_key_or_with_another_keys_name_is_not_opened() -> None:
    ref = PartRef(p="body.0", d=b"d" * 32, t=b"t" * 16)
    with pytest.raises(Malformed, match="No key"):
        Sealed(ref=ref, jwe="", key=None, owner=None).open()
    with pytest.raises(Malformed, match="no object"):
        content_of(b"[]")


def test_statement_that_cannot_be_read_shows_nothing_to_the_other_side() -> None:
    withheld = Withholding(role="opposing").of(
        UUID(int=0), "statement", "statement.0", UUID(int=1), {"token": "a.!.c", "manifest": "m"}
    )
    assert withheld is not None
    assert withheld.shown == {"claims": {}, "manifest": "m"}
    call = Withholding(role="opposing").of(UUID(int=0), "call", "call.0", UUID(int=1), {"event": "left"})
    assert call is not None
    assert call.shown == {"event": "left"}


def test_artifact_that_is_not_what_it_is_named_by_gives_no_package(
    exporter: Exporter, tmp_path: Path
) -> None:
    digest = sha256(b"right").digest()
    wrong = Artifact(digest=digest, kind="registry", media_type="application/json", content=b"wrong")
    for find, named, message in (
        (lambda _: wrong, b64(digest), "not what it is named by"),
        (lambda _: None, b64(digest), None),
        (lambda _: None, "!", None),
        (lambda _: None, 7, None),
    ):
        enclosed = Enclosed(find)
        record = exporter_record(named)
        enclosed.take(record)
        with closing(Bag(tmp_path / "bag", tmp_path / "scratch")) as bag:
            if message is None:
                enclosed.write(bag)
                assert [each.path for each in bag.files()] == ["data/keys/issuers.jwks.json"]
            else:
                with pytest.raises(LogRefused, match=message):
                    enclosed.write(bag)


def test_policy_of_the_settings_is_written_as_others_read_it(exporter: Exporter) -> None:
    key = WitnessSigner.generate("witness.example", bytes).key
    settings = replace(
        exporter.world.gate._parts.settings,
        anchors=(AnchorSettings(name="one", kind="witness", url="https://w.example", key=key),),
        witness_policy="1 of 1",
    )
    text = _policy_text(settings)
    assert text is not None
    assert policy.decode(text.encode()).groups[0].needed == 1


def test_export_that_cannot_be_appended_is_tried_again_by_the_caller(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Book.write

    def late(self: Book, *given: Any, **more: Any) -> Any:
        done: Any = written(self, *given, **more)
        return replace(done, code="late")

    monkeypatch.setattr(Book, "write", late)
    with pytest.raises(Unavailable, match="try again"):
        exporter.world.gate.export("Late", tmp_path, **ASKED, transaction="tx-1")


def test_export_whose_key_is_gone_gives_no_number_twice(
    exporter: Exporter, made: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bates, "open_parts", lambda *_: {})
    with pytest.raises(Malformed, match="does not open"):
        exporter.world.gate.export("Blind", tmp_path, **ASKED, transaction="tx-1")


class _Selecting:
    """The module, with another way to read."""

    def __init__(self, placed: Callable[..., Any]) -> None:
        self.placed = placed


def exporter_record(named: object) -> Record:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    content: Any = {"registry": named}
    return Record(
        bates="CG1",
        entry=UUID(int=0),
        log=0,
        position=0,
        kind="registry",
        at=at,
        leaf=b"",
        parts={"body.0": content},
    )


def _export(exporter: Exporter) -> Exported:
    book = exporter.world.gate._parts.book
    with exporter.world.gate._parts.database.read() as connection:
        return bates.found(book, connection, UUID(exporter.made.export))


def _heartbeats(book: Book, connection: Any, count: int) -> None:
    for _ in range(count):
        book.write(connection, "heartbeat", book.now(), [])
