"""One pack under one overlay: a file of the same shape that states only what a deployment asks for on top.

In the overlay's time its requirements stand instead of the pack's; parents, groups and conditional rules are
added. A conditional rule of the pack that would ask for less than the overlay no longer says anything there.

Invariants: a pack never asks for less than without its overlay, on any day and under any condition; what an
overlay asks for names where it comes from; an overlay changes no dates, names or exemptions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final, TypeAlias

from consentgate.packs.bases import own_clause
from consentgate.packs.pack import Basis, ConditionalRule, Pack, Source, Version
from consentgate.packs.rules import Rules
from consentgate.packs.shape import Place, read
from consentgate.packs.tighter import SHOWN, loosened
from consentgate.packs.toml import FORMAT, check_cited, check_dates, check_version, members
from consentgate.packs.wording import wordings
from consentgate.values import dataclass

_Span: TypeAlias = tuple[Version | None, Version | None, date, date | None]
_MARK: Final = "overlay: "  # no law, but what the deployment asks of itself
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """What a deployment asks for on top of a pack.

    Attributes:
        format: the version of the file's shape, 1.
        code: the pack.
        parents: codes whose rules apply too from now on.
        groups: groups whose rules apply too from now on.
        versions: what it asks for, and when.
        sources: where that comes from.
        notes: remarks, or None.
    """

    format: int
    code: str
    parents: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    sources: tuple[Source, ...] = field(default=(), metadata={"name": "basis"})
    notes: str | None = None


def tightened(pack: Pack, data: bytes, *, file: str) -> Pack:
    """Put an overlay on a pack.

    Args:
        pack: the pack.
        data: the overlay's exact bytes.
        file: its name, for messages.

    Returns:
        The pack that asks for both; its digest is the SHA-256 of the two files' digests.

    Raises:
        PackInvalid: the overlay cannot be used, or asks for less somewhere.
    """
    whole = Place(file=file)
    overlay = _overlay(data, whole, pack)
    both = sha256(bytes.fromhex(pack.digest) + sha256(data).digest())
    return replace(
        pack,
        parents=_added(pack.code, pack.parents, overlay.parents, whole.at("parents")),
        groups=_added(pack.code, pack.groups, overlay.groups, whole.at("groups")),
        versions=tuple(_versions(pack, overlay, whole)),
        sources=pack.sources + overlay.sources,
        notes=" ".join(filter(None, (pack.notes, overlay.notes and f"{_MARK}{overlay.notes}"))) or None,
        digest=both.hexdigest(),
        overlay=file,
    )


def _overlay(data: bytes, whole: Place, pack: Pack) -> Overlay:
    table = members(data, whole)
    if "exemptions" in table:
        cure = f"an overlay adds no exemptions to {pack.code}; claim one of the pack's by its id, as an assertion"
        raise whole.at("exemptions").refuse(cure)
    overlay = read(Overlay, table, whole)
    if overlay.format != FORMAT:
        raise whole.at("format").refuse(f"write {FORMAT}; this program reads no other")
    if overlay.code != pack.code:
        raise whole.at("code").refuse(f"the file's name says {pack.code}")
    if not (overlay.versions or overlay.parents or overlay.groups):
        raise whole.refuse("ask for something: versions, parents or groups")
    check_dates(overlay.versions, whole)
    check_cited(whole.at("basis"), [source.requirements for source in overlay.sources])
    return overlay


def _added(own: str, there: tuple[str, ...], more: tuple[str, ...], place: Place) -> tuple[str, ...]:
    for i, code in enumerate(more):
        if code == own:
            raise place.at(f"[{i}]").refuse("a jurisdiction is not above itself; leave it out")
        if code in there:
            raise place.at(f"[{i}]").refuse(f"{code} is there already; leave it out")
    return there + more


def _versions(pack: Pack, overlay: Overlay, whole: Place) -> Iterator[Version]:
    clauses = {name: source for source in overlay.sources for name in source.requirements}
    for i, version in enumerate(overlay.versions):
        _check_stated(version, clauses, whole.at("versions").at(f"[{i}]"))
    for base, over, since, until in _spans(pack.versions, overlay.versions):
        if over is None and base is not None:
            yield replace(base, since=since, until=until)
        elif over is not None:
            place = whole.at("versions").at(f"[{overlay.versions.index(over)}]")
            bare = base or Version(since=since, rules=Rules())
            merged = replace(_merged(pack, bare, over, place, clauses), since=since, until=until)
            check_version(merged, place)
            yield merged


def _check_stated(over: Version, clauses: Mapping[str, Source], place: Place) -> None:
    stated = over.rules.stated()
    if not stated and not over.conditional_rules:
        raise place.at("requirements").refuse("ask for something, or leave the version out")
    for name in stated:
        here = place.at("requirements").at(name)
        if name in SHOWN:
            raise here.refuse("it is only shown and tightens nothing; leave it out")
        if own_clause(over.rules, name) is None and name not in clauses:
            raise here.refuse(f'say where it comes from: a [[basis]] with requirements = ["{name}"]')


def _spans(base: tuple[Version, ...], over: tuple[Version, ...]) -> Iterator[_Span]:
    """Cut time where a version of either begins or ends."""
    cuts = {version.since for version in (*base, *over)}
    ends = {version.until for version in (*base, *over)}
    cuts |= {until + _DAY for until in ends if until is not None and until != date.max}
    days = sorted(cuts)
    for i, since in enumerate(days):
        until = days[i + 1] - _DAY if i + 1 < len(days) else _last(base, over)
        yield _on(base, since), _on(over, since), since, until


def _last(base: tuple[Version, ...], over: tuple[Version, ...]) -> date | None:
    return date.max if any(version.until == date.max for version in (*base, *over)) else None


def _on(versions: tuple[Version, ...], day: date) -> Version | None:
    for version in versions:
        if version.since <= day and (version.until is None or day <= version.until):
            return version
    return None


def _merged(pack: Pack, base: Version, over: Version, place: Place, clauses: Mapping[str, Source]) -> Version:
    rules = base.rules.overwritten(over.rules)
    for name in over.rules.stated():
        if cure := loosened(name, base.rules, rules):
            raise _looser(place.at("requirements").at(name), pack, base, cure)
    kept = tuple(_outdone(each, over.rules, rules, place) for each in base.conditional_rules)
    conditional = tuple(each for each in kept if each is not None)
    for i, each in enumerate(over.conditional_rules):
        here = place.at("conditional_rules").at(f"[{i}]")
        _check_condition(pack, replace(base, rules=rules, conditional_rules=conditional), each, here)
    own = {name: _basis(pack, base, over.rules, name, clauses) for name in over.rules.stated()}
    return replace(
        base,
        rules=rules,
        conditional_rules=conditional + tuple(_marked(each) for each in over.conditional_rules),
        bases={**base.bases, **own},
    )


def _outdone(rule: ConditionalRule, over: Rules, rules: Rules, place: Place) -> ConditionalRule | None:
    """Take out of a rule of the pack what would ask for less than the overlay asks for anyway."""
    require = rule.require
    for name in set(require.stated()) & set(over.stated()):
        if loosened(name, rules, rules.overwritten(require)) is None:
            continue
        if loosened(name, require, rules) is not None:
            cure = (
                f"neither this nor what the pack says under its condition {rule.id} is stricter; ask for both"
            )
            raise place.at("requirements").at(name).refuse(cure)
        changes: dict[str, Any] = {name: None}
        require = replace(require, **changes)
    return replace(rule, require=require) if require.stated() or not rule.applies else None


def _check_condition(pack: Pack, base: Version, rule: ConditionalRule, place: Place) -> None:
    if not rule.applies:
        raise place.at("applies").refuse(f"it would take {pack.code} out of play; an overlay only tightens")
    if rule.id in {each.id for each in base.conditional_rules}:
        raise place.at("id").refuse(f"{pack.code} has a rule of this name; take another")
    for name in rule.require.stated():
        here = place.at("require").at(name)
        if name in SHOWN:
            raise here.refuse("it is only shown and tightens nothing; leave it out")
        # It overwrites what the version says, and what other conditions that hold at the same time say.
        for beside in (base.rules, *(each.require for each in base.conditional_rules)):
            if cure := loosened(name, beside, base.rules.overwritten(rule.require)):
                raise _looser(here, pack, base, cure)


def _marked(rule: ConditionalRule) -> ConditionalRule:
    return replace(rule, cite=f"{_MARK}{rule.cite}")


def _looser(place: Place, pack: Pack, base: Version, cure: str) -> Exception:
    return place.refuse(
        f"it would ask for less than {pack.code} does in the version from {base.since}; {cure}, or leave it out"
    )


def _asks(rules: Rules, name: str) -> bool:
    value = getattr(rules, name)
    return value is not None and any(wording.asks for wording in wordings(name, value))


def _basis(pack: Pack, base: Version, over: Rules, name: str, clauses: Mapping[str, Source]) -> Basis:
    # No law is cited for what the house alone asks for.
    before = base.bases[name] if _asks(base.rules, name) else None
    source = clauses.get(name)
    clause = f"{_MARK}{own_clause(over, name) or (source.cite if source else '')}"
    return Basis(
        pack=pack.code,
        citation=f"{before.citation}; {clause}" if before else clause,
        confidence=source.confidence if source else pack.confidence,
    )
