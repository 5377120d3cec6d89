"""A pack set is found by what somebody calls it, and what the ledger keeps is held to its digest."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from consentgate import canonical
from consentgate.config import packsets
from consentgate.config.setup import make_home
from consentgate.config.upkeep import reading
from consentgate.errors import InvalidInput, Malformed, Misconfigured, PackInvalid
from consentgate.packs.packset import shipped
from consentgate.storage.artifacts import ArtifactRow


def test_packs_in_use_are_the_deployments_or_those_of_the_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "nowhere"))
    assert packsets.in_use(None).digest == packsets.of_release().digest == shipped().digest
    with pytest.raises(Misconfigured):
        packsets.in_use(tmp_path / "nowhere")
    (tmp_path / "consentgate.toml").write_text("format = 2\n")
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path))
    with pytest.raises(Misconfigured):
        packsets.in_use(None)


def test_folder_is_a_set_when_it_holds_an_index(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"index\.json"):
        packsets.of_folder(tmp_path)
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(PackInvalid):
        packsets.of_folder(tmp_path)
    named = {"XA": {"file": "XA.toml", "sha256": sha256(b"x").hexdigest()}}
    (tmp_path / "index.json").write_text(json.dumps({"format": 1, "packs": named}))
    packs = packsets.of_folder(tmp_path)
    with pytest.raises(PackInvalid, match="restore it"):
        packs.pack("XA")
    (tmp_path / "XA.toml").write_bytes(b"y")
    with pytest.raises(PackInvalid, match="not the file"):
        packs.pack("XA")


def test_digest_is_read_in_both_spellings_and_nothing_else_is() -> None:
    digest = shipped().digest
    assert packsets.digest_named(canonical.b64(digest)) == packsets.digest_named(digest.hex()) == digest
    assert [
        packsets.digest_named(text) for text in ("", "shipped", "A" * 42, "z" * 64, digest.hex()[:-1])
    ] == [None] * 5


def test_index_that_is_not_the_one_of_its_digest_is_malformed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home", controller="acme")
    index = shipped().index
    row = ArtifactRow(digest=b"x" * 32, kind="packs", media_type="application/json", content=index)
    monkeypatch.setattr(packsets, "artifact_of", lambda *_: row)
    with reading(home.settings) as parts, pytest.raises(Malformed, match="consentgate verify"):
        packsets.of_ledger(parts, b"x" * 32)
