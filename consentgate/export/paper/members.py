"""Reading members of opened parts: what is not there, or of another shape, is empty.

Parts may be redacted, or of a later format. An export shows what there is; whether it is right, verification says.

Invariants: pure; whatever the content, nothing raises.

>>> text({"a": {"b": 1}}, "a", "b")
'1'
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TypeAlias

from consentgate.canonical import Json

Content: TypeAlias = Mapping[str, Json]


def value(content: Json, *path: str) -> Json:
    """Give a member.

    Args:
        content: an object.
        *path: names from the outside in.

    Returns:
        The member, or None.
    """
    here: Json = content
    for name in path:
        # Nearly always a dict, and asking that is ten times quicker.
        if type(here) is not dict and not isinstance(here, Mapping):
            return None
        here = here.get(name)
    return here


def text(content: Json, *path: str) -> str:
    """Give a member as text.

    Args:
        content: an object.
        *path: names from the outside in.

    Returns:
        A text or number as it is, ``yes`` or ``no``, canonical JSON for lists and objects, or an empty text.
    """
    found = value(content, *path)
    if isinstance(found, bool):
        return "yes" if found else "no"
    if found is None:
        return ""
    if isinstance(found, str):
        return found
    if isinstance(found, int | float):
        return str(found)
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def items(content: Json, *path: str) -> list[Json]:
    """Give a list.

    Args:
        content: an object.
        *path: names from the outside in.

    Returns:
        Its items; none where it is no list.
    """
    found = value(content, *path)
    return found if isinstance(found, list) else []


def objects(content: Json, *path: str) -> list[Content]:
    """Give a list of objects.

    Args:
        content: an object.
        *path: names from the outside in.

    Returns:
        Its items that are objects.
    """
    return [each for each in items(content, *path) if isinstance(each, Mapping)]


def joined(content: Json, *path: str, between: str = ", ") -> str:
    """Give a list of texts as one.

    Args:
        content: an object.
        *path: names from the outside in.
        between: what stands between two.

    Returns:
        The texts in order.
    """
    return between.join(text({"_": each}, "_") for each in items(content, *path))


def binary(content: Json, *path: str) -> bytes | None:
    """Give bytes.

    Args:
        content: an object.
        *path: names from the outside in.

    Returns:
        What the text stands for in base64url, or None.
    """
    found = value(content, *path)
    return unpadded(found) if isinstance(found, str) else None


def unpadded(found: str) -> bytes | None:
    """Read base64url without padding.

    Args:
        found: the text.

    Returns:
        The bytes, or None where it is none.
    """
    try:
        return base64.b64decode(found.encode() + b"=" * (-len(found) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
