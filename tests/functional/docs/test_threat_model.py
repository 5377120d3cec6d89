"""What the threat model says is refused or found is refused or found by tests that there are."""

import re

import pytest

from tests.functional.docs.pages import text_of
from tests.functional.docs.test_guarantees import TEST, names_in

PAGE = text_of("docs/explanation/threat-model.md")
ROW = re.compile(r"^\| (.+) \| (`[^|]+`) \|$", re.MULTILINE)
CLAIMS = ROW.findall(PAGE)


@pytest.mark.parametrize(("claim", "proofs"), CLAIMS)
def test_claim_has_tests_that_exist(claim: str, proofs: str) -> None:
    named = TEST.findall(proofs)
    assert named, claim
    assert proofs == " ".join(f"`{path}::{name}`" for path, name in named)
    assert [(path, name) for path, name in named if name not in names_in(path)] == []


def test_no_row_of_a_table_goes_without_proof() -> None:
    headings = re.findall(r"^\|.+proved by \|$", PAGE, re.MULTILINE)
    rules = re.findall(r"^\|[-|]+\|$", PAGE, re.MULTILINE)
    assert len(rules) == len(headings)
    assert len(re.findall(r"^\|", PAGE, re.MULTILINE)) == len(CLAIMS) + 2 * len(headings)


def test_every_attacker_has_a_table_and_the_page_ends_with_what_is_not_protected() -> None:
    attackers = PAGE.partition("## Who may attack, and what they find")[2].partition("\n## ")[0]
    sections = attackers.split("\n### ")[1:]
    assert len(sections) == 10
    assert [s.splitlines()[0] for s in sections if "| proved by |" not in s] == []
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE)[-1] in (
        "What is not protected",
        "What the tests show",
    )
    open_ends = re.findall(r"^\*\*(.+?)\*\*", PAGE.partition("## What is not protected")[2], re.MULTILINE)
    assert len(open_ends) == len(set(open_ends)) > 9
    assert len(CLAIMS) > 35
