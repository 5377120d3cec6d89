"""From an error to an exit code and one paragraph that says what to do.

::

    1  a finding      the request was denied, a statement was refused, the log or a stored thing is broken
    2  usage          arguments, settings, key files, files that were handed in
    3  cannot judge   database, key or disk out of reach; also a fault of this program itself
    4  incomplete     (never an error)
"""

import traceback
from typing import Final

import click

from consentgate.cli.command import FINDING, USAGE, Done
from consentgate.cli.text import paragraph
from consentgate.errors import (
    ClockDisagrees,
    ClockSkew,
    ConsentDenied,
    ConsentGateError,
    ConsentWithdrawn,
    Damaged,
    InvalidInput,
    KeyMismatch,
    LogRefused,
    Malformed,
    Misconfigured,
    NoticeExceeded,
    OutcomeNotRecorded,
    PackInvalid,
    PresignRefused,
    RecordConflict,
    SchemaMismatch,
    SignatureInvalid,
    StatementRefused,
    Unavailable,
    UnknownIssuer,
    UnknownNotice,
)
from consentgate.verify.result import CANNOT_JUDGE, Finding

_DOCTOR: Final = "Run `consentgate doctor`."
_VERIFY: Final = "Run `consentgate verify`."
_PACKS: Final = "Correct that file; if it came with this release, install consentgate again."

# The first class that fits counts: subclasses stand before their parents.
KINDS: Final[tuple[tuple[type[ConsentGateError], str, int, str], ...]] = (
    (ConsentDenied, "denied", FINDING, "Run `consentgate policy explain` to see why."),
    (ConsentWithdrawn, "withdrawn", FINDING, "Do not use the result."),
    (PresignRefused, "presign_refused", FINDING, "Call the operation itself."),
    (OutcomeNotRecorded, "outcome_not_recorded", CANNOT_JUDGE, _DOCTOR),
    (
        UnknownIssuer,
        "unknown_issuer",
        FINDING,
        "Run `consentgate issuer list`, then `consentgate issuer add`.",
    ),
    (
        UnknownNotice,
        "unknown_notice",
        FINDING,
        "Run `consentgate notice list`, then `consentgate notice add`.",
    ),
    (
        NoticeExceeded,
        "notice_exceeded",
        FINDING,
        "Have the issuer say no more than the notice that it names.",
    ),
    (ClockSkew, "clock_skew", FINDING, "Check the issuer's clock, and this one."),
    (RecordConflict, "record_conflict", FINDING, "Have the issuer sign it under a new id."),
    (StatementRefused, "refused", FINDING, "Ask the issuer for another statement."),
    (
        SignatureInvalid,
        "signature_invalid",
        FINDING,
        "Ask the issuer to sign again, with the key that is registered.",
    ),
    (LogRefused, "log_refused", FINDING, _VERIFY),
    (KeyMismatch, "key_mismatch", FINDING, _VERIFY),
    (Malformed, "malformed", FINDING, _VERIFY),
    (PackInvalid, "pack_invalid", USAGE, _PACKS),
    (SchemaMismatch, "schema_mismatch", USAGE, "Run `consentgate db check`."),
    (Misconfigured, "misconfigured", USAGE, _DOCTOR),
    (InvalidInput, "invalid_input", USAGE, ""),
    (ClockDisagrees, "clock_disagrees", CANNOT_JUDGE, "Synchronise the clocks."),
    (Damaged, "damaged", CANNOT_JUDGE, "Restore the database from a backup."),
    (Unavailable, "unavailable", CANNOT_JUDGE, _DOCTOR),
    (ConsentGateError, "failed", CANNOT_JUDGE, _DOCTOR),
)


def done_of(command: str, error: ConsentGateError) -> Done:
    """Say what an error of our tree comes to.

    Args:
        command: the words of the command that failed.
        error: the error.

    Returns:
        Exit code, one finding and the paragraph.
    """
    _, kind, code, cure = next(row for row in KINDS if isinstance(error, row[0]))
    message = str(error)
    return _failed(command, kind, code, message, "" if "`consentgate" in message else cure)


def usage_of(command: str, error: click.ClickException) -> Done:
    """Say what an error of usage comes to.

    Args:
        command: the words of the command, as far as they were understood.
        error: click's error.

    Returns:
        Exit code 2, one finding and the paragraph.
    """
    cure = f"Run `{f'consentgate {command}'.strip()} --help`."
    return _failed(command, "usage", USAGE, error.format_message(), cure)


def stopped_of(command: str) -> Done:
    """Say what an interruption comes to.

    Args:
        command: the words of the command.

    Returns:
        Exit code 3: nothing was judged.
    """
    return _failed(command, "interrupted", CANNOT_JUDGE, "Interrupted.", "Run it again.")


def fault_of(command: str, error: BaseException) -> Done:
    """Say what an error that nobody foresaw comes to, without its text: that may hold anything.

    Args:
        command: the words of the command.
        error: the error.

    Returns:
        Exit code 3 and one line.
    """
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.name} ({last.filename.rpartition('consentgate/')[2]}:{last.lineno})"
    message = f"consentgate itself failed: {type(error).__name__} in {where}."
    cure = f"Run `consentgate --debug {command}` to see the whole error, and report it."
    return _failed(command, "fault", CANNOT_JUDGE, message, cure)


def _failed(command: str, kind: str, code: int, message: str, cure: str) -> Done:
    finding = Finding(kind=kind, where=command, expected="", found=message, cure=cure)
    lines = message.splitlines() or [""]
    text = [paragraph(f"{lines[0]} {cure}".strip() if len(lines) == 1 else lines[0], first="consentgate: ")]
    text += [paragraph(line, indent=2) for line in lines[1:]]
    if len(lines) > 1 and cure:
        text.append(paragraph(cure))
    return Done(result={}, text="\n".join(text), findings=(finding,), exit=code)
