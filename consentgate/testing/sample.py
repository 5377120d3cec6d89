"""An answer made from nothing but its shape, for operations that no behaviour describes.

What the request named is echoed where the answer has a member of that name; the rest are plausible values. No
state is kept: two such answers know nothing of each other.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from botocore.model import ListShape, Shape, StringShape, StructureShape

from consentgate.testing.checks import problems

DEPTH: Final = 8


def sample(shape: Shape, echoed: Mapping[str, Any], now: datetime, *, name: str = "", depth: int = 0) -> Any:
    """Make a value of a shape.

    Args:
        shape: the shape.
        echoed: the request's input by member name.
        now: the time for timestamps.
        name: the member's name.
        depth: how deep the value lies; structures end at a fixed depth, since some contain themselves.

    Returns:
        The value as `Operation.render` takes it; lists are as short as may be, maps are empty.
    """
    if isinstance(shape, StructureShape):
        members = shape.members if depth < DEPTH else {}
        return {
            key: echoed[key]
            if _fits(member, echoed.get(key))
            else sample(member, echoed, now, name=key, depth=depth + 1)
            for key, member in members.items()
            if key != "NextToken"  # it would make paginators ask for ever
        }
    if isinstance(shape, StringShape):
        return _text(shape, name)
    if isinstance(shape, ListShape):
        count = shape.metadata.get("min", 0)
        return [sample(shape.member, echoed, now, name=name, depth=depth + 1) for _ in range(count)]
    plain: Mapping[str, Any] = {"map": {}, "boolean": False, "timestamp": now, "blob": ""}
    return plain.get(shape.type_name, shape.metadata.get("min", 0))


def _fits(shape: Shape, value: object) -> bool:
    # Members of one name can have two shapes, for example tags to set and tags as they are.
    return value is not None and next(problems(shape, value), None) is None


def _text(shape: StringShape, name: str) -> str:
    if shape.enum:
        return str(shape.enum[0])
    if name.endswith("Arn"):
        return f"arn:aws:chime:us-east-1:111122223333:{name[:-3].lower()}/{uuid.uuid4()}"
    return str(uuid.uuid4()) if name.endswith("Id") else name.lower()
