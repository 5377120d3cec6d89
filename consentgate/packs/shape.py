"""Reading TOML tables strictly into dataclasses: the fields of the class are the fields of the table.

A field without a default must be there; an unknown field is refused, because a misspelled requirement would
silently be a missing one. ``metadata={"name": ...}`` gives a field another name in the file, and
``metadata={"computed": True}`` keeps it out of the file.

Invariants: whatever the table holds, only `PackInvalid` leaves this module; it names file, field and cure.
"""

from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

from consentgate.errors import InvalidInput, PackInvalid
from consentgate.packs.period import Period
from consentgate.packs.rules import Tri
from consentgate.values import dataclass

_T = TypeVar("_T")
_TRI: Final[dict[object, str]] = {True: "yes", False: "no", "unclear": "unclear"}
_CURES: Final[dict[object, str]] = {
    bool: "write true or false",
    int: "write a whole number from 1 to 999999999",
    str: "write a text that is not empty",
    date: "write a day without quotes, for example 2024-08-02",
    Period: "write an ISO 8601 period, for example P3Y, P24M, P45D or P0D",
    Tri: 'write true, false or "unclear"',
}
MOST: Final = 999_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in which file something stands.

    Attributes:
        file: the file's name.
        path: the dotted field; empty for the whole file.
    """

    file: str
    path: str = ""

    def at(self, name: str) -> "Place":
        """Go one field down.

        Args:
            name: the field, or ``[i]`` for an item of a list.

        Returns:
            The place.
        """
        joined = self.path + name if name.startswith("[") else ".".join(filter(None, (self.path, name)))
        return Place(file=self.file, path=joined)

    def refuse(self, cure: str) -> PackInvalid:
        """Make the error for this place.

        Args:
            cure: what to do about it.

        Returns:
            The error, to be raised.
        """
        return PackInvalid(f"{self.file}: {self.path or 'the whole file'}: {cure}.")


def read(kind: type[_T], members: object, place: Place, **computed: object) -> _T:
    """Read a table.

    Args:
        kind: the dataclass.
        members: what TOML gave.
        place: where it stands.
        **computed: fields that do not come from the file.

    Returns:
        The value.

    Raises:
        PackInvalid: a field is missing, unknown or of another type.
    """
    if not isinstance(members, dict):
        raise place.refuse("write a table")
    values = dict(computed)
    known = set()
    for each in fields(kind):  # type: ignore[arg-type]  # the parameter is a dataclass; typing cannot say so
        if each.metadata.get("computed"):
            continue
        name = each.metadata.get("name", each.name)
        known.add(name)
        if name in members:
            values[each.name] = _read(each.type, members[name], place.at(name))
        elif each.default is MISSING and each.default_factory is MISSING:
            raise place.at(name).refuse(f"it is missing; {_cure(each.type)}")
    for name in members:
        if name not in known:
            raise place.at(name).refuse(f"no such field; the fields here are {', '.join(sorted(known))}")
    return kind(**values)


def _read(kind: Any, value: object, place: Place) -> object:
    if kind == Tri:
        return _tri(value, place)
    choices = tuple(choice for choice in get_args(kind) if choice is not NoneType)
    origin = get_origin(kind)
    if origin is Literal:
        if not isinstance(value, str) or value not in choices:
            raise place.refuse(_cure(kind))
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise place.refuse("write a list")
        items = tuple(_read(choices[0], item, place.at(f"[{i}]")) for i, item in enumerate(value))
        if len(set(items)) != len(items):
            raise place.refuse("name each only once")
        return items
    if choices:  # X | None; TOML has no null, so an absent field is the None
        return _read(choices[0], value, place)
    if kind is Period:
        return _period(value, place)
    if is_dataclass(kind) and isinstance(kind, type):
        return read(kind, value, place)
    return _scalar(kind, value, place)


def _scalar(kind: Any, value: object, place: Place) -> object:
    # A bool is an int and a datetime is a date for Python, and neither is one here.
    fits = type(value) is kind if kind in (bool, int) else isinstance(value, kind)
    if not fits or isinstance(value, datetime):
        raise place.refuse(_cure(kind))
    if isinstance(value, str) and not value.strip():
        raise place.refuse(_cure(kind))
    if kind is int and not 0 < value <= MOST:  # type: ignore[operator]  # it is an int here
        raise place.refuse(_cure(kind))
    return value


def _tri(value: object, place: Place) -> str:
    if not isinstance(value, bool | str) or value not in _TRI:
        raise place.refuse(_CURES[Tri])
    return _TRI[value]


def _period(value: object, place: Place) -> Period:
    try:
        if isinstance(value, str):
            return Period.parse(value)
    except InvalidInput as error:
        raise place.refuse(_CURES[Period]) from error
    raise place.refuse(_CURES[Period])


def _cure(kind: Any) -> str:
    if kind in _CURES:
        return _CURES[kind]
    if get_origin(kind) is Literal:
        return f"write one of {', '.join(get_args(kind))}"
    return "write a list" if get_origin(kind) is tuple else "write a table"
