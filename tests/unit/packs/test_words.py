"""Packs and notices speak of the same elements; the two layers do not import each other."""

from consentgate.consent import terms
from consentgate.packs import rules


def test_packs_ask_for_elements_that_notices_can_have() -> None:
    assert frozenset(terms.NOTICE_ELEMENTS) == rules.NOTICE_ELEMENTS
