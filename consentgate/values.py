"""The dataclass of our values, made in a third of the time: frozen, with slots, fields given by name.

The standard decorator compiles seven methods for each class, and a fresh process makes 150 such classes before its
first decision: half of what importing the gate takes. Here the constructor alone is compiled; the other methods are
shared. A type checker sees the standard decorator, and any other kind of dataclass is made by it.

Invariant: what the standard library promises of such a class holds: `fields`, `replace`, `asdict`, equality and
hash by the fields that are compared, pickling, `FrozenInstanceError`.

Example:
    >>> @dataclass(frozen=True, slots=True, kw_only=True)
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(x=1)
    Point(x=1, y=0)
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final

_KIND: Final = {"frozen": True, "slots": True, "kw_only": True}
# What a class may only have from us; one that says it itself is made by the standard decorator.
_OURS: Final = frozenset(
    {"__init__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"}
)


def _dataclass(cls: Any = None, /, **kind: bool) -> Any:
    if cls is None and kind == _KIND:
        return _value
    return dataclasses.dataclass(cls, **kind)


def _value(cls: Any) -> Any:
    if not _OURS.isdisjoint(cls.__dict__):
        return dataclasses.dataclass(**_KIND)(cls)
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    found = fields(made)
    made.__init__ = _constructor(made, found)
    made.__eq__, made.__hash__ = _comparison(found)
    made.__setattr__, made.__delattr__ = _refuse_set, _refuse_delete
    made.__getstate__, made.__setstate__ = _state, _restore
    if "__repr__" not in cls.__dict__:
        made.__repr__ = _representation(tuple(each.name for each in found if each.repr))
    return made


def _constructor(cls: Any, found: tuple[Field[Any], ...]) -> Callable[..., None]:
    """Compile the constructor: it fills each slot through its descriptor, which no `__setattr__` refuses."""
    known: dict[str, object] = {"_absent": MISSING}
    given: list[str] = []
    body: list[str] = []
    for each in found:
        name = each.name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        source, default = name, ""
        if each.default_factory is not MISSING:
            known[f"_default_{name}"] = each.default_factory
            source, default = f"_default_{name}() if {name} is _absent else {name}", "=_absent"
        elif each.default is not MISSING:
            known[f"_default_{name}"] = each.default
            default = f"=_default_{name}"
        if each.init:
            given.append(name + default)
            body.append(f"  _set_{name}(self, {source})")
        elif default:
            body.append(f"  _set_{name}(self, _default_{name}{'()' if default == '=_absent' else ''})")
    if hasattr(cls, "__post_init__"):
        body.append("  self.__post_init__()")
    head = f" def __init__(self{', *, ' if given else ''}{', '.join(given)}):"
    text = "\n".join([f"def make({', '.join(known)}):", head, *(body or ["  pass"]), " return __init__"])
    compiled: dict[str, Callable[..., Callable[..., None]]] = {}
    exec(text, {}, compiled)  # noqa: S102  # as the standard library does; all names are those of our own fields
    made = compiled["make"](**known)
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {each.name: each.type for each in found if each.init} | {"return": None}
    return made


def _comparison(found: tuple[Field[Any], ...]) -> tuple[object, object]:
    of = _getter(tuple(each.name for each in found if each.compare))
    hashed = _getter(tuple(each.name for each in found if (each.compare if each.hash is None else each.hash)))

    def equal(self: object, other: object) -> Any:
        return of(self) == of(other) if other.__class__ is self.__class__ else NotImplemented

    def hash_of(self: object) -> int:
        return hash(hashed(self))

    return equal, hash_of


def _getter(names: tuple[str, ...]) -> Callable[[object], Any]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _representation(names: tuple[str, ...]) -> object:
    @recursive_repr()
    def shown(self: object) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({told})"

    return shown


def _refuse_set(_: object, name: str, value: object) -> None:
    del value
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(_: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore(self: Any, state: list[object]) -> None:
    for each, found in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, found)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass: Callable[..., Any] = _dataclass
"""`dataclasses.dataclass` to a type checker, and the same but quicker at run time."""

__all__ = ["dataclass"]
