"""Speakers are refused when they cannot be one, and are stored and read back whole."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consentgate.consent.reference import Reference
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger.speaker import NOBODY, Speaker, speaker_from, speaker_json
from consentgate.policy.facts import Evidence

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVIDENCE = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high", observed_at=AT)


@pytest.mark.parametrize(
    "speaker",
    [
        Speaker([("customer", "1001")]),
        Speaker(
            [Reference(kind="customer", value="1001"), ("phone", "+12175550100")], [EVIDENCE], adult=True
        ),
        Speaker([("customer", "1001")], [Evidence(code="FR", kind="ip", source="edge")], age=34),
        Speaker([("customer", "1001")], age=0, last_interaction_at=AT),
    ],
)
def test_stored_speaker_reads_back(speaker: Speaker) -> None:
    assert speaker_from(speaker_json(speaker)) == speaker


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"references": []}, "at least one reference"),
        ({"references": ["customer"]}, "Reference or a"),
        ({"references": [("customer",)]}, "Reference or a"),
        ({"references": [("customer", "")]}, "value"),
        ({"references": [("phone", "217-555")]}, "E.164"),
        ({"references": [("customer", "1")], "evidence": ["US-IL"]}, "Evidence values"),
        ({"references": [("customer", "1")], "age": -1}, "whole years"),
        ({"references": [("customer", "1")], "age": 151}, "whole years"),
        ({"references": [("customer", "1")], "age": True}, "whole years"),
        ({"references": [("customer", "1")], "age": "34"}, "whole years"),
        ({"references": [("customer", "1")], "last_interaction_at": datetime(2026, 1, 1)}, "zone"),  # noqa: DTZ001  # on purpose
    ],
)
def test_what_is_no_speaker_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Speaker(**arguments)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        {},
        {"references": [], "evidence": [], "adult": False},
        {"references": "x", "evidence": [], "adult": False},
        {"references": [5], "evidence": [], "adult": False},
        {"references": [{"kind": "customer", "value": 5}], "evidence": [], "adult": False},
        {"references": [{"kind": "customer"}], "evidence": [], "adult": False},
        {"references": [{"kind": "customer", "value": "1"}], "evidence": [{"code": "FR"}], "adult": False},
    ],
)
def test_other_bytes_are_no_stored_speaker(stored: Any) -> None:
    with pytest.raises(Malformed):
        speaker_from(stored)


def test_speaker_shows_no_reference() -> None:
    assert "1001" not in repr(Speaker([("customer", "1001")]))
    assert repr(NOBODY) == "NOBODY"
