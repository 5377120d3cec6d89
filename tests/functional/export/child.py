"""A process that exports, and is killed: ``python -m tests.functional.export.child HOME OUT AT WHERE``.

WHERE is the path of a file of the package: the process ends without a word when that is to be written. ``named`` is
after the package has its name, before the cover letter; ``encrypting`` is when a piece of it went into the file.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.export import delivery, making
from consentgate.export.bag import Bag
from consentgate.moment import from_text
from consentgate.testing.clock import FrozenClock
from tests.functional.export.place import ASKED

READER: Final = "age1ytvkswe22rx7e9kcwedxyu5l36q7wxxgs5p3j8464667k4k68s2qmal7wt"


def die(*_: object, **__: object) -> Any:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(where: str) -> None:
    """Let the process end at a place."""
    if where == "named":
        setattr(making, "write_letter", die)  # noqa: B010  # in this process alone, where the module does not give it away
        return
    if where == "encrypting":

        def tar(*_: object, **__: object) -> Iterator[bytes]:
            yield bytes(1 << 20)
            die()

        setattr(delivery, "tar", tar)  # noqa: B010  # likewise
        return
    opened = Bag.open

    def open_(self: Bag, path: str, **more: Any) -> Any:
        if path == where:
            die()
        return opened(self, path, **more)

    Bag.open = open_  # type: ignore[method-assign]  # in this process alone


def main() -> None:
    """Export, as far as that goes."""
    home, out, at, where = sys.argv[1:]
    arm(where)
    clock = FrozenClock(from_text(at))
    with ConsentGate(load_settings(Path(home)), clock=clock, background=False) as gate:
        sealed = where == "encrypting"
        gate.export("Crash", out, **{**ASKED, "clear": not sealed}, encrypt_to=[READER] if sealed else [])


if __name__ == "__main__":
    main()
