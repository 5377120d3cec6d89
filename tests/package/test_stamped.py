"""Packages with timestamps: what page, program and command say of them together, and what the command alone says."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from consentgate.config.packages import package_verified
from consentgate.crypto import timestamp
from consentgate.verify.package.levels import verify_package
from tests.browser import Browser, Page
from tests.functional.export.place import ASKED, stamping
from tests.package.forge import Forge
from tests.package.pages import agrees, judged, take
from tests.package.test_agreement import PROGRAM, both, found
from tests.packages import Exporter
from tests.tsa import Tsa, serving

MANIFEST: Final = "manifest.json.tsr"
CHECKPOINT: Final = "data/log/0/checkpoint.tsr"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tsa]:
    with serving(Tsa(tmp_path_factory.mktemp("tsa"))) as running:
        yield running


@pytest.fixture(scope="module")
def stamped(exporter: Exporter, tsa: Tsa, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real package with both timestamps."""
    folder = tmp_path_factory.mktemp("stamped")
    with stamping(exporter, folder, tsa) as gate:
        return gate.export("Stamped", folder / "out", **ASKED, query="kind=denial").folder


@pytest.fixture(scope="module")
def page(browser: Browser, page_file: Path) -> Iterator[Page]:
    with browser.page(page_file.as_uri()) as opened:
        yield opened


def bent(path: str) -> Callable[[Forge], None]:
    """The last byte of a timestamp, of its signature, is another."""

    def change(forge: Forge) -> None:
        data = forge.files[path]
        forge.files[path] = data[:-1] + bytes([data[-1] ^ 1])

    return change


def garbage(path: str) -> Callable[[Forge], None]:
    return lambda forge: forge.files.update({path: b"garbage"})


def removed(path: str) -> Callable[[Forge], None]:
    return lambda forge: forge.files.__delitem__(path)


def exchanged(forge: Forge) -> None:
    forge.files[MANIFEST], forge.files[CHECKPOINT] = forge.files[CHECKPOINT], forge.files[MANIFEST]


# What is done; what all three find; what the command finds besides with the authority's certificates.
CASES: Final[dict[str, tuple[Callable[[Forge], object], set[str], set[str]]]] = {
    "nothing": (lambda _: None, set(), set()),
    "the manifest's bent": (bent(MANIFEST), set(), {f"forged {MANIFEST}"}),
    "the manifest's garbage": (garbage(MANIFEST), set(), {f"malformed {MANIFEST}"}),
    "the manifest's removed": (removed(MANIFEST), set(), set()),
    "the checkpoint's bent": (bent(CHECKPOINT), {f"altered {CHECKPOINT}"}, {f"forged {CHECKPOINT}"}),
    "the checkpoint's garbage": (garbage(CHECKPOINT), {f"altered {CHECKPOINT}"}, {f"malformed {CHECKPOINT}"}),
    "the checkpoint's removed": (removed(CHECKPOINT), {f"missing {CHECKPOINT}"}, set()),
    "exchanged": (exchanged, {f"altered {CHECKPOINT}"}, {f"altered {MANIFEST}", f"altered {CHECKPOINT}"}),
}


@pytest.mark.parametrize("case", CASES)
def test_all_three_say_the_same_and_the_command_more_with_certificates(
    program: ModuleType, page: Page, stamped: Path, tsa: Tsa, tmp_path: Path, case: str
) -> None:
    change, together, alone = CASES[case]
    forge = Forge.of(stamped)
    whole = dict(forge.files)
    change(forge)
    folder = forge.write(tmp_path / "p", stamped, whole)
    one, _ = both(program, folder)
    assert found(one) == {("files", *each.split(" ")) for each in together}
    assert {level.name: level.verdict for level in one.levels}["timestamps"] == "cannot_judge"
    judgement = judged(page, folder)
    assert {tuple(each) for each in judgement["findings"]} == found(one)
    assert judgement["conclusion"] == one.conclusion
    agrees(judgement, one)
    # Only with them is one judged, and nothing else is judged otherwise.
    for fingerprint, conclusion in ((None, "consistent"), (one.fingerprint, "witnessed")):
        trusting = package_verified(folder, fingerprint=fingerprint, authorities=tsa.certificates)
        assert found(trusting) - found(one) == {("timestamps", *each.split(" ")) for each in alone}
        assert found(one) <= found(trusting)
        assert trusting.conclusion == ("broken" if together | alone else conclusion)


def test_an_authority_does_not_vouch_for_who_signed(
    program: ModuleType, stamped: Path, tsa: Tsa, tmp_path: Path
) -> None:
    forge = Forge.of(stamped)
    forge.mend()
    forge.files[MANIFEST] = tsa.answer(timestamp.query(forge.files["manifest.json"]).body)
    both(program, forge.write(tmp_path / "p", stamped, Forge.of(stamped).files))
    one = package_verified(tmp_path / "p", authorities=tsa.certificates)
    assert (one.conclusion, one.exit_code, found(one)) == ("consistent", 3, set())
    assert [each.path for each in one.stamped] == ["manifest.json", "data/log/0/checkpoint"]
    assert one.sentences[2] == "Nobody confirmed this key to you."


def test_each_says_that_it_leaves_them_to_openssl(page: Page, stamped: Path) -> None:
    command = [sys.executable, "-I", str(PROGRAM), str(stamped)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    take(page, stamped)
    shown = page.evaluate("document.body.innerText")
    (note,) = verify_package(stamped).notes
    assert "timestamps  cannot judge" in said
    for text in (said, shown, note):
        assert "RECIPES.txt, number 10" in text
        assert "openssl" in text
    for text in (shown, note):
        assert (
            f"openssl ts -verify -in {CHECKPOINT} -data data/log/0/checkpoint -CAfile authority.pem" in text
        )
