"""What `RECIPES.txt` of a package says is what happens, with tools that we did not write."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from consentgate import Speaker
from consentgate.canonical import b64, unb64
from consentgate.crypto import timestamp
from consentgate.crypto.jwk import generate_signing_key, public_key_from_jwk
from consentgate.export import verifier
from tests.functional.export.place import ASKED, copied
from tests.packages import Exporter, keep_log
from tests.tsa import Tsa

RECIPES = (Path(str(verifier.__path__[0])) / "RECIPES.txt").read_text("ascii")
SCRIPTS = {
    int(number): "\n".join(re.findall(r"^    (.*)$", text, re.MULTILINE))
    for number, text in re.findall(r"(?ms)^(\d+)\. (.*?)(?=^\d+\. |\Z)", RECIPES)
}
WEB = "https://web.acme.example"
GOOD = "Signature Verified Successfully"

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed here")


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-eu", "-c", script]
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


@pytest.mark.parametrize("number", [3, 9])
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


@pytest.fixture(scope="module")
def mixed(exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with statements of both kinds of keys."""
    folder, key = tmp_path_factory.mktemp("mixed"), generate_signing_key("ES256")
    with copied(exporter, folder) as gate:
        gate.add_issuer(WEB, name="Web", key=key.public)
        somebody = Speaker([("customer", "6006")], [], adult=True)
        gate.issuer(WEB, key).grant(somebody, notice="everything", method="web_form")
        keep_log(gate)
        return gate.export("Mixed", folder / "out", **ASKED, query="kind=statement").folder


def headers(folder: Path) -> dict[str, dict[str, str]]:
    """Headers of the statements of a package, by path."""
    found = sorted((folder / "data/statements").iterdir())
    return {
        str(path.relative_to(folder)): json.loads(unb64(path.read_text().split(".")[0])) for path in found
    }


def told(folder: Path) -> dict[str, list[str]]:
    """What the recipe says of each statement: the key's thumbprint, and what openssl found."""
    lines = (line.split("  ") for line in run(SCRIPTS[4], folder).stdout.splitlines())
    return {path: said for path, *said in lines}


def test_every_statement(package: Path, mixed: Path) -> None:
    algorithms = {each["alg"] for each in headers(mixed).values()}
    assert algorithms == {"EdDSA", "ES256"}
    for folder in (package, mixed):
        assert printed(4, folder) != ""
        assert told(folder) == {path: [each["kid"], GOOD] for path, each in headers(folder).items()}


def another_claim(token: list[str]) -> None:
    token[1] = token[1][:-8] + ("AAAA" if token[1][-8:-4] != "AAAA" else "BBBB") + token[1][-4:]


def another_signature(token: list[str]) -> None:
    token[2] = ("A" if token[2][0] != "A" else "B") + token[2][1:]


def shorter_signature(token: list[str]) -> None:
    token[2] = token[2][:-40]


def another_key(token: list[str]) -> None:
    header = json.loads(unb64(token[0]))
    token[0] = b64(json.dumps({**header, "kid": "A" * 43}, separators=(",", ":")).encode())


@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
@pytest.mark.parametrize("change", [another_claim, another_signature, shorter_signature, another_key])
def test_a_statement_that_was_changed_is_told(
    mixed: Path, tmp_path: Path, alg: str, change: Callable[[list[str]], None]
) -> None:
    copy = Path(shutil.copytree(mixed, tmp_path / "p"))
    path = next(path for path, each in headers(mixed).items() if each["alg"] == alg)
    token = (copy / path).read_text().split(".")
    change(token)
    (copy / path).write_text(".".join(token))
    assert {each for each, said in told(copy).items() if said[-1] != GOOD} == {path}


def test_a_key_under_another_keys_name_is_told_by_its_own(mixed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(mixed, tmp_path / "p"))
    path, header = next((path, each) for path, each in headers(mixed).items() if each["alg"] == "ES256")
    forger = generate_signing_key("ES256")
    other = forger.public.jwk()
    signed, _, _ = (copy / path).read_text().rpartition(".")
    (copy / path).write_text(f"{signed}.{b64(forger.sign(signed.encode()))}")
    keys = copy / "data/keys/issuers.jwks.json"
    listed = json.loads(keys.read_text())
    for each in listed["keys"]:
        if each["kid"] == header["kid"]:
            each["x"], each["y"] = other["x"], other["y"]
    keys.write_text(json.dumps(listed, separators=(",", ":")))
    assert told(copy)[path] == [forger.public.kid, GOOD]


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
