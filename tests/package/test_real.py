"""What the exporter makes: the verifiers agree on it, and so do tools of others."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import bagit  # type: ignore[import-untyped]  # it has no types
import pytest

from consentgate.export import verifier
from consentgate.export.making import Package
from consentgate.verify.package.levels import verify_package
from tests.browser import Browser
from tests.package.forge import Forge
from tests.package.mutations import made as altered
from tests.package.pages import agrees, judged
from tests.package.test_agreement import both, found

# Those that show something else in a package with many kinds of entries, many artifacts and no policy.
CHOSEN = (
    "rebuilt_wholly",
    "table_altered_signed",
    "outcome_removed",
    "outcome_relabelled_everywhere",
    "record_removed_renumbered",
    "record_hidden",
    "keys_swapped",
    "two_key_token",
    "statement_replaced",
    "registry_removed",
    "node_added",
    "checkpoint_of_another_log",
    "readable_content_altered",
)


@pytest.fixture(scope="module")
def forged(package: Path) -> Forge:
    return Forge.of(package)


@pytest.mark.parametrize("which", ["package", "narrow_package"])
def test_what_the_exporter_makes_holds(
    program: ModuleType, which: str, made: Package, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    key = (folder.parent / f"{folder.name}.COVER-LETTER.txt").read_text("utf-8")
    one, _ = both(program, folder)
    assert {level.verdict for level in one.levels} == {"holds"}
    assert one.fingerprint is not None
    assert one.fingerprint in key
    confirmed, _ = both(program, folder, fingerprint=one.fingerprint)
    assert (confirmed.conclusion, confirmed.exit_code) == ("confirmed", 4)


@pytest.mark.parametrize("name", CHOSEN)
def test_each_mutation_is_told(
    program: ModuleType, package: Path, forged: Forge, tmp_path: Path, name: str
) -> None:
    forge, told = altered(name, forged)
    one, _ = both(program, forge.write(tmp_path / "p", package, forged.files))
    assert found(one) == told.findings
    assert one.conclusion == told.conclusion


@pytest.mark.parametrize("name", CHOSEN)
def test_the_page_tells_it_too(
    browser: Browser, page_file: Path, package: Path, forged: Forge, tmp_path: Path, name: str
) -> None:
    forge, told = altered(name, forged)
    folder = forge.write(tmp_path / "p", package, forged.files)
    with browser.page(page_file.as_uri()) as page:
        judgement = judged(page, folder)
    other = verify_package(folder)
    assert {tuple(each) for each in judgement["findings"]} == told.findings
    assert judgement["conclusion"] == told.conclusion
    agrees(judgement, other)


def test_a_bag_tool_accepts_the_package(package: Path) -> None:
    bagit.Bag(str(package)).validate()


def test_the_program_in_the_package_verifies_it(package: Path) -> None:
    carried = package / "verify.py"
    assert carried.read_bytes() == (Path(str(verifier.__path__[0])) / "verify.py").read_bytes()
    before = sorted(package.rglob("*"))
    command = [sys.executable, "-I", "-W", "error", str(carried)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (3, "")
    assert "Consistent with itself." in done.stdout
    assert sorted(package.rglob("*")) == before
