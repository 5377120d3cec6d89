"""Valid values that tests change one field of."""

from datetime import UTC, datetime
from hashlib import sha256

from consentgate.consent.details import (
    CallContext,
    EvidenceRef,
    Guardian,
    NoticeRef,
    Retention,
    Withdrawal,
)
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.statement import Statement
from consentgate.consent.terms import BIOMETRIC, DPV

AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
NOTICE_TEXT = b"We compare your voice with a stored voiceprint. Press 1 to agree."

CUSTOMER = Reference(kind="customer", value="C-1001")
PHONE = Reference(kind="phone", value="+13125550123")

GRANT = Statement(
    issuer="https://ivr.example",
    id="01937c5e-7b80-7000-8000-000000000001",
    issued_at=AT.replace(microsecond=0),
    references=(CUSTOMER, PHONE),
    state="ConsentGiven",
    event_time=AT,
    method="ivr_dtmf",
    consent_form="written_release",
    signature_kind="electronic",
    separate=True,
    purposes=("authentication",),
    operations=("enrol", "search"),
    controllers=("acme.example",),
    notice=NoticeRef(
        id="voice",
        version="3",
        language="en-US",
        digest=sha256(NOTICE_TEXT).digest(),
        manifest=bytes(range(32)),
    ),
)

FULL_GRANT = Statement(
    issuer="https://ivr.example",
    id="01937c5e-7b80-7000-8000-000000000002",
    issued_at=AT.replace(microsecond=0),
    references=(CUSTOMER, PHONE),
    state="ConsentGiven",
    event_time=AT,
    method="import",
    imported_method="paper",
    sub="person-77",
    consent_form="explicit",
    signature_kind="wet",
    separate=True,
    disclosure_consent="separate",
    purposes=("authentication", "fraud_watchlist"),
    purpose_iris=(DPV + "IdentityAuthentication", DPV + "FraudPreventionAndDetection"),
    operations=("search",),
    controllers=("acme.example",),
    recipients=("Amazon Web Services, Inc.", "Müller & Söhne"),
    notice=NoticeRef(id="voice", version="3", language="fr-CA", digest=bytes(32)),
    language="fr-CA",
    valid_until=AT.replace(year=2028),
    max_uses=3,
    age_over=18,
    guardian=Guardian(verified=True),
    jurisdictions=("US-IL", "CA-QC"),
    context=CallContext(transaction_id="tx-1", voice_connector_id="vc-1", call_leg="Caller"),
    evidence=(
        EvidenceRef(digest=bytes(32), media_type="audio/wav", size=32000, kind="recording"),
        EvidenceRef(
            digest=b"\xff" * 32,
            media_type="application/pdf",
            size=0,
            kind="signed_form",
            uri="s3://bucket/form.pdf",
        ),
    ),
    personal_data=(BIOMETRIC,),
    sensitive=True,
    legal_basis=("eu-gdpr:A9-2-a",),
    retention=Retention(
        period="P3Y", trigger="last_interaction", schedule_uri="https://acme.example/r", text="3 ans"
    ),
    storage_locations=("us-east-1",),
    withdrawal=Withdrawal(uri="https://acme.example/stop", phone="+1 312 555 0100", text="Dites « stop »"),
    expressed_by="representative",
    consent_type=DPV + "ExplicitlyExpressedConsent",
    service="telephone banking",
)

REFUSAL = Statement(
    issuer="https://ivr.example",
    id="01937c5e-7b80-7000-8000-000000000003",
    issued_at=AT.replace(microsecond=0),
    references=(PHONE,),
    state="ConsentRefused",
    event_time=AT,
    method="ivr_dtmf",
    purposes=("authentication",),
)

WITHDRAWAL = Statement(
    issuer="https://ivr.example",
    id="01937c5e-7b80-7000-8000-000000000004",
    issued_at=AT.replace(microsecond=0),
    references=(CUSTOMER,),
    state="ConsentWithdrawn",
    event_time=AT,
    method="web_form",
)

MANIFEST = Manifest(
    id="voice",
    version="3",
    language="en-US",
    media_type="text/plain",
    digest=sha256(NOTICE_TEXT).digest(),
    in_writing=True,
    elements=frozenset({"specific_purpose", "identity_of_controller", "length_of_term"}),
    consent_form="written_release",
    purposes=("authentication",),
    operations=("enrol", "search"),
    controllers=("acme.example",),
    separate=True,
    validity="P3Y",
    withdrawal=Withdrawal(text="Say stop at any time."),
)
