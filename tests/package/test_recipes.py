"""What `RECIPES.txt` of a package says is what happens, with tools that we did not write."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from consentgate.canonical import unb64
from consentgate.crypto import timestamp
from consentgate.crypto.jwk import public_key_from_jwk
from consentgate.export import verifier
from tests.tsa import Tsa

RECIPES = (Path(str(verifier.__path__[0])) / "RECIPES.txt").read_text("ascii")
SCRIPTS = {
    int(number): "\n".join(re.findall(r"^    (.*)$", text, re.MULTILINE))
    for number, text in re.findall(r"(?ms)^(\d+)\. (.*?)(?=^\d+\. |\Z)", RECIPES)
}
GOOD = "Signature Verified Successfully"

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed here")


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-eu", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def printed(number: int, folder: Path) -> str:
    done = run(SCRIPTS[number], folder)
    assert done.stderr == ""
    return done.stdout.strip()


def test_there_are_ten() -> None:
    assert list(SCRIPTS) == list(range(1, 11))
    assert all(SCRIPTS.values())


def test_the_package_carries_them(package: Path) -> None:
    assert (package / "RECIPES.txt").read_text("ascii") == RECIPES


def test_hashes(package: Path) -> None:
    assert printed(1, package) == ""


def test_fingerprint(package: Path) -> None:
    key = public_key_from_jwk(json.loads((package / "package.jwk").read_text()))
    assert printed(2, package) == key.kid


@pytest.mark.parametrize("number", [3, 4, 9])
def test_signatures(package: Path, number: int) -> None:
    assert printed(number, package) == GOOD


def test_a_signature_that_does_not_fit_is_told(package: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(package, tmp_path / "p"))
    manifest = copied / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"Doe", b"Roe"))
    assert "differ" in run(SCRIPTS[3], copied).stdout
    signature = copied / "manifest.jws"
    head, _, _ = signature.read_text().rpartition(".")
    signature.write_text(f"{head}.{'A' * 86}")
    assert GOOD not in run(SCRIPTS[3], copied).stdout


def test_claims(package: Path) -> None:
    claims = json.loads(printed(5, package))
    notice = unb64(claims["notice"]["digest"])
    found = {hashlib.sha256(each.read_bytes()).digest() for each in (package / "data/notices").iterdir()}
    assert notice in found


def test_leaf_hash_and_parts(package: Path) -> None:
    line = json.loads((package / "data/records/entries.jsonl").read_text().split("\n", 1)[0])
    leaf = unb64(line["leaf"])
    assert printed(6, package).split() == [hashlib.sha256(b"\0" + leaf).hexdigest(), "-"]
    digest, shown = printed(7, package).split("\n")
    assert shown == leaf.decode()
    assert digest in {part["d"] for part in json.loads(leaf)["parts"]}
    named, computed = printed(8, package).split("\n")
    assert named == computed


def test_timestamps(package: Path, tmp_path: Path) -> None:
    tsa = Tsa(tmp_path / "tsa")
    copied = Path(shutil.copytree(package, tmp_path / "p"))
    assert run(SCRIPTS[10], copied).stdout == "", "it has none"
    for about in (copied / "manifest.json", copied / "data/log/0/checkpoint"):
        about.with_name(f"{about.name}.tsr").write_bytes(tsa.answer(timestamp.query(about.read_bytes()).body))
    script = f"authority={tsa.certificates}\n{SCRIPTS[10]}"
    done = run(script, copied)
    assert done.stdout.count("Verification: OK") == 2
    assert "Time stamp: " in done.stdout
    (copied / "data/log/0/checkpoint").write_bytes(b"another")
    assert run(script, copied).stdout.count("Verification: OK") == 1
