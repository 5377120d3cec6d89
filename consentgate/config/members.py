"""The members of the settings file, each read as what it has to be; `consentgate.config.settings` has their meanings.

Invariant: what is unknown, of another type or out of range is refused with the file, the member and what to write.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from consentgate.config.times import members_of
from consentgate.errors import Misconfigured
from consentgate.gate.shadow import Shadow

_LONGEST_S: Final = 86_400
_OBJECT: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[!-~]{1,900}")
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(
        {
            "format",
            "database",
            "tenant",
            "controller",
            "purposes",
            "limits",
            "timeouts",
            "retry",
            "log",
            "pooler",
            "writers",
            "spool",
            "packs",
            "shadow",
            "anchors",
            "witness_policy",
            "timestamps",
        }
    ),
    "controller": frozenset({"id", "jurisdiction"}),
    "limits": frozenset({"clock_skew_s", "outcome_budget_s"}) | members_of("limits"),
    "timeouts": members_of("timeouts"),
    "retry": members_of("retry"),
    "log": frozenset({"state", "max_unsigned_age_s", "background"}),
    "spool": frozenset({"folder", "limit"}),
    "packs": frozenset({"overlay", "signers"}),
    "shadow": frozenset({"by", "until"}),
    "timestamps": frozenset({"url", "certificates"}),
}


def known(path: Path, name: str, table: Mapping[str, object]) -> None:
    """Refuse members that nobody reads.

    Args:
        path: the file.
        name: of the table; empty for the document itself.
        table: what it holds.

    Raises:
        Misconfigured: with the first unknown member, and those that are known.
    """
    allowed = _MEMBERS.get(name)
    unknown = sorted(set(table) - allowed) if allowed is not None else []
    if unknown:
        where = f"{name}." if name else ""
        names = ", ".join(sorted(allowed or ()))
        raise Misconfigured(f"{path}: unknown setting {where}{unknown[0]}. Known here: {names}.")


def table(path: Path, document: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Read a table.

    Args:
        path: the file.
        document: what it holds.
        name: of the table.

    Returns:
        The table, empty where there is none.

    Raises:
        Misconfigured: it is no table, or has unknown members.
    """
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise Misconfigured(f"{path}: [{name}] must be a table.")
    known(path, name, found)
    return found


def text(path: Path, table: Mapping[str, object], name: str, default: str) -> str:
    """Read a text.

    Args:
        path: the file.
        table: what holds it.
        name: of the member.
        default: what it is where it is not there; where that is not empty, the text must not be either.

    Returns:
        The text.

    Raises:
        Misconfigured: it is none.
    """
    found = table.get(name, default)
    if not isinstance(found, str) or (not found and default):
        raise Misconfigured(f"{path}: {name} must be text.")
    return found


def seconds(path: Path, table: Mapping[str, object], name: str, default: int) -> timedelta:
    """Read a number of seconds.

    Args:
        path: the file.
        table: what holds it.
        name: of the member, after that of its table and a dot.
        default: what it is where it is not there.

    Returns:
        The time.

    Raises:
        Misconfigured: it is no number, not positive, or more than a day.
    """
    found = table.get(name.rpartition(".")[2], default)
    # "Not within" and not "below or above": TOML knows a number that is neither.
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found <= _LONGEST_S:
        raise Misconfigured(f"{path}: {name} must be a positive number of seconds, at most a day.")
    return timedelta(seconds=found)


def flag(path: Path, table: Mapping[str, object], name: str, default: bool) -> bool:
    """Read a yes or no.

    Args:
        path: the file.
        table: what holds it.
        name: of the member, after that of its table and a dot.
        default: what it is where it is not there.

    Returns:
        Whether it is true.

    Raises:
        Misconfigured: it is neither.
    """
    found = table.get(name.rpartition(".")[2], default)
    if not isinstance(found, bool):
        raise Misconfigured(f"{path}: {name} must be true or false.")
    return found


def count(path: Path, table: Mapping[str, object], name: str, default: int) -> int:
    """Read a whole number from 1.

    Args:
        path: the file.
        table: what holds it.
        name: of the member, after that of its table and a dot.
        default: what it is where it is not there.

    Returns:
        The number.

    Raises:
        Misconfigured: it is none.
    """
    found = table.get(name.rpartition(".")[2], default)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise Misconfigured(f"{path}: {name} must be a whole number from 1.")
    return found


def database_url(home: Path, path: Path, given: object) -> str:
    """Read the URL of the database.

    Args:
        home: the folder in which a relative path lies.
        path: the file.
        given: what it says, or the environment.

    Returns:
        The URL, with an absolute path.

    Raises:
        Misconfigured: it is no such URL.
    """
    if not isinstance(given, str):
        raise Misconfigured(f'{path}: database must be a URL, for example "sqlite:///consentgate.db".')
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise Misconfigured(f"{path}: database is not a SQLAlchemy URL.") from None
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        url = url.set(database=str((home / url.database).absolute()))
    return url.render_as_string(hide_password=False)


def spool_folder(home: Path, path: Path, table: Mapping[str, object]) -> Path | None:
    """Read where outcomes wait that cannot be written.

    Args:
        home: the folder in which a relative path lies.
        path: the file.
        table: the table ``spool``.

    Returns:
        The folder; None without such a table.

    Raises:
        Misconfigured: it names no folder.
    """
    if not table:
        return None
    folder = table.get("folder")
    if not isinstance(folder, str) or not folder:
        raise Misconfigured(f'{path}: spool.folder must be a folder, for example "spool".')
    return (home / folder).absolute()


def shadow_allowed(path: Path, table: Mapping[str, object]) -> Shadow | None:
    """Read whether shadow mode is allowed.

    Args:
        path: the file.
        table: the table ``shadow``.

    Returns:
        By whom and until when; None without such a table.

    Raises:
        Misconfigured: one of the two is missing.
    """
    if not table:
        return None
    by, until = table.get("by"), table.get("until")
    if not isinstance(by, str) or not by or type(until) is not date:
        raise Misconfigured(
            f"{path}: [shadow] says by whom, as text, and until which day, such as 2026-12-31."
        )
    return Shadow(by=by, until=until)


def state_place(path: Path, table: Mapping[str, object]) -> str | None:
    """Read where the signer's memory lies.

    Args:
        path: the file.
        table: the table ``log``.

    Returns:
        ``file``, or the URL of an object; None where nothing is said.

    Raises:
        Misconfigured: it is neither.
    """
    found = table.get("state")
    if found is None or (isinstance(found, str) and (found == "file" or _OBJECT.fullmatch(found))):
        return found
    raise Misconfigured(f'{path}: log.state must be "file" or "s3://bucket/key".')


def signers(path: Path, table: Mapping[str, object]) -> tuple[str, ...]:
    """Read who must have signed the deployment's own rules.

    Args:
        path: the file.
        table: the table ``packs``.

    Returns:
        Their vkeys; none where the folder is trusted as it lies.

    Raises:
        Misconfigured: the table names no folder, or no list of keys.
    """
    found = table.get("signers", [])
    if table and not table.get("overlay"):
        raise Misconfigured(f'{path}: packs.overlay must be a folder, for example "rules".')
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Misconfigured(f"{path}: packs.signers must be a list of keys, each name+id+base64.")
    if "signers" in table and not found:
        raise Misconfigured(f"{path}: packs.signers is empty; name who signs the overlay, or take it out.")
    return tuple(found)
