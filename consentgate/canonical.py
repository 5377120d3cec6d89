r"""Canonical JSON and base64url: one value has one spelling, and one spelling one value.

Everything that is hashed from a value is written by `encode`, a profile of RFC 8785 (JSON Canonicalization
Scheme): printable-ASCII member names, integers below 2^53, no floats. Inside the profile, sorting by code
point equals the RFC's sorting by UTF-16 unit and the standard library's compact output equals the RFC's
bytes. What arrives is read by `decode`, which takes any strict JSON but never two members of one name.

Invariants: `decode(encode(x))` equals x (tuples come back as lists); `decode_canonical` accepts exactly the
bytes that `encode` makes; `unb64` accepts exactly the texts that `b64` makes; decoders raise `Malformed`,
whatever the input, and no message repeats it.

>>> encode({"b": [1, True, None], "a": "é"})
b'{"a":"\xc3\xa9","b":[1,true,null]}'
"""

import json
import math
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeAlias

from consentgate.errors import InvalidInput, Malformed

Json: TypeAlias = "Mapping[str, Json] | list[Json] | tuple[Json, ...] | str | int | float | bool | None"

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32

_NOT_ASCII = "Member names, and texts in leaves, are printable ASCII."


def encode(value: Json) -> bytes:
    """Encode a value in the RFC 8785 profile.

    Args:
        value: nested dicts, lists or tuples, texts, integers, booleans and None; at most 32 levels deep.

    Returns:
        The one UTF-8 spelling of the value.

    Raises:
        InvalidInput: the value lies outside the profile.
    """
    _check((value,), False, MAX_DEPTH)
    return _spell(value)


def encode_ascii(value: Json) -> bytes:
    """Encode a value whose texts are printable ASCII too, as leaves are.

    Args:
        value: as for `encode`.

    Returns:
        The one spelling of the value, every byte of it printable.

    Raises:
        InvalidInput: the value lies outside the profile or holds a text that is not printable ASCII.
    """
    _check((value,), True, MAX_DEPTH)
    return _spell(value)


def decode(data: bytes, *, limit: int = 1 << 20, floats: bool = False) -> Json:
    """Decode strict JSON.

    Args:
        data: UTF-8 without a byte order mark.
        limit: how many bytes are too many to look at, less one.
        floats: whether finite numbers with a fraction or an exponent are taken.

    Returns:
        Dicts, lists, texts without lone surrogates, integers below 2^53, booleans and None.

    Raises:
        Malformed: bad UTF-8 or JSON, a member twice, a number out of range, too long or too deep.
    """
    if not isinstance(data, bytes):
        raise Malformed("JSON is read from bytes.")
    if len(data) > limit:
        raise Malformed(f"The JSON is longer than {limit} bytes.")
    text, trouble = "", ""
    value: Json = None
    try:
        text = data.decode()
        value = (_WITH_FLOATS if floats else _WITHOUT_FLOATS).decode(text)
    except UnicodeDecodeError:
        trouble = "The JSON is not UTF-8."
    except RecursionError:
        trouble = f"The JSON is nested deeper than {MAX_DEPTH} levels."
    except ValueError:
        trouble = "This is not JSON."
    if trouble:
        # Out here: the errors above carry all of the bytes, which may be personal data or a key.
        raise Malformed(trouble)
    # Valid UTF-8 holds no surrogate, so only an escape can make one; few inputs need the walk at all.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _check_decoded(value, MAX_DEPTH)
    return value


def decode_canonical(data: bytes, *, limit: int = 1 << 20) -> Json:
    """Decode JSON that must be spelled as `encode` spells it.

    Args:
        data: the bytes.
        limit: how many bytes are too many to look at, less one.

    Returns:
        The value; encoding it gives `data` again.

    Raises:
        Malformed: not JSON of the profile, or another spelling of it.
    """
    value = decode(data, limit=limit)
    try:
        again = encode(value)
    except InvalidInput as error:
        raise Malformed("The JSON lies outside the canonical profile.") from error
    if again != data:
        raise Malformed("The JSON is not in its canonical spelling.")
    return value


def b64(data: bytes) -> str:
    """Encode bytes as unpadded base64url (RFC 4648, section 5).

    Args:
        data: the bytes.

    Returns:
        The text.
    """
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def unb64(text: str) -> bytes:
    """Decode unpadded base64url, strictly.

    Args:
        text: what `b64` makes; no padding, no white space, no stray bits in the last character.

    Returns:
        The bytes.

    Raises:
        Malformed: any other text.
    """
    if not isinstance(text, str):
        raise Malformed("base64url is read from text.")
    try:
        spelled = text.encode("ascii").translate(_FROM_URL) + b"=" * (-len(text) % 4)
        data = a2b_base64(spelled)
    except ValueError as error:
        raise Malformed("This is not base64url.") from error
    # The library skips foreign characters and ignores stray bits: each would give one value two spellings.
    if b2a_base64(data, newline=False) != spelled:
        raise Malformed("This is not base64url in its canonical spelling.")
    return data


def _check(members: Iterable[Json], ascii_only: bool, depth: int) -> None:
    if depth < 0:
        raise InvalidInput(f"Canonical JSON is at most {MAX_DEPTH} levels deep.")
    # In order of how often: every entry passes here several times. Lone surrogates show in `_spell`.
    for member in members:
        if isinstance(member, str):
            if ascii_only and not (member.isascii() and member.isprintable()):
                raise InvalidInput(_NOT_ASCII)
        elif member is None:
            pass
        elif isinstance(member, int):
            if abs(member) > MAX_INTEGER:
                raise InvalidInput("Canonical JSON has no integer of 2^53 or more.")
        elif isinstance(member, dict):
            _check_names(member)
            _check(member.values(), ascii_only, depth - 1)
        elif isinstance(member, (list, tuple)):
            _check(member, ascii_only, depth - 1)
        else:
            raise InvalidInput(f"Canonical JSON has no {type(member).__name__}.")


def _check_names(members: dict[str, Json]) -> None:
    try:
        names = "".join(members)
    except TypeError as error:
        raise InvalidInput("The member names of canonical JSON are texts.") from error
    if not (names.isascii() and names.isprintable()):
        raise InvalidInput(_NOT_ASCII)


def _spell(value: Json) -> bytes:
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        trouble = "The text holds a lone surrogate."
    # Out here: that error carries the whole text, which may be personal data.
    raise InvalidInput(trouble)


def _check_decoded(value: Json, depth: int) -> None:
    if isinstance(value, str):
        if not _is_unicode(value):
            raise Malformed("The JSON holds a lone surrogate.")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise Malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
        for member in value:
            _check_decoded(member, depth - 1)
        if isinstance(value, dict):
            for member in value.values():
                _check_decoded(member, depth - 1)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _integer(text: str) -> int:
    # Longer texts are out of range anyway and slow to read.
    if len(text) > 17 or abs(number := int(text)) > MAX_INTEGER:
        raise ValueError("an integer of 2^53 or more")
    return number


def _float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number out of range")
    return number


def _refuse(_text: str) -> NoReturn:
    raise ValueError("NaN, Infinity or a fraction")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)
_WITHOUT_FLOATS = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse
)
_WITH_FLOATS = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_refuse
)
_TO_URL = bytes.maketrans(b"+/", b"-_")
# What only the other alphabet has, and padding, becomes what none has.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/***")
