import re
from pathlib import Path

import pytest
import yaml

from consentgate.errors import ConsentDenied, InvalidInput
from consentgate.packs.pack import Basis
from consentgate.policy.reasons import DEFINITIONS, reason

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "reasons.md").read_text("utf-8")
SCENARIOS = yaml.safe_load((ROOT / "tests" / "scenarios" / "public.yaml").read_text("utf-8"))


def test_the_laws_family_is_that_of_the_scenarios() -> None:
    assert {code for code, each in DEFINITIONS.items() if each.family == "law"} == {
        *SCENARIOS["reason_codes"]
    }


def test_the_page_lists_every_reason_with_its_words_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert {code: (sentence, cure) for code, sentence, cure in rows} == {
        code: (each.sentence, each.cure) for code, each in DEFINITIONS.items()
    }


@pytest.mark.parametrize("code", sorted(DEFINITIONS))
def test_sentences_and_cures_are_sentences(code: str) -> None:
    each = DEFINITIONS[code]
    for text in (each.sentence, each.cure):
        assert re.fullmatch(r"[A-Z].*[^.]\.", text)


def test_a_reason_says_what_whose_and_under_which_law() -> None:
    bases = (Basis(pack="CA-QC", citation="s. 44"), Basis(pack="US-IL", citation="14/15"))
    found = reason("NOTICE_INCOMPLETE", "policy_url", "legal_basis", speaker="caller 1", bases=bases)
    assert found.law == "CA-QC: s. 44; US-IL: 14/15"
    assert (found.pack, found.family) == ("CA-QC", "law")
    assert found.sentence.endswith("lacks what it has to say: policy_url, legal_basis.")
    assert "caller 1: NOTICE_INCOMPLETE" in str(ConsentDenied((found,), "e1"))


def test_a_missing_input_is_part_of_the_code() -> None:
    found = reason("INPUT_MISSING", "purpose", speaker="caller 1")
    assert (found.code, found.family, found.law, found.pack) == ("INPUT_MISSING:purpose", "gate", None, None)
    assert found.definition is DEFINITIONS["INPUT_MISSING"]


def test_codes_outside_the_list_are_refused() -> None:
    with pytest.raises(InvalidInput):
        reason("WEATHER")
