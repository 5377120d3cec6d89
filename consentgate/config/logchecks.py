"""What `doctor` says about the log: its key, how far it is, and the memory of its signer."""

from typing import Final

from consentgate.config.check import INCOMPLETE, Check
from consentgate.config.parts import Parts, signer_of, state_of
from consentgate.config.settings import Settings
from consentgate.config.upkeep import LogState, database_file, log_state, newest_log, vkey_of
from consentgate.log.identity import read_key
from consentgate.moment import system_clock

_FINDING: Final = 1
_RECOVER: Final = "where there is none, `consentgate log recover` begins anew and says what is lost."


def log_key_check(settings: Settings) -> Check:
    """Compare the newest log's two key files.

    Args:
        settings: the settings.

    Returns:
        The check.

    Raises:
        Misconfigured: a file cannot be used.
    """
    log = newest_log(settings)
    key, vkey = settings.log_file("key", log), settings.log_file("vkey", log)
    if not settings.background and not key.exists():
        return Check(name="log key", verdict="ok", found="not here: another host signs")
    own = read_key(key).key.vkey
    if vkey_of(settings, log) != own:
        return Check(
            name="log key",
            verdict="fail",
            found=f"{vkey.name} is not the public half of {key.name}",
            cure=f"Restore the two files, or write the vkey again: {own}",
            exit=_FINDING,
        )
    return Check(name="log key", verdict="ok", found=f"{key.name}, for its owner alone")


def log_check(parts: Parts) -> Check:
    """Say how far the log is, and since when entries wait.

    Args:
        parts: of the deployment.

    Returns:
        The check; it fails once entries have waited for so long that the gate denies.

    Raises:
        Unavailable: the database is out of reach.
    """
    state = log_state(parts.settings, parts.database)
    behind = [
        text
        for count, text in (
            (state.unsequenced, f"{state.unsequenced} without a position"),
            (state.unsigned, f"{state.unsigned} not signed"),
        )
        if count
    ]
    epoch = f" in epoch {state.log}" if state.log else ""
    found = f"{state.size} entries{epoch}" + "".join(f", {text}" for text in behind)
    if not behind:
        return Check(name="log", verdict="ok", found=f"{found}, all signed" if state.size else "no entry yet")
    since = state.unsigned_since
    if since is not None and system_clock() - since > parts.settings.max_unsigned_age and not state.test:
        return Check(
            name="log",
            verdict="fail",
            found=f"{found}, for so long that the gate denies every request",
            cure="Run `consentgate log sequence --once`, then `consentgate log sign --once`: it says why.",
            exit=_FINDING,
        )
    cure = "Run `consentgate log sequence --once`, then `consentgate log sign --once`; the service does both."
    return Check(name="log", verdict="warn", found=found, cure=cure, exit=INCOMPLETE)


def signer_check(parts: Parts) -> Check:
    """Compare what the signer remembers with what the database shows.

    Args:
        parts: of the deployment.

    Returns:
        The check.

    Raises:
        Misconfigured: the key or the state cannot be used.
        Unavailable: the database or the state is out of reach.
    """
    settings = parts.settings
    last = log_state(parts.settings, parts.database)
    if not settings.background and not settings.log_file("key", last.log).exists():
        return Check(name="signer", verdict="ok", found="not here: another host signs")
    where = settings.log_file("state", last.log).name if settings.state in (None, "file") else settings.state
    state = state_of(settings, last.log).read()
    origin = signer_of(settings, parts.database, log=last.log).key.key.name
    if state is None:
        return Check(
            name="signer",
            verdict="fail",
            found="its memory of what it signed is missing: it will refuse to sign",
            cure=f"Restore {where} from a backup; {_RECOVER}",
            exit=_FINDING,
        )
    if origin != last.origin or state.origin != origin or not _signed(last) <= state.size <= last.size:
        return Check(
            name="signer",
            verdict="fail",
            found=f"it remembers {state.size} entries of {state.origin},"
            f" the database shows {last.size} of {last.origin}",
            cure=f"Run `consentgate verify`, and bring back the newer copy; {_RECOVER}",
            exit=_FINDING,
        )
    if settings.state is None and database_file(settings) is None:
        return Check(
            name="signer",
            verdict="warn",
            found=f"it remembers {state.size} entries in a file, and the database can be reached from other hosts",
            cure='If one host alone signs, write state = "file" under [log]; else put the state into S3.',
        )
    return Check(name="signer", verdict="ok", found=f"it remembers {state.size} entries")


def _signed(state: LogState) -> int:
    return state.checkpoint.size if state.checkpoint else 0
