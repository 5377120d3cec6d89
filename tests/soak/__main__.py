"""``make soak``: a soak of CONSENTGATE_SOAK seconds (180), by the seed CONSENTGATE_SOAK_SEED (a new one each time).

It ends by itself, prints what it came to, and exits with 1 where something happened that must not.
"""

import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.databases import server
from tests.soak.soak import soak


def main() -> int:
    """Soak, and say what it came to."""
    # What starts the server would print the server's own log each time that this takes long.
    logging.disable(logging.CRITICAL)
    seconds = float(os.environ.get("CONSENTGATE_SOAK", "180"))
    seed = int(os.environ.get("CONSENTGATE_SOAK_SEED", str(time.time_ns() % 1_000_000)))
    print(f"soaking for {seconds:.0f} s, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="consentgate-soak-") as folder, server() as running:
        soaked = soak(running, Path(folder), seconds, seed)
    print(soaked.report())
    return 0 if all(each.flat for each in soaked.grown) else 1


if __name__ == "__main__":
    sys.exit(main())
