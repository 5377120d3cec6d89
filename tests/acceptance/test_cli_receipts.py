"""What leaves the house about the log: receipts and published files, and how they are verified there."""

from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance


@pytest.fixture
def entry(program: Program) -> str:
    """The id of an entry."""
    found: str = program.json("entries", "list")["result"]["items"][0]["id"]
    return found


@pytest.fixture
def vkey(deployed: Deployment) -> str:
    """The log's public key."""
    return (deployed.home / "log.vkey").read_text().strip()


def test_receipt_is_verified_without_a_home(program: Program, entry: str, vkey: str, tmp_path: Path) -> None:
    path = tmp_path / "receipt.tlog-proof"
    made = program.json("log", "prove", entry[-8:], "--out", path)["result"]
    assert (made["entry"], made["position"], made["file"]) == (entry, 0, str(path))
    said = program.bare("verify", "--proof", path, "--vkey", vkey, "--home", tmp_path / "none")
    assert (said.exit, said.err) == (0, "")
    assert "cannot judge" not in said.out
    assert program("verify", "--proof", path).exit == 0
    verdicts = [each["verdict"] for each in program.json("verify", "--proof", path)["result"]["levels"]]
    assert verdicts == ["holds", "holds", "holds"]
    said = program.bare("verify", "--proof", path, "--home", tmp_path / "none")
    assert (said.exit, "give --vkey" in said.out) == (3, True)


def test_receipt_goes_where_nothing_is(
    program: Program, entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert program("log", "prove", entry).exit == 0
    assert [path.name for path in tmp_path.glob("*.tlog-proof")] == [f"{entry}.tlog-proof"]
    said = program("log", "prove", entry)
    assert (said.exit, "is there already" in said.err) == (2, True)
    said = program("log", "prove", entry, "--out", "no/such/folder")
    assert (said.exit, "cannot be written" in said.err) == (3, True)


def test_altered_receipt_is_broken(program: Program, entry: str, tmp_path: Path) -> None:
    path = tmp_path / "receipt.tlog-proof"
    program("log", "prove", entry, "--out", path)
    path.write_text(path.read_text().replace("index 0", "index 1"))
    document = program.json("verify", "--proof", path, exit=1)
    assert [each["kind"] for each in document["findings"]] == ["altered"]
    (tmp_path / "leaf").write_bytes(b"{}")
    assert program("verify", "--proof", path, "--leaf", tmp_path / "leaf").exit == 1
    assert program("verify", "--leaf", tmp_path / "leaf").exit == 2
    assert program("verify", "--proof", path, "--vkey", "nonsense").exit == 2


def test_published_log_is_audited_from_its_files(program: Program, vkey: str, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    done = program.json("log", "publish", folder, "--with-leaves")["result"]
    assert done["files"] == 3
    assert program.json("log", "publish", folder)["result"] == {**done, "files": 0}
    said = program.bare("log", "verify", "--tiles", folder, "--vkey", vkey, "--home", tmp_path / "none")
    assert (said.exit, said.err) == (0, "")
    assert len(program.json("log", "verify", "--tiles", folder)["result"]["levels"]) == 3
    (tile,) = folder.glob("tile/0/*/*")
    tile.write_bytes(tile.read_bytes()[:-32])
    document = program.json("log", "verify", "--tiles", folder, exit=1)
    assert [(each["kind"], each["where"]) for each in document["findings"]] == [
        ("malformed", str(tile.relative_to(folder)))
    ]


def test_folder_with_no_log_is_not_sound(program: Program, tmp_path: Path) -> None:
    assert program("log", "verify", "--tiles", tmp_path).exit == 1
    assert program("log", "verify", "--tiles", tmp_path / "none").exit == 2
    assert program("log", "verify").exit == 2
