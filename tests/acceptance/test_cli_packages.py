"""`verify PACKAGE`: a package is judged where it lies, by anybody, with what they bring."""

import re
from pathlib import Path

import pytest

from consentgate.cli.main import run
from consentgate.config.packages import package_verified
from consentgate.crypto import timestamp
from consentgate.errors import InvalidInput, Unavailable
from tests.acceptance.deployment import Output, checked
from tests.acceptance.test_cli_golden import GOLDEN, masked
from tests.package.forge import ATTACKER
from tests.package.mutations import made
from tests.package.tiny import PACKAGE_KEY, POLICY, tiny
from tests.tsa import Tsa

pytestmark = pytest.mark.acceptance
FINGERPRINT = PACKAGE_KEY.public.kid


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny().write(tmp_path_factory.mktemp("package") / "good")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is neither a home nor a database."""
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "none"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Output:
    capsys.readouterr()
    code = run(["verify", *map(str, arguments)])
    printed = capsys.readouterr()
    return Output(exit=code, out=printed.out, err=printed.err)


@pytest.mark.usefixtures("nowhere")
def test_a_package_that_nobody_confirmed(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, good)
    assert (found.exit, found.err) == (3, "")
    assert "Nobody confirmed this key to you." in found.out
    assert "--fingerprint" in found.out
    assert "valid" not in found.out


@pytest.mark.usefixtures("nowhere")
def test_a_package_that_its_reader_confirms(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, good, "--fingerprint", FINGERPRINT)
    assert (found.exit, found.err) == (4, ""), "parts are withheld"
    assert "You confirmed this key." in found.out


@pytest.mark.usefixtures("nowhere")
def test_a_package_with_witnesses(good: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_bytes(POLICY)
    document = checked(said(capsys, good, "--fingerprint", FINGERPRINT, "--policy", policy, "--json").out)
    assert document["result"]["conclusion"] == "witnessed"
    assert document["result"]["witnesses"] == ["W0", "W1"]
    assert document["exit"] == 4


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("name", ["kid_lie", "manifest_truncated", "link"])
def test_a_package_that_is_broken(capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str) -> None:
    forge, told = made(name, tiny())
    found = said(capsys, forge.write(tmp_path / "p"), "--json")
    document = checked(found.out)
    assert (found.exit, document["exit"], document["result"]["conclusion"]) == (1, 1, "broken")
    assert len(document["findings"]) == len(told.findings)
    assert {
        (level["name"], each["kind"], each["where"])
        for level in document["result"]["levels"]
        for each in level["findings"]
    } == told.findings


@pytest.mark.usefixtures("nowhere")
def test_numbers_of_the_manifest_are_told_as_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    forge, _ = made("entries_emptied", tiny())
    found = said(capsys, forge.write(tmp_path / "p"))
    assert found.exit == 1
    assert "14 of 14 selected, as the manifest says" in found.out
    assert "15 open, 2 withheld, as the manifest says" in found.out
    assert re.search("answers +cannot judge", found.out)


@pytest.mark.usefixtures("nowhere")
def test_another_key_than_the_reader_has(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, good, "--fingerprint", ATTACKER.public.kid)
    assert found.exit == 1
    assert "whose fingerprint you gave" in found.out


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fingerprint", "short"], "copy it from the cover letter"),
        (["--vkey", "x"], "--vkey does not go with PACKAGE"),
        (["--no-keys"], "--no-keys does not go with PACKAGE"),
    ],
)
def test_what_does_not_go_together(
    good: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    found = said(capsys, good, *arguments)
    assert found.exit == 2
    assert told in found.err


@pytest.mark.usefixtures("nowhere")
def test_policies_that_cannot_be_used(good: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.write_bytes(b"quorum nobody\n")
    found = said(capsys, good, "--policy", policy)
    assert (found.exit, "cannot be used" in found.err) == (2, True)
    with pytest.raises(InvalidInput, match="is not there"):
        package_verified(good, policy=tmp_path / "none")
    with pytest.raises(Unavailable, match="cannot be read"):
        package_verified(good, policy=tmp_path)


@pytest.mark.usefixtures("nowhere")
def test_a_fingerprint_is_of_a_package(capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "--fingerprint", FINGERPRINT)
    assert (found.exit, "--fingerprint belongs to PACKAGE" in found.err) == (2, True)


@pytest.mark.usefixtures("nowhere")
def test_output_is_the_golden_one(
    good: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(good.parent)
    assert masked(said(capsys, good.name, "--json").out) == (GOLDEN / "verify-package.json").read_text()


@pytest.mark.usefixtures("nowhere")
def test_timestamps_take_certificates(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    forge = tiny().copy()
    tsa = Tsa(tmp_path / "tsa")
    stamp = tsa.answer(timestamp.query(forge.files["manifest.json"]).body)
    forge.files["manifest.json.tsr"] = stamp
    package = forge.write(tmp_path / "p")
    without = said(capsys, package)
    assert "Give the authority's certificates with --tsa-certs. Or by hand" in without.out
    assert "(RECIPES.txt, number 10): openssl ts" in without.out
    found = said(capsys, package, "--tsa-certs", tsa.certificates, "--fingerprint", FINGERPRINT, "--json")
    document = checked(found.out)
    assert document["result"]["conclusion"] == "witnessed"
    (one,) = document["result"]["timestamps"]
    assert (one["path"], one["by"]) == ("manifest.json", "Test authority")
    assert document["exit"] == 4
    (package / "manifest.json.tsr").write_bytes(stamp[:-1])
    found = said(capsys, package, "--tsa-certs", tsa.certificates)
    assert (found.exit, "manifest.json.tsr" in found.out) == (1, True)
    found = said(capsys, "--tsa-certs", tsa.certificates)
    assert (found.exit, "--tsa-certs belongs to PACKAGE" in found.err) == (2, True)
    with pytest.raises(Unavailable, match="cannot be read"):
        package_verified(package, authorities=tmp_path)
