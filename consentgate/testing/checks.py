"""What a service model forbids in an input value.

botocore itself checks only required members, types and minimal lengths before it sends; patterns, enums and
maximal lengths are left to the service. Here all of them are checked. Messages name the member and the rule,
never the value.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from botocore.model import Shape

# The voice model's pattern of ClientRequestToken is no regular expression in any dialect ("$" is repeated).
# The sister service states what is meant.
REPAIRED: Final[Mapping[str, str]] = {"^[-_a-zA-Z0-9]*${2,64}$": "[-_a-zA-Z0-9]{2,64}"}

PLAIN: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "blob": (str,),
    "timestamp": (str, int, float),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


def problems(shape: Shape, value: object, where: str = "") -> Iterator[str]:
    """List what the model forbids in a value.

    Args:
        shape: the value's shape.
        value: plain JSON data.
        where: the value's place, for the messages.

    Returns:
        An iterator over one line per problem; unknown members are no problem, as the service ignores them.
    """
    here = where or "input"
    kinds = PLAIN.get(shape.type_name, ())
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield f"{here} must be a {shape.type_name}"
        return
    yield from _bounds(shape, value, here)
    inner = _INNER.get(shape.type_name)
    if inner is not None:
        yield from inner(shape, value, where)


@cache
def pattern_of(text: str) -> re.Pattern[str] | None:
    """Compile a model's pattern.

    Args:
        text: the pattern as the model has it.

    Returns:
        The pattern, repaired where it is known to be malformed; None where nothing can be made of it.
    """
    try:
        return re.compile(REPAIRED.get(text, text))
    except re.error:
        return None


def _bounds(shape: Shape, value: Any, here: str) -> Iterator[str]:
    sized = shape.type_name in {"string", "list", "map"}
    if not sized and shape.type_name not in {"integer", "long", "float", "double"}:
        return
    amount = len(value) if sized else value
    what = "length of " if sized else ""
    if amount < shape.metadata.get("min", amount):
        yield f"{what}{here} must be at least {shape.metadata['min']}"
    if amount > shape.metadata.get("max", amount):
        yield f"{what}{here} must be at most {shape.metadata['max']}"


def _string(shape: Any, value: Any, where: str) -> Iterator[str]:
    form = shape.metadata.get("pattern")
    pattern = pattern_of(form) if form else None
    if pattern is not None and not pattern.fullmatch(value):
        yield f"{where} must match {pattern.pattern}"
    if shape.enum and value not in shape.enum:
        yield f"{where} must be one of {', '.join(shape.enum)}"


def _structure(shape: Any, value: Any, where: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{_join(where, name)} is required"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from problems(member, value[name], _join(where, name))


def _list(shape: Any, value: Any, where: str) -> Iterator[str]:
    for index, item in enumerate(value):
        yield from problems(shape.member, item, f"{where}[{index}]")


def _map(shape: Any, value: Any, where: str) -> Iterator[str]:
    for index, (key, item) in enumerate(value.items()):
        yield from problems(shape.key, key, f"{where} key {index}")
        yield from problems(shape.value, item, f"{where} value {index}")


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


_INNER: Final[Mapping[str, Callable[[Any, Any, str], Iterator[str]]]] = {
    "string": _string,
    "structure": _structure,
    "list": _list,
    "map": _map,
}
