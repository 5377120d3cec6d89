"""Make the golden statements: run ``python -m tests.tools.golden_statements`` after a change of the format.

The keys are made of public texts for this purpose alone; whoever reads this can sign with them.
"""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consentgate import canonical
from consentgate.consent import issuers, notice
from consentgate.consent.details import CallContext, EvidenceRef, Retention, Withdrawal
from consentgate.consent.issuers import ALL, Issuer, IssuerKey, Registry
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.consent.terms import DPV, consent_type_of
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey

FOLDER = Path(__file__).parents[1] / "golden" / "statements"
AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
LATER = datetime(2027, 3, 1, 9, 30, 0, 125_000, tzinfo=UTC)

KEY = SigningKey.of(Ed25519PrivateKey.from_private_bytes(sha256(b"consentgate golden issuer").digest()))
P256_KEY = SigningKey.of(
    ec.derive_private_key(int.from_bytes(sha256(b"consentgate golden P-256").digest(), "big"), ec.SECP256R1())
)

NOTICE = (
    "Acme Bank, 1 Main Street, Springfield, Illinois, makes and stores a voiceprint of you and compares it "
    "with your voice when you call, to confirm that you are you. We keep it until you close your account, "
    "at most three years after your last call, and pass it to Amazon Web Services, Inc., who store it for us. "
    "You can say no and use a PIN instead, and you can stop at any time: say « stop » to an agent, or visit "
    "acme.example/stop. Press 1 to sign this release electronically.\n"
).encode()

MANIFEST = Manifest(
    id="voice-release",
    version="3",
    language="en-US",
    media_type="text/plain; charset=utf-8",
    digest=sha256(NOTICE).digest(),
    in_writing=True,
    elements=frozenset(
        {
            "identity_of_controller",
            "controller_contact",
            "collection_or_storage_disclosed",
            "specific_purpose",
            "length_of_term",
            "retention_schedule",
            "recipients_or_disclosure",
            "withdrawal_right",
            "alternative_available",
            "consequences_of_refusal",
        }
    ),
    consent_form="written_release",
    purposes=("authentication",),
    operations=("enrol", "search"),
    controllers=("acme.example",),
    disclosure_consent="same",
    separate=True,
    validity="P3Y",
    purpose_iris=(DPV + "IdentityAuthentication",),
    recipients=("Amazon Web Services, Inc.",),
    jurisdictions=("US-IL",),
    legal_basis=("us-il:BIPA-15b",),
    retention=Retention(
        period="P3Y", trigger="last_interaction", schedule_uri="https://acme.example/retention"
    ),
    storage_locations=("us-east-1",),
    withdrawal=Withdrawal(uri="https://acme.example/stop", text="Say « stop » at any time."),
)

REGISTRY = Registry(
    issuers=(
        Issuer(
            iss="https://ivr.acme.example",
            name="Acme voice portal",
            keys=(
                IssuerKey(public=KEY.public, not_before=datetime(2026, 1, 1, tzinfo=UTC)),
                IssuerKey(
                    public=P256_KEY.public, state="retired", not_after=datetime(2027, 1, 1, tzinfo=UTC)
                ),
            ),
            purposes=("authentication",),
            jurisdictions=("US",),
            controllers=ALL,
        ),
    )
)

GIVEN = Statement(
    issuer="https://ivr.acme.example",
    id="01a20320-a2fa-7000-8000-000000000001",
    issued_at=AT,
    references=(
        Reference(kind="customer", value="C-1001"),
        Reference(kind="phone", value="+13125550123"),
    ),
    state="ConsentGiven",
    event_time=AT,
    method="ivr_dtmf",
    consent_form=MANIFEST.consent_form,
    signature_kind="electronic",
    separate=MANIFEST.separate,
    disclosure_consent=MANIFEST.disclosure_consent,
    purposes=MANIFEST.purposes,
    purpose_iris=MANIFEST.purpose_iris,
    operations=MANIFEST.operations,
    controllers=MANIFEST.controllers,
    recipients=MANIFEST.recipients,
    notice=MANIFEST.ref(),
    language="en-US",
    valid_until=MANIFEST.valid_until(AT),
    age_over=18,
    jurisdictions=MANIFEST.jurisdictions,
    context=CallContext(voice_connector_id="abcdef1ghij2klmno3pqr4", call_leg="Caller"),
    evidence=(
        EvidenceRef(
            digest=sha256(b"golden recording").digest(), media_type="audio/wav", size=64_044, kind="recording"
        ),
    ),
    personal_data=MANIFEST.personal_data,
    legal_basis=MANIFEST.legal_basis,
    retention=MANIFEST.retention,
    storage_locations=MANIFEST.storage_locations,
    withdrawal=MANIFEST.withdrawal,
    consent_type=consent_type_of(MANIFEST.consent_form),
    service="Télébanque",
)

REFUSED = Statement(
    issuer="https://ivr.acme.example",
    id="01a20320-a2fa-7000-8000-000000000002",
    issued_at=AT,
    references=(Reference(kind="phone", value="+13125550199"),),
    state="ConsentRefused",
    event_time=AT,
    method="ivr_dtmf",
    signature_kind="electronic",
    purposes=MANIFEST.purposes,
    notice=MANIFEST.ref(),
)

WITHDRAWN = Statement(
    issuer="https://ivr.acme.example",
    id="01a4006c-e23d-7000-8000-000000000003",
    issued_at=LATER,
    references=(Reference(kind="customer", value="C-1001"),),
    state="ConsentWithdrawn",
    event_time=LATER,
    method="web_form",
)

SAME_SUBJECT = Statement(
    issuer="https://ivr.acme.example",
    id="01a20320-a2fa-7000-8000-000000000004",
    issued_at=AT,
    references=(
        Reference(kind="customer", value="C-1001"),
        Reference(kind="phone", value="+13125550123"),
    ),
    state="SameSubject",
    event_time=AT,
    method="web_form",
    controllers=("acme.example",),
)

NOT_SAME_SUBJECT = Statement(
    issuer="https://ivr.acme.example",
    id="01a4006c-e23d-7000-8000-000000000005",
    issued_at=LATER,
    references=SAME_SUBJECT.references,
    state="NotSameSubject",
    event_time=LATER,
    method="web_form",
)

STATEMENTS = {
    "given": GIVEN,
    "refused": REFUSED,
    "withdrawn": WITHDRAWN,
    "same_subject": SAME_SUBJECT,
    "not_same_subject": NOT_SAME_SUBJECT,
}


def files() -> dict[str, bytes]:
    """Make every golden file that is the same each time.

    Returns:
        Content by file name.
    """
    made = {
        f"{name}.jwt": jws.sign(claims(each), key=KEY, typ=TYP).encode() for name, each in STATEMENTS.items()
    }
    return {
        **made,
        "issuer.es256.pem": P256_KEY.public.pem(),
        "issuer.pem": KEY.public.pem(),
        "issuers.json": issuers.encode(REGISTRY),
        "jwks.json": canonical.encode({"keys": [KEY.public.jwk(), P256_KEY.public.jwk()]}),
        "notice.txt": NOTICE,
        "notice.manifest.json": notice.encode(MANIFEST),
    }


def main() -> None:
    """Write the golden files, the ES256 token too, which has another signature each time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
    (FOLDER / "given.es256.jwt").write_text(jws.sign(claims(GIVEN), key=P256_KEY, typ=TYP))


if __name__ == "__main__":
    main()
