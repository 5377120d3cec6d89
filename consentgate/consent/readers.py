"""Readers of JSON objects, made once of the annotations of the dataclass that an object becomes.

A statement is read at every decision: what its class wants is found out once, and a path to what does not fit
is put together only where something does not fit.

Invariants: whatever the input, a reader raises only `Misfit` and `Malformed`, and no message shows a value.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, get_args, get_origin

from consentgate import moment
from consentgate.canonical import Json, unb64
from consentgate.crypto.jwk import PublicKey, public_key_from_jwk
from consentgate.errors import InvalidInput, Malformed

Reader: TypeAlias = Callable[[Json], Any]


class Shaped(Protocol):
    """A dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Misfit(Exception):
    """Something does not fit; the path to it is put together on the way out, so that what fits costs none.

    Attributes:
        what: what is wrong, as the end of a sentence that the path begins.
        path: from where the reading began to what does not fit; empty for the whole.
    """

    def __init__(self, what: str, path: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.path = path

    def under(self, name: str) -> "Misfit":
        """Say the same from one level further up.

        Args:
            name: the member, or ``[i]`` for an item of a list.

        Returns:
            What to raise there.
        """
        return Misfit(self.what, joined(name, self.path))


def joined(name: str, path: str) -> str:
    """Put a path together.

    Args:
        name: the upper part; empty for none.
        path: the lower part; empty for none.

    Returns:
        For example ``issuers[0].keys``.
    """
    return f"{name}.{path}" if name and path and not path.startswith("[") else name + path


def member_of(each: Field[Any]) -> str:
    """Name the member that a field is written as.

    Args:
        each: the field.

    Returns:
        Its own name, or the one that its metadata give.
    """
    return str(each.metadata.get("name", each.name))


@cache
def object_reader(kind: type[Shaped], closed: bool) -> Reader:
    """Make the reader of a dataclass's object, once.

    Args:
        kind: the dataclass.
        closed: whether unknown members are refused and times must have their stored spelling.

    Returns:
        The reader. It raises `Misfit` where the object does not have the shape, and `Malformed` where the
        class refuses what it holds.
    """
    known = {member_of(each): each for each in fields(kind) if each.init}
    members = tuple(
        (
            name,
            each.name,
            _seconds if each.metadata.get("seconds") else _reader(each.type, closed),
            each.default is MISSING,
        )
        for name, each in known.items()
    )
    make: Callable[..., object] = kind

    def read_object(data: Json) -> object:
        if not isinstance(data, dict):
            raise Misfit(" is not an object.")
        if closed and not data.keys() <= known.keys():
            raise Misfit(" has a member that the format does not know.")
        values: dict[str, object] = {}
        for name, attribute, reader, required in members:
            if name in data:
                try:
                    values[attribute] = reader(data[name])
                except Misfit as error:
                    raise error.under(name) from error.__cause__
            elif required:
                raise Misfit(" is missing.", name)
        try:
            return make(**values)
        except InvalidInput as error:
            raise Malformed(str(error)) from error

    return read_object


def _reader(kind: Any, closed: bool) -> Reader:
    choices = tuple(choice for choice in get_args(kind) if choice is not type(None))
    origin = get_origin(kind)
    if origin is Literal:
        return _word(choices)
    if origin is tuple:
        return _list(_reader(choices[0], closed))
    if origin is frozenset:
        return _set(_list(_reader(choices[0], closed)))
    if choices:  # X | None; absent is absent, so null is never one of them
        return _reader(choices[0], closed)
    if is_dataclass(kind) and isinstance(kind, type) and kind is not PublicKey:
        return object_reader(kind, closed)
    time = moment.from_text if closed else moment.from_any
    return {bool: _flag, int: _integer, str: _text, PublicKey: _jwk, bytes: _of_text(unb64)}.get(
        kind, _of_text(time)
    )


def _word(choices: tuple[str, ...]) -> Reader:
    def read_word(data: Json) -> object:
        if not isinstance(data, str) or data not in choices:
            raise Misfit(f" is none of {', '.join(choices)}.")
        return data

    return read_word


def _list(item: Reader) -> Callable[[Json], tuple[object, ...]]:
    def read_list(data: Json) -> tuple[object, ...]:
        if not isinstance(data, list):
            raise Misfit(" is not a list.")
        items = []
        for i, each in enumerate(data):
            try:
                items.append(item(each))
            except Misfit as error:
                raise error.under(f"[{i}]") from error.__cause__
        return tuple(items)

    return read_list


def _set(items: Callable[[Json], tuple[object, ...]]) -> Reader:
    def read_set(data: Json) -> object:
        listed = items(data)
        if len(set(listed)) != len(listed):
            raise Misfit(" names something twice.")
        return frozenset(listed)

    return read_set


def _of_text(parse: Callable[[str], object]) -> Reader:
    def read_parsed(data: Json) -> object:
        if not isinstance(data, str):
            raise Misfit(" is not a text.")
        try:
            return parse(data)
        except Malformed as error:
            raise Misfit(f": {error}") from error

    return read_parsed


def _flag(data: Json) -> object:
    if not isinstance(data, bool):
        raise Misfit(" is not true or false.")
    return data


def _integer(data: Json) -> object:
    if not isinstance(data, int) or isinstance(data, bool):
        raise Misfit(" is not an integer.")
    return data


def _text(data: Json) -> object:
    if not isinstance(data, str):
        raise Misfit(" is not a text.")
    return data


def _jwk(data: Json) -> object:
    if not isinstance(data, dict):
        raise Misfit(" is not a JWK.")
    return public_key_from_jwk(data)


def _seconds(data: Json) -> object:
    if not isinstance(data, int) or isinstance(data, bool) or data < 0:
        raise Misfit(" is not a count of seconds.")
    try:
        return moment.from_millis(data * 1000)
    except InvalidInput as error:
        raise Misfit(" is out of range.") from error
