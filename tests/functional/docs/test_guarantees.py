"""Each guarantee names tests that there are."""

import ast
import re

import pytest

from tests.functional.docs.pages import ROOT, text_of

PAGE = text_of("docs/reference/guarantees.md")
CLAIM = re.compile(r"^\| (?!guarantee |---)(.+?) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
CLAIMS = CLAIM.findall(PAGE)


def names_in(path: str) -> set[str]:
    """Names of the tests in a file, that are run and not only there."""
    tree = ast.parse(text_of(f"tests/{path}"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


@pytest.mark.parametrize(("guarantee", "proofs"), CLAIMS)
def test_guarantee_has_proofs_that_exist(guarantee: str, proofs: str) -> None:
    named = TEST.findall(proofs)
    assert named, guarantee
    assert proofs == " ".join(f"`{path}::{name}`" for path, name in named)
    assert [(path, name) for path, name in named if name not in names_in(path)] == []


def test_every_invariant_has_guarantees() -> None:
    sections = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert [s for s in sections if s[0].isdigit()] == [
        "1. No ungated request",
        "2. No unexplained decision",
        "3. No silent loss",
        "4. Nothing readable for ever",
        "5. Nothing proprietary",
    ]
    assert sections[-1] == "Not guaranteed yet"
    assert len(CLAIMS) == len({claim for claim, _ in CLAIMS}) > 50
    assert (ROOT / "tests").is_dir()
