"""Consent statements: what a person granted, refused or took back, as the payload of a signed token.

Beside them stand two states about who a person is: that two references are one person, and that they are not.

Invariants: a `Statement` that exists is consistent: a grant names its notice, purposes, operations and
controllers; a negative statement may name purposes and, when it names none, covers all; a statement about two
references has exactly two, and says nothing about consent.
``from_claims(claims(x))`` is x. Unknown claims are ignored, known ones are strict, and the registered
``exp``, ``nbf`` and ``aud`` are refused: a verifier that honours them would refuse a two-year-old consent,
and ignoring them would widen it.
"""

from dataclasses import field
from datetime import datetime
from hashlib import sha256
from typing import Final

from consentgate import canonical, moment
from consentgate.consent import terms
from consentgate.consent.details import (
    CallContext,
    EvidenceRef,
    Guardian,
    NoticeRef,
    Retention,
    Withdrawal,
)
from consentgate.consent.reference import Reference
from consentgate.consent.shapes import named, read, write
from consentgate.errors import InvalidInput, Malformed
from consentgate.values import dataclass

__all__ = [
    "SCHEMA",
    "TYP",
    "CallContext",
    "EvidenceRef",
    "Guardian",
    "NoticeRef",
    "Reference",
    "Retention",
    "Statement",
    "Withdrawal",
    "claims",
    "from_claims",
]

TYP: Final = "consent-statement+jwt"
SCHEMA: Final = "https://consentgate.invalid/consent-statement/1.0.0"

_SCHEMAS: Final = "https://consentgate.invalid/consent-statement/1."
_MAX_REFERENCES: Final = 16
_PAIR: Final = ("SameSubject", "NotSameSubject")
_REQUIRED_OF_GRANTS: Final = ("consent_form", "signature_kind", "separate", "disclosure_consent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of one person, as its issuer attests it.

    Times are rounded down: `issued_at` to the second, the others to the millisecond.

    Attributes:
        issuer: who signs (``iss``).
        id: the statement's id at its issuer (``jti``); a UUIDv7 where we issue.
        issued_at: when it was signed (``iat``).
        references: the person's identifiers (``subject_refs``), the one that names the person first.
        state: ``ConsentGiven``, ``ConsentRefused`` or ``ConsentWithdrawn``; or ``SameSubject``: the two references
            are one person; or ``NotSameSubject``: they are not, or no longer.
        event_time: when the person expressed it, as claimed.
        method: how they expressed it.
        imported_method: the original method where `method` is ``import``, else None.
        schema: the format and its version.
        sub: the issuer's own id of the person, never matched, or None.
        consent_form: how strong the consent is.
        signature_kind: ``none``, ``electronic`` or ``wet``.
        separate: whether it was asked for apart from other terms.
        disclosure_consent: consent to disclosure: ``none``, by the ``same`` act, or a ``separate`` one.
        purposes: our words for the purposes; empty on a negative statement: all.
        purpose_iris: the same as W3C DPV terms.
        operations: what may be done; they never narrow a negative statement.
        controllers: ids of the controllers that it is for.
        recipients: who else gets the data.
        notice: the notice that was shown; required on a grant.
        language: BCP 47 language of the dialogue, or None.
        valid_until: when it ends, or None.
        max_uses: how many requests it covers, or None.
        age_over: an age that the person is known to have reached, or None.
        guardian: who consented for them, or None.
        jurisdictions: ISO 3166 codes that the issuer had in view.
        context: the call that it is bound to, or None.
        evidence: files that prove it.
        personal_data: DPV terms of the categories.
        sensitive: whether they are special categories.
        legal_basis: terms of the legal basis, for example ``eu-gdpr:A9-2-a``.
        retention: how long the voiceprint is kept, or None.
        storage_locations: where it is stored, for example an AWS region.
        withdrawal: how to take the consent back, or None.
        expressed_by: ``principal`` or ``representative``.
        consent_type: the DPV type of consent, or None.
        service: what it was asked for in, or None.
    """

    issuer: str = field(metadata=named("iss"))
    id: str = field(metadata=named("jti"))
    issued_at: datetime = field(metadata=named("iat", seconds=True))
    references: tuple[Reference, ...] = field(metadata=named("subject_refs"))
    state: terms.State
    event_time: datetime
    method: terms.Method
    imported_method: terms.Method | None = None
    schema: str = field(default=SCHEMA, repr=False)
    sub: str | None = field(default=None, repr=False)
    consent_form: terms.ConsentForm = "none"
    signature_kind: terms.SignatureKind = "none"
    separate: bool = False
    disclosure_consent: terms.DisclosureConsent = "none"
    purposes: tuple[str, ...] = ()
    purpose_iris: tuple[str, ...] = field(default=(), repr=False)
    operations: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    notice: NoticeRef | None = None
    language: str | None = None
    valid_until: datetime | None = None
    max_uses: int | None = None
    age_over: int | None = None
    guardian: Guardian | None = None
    jurisdictions: tuple[str, ...] = ()
    context: CallContext | None = None
    evidence: tuple[EvidenceRef, ...] = ()
    personal_data: tuple[str, ...] = field(default=(), repr=False)
    sensitive: bool = True
    legal_basis: tuple[str, ...] = ()
    retention: Retention | None = field(default=None, repr=False)
    storage_locations: tuple[str, ...] = ()
    withdrawal: Withdrawal | None = field(default=None, repr=False)
    expressed_by: terms.ExpressedBy = "principal"
    consent_type: str | None = field(default=None, repr=False)
    service: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "issued_at", moment.floor(self.issued_at).replace(microsecond=0))
        object.__setattr__(self, "event_time", moment.floor(self.event_time))
        if self.valid_until is not None:
            object.__setattr__(self, "valid_until", moment.floor(self.valid_until))
        _check_words(self)
        _check_texts(self)
        _check_lists(self)
        _check_numbers(self)
        if self.state == "ConsentGiven":
            _check_grant(self)
        if self.state in _PAIR:
            _check_pair(self)

    @property
    def grants(self) -> bool:
        """Whether this is a grant."""
        return self.state == "ConsentGiven"

    @property
    def refuses(self) -> bool:
        """Whether this is a refusal or withdrawal."""
        return self.state in ("ConsentRefused", "ConsentWithdrawn")

    @property
    def gives(self) -> bool:
        """Whether something may be allowed by this: only then does its key have to count."""
        return self.state in ("ConsentGiven", "SameSubject")

    @property
    def pair(self) -> frozenset[Reference] | None:
        """The two references that it binds or parts, or None."""
        return frozenset(self.references) if self.state in _PAIR else None

    @property
    def key(self) -> bytes:
        """SHA-256 of the canonical ``[iss, jti]``: what makes a statement the same one again."""
        return sha256(canonical.encode([self.issuer, self.id])).digest()


def claims(statement: Statement) -> bytes:
    """Write the payload of the statement's token.

    Args:
        statement: the statement.

    Returns:
        Canonical JSON; sign it with `crypto.jws.sign` as type `TYP`.
    """
    return canonical.encode(write(statement))


def from_claims(payload: bytes) -> Statement:
    """Read the payload of a token, ours or another issuer's.

    Args:
        payload: the verified bytes.

    Returns:
        The statement.

    Raises:
        Malformed: not strict JSON, a claim is missing or of another form, or claims contradict each other.
    """
    data = canonical.decode(payload, floats=True)
    if not isinstance(data, dict):
        raise Malformed("The claims are not an object.")
    for name in ("exp", "nbf", "aud"):
        if name in data:
            raise Malformed(f"The claim {name} is not part of a statement; use valid_until or controllers.")
    if "schema" not in data:
        raise Malformed("schema is missing.")
    if data.get("state") == "ConsentGiven":
        # The defaults are the weakest words; a grant that means them says so.
        for name in _REQUIRED_OF_GRANTS:
            if name not in data:
                raise Malformed(f"{name} is missing.")
    return read(Statement, data, closed=False)


def _check_words(it: Statement) -> None:
    terms.check_term(it.state, terms.STATES, "state")
    terms.check_term(it.method, terms.METHODS, "method")
    terms.check_term(it.consent_form, terms.CONSENT_FORMS, "consent_form")
    terms.check_term(it.signature_kind, terms.SIGNATURE_KINDS, "signature_kind")
    terms.check_term(it.disclosure_consent, terms.DISCLOSURE_CONSENTS, "disclosure_consent")
    terms.check_term(it.expressed_by, terms.EXPRESSED_BY, "expressed_by")
    if (it.method == "import") != (it.imported_method is not None):
        raise InvalidInput("imported_method goes with the method import, and with no other.")
    if it.imported_method is not None:
        terms.check_term(it.imported_method, terms.METHODS, "imported_method")
    if it.imported_method == "import":
        raise InvalidInput("imported_method names the original method.")


def _check_texts(it: Statement) -> None:
    terms.check_text(it.issuer, "iss", limit=256)
    terms.check_text(it.id, "jti", limit=256)
    if it.sub is not None:
        terms.check_text(it.sub, "sub", limit=256)
    if not it.schema.startswith(_SCHEMAS):
        raise InvalidInput("schema is not a version 1 of the consent statement.")
    terms.check_form(it.schema, terms.IRI, "schema")
    if it.language is not None:
        terms.check_form(it.language, terms.LANGUAGE, "language")
    if it.consent_type is not None:
        terms.check_form(it.consent_type, terms.IRI, "consent_type")
    if it.service is not None:
        terms.check_text(it.service, "service", limit=256)


def _check_lists(it: Statement) -> None:
    if not 0 < len(it.references) <= _MAX_REFERENCES:
        raise InvalidInput(f"subject_refs are 1 to {_MAX_REFERENCES}.")
    if len(set(it.references)) != len(it.references):
        raise InvalidInput("subject_refs names somebody twice.")
    terms.check_forms(it.purposes, terms.WORD, "purposes")
    terms.check_forms(it.purpose_iris, terms.IRI, "purpose_iris")
    terms.check_forms(it.operations, terms.WORD, "operations")
    terms.check_forms(it.controllers, terms.WORD, "controllers")
    terms.check_forms(it.jurisdictions, terms.JURISDICTION, "jurisdictions")
    terms.check_forms(it.personal_data, terms.IRI, "personal_data")
    terms.check_forms(it.legal_basis, terms.WORD, "legal_basis")
    terms.check_forms(it.storage_locations, terms.WORD, "storage_locations")
    if len(it.recipients) > terms.MAX_ITEMS or len(it.evidence) > terms.MAX_ITEMS:
        raise InvalidInput(f"recipients and evidence are at most {terms.MAX_ITEMS}.")
    for recipient in it.recipients:
        terms.check_text(recipient, "recipients", limit=256)


def _check_numbers(it: Statement) -> None:
    uses: object = it.max_uses
    if uses is not None and (type(uses) is not int or not 0 < uses <= canonical.MAX_INTEGER):
        raise InvalidInput("max_uses is a whole number of at least 1.")
    if it.age_over is not None and not 0 <= it.age_over <= 150:
        raise InvalidInput("age_over is no age.")


def _check_grant(it: Statement) -> None:
    for name in ("purposes", "operations", "controllers", "notice"):
        if not getattr(it, name):
            raise InvalidInput(f"A grant names its {name}.")


def _check_pair(it: Statement) -> None:
    if len(it.references) != 2:
        raise InvalidInput(f"A {it.state} statement names two references.")
    for name in terms.OF_CONSENT:
        if getattr(it, name) not in (None, ()):
            raise InvalidInput(f"A {it.state} statement has no {name}: it is about who a person is.")
    if it.state == "SameSubject" and not it.controllers:
        raise InvalidInput("A SameSubject statement names its controllers.")
