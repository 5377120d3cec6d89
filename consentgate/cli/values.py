"""What people type, as values: references, times, JSON, files.

Invariant: whatever is wrong with something handed in is `InvalidInput` (exit 2), and the message names it
without repeating a value that may identify somebody.
"""

import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from consentgate.canonical import Json
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid

if TYPE_CHECKING:
    from consentgate.consent.details import EvidenceRef
    from consentgate.consent.reference import Reference
    from consentgate.crypto.jwk import PublicKey
    from consentgate.ledger.speaker import Speaker

STDIN: Final = "-"
TOKEN_LIMIT: Final = 1 << 16
SMALL_LIMIT: Final = 1 << 20
NOTICE_LIMIT: Final = 64 << 20
EVIDENCE_LIMIT: Final = 1 << 30


def references(texts: Sequence[str]) -> "tuple[Reference, ...]":
    """Read references.

    Args:
        texts: ``kind:value`` each.

    Returns:
        The references, in order.

    Raises:
        InvalidInput: one has another form.
    """
    from consentgate.consent.reference import Reference

    found = []
    for text in texts:
        kind, colon, value = text.partition(":")
        if not colon:
            raise InvalidInput(
                "A reference is kind:value, for example customer:C-1001 or phone:+13125550123."
            )
        found.append(Reference(kind=kind, value=value))
    return tuple(found)


def speaker(
    known_as: Sequence[str], *, evidence: Sequence[str] = (), adult: bool = False, age: int | None = None
) -> "Speaker":
    """Make a speaker out of what was typed.

    Args:
        known_as: references, the most certain first.
        evidence: codes of jurisdictions.
        adult: whether the person is known to be 18 or older.
        age: in years, or None.

    Returns:
        The speaker.

    Raises:
        InvalidInput: something has another form.
    """
    from consentgate.ledger.speaker import Speaker
    from consentgate.policy.facts import Evidence

    pieces = [Evidence(code=code, kind="stated", source="command_line") for code in evidence]
    return Speaker(references(known_as), pieces, age=age, adult=adult)


def moment(text: str, what: str) -> datetime:
    """Read a time.

    Args:
        text: ``2026-11-22`` or ``2026-11-22T12:00:00Z``.
        what: the option, for messages.

    Returns:
        The time in UTC; a date is its first moment.

    Raises:
        InvalidInput: it has another form.
    """
    from consentgate.moment import from_any

    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if len(text) == 10 else from_any(text)
    except (ValueError, Malformed):
        raise InvalidInput(f"{what} is a UTC time such as 2026-11-22 or 2026-11-22T12:00:00Z.") from None


def json_value(text: str) -> Json:
    """Read a value: JSON where it is JSON, else the text itself.

    Args:
        text: for example ``true``, ``{"jurisdiction": "FR"}`` or ``all_parties``.

    Returns:
        The value.

    Raises:
        InvalidInput: it begins like JSON and is none, or it is no UTF-8.
    """
    from consentgate import canonical

    try:
        return canonical.decode(text.encode())
    except UnicodeEncodeError:
        # Bytes of the command line that are no UTF-8 arrive as half a character each.
        raise InvalidInput("The value is not UTF-8.") from None
    except Malformed as error:
        if text[:1] in '{["' or not text:
            raise InvalidInput(f"The value is not JSON: {error}") from error
        return text


def read_bytes(name: str, *, limit: int) -> bytes:
    """Read a file that was handed in.

    Args:
        name: its path, or ``-`` for standard input.
        limit: at most so many bytes.

    Returns:
        What it holds.

    Raises:
        InvalidInput: it cannot be read, or is larger.
    """
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(limit + 1)
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}.") from error
    if len(data) > limit:
        raise InvalidInput(f"{_named(name)} is larger than {limit} bytes: it is not what it should be.")
    return data


def evidence(texts: Sequence[str]) -> "tuple[EvidenceRef, ...]":
    """Read files that prove a statement, as far as a statement names them: by digest.

    Args:
        texts: ``KIND=FILE`` each.

    Returns:
        Digest, media type, size and kind of each.

    Raises:
        InvalidInput: a file cannot be read, or a text is none of that form.
    """
    from consentgate.consent.details import EvidenceRef

    found = []
    for text in texts:
        kind, equals, name = text.partition("=")
        if not equals:
            raise InvalidInput("--evidence is KIND=FILE, for example recording=call.wav.")
        data = read_bytes(name, limit=EVIDENCE_LIMIT)
        media_type = guess_type(name)[0] or "application/octet-stream"
        digest = sha256(data).digest()
        found.append(EvidenceRef(digest=digest, media_type=media_type, size=len(data), kind=kind))
    return tuple(found)


def read_token(name: str) -> str:
    """Read a signed statement, and refuse what is none before anything looks at the ledger.

    Args:
        name: path of the file that holds the compact JWS, or ``-``.

    Returns:
        The token.

    Raises:
        InvalidInput: it is not a consent statement.
    """
    from consentgate.ledger.statements import read_statement

    data = read_bytes(name, limit=TOKEN_LIMIT + 2)
    with handed_in(_named(name)):
        try:
            token = data.decode("ascii").strip()
        except UnicodeDecodeError:
            raise Malformed("It is not a compact JWS.") from None
        read_statement({"token": token})
    return token


def read_manifest(text: str) -> dict[str, Any]:
    """Read a notice's manifest.

    Args:
        text: a JSON object, or the name of a TOML or JSON file.

    Returns:
        Its members.

    Raises:
        InvalidInput: it is neither.
    """
    if text.lstrip().startswith("{"):
        return _table(json_value(text), "The manifest")
    data = read_bytes(text, limit=SMALL_LIMIT)
    if text.lower().endswith(".json"):
        with handed_in(text):
            from consentgate import canonical

            return _table(canonical.decode(data), text)
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise InvalidInput(f"{text} is not TOML: {error}.") from error


def read_public_key(*, jwk: str | None, pem: str | None) -> "PublicKey | None":
    """Read an issuer's public key.

    Args:
        jwk: a JWK as JSON, or the name of a file that holds it; or None.
        pem: the name of a PEM file; or None.

    Returns:
        The key; None when neither was given.

    Raises:
        InvalidInput: both were given, or it is no key that can be used.
    """
    from consentgate import canonical
    from consentgate.crypto.jwk import public_key_from_jwk, public_key_from_pem

    if jwk is not None and pem is not None:
        raise InvalidInput("Give --jwk or --pem, not both.")
    if pem is not None:
        data = read_bytes(pem, limit=SMALL_LIMIT)
        with handed_in(pem):
            return public_key_from_pem(data)
    if jwk is None:
        return None
    text = jwk.encode() if jwk.lstrip().startswith("{") else read_bytes(jwk, limit=SMALL_LIMIT)
    with handed_in("The JWK"):
        members = _table(canonical.decode(text), "The JWK")
        if "d" in members:
            raise InvalidInput("This is a private key: keep it, and hand in its public half.")
        return public_key_from_jwk(members)


@contextmanager
def handed_in(what: str) -> Iterator[None]:
    """Say of bytes that were handed in that they cannot be used: usage, not a broken ledger.

    Args:
        what: how they are called.

    Yields:
        Nothing; decode inside.

    Raises:
        InvalidInput: they are malformed.
    """
    try:
        yield
    except (Malformed, SignatureInvalid) as error:
        raise InvalidInput(f"{what} cannot be used: {error}") from error


def _table(value: Json, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"{what} is not a JSON object.")
    return cast("dict[str, Any]", value)


def _named(name: str) -> str:
    return "Standard input" if name == STDIN else name
