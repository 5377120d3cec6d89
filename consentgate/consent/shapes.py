"""Values as JSON objects: the fields of a dataclass are the members of its object.

One table of rules serves statements, manifests and registries, so the three cannot drift apart: a field
without a default is a required member; None and empty tuples are left out where that is the default, never
null; bytes are unpadded base64url; times are text with milliseconds; sets are sorted. `named` gives a member
another name or form.

Invariants: ``read(type(x), write(x))`` equals x; whatever the input, `read` raises only `Malformed`, and its
message names the member and never a value.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, TypeVar, get_args, get_origin

from consentgate import canonical, moment
from consentgate.canonical import Json, b64, unb64
from consentgate.crypto.jwk import PublicKey, public_key_from_jwk
from consentgate.errors import InvalidInput, Malformed


class Shaped(Protocol):
    """A dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


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
    for each in fields(value):
        content = getattr(value, each.name)
        if content is None or content == each.default == ():
            continue
        if each.metadata.get("seconds"):
            members[_name(each)] = moment.to_millis(content) // 1000
        else:
            members[_name(each)] = _write(content)
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
    if not isinstance(data, dict):
        raise Malformed(f"{where or 'The whole'} is not an object.")
    known = {_name(each): each for each in fields(kind)}
    if closed and not data.keys() <= known.keys():
        raise Malformed(f"{where or 'The whole'} has a member that the format does not know.")
    values: dict[str, object] = {}
    for name, each in known.items():
        path = f"{where}.{name}" if where else name
        if name in data:
            seconds = bool(each.metadata.get("seconds"))
            values[each.name] = (
                _seconds(data[name], path) if seconds else _read(each.type, data[name], closed, path)
            )
        elif each.default is MISSING:
            raise Malformed(f"{path} is missing.")
    make: Callable[..., _Value] = kind
    try:
        return make(**values)
    except InvalidInput as error:
        raise Malformed(str(error)) from error


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
    value = read(kind, canonical.decode_canonical(data), closed=True)
    if to_bytes(value) != data:  # for example a set that is not sorted
        raise Malformed("This is another spelling of a stored value.")
    return value


def _name(each: Field[Any]) -> str:
    return str(each.metadata.get("name", each.name))


def _write(content: object) -> Json:
    if isinstance(content, str | int):  # booleans too
        return content
    if isinstance(content, bytes):
        return b64(content)
    if isinstance(content, datetime):
        return moment.to_text(content)
    if isinstance(content, PublicKey):
        return content.jwk()
    if isinstance(content, tuple):
        return [_write(item) for item in content]
    if isinstance(content, frozenset):
        return [*sorted(content)]
    if is_dataclass(content) and not isinstance(content, type):
        return write(content)
    raise TypeError(f"no shape for {type(content).__name__}")


def _read(kind: Any, data: Json, closed: bool, where: str) -> object:
    choices = tuple(choice for choice in get_args(kind) if choice is not type(None))
    origin = get_origin(kind)
    if origin is Literal:
        if not isinstance(data, str) or data not in choices:
            raise Malformed(f"{where} is none of {', '.join(choices)}.")
        return data
    if origin in (tuple, frozenset):
        if not isinstance(data, list):
            raise Malformed(f"{where} is not a list.")
        items = tuple(_read(choices[0], item, closed, f"{where}[{i}]") for i, item in enumerate(data))
        return items if origin is tuple else _as_set(items, where)
    if choices:  # X | None; absent is absent, so null is never one of them
        return _read(choices[0], data, closed, where)
    if kind is PublicKey:
        return public_key_from_jwk(data) if isinstance(data, dict) else _refuse(where, "a JWK")
    if is_dataclass(kind) and isinstance(kind, type):
        return read(kind, data, closed=closed, where=where)
    return _read_scalar(kind, data, closed, where)


def _read_scalar(kind: object, data: Json, closed: bool, where: str) -> object:
    if kind is bool:
        return data if isinstance(data, bool) else _refuse(where, "true or false")
    if kind is int:
        return data if isinstance(data, int) and not isinstance(data, bool) else _refuse(where, "an integer")
    if not isinstance(data, str):
        return _refuse(where, "a text")
    if kind is str:
        return data
    try:
        if kind is bytes:
            return unb64(data)
        return moment.from_text(data) if closed else moment.from_any(data)
    except Malformed as error:
        raise Malformed(f"{where}: {error}") from error


def _seconds(data: Json, where: str) -> datetime:
    if not isinstance(data, int) or isinstance(data, bool) or data < 0:
        raise Malformed(f"{where} is not a count of seconds.")
    try:
        return moment.from_millis(data * 1000)
    except InvalidInput as error:
        raise Malformed(f"{where} is out of range.") from error


def _as_set(items: tuple[object, ...], where: str) -> frozenset[object]:
    if len(set(items)) != len(items):
        raise Malformed(f"{where} names something twice.")
    return frozenset(items)


def _refuse(where: str, expected: str) -> object:
    raise Malformed(f"{where} is not {expected}.")
