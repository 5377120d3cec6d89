"""The keys that may sign the packs of a release: reviewed like code, one a line.

``tools/packs.py --new-key`` makes a key and prints its line. A key leaves the list when it is no longer trusted;
a set that only it signed is then refused.
"""

from typing import Final

SIGNERS: Final[tuple[str, ...]] = (
    "consentgate.invalid/packs/vge4te3d+ea93a8af+AYTa7mHCe59jU2FvrOdVK4Hkq06EJWNRBkEUkqDy7mDk",
)
