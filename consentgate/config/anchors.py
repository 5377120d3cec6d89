"""The settings of anchors: ``[[anchors]]`` and ``witness_policy``.

::

    witness_policy = "2 of 3"                # of the witnesses below; or a file in the syntax of C2SP tlog-policy

    [[anchors]]
    name = "second-site"                     # what findings and the database call it, for ever
    kind = "directory"
    path = "/mnt/second-site/checkpoints"    # relative paths lie in the home folder; it must be there
    alarm_after_s = 900                      # how far behind it may be before that is an alarm

    [[anchors]]
    name = "locked-bucket"
    kind = "s3"
    bucket = "acme-checkpoints"              # made with Object Lock
    prefix = "consentgate"                   # optional
    retain_days = 3650                       # until then nobody can delete a checkpoint, its owner included

    [[anchors]]
    name = "witness-1"
    kind = "witness"
    url = "https://witness.example/w1"       # /add-checkpoint comes after
    vkey = "witness.example/w1+0a1b2c3d+..."
    retired = true                           # optional: it gets nothing more, and what it kept is still verified
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from consentgate.config import members
from consentgate.errors import InvalidInput, Malformed, Misconfigured
from consentgate.log.lag import LATE
from consentgate.tlog.cosignature import WitnessKey
from consentgate.values import dataclass

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_QUORUM: Final = re.compile(r"([1-9][0-9]{0,2}) of ([1-9][0-9]{0,2})")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"(?:[!-~]{0,511}[!-.0-~])?")
_LONGEST_DAYS: Final = 36_500
_COMMON: Final = frozenset({"name", "kind", "alarm_after_s", "retired"})
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "directory": frozenset({"path"}),
    "s3": frozenset({"bucket", "prefix", "retain_days"}),
    "witness": frozenset({"url", "vkey"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorSettings:
    """One anchor, as the settings describe it.

    Attributes:
        name: what it is called.
        kind: ``directory``, ``s3`` or ``witness``.
        path: of a directory.
        bucket: of S3.
        prefix: what keys in the bucket begin with.
        retain: how long nobody can delete a checkpoint from the bucket.
        url: of a witness.
        key: of a witness.
        late_after: how far behind it may be before that is an alarm.
        retired: whether it gets nothing more, and is only verified.
    """

    name: str
    kind: str
    path: Path = Path()
    bucket: str = ""
    prefix: str = ""
    retain: timedelta = timedelta(0)
    url: str = ""
    key: WitnessKey | None = None
    late_after: timedelta = LATE
    retired: bool = False


def anchors(home: Path, path: Path, document: Mapping[str, object]) -> tuple[AnchorSettings, ...]:
    """Read the anchors.

    Args:
        home: the folder in which a relative path lies.
        path: the file.
        document: what it holds.

    Returns:
        The anchors, in the file's order.

    Raises:
        Misconfigured: a member is missing, unknown or cannot be; or two have one name or one key.
    """
    found = document.get("anchors", [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Misconfigured(f"{path}: anchors are tables, each under a line [[anchors]].")
    made = tuple(_anchor(home, path, each) for each in found)
    if len({each.name for each in made}) != len(made):
        raise Misconfigured(f"{path}: two anchors have one name: each has a name of its own.")
    keys = [each.key.public for each in made if each.key is not None]
    if len(set(keys)) != len(keys):
        raise Misconfigured(f"{path}: two witnesses have one key: that is one witness.")
    return made


def witness_policy(
    path: Path, document: Mapping[str, object], known: tuple[AnchorSettings, ...]
) -> str | None:
    """Read which witnesses have to have cosigned.

    Args:
        path: the file.
        document: what it holds.
        known: the anchors.

    Returns:
        ``k of n`` or the name of a file; None without a policy.

    Raises:
        Misconfigured: it is neither, or n is not the number of witnesses.
    """
    found = document.get("witness_policy")
    if found is None:
        return None
    if not isinstance(found, str) or not found:
        raise Misconfigured(f'{path}: witness_policy must be "k of n", or a file.')
    quorum = threshold(found)
    witnesses = sum(each.kind == "witness" and not each.retired for each in known)
    if quorum is not None and not quorum[0] <= quorum[1] == witnesses:
        raise Misconfigured(
            f"{path}: witness_policy is {found!r}, and [[anchors]] names {witnesses} witnesses that are not retired:"
            " name all n, and need at most n of them."
        )
    return found


def threshold(policy: str) -> tuple[int, int] | None:
    """Read ``k of n``.

    Args:
        policy: what the settings say.

    Returns:
        k and n; None where it is something else, the name of a file.
    """
    found = _QUORUM.fullmatch(policy)
    return (int(found[1]), int(found[2])) if found else None


def _anchor(home: Path, path: Path, table: Mapping[str, object]) -> AnchorSettings:
    name, kind = table.get("name"), table.get("kind")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Misconfigured(
            f"{path}: each anchor has a name of at most 64 letters, digits, '.', '_' and '-', such as second-site."
        )
    if not isinstance(kind, str) or kind not in _OF_KIND:
        raise Misconfigured(f"{path}: the kind of anchor {name} must be directory, s3 or witness.")
    where = f"anchors.{name}"
    unknown = sorted(set(table) - _COMMON - _OF_KIND[kind])
    if unknown:
        names = ", ".join(sorted(_COMMON | _OF_KIND[kind]))
        raise Misconfigured(f"{path}: unknown setting {where}.{unknown[0]}. Known for {kind}: {names}.")
    late_after = members.seconds(path, table, f"{where}.alarm_after_s", int(LATE.total_seconds()))
    retired = members.flag(path, table, f"{where}.retired", False)
    if kind == "directory":
        folder = (home / _text(path, table, where, "path")).absolute()
        return AnchorSettings(name=name, kind=kind, path=folder, late_after=late_after, retired=retired)
    if kind == "s3":
        return AnchorSettings(
            name=name,
            kind=kind,
            bucket=_text(path, table, where, "bucket", _BUCKET),
            prefix=_text(path, table, where, "prefix", _PREFIX) if "prefix" in table else "",
            retain=_retained(path, table, where),
            late_after=late_after,
            retired=retired,
        )
    return AnchorSettings(
        name=name,
        kind=kind,
        url=_text(path, table, where, "url"),
        key=_key(path, table, where),
        late_after=late_after,
        retired=retired,
    )


def _text(
    path: Path, table: Mapping[str, object], where: str, name: str, form: re.Pattern[str] | None = None
) -> str:
    found = table.get(name)
    if not isinstance(found, str) or not found or (form is not None and not form.fullmatch(found)):
        raise Misconfigured(f"{path}: {where}.{name} is missing, or is not what it has to be.")
    return found


def _retained(path: Path, table: Mapping[str, object], where: str) -> timedelta:
    # No default: what is locked in compliance mode stays, and is paid for, until then.
    days = members.count(path, table, f"{where}.retain_days", 0) if "retain_days" in table else 0
    if not 0 < days <= _LONGEST_DAYS:
        raise Misconfigured(
            f"{path}: {where}.retain_days must be the days for which nobody can delete a checkpoint, at most"
            f" {_LONGEST_DAYS}."
        )
    return timedelta(days=days)


def _key(path: Path, table: Mapping[str, object], where: str) -> WitnessKey:
    vkey = _text(path, table, where, "vkey")
    try:
        return WitnessKey.from_vkey(vkey)
    except (Malformed, InvalidInput) as error:
        raise Misconfigured(f"{path}: {where}.vkey cannot be used: {error}") from error
