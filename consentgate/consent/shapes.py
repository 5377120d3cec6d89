"""Values as JSON objects: the fields of a dataclass are the members of its object.

One table of rules serves statements, manifests and registries, so the three cannot drift apart: a field
without a default is a required member; None and empty tuples are left out where that is the default, never
null; bytes are unpadded base64url; times are text with milliseconds; sets are sorted. `named` gives a member
another name or form.

Invariants: ``read(type(x), write(x))`` equals x; whatever the input, `read` raises only `Malformed`, and its
message names the member and never a value.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import TypeVar

from consentgate import canonical, moment
from consentgate.canonical import Json, b64
from consentgate.consent.readers import Misfit, Shaped, joined, member_of, object_reader
from consentgate.crypto.jwk import PublicKey
from consentgate.errors import Malformed

_Value = TypeVar("_Value", bound=Shaped)


def named(name: str, *, seconds: bool = False) -> Mapping[str, object]:
    """Give a field's member another name, or a time the form that JWT has for it.

    Args:
        name: the member's name.
        seconds: whether a time is written as whole seconds since 1970 instead of text.

    Returns:
        What the field takes as its ``metadata``.
    """
    return {"name": name, "seconds": seconds}


def write(value: Shaped) -> dict[str, Json]:
    """Write a value as an object.

    Args:
        value: a dataclass of texts, booleans, integers, bytes, times, keys, tuples and sets of these, and
            other such dataclasses.

    Returns:
        Its members, ready for `canonical.encode`.
    """
    members: dict[str, Json] = {}
    for attribute, name, seconds, may_be_empty in _written(type(value)):
        content = getattr(value, attribute)
        if content is None or (may_be_empty and content == ()):
            continue
        members[name] = moment.to_millis(content) // 1000 if seconds else _write(content)
    return members


def read(kind: type[_Value], data: Json, *, closed: bool, where: str = "") -> _Value:
    """Read a value from an object.

    Args:
        kind: the dataclass.
        data: the object.
        closed: whether unknown members are refused and times must have their stored spelling; else unknown
            members are ignored and any RFC 3339 time in UTC is taken.
        where: the path to the object, for messages.

    Returns:
        The value.

    Raises:
        Malformed: a member is missing, unknown or of another type or form.
    """
    try:
        value: _Value = object_reader(kind, closed)(data)
    except Misfit as error:
        raise Malformed(f"{joined(where, error.path) or 'The whole'}{error.what}") from error
    return value


def to_bytes(value: Shaped) -> bytes:
    """Write a value in its stored form.

    Args:
        value: as for `write`.

    Returns:
        Canonical JSON.
    """
    return canonical.encode(write(value))


def from_bytes(kind: type[_Value], data: bytes) -> _Value:
    """Read a value in its stored form.

    Args:
        kind: the dataclass.
        data: what `to_bytes` makes.

    Returns:
        The value.

    Raises:
        Malformed: any other bytes, another spelling of the same value too.
    """
    value = read(kind, canonical.decode(data), closed=True)
    if to_bytes(value) != data:  # for example a set that is not sorted, or white space
        raise Malformed("This is another spelling of a stored value.")
    return value


@cache
def _written(kind: type[Shaped]) -> tuple[tuple[str, str, bool, bool], ...]:
    """Give each field's attribute, member, whether it is a time in seconds, and whether () is left out."""
    return tuple(
        (each.name, member_of(each), bool(each.metadata.get("seconds")), each.default == ())
        for each in fields(kind)
        if each.init
    )


def _write(content: object) -> Json:
    if isinstance(content, (str, int)):  # booleans too
        return content
    if isinstance(content, tuple):
        return [_write(item) for item in content]
    if isinstance(content, datetime):
        return moment.to_text(content)
    if isinstance(content, bytes):
        return b64(content)
    if isinstance(content, frozenset):
        return [*sorted(content)]
    if isinstance(content, PublicKey):
        return content.jwk()
    if is_dataclass(content) and not isinstance(content, type):
        return write(content)
    raise TypeError(f"no shape for {type(content).__name__}")
