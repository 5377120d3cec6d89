"""Which assertions the rules in use will ask for, and nobody made."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from consentgate.config.check import Check
from consentgate.config.entries import entry_opened
from consentgate.config.parts import Parts
from consentgate.config.views import all_notices, registry
from consentgate.consent.notice import Manifest
from consentgate.packs.pack import Basis
from consentgate.packs.packset import PackSet
from consentgate.policy.assertions import Standing, in_force
from consentgate.policy.demands import Requirements
from consentgate.policy.requirements import merge
from consentgate.storage import listing
from consentgate.values import dataclass

# What one would type, as far as it is not ``true``.
VALUES: Final = {
    "recording_consent": "all_parties",
} | dict.fromkeys(
    ("cross_border", "automated_decision", "third_party_provision", "provision_is_contractual", "has_dpo"),
    "false",
)
_DECISIONS: Final = ("intent", "denial")
_RECENT: Final = 200
_ASSERTED: Final = (
    ("alternative", "alternative_offered"),
    ("impact_assessment", "impact_assessment_done"),
    ("public_policy", "public_policy_published"),
    ("strict_necessity", "strictly_necessary"),
    ("all_parties", "recording_consent"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An assertion that nobody made.

    Attributes:
        name: its name.
        bases: who asks for it.
        since: from which day on, or None for now.
        counts_as_yes: whether decisions take it as true until somebody denies it; else they deny.
        filed_in: for a filing, where; else None.
    """

    name: str
    bases: tuple[Basis, ...]
    since: date | None = None
    counts_as_yes: bool = False
    filed_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the rules in use ask for.

    Attributes:
        codes: the jurisdictions in use: the controller's, those that notices and issuers name, and those of the
            speakers of recent decisions.
        unknown: those that no pack answers for.
        missing: assertions that nobody made.
    """

    codes: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    missing: tuple[Wanted, ...] = ()


def missing_assertions(parts: Parts, *, at: datetime, codes: Collection[str] = ()) -> Missing:
    """Find the assertions that decisions will ask for and nobody made.

    Args:
        parts: the deployment.
        at: the moment.
        codes: the jurisdictions to look at; none takes those that are in use.

    Returns:
        What is in use and what is missing, now or from a later day on; a recording consent may also be passed for
        each call.

    Raises:
        PackInvalid: a pack cannot be used.
        Malformed: something stored cannot be read.
    """
    packs = parts.gate.packs
    with parts.database.read() as connection:
        standing = in_force(parts.reader.controller(connection).assertions, at)
    notices = [manifest for _, manifest in all_notices(parts)]
    named = tuple(sorted({*codes} or _in_use(parts, notices)))
    unknown = tuple(code for code in named if packs.lookup(code) is None)
    known = [code for code in named if code not in unknown]
    purposes = {*parts.settings.purposes.values(), *(p for manifest in notices for p in manifest.purposes)}
    of_purposes: list[str | None] = [*sorted(purposes)]
    found: dict[tuple[str, str], Wanted] = {}
    for day in _days(packs, known, at.date()):
        since = None if day == at.date() else day
        of_day: dict[tuple[str, str], Wanted] = {}
        for purpose in of_purposes or [None]:
            asked = merge(known, packs, day=day, purpose=purpose, standing=standing)
            for each in _missing(asked, standing):
                key = each.name, each.filed_in or ""
                before = of_day.get(key)
                bases = dict.fromkeys((*before.bases, *each.bases) if before else each.bases)
                of_day[key] = replace(each, bases=tuple(bases), since=since)
        found = {**of_day, **found}  # the first day on which somebody asks for it stands
    return Missing(codes=named, unknown=unknown, missing=tuple(found[name] for name in sorted(found)))


def _in_use(parts: Parts, notices: Collection[Manifest]) -> set[str]:
    own = parts.settings.controller_jurisdiction
    named = {own} if own else set()
    named |= {code for manifest in notices for code in manifest.jurisdictions}
    named |= {code for issuer in registry(parts).issuers for code in issuer.jurisdictions if code != "*"}
    return named | set(_met(parts))


def _met(parts: Parts) -> Iterator[str]:
    """Where the speakers of recent decisions may be protected, as far as our keys open them."""
    with parts.database.read() as connection:
        recent = listing.listed(
            connection, parts.book.tenant, kinds=_DECISIONS, only_open=False, after=None, limit=_RECENT
        )
    for each in recent:
        for content in entry_opened(parts, each.id).contents.values():
            decision = content.get("decision") if content else None
            codes = decision.get("candidates") if isinstance(decision, dict) else None
            yield from (code for code in codes or () if isinstance(code, str))


def _days(packs: PackSet, codes: Sequence[str], day: date) -> list[date]:
    stacks = (packs.above(own) for code in codes if (own := packs.lookup(code)) is not None)
    starts = {version.since for stack in stacks for pack in stack for version in pack.versions}
    return [day, *sorted(each for each in starts if each > day)]


def _missing(asked: Requirements, standing: Standing) -> Iterator[Wanted]:
    for demand, name in _ASSERTED:
        if asked.demand(demand) and getattr(standing, name) is None:
            yield Wanted(name=name, bases=asked.demand(demand))
    filed = {code for code, _ in standing.filings}
    for filing in asked.filings:
        if filing.code not in filed:
            yield Wanted(name="authority_filing", bases=(filing.basis,), filed_in=filing.code)
    flags: dict[str, tuple[Basis, ...]] = {}
    for _, flag, basis in asked.conditional_elements:
        if getattr(standing, flag) is None:
            flags[flag] = tuple(dict.fromkeys((*flags.get(flag, ()), basis)))
    for name, asking in flags.items():
        yield Wanted(name=name, bases=asking, counts_as_yes=True)


def assertion_checks(asked: Missing) -> Iterator[Check]:
    """Say what is missing, line by line.

    Args:
        asked: what the rules in use ask for.

    Yields:
        The checks; at least one.
    """
    if not asked.codes:
        found = "no jurisdiction is named yet: in no settings, notice, issuer or decision"
        yield Check(name="assertions", verdict="ok", found=found)
        return
    for code in asked.unknown:
        yield Check(
            name="packs",
            verdict="warn",
            found=f"no pack answers for {code}: requests there are denied",
            cure="Use a code that a pack covers.",
        )
    for each in asked.missing:
        yield _check(each)
    if not asked.missing:
        found = f"all that {', '.join(asked.codes)} ask for are made; callers from elsewhere may need more"
        yield Check(name="assertions", verdict="ok", found=found)


def _check(each: Wanted) -> Check:
    asking = "; ".join(f"{basis.pack}: {basis.citation}" for basis in each.bases)
    begins = f"from {each.since} on " if each.since else ""
    effect = ", and until then it counts as true" if each.counts_as_yes else ""
    value = VALUES.get(each.name, "true")
    if each.filed_in is not None:
        value = f'\'{{"jurisdiction": "{each.filed_in}", "filed_at": "2026-11-22T12:00:00Z"}}\''
    cure = f"consentgate assertion add {each.name} {value} --by WHO"
    return Check(
        name="assertions",
        verdict="warn",
        found=f"nobody asserted {each.name}{effect}; {begins}asked for by {asking}",
        cure=f"If it is false: `{cure}`." if each.counts_as_yes else f"If it is true: `{cure}`.",
    )
