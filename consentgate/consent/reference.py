"""Identifiers of people: a kind and a value, as the caller's own systems know them.

Invariants: a phone number has one spelling (E.164); every other value is taken byte for byte; the value shows
in no repr, because it is personal data. Kinds are words, so they never meet the reserved ones, which start
with a colon.

>>> Reference(kind="phone", value="+13125550123")
Reference(kind='phone')
"""

import re
from dataclasses import field
from typing import Final

from consentgate.consent.terms import check_text
from consentgate.errors import InvalidInput
from consentgate.values import dataclass

PHONE: Final = "phone"

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One identifier of one person.

    Attributes:
        kind: a word, for example ``customer`` or ``phone``.
        value: E.164 for a phone, else 1 to 256 characters, byte for byte.
    """

    kind: str
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        kind: object = self.kind
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise InvalidInput("The kind of a reference is a lower-case word of at most 32 characters.")
        if self.kind == PHONE and not _E164.fullmatch(self.value):
            raise InvalidInput("A phone reference is an E.164 number: + and 7 to 15 digits, nothing else.")
        check_text(self.value, "the value of a reference", limit=256, controls=True)
