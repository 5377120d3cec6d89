"""RFC 3161 timestamps: what is asked of an authority, and whether its answer holds.

An answer is untrusted, wherever it comes from. The library that reads it is an extra, ``timestamp``; it wants DER to
the letter, and many authorities write the set of their certificates in another order. That order is signed by nobody,
so certificates are put in order before the answer is read; what is kept and handed on is the answer as it came.

Invariants: an answer holds if the authority granted it, it is over exactly these bytes, a certificate for timestamps
alone signed it that was in force then, and that one leads to a certificate which the caller trusts. Nothing in the
answer is trusted for being there.
"""

from collections.abc import Iterator
from dataclasses import field
from datetime import UTC, datetime
from hashlib import sha256, sha384, sha512
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from consentgate.errors import Malformed, SignatureInvalid, Unavailable
from consentgate.values import dataclass

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

LIMIT: Final = 1 << 16
"""So many bytes an answer has at most; and the file of an authority's certificates four times as many."""

EXTRA: Final = 'pip install "consentgate[timestamp]"'
"""What installs the extra."""

Authorities: TypeAlias = tuple[x509.Certificate, ...]
"""Certificates that lead to authorities that somebody trusts."""

_GRANTED: Final = 0
_HASHES: Final = {
    "2.16.840.1.101.3.4.2.1": sha256,
    "2.16.840.1.101.3.4.2.2": sha384,
    "2.16.840.1.101.3.4.2.3": sha512,
}
# What reading a certificate raises besides ValueError: an answer may bring any. KeyError: a name in no type of text.
_OF_X509: Final = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, KeyError)
_TAGGED_0: Final = 0xA0
_WAY: Final = (0, 1, 1, 0)
_SHORT: Final = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to an authority.

    Attributes:
        body: what is sent.
        nonce: the number that its answer has to repeat.
    """

    body: bytes = field(repr=False)
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A timestamp that holds.

    Attributes:
        by: the authority's name in its certificate, in printable ASCII.
        at: when it saw the bytes, as it says.
    """

    by: str
    at: datetime


def available() -> bool:
    """Tell whether the extra is installed.

    Returns:
        Whether timestamps can be asked for and verified.
    """
    return find_spec("rfc3161_client") is not None


def read_authorities(pem: bytes) -> Authorities:
    """Read the certificates that lead to an authority.

    Args:
        pem: one or more certificates in PEM.

    Returns:
        The certificates, each once.

    Raises:
        Malformed: it holds none, or one that cannot be read.
    """
    if len(pem) > 4 * LIMIT:
        raise Malformed(f"The file is longer than {4 * LIMIT} bytes.")
    try:
        found = x509.load_pem_x509_certificates(pem)
    except (ValueError, UnsupportedAlgorithm, *_OF_X509) as error:
        raise Malformed("The file has no certificates in PEM, or one that cannot be read.") from error
    return tuple(dict.fromkeys(found))


def query(data: bytes) -> Query:
    """Write the question for a timestamp of some bytes; only their SHA-256 is in it.

    Args:
        data: the bytes.

    Returns:
        The question, with a nonce of its own.

    Raises:
        Unavailable: the extra is not installed.
    """
    _require()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    # The builder makes a nonce unless it is told not to.
    return Query(body=made.as_bytes(), nonce=cast("int", made.nonce))


def read_answer(answer: bytes) -> "TimeStampResponse":
    """Read what an authority answered; nothing of it is verified by that.

    Args:
        answer: the answer in DER, its certificates in any order.

    Returns:
        The answer.

    Raises:
        Malformed: it is none, or the authority granted nothing.
        Unavailable: the extra is not installed.
    """
    _require()
    from rfc3161_client import decode_timestamp_response

    if len(answer) > LIMIT:
        raise Malformed(f"The timestamp is longer than {LIMIT} bytes.")
    try:
        read = decode_timestamp_response(_in_order(answer))
        if read.status == _GRANTED and len(read.signed_data.signer_infos) == 1:
            # Whether this can be read shows when it is: here, and not with whoever gets the answer.
            _ = read.tst_info.gen_time, read.tst_info.message_imprint
            return read
    except (ValueError, OverflowError) as error:
        raise Malformed("It is not the answer of a timestamping authority.") from error
    raise Malformed("The authority granted no timestamp.")


def told(answer: bytes) -> Stamp:
    """Read what an answer says of itself, for one that was verified before it was kept; here nothing is verified.

    Args:
        answer: the answer in DER.

    Returns:
        Who made it, and when.

    Raises:
        Malformed: it is none, or names nobody.
        Unavailable: the extra is not installed.
    """
    read = read_answer(answer)
    try:
        return Stamp(by=_signer(read), at=read.tst_info.gen_time.astimezone(UTC))
    except (ValueError, UnsupportedAlgorithm, *_OF_X509) as error:
        raise Malformed("The timestamp does not name its authority.") from error


def covers(answer: "TimeStampResponse", data: bytes) -> bool:
    """Tell whether an answer is about some bytes.

    Args:
        answer: the answer.
        data: the bytes.

    Returns:
        Whether it names their SHA-256, SHA-384 or SHA-512.
    """
    imprint = answer.tst_info.message_imprint
    digest = _HASHES.get(imprint.hash_algorithm.dotted_string)
    return digest is not None and digest(data).digest() == imprint.message


def verify_answer(
    answer: "TimeStampResponse", data: bytes, authorities: Authorities, *, nonce: int | None = None
) -> Stamp:
    """Verify an answer, at the time that it tells: a certificate that ran out since was in force then.

    Args:
        answer: the answer.
        data: the bytes that it is about.
        authorities: certificates that lead to authorities which are trusted.
        nonce: the number that it has to repeat; None where nobody remembers one.

    Returns:
        Who saw the bytes, and when.

    Raises:
        SignatureInvalid: it does not hold.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    if not covers(answer, data):
        raise SignatureInvalid("The timestamp is about other bytes.")
    verifier = VerifierBuilder(roots=list(authorities), nonce=nonce).build()
    try:
        verifier.verify_message(answer, data)
        return Stamp(by=_signer(answer), at=answer.tst_info.gen_time.astimezone(UTC))
    except (VerificationError, ValueError, UnsupportedAlgorithm, *_OF_X509) as error:
        raise SignatureInvalid(
            "No authority that these certificates lead to made the timestamp, or its certificate was not in force or"
            " is not one for timestamps."
        ) from error


def _require() -> None:
    if not available():
        raise Unavailable(f"Timestamps need an extra: {EXTRA}")


def _signer(answer: "TimeStampResponse") -> str:
    """Name the certificate that signed; it has to be in the answer."""
    (signer,) = answer.signed_data.signer_infos
    found = [
        each
        for each in map(x509.load_der_x509_certificate, answer.signed_data.certificates)
        if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number)
    ]
    if len(found) != 1:
        # Of two with one name, what was verified need not be what is looked at.
        raise ValueError("no certificate of the signer, or two")
    names = found[0].subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    name = str(names[0].value) if names else found[0].subject.rfc4514_string()
    return "".join(char if " " <= char <= "~" else "?" for char in name)


def _in_order(answer: bytes) -> bytes:
    """Put the certificates of an answer in the order that DER wants: nothing else moves, and no length changes."""
    place = _certificates(answer)
    if place is None:
        return answer
    start, end = place
    certificates = sorted(answer[at:stop] for _, at, _, stop in _elements(answer, start, end))
    return b"".join([answer[:start], *certificates, answer[end:]])


def _certificates(answer: bytes) -> tuple[int, int] | None:
    """Find them: TimeStampResp, its token, what that holds, SignedData; there the only member tagged 0."""
    start, end = 0, len(answer)
    for number in _WAY:
        inside = list(_elements(answer, start, end))
        if number >= len(inside):
            return None
        _, _, start, end = inside[number]
    return next(
        ((content, stop) for tag, _, content, stop in _elements(answer, start, end) if tag == _TAGGED_0), None
    )


def _elements(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Walk over what lies between two places: tag, where it begins, where its content begins, where it ends."""
    at = start
    while at < end:
        header = data[at : min(at + 2, end)]
        if len(header) < 2:
            raise ValueError("cut off")
        size, content = header[1], at + 2
        if size > _SHORT:
            count = size - _SHORT
            size, content = int.from_bytes(data[content : content + count]), content + count
        if header[1] == _SHORT or content + size > end:
            raise ValueError("no definite length")
        yield header[0], at, content, content + size
        at = content + size
