"""The recipes of `docs/formats` do what the page says, with tools that we did not write."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = re.compile(r"```sh\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


def recipes() -> list[tuple[str, str, str]]:
    return [
        (page, *found)
        for page in ("leaf", "part", "log")
        for found in RECIPE.findall((ROOT / "docs" / "formats" / f"{page}.md").read_text())
    ]


def test_every_page_has_recipes() -> None:
    assert {page for page, _, _ in recipes()} == {"leaf", "part", "log"}


@pytest.mark.skipif(
    not shutil.which("openssl"), reason="the recipes use openssl, which is not installed here"
)
@pytest.mark.parametrize(("page", "script", "expected"), recipes())
def test_recipe_prints_what_the_page_says(page: str, script: str, expected: str) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT / "tests" / "golden",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (expected.strip(), 0), done.stderr


def test_golden_checkpoint_stands_on_its_page() -> None:
    page = (ROOT / "docs" / "formats" / "log.md").read_text()
    assert f"```text-note\n{(ROOT / 'tests' / 'golden' / 'checkpoint.txt').read_text()}```" in page
