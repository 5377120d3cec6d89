"""Packages that were handed out verify for ever: golden packages of each version of the format, never rewritten."""

import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.package.forge import Forge
from tests.package.test_agreement import both
from tests.package.tiny import PACKAGE_KEY, POLICY, tiny
from tests.tools.golden_package import GOLDEN

# The key of the deployment that made the package, as its cover letter gave it.
EXPORTED = {"exported-0.1.0": "CnXB1JtcEHRGAxnQO0QaImsPteW_0UKdEUYvsmugSYg"}


def test_the_small_package_is_the_golden_one() -> None:
    assert Forge.of(GOLDEN / "v1").files == tiny().files


def test_the_small_package_still_verifies(program: ModuleType) -> None:
    one, _ = both(program, GOLDEN / "v1", fingerprint=PACKAGE_KEY.public.kid, policy=POLICY)
    assert {level.verdict for level in one.levels} == {"holds"}
    assert (one.conclusion, one.witnesses) == ("witnessed", ("W0", "W1"))


@pytest.mark.parametrize("name", EXPORTED)
def test_what_was_exported_still_verifies(program: ModuleType, name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(GOLDEN / f"{name}.zip") as packed:
        packed.extractall(tmp_path)
    one, _ = both(program, tmp_path, fingerprint=EXPORTED[name])
    assert {level.verdict for level in one.levels} == {"holds"}
    assert one.conclusion == "confirmed"
