"""Settings: one small TOML file in the home folder, read once; the only place that reads the environment.

::

    format = 1
    database = "sqlite:///consentgate.db"    # relative paths lie in the home folder
    tenant = "default"
    pooler = false                           # PostgreSQL: behind a proxy that pools transactions

    [controller]
    id = "acme-telecom"                      # statements must name it in their claim `controllers`
    jurisdiction = "US"                      # optional: its law is added to every speaker's

    [purposes]
    search = "authentication"                # used when register_call names none

    [limits]
    clock_skew_s = 5
    outcome_budget_s = 2

    [spool]                                  # optional: where outcomes wait that cannot be written
    folder = "spool"                         # on a local disk; relative paths lie in the home folder
    limit = 1000

    [shadow]                                 # optional, for a trial: docs/howto/shadow.md
    by = "Head of Compliance"
    until = 2026-12-31

    [packs]                                  # optional: rules of your own: docs/formats/pack.md, Overlays
    overlay = "rules"                        # a folder of files that tighten packs or add jurisdictions
    signers = ["rules.example+0a1b2c3d+..."] # vkeys of who must have signed it; without them the folder is trusted
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from consentgate.errors import Misconfigured
from consentgate.gate.shadow import Shadow
from consentgate.values import dataclass

FILE: Final = "consentgate.toml"
HOME_VARIABLE: Final = "CONSENTGATE_HOME"
DATABASE_VARIABLE: Final = "CONSENTGATE_DATABASE"
DEFAULT_HOME: Final = ".consentgate"

_LARGEST_SKEW_S: Final = 60
_LONGEST_S: Final = 86_400
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(
        {
            "format",
            "database",
            "tenant",
            "controller",
            "purposes",
            "limits",
            "pooler",
            "spool",
            "packs",
            "shadow",
        }
    ),
    "controller": frozenset({"id", "jurisdiction"}),
    "limits": frozenset({"clock_skew_s", "outcome_budget_s"}),
    "spool": frozenset({"folder", "limit"}),
    "packs": frozenset({"overlay", "signers"}),
    "shadow": frozenset({"by", "until"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a deployment decides.

    Attributes:
        home: folder of the settings file, the keys and the log's state.
        database: SQLAlchemy URL.
        tenant: keyed column of every row, never in a leaf.
        controller: id of the controller, as statements name it.
        controller_jurisdiction: code of the controller's own law, or None.
        purposes: default purpose per action.
        clock_skew: how far in the future a grant may claim to be.
        outcome_budget: how long writing an outcome is retried.
        spool: folder of outcomes that cannot be written, or None.
        spool_limit: at most so many wait in it.
        overlay: folder of the deployment's own rules, or None.
        pack_signers: vkeys of those who must have signed that folder; empty where it is trusted as it lies.
        shadow: who allows shadow mode, and until when; None does not.
        pooler: whether a proxy that pools transactions is between here and PostgreSQL; it is also detected.
        on_lambda: whether this process runs on AWS Lambda, where SQLite is refused.
    """

    home: Path
    database: str = field(repr=False)
    tenant: str = "default"
    controller: str = ""
    controller_jurisdiction: str | None = None
    purposes: Mapping[str, str] = field(default_factory=dict)
    clock_skew: timedelta = timedelta(seconds=5)
    outcome_budget: timedelta = timedelta(seconds=2)
    spool: Path | None = None
    spool_limit: int = 1000
    overlay: Path | None = None
    pack_signers: tuple[str, ...] = ()
    shadow: Shadow | None = None
    pooler: bool = False
    on_lambda: bool = False

    @property
    def keys(self) -> Path:
        """The key file: wrapping, reference and lock keys."""
        return self.home / "keys.jwks"

    @property
    def log_key(self) -> Path:
        """The log's signing key."""
        return self.home / "log.key"

    @property
    def log_vkey(self) -> Path:
        """The log's verification key, for everybody."""
        return self.home / "log.vkey"

    @property
    def log_state(self) -> Path:
        """What the signer signed last: its memory outside the database."""
        return self.home / "log.state"


def home_of(given: str | Path | None, environ: Mapping[str, str] | None = None) -> Path:
    """Find the home folder: the argument, else ``CONSENTGATE_HOME``, else ``.consentgate`` here.

    Args:
        given: what the caller says, or None.
        environ: the environment; the process's own by default.

    Returns:
        The folder, absolute.
    """
    environ = os.environ if environ is None else environ
    return Path(given or environ.get(HOME_VARIABLE) or DEFAULT_HOME).absolute()


def load_settings(home: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a home folder.

    Args:
        home: the folder.
        environ: the environment; the process's own by default. ``CONSENTGATE_DATABASE`` wins over the file.

    Returns:
        The settings.

    Raises:
        Misconfigured: the file is missing or says something that cannot be used.
    """
    environ = os.environ if environ is None else environ
    path = home / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Misconfigured(
            f"No settings at {path}. Run `consentgate init`, or set {HOME_VARIABLE}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {type(error).__name__}.") from error
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise Misconfigured(f"{path} is not TOML: {error}.") from error
    return _settings(home, path, document, environ)


def _settings(home: Path, path: Path, document: dict[str, object], environ: Mapping[str, str]) -> Settings:
    _known(path, "", document)
    if document.get("format") != 1:
        raise Misconfigured(f"{path}: format must be 1.")
    controller, limits = _table(path, document, "controller"), _table(path, document, "limits")
    purposes, spool = _table(path, document, "purposes"), _table(path, document, "spool")
    packs = _table(path, document, "packs")
    skew = _seconds(path, limits, "clock_skew_s", 5)
    if skew > timedelta(seconds=_LARGEST_SKEW_S):
        raise Misconfigured(f"{path}: limits.clock_skew_s is at most {_LARGEST_SKEW_S}.")
    jurisdiction = controller.get("jurisdiction")
    return Settings(
        home=home,
        database=_database(home, path, environ.get(DATABASE_VARIABLE) or document.get("database")),
        tenant=_text(path, document, "tenant", "default"),
        controller=_text(path, controller, "id", ""),
        controller_jurisdiction=_text(path, controller, "jurisdiction", "") if jurisdiction else None,
        purposes={k: _text(path, purposes, k, "") for k in purposes},
        clock_skew=skew,
        outcome_budget=_seconds(path, limits, "outcome_budget_s", 2),
        spool=_spool(home, path, spool),
        spool_limit=_count(path, spool, "limit", 1000),
        overlay=(home / _text(path, packs, "overlay", "")).absolute() if packs else None,
        pack_signers=_signers(path, packs),
        shadow=_shadow(path, _table(path, document, "shadow")),
        pooler=_pooler(path, document),
        on_lambda="AWS_LAMBDA_FUNCTION_NAME" in environ,
    )


def _database(home: Path, path: Path, given: object) -> str:
    if not isinstance(given, str):
        raise Misconfigured(f'{path}: database must be a URL, for example "sqlite:///consentgate.db".')
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise Misconfigured(f"{path}: database is not a SQLAlchemy URL.") from None
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        url = url.set(database=str((home / url.database).absolute()))
    return url.render_as_string(hide_password=False)


def _known(path: Path, name: str, table: Mapping[str, object]) -> None:
    allowed = _MEMBERS.get(name)
    unknown = sorted(set(table) - allowed) if allowed is not None else []
    if unknown:
        where = f"{name}." if name else ""
        known = ", ".join(sorted(allowed or ()))
        raise Misconfigured(f"{path}: unknown setting {where}{unknown[0]}. Known here: {known}.")


def _table(path: Path, document: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise Misconfigured(f"{path}: [{name}] must be a table.")
    _known(path, name, found)
    return found


def _text(path: Path, table: Mapping[str, object], name: str, default: str) -> str:
    found = table.get(name, default)
    if not isinstance(found, str) or (not found and default):
        raise Misconfigured(f"{path}: {name} must be text.")
    return found


def _seconds(path: Path, table: Mapping[str, object], name: str, default: int) -> timedelta:
    found = table.get(name, default)
    # "Not within" and not "below or above": TOML knows a number that is neither.
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found <= _LONGEST_S:
        raise Misconfigured(f"{path}: limits.{name} must be a positive number of seconds, at most a day.")
    return timedelta(seconds=found)


def _pooler(path: Path, document: Mapping[str, object]) -> bool:
    found = document.get("pooler", False)
    if not isinstance(found, bool):
        raise Misconfigured(f"{path}: pooler must be true or false.")
    return found


def _spool(home: Path, path: Path, table: Mapping[str, object]) -> Path | None:
    if not table:
        return None
    folder = table.get("folder")
    if not isinstance(folder, str) or not folder:
        raise Misconfigured(f'{path}: spool.folder must be a folder, for example "spool".')
    return (home / folder).absolute()


def _shadow(path: Path, table: Mapping[str, object]) -> Shadow | None:
    if not table:
        return None
    by, until = table.get("by"), table.get("until")
    if not isinstance(by, str) or not by or type(until) is not date:
        raise Misconfigured(
            f"{path}: [shadow] says by whom, as text, and until which day, such as 2026-12-31."
        )
    return Shadow(by=by, until=until)


def _signers(path: Path, table: Mapping[str, object]) -> tuple[str, ...]:
    found = table.get("signers", [])
    if table and not table.get("overlay"):
        raise Misconfigured(f'{path}: packs.overlay must be a folder, for example "rules".')
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Misconfigured(f"{path}: packs.signers must be a list of keys, each name+id+base64.")
    if "signers" in table and not found:
        raise Misconfigured(f"{path}: packs.signers is empty; name who signs the overlay, or take it out.")
    return tuple(found)


def _count(path: Path, table: Mapping[str, object], name: str, default: int) -> int:
    found = table.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise Misconfigured(f"{path}: spool.{name} must be a whole number from 1.")
    return found
