"""Two pack sets side by side: what the packs say otherwise, and which cases come out otherwise.

Invariants: pure; a pack that neither set changed is not decided again; a difference in words alone is no
difference.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import chain
from typing import Any

from consentgate.config.matrix import cases
from consentgate.config.scenarios import Answer, Scenario, answer
from consentgate.packs.pack import ConditionalRule, Pack, Version
from consentgate.packs.packset import PackSet
from consentgate.packs.phrases import LABELS
from consentgate.packs.rules import RULE_NAMES
from consentgate.packs.wording import wordings
from consentgate.values import dataclass

# Of a pack: those of its versions are compared one by one, and the digest differs with every comment.
_NOT_COMPARED = frozenset(("versions", "digest", "format", "code", "sources"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a pack says otherwise.

    Attributes:
        code: the pack.
        since: first day of the version that says it, or None for the pack as a whole.
        name: the field.
        label: what it is called.
        before: what it said, or an empty text.
        after: what it says, or an empty text.
        cited_before: the clause.
        cited_after: the clause.
    """

    code: str
    since: date | None
    name: str
    label: str
    before: str
    after: str
    cited_before: str = ""
    cited_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """One case that comes out otherwise.

    Attributes:
        before: the answer of the first set.
        after: the answer of the second.
    """

    before: Answer
    after: Answer

    @property
    def flips(self) -> bool:
        """Whether what was allowed is denied now, or the other way round."""
        return self.before.result.verdict != self.after.result.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two pack sets side by side.

    Attributes:
        added: codes that only the second set has.
        removed: codes that only the first set has.
        changes: what packs of both say otherwise.
        decided: how many cases were decided by both.
        turned: those that come out otherwise.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[Change, ...]
    decided: int
    turned: tuple[Turned, ...]


def compare(first: PackSet, second: PackSet, scenarios: Iterable[Scenario] | None, day: date) -> Comparison:
    """Compare two pack sets.

    Args:
        first: the first.
        second: the second.
        scenarios: what to decide by both; None takes the typical cases of every jurisdiction that differs, on
            the day and on each later day on which its rules change.
        day: the day, in UTC.

    Returns:
        The comparison.

    Raises:
        InvalidInput: a scenario cannot be read.
        PackInvalid: a pack cannot be used.
    """
    both = [code for code in first.codes if code in second.codes]
    asked = scenarios if scenarios is not None else _typical(first, second, day)
    turned, decided = [], 0
    for case in asked:
        decided += 1
        before, after = answer(case, first), answer(case, second)
        if _outcome(before) != _outcome(after):
            turned.append(Turned(before=before, after=after))
    return Comparison(
        added=tuple(code for code in second.codes if code not in first.codes),
        removed=tuple(code for code in first.codes if code not in second.codes),
        changes=tuple(each for code in both for each in _changes(first.pack(code), second.pack(code))),
        decided=decided,
        turned=tuple(turned),
    )


def _outcome(each: Answer) -> tuple[object, ...]:
    result = each.result
    return result.verdict, result.reasons, result.decision.missing_notice_elements, result.obligations


def _typical(first: PackSet, second: PackSet, day: date) -> Iterator[Scenario]:
    for code in sorted({*first.codes, *second.codes}):
        stacks = [_above(each, code) for each in (first, second)]
        if stacks[0] == stacks[1]:
            continue
        starts = {version.since for stack in stacks for pack in stack for version in pack.versions}
        ends = {
            version.until + timedelta(days=1)
            for stack in stacks
            for pack in stack
            for version in pack.versions
            if version.until is not None
        }
        for at in (day, *sorted(each for each in starts | ends if each > day)):
            yield from cases(code, at)


def _above(packs: PackSet, code: str) -> tuple[Pack, ...]:
    """Everything that answers for a code, without digests: a comment is no rule."""
    own = packs.lookup(code)
    return () if own is None else tuple(replace(pack, digest="") for pack in packs.above(own))


def _changes(before: Pack, after: Pack) -> Iterator[Change]:
    for each in fields(Pack):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if each.name not in _NOT_COMPARED and old != new:
            yield _change(before.code, None, each.name, old=_text(old), new=_text(new))
    olds, news = ({version.since: version for version in pack.versions} for pack in (before, after))
    for since in sorted({*olds, *news}):
        yield from _of_version(before.code, since, olds.get(since), news.get(since))


def _of_version(code: str, since: date, old: Version | None, new: Version | None) -> Iterator[Change]:
    if (old.until if old else None) != (new.until if new else None) and old and new:
        yield _change(code, since, "to", old=_text(old.until), new=_text(new.until))
    for name in RULE_NAMES:
        said = [_said(version, name) for version in (old, new)]
        if said[0] != said[1]:
            (before, cited_before), (after, cited_after) = said
            yield _change(
                code, since, name, old=before, new=after, cited_before=cited_before, cited_after=cited_after
            )
    rules = [version.conditional_rules if version else () for version in (old, new)]
    if rules[0] != rules[1]:
        before, after = ("; ".join(_rule(rule) for rule in each) for each in rules)
        yield _change(code, since, "conditional_rules", old=before, new=after)


def _rule(rule: ConditionalRule) -> str:
    when = rule.purpose_in if rule.purpose_in is not None else rule.controller_type_not_in or ()
    word = "purpose" if rule.purpose_in is not None else "controller other than"
    said = (wordings(name, getattr(rule.require, name)) for name in rule.require.stated())
    asks = (
        " ".join(each.sentence for each in chain.from_iterable(said)) if rule.applies else "does not apply."
    )
    return f"{rule.id} ({word} {', '.join(when)}): {asks} ({rule.cite})"


def _said(version: Version | None, name: str) -> tuple[str, str]:
    value = getattr(version.rules, name) if version else None
    if version is None or value is None:
        return "", ""
    sentences = " ".join(each.sentence for each in wordings(name, value))
    return sentences or "nothing", version.bases[name].citation


def _change(code: str, since: date | None, name: str, *, old: str, new: str, **cited: str) -> Change:
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    return Change(code=code, since=since, name=name, label=label, before=old, after=new, **cited)


def _text(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return "; ".join(_text(each) for each in value)
    return str(getattr(value, "id", None) or getattr(value, "name", None) or value)
