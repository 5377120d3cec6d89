"""What a person can claim, as values: shown only; no decision depends on it.

Invariant: nothing is computed from an amount.
"""

from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Damages:
    """An amount, or a range, that a law names; shown only.

    Attributes:
        tier: for what conduct, or None.
        law: under which law, where there are several, or None.
        amount: the amount, or None.
        min: the least, or None.
        max: the most, or None.
        currency: ISO 4217, or None.
        per: what it is counted by, or None.
        note: a remark, or None.
    """

    tier: str | None = None
    law: str | None = None
    amount: int | None = None
    min: int | None = None
    max: int | None = None
    currency: str | None = None
    per: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateAction:
    """Whether a person can sue; shown only.

    Attributes:
        available: whether they can.
        statutory_damages: what the law puts a number on.
        cite: the clause, or None.
    """

    available: bool
    statutory_damages: tuple[Damages, ...] = ()
    cite: str | None = None
