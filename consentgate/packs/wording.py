"""What a rule says, as plain sentences: the one place where a requirement is put into words.

Pages, `policy show` and briefs all say the same thing because they all say it from here.

Invariants: pure; every requirement that a pack states has a sentence; a sentence says what the pack says and
adds no reading of its own. Law as data with citations, never advice.
"""

from collections.abc import Callable
from typing import Any, Final

from consentgate.packs.claims import Damages, PrivateAction
from consentgate.packs.period import Period
from consentgate.packs.phrases import (
    AGE_KINDS,
    CHOICES,
    ELEMENTS,
    FILINGS,
    FLAGS,
    GROUNDS,
    OPERATIONS,
    SETTINGS,
    TRIGGERS,
)
from consentgate.packs.rules import (
    AuthorityRule,
    ConditionalElement,
    MinorsRule,
    ProhibitedUse,
    RecordKeeping,
    Refresh,
    RetentionClock,
    WithdrawalRule,
)
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One requirement in words.

    Attributes:
        sentence: what the pack says about it.
        asks: whether it asks for something; False for what is left free or only shown.
        cite: a clause of its own, or None.
    """

    sentence: str
    asks: bool
    cite: str | None = None


def wordings(name: str, value: Any) -> tuple[Wording, ...]:
    """Put one stated requirement into words.

    Args:
        name: its field of `consentgate.packs.rules.Rules`.
        value: what the pack states; never None.

    Returns:
        One sentence for most; one for each clock of `max_retention` and each forbidden use; none for an empty list.
    """
    if name in CHOICES:
        sentence, asks = CHOICES[name][value]
        return (Wording(sentence=sentence, asks=asks),)
    return _WRITERS[name](value)


def period(value: Period) -> str:
    """Put a period into words.

    Args:
        value: the period.

    Returns:
        For example ``3 years``, ``24 months``, ``45 days`` or ``at once``.
    """
    years, months = divmod(value.months, 12) if "Y" in value.text else (0, value.months)
    counted = ((years, "year"), (months, "month"), (value.days, "day"))
    parts = [f"{number} {unit}{'s' if number > 1 else ''}" for number, unit in counted if number]
    return " and ".join(parts) or "at once"


def _by(within: Period, event: str) -> str:
    if within.months or within.days:
        return f"within {period(within)} after {event}"
    return f"as soon as {event}"


def _elements(elements: tuple[str, ...]) -> tuple[Wording, ...]:
    told = "; ".join(ELEMENTS[element] for element in elements)
    return (Wording(sentence=f"The notice says: {told}.", asks=True),) if told else ()


def _conditional(elements: tuple[ConditionalElement, ...]) -> tuple[Wording, ...]:
    return tuple(
        Wording(sentence=f"If {FLAGS[each.flag]}, the notice also says: {ELEMENTS[each.element]}.", asks=True)
        for each in elements
    )


def _forbidden(uses: tuple[ProhibitedUse, ...]) -> tuple[Wording, ...]:
    return tuple(_use(each) for each in uses)


def _use(each: ProhibitedUse) -> Wording:
    where = " or ".join(SETTINGS[setting] for setting in each.settings)
    what = f"{OPERATIONS[each.operation]} {where}".rstrip()
    sentence = f"{what} is forbidden from {each.since.isoformat()} on, whatever the consent."
    return Wording(sentence=sentence, asks=True, cite=each.cite)


def _retention(clocks: tuple[RetentionClock, ...]) -> tuple[Wording, ...]:
    return tuple(_clock(clock) for clock in clocks)


def _clock(clock: RetentionClock) -> Wording:
    more = "" if clock.extension is None else f"; it can be extended by {period(clock.extension)}"
    by = _by(clock.within, TRIGGERS[clock.trigger])
    return Wording(sentence=f"The voiceprint has to be gone {by}{more}.", asks=True, cite=clock.cite)


def _refresh(rule: Refresh) -> tuple[Wording, ...]:
    sentence = (
        f"Consent is asked for anew once {period(rule.after)} have passed since {TRIGGERS[rule.trigger]}."
    )
    return (Wording(sentence=sentence, asks=True, cite=rule.cite),)


def _withdrawal(rule: WithdrawalRule) -> tuple[Wording, ...]:
    if not rule.supported:
        return (Wording(sentence="The law itself knows no withdrawal.", asks=False, cite=rule.cite),)
    stop = "processing stops" if rule.effect == "stop_processing" else "processing stops when it is asked for"
    if rule.stop_deadline.months or rule.stop_deadline.days:
        stop += f" within {period(rule.stop_deadline)}"
    gone = ""
    if rule.deletion_required:
        late = rule.deletion_deadline.months or rule.deletion_deadline.days
        gone = (
            f", and the voiceprint has to be gone {'within ' if late else ''}{period(rule.deletion_deadline)}"
        )
    return (Wording(sentence=f"Consent can be withdrawn: {stop}{gone}.", asks=True, cite=rule.cite),)


def _minors(rule: MinorsRule) -> tuple[Wording, ...]:
    age = rule.guardian_required_below
    if age is None:
        sentence = "No age is stated; where no other pack states one, a guardian consents below 18."
        return (Wording(sentence=sentence, asks=False, cite=rule.cite),)
    sentence = f"Below {age} a guardian has to consent{AGE_KINDS.get(rule.kind, f' ({rule.kind})')}."
    if rule.strict_child_age is not None:
        sentence += f" Below {rule.strict_child_age} the law has further duties."
    return (Wording(sentence=sentence, asks=True, cite=rule.cite),)


def _authority(rule: AuthorityRule) -> tuple[Wording, ...]:
    if not rule.required:
        return (Wording(sentence="No filing with an authority is asked for.", asks=False, cite=rule.cite),)
    ahead = f" at least {period(rule.lead_time)}" if rule.lead_time.months or rule.lead_time.days else ""
    sentence = f"{FILINGS[rule.kind]} is needed{ahead} beforehand"
    shown = "." if rule.gate else "; shown only, no decision depends on it."
    return (Wording(sentence=sentence + shown, asks=True, cite=rule.cite),)


def _record(rule: RecordKeeping) -> tuple[Wording, ...]:
    duty = "The controller has to be able to prove consent"
    sentence = duty if rule.proof_of_consent_duty else "No duty to prove consent is stated"
    if rule.retain_proof_for is not None:
        sentence += f"; the proof is worth keeping for {period(rule.retain_proof_for)}"
        sentence += f" ({rule.basis})" if rule.basis else ""
    return (Wording(sentence=f"{sentence}.", asks=rule.proof_of_consent_duty, cite=rule.cite),)


def _action(rule: PrivateAction) -> tuple[Wording, ...]:
    sentence = "The person can sue" if rule.available else "No claim of the person's own is stated"
    damages = "; ".join(_damages(each) for each in rule.statutory_damages)
    sentence += f": {damages}." if damages else "."
    return (Wording(sentence=sentence, asks=rule.available, cite=rule.cite),)


def _damages(line: Damages) -> str:
    amounts = {"": line.amount, "from ": line.min, "up to ": line.max}
    named = " ".join(f"{word}{amount:,}" for word, amount in amounts.items() if amount is not None)
    amount = " ".join(filter(None, (line.currency, named))) if named else ""
    per = f"per {line.per}" if line.per else ""
    about = ", ".join(part.replace("_", " ") for part in (line.law, line.tier, line.note) if part)
    said = " ".join(filter(None, (amount, per)))
    return f"{said} ({about})" if said and about else said or about


def _ground(value: str) -> tuple[Wording, ...]:
    return (Wording(sentence=GROUNDS.get(value, f"Ground: {value}."), asks=False),)


_WRITERS: Final[dict[str, Callable[[Any], tuple[Wording, ...]]]] = {
    "consent_basis": _ground,
    "notice_elements": _elements,
    "notice_elements_conditional": _conditional,
    "prohibited_uses": _forbidden,
    "max_retention": _retention,
    "consent_refresh": _refresh,
    "withdrawal": _withdrawal,
    "minors": _minors,
    "prior_authority": _authority,
    "record_keeping": _record,
    "private_right_of_action": _action,
}
