import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from consentgate.consent import notice
from consentgate.consent.details import NoticeRef, Withdrawal
from consentgate.consent.terms import BIOMETRIC, NOTICE_ELEMENTS
from consentgate.errors import InvalidInput, Malformed
from tests.unit.consent.samples import AT, MANIFEST, NOTICE_TEXT

BESIDE = {
    "id": "voice",
    "version": "3",
    "language": "en-US",
    "media_type": "text/plain",
    "in_writing": True,
    "elements": ["specific_purpose", "identity_of_controller", "length_of_term"],
    "consent_form": "written_release",
    "purposes": ["authentication"],
    "operations": ["enrol", "search"],
    "controllers": ["acme.example"],
    "separate": True,
    "validity": "P3Y",
    "withdrawal": {"text": "Say stop at any time."},
}


def test_the_stored_form_is_pinned() -> None:
    stored = notice.encode(MANIFEST)
    assert notice.decode(stored) == MANIFEST
    assert json.loads(stored) == {
        **BESIDE,
        "format": 1,
        "digest": "buNXUbYvkukT14wWf9Ru6-HR6CyV-Aap6mMXcBW1fZY",
        "disclosure_consent": "none",
        "elements": ["identity_of_controller", "length_of_term", "specific_purpose"],
        "personal_data": [BIOMETRIC],
    }


def test_a_manifest_written_beside_a_notice_takes_its_digest() -> None:
    assert notice.describe(NOTICE_TEXT, BESIDE) == MANIFEST
    assert notice.describe(NOTICE_TEXT, {**BESIDE, "format": 1}) == MANIFEST


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "A" * 43},
        {"digest": 7},
        {"format": 2},
        {"format": True},
        {"elemnts": []},
        {"elements": ["specific_porpoise"]},
        {"elements": ["specific_purpose", "specific_purpose"]},
        {"elements": "specific_purpose"},
        {"in_writing": "yes"},
        {"validity": "3 years"},
        {"consent_form": "release"},
        {"disclosure_consent": True},
        {"purposes": []},
        {"operations": []},
        {"controllers": []},
        {"purposes": ["a", "a"]},
        {"jurisdictions": ["Illinois"]},
        {"media_type": "text"},
        {"language": ""},
        {"version": "3/4"},
        {"recipients": [""]},
        {"recipients": ["x"] * 65},
        {"withdrawal": {}},
        {"withdrawal": {"text": "x", "fax": "y"}},
        {"at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_manifest_with_a_mistake_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        notice.describe(NOTICE_TEXT, {**BESIDE, **change})


@pytest.mark.parametrize("name", ["id", "elements", "in_writing", "consent_form", "purposes", "media_type"])
def test_a_manifest_that_leaves_out_a_promise_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match=f"{name} is missing"):
        notice.describe(NOTICE_TEXT, {key: value for key, value in BESIDE.items() if key != name})


def test_all_elements_and_recipients_are_taken() -> None:
    made = replace(MANIFEST, elements=frozenset(NOTICE_ELEMENTS), recipients=("Müller & Söhne",))
    assert len(NOTICE_ELEMENTS) == 20
    assert notice.decode(notice.encode(made)) == made
    with pytest.raises(InvalidInput):
        replace(MANIFEST, elements={"specific_purpose"})  # type: ignore[arg-type]  # the point


def test_other_bytes_are_refused() -> None:
    stored = notice.encode(MANIFEST)
    for data in (stored + b"\n", stored.replace(b'"format":1,', b""), b"{}", b"[]", b"", stored[:-1]):
        with pytest.raises(Malformed):
            notice.decode(data)


def test_a_name_fits_only_the_same_bytes_and_manifest() -> None:
    ref = MANIFEST.ref()
    assert ref == NoticeRef(
        id="voice",
        version="3",
        language="en-US",
        digest=sha256(NOTICE_TEXT).digest(),
        manifest=sha256(notice.encode(MANIFEST)).digest(),
    )
    assert MANIFEST.is_named_by(ref)
    assert MANIFEST.is_named_by(replace(ref, manifest=None))
    for other in (
        replace(ref, id="voices"),
        replace(ref, version="4"),
        replace(ref, language="en"),
        replace(ref, digest=bytes(32)),
        replace(ref, manifest=bytes(32)),
    ):
        assert not MANIFEST.is_named_by(other)
    assert not replace(MANIFEST, in_writing=False).is_named_by(ref)


def test_a_grant_ends_with_the_notices_period() -> None:
    assert MANIFEST.valid_until(AT) == AT.replace(year=2029)
    assert replace(MANIFEST, validity=None).valid_until(AT) is None


def test_withdrawal_text_keeps_its_unicode() -> None:
    made = replace(MANIFEST, withdrawal=Withdrawal(text="Dites « stop » à tout moment"))
    assert "« stop »".encode() in notice.encode(made)
    assert notice.decode(notice.encode(made)) == made
