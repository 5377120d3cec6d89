"""Write the table of telephone numbers that `consentgate.policy.numbers` reads.

Usage: ``python tools/numbers.py consentgate/policy/numbers.txt``

Its source is the pinned release of ``phonenumbers``, the Python edition of libphonenumber: which ranges of a
calling code are assigned, to which country, for which service, and how an area code of North America is labelled.
The output depends on nothing else, so that a difference in the table is a difference of the source, or of this
file. Not part of the wheel.

A range of services (toll-free, premium, shared cost, personal, pager, company-wide, voicemail) names no place. A
fixed line names every country that the plan gives it to. Where mobile or internet numbers of a territory cannot be
told from those of the mainland, they are the mainland's. What is not assigned is whose calling code it is.
"""

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import version
from itertools import product
from operator import contains
from pathlib import Path
from typing import Final, TypeAlias

from phonenumbers import PhoneMetadata
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.phonenumberutil import COUNTRY_CODE_TO_REGION_CODE

Range: TypeAlias = tuple[str, ...]
"""The numbers of one length of a pattern: which digits may stand in each place."""
Places: TypeAlias = tuple[str, ...]
Tree: TypeAlias = "Places | Mapping[str, Tree]"

_HEAD: Final = """\
# Where the holder of a phone number may be, by the number's first digits. A hint: numbers are carried along,
# ported and forged. The longest row that a number starts with decides; "-" says nothing about a place.
# Made by tools/numbers.py from libphonenumber, Copyright The Libphonenumber Authors, Apache License 2.0 (NOTICE).
# "+1 10-10 CA US": a calling code, how many digits follow it, whose it is. Below it, the digits that follow.
"""
_DIGITS: Final = "0123456789"
_FIXED: Final = ("fixed_line",)
_MOVABLE: Final = ("mobile", "voip")
_SERVICES: Final = (
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_WORLD: Final = "001"
_E164_DIGITS: Final = 15
# libphonenumber's names of places that ISO 3166 has as parts of Saint Helena.
_ISO: Final = {"AC": "SH-AC", "TA": "SH-TA"}
_PLAN: Final = 1  # the calling code of North America
_PLAN_MAIN: Final = ("CA", "US")
_AREA_CODE: Final = 3  # digits
# What the source does not say, with why.
_STATED: Final[Mapping[int, Mapping[str, Places]]] = {
    # Recommendation ITU-T E.164's list gives Kazakhstan the ranges 6 and 7 of +7; of 6 nothing is in service.
    7: {"6": ("KZ",)},
    _PLAN: {
        "0": (),  # no area code starts so
        "1": (),
        **{f"{digit}11": () for digit in "23456789"},  # service codes such as 911
        **{f"{digit}9": () for digit in "23456789"},  # kept for the day when numbers get longer
        "600": (),  # Canada's, for services without a place
        "700": (),  # of each long-distance carrier
        "710": (),  # of the federal government, wherever it is
        "822": (),  # the next one for toll-free numbers
        # Area codes that a state's commission has put beside others, and of which the source does not know yet.
        "357": ("US-CA",),  # beside 559, since 2025
        "436": ("US-OH",),  # beside 440, since 2024
        "457": ("US-LA",),  # beside 318, since 2025
        "465": ("US-NY",),  # beside 347, 718, 917 and 929, from 2026
        "471": ("US-MS",),  # beside 662, since 2026
        "483": ("US-AL",),  # beside 334, since 2026
        "621": ("US-TX",),  # beside 281, 346, 713 and 832, since 2025
        "624": ("US-NY",),  # beside 716, since 2023
        "679": ("US-MI",),  # beside 313, since 2025
        "729": ("US-TN",),  # beside 423, since 2025
        "837": ("US-CA",),  # beside 530, since 2025
        "861": ("US-IL",),  # beside 309, since 2023
    },
}
# Longer than the source has it: the 1 before Mexican mobile numbers went in 2019, and is still sent.
_MOST_DIGITS: Final = {52: 11}
_STATES: Final = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO",
    "Connecticut": "CT", "Delaware": "DE", "Florida": "FL", "Georgia": "GA", "Hawaii": "HI", "Idaho": "ID",
    "Illinois": "IL", "Indiana": "IN", "Iowa": "IA", "Kansas": "KS", "Kentucky": "KY", "Louisiana": "LA",
    "Maine": "ME", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN",
    "Mississippi": "MS", "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV",
    "New Hampshire": "NH", "New Jersey": "NJ", "New Mexico": "NM", "New York": "NY", "North Carolina": "NC",
    "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR", "Pennsylvania": "PA",
    "Rhode Island": "RI", "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN", "Texas": "TX",
    "Utah": "UT", "Vermont": "VT", "Virginia": "VA", "Washington D.C.": "DC", "Washington State": "WA",
    "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
}  # fmt: skip
_PROVINCES: Final = {
    "Alberta": "AB", "British Colombia": "BC", "British Columbia": "BC", "Manitoba": "MB", "New Brunswick": "NB",
    "Newfoundland and Labrador": "NL", "Northwest Territories": "NT", "Nova Scotia": "NS", "Nunavut": "NU",
    "Ontario": "ON", "Prince Edward Island": "PE", "Quebec": "QC", "Saskatchewan": "SK", "Yukon": "YT",
}  # fmt: skip
_CODES: Final = {
    **{name: f"US-{code}" for name, code in _STATES.items()},
    **{name: f"CA-{code}" for name, code in _PROVINCES.items()},
    **{code: f"US-{code}" for code in _STATES.values()},
    **{code: f"CA-{code}" for code in _PROVINCES.values()},
}


class _Pattern:
    """A number pattern of libphonenumber: digits, sets of digits, groups, alternatives, repetition."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def ranges(self) -> set[Range]:
        """Expand the pattern; raises ValueError for syntax that it does not know."""
        found = self._alternatives()
        if self._at != len(self._text):
            raise ValueError(f"What is this, at {self._at}? {self._text}")
        return found

    def _alternatives(self) -> set[Range]:
        found = self._sequence()
        while self._take("|"):
            found |= self._sequence()
        return found

    def _sequence(self) -> set[Range]:
        found: set[Range] = {()}
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            found = _joined(found, self._repeated(self._atom()))
        return found

    def _atom(self) -> set[Range]:
        if self._take("(?:"):
            found = self._alternatives()
            if not self._take(")"):
                raise ValueError(f"A group does not end: {self._text}")
            return found
        if self._take("\\d"):
            return {(_DIGITS,)}
        if self._take("["):
            inside = self._until("]")
            return {("".join(digit for digit in _DIGITS if re.match(f"[{inside}]", digit)),)}
        digit = self._text[self._at]
        if digit not in _DIGITS:
            raise ValueError(f"What is this, at {self._at}? {self._text}")
        self._at += 1
        return {(digit,)}

    def _repeated(self, atom: set[Range]) -> set[Range]:
        least, most = 1, 1
        if self._take("?"):
            least = 0
        elif self._take("{"):
            first, _, last = self._until("}").partition(",")
            least, most = int(first), int(last or first)
        found: set[Range] = set()
        times: set[Range] = {()}
        for count in range(most + 1):
            found |= times if count >= least else set()
            times = _joined(times, atom)
        return found

    def _take(self, text: str) -> bool:
        taken = self._text.startswith(text, self._at)
        self._at += len(text) if taken else 0
        return taken

    def _until(self, end: str) -> str:
        start, self._at = self._at, self._text.index(end, self._at) + 1
        return self._text[start : self._at - 1]


def _joined(left: Collection[Range], right: Collection[Range]) -> set[Range]:
    return {one + other for one in left for other in right}


class _CallingCode:
    """Who has which numbers of one calling code."""

    def __init__(self, regions: Collection[str]) -> None:
        self._main = next(iter(regions))
        self._assigned = [
            (found, region, kind)
            for region in regions
            for kind, names in (("fixed", _FIXED), ("movable", _MOVABLE), ("service", _SERVICES))
            for name in names
            for found in _ranges(region, name)
        ]

    @property
    def lengths(self) -> tuple[int, int]:
        """The fewest and the most digits that a person's number has after the calling code."""
        lengths = [len(found) for found, _, kind in self._assigned if kind != "service"]
        return min(lengths), max(lengths)

    def rows(self) -> Iterator[tuple[str, Places]]:
        """Give the shortest runs of digits that tell whose the assigned numbers are."""
        yield from _leaves("", self._tree(self._assigned, 0))

    def rows_of(self, length: int) -> Iterator[tuple[str, Places]]:
        """Give every assigned run of so many digits, whatever differs below it."""
        starts = {start for found, _, _ in self._assigned for start in product(*found[:length])}
        for start in sorted(starts):
            fitting = [each for each in self._assigned if all(map(contains, each[0], start))]
            yield "".join(start), self._places({(region, kind) for _, region, kind in fitting})

    def _tree(self, assigned: list[tuple[Range, str, str]], depth: int) -> Tree:
        owners = {(region, kind) for _, region, kind in assigned}
        decided = len({self._places({owner}) for owner in owners}) == 1
        if decided or all(set(found[depth:]) <= {_DIGITS} for found, _, _ in assigned):
            return self._places(owners)
        below: dict[str, Tree] = {}
        for digit in _DIGITS:
            fitting = [each for each in assigned if len(each[0]) > depth and digit in each[0][depth]]
            if fitting:
                below[digit] = self._tree(fitting, depth + 1)
        first = next(iter(below.values()))
        # Ranges that nobody has are not given to a neighbour, but for the one whose calling code it is.
        same = isinstance(first, tuple) and all(each == first for each in below.values())
        return first if same and (len(below) == len(_DIGITS) or first == self._home) else below

    @property
    def _home(self) -> Places:
        return (_ISO.get(self._main, self._main),)

    def _places(self, owners: set[tuple[str, str]]) -> Places:
        movable = {region for region, kind in owners if kind == "movable"}
        found = {region for region, kind in owners if kind == "fixed"}
        found |= {self._main} if self._main in movable else movable
        return tuple(sorted(_ISO.get(region, region) for region in found))


def _ranges(region: str, name: str) -> set[Range]:
    metadata = PhoneMetadata.metadata_for_region(region)
    described = getattr(metadata, name)
    pattern = described.national_number_pattern if described is not None else None
    return _Pattern(pattern).ranges() if pattern else set()


def _leaves(prefix: str, tree: Tree) -> Iterator[tuple[str, Places]]:
    if isinstance(tree, tuple):
        yield prefix, tree
        return
    for digit, below in tree.items():
        yield from _leaves(prefix + digit, below)


def _north_america() -> Iterator[tuple[str, Places]]:
    """Give each area code of the plan: its states or provinces, or the other country that has it."""
    regions = COUNTRY_CODE_TO_REGION_CODE[_PLAN]
    labels = _labels(f"{_PLAN}")
    for area, places in _CallingCode(regions).rows_of(_AREA_CODE):
        if area in _STATED[_PLAN]:
            if places and _STATED[_PLAN][area]:
                raise ValueError(
                    f"The source knows area code {area} now: take it out of what is stated here."
                )
            continue
        if set(places) & set(_PLAN_MAIN):
            states = _states(labels[f"{_PLAN}{area}"])
            if {state[:2] for state in states} != set(places):
                raise ValueError(f"Area code {area} is labelled {states}, and assigned to {places}.")
            yield area, states
        else:
            yield area, places


def _labels(prefix: str) -> Mapping[str, set[str]]:
    """Give what an area code is called: its own label, or, where it has none, those of its exchanges."""
    own: dict[str, set[str]] = {}
    parts: dict[str, set[str]] = {}
    for digits, names in GEOCODE_DATA.items():
        if digits.startswith(prefix) and "en" in names:
            into = own if len(digits) == len(prefix) + _AREA_CODE else parts
            into.setdefault(digits[: len(prefix) + _AREA_CODE], set()).add(names["en"])
    return {**parts, **own}


def _states(labels: Iterable[str]) -> Places:
    """Read labels such as "Chicago, IL" or "Nova Scotia/Prince Edward Island"; KeyError for an unknown name."""
    names = (name.rpartition(", ")[2] for label in labels for name in label.split("/"))
    return tuple(sorted({_CODES[name] for name in names}))


def _section(code: int, regions: Collection[str]) -> Iterator[str]:
    home: Places = tuple(_ISO.get(region, region) for region in regions if region != _WORLD)[:1]
    rows: dict[str, Places] = {}
    least, most = 1, _E164_DIGITS - len(str(code))
    if code == _PLAN:
        home, least, most = _PLAN_MAIN, 10, 10
        rows.update(_north_america())
    elif home:
        plan = _CallingCode(regions)
        least, most = plan.lengths
        most = _MOST_DIGITS.get(code, most)
        rows.update(plan.rows())
    rows.update(_STATED.get(code, {}))
    yield f"+{code} {least}-{most} {' '.join(home) or '-'}"
    for digits, places in sorted(rows.items()):
        if digits and places != home:
            yield f"{digits} {' '.join(places) or '-'}"


def main(arguments: list[str]) -> int:
    """Write the table.

    Args:
        arguments: the file.

    Returns:
        The exit code.
    """
    if len(arguments) != 1:
        sys.stderr.write((__doc__ or "").split("\n\n")[1] + "\n")
        return 2
    sections = (
        line
        for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items(), key=lambda item: str(item[0]))
        for line in _section(code, regions)
    )
    source = f"source phonenumbers-{version('phonenumbers')}"
    Path(arguments[0]).write_text(_HEAD + "\n".join((source, *sections)) + "\n", "ascii", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
