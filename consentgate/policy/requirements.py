"""Uniting what all packs ask that may apply to one speaker's request: the strictest, field by field.

Together with the product's own floor (opt-in consent, two notice elements) the result is all that `decide`
knows of law.

Invariants: the order of candidates does not matter; adding a candidate never drops a demand, weakens the form,
lowers the age or stops a clock; `merge` reads nothing but its arguments.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache

from consentgate.packs.pack import Basis
from consentgate.packs.packset import PackSet
from consentgate.packs.period import Period
from consentgate.packs.rules import FORMS, Flag, Form
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import (
    DEFAULT_AGE,
    DEMANDS,
    FLOOR,
    FLOOR_ELEMENTS,
    FLOOR_FORM,
    Clock,
    Filing,
    ForbiddenUse,
    PackUsed,
    Requirements,
    Term,
)
from consentgate.policy.effective import Effective, stack
from consentgate.policy.used import readable


def merge(
    candidates: Iterable[str],
    packs: PackSet,
    *,
    day: date,
    purpose: str | None,
    standing: Standing,
) -> Requirements:
    """Unite what all candidates ask.

    Args:
        candidates: jurisdictions that may protect the speaker, as `facts.candidates` gives them.
        packs: the rules.
        day: the UTC date of the decision.
        purpose: the request's purpose, or None; a decision without one denies.
        standing: what the controller asserts, for conditions and exemptions.

    Returns:
        The requirements. Where a candidate is unknown they name it and demand nothing else: such a decision
        denies for that alone.

    Raises:
        PackInvalid: a pack that applies cannot be used.
    """
    codes = tuple(sorted(set(candidates)))
    return _merged(codes, packs, day, purpose, standing.controller_type, standing.exemptions)


# Callers of one place on one day are asked the same.
@lru_cache(maxsize=256)
def _merged(
    codes: tuple[str, ...],
    packs: PackSet,
    day: date,
    purpose: str | None,
    controller_type: str | None,
    exemptions: tuple[tuple[str, str], ...],
) -> Requirements:
    # Of what is asserted the packs are shown these two alone: by them the result is kept.
    standing = Standing(controller_type=controller_type, exemptions=exemptions)
    found = {code: packs.lookup(code) for code in codes}
    unknown = tuple(code for code, own in found.items() if own is None)
    if unknown or not codes:
        return Requirements(candidates=codes, unknown=unknown, purpose=purpose, pack_set=packs.digest)
    stacks = {
        code: stack(packs, own, day=day, purpose=purpose, standing=standing)
        for code, own in found.items()
        if own is not None
    }
    return _unite(found, stacks, packs, day, purpose)


def _unite(
    found: dict[str, str | None],
    stacks: dict[str, tuple[Effective, ...]],
    packs: PackSet,
    day: date,
    purpose: str | None,
) -> Requirements:
    entries = {each.pack.code: each for applies in stacks.values() for each in applies}
    united = tuple(entries[code] for code in sorted(entries))
    age, age_bases = _age(found, stacks)
    asked = Requirements(
        candidates=tuple(found),
        reaches=tuple((code, _reach(code, packs, own)) for code, own in found.items()),
        purpose=purpose,
        packs=tuple(_used(each) for each in united),
        pack_set=packs.digest,
        covered=any(each.rules.voiceprint_covered in ("yes", "unclear") for each in united),
        demands=_demands(united),
        forbidden=_forbidden(united, day),
        form=_form(united),
        form_bases=_form_bases(united),
        elements=_elements(united),
        conditional_elements=_conditional_elements(united),
        age=age,
        age_bases=age_bases,
        clocks=_clocks(united),
        refresh=_refresh(united),
        stops=_stops(united),
        deletion=_deletion(united),
        proofs=_proofs(united),
        filings=_filings(united),
        localisation=_localisation(united),
    )
    return replace(asked, reads=readable(united, asked))


def _used(each: Effective) -> PackUsed:
    return PackUsed(
        code=each.pack.code,
        digest=each.pack.digest,
        since=each.since.isoformat(),
        conditions=each.conditions,
        exemptions=each.exemptions,
        covers=each.rules.voiceprint_covered,
    )


def _reach(code: str, packs: PackSet, own: str | None) -> frozenset[str]:
    above = () if own is None else packs.above(own)
    return frozenset((code, *(pack.code for pack in above)))


def _demands(united: tuple[Effective, ...]) -> dict[str, tuple[Basis, ...]]:
    made = {
        name: tuple(each.bases[stated] for each in united if asks(each.rules))
        for name, stated, asks in DEMANDS
    }
    made["consent"] = (*made["consent"], FLOOR)
    return {name: bases for name, bases in made.items() if bases}


def _forbidden(united: tuple[Effective, ...], day: date) -> tuple[ForbiddenUse, ...]:
    return tuple(
        ForbiddenUse(
            operation=use.operation,
            settings=use.settings,
            basis=replace(each.bases["prohibited_uses"], citation=use.cite),
        )
        for each in united
        for use in each.rules.prohibited_uses or ()
        if use.since <= day
    )


def _form(united: tuple[Effective, ...]) -> Form:
    stated = (each.rules.consent_form or "none" for each in united)
    return max((FLOOR_FORM, *stated), key=FORMS.index)


def _form_bases(united: tuple[Effective, ...]) -> tuple[Basis, ...]:
    form = _form(united)
    asking = tuple(each.bases["consent_form"] for each in united if each.rules.consent_form == form)
    return asking or (FLOOR,)


def _elements(united: tuple[Effective, ...]) -> tuple[tuple[str, tuple[Basis, ...]], ...]:
    found: dict[str, tuple[Basis, ...]] = dict.fromkeys(FLOOR_ELEMENTS, ())
    for each in united:
        for element in each.rules.notice_elements or ():
            found[element] = (*found.get(element, ()), each.bases["notice_elements"])
    return tuple((element, found[element] or (FLOOR,)) for element in sorted(found))


def _conditional_elements(united: tuple[Effective, ...]) -> tuple[tuple[str, Flag, Basis], ...]:
    return tuple(
        (each.element, each.flag, entry.bases["notice_elements_conditional"])
        for entry in united
        for each in entry.rules.notice_elements_conditional or ()
    )


def _age(
    found: dict[str, str | None], stacks: dict[str, tuple[Effective, ...]]
) -> tuple[int, tuple[Basis, ...]]:
    limits = [_age_of(found[code], applies) for code, applies in stacks.items()]
    age = max(limit for limit, _ in limits)
    return age, tuple(dict.fromkeys(basis for limit, bases in limits if limit == age for basis in bases))


def _age_of(own: str | None, applies: tuple[Effective, ...]) -> tuple[int, tuple[Basis, ...]]:
    """Give one candidate's limit: its own and its parents', a group's only where none of these states one."""
    groups = {code for each in applies for code in each.pack.groups}
    groups |= {each.pack.code for each in applies if each.pack.is_group}
    stated = [
        (each.rules.minors.guardian_required_below, each)
        for each in applies
        if each.rules.minors is not None and each.rules.minors.guardian_required_below is not None
    ]
    near = [(age, each) for age, each in stated if each.pack.code == own or each.pack.code not in groups]
    deciding = near or stated
    if not deciding:
        return DEFAULT_AGE, (FLOOR,)
    limit = max(age for age, _ in deciding)
    return limit, tuple(each.bases["minors"] for age, each in deciding if age == limit)


def _clocks(united: tuple[Effective, ...]) -> tuple[Clock, ...]:
    return tuple(
        Clock(
            trigger=clock.trigger,
            within=clock.within,
            basis=Basis(pack=each.pack.code, citation=clock.cite or each.bases["max_retention"].citation),
        )
        for each in united
        for clock in each.rules.max_retention or ()
        if clock.trigger != "consent_withdrawn"  # withdrawal denies by itself and brings its own deadline
    )


def _refresh(united: tuple[Effective, ...]) -> tuple[Clock, ...]:
    return tuple(
        Clock(trigger=refresh.trigger, within=refresh.after, basis=each.bases["consent_refresh"])
        for each in united
        if (refresh := each.rules.consent_refresh) is not None
    )


def _stops(united: tuple[Effective, ...]) -> Term:
    return _term(
        (rule.stop_deadline, each.bases["withdrawal"])
        for each in united
        if (rule := each.rules.withdrawal) is not None and rule.supported
    )


def _proofs(united: tuple[Effective, ...]) -> tuple[tuple[Period, tuple[Basis, ...]], ...]:
    found: dict[Period, tuple[Basis, ...]] = {}
    for each in united:
        rule = each.rules.record_keeping
        if rule is not None and rule.retain_proof_for is not None:
            basis = replace(
                each.bases["record_keeping"], citation=rule.cite or each.bases["record_keeping"].citation
            )
            found[rule.retain_proof_for] = (*found.get(rule.retain_proof_for, ()), basis)
    return tuple(found.items())


def _deletion(united: tuple[Effective, ...]) -> Term:
    return _term(
        (rule.deletion_deadline, each.bases["withdrawal"])
        for each in united
        if (rule := each.rules.withdrawal) is not None and rule.deletion_required
    )


def _term(asked: Iterable[tuple[Period, Basis]]) -> Term:
    set_by = tuple(asked)
    periods = tuple({period.text: period for period, _ in set_by}.values())
    return Term(periods=periods, bases=tuple(basis for _, basis in set_by)) if set_by else Term()


def _filings(united: tuple[Effective, ...]) -> tuple[Filing, ...]:
    return tuple(
        Filing(code=each.pack.code, lead_time=rule.lead_time, basis=each.bases["prior_authority"])
        for each in united
        if (rule := each.rules.prior_authority) is not None and rule.required and rule.gate
    )


def _localisation(united: tuple[Effective, ...]) -> tuple[tuple[str, Basis], ...]:
    return tuple(
        (each.country, each.bases["data_localisation"])
        for each in united
        if each.rules.data_localisation == "required"
    )
