"""Typical cases for every jurisdiction: what a call centre meets, as scenarios that any pack set can answer.

Each case departs in one thing from a caller of full age who signed on the web after a complete notice, with
everything asserted that a law may ask for.

Invariants: pure; a case names its jurisdiction, its day and nothing else that could differ between two sets.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date
from typing import Any, Final

from consentgate.config.scenarios import Scenario
from consentgate.consent.terms import NOTICE_ELEMENTS
from consentgate.policy.demands import FLOOR_ELEMENTS

_MANY_YEARS_AGO: Final = "2000-01-01T00:00:00Z"

_SIGNED: Final[Mapping[str, Any]] = {
    "id": "consent",
    "status": "granted",
    "granted_at": "2000-01-01T00:00:00Z",
    "form": "written_release",
    "channel": "web_esign",
    "signature": "electronic",
    "notice_in_writing": True,
    "notice_elements": list(NOTICE_ELEMENTS),
    "bundled": False,
    "purposes": ["authentication"],
    "disclosure_consent": "separate",
    "signature_valid": True,
}
_ASSERTED: Final[Mapping[str, Any]] = {
    "recording_consent": "all_parties",
    "impact_assessment_done": True,
    "public_policy_published": True,
    "alternative_offered": True,
    "strictly_necessary": True,
}
_SPOKEN: Final = {"form": "explicit", "signature": "none", "notice_in_writing": False}

# What each case changes: part of the scenario, then members; None takes the part away.
_CASES: Final[Mapping[str, Mapping[str, Mapping[str, Any] | None]]] = {
    "signed on the web": {},
    "signed on paper": {"consent": {"channel": "paper", "signature": "wet"}},
    "key press on the line": {"consent": _SPOKEN | {"channel": "ivr_dtmf", "signature": "electronic"}},
    "spoken and recorded": {"consent": _SPOKEN | {"channel": "voice_recording"}},
    "spoken, not recorded": {"consent": _SPOKEN | {"channel": "verbal_unrecorded"}},
    "ticked on the web": {"consent": {"form": "opt_in", "channel": "web_form", "signature": "none"}},
    "short notice": {"consent": {"notice_elements": list(FLOOR_ELEMENTS)}},
    "among other terms": {"consent": {"bundled": True}},
    "no consent": {"consent": None},
    "withdrawn": {"consent": {"status": "withdrawn"}},
    "aged 15": {"speaker": {"age": 15}},
    "age unknown": {"speaker": {"age": None}},
    "nothing asserted": {"facts": dict.fromkeys(_ASSERTED) | {"recording_consent": "all_parties"}},
    "one party to the recording": {"facts": {"recording_consent": "one_party"}},
    "last call years ago": {"facts": {"last_interaction_at": _MANY_YEARS_AGO}},
    "processed abroad": {"request": {"processing_country": "ZZ", "cross_border": True}},
    "enrolment": {"request": {"operation": "enrol"}},
    "disclosure": {"request": {"operation": "disclose"}},
    "disclosure on the same consent": {
        "request": {"operation": "disclose"},
        "consent": {"disclosure_consent": "same"},
    },
    "sale": {"request": {"operation": "sell"}},
    "tone analysis at work": {
        "request": {"operation": "tone_analysis"},
        "consent": {"operations": ["tone_analysis"]},
        "speaker": {"setting": "workplace"},
    },
}


def cases(code: str, day: date) -> Iterator[Scenario]:
    """Give the typical cases of a jurisdiction.

    Args:
        code: its code.
        day: the day, in UTC.

    Yields:
        The cases; their ids name jurisdiction, day and what happens.
    """
    for name, changes in _CASES.items():
        members: dict[str, Any] = {
            "id": f"{code} {day} {name}",
            "title": name,
            "at": f"{day}T12:00:00Z",
            "jurisdictions": [{"code": code}],
            "speaker": {"id": "caller", "age": 34},
            "controller": {"type": "contact_centre"},
            "request": {
                "operation": "search",
                "purpose": "authentication",
                "processing_country": code.partition("-")[0],
            },
            "consent": deepcopy(dict(_SIGNED)),
            "facts": dict(_ASSERTED) | {"authority_filings": {code: _MANY_YEARS_AGO}},
        }
        for part, change in changes.items():
            members[part] = None if change is None else {**members[part], **change}
        yield Scenario(id=members["id"], file="typical cases", members=members)
