"""Making a home: settings, keys, the log's identity, the database. Nothing that is there is written over."""

from collections.abc import Mapping
from pathlib import Path

from consentgate.config.packagekey import package_key
from consentgate.config.parts import database_of, state_of
from consentgate.config.settings import FILE, Settings, load_settings
from consentgate.config.times import patience_of
from consentgate.errors import InvalidInput, Misconfigured
from consentgate.keys.custody import KeyFile
from consentgate.keys.files import write_public
from consentgate.log.identity import initialise, require_unused
from consentgate.moment import Clock, Random, system_clock, system_random
from consentgate.storage import schema
from consentgate.storage.engines import open_engine
from consentgate.storage.sequence import FIRST_LOG
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home that was made.

    Attributes:
        settings: its settings.
        vkey: the log's verification key, to be given to everybody who will verify.
    """

    settings: Settings
    vkey: str


def make_home(
    home: Path,
    *,
    controller: str,
    database: str = "sqlite:///consentgate.db",
    jurisdiction: str | None = None,
    purposes: Mapping[str, str] | None = None,
    clock: Clock = system_clock,
    random: Random = system_random,
) -> Home:
    """Make a home folder, its keys, its log and its database.

    Args:
        home: the folder; made if it is not there.
        controller: id of the controller, as statements name it.
        database: SQLAlchemy URL.
        jurisdiction: code of the controller's own law, or None.
        purposes: default purpose per action, for example ``{"search": "authentication"}``.
        clock: the time; any but the system's makes a test database.
        random: randomness.

    Returns:
        The home.

    Raises:
        Misconfigured: there is a home already, or a key of a log that signed, or it cannot be made there.
        InvalidInput: a value cannot be used.
    """
    path = home / FILE
    if path.exists():
        raise Misconfigured(f"{path} is there already; nothing was changed. Use another --home.")
    # Asked again when the log is made; before anything is written, so that no half of a home is left behind.
    planned = Settings(home=home, database=database)
    require_unused(planned.log_key, state_of(planned, FIRST_LOG))
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"The folder {home} cannot be made ({error.strerror}).") from error
    write_public(path, _settings_text(controller, database, jurisdiction, purposes or {}).encode())
    settings = load_settings(home)
    KeyFile.create(settings.keys, random)
    package_key(settings)
    return Home(settings=settings, vkey=_make_log(settings, clock, random))


def _make_log(settings: Settings, clock: Clock, random: Random) -> str:
    patience = patience_of(settings.times)
    engine = open_engine(settings.database, patience)
    try:
        schema.upgrade(engine, patience)
        opened = database_of(settings, engine=engine, clock=clock)
        opened.check()
        state = state_of(settings, FIRST_LOG)
        key = initialise(opened, key=settings.log_key, vkey=settings.log_vkey, state=state, random=random)
        opened.close()
    finally:
        engine.dispose()
    return key.vkey


def _settings_text(
    controller: str, database: str, jurisdiction: str | None, purposes: Mapping[str, str]
) -> str:
    lines = [
        "format = 1",
        f"database = {_quoted(database)}",
        "",
        "[controller]",
        f"id = {_quoted(controller)}",
    ]
    if jurisdiction:
        lines.append(f"jurisdiction = {_quoted(jurisdiction)}")
    if purposes:
        lines += ["", "[purposes]", *(f"{action} = {_quoted(word)}" for action, word in purposes.items())]
    if not database.startswith("sqlite"):
        # Other hosts may reach this database: here it is said that this one signs.
        lines += ["", "[log]", 'state = "file"']
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text or not text.isprintable():
        raise InvalidInput("Settings are printable text without quotes and backslashes.")
    return f'"{text}"'
