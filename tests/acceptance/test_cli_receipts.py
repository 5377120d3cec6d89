"""What leaves the house about the log: receipts and published files, and how they are verified there."""

from pathlib import Path

import pytest

from consentgate.tlog.cosignature import WitnessSigner
from consentgate.tlog.note import parse_note, signature_line
from tests.acceptance.deployment import Deployment, Program
from tests.foreign import Key, Log

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


def test_published_log_is_audited_from_a_checkpoint_on(program: Program, vkey: str, tmp_path: Path) -> None:
    folder, kept = tmp_path / "public", tmp_path / "kept"
    program("log", "publish", folder, "--with-leaves")
    kept.write_bytes((folder / "checkpoint").read_bytes())
    size = int(kept.read_text().split("\n")[1])
    ours = ("log", "verify", "--tiles", folder, "--vkey", vkey, "--from", kept)
    result = program.json(*ours)["result"]
    assert result["pinned"]["not_read"] == {"first": 0, "last": size - 1}
    assert f"positions 0 to {size - 1}" in program(*ours).out
    assert program.json(*ours[:-2])["result"]["pinned"] is None
    kept.write_text(kept.read_text().replace(f"\n{size}\n", f"\n{size + 1}\n"))
    assert program(*ours).exit == 2
    assert "no checkpoint that" in " ".join(program(*ours).err.split())


def test_log_of_somebody_else_is_audited(program: Program, tmp_path: Path) -> None:
    log = Log(Key("sum.example", bytes(range(32))), "go.sum database tree")
    for path, data in log.files(700).items():
        file = tmp_path / "theirs" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (tmp_path / "kept").write_bytes(log.checkpoint(600))
    theirs = ("log", "verify", "--tiles", tmp_path / "theirs", "--vkey", log.key.vkey)
    document = program.json(*theirs, exit=1)
    assert [(each["kind"], each["where"]) for each in document["findings"]] == [("unsigned", "checkpoint")]
    named = (*theirs, "--origin", log.origin)
    assert {each["verdict"] for each in program.json(*named)["result"]["levels"]} == {"holds"}
    assert program(*named, "--from", tmp_path / "kept").exit == 0
    forked = Log(log.key, log.origin, lambda at: str(at).encode())
    (tmp_path / "kept").write_bytes(forked.checkpoint(600))
    document = program.json(*named, "--from", tmp_path / "kept", exit=1)
    assert [(each["kind"], each["where"]) for each in document["findings"]] == [
        ("altered", "tree of the first 600 entries")
    ]


def test_folder_with_no_log_is_not_sound(program: Program, tmp_path: Path) -> None:
    assert program("log", "verify", "--tiles", tmp_path).exit == 1
    assert program("log", "verify", "--tiles", tmp_path / "none").exit == 2
    assert program("log", "verify").exit == 2


@pytest.fixture
def witness() -> WitnessSigner:
    """A witness of the test's own."""
    return WitnessSigner.generate("witness.example/w1", lambda size: bytes(range(size)))


def test_witnesses_are_judged_by_the_policy_that_is_given(
    program: Program, entry: str, vkey: str, tmp_path: Path, witness: WitnessSigner
) -> None:
    path, folder, policy = tmp_path / "receipt.tlog-proof", tmp_path / "public", tmp_path / "policy"
    policy.write_text(f"log {vkey}\nwitness W {witness.key.vkey}\nquorum W\n")
    program("log", "prove", entry, "--out", path)
    program("log", "publish", folder)
    commands = (
        ("verify", "--proof", path, "--policy", policy, "--vkey", vkey),
        ("log", "verify", "--tiles", folder, "--policy", policy, "--vkey", vkey),
    )
    for command in commands:
        document = program.json(*command, exit=1)
        assert document["result"]["levels"][-1] | {"until": None} == {
            "name": "witnesses",
            "verdict": "broken",
            "until": None,
        }
        assert [each["where"] for each in document["findings"]] == ["cosignatures"]
    note = (folder / "checkpoint").read_text()
    line = signature_line(witness.cosign(parse_note(note).text, 1763812800))
    for each in (path, folder / "checkpoint"):
        each.write_text(each.read_text() + line)
    for command in commands:
        said = program.bare(*command, "--home", tmp_path / "none")
        assert (said.exit, said.err, "enough witnesses" in said.out) == (0, "", True)


def test_policy_that_cannot_be_used_is_named(program: Program, entry: str, tmp_path: Path) -> None:
    path, policy = tmp_path / "receipt.tlog-proof", tmp_path / "policy"
    policy.write_text("quorum W\n")
    program("log", "prove", entry, "--out", path)
    said = program("verify", "--proof", path, "--policy", policy)
    assert (said.exit, "Line 1 of the policy" in " ".join(said.err.split())) == (2, True)
    assert program("verify", "--proof", path, "--policy", tmp_path / "none").exit == 2
    said = program("verify", "--policy", policy)
    assert (said.exit, "Line 1 of the policy" in " ".join(said.err.split())) == (2, True)
