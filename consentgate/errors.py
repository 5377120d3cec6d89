"""Every failure that leaves consentgate, in one tree, split by who must act.

::

    ConsentGateError
    ├── ConsentDenied          the call flow: take another way, for example a PIN
    ├── ConsentWithdrawn       the call flow: the task ran and was stopped
    ├── PresignRefused         the call flow: call the operation, do not presign it
    ├── OutcomeNotRecorded     the call flow: do not use the task; the intent stays open
    ├── InvalidInput           the developer who passed the value (also a ValueError)
    ├── Malformed              whoever made the bytes: they do not follow their format
    │   └── KeyMismatch        ... or were made with another key
    ├── SignatureInvalid       whoever signed: the signature does not fit the bytes
    ├── StatementRefused       the issuer of a statement
    │   ├── UnknownIssuer
    │   ├── UnknownNotice
    │   ├── ClockSkew
    │   ├── NoticeExceeded
    │   └── RecordConflict
    ├── Misconfigured          the operator: settings, key files, packs
    │   ├── PackInvalid
    │   └── SchemaMismatch     ... run ``consentgate db upgrade`` or ``db check``
    ├── Unavailable            the operator: database, key or disk is out of reach
    │   ├── ClockDisagrees     ... process and database differ by more than two seconds
    │   └── Damaged            ... what the database stored cannot be read back
    └── LogRefused             the operator: the signer will not sign this

The docstring of a class is its default message and says what to do next. Errors carry no secret, token,
phone number or match score.
"""

from functools import partial
from typing import Protocol


class ConsentGateError(Exception):
    """consentgate could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n\n")[0].strip())


class ReasonLike(Protocol):
    """What `ConsentDenied` needs of a reason; the policy engine's `Reason` has it."""

    @property
    def code(self) -> str:
        """The reason's code, for example ``NO_CONSENT``."""
        ...

    @property
    def speaker(self) -> str | None:
        """Which speaker it is about, as the caller named them on the call, or None."""
        ...

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        ...

    @property
    def law(self) -> str | None:
        """Jurisdiction and citation of the rule, or None for a reason of the gate itself."""
        ...

    @property
    def cure(self) -> str:
        """What would make the reason go away."""
        ...


class ConsentDenied(ConsentGateError):
    """The request was not sent: no speaker on the leg may be compared now. Take another way, for example a PIN.

    Attributes:
        reasons: every reason at once, in a fixed order.
        entry: id of the denial's entry as text, or None where no record could be written.
    """

    def __init__(self, reasons: tuple[ReasonLike, ...], entry: str | None) -> None:
        self.reasons = reasons
        self.entry = entry
        super().__init__(_denial_text(reasons, entry))

    def __reduce__(self) -> tuple[type["ConsentDenied"], tuple[object, ...]]:
        return type(self), (self.reasons, self.entry)


class ConsentWithdrawn(ConsentGateError):
    """A speaker withdrew, or somebody joined, while the request was on its way: do not use its result.

    Attributes:
        response: what the vendor answered, as boto3 gives it.
        entry: id of the outcome's entry as text.
        stopped: whether the vendor confirmed the stop; if not, the stop order stays open.
    """

    def __init__(self, response: object, entry: str, *, stopped: bool) -> None:
        self.response = response
        self.entry = entry
        self.stopped = stopped
        told = (
            "The vendor stopped the task."
            if stopped
            else "The stop was not confirmed; the stop order is open."
        )
        super().__init__(f"{(type(self).__doc__ or '').partition(chr(10))[0]} {told}")

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), stopped=self.stopped), (self.response, self.entry)


class PresignRefused(ConsentGateError):
    """A presigned URL of this operation would be an ungated, replayable request. Call the operation itself."""


class OutcomeNotRecorded(ConsentGateError):
    """The outcome could not be recorded, so its task was told to stop: do not use it; the intent stays open.

    Where a failure inside consentgate kept it from reading the answer, `record` is empty: the answer is in the
    ledger as it came, an observation, and nothing was stopped, since nobody could tell what.
    Pickle it, or keep it, and pass it to `ConsentGate.record` once the database is back.

    Attributes:
        response: what the vendor answered, as boto3 gives it, or None.
        entry: id of the intent's entry as text.
        record: the outcome, sealed: only the keys of this deployment open it. Empty where it could not be sealed.
    """

    def __init__(self, response: object, entry: str, record: str = "") -> None:
        self.response = response
        self.entry = entry
        self.record = record
        super().__init__()

    def __reduce__(self) -> tuple[type["OutcomeNotRecorded"], tuple[object, ...]]:
        return type(self), (self.response, self.entry, self.record)


class InvalidInput(ConsentGateError, ValueError):
    """A value that was passed in cannot be used; the message names it."""


class Malformed(ConsentGateError):
    """The bytes do not follow their format."""


class KeyMismatch(Malformed):
    """The key that was offered is not the one that the bytes were sealed under."""


class SignatureInvalid(ConsentGateError):
    """The signature does not fit the bytes and the key."""


class StatementRefused(ConsentGateError):
    """The statement was not taken in."""


class UnknownIssuer(StatementRefused):
    """No issuer in the registry holds the key that signed this. Run `consentgate issuer add`."""


class UnknownNotice(StatementRefused):
    """The notice that the statement names is not in the ledger. Run `consentgate notice add` first."""


class NoticeExceeded(StatementRefused):
    """The grant says more than its notice asked for; the message names the claims."""


class ClockSkew(StatementRefused):
    """The statement claims a time too far in the future. Check the issuer's clock."""


class RecordConflict(StatementRefused):
    """A statement with this issuer and id, but other content, is already in the ledger. Issue a new id.

    Also raised by `register_call`, with a message of its own, for what contradicts what the call was told before.
    """


class Misconfigured(ConsentGateError):
    """The settings cannot be used; the message says which and what to do."""


class PackInvalid(Misconfigured):
    """A rule pack cannot be used; the message names file, field and cure."""


class SchemaMismatch(Misconfigured):
    """The database does not have the expected schema. Run `consentgate db check`, then `consentgate db upgrade`."""


class Unavailable(ConsentGateError):
    """The database, a key or the disk is out of reach; nothing was sent."""


class ClockDisagrees(Unavailable):
    """The process and the database disagree about the time by more than two seconds. Synchronise the clocks."""


class Damaged(Unavailable):
    """The database is damaged: restore it, then run `consentgate verify`."""


class LogRefused(ConsentGateError):
    """The log's signer refuses: what the database shows is not what was signed before. Run `consentgate verify`."""


def _denial_text(reasons: tuple[ReasonLike, ...], entry: str | None) -> str:
    lines = ["The request was not sent."]
    for reason in reasons:
        about = f"{reason.speaker}: " if reason.speaker else ""
        lines.append(f"- {about}{reason.code}: {reason.sentence}")
        if reason.law:
            lines.append(f"    law:  {reason.law}")
        lines.append(f"    cure: {reason.cure}")
    lines.append(f"Recorded as {entry}." if entry else "No record could be written.")
    return "\n".join(lines)
