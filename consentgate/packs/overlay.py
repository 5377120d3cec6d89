"""A deployment's own rules on top of a set: files that tighten its packs, and packs of new jurisdictions.

The result is a set like any other: its index names every file of both, its digest pins them, and it can be kept
and opened again from what it names (`consentgate.packs.packset.kept`).

Invariants: nobody is asked for less than without the overlay: a file for a code of the set only tightens it, and a
new jurisdiction stands below the pack that answered for it; whatever is wrong is found here, before the first
decision.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Final

from consentgate.packs import index as indexes
from consentgate.packs.index import CODE, OVERLAY, Entry, Named
from consentgate.packs.pack import Pack
from consentgate.packs.packset import PackSet
from consentgate.packs.shape import Place
from consentgate.packs.tighter import DEFAULT_AGE

_SUFFIX: Final = ".toml"


def overlaid(base: PackSet, files: Mapping[str, bytes]) -> PackSet:
    """Put a deployment's files on a set.

    Args:
        base: the set.
        files: their exact bytes by path; each is named after its code, for example ``us/US-IL.toml``.

    Returns:
        The set that asks for both.

    Raises:
        PackInvalid: a file cannot be used, or somebody would be asked for less; the message names file, field,
            pack and cure.
    """
    if base.overlaid:
        raise Place(file=OVERLAY).refuse("the set has an overlay already; put all files into one")
    codes = _codes(files)
    if not codes:
        raise Place(file=OVERLAY).refuse(f"there is no {_SUFFIX} file; add one, or take the setting out")
    below = indexes.decode(base.index)
    entries = dict(below.packs)
    for code, file in codes.items():
        named = Named(file=f"{OVERLAY}/{file}", sha256=sha256(files[file]).hexdigest())
        known = entries.get(code)
        entries[code] = Entry(pack=named) if known is None else replace(known, overlay=named)
    index = indexes.Index(version=below.version, base=base.digest.hex(), packs=entries)

    def read(path: str) -> bytes:
        own = path.removeprefix(f"{OVERLAY}/")
        return files[own] if own != path else base.read(path)

    packs = PackSet(indexes.encode(index), read, signed_by=base.signed_by)
    for code, file in codes.items():
        _check(base, packs, code, Place(file=f"{OVERLAY}/{file}"))
    return packs


def _codes(files: Mapping[str, bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(files):
        path = PurePosixPath(file)
        if path.suffix.lower() != _SUFFIX:
            continue  # a remark, or a signature
        # What no evidence can name would tighten nothing, without a word.
        if path.suffix != _SUFFIX or CODE.fullmatch(path.stem) is None:
            cure = f"name the file after its code, for example US-IL{_SUFFIX}"
            raise Place(file=f"{OVERLAY}/{file}").refuse(cure)
        if path.stem in found:
            raise Place(file=f"{OVERLAY}/{file}").refuse(
                f"{found[path.stem]} is about this code too; keep one"
            )
        found[path.stem] = file
    return found


def _check(base: PackSet, packs: PackSet, code: str, place: Place) -> None:
    pack = packs.pack(code)
    for name, codes in (("parents", pack.parents), ("groups", pack.groups)):
        if unknown := [each for each in codes if each not in packs.codes]:
            raise place.at(name).refuse(
                f"no pack has the code {unknown[0]}; correct it, or add a file for it"
            )
    reached = packs.above(code)
    answered = base.lookup(code)
    if answered is None:
        return  # who was denied outright so far cannot be asked for less
    if answered not in (code, *pack.parents):
        raise place.at("parents").refuse(f"{answered} answered for {code} so far; name it as a parent")
    before = base.above(answered)
    _check_groups(packs, pack, before, place)
    _check_ages_above(pack, reached, before, place)
    if answered != code or not _ages(before[0]):
        _check_own_age(pack, reached, place)


def _check_groups(packs: PackSet, pack: Pack, before: tuple[Pack, ...], place: Place) -> None:
    # A group's age yields to an own one, so what stands above as a parent must not become a group.
    listed = {name for each in before for name in each.groups}
    for name in pack.groups:
        if name not in listed and not packs.pack(name).is_group:
            raise place.at("groups").refuse(f"{name} is no group; name it as a parent")


def _check_ages_above(pack: Pack, reached: tuple[Pack, ...], before: tuple[Pack, ...], place: Place) -> None:
    """A parent's age stands instead of a group's and of the default, so where it is new it reaches up to them."""
    there = {pack.code, *(each.code for each in before)}
    least = max((DEFAULT_AGE, *(age for each in before for age in _ages(each))))
    for other in reached:
        if other.code not in there and (low := [age for age in _ages(other) if age < least]):
            raise place.at("parents").refuse(
                f"{other.code} has a guardian below {min(low)} only, which would stand for {pack.code} where "
                f"{least} may have stood so far; leave {other.code} out"
            )


def _check_own_age(pack: Pack, reached: tuple[Pack, ...], place: Place) -> None:
    """So does an own age where none was stated."""
    least = max((age for other in reached[1:] for age in _ages(other)), default=DEFAULT_AGE)
    for age in _ages(pack):
        if age < least:
            raise place.at("versions").refuse(
                f"{pack.code} would have a guardian below {age} only, where {least} stood so far; write "
                f"guardian_required_below = {least} or more, or leave minors out"
            )


def _ages(pack: Pack) -> tuple[int, ...]:
    rules = [version.rules for version in pack.versions]
    rules += [rule.require for version in pack.versions for rule in version.conditional_rules]
    stated = (each.minors.guardian_required_below for each in rules if each.minors is not None)
    return tuple(age for age in stated if age is not None)
