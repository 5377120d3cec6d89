"""Plays the telephone: rings the service as an IVR would, and presses the keys that it was told to press.

``python phone.py CALL CUSTOMER [KEY ...]``
"""

import json
import os
import sys
from urllib.request import urlopen

ADDRESS = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}"


def tell(event: str, **what: str) -> None:
    """Tell the service what happened, and print what it says."""
    with urlopen(f"{ADDRESS}/{event}", data=json.dumps(what).encode()) as answer:
        said = json.load(answer)
    print("IVR:   ", said["say"].strip())
    if said.get("why"):
        print("       ", *said["why"])


def main() -> None:
    """Make one call."""
    call, customer, *keys = sys.argv[1:]
    tell("answered", call=call, customer=customer)
    for key in keys:
        print("caller: presses", key)
        tell("pressed", call=call, customer=customer, key=key)


if __name__ == "__main__":
    main()
