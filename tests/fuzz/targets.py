"""Every decoder of ours."""

from collections.abc import Sequence
from typing import Final

from tests.fuzz.arrivals import ARRIVALS
from tests.fuzz.edges import EDGES
from tests.fuzz.exports import EXPORTS
from tests.fuzz.formats import FORMATS
from tests.fuzz.packages import PACKAGES
from tests.fuzz.rules import RULES
from tests.fuzz.target import Target
from tests.fuzz.trees import TREES
from tests.fuzz.verifier import VERIFIER

TARGETS: Final[Sequence[Target]] = (
    *FORMATS,
    *RULES,
    *TREES,
    *EDGES,
    *ARRIVALS,
    *PACKAGES,
    *EXPORTS,
    *VERIFIER,
)
