"""A notice is checked by what its manifest claims, against the law of the places where it is to be used."""

from datetime import date
from typing import Any

import pytest

from consentgate.config.lint import Flaw, lint, of_version
from consentgate.consent.notice import Manifest, describe
from consentgate.consent.terms import NOTICE_ELEMENTS
from consentgate.packs.packset import shipped
from consentgate.policy.assertions import Standing

DAY = date(2026, 11, 22)
PACKS = shipped()
WHOLE: dict[str, Any] = {
    "id": "voiceprint",
    "version": "2",
    "language": "en",
    "media_type": "text/plain",
    "in_writing": True,
    "elements": list(NOTICE_ELEMENTS),
    "consent_form": "written_release",
    "purposes": ["authentication"],
    "operations": ["search"],
    "controllers": ["acme"],
    "separate": True,
}


def manifest(**change: Any) -> Manifest:
    return describe(b"", WHOLE | change)


def flaws(notice: Manifest, *codes: str, standing: Standing | None = None) -> tuple[Flaw, ...]:
    return lint(notice, codes, notice.purposes, PACKS, day=DAY, standing=standing or Standing())


def kinds(notice: Manifest, *codes: str, standing: Standing | None = None) -> set[tuple[str, str]]:
    return {(each.kind, each.detail) for each in flaws(notice, *codes, standing=standing)}


def test_notice_that_says_everything_lacks_nothing() -> None:
    assert flaws(manifest(), "US-IL", "US-CO", "GB") == ()


def test_missing_element_is_named_once_with_everybody_who_asks_for_it() -> None:
    elements = [each for each in NOTICE_ELEMENTS if each != "length_of_term"]
    [flaw] = flaws(manifest(elements=elements), "US-IL", "US-CO", "US")
    assert (flaw.kind, flaw.detail, flaw.codes) == ("element_missing", "length_of_term", ("US-CO", "US-IL"))
    assert {basis.pack for basis in flaw.bases} == {"US-CO", "US-IL"}
    assert all(basis.citation for basis in flaw.bases)
    assert not flaw.is_advice


def test_element_under_a_flag_is_advice_until_the_flag_is_asserted() -> None:
    elements = [each for each in NOTICE_ELEMENTS if each != "cross_border_transfer"]
    notice = manifest(elements=elements, language="fr")
    asked = "cross_border_transfer"
    assert kinds(notice, "FR") == {("element_conditional", f"{asked} unless cross_border is denied")}
    assert kinds(notice, "FR", standing=Standing(cross_border=False)) == set()
    assert kinds(notice, "FR", standing=Standing(cross_border=True)) == {("element_missing", asked)}


@pytest.mark.parametrize(
    ("change", "code", "kind"),
    [
        ({"consent_form": "opt_in"}, "US-IL", "form_insufficient"),
        ({"in_writing": False}, "US-IL", "not_in_writing"),
        ({"separate": False}, "US-CO", "not_separate"),
        ({"operations": ["search", "disclose"]}, "US-TX", "disclosure_not_asked"),
        ({"operations": ["search", "disclose"]}, "US-IL", "disclosure_not_asked"),
        (
            {"operations": ["search", "disclose"], "disclosure_consent": "same"},
            "US-WA",
            "disclosure_not_asked",
        ),
        ({}, "XX", "unknown_jurisdiction"),
    ],
)
def test_what_the_law_asks_of_a_notice_is_found(change: dict[str, Any], code: str, kind: str) -> None:
    found = [each for each in flaws(manifest(**change), code) if not each.is_advice]
    assert [each.kind for each in found] == [kind]


def test_disclosure_that_is_asked_for_as_the_law_wants_it_is_no_flaw() -> None:
    asked = manifest(operations=["search", "disclose"], disclosure_consent="separate")
    assert flaws(asked, "US-WA", "US-IL") == ()


def test_language_and_places_that_do_not_fit_are_advice() -> None:
    found = flaws(manifest(language="en-GB", jurisdictions=["US", "DE"]), "FR", "US-IL", "DE")
    assert all(each.is_advice for each in found)
    assert {(each.kind, each.codes) for each in found} == {
        ("not_written_for", ("FR",)),
        ("language", ("FR",)),
        ("language", ("DE",)),
    }


def test_version_is_compared_with_the_notices_of_the_ledger() -> None:
    notice = manifest()
    newer, other = manifest(version="3"), manifest(in_writing=False)
    foreign = manifest(language="fr", version="9")
    assert list(of_version(notice, [notice, foreign], stored=True)) == []
    assert [each.kind for each in of_version(notice, [newer], stored=True)] == ["newer_version"]
    assert [each.kind for each in of_version(notice, [other], stored=False)] == ["version_taken"]
    assert list(of_version(notice, [other], stored=True)) == []
