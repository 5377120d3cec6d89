"""The small values inside statements and notices; their fields are the members of their JSON objects.

Invariants: a value that exists is valid and not empty; what may identify a person or a call shows in no repr.
"""

from dataclasses import field

from consentgate.canonical import MAX_INTEGER
from consentgate.consent.period import Period
from consentgate.consent.terms import (
    CALL_LEGS,
    IRI,
    LANGUAGE,
    MEDIA_TYPE,
    NAME,
    WORD,
    CallLeg,
    check_digest,
    check_form,
    check_term,
    check_text,
)
from consentgate.errors import InvalidInput
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRef:
    """Which notice was shown.

    Attributes:
        id: the notice's id.
        version: its version.
        language: BCP 47.
        digest: SHA-256 of its exact bytes.
        manifest: SHA-256 of its canonical manifest, or None.
    """

    id: str
    version: str
    language: str
    digest: bytes
    manifest: bytes | None = None

    def __post_init__(self) -> None:
        check_form(self.id, NAME, "notice.id")
        check_form(self.version, NAME, "notice.version")
        check_form(self.language, LANGUAGE, "notice.language")
        check_digest(self.digest, "notice.digest")
        if self.manifest is not None:
            check_digest(self.manifest, "notice.manifest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardian:
    """Somebody who consents for a person who cannot.

    Attributes:
        verified: whether the issuer verified who they are and that they may.
    """

    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """The call that a grant is bound to: each member that is there must be that of the call.

    Attributes:
        transaction_id: the vendor's id of the call, or None.
        voice_connector_id: the vendor's id of the line, or None.
        call_leg: ``Caller`` or ``Callee``, or None.
    """

    transaction_id: str | None = field(default=None, repr=False)
    voice_connector_id: str | None = None
    call_leg: CallLeg | None = None

    def __post_init__(self) -> None:
        if self.transaction_id is None and self.voice_connector_id is None and self.call_leg is None:
            raise InvalidInput("context is empty.")
        if self.transaction_id is not None:
            check_text(self.transaction_id, "context.transaction_id", limit=256)
        if self.voice_connector_id is not None:
            check_text(self.voice_connector_id, "context.voice_connector_id", limit=256)
        if self.call_leg is not None:
            check_term(self.call_leg, CALL_LEGS, "context.call_leg")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRef:
    """A file that proves the statement and lies elsewhere: a recording, a signed form.

    Attributes:
        digest: SHA-256 of its exact bytes.
        media_type: for example ``audio/wav``.
        size: its bytes.
        kind: a word, for example ``recording`` or ``signed_form``.
        uri: where it lies, or None.
    """

    digest: bytes
    media_type: str
    size: int
    kind: str
    uri: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_digest(self.digest, "evidence.digest")
        check_form(self.media_type, MEDIA_TYPE, "evidence.media_type")
        if not 0 <= self.size <= MAX_INTEGER:
            raise InvalidInput("evidence.size is no size.")
        check_form(self.kind, WORD, "evidence.kind")
        if self.uri is not None:
            check_form(self.uri, IRI, "evidence.uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the controller says that it keeps the voiceprint.

    Attributes:
        period: an ISO 8601 period, or None.
        trigger: the word for what it counts from, for example ``last_interaction``, or None.
        schedule_uri: where the published schedule is, or None.
        text: the same in words, or None.
    """

    period: str | None = None
    trigger: str | None = None
    schedule_uri: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        if self.period is None and self.trigger is None and self.schedule_uri is None and self.text is None:
            raise InvalidInput("retention is empty.")
        if self.period is not None:
            Period.parse(self.period)
        if self.trigger is not None:
            check_form(self.trigger, WORD, "retention.trigger")
        if self.schedule_uri is not None:
            check_form(self.schedule_uri, IRI, "retention.schedule_uri")
        if self.text is not None:
            check_text(self.text, "retention.text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """How a person takes the consent back.

    Attributes:
        uri: a page or address, or None.
        phone: the controller's number, as printed in the notice, or None.
        text: the same in words, or None.
    """

    uri: str | None = None
    phone: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        if self.uri is None and self.phone is None and self.text is None:
            raise InvalidInput("withdrawal is empty.")
        if self.uri is not None:
            check_form(self.uri, IRI, "withdrawal.uri")
        if self.phone is not None:
            check_text(self.phone, "withdrawal.phone", limit=64)
        if self.text is not None:
            check_text(self.text, "withdrawal.text")
