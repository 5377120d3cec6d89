"""Settings: one small TOML file in the home folder, read once; the only place that reads the environment.

::

    format = 1
    database = "sqlite:///consentgate.db"    # relative paths lie in the home folder
    tenant = "default"
    pooler = false                           # PostgreSQL: behind a proxy that pools transactions
    writers = 8                              # PostgreSQL: so many writes of a process at once, a connection for each

    [controller]
    id = "acme-telecom"                      # statements must name it in their claim `controllers`
    jurisdiction = "US"                      # optional: its law is added to every speaker's

    [purposes]
    search = "authentication"                # used when register_call names none

    [limits]                                 # these and all other times: docs/reference/times.md
    clock_skew_s = 5
    outcome_budget_s = 2

    [retry]                                  # optional: requests that the vendor throttles
    attempts = 3

    [log]                                    # optional
    state = "file"                           # the signer's memory; or "s3://bucket/key", for several hosts
    max_unsigned_age_s = 86400               # the gate denies once entries wait longer for a signature
    background = true                        # false: `consentgate log sequence` and `sign` run elsewhere

    [spool]                                  # optional: where outcomes wait that cannot be written
    folder = "spool"                         # on a local disk; relative paths lie in the home folder
    limit = 1000

    [shadow]                                 # optional, for a trial: docs/howto/shadow.md
    by = "Head of Compliance"
    until = 2026-12-31

    [packs]                                  # optional: rules of your own: docs/formats/pack.md, Overlays
    overlay = "rules"                        # a folder of files that tighten packs or add jurisdictions
    signers = ["rules.example+0a1b2c3d+..."] # vkeys of who must have signed it; without them the folder is trusted

Places that keep checkpoints stand under ``[[anchors]]``: `consentgate.config.anchors`; a timestamping authority under
``[timestamps]``: `consentgate.config.timestamping`.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Final

from consentgate.config import anchors, members
from consentgate.config.anchors import AnchorSettings
from consentgate.config.times import Times, read_times
from consentgate.config.timestamping import TimestampSettings, timestamps
from consentgate.errors import Misconfigured
from consentgate.gate.shadow import Shadow
from consentgate.values import dataclass

FILE: Final = "consentgate.toml"
HOME_VARIABLE: Final = "CONSENTGATE_HOME"
DATABASE_VARIABLE: Final = "CONSENTGATE_DATABASE"
DEFAULT_HOME: Final = ".consentgate"

_LARGEST_SKEW_S: Final = 60


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
        times: all other times.
        spool: folder of outcomes that cannot be written, or None.
        spool_limit: at most so many wait in it.
        overlay: folder of the deployment's own rules, or None.
        pack_signers: vkeys of those who must have signed that folder; empty where it is trusted as it lies.
        shadow: who allows shadow mode, and until when; None does not.
        state: where the signer's memory lies: ``file``, ``s3://bucket/key``, or None, which is a file that nobody
            declared.
        max_unsigned_age: how long entries may wait for a signature before the gate denies.
        background: whether a thread of each gate keeps the log.
        anchors: places outside the database that keep checkpoints.
        witness_policy: which witnesses have to have cosigned: ``k of n``, or a file in the home; None for none.
        timestamps: the authority that says when exports were made; None for none.
        pooler: whether a proxy that pools transactions is between here and PostgreSQL; it is also detected.
        writers: how many writes of a process run at once on PostgreSQL, each on a connection of its own.
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
    times: Times = Times()
    spool: Path | None = None
    spool_limit: int = 1000
    overlay: Path | None = None
    pack_signers: tuple[str, ...] = ()
    shadow: Shadow | None = None
    state: str | None = None
    max_unsigned_age: timedelta = timedelta(days=1)
    background: bool = True
    anchors: tuple[AnchorSettings, ...] = ()
    witness_policy: str | None = None
    timestamps: TimestampSettings | None = None
    pooler: bool = False
    writers: int = 8
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

    @property
    def package_key(self) -> Path:
        """The key that signs packages."""
        return self.home / "package.key"

    @property
    def package_jwk(self) -> Path:
        """Its public half, for everybody."""
        return self.home / "package.jwk"

    def log_file(self, what: str, log: int) -> Path:
        """Name a file of one log.

        Args:
            what: ``key``, ``vkey`` or ``state``.
            log: number of the log; epochs have files of their own.

        Returns:
            The file.
        """
        return self.home / (f"log.{log}.{what}" if log else f"log.{what}")


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
    members.known(path, "", document)
    if document.get("format") != 1:
        raise Misconfigured(f"{path}: format must be 1.")
    controller, limits = members.table(path, document, "controller"), members.table(path, document, "limits")
    purposes, spool = members.table(path, document, "purposes"), members.table(path, document, "spool")
    packs, log = members.table(path, document, "packs"), members.table(path, document, "log")
    skew = members.seconds(path, limits, "limits.clock_skew_s", 5)
    if skew > timedelta(seconds=_LARGEST_SKEW_S):
        raise Misconfigured(f"{path}: limits.clock_skew_s is at most {_LARGEST_SKEW_S}.")
    jurisdiction = controller.get("jurisdiction")
    places = anchors.anchors(home, path, document)
    return Settings(
        home=home,
        database=members.database_url(home, path, environ.get(DATABASE_VARIABLE) or document.get("database")),
        tenant=members.text(path, document, "tenant", "default"),
        controller=members.text(path, controller, "id", ""),
        controller_jurisdiction=members.text(path, controller, "jurisdiction", "") if jurisdiction else None,
        purposes={k: members.text(path, purposes, k, "") for k in purposes},
        clock_skew=skew,
        outcome_budget=members.seconds(path, limits, "limits.outcome_budget_s", 2),
        times=read_times(
            path, {name: members.table(path, document, name) for name in ("limits", "timeouts", "retry")}
        ),
        spool=members.spool_folder(home, path, spool),
        spool_limit=members.count(path, spool, "spool.limit", 1000),
        overlay=(home / members.text(path, packs, "overlay", "")).absolute() if packs else None,
        pack_signers=members.signers(path, packs),
        shadow=members.shadow_allowed(path, members.table(path, document, "shadow")),
        state=members.state_place(path, log),
        max_unsigned_age=members.seconds(path, log, "log.max_unsigned_age_s", 86_400),
        background=members.flag(path, log, "log.background", True),
        anchors=places,
        witness_policy=anchors.witness_policy(path, document, places),
        timestamps=timestamps(home, path, document),
        pooler=members.flag(path, document, "pooler", False),
        writers=members.count(path, document, "writers", 8),
        on_lambda="AWS_LAMBDA_FUNCTION_NAME" in environ,
    )
