"""Which references are one person, as signed statements say: for a yes, and for a no.

A statement ``SameSubject`` binds two references; ``NotSameSubject`` parts them again. The two directions of doubt
are treated apart:

- *For a no* a bond holds whoever claims it, and reaches on from reference to reference: a refusal under one of them
  is heard under all. Only a sound parting ends that, and only for what is said after it: nothing that was heard is
  unheard.
- *For a yes* a bond holds only while a sound statement of an issuer in scope says so and nobody, sound or not, has
  parted the two since. It reaches one step: each further step would rest on one more claim.

Invariants: a function of the statements in commit order alone; another bond never makes a no reach less, another
parting at the end never makes a yes or a no reach more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Final

from consentgate.consent.issuers import Issuer, scope_problems
from consentgate.consent.reference import Reference
from consentgate.consent.statement import Statement
from consentgate.values import dataclass

MAX_BOUND: Final = 16
"""How many references may be one person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """A statement about two references, in its place.

    Attributes:
        place: its place among the statements, in commit order.
        entry: id of its entry as text.
        statement: what it says.
        issuer: its issuer in the registry of the decision, or None.
        sound: whether signature and key fit.
    """

    place: int
    entry: str
    statement: Statement = field(repr=False)
    issuer: Issuer | None = field(default=None, repr=False)
    sound: bool

    @property
    def binds(self) -> bool:
        """Whether it says that the two are one person."""
        return self.statement.state == "SameSubject"

    @property
    def counts(self) -> bool:
        """Whether a yes may rest on it."""
        return self.binds and self.sound and not self.problems(self.statement)

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """Where its issuer may record grants."""
        return self.issuer.jurisdictions if self.issuer is not None else ()

    def problems(self, statement: Statement) -> tuple[str, ...]:
        """Say what of a statement its issuer may not record.

        Args:
            statement: the bond's own, or a grant that would count by way of it.

        Returns:
            As `issuers.scope_problems`; ``issuer:unknown`` where the issuer is not in the registry.
        """
        return ("issuer:unknown",) if self.issuer is None else scope_problems(statement, self.issuer)


def heard_under(bonds: Sequence[Bond], references: Iterable[Reference], place: int) -> frozenset[Reference]:
    """Name the references under which a no is heard by somebody.

    Args:
        bonds: in commit order.
        references: how the person is known.
        place: the place of the no among the statements.

    Returns:
        Those references, and all that are bound to them, however many steps away.
    """
    reached = frozenset(references)
    pairs = [pair for pair, end in _ends(bonds).items() if end is None or place < end]
    while more := frozenset().union(*(pair for pair in pairs if not pair.isdisjoint(reached))) - reached:
        reached |= more
    return reached


def bound_to(bonds: Sequence[Bond], reference: Reference) -> dict[Reference, tuple[Bond, ...]]:
    """Name the references whose grants count for somebody too.

    Args:
        bonds: in commit order.
        reference: the first by which the person is known.

    Returns:
        By reference the bonds that say so: the newest of each issuer.
    """
    found: dict[Reference, dict[str, Bond]] = {}
    for bond in bonds:
        pair = bond.statement.pair
        if pair is None or reference not in pair:
            continue
        (other,) = pair - {reference}
        if not bond.binds:
            found.pop(other, None)
        elif bond.counts:
            found.setdefault(other, {})[bond.statement.issuer] = bond
    return {other: tuple(by_issuer.values()) for other, by_issuer in found.items()}


def _ends(bonds: Sequence[Bond]) -> dict[frozenset[Reference], int | None]:
    """Where in the order of statements each bond ends for a no: None while it holds."""
    ends: dict[frozenset[Reference], int | None] = {}
    for bond in bonds:
        pair = bond.statement.pair or frozenset()
        if bond.binds:
            ends[pair] = None
        elif bond.sound and pair in ends and ends[pair] is None:
            ends[pair] = bond.place
    return ends
