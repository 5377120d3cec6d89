"""Notices: what the exact text or audio that was shown says, as a manifest that a rule can read.

The notice itself is an artifact, carried byte for byte; the manifest states which elements it has, which
form of consent it asks for and for what. A grant copies these, so that it cannot say more than the person
was shown.

Invariants: ``decode(encode(m))`` is m; the stored form is canonical JSON without unknown members, because a
misspelled member would silently be a missing promise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from typing import Final, cast

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent import terms
from consentgate.consent.details import NoticeRef, Retention, Withdrawal
from consentgate.consent.period import Period
from consentgate.consent.shapes import from_bytes, read, to_bytes
from consentgate.consent.statement import Statement
from consentgate.errors import InvalidInput, Malformed
from consentgate.values import dataclass

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a notice says.

    Attributes:
        id: the notice's id, the same in all versions and languages.
        version: its version.
        language: BCP 47.
        media_type: of the exact bytes, for example ``text/plain`` or ``audio/wav``.
        digest: SHA-256 of the exact bytes.
        in_writing: whether the person could read it.
        elements: which elements it has, words of `terms.NOTICE_ELEMENTS`.
        consent_form: the form of consent that it asks for.
        purposes: our words for the purposes that it names.
        operations: what it asks to be allowed to do.
        controllers: ids of the controllers that it names.
        disclosure_consent: whether it asks for consent to disclosure: ``none``, ``same`` act or ``separate``.
        separate: whether it asks for consent apart from other terms.
        validity: the ISO 8601 period that a grant holds for, or None.
        purpose_iris: the purposes as W3C DPV terms.
        recipients: who else gets the data.
        jurisdictions: ISO 3166 codes that it was written for.
        personal_data: DPV terms of the categories.
        legal_basis: terms of the legal basis.
        retention: how long the voiceprint is kept, or None.
        storage_locations: where it is stored.
        withdrawal: how to take the consent back, or None.
        format: the version of this shape.
    """

    id: str
    version: str
    language: str
    media_type: str
    digest: bytes
    in_writing: bool
    elements: frozenset[str]
    consent_form: terms.ConsentForm
    purposes: tuple[str, ...]
    operations: tuple[str, ...]
    controllers: tuple[str, ...]
    disclosure_consent: terms.DisclosureConsent = "none"
    separate: bool = False
    validity: str | None = None
    purpose_iris: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    personal_data: tuple[str, ...] = (terms.BIOMETRIC,)
    legal_basis: tuple[str, ...] = ()
    retention: Retention | None = None
    storage_locations: tuple[str, ...] = ()
    withdrawal: Withdrawal | None = None
    format: int = field(default=FORMAT, repr=False)
    _ref: NoticeRef = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.format != FORMAT or isinstance(self.format, bool):
            raise InvalidInput(f"format is not {FORMAT}.")
        self.ref_of(None)
        terms.check_form(self.media_type, terms.MEDIA_TYPE, "media_type")
        terms.check_term(self.consent_form, terms.CONSENT_FORMS, "consent_form")
        terms.check_term(self.disclosure_consent, terms.DISCLOSURE_CONSENTS, "disclosure_consent")
        if not isinstance(self.elements, frozenset):
            raise InvalidInput("elements are a frozenset.")
        for element in sorted(self.elements):
            terms.check_term(element, terms.NOTICE_ELEMENTS, "elements")
        if self.validity is not None:
            Period.parse(self.validity)
        for name in ("purposes", "operations", "controllers"):
            if not getattr(self, name):
                raise InvalidInput(f"A notice names its {name}.")
        _check_lists(self)
        # Every grant is compared with it: computed once.
        object.__setattr__(self, "_ref", self.ref_of(sha256(encode(self)).digest()))

    def ref_of(self, manifest: bytes | None) -> NoticeRef:
        """Name this notice, with a given digest of its manifest.

        Args:
            manifest: SHA-256 of the encoded manifest, or None to leave it open.

        Returns:
            The name as it stands in a statement.
        """
        return NoticeRef(
            id=self.id, version=self.version, language=self.language, digest=self.digest, manifest=manifest
        )

    def ref(self) -> NoticeRef:
        """Name this notice and this manifest of it.

        Returns:
            The name as a grant states it.
        """
        return self._ref

    def is_named_by(self, ref: NoticeRef) -> bool:
        """Say whether a statement's notice is this one, to the byte.

        Args:
            ref: the name in the statement; one without a digest of the manifest leaves the manifest open.

        Returns:
            Whether everything that it names is the same.
        """
        return ref == (self._ref if ref.manifest is not None else self.ref_of(None))

    def exceeded_by(self, statement: Statement) -> tuple[str, ...]:
        """Say in what a grant goes beyond what the person was shown.

        Args:
            statement: a statement that names this notice.

        Returns:
            Names of claims: a stronger form, further purposes, operations or controllers, separateness or
            disclosure that was not asked for, a longer validity. Always empty for a refusal or withdrawal.
        """
        return tuple(_exceeding(self, statement)) if statement.grants else ()

    def valid_until(self, start: datetime) -> datetime | None:
        """Say when a grant of this notice ends.

        Args:
            start: when it was given.

        Returns:
            The end in UTC, or None where the notice names no period.

        Raises:
            InvalidInput: the time has no zone or the end is out of range.
        """
        return None if self.validity is None else Period.parse(self.validity).after(start)


def _exceeding(it: Manifest, said: Statement) -> Iterator[str]:
    if terms.CONSENT_FORMS.index(said.consent_form) > terms.CONSENT_FORMS.index(it.consent_form):
        yield "consent_form"
    for name in ("purposes", "operations", "controllers"):
        if not {*getattr(said, name)} <= {*getattr(it, name)}:
            yield name
    if said.separate and not it.separate:
        yield "separate"
    kinds = terms.DISCLOSURE_CONSENTS
    if kinds.index(said.disclosure_consent) > kinds.index(it.disclosure_consent):
        yield "disclosure_consent"
    until = it.valid_until(said.event_time)
    if until is not None and (said.valid_until is None or said.valid_until > until):
        yield "valid_until"


def encode(manifest: Manifest) -> bytes:
    """Write a manifest in its stored form.

    Args:
        manifest: the manifest.

    Returns:
        Canonical JSON.
    """
    return to_bytes(manifest)


def decode(data: bytes) -> Manifest:
    """Read a manifest in its stored form.

    Args:
        data: what `encode` makes.

    Returns:
        The manifest.

    Raises:
        Malformed: another spelling, an unknown member, or a member of another form.
    """
    return from_bytes(Manifest, data)


def describe(content: bytes, members: Mapping[str, object]) -> Manifest:
    """Read a manifest that a person wrote beside a notice; the digest comes from the notice itself.

    Args:
        content: the notice's exact bytes.
        members: the manifest's members without ``digest`` and ``format``, as JSON or TOML give them.

    Returns:
        The manifest.

    Raises:
        Malformed: an unknown member, one that is missing or of another form, or a digest of other bytes.
    """
    digest = canonical.b64(sha256(content).digest())
    shape = {"format": FORMAT, "digest": digest, **members}
    manifest = read(Manifest, cast("dict[str, Json]", shape), closed=True)
    if shape["digest"] != digest:
        raise Malformed("The manifest's digest is not that of the notice.")
    return manifest


def _check_lists(it: Manifest) -> None:
    terms.check_forms(it.purposes, terms.WORD, "purposes")
    terms.check_forms(it.operations, terms.WORD, "operations")
    terms.check_forms(it.controllers, terms.WORD, "controllers")
    terms.check_forms(it.purpose_iris, terms.IRI, "purpose_iris")
    terms.check_forms(it.jurisdictions, terms.JURISDICTION, "jurisdictions")
    terms.check_forms(it.personal_data, terms.IRI, "personal_data")
    terms.check_forms(it.legal_basis, terms.WORD, "legal_basis")
    terms.check_forms(it.storage_locations, terms.WORD, "storage_locations")
    if len(it.recipients) > terms.MAX_ITEMS:
        raise InvalidInput(f"recipients are at most {terms.MAX_ITEMS}.")
    for recipient in it.recipients:
        terms.check_text(recipient, "recipients", limit=256)
