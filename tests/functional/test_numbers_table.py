"""The table of telephone numbers that is shipped: what the tool makes of its pinned source, and nothing else."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from consentgate.policy.numbers import shipped

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "consentgate" / "policy" / "numbers.txt"


def made(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/numbers.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_table_is_what_the_tool_makes_of_its_source(tmp_path: Path) -> None:
    done = made(str(tmp_path / "numbers.txt"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "numbers.txt").read_bytes() == TABLE.read_bytes()


def test_the_table_names_the_release_that_is_pinned() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    [pinned] = [each for each in groups["test"] if isinstance(each, str) and each.startswith("phonenumbers")]
    assert pinned == f"phonenumbers=={version('phonenumbers')}"
    assert shipped().source == pinned.replace("==", "-")


def test_whose_data_it_is_stands_in_the_notice_and_in_the_table() -> None:
    owner = "The Libphonenumber Authors"
    assert owner in (ROOT / "NOTICE").read_text("utf-8")
    assert owner in TABLE.read_text("ascii")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "NOTICE" in project["license-files"]


@pytest.mark.parametrize("arguments", [(), ("one", "two")])
def test_without_a_file_the_tool_says_how_it_is_used(arguments: tuple[str, ...]) -> None:
    done = made(*arguments)
    assert (done.returncode, done.stderr) == (
        2, "Usage: ``python tools/numbers.py consentgate/policy/numbers.txt``\n"
    )  # fmt: skip
