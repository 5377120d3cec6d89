"""What one pack asks in one decision: its version of the day, its conditions and the exemptions that are claimed.

Invariants: nothing here looks at another pack, so what one pack asks never depends on which others apply; an
exemption counts only where the controller claims it and the pack lists it; a condition that the controller's
type would lift does not lift anything while that type is unknown.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import date

from consentgate.packs.pack import Basis, ConditionalRule, Pack
from consentgate.packs.packset import InForce, PackSet
from consentgate.packs.rules import Rules
from consentgate.policy.assertions import Standing
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One pack's rules in one decision.

    Attributes:
        pack: the pack.
        since: the version's first day, which names it.
        rules: what it asks here.
        bases: per stated field, where it comes from.
        conditions: ids of the conditions that applied.
        exemptions: ids of the exemptions that took it out of play.
        by_controller_type: whether a condition of the version looks at the controller's type.
    """

    pack: Pack
    since: date
    rules: Rules
    bases: Mapping[str, Basis] = field(repr=False)
    conditions: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()
    by_controller_type: bool = False

    @property
    def country(self) -> str:
        """The country of the code, for example ``US`` of ``US-IL``."""
        return self.pack.code.partition("-")[0]


def stack(
    packs: PackSet, code: str, *, day: date, purpose: str | None, standing: Standing
) -> tuple[Effective, ...]:
    """Give what applies to one jurisdiction.

    Args:
        packs: the rules.
        code: a code of the set.
        day: the UTC date of the decision.
        purpose: the request's purpose, or None.
        standing: what the controller asserts.

    Returns:
        The pack's own rules and those of its parents and groups.

    Raises:
        PackInvalid: one of them cannot be used.
    """
    return tuple(effective(each, purpose=purpose, standing=standing) for each in packs.stack(code, day))


def effective(each: InForce, *, purpose: str | None, standing: Standing) -> Effective:
    """Give what one pack asks.

    Args:
        each: the pack and its version in force.
        purpose: the request's purpose, or None.
        standing: what the controller asserts.

    Returns:
        Its rules with conditions and exemptions applied.
    """
    pack, version = each.pack, each.version
    rules, bases = version.rules, version.bases
    applied = tuple(r for r in version.conditional_rules if _applies(r, purpose, standing.controller_type))
    exemptions = _claimed(pack, standing)
    if exemptions or not all(rule.applies for rule in applied):
        rules = Rules(call_recording_consent=rules.call_recording_consent)
    else:
        for rule in applied:
            rules, bases = _overwrite(pack, rules, bases, rule)
    return Effective(
        pack=pack,
        since=version.since,
        rules=rules,
        bases=bases,
        conditions=tuple(rule.id for rule in applied),
        exemptions=exemptions,
        by_controller_type=any(r.controller_type_not_in is not None for r in version.conditional_rules),
    )


def _applies(rule: ConditionalRule, purpose: str | None, controller_type: str | None) -> bool:
    if rule.purpose_in is not None:
        return purpose in rule.purpose_in
    if controller_type is None:
        return rule.applies  # what tightens applies on doubt, what loosens does not
    return controller_type not in (rule.controller_type_not_in or ())


def _claimed(pack: Pack, standing: Standing) -> tuple[str, ...]:
    claimed = {name for code, name in standing.exemptions if code in ("", pack.code)}
    return tuple(each.id for each in pack.exemptions if each.id in claimed) if claimed else ()


def _overwrite(
    pack: Pack, rules: Rules, bases: Mapping[str, Basis], rule: ConditionalRule
) -> tuple[Rules, Mapping[str, Basis]]:
    clause = Basis(pack=pack.code, citation=rule.cite)
    own = dict.fromkeys(rule.require.stated(), clause)
    return rules.overwritten(rule.require), {**bases, **own}
