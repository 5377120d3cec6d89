"""What it means that one rule is at least as strict as another, field by field.

The order of each field is that of `docs/formats/pack.md`, where it says how packs are merged. What is only shown
cannot tighten anything, so an overlay may not state it.

Invariants: a rule is as strict as itself; where it cannot be told which of two is stricter, neither counts as
stricter.
"""

from collections.abc import Callable, Mapping
from math import ceil, floor
from typing import Any, Final, TypeAlias, get_args

from consentgate.packs.period import Period
from consentgate.packs.rules import (
    FORMS,
    AuthorityRule,
    ConditionalElement,
    Disclosure,
    Localisation,
    MinorsRule,
    ProhibitedUse,
    Recording,
    Refresh,
    RetentionClock,
    Rules,
    Sale,
    WithdrawalRule,
)

_Compare: TypeAlias = Callable[[Any, Any], str | None]

SHOWN: Final = frozenset({"consent_basis", "record_keeping", "private_right_of_action"})
DEFAULT_AGE: Final = 18

_FLAGS: Final = (
    "consent_required",
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
# From lenient to strict.
_ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "voiceprint_covered": ("no", "unclear", "yes"),
    "consent_form": FORMS,
    "electronic_signature_ok": ("yes", "unclear", "no"),
    "oral_consent_ok": ("yes", "unclear", "no"),
    "call_recording_consent": get_args(Recording),
    "sale_prohibited": get_args(Sale),
    "disclosure_rule": get_args(Disclosure),
    "data_localisation": get_args(Localisation),
}
# As files write it: there yes and no are true and false, but for sale, where they are words among others.
_WRITTEN: Final[Mapping[str, str]] = {"yes": "true", "no": "false"}
_EFFECTS: Final = ("stop_on_request", "stop_processing")
_DAYS_A_MONTH: Final = 146_097 / 4_800  # 400 years have as many days and months as that


def loosened(name: str, base: Rules, over: Rules) -> str | None:
    """Tell whether rules ask for less than others in one field.

    Args:
        name: a field that `over` states.
        base: the rules to compare with; what they do not state asks for nothing.
        over: the rules that result when theirs stand instead.

    Returns:
        What to write so that it asks for at least as much; None where it does.
    """
    value, new = getattr(base, name), getattr(over, name)
    if name == "minors":
        return _minors(value, new)
    return None if value is None else _COMPARES[name](value, new)


def is_within(period: Period, limit: Period) -> bool:
    """Tell whether a period is never longer than another, on whatever day both begin.

    Args:
        period: the one.
        limit: the other.

    Returns:
        Whether it is certain.
    """
    if period.months <= limit.months and period.days <= limit.days:
        return True
    # The calendar moves the end of so many months by two days at the most.
    longest = ceil(period.months * _DAYS_A_MONTH) + 2 * bool(period.months) + period.days
    shortest = floor(limit.months * _DAYS_A_MONTH) - 2 * bool(limit.months) + limit.days
    return longest <= shortest


def _flag(value: bool, new: bool) -> str | None:
    return "write true" if value and not new else None


def _ranked(order: tuple[str, ...]) -> _Compare:
    written = _WRITTEN if "unclear" in order else {}

    def compare(value: str, new: str) -> str | None:
        if order.index(new) >= order.index(value):
            return None
        return f"write {' or '.join(written.get(word, word) for word in order[order.index(value) :])}"

    return compare


def _elements(value: tuple[str, ...], new: tuple[str, ...]) -> str | None:
    missing = [element for element in value if element not in new]
    return f"keep {', '.join(missing)}" if missing else None


def _conditional_elements(
    value: tuple[ConditionalElement, ...], new: tuple[ConditionalElement, ...]
) -> str | None:
    missing = [f"{each.element} ({each.flag})" for each in value if each not in new]
    return f"keep {', '.join(missing)}" if missing else None


def _retention(value: tuple[RetentionClock, ...], new: tuple[RetentionClock, ...]) -> str | None:
    for clock in value:
        if not any(each.trigger == clock.trigger and is_within(each.within, clock.within) for each in new):
            return f"keep a clock of {clock.trigger} within {clock.within.text} or less"
    return None


def _refresh(value: Refresh, new: Refresh) -> str | None:
    # There is one trigger; with a second this would have to compare them.
    return None if is_within(new.after, value.after) else f"write after = {value.after.text} or less"


def _withdrawal(value: WithdrawalRule, new: WithdrawalRule) -> str | None:
    if value.supported and not new.supported:
        return "write supported = true"
    if _EFFECTS.index(new.effect) < _EFFECTS.index(value.effect):
        return f"write effect = {value.effect}"
    if not is_within(new.stop_deadline, value.stop_deadline):
        return f"write stop_deadline = {value.stop_deadline.text} or less"
    if value.deletion_required and not new.deletion_required:
        return "write deletion_required = true"
    if value.deletion_required and not is_within(new.deletion_deadline, value.deletion_deadline):
        return f"write deletion_deadline = {value.deletion_deadline.text} or less"
    return None


def _minors(value: MinorsRule | None, new: MinorsRule) -> str | None:
    # An own age replaces a group's, and the default of those who state none: so it is compared with that too.
    stated = value.guardian_required_below if value else None
    least = DEFAULT_AGE if stated is None else stated
    own = new.guardian_required_below
    if own is None and stated is None:
        return None
    return None if own is not None and own >= least else f"write guardian_required_below = {least} or more"


def _authority(value: AuthorityRule, new: AuthorityRule) -> str | None:
    if not value.required:
        return None
    if not new.required or new.kind != value.kind:
        return f"write required = true and kind = {value.kind}"
    if value.gate and not new.gate:
        return "write gate = true"
    if not is_within(value.lead_time, new.lead_time):
        return f"write lead_time = {value.lead_time.text} or more"
    return None


def _uses(value: tuple[ProhibitedUse, ...], new: tuple[ProhibitedUse, ...]) -> str | None:
    for use in value:
        if not any(_covers(each, use) for each in new):
            return f"keep {use.operation} forbidden from {use.since} or earlier, in all its settings"
    return None


def _covers(each: ProhibitedUse, use: ProhibitedUse) -> bool:
    everywhere = not each.settings or (use.settings and {*use.settings} <= {*each.settings})
    return each.operation == use.operation and each.since <= use.since and bool(everywhere)


_COMPARES: Final[Mapping[str, _Compare]] = {
    **dict.fromkeys(_FLAGS, _flag),
    **{name: _ranked(order) for name, order in _ORDERS.items()},
    "notice_elements": _elements,
    "notice_elements_conditional": _conditional_elements,
    "max_retention": _retention,
    "consent_refresh": _refresh,
    "withdrawal": _withdrawal,
    "prior_authority": _authority,
    "prohibited_uses": _uses,
}
