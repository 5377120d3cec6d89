"""How large the long loads are: races, storms of processes, interrupts.

``CONSENTGATE_LOAD`` is a factor on their full size, which the guarantees name: 1 in `make loads`, more at night, a
fiftieth unless set, so that a run of all tests stays short.
"""

import os
from typing import Final

_FACTOR: Final = float(os.environ.get("CONSENTGATE_LOAD", "0.02"))


def load(full: int, least: int = 1) -> int:
    """Give what a run does of a load, of which all is `full`."""
    return max(least, round(full * _FACTOR))
