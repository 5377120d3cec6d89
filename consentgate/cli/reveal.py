"""What of a sealed part is shown by default: words, times, codes and digests, never what identifies somebody.

Invariant: the list says what is shown, not what is hidden, so that a member that is new or foreign stays hidden
until somebody decides about it.
"""

from collections.abc import Mapping
from typing import Final

from consentgate.canonical import Json

HIDDEN: Final = "(hidden; --reveal shows it)"

_SHOWN: Final = frozenset(
    (
        "v", "event", "call", "leg", "legs", "Caller", "Callee", "number", "purpose", "recording_consent",
        "request", "action", "engine", "controller", "controller_jurisdiction", "packs", "registry", "calls",
        "statements", "assertions", "decision", "allowed", "at", "reasons", "code", "bases", "pack", "citation",
        "detail", "missing_notice_elements", "obligations", "duty", "due", "grant", "considered", "entry", "codes",
        "candidates", "digest", "since", "conditions", "exemptions", "pack_set", "name", "by", "manifest",
        "service", "operation", "method", "region", "country", "token_from", "lasts_ms", "end", "attempts",
        "started_at", "ended_at", "status", "fault", "cause", "error", "request_id", "response_sha256",
        "exchange", "links", "source", "seen_at", "results",
    )
)  # fmt: skip
# An assertion about one person says something about that person; one about the controller does not.
_OF_CONTROLLER: Final = frozenset(("value",))


def shown_content(part: str, content: Mapping[str, Json], *, reveal: bool) -> Json:
    """Give what is shown of a part.

    Args:
        part: the part's name.
        content: what it holds.
        reveal: whether to show all of it.

    Returns:
        The content, with hidden members named and not shown.
    """
    if reveal:
        return dict(content)
    shown = _SHOWN | (_OF_CONTROLLER if part == "body.0" else frozenset())
    return _filtered(content, shown)


def _filtered(value: Json, shown: frozenset[str]) -> Json:
    if isinstance(value, Mapping):
        return {name: _filtered(inner, shown) if name in shown else HIDDEN for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filtered(inner, shown) for inner in value]
    return value
