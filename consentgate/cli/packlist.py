"""How the jurisdictions of a pack set are listed."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from consentgate.canonical import Json
from consentgate.cli.command import Done
from consentgate.cli.text import faint, plain, table

if TYPE_CHECKING:
    from consentgate.packs.pack import Pack
    from consentgate.packs.packset import PackSet

_READ = {"source-read": "read", "from-knowledge": "from knowledge"}


def shown(
    packs: "PackSet",
    day: date,
    *,
    kind: str | None,
    under: str | None,
    confidence: str | None,
    changing: bool,
) -> Done:
    """List jurisdictions.

    Args:
        packs: the rules.
        day: the day, in UTC.
        kind: only packs of this kind, or None.
        under: only what stands under this code, or None.
        confidence: only packs of this confidence, or None.
        changing: only packs whose rules will change.

    Returns:
        What the command came to.

    Raises:
        PackInvalid: a pack cannot be used.
    """
    every = (packs.pack(code) for code in packs.codes)
    found = [
        pack
        for pack in every
        if kind in (None, pack.kind)
        and confidence in (None, pack.confidence)
        and (under is None or _stands_under(packs, pack, under))
        and (not changing or _next(pack, day) is not None)
    ]
    return _done(packs, found, day)


def _done(packs: "PackSet", found: "Sequence[Pack]", day: date) -> Done:
    from consentgate.cli.briefjson import set_json

    items: list[Json] = [_item(pack, day, packs.overlaid) for pack in found]
    listed = _table(found, day) if found else "No jurisdiction is like this."
    signers: list[Json] = list(packs.signed_by)
    return Done(
        result={"items": items, "at": day.isoformat(), "packs": set_json(packs), "signed_by": signers},
        text=f"{listed}\n\n{_about(packs, len(found))}",
    )


def _stands_under(packs: "PackSet", pack: "Pack", code: str) -> bool:
    return pack.code != code and code in (each.code for each in packs.above(pack.code))


def _about(packs: "PackSet", count: int) -> str:
    from consentgate.canonical import b64

    parts = [
        f"{count} of {len(packs.codes)}",
        f"version {packs.version}" if packs.version else "no version",
        f"set {b64(packs.digest)}",
        *(f"signed by {plain(name)}" for name in packs.signed_by),
    ]
    if packs.overlaid:
        parts.append(f"overlays for {', '.join(packs.overlaid)}")
    return faint(" · ".join(parts))


def _table(found: "Sequence[Pack]", day: date) -> str:
    rows = [
        (
            pack.code,
            plain(pack.name),
            pack.kind,
            _since(pack, day) or "not in force",
            _next(pack, day) or "",
            _READ[pack.confidence],
        )
        for pack in found
    ]
    return table(rows, ("code", "name", "kind", "in force since", "next change", "source"))


def _item(pack: "Pack", day: date, overlaid: Sequence[str]) -> dict[str, Json]:
    return {
        "code": pack.code,
        "name": pack.name,
        "kind": pack.kind,
        "tier": pack.tier,
        "confidence": pack.confidence,
        "parents": list(pack.parents),
        "groups": list(pack.groups),
        "since": _since(pack, day),
        "next_change": _next(pack, day),
        "sha256": pack.digest,
        "overlaid": pack.code in overlaid,
    }


def _since(pack: "Pack", day: date) -> str | None:
    version = pack.in_force(day)
    return version.since.isoformat() if version else None


def _next(pack: "Pack", day: date) -> str | None:
    """The first day after this one on which other rules are in force, or none."""
    starts = [version.since for version in pack.versions]
    ends = [version.until + timedelta(days=1) for version in pack.versions if version.until is not None]
    return min((each.isoformat() for each in (*starts, *ends) if each > day), default=None)
