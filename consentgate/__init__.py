"""Compare a caller's voice with stored voiceprints only when the law allows it, and provably so.

>>> from consentgate import ConsentGate, Speaker
"""

from typing import TYPE_CHECKING

from consentgate import version

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate
    from consentgate.config.issuing import SigningIssuer
    from consentgate.consent.reference import Reference
    from consentgate.errors import (
        ConsentDenied,
        ConsentGateError,
        ConsentWithdrawn,
        OutcomeNotRecorded,
        PresignRefused,
        StatementRefused,
    )
    from consentgate.gate.vendorrequest import VendorRequest
    from consentgate.ledger.speaker import NOBODY, Speaker
    from consentgate.policy.facts import Evidence

__version__ = version.VERSION

__all__ = [
    "NOBODY",
    "ConsentDenied",
    "ConsentGate",
    "ConsentGateError",
    "ConsentWithdrawn",
    "Evidence",
    "OutcomeNotRecorded",
    "PresignRefused",
    "Reference",
    "SigningIssuer",
    "Speaker",
    "StatementRefused",
    "VendorRequest",
    "__version__",
]

# Where each name lives: imported when first asked for, so that importing consentgate costs next to nothing.
_HOMES = {
    "NOBODY": "consentgate.ledger.speaker",
    "ConsentDenied": "consentgate.errors",
    "ConsentGate": "consentgate.config.face",
    "ConsentGateError": "consentgate.errors",
    "ConsentWithdrawn": "consentgate.errors",
    "Evidence": "consentgate.policy.facts",
    "OutcomeNotRecorded": "consentgate.errors",
    "PresignRefused": "consentgate.errors",
    "Reference": "consentgate.consent.reference",
    "SigningIssuer": "consentgate.config.issuing",
    "Speaker": "consentgate.ledger.speaker",
    "StatementRefused": "consentgate.errors",
    "VendorRequest": "consentgate.gate.vendorrequest",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'consentgate' has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
