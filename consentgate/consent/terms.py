"""The words that statements, notices and issuers share, and the checks of their texts.

Invariants: each closed list stands here once, in the order that has a meaning where one has; each check names
the field that it refuses and never its value.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from consentgate.errors import InvalidInput

State: TypeAlias = Literal[
    "ConsentGiven", "ConsentRefused", "ConsentWithdrawn", "SameSubject", "NotSameSubject"
]
Method: TypeAlias = Literal[
    "web_esign", "web_form", "ivr_dtmf", "voice_recording", "paper", "verbal_unrecorded", "import"
]
ConsentForm: TypeAlias = Literal["none", "notice_only", "opt_in", "explicit", "written_release"]
SignatureKind: TypeAlias = Literal["none", "electronic", "wet"]
DisclosureConsent: TypeAlias = Literal["none", "same", "separate"]
ExpressedBy: TypeAlias = Literal["principal", "representative"]
CallLeg: TypeAlias = Literal["Caller", "Callee"]

STATES: Final[tuple[State, ...]] = get_args(State)
METHODS: Final[tuple[Method, ...]] = get_args(Method)
# From weakest to strongest.
CONSENT_FORMS: Final[tuple[ConsentForm, ...]] = get_args(ConsentForm)
SIGNATURE_KINDS: Final[tuple[SignatureKind, ...]] = get_args(SignatureKind)
DISCLOSURE_CONSENTS: Final[tuple[DisclosureConsent, ...]] = get_args(DisclosureConsent)
EXPRESSED_BY: Final[tuple[ExpressedBy, ...]] = get_args(ExpressedBy)
CALL_LEGS: Final[tuple[CallLeg, ...]] = get_args(CallLeg)

NOTICE_ELEMENTS: Final = (
    "identity_of_controller",
    "controller_contact",
    "dpo_contact",
    "collection_or_storage_disclosed",
    "categories_of_data",
    "specific_purpose",
    "legal_basis",
    "length_of_term",
    "retention_schedule",
    "recipients_or_disclosure",
    "cross_border_transfer",
    "automated_decision",
    "withdrawal_right",
    "data_subject_rights",
    "complaint_right",
    "consequences_of_refusal",
    "alternative_available",
    "necessity_and_impact",
    "policy_url",
    "recording_disclosed",
)

DPV: Final = "https://w3id.org/dpv#"
BIOMETRIC: Final = "https://w3id.org/dpv/pd#Biometric"

# Members that speak of consent: a statement about two references has none of them.
OF_CONSENT: Final = (
    "purposes",
    "operations",
    "notice",
    "valid_until",
    "max_uses",
    "age_over",
    "guardian",
    "context",
)

MAX_ITEMS: Final = 64

# Open words: purposes, operations, controllers, ids of notices. No white space, so that they fit on a line.
WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
JURISDICTION: Final = re.compile(r"[A-Z]{2,3}(-[A-Z0-9]{1,8}){0,3}")
LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}")
MEDIA_TYPE: Final = re.compile(
    r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}(; ?[a-z]+=[a-zA-Z0-9._-]+)?"
)
IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[!-~]{1,480}")

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_Term = TypeVar("_Term", bound=str)
_SIGNATURES: Final[dict[str, SignatureKind]] = {
    "web_esign": "electronic",
    "ivr_dtmf": "electronic",
    "paper": "wet",
}
_CONSENT_TYPES: Final = {
    "notice_only": DPV + "ImpliedConsent",
    "opt_in": DPV + "ExpressedConsent",
    "explicit": DPV + "ExplicitlyExpressedConsent",
    "written_release": DPV + "ExplicitlyExpressedConsent",
}


def signature_of(method: Method, imported_method: Method | None = None) -> SignatureKind:
    """Name the signature that a method leaves behind, unless the issuer knows better.

    Args:
        method: how the consent was expressed.
        imported_method: the original method where `method` is ``import``.

    Returns:
        ``electronic`` for web_esign and ivr_dtmf, ``wet`` for paper, else ``none``.
    """
    original = imported_method if method == "import" and imported_method else method
    return _SIGNATURES.get(original, "none")


def consent_type_of(form: ConsentForm) -> str | None:
    """Name the W3C DPV type of consent that a form amounts to.

    Args:
        form: the form of the consent.

    Returns:
        An IRI, or None where there is no consent to type. DPV has no term for a written release; it is a kind
        of explicitly expressed consent.
    """
    return _CONSENT_TYPES.get(form)


def check_term(value: str, allowed: tuple[_Term, ...], what: str) -> _Term:
    """Require a word of a closed list.

    Args:
        value: the word.
        allowed: the list.
        what: what the word is for, in messages.

    Returns:
        The word.

    Raises:
        InvalidInput: another word.
    """
    try:
        return allowed[allowed.index(value)]
    except ValueError as error:
        raise InvalidInput(f"{what} is none of {', '.join(allowed)}.") from error


def check_form(value: str, form: re.Pattern[str], what: str) -> None:
    """Require a text of a form.

    Args:
        value: the text.
        form: the whole of it must match.
        what: what the text is for, in messages.

    Raises:
        InvalidInput: it does not.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is not a text.")
    if not form.fullmatch(value):
        raise InvalidInput(f"{what} has not the form that it needs.")


def check_forms(values: Iterable[str], form: re.Pattern[str], what: str) -> None:
    """Require a tuple of different texts of a form.

    Args:
        values: at most 64 texts.
        form: the whole of each must match.
        what: what the texts are for, in messages.

    Raises:
        InvalidInput: not a tuple, a text of another form, one that stands twice, or too many.
    """
    if not isinstance(values, tuple) or len(values) > MAX_ITEMS:
        raise InvalidInput(f"{what} is not a tuple of at most {MAX_ITEMS}.")
    for value in values:
        check_form(value, form, what)
    if len(values) > 1 and len(set(values)) != len(values):
        raise InvalidInput(f"{what} names something twice.")


def check_text(value: str, what: str, *, limit: int = 1024, controls: bool = False) -> None:
    """Require a text of people: not empty, not too long, valid Unicode.

    Args:
        value: the text.
        what: what the text is for, in messages.
        limit: how many characters it may have.
        controls: whether control characters are taken.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is not a text.")
    if not 0 < len(value) <= limit:
        raise InvalidInput(f"{what} is not a text of 1 to {limit} characters.")
    if value.isprintable():  # neither surrogates nor control characters are
        return
    if _SURROGATE.search(value):
        raise InvalidInput(f"{what} holds a lone surrogate.")
    if not controls and _CONTROL.search(value):
        raise InvalidInput(f"{what} holds a control character.")


def check_digest(value: bytes, what: str) -> None:
    """Require a SHA-256 digest.

    Args:
        value: its bytes.
        what: what the digest is of, in messages.

    Raises:
        InvalidInput: not 32 bytes.
    """
    if not isinstance(value, bytes):
        raise InvalidInput(f"{what} is not bytes.")
    if len(value) != 32:
        raise InvalidInput(f"{what} is not the 32 bytes of a SHA-256 digest.")
