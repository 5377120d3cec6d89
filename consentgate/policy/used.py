"""Which assertions a decision used: those that its packs and the floor read, told apart from those in force.

Invariant: an assertion that is not named here has no effect on the decision; one that is named was read, and
may have made no difference, for example a filing that was made in time.
"""

from collections.abc import Iterable
from typing import Final

from consentgate.policy.assertions import AssertionUsed, Key, Standing
from consentgate.policy.demands import ASSERTED, Requirements
from consentgate.policy.effective import Effective
from consentgate.policy.facts import RequestFacts

# Read before the rules: what decides whether a pack applies.
_BEFORE: Final = frozenset(("controller_type", "exemption"))
_FLOOR: Final[frozenset[Key]] = frozenset((("purpose_satisfied", "", ""),))
_RECORDING: Final[frozenset[Key]] = frozenset((("recording_consent", "", ""),))


def readable(united: Iterable[Effective], asked: Requirements) -> frozenset[Key]:
    """Name the assertions that packs and floor read, whatever the request says.

    Args:
        united: the packs that apply.
        asked: what they ask together.

    Returns:
        Keys of assertions.
    """
    keys: set[Key] = {*_FLOOR}
    for each in united:
        keys |= {("exemption", each.pack.code, exemption.id) for exemption in each.pack.exemptions}
        if each.by_controller_type:
            keys.add(("controller_type", "", ""))
    keys |= {(name, "", "") for demand, name, _ in ASSERTED if asked.demand(demand)}
    keys |= {(flag, "", "") for _, flag, _ in asked.conditional_elements}
    keys |= {("authority_filing", filing.code, "") for filing in asked.filings}
    keys |= {(clock.trigger, "", "") for clock in asked.clocks}
    return frozenset(keys)


def used(
    request: RequestFacts, asked: Requirements, standing: Standing, *, judged: bool
) -> tuple[AssertionUsed, ...]:
    """Pick the assertions that one decision read.

    Args:
        request: the request; a call that says who agreed to the recording asks no assertion about it.
        asked: what is asked.
        standing: what is asserted.
        judged: whether the rules were gone through; else only what decides whether a pack applies was read.

    Returns:
        The assertions, sorted by name and entry.
    """
    read = asked.reads
    if not judged:
        read = frozenset(key for key in read if key[0] in _BEFORE)
    elif request.recording_consent is None:
        read |= _RECORDING
    return tuple([each.as_used for each in standing.used if each.key in read])
