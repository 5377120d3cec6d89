"""Every field, one step stricter and one step looser."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.packs.period import Period
from consentgate.packs.rules import RULE_NAMES, Rules
from consentgate.packs.tighter import DEFAULT_AGE, SHOWN, is_within, loosened
from consentgate.packs.toml import load
from consentgate.policy import demands
from tests.unit.packs.texts import pack_text

ORAL = "oral_consent_ok = true\n"
CLOCK = '{ trigger = "%s", within = "%s" }'
WITHDRAWAL = (
    "{ supported = %s, effect = %s, stop_deadline = %s, deletion_required = %s, deletion_deadline = %s }"
)
AUTHORITY = '{ required = %s, kind = "%s", lead_time = "%s", gate = %s }'
FLAGS = (
    "notice_required",
    "notice_in_writing",
    "separate_consent",
    "alternative_required",
    "purpose_limited",
    "strict_necessity",
    "impact_assessment_required",
    "public_policy_required",
    "prohibited",
)


def rules(text: str) -> Rules:
    return load(pack_text("XX", text).encode(), file="XX.toml", code="XX").versions[0].rules


def withdrawal(
    *,
    supported: bool = True,
    effect: str = "stop_processing",
    stop: str = "P1D",
    delete: str = "P30D",
    required: bool = True,
) -> str:
    words = (
        "true" if supported else "false",
        f'"{effect}"',
        f'"{stop}"',
        "true" if required else "false",
        f'"{delete}"',
    )
    return f"withdrawal = {WITHDRAWAL % words}"


def authority(
    required: str = "true", kind: str = "registration", lead: str = "P60D", gate: str = "true"
) -> str:
    return f"prior_authority = {AUTHORITY % (required, kind, lead, gate)}"


def minors(age: int | None) -> str:
    return f'minors = {{ {f"guardian_required_below = {age}, " if age else ""}kind = "statutory" }}'


def use(settings: str, since: str = "2025-02-02", operation: str = "tone_analysis") -> str:
    return f'{{ operation = "{operation}", settings = [{settings}], from = {since}, cite = "s. 5" }}'


WORK, BOTH = '"workplace"', '"workplace", "education"'

# Field, looser, stricter, and what is said about the looser one.
STEPS = [
    *((name, f"{name} = false", f"{name} = true", "write true") for name in FLAGS),
    ("consent_required", "consent_required = false", "consent_required = true\n" + ORAL, "write true"),
    ("voiceprint_covered", 'voiceprint_covered = "unclear"', "voiceprint_covered = true", "write true"),
    (
        "voiceprint_covered",
        "voiceprint_covered = false",
        'voiceprint_covered = "unclear"',
        "write unclear or true",
    ),
    (
        "consent_form",
        'consent_form = "opt_in"',
        'consent_form = "explicit"',
        "write explicit or written_release",
    ),
    (
        "electronic_signature_ok",
        "electronic_signature_ok = true",
        "electronic_signature_ok = false",
        "write false",
    ),
    ("oral_consent_ok", "oral_consent_ok = true", 'oral_consent_ok = "unclear"', "write unclear or false"),
    ("notice_elements", "notice_elements = []", 'notice_elements = ["policy_url"]', "keep policy_url"),
    (
        "notice_elements_conditional",
        "notice_elements_conditional = []",
        'notice_elements_conditional = [{ element = "dpo_contact", flag = "has_dpo" }]',
        "keep dpo_contact (has_dpo)",
    ),
    (
        "max_retention",
        f"max_retention = [{CLOCK % ('last_interaction', 'P3Y')}]",
        f"max_retention = [{CLOCK % ('last_interaction', 'P24M')}, {CLOCK % ('purpose_satisfied', 'P0D')}]",
        "keep a clock of last_interaction within P24M or less",
    ),
    (
        "consent_refresh",
        f"consent_refresh = {CLOCK.replace('within', 'after') % ('last_interaction', 'P24M')}",
        f"consent_refresh = {CLOCK.replace('within', 'after') % ('last_interaction', 'P1Y')}",
        "write after = P1Y or less",
    ),
    ("withdrawal", withdrawal(supported=False), withdrawal(), "write supported = true"),
    ("withdrawal", withdrawal(effect="stop_on_request"), withdrawal(), "write effect = stop_processing"),
    ("withdrawal", withdrawal(stop="P2D"), withdrawal(), "write stop_deadline = P1D or less"),
    ("withdrawal", withdrawal(required=False), withdrawal(), "write deletion_required = true"),
    ("withdrawal", withdrawal(delete="P31D"), withdrawal(), "write deletion_deadline = P30D or less"),
    ("minors", minors(15), minors(16), "write guardian_required_below = 16 or more"),
    ("minors", minors(None), minors(20), "write guardian_required_below = 20 or more"),
    (
        "call_recording_consent",
        'call_recording_consent = "one_party"',
        'call_recording_consent = "all_party"',
        "write all_party",
    ),
    (
        "prior_authority",
        authority("false", "none"),
        authority(),
        "write required = true and kind = registration",
    ),
    ("prior_authority", authority(gate="false"), authority(), "write gate = true"),
    ("prior_authority", authority(lead="P30D"), authority(), "write lead_time = P60D or more"),
    ("sale_prohibited", 'sale_prohibited = "opt_out"', 'sale_prohibited = "yes"', "write yes"),
    (
        "disclosure_rule",
        'disclosure_rule = "consent"',
        'disclosure_rule = "closed_list"',
        "write closed_list",
    ),
    ("data_localisation", 'data_localisation = "none"', 'data_localisation = "required"', "write required"),
    (
        "prohibited_uses",
        f"prohibited_uses = [{use(WORK)}]",
        f"prohibited_uses = [{use(BOTH)}]",
        "keep tone_analysis forbidden from 2025-02-02 or earlier, in all its settings",
    ),
    (
        "prohibited_uses",
        f"prohibited_uses = [{use(WORK)}]",
        f"prohibited_uses = [{use('')}]",
        "keep tone_analysis forbidden from 2025-02-02 or earlier, in all its settings",
    ),
    (
        "prohibited_uses",
        f"prohibited_uses = [{use(WORK, '2026-01-01')}]",
        f"prohibited_uses = [{use(WORK)}]",
        "keep tone_analysis forbidden from 2025-02-02 or earlier, in all its settings",
    ),
    (
        "prohibited_uses",
        f"prohibited_uses = [{use(WORK, operation='enrol')}]",
        f"prohibited_uses = [{use(WORK)}, {use(WORK, operation='enrol')}]",
        "keep tone_analysis forbidden from 2025-02-02 or earlier, in all its settings",
    ),
]


@pytest.mark.parametrize(("name", "loose", "strict", "cure"), STEPS)
def test_a_step_up_is_stricter_and_a_step_down_is_not(name: str, loose: str, strict: str, cure: str) -> None:
    one, other = rules(loose), rules(strict)
    assert loosened(name, one, other) is None
    assert loosened(name, one, one) is None
    assert loosened(name, other, other) is None
    assert loosened(name, other, one) == cure


def test_every_field_has_an_order_or_is_only_shown() -> None:
    assert {name for name, *_ in STEPS} | SHOWN == {*RULE_NAMES}


@pytest.mark.parametrize(("name", "loose", "strict", "cure"), STEPS)
def test_what_is_not_stated_asks_for_nothing(name: str, loose: str, strict: str, cure: str) -> None:
    assert name == "minors" or loosened(name, Rules(), rules(loose)) is None


def test_an_age_where_none_is_stated_reaches_up_to_the_default() -> None:
    assert loosened("minors", Rules(), rules(minors(17))) == "write guardian_required_below = 18 or more"
    assert loosened("minors", rules(minors(None)), rules(minors(18))) is None
    assert loosened("minors", Rules(), rules(minors(None))) is None
    assert DEFAULT_AGE == demands.DEFAULT_AGE


def test_a_filing_that_nobody_asks_for_may_be_asked_for() -> None:
    assert loosened("prior_authority", rules(authority("false", "declaration")), rules(authority())) is None


def test_another_kind_of_filing_is_not_the_one_that_was_asked_for() -> None:
    one, other = rules(authority(kind="declaration")), rules(authority())
    assert loosened("prior_authority", one, other) == "write required = true and kind = declaration"
    assert loosened("prior_authority", other, one) == "write required = true and kind = registration"


def test_a_deletion_that_is_not_required_has_no_deadline_to_keep() -> None:
    assert loosened("withdrawal", rules(withdrawal(required=False)), rules(withdrawal(delete="P90D"))) is None


@pytest.mark.parametrize(
    ("period", "limit", "within"),
    [
        ("P0D", "P0D", True),
        ("P24M", "P2Y", True),
        ("P30D", "P1Y", True),
        ("P27D", "P1M", True),
        ("P30D", "P1M", False),  # February is shorter
        ("P1M", "P30D", False),  # January is longer
        ("P1M", "P33D", True),
        ("P365D", "P1Y", False),
        ("P363D", "P1Y", True),
        ("P1Y", "P365D", False),
        ("P1Y", "P24M", True),
        ("P3Y", "P24M", False),
    ],
)
def test_periods_are_compared_only_where_it_is_certain(period: str, limit: str, within: bool) -> None:
    assert is_within(Period.parse(period), Period.parse(limit)) is within


PERIODS = st.builds(lambda m, d: Period.parse(f"P{m}M{d}D"), st.integers(0, 60), st.integers(0, 2000))


@given(PERIODS, PERIODS, st.datetimes())
def test_what_is_within_ends_no_later(period: Period, limit: Period, at: datetime) -> None:
    begun = at.replace(tzinfo=UTC)
    assert not is_within(period, limit) or period.after(begun) <= limit.after(begun)
