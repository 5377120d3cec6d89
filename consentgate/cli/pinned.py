"""What a verification from a checkpoint on says of that checkpoint, and of what it left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consentgate.canonical import Json

if TYPE_CHECKING:
    from consentgate.config.since import Pinned


def pinned_item(pinned: "Pinned | None", not_judged: Sequence[str]) -> Json:
    """Say it as a member of a result.

    Args:
        pinned: the checkpoint; None where everything was verified.
        not_judged: what nobody looked at.

    Returns:
        The member, or None.
    """
    if pinned is None:
        return None
    size = pinned.head.size
    return {
        "file": pinned.file,
        "size": size,
        "root": pinned.head.root.hex(),
        "not_read": {"first": 0, "last": size - 1} if size else None,
        "not_judged": [*not_judged] if size else [],
    }


def left_out(pinned: "Pinned | None", not_judged: Sequence[str]) -> list[tuple[str, str]]:
    """Say it as text.

    Args:
        pinned: the checkpoint; None where everything was verified.
        not_judged: what nobody looked at.

    Returns:
        Names and texts, none where everything was verified.
    """
    if pinned is None:
        return []
    size = pinned.head.size
    if not size:
        return [("not read again", f"nothing: {pinned.file} covers no entry")]
    return [
        ("not read again", f"positions 0 to {size - 1}, which {pinned.file} covers"),
        ("not judged", "\n".join(not_judged)),
    ]
