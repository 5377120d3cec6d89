"""Briefs of packs that this release does not have: other conditions, other confidence, no version any more."""

from datetime import date

from consentgate.cli.brief import shown
from consentgate.packs.packset import PackSet

PACK = """\
format = 1
code = "XA"
name = "Example"
kind = "country"
tier = 3
confidence = "from-knowledge"
members = ["XB"]

[[laws]]
name = "Act"
citation = "Act 1"
in_force_to = 2026-12-31
status = "in_force_not_enforced"

[[versions]]
from = 2020-01-01
to = 2026-12-31

[versions.requirements]
consent_required = true
oral_consent_ok = true
consent_form = "opt_in"

[[versions.conditional_rules]]
id = "banks"
controller_type_not_in = ["bank"]
require = { consent_form = "explicit" }
level = "law"
cite = "Act 1"

[[versions]]
from = 2027-01-01
to = 2027-12-31

[versions.requirements]
consent_form = "explicit"
"""


def packs_of(text: str) -> PackSet:
    from hashlib import sha256

    data = text.encode()
    index = (
        f'{{"format": 1, "packs": {{"XA": {{"file": "XA.toml", "sha256": "{sha256(data).hexdigest()}"}}}}}}'
    )
    return PackSet(index.encode(), {"XA.toml": data}.__getitem__)


def page(day: date) -> str:
    return shown(packs_of(PACK), "XA", "XA", day, None).text


def test_condition_on_the_controller_that_tightens_says_who_is_spared() -> None:
    text = page(date(2026, 1, 1))
    assert "Unless the controller is asserted to be bank, by law" in text
    assert "The consent has to be explicit." in text
    assert "Members: XB." in text
    assert "Act: in force, not enforced, until 2026-12-31" in text
    assert "(from knowledge)" in text


def test_what_a_later_version_drops_is_named() -> None:
    text = page(date(2026, 1, 1))
    assert "From 2027-01-01" in text
    assert "No longer stated: Consent, Spoken consent." in text


def test_pack_that_has_ended_shows_what_it_said_last() -> None:
    assert "those below ended 2027-12-31" in " ".join(page(date(2030, 1, 1)).split())
