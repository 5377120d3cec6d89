"""Where the holder of a phone number may be, by the number's first digits: a hint, and never evidence by itself.

Area codes of North America name states and provinces, numbers of shared calling codes the country that has the
range, all others the country of the calling code. Toll-free and other numbers without a place name nothing.

Invariants: `jurisdictions` takes any text and never fails over it; the longest row that a number starts with
decides; no number shows in an error. The table is read when it is first needed, and changes with releases only
(`docs/adr/0024-numbers-are-hints.md`).

>>> jurisdictions("+13125550123"), jurisdictions("+448001111111")
(('US-IL',), ())
"""

import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cache
from itertools import islice
from typing import Final

from consentgate.consent import terms
from consentgate.errors import Misconfigured
from consentgate.values import dataclass

FILE: Final = "numbers.txt"

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SOURCE: Final = re.compile(r"source ([a-z0-9][a-z0-9.-]{0,63})")
_CALLING_CODE: Final = re.compile(r"\+([1-9][0-9]{0,2}) ([1-9][0-9]?)-([1-9][0-9]?) (.+)")
_NOWHERE: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who has which telephone numbers.

    Attributes:
        source: what the table was made from, with its version.
        lengths: how many digits a whole number of each calling code has, calling code included.
        places: sorted codes by first digits, calling code included; empty where these say nothing of a place.
    """

    source: str
    lengths: Mapping[str, range] = field(repr=False)
    places: Mapping[str, tuple[str, ...]] = field(repr=False)

    def jurisdictions(self, e164: str) -> tuple[str, ...]:
        """Say where the holder of a number may be.

        Args:
            e164: the number.

        Returns:
            Sorted codes; empty for numbers without a place and for what is no number.
        """
        if not _NUMBER.fullmatch(e164):
            return ()
        digits = e164[1:]
        code = next((digits[:n] for n in (1, 2, 3) if digits[:n] in self.lengths), None)
        if code is None or len(digits) not in self.lengths[code]:
            return ()
        starts = (digits[:n] for n in range(len(digits), 0, -1))
        return next(self.places[start] for start in starts if start in self.places)


def jurisdictions(e164: str) -> tuple[str, ...]:
    """Say where the holder of a number may be, by the table that this release ships.

    Args:
        e164: the number, for example ``+13125550123``; any other text is no number.

    Returns:
        Sorted codes: one where the plan is clear, several where a range is shared or an area code of North
        America is not assigned, none for toll-free and other numbers without a place.

    Raises:
        Misconfigured: the installation is damaged.
    """
    return shipped().jurisdictions(e164)


@cache
def shipped() -> Plan:
    """Read the table that this release ships, once.

    Returns:
        The plan.

    Raises:
        Misconfigured: the installation is damaged.
    """
    try:
        data = pkgutil.get_data("consentgate.policy", FILE)
    except OSError as error:
        raise _damaged("it is missing") from error
    if data is None:
        raise _damaged("this way to install packages hides it")
    return plan_from(data)


def plan_from(data: bytes) -> Plan:
    """Read a table.

    Args:
        data: its bytes, as ``tools/numbers.py`` writes them.

    Returns:
        The plan.

    Raises:
        Misconfigured: they are something else; the message names the line.
    """
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise _damaged("it is not plain text") from error
    rows = ((number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#"))
    first = "".join(line for _, line in islice(rows, 1))
    source = _SOURCE.fullmatch(first)
    if source is None:
        raise _damaged("it does not begin with its source")
    lengths: dict[str, range] = {}
    places: dict[str, tuple[str, ...]] = {}
    for start, found, digits in _rows(rows):
        if start in places:
            raise _damaged(f"{start} stands in it twice")
        places[start] = found
        if digits is not None:
            lengths[start] = digits
    return Plan(source=source[1], lengths=lengths, places=places)


def _rows(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[str, tuple[str, ...], range | None]]:
    """Give first digits, places and, where a calling code begins, the lengths of its numbers."""
    known: dict[str, tuple[str, ...]] = {}
    calling_code = ""
    for number, line in lines:
        opens = _CALLING_CODE.fullmatch(line) if line.startswith("+") else None
        start, _, named = line.partition(" ")
        if opens:
            calling_code, named = opens[1], opens[4]
        elif not (calling_code and start.isdigit()):
            raise _damaged(f"line {number} cannot be read")
        if named not in known:
            known[named] = _places(named, number)
        if opens:
            least, most = (len(calling_code) + int(count) for count in opens.group(2, 3))
            if least > most:
                raise _damaged(f"line {number} cannot be read")
            yield calling_code, known[named], range(least, most + 1)
        else:
            yield calling_code + start, known[named], None


def _places(named: str, line: int) -> tuple[str, ...]:
    if named == _NOWHERE:
        return ()
    codes = tuple(named.split(" "))
    if codes != tuple(sorted(set(codes))) or not all(map(terms.JURISDICTION.fullmatch, codes)):
        raise _damaged(f"line {line} cannot be read")
    return codes


def _damaged(what: str) -> Misconfigured:
    return Misconfigured(f"{FILE}, the table of telephone numbers: {what}. Install consentgate again.")
