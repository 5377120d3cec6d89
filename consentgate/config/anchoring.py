"""Anchors as objects: what the settings describe, ready to keep checkpoints, to be asked, and to be judged by."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from consentgate.config.anchors import AnchorSettings, threshold
from consentgate.config.check import INCOMPLETE, Check
from consentgate.config.settings import Settings
from consentgate.config.times import Times
from consentgate.errors import ConsentGateError, InvalidInput, Malformed, Misconfigured
from consentgate.log.anchoring import Anchorer
from consentgate.log.cosigned import Witnesses
from consentgate.log.directory import DirectoryAnchor
from consentgate.log.lag import Expected, Lag, lags
from consentgate.log.late import LateAlarm
from consentgate.log.witness import WitnessAnchor
from consentgate.moment import Clock
from consentgate.storage import deployment
from consentgate.storage.database import Database
from consentgate.tlog import policy
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import Group, Policy, PolicyWitness
from consentgate.values import dataclass

if TYPE_CHECKING:
    from consentgate.aws.anchors import BucketAnchor

_FINDING: Final = 1
_FILE_LIMIT: Final = policy.LIMIT + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an anchor is doing.

    Attributes:
        lag: how far behind it is.
        failure: what went wrong in this process when it last got a checkpoint; None where nothing did.
    """

    lag: Lag
    failure: ConsentGateError | None = None


def anchorer_of(settings: Settings, database: Database) -> Anchorer | None:
    """Make what puts checkpoints into the anchors.

    Args:
        settings: the settings.
        database: whose log.

    Returns:
        The anchorer; None where the settings name no anchor, or only retired ones.

    Raises:
        Misconfigured: an anchor's URL cannot be used.
    """
    places = [place_of(each, database.clock, settings.times) for each in settings.anchors if not each.retired]
    if not places:
        return None
    return Anchorer(
        database,
        places,
        key_of=lambda log: log_key_of(settings, log),
        within=settings.times.anchors.total_seconds(),
        ends_within=settings.times.anchors_end.total_seconds(),
    )


def alarm_of(settings: Settings, database: Database) -> LateAlarm | None:
    """Make what warns of late anchors.

    Args:
        settings: the settings.
        database: whose log.

    Returns:
        The alarm; None where no anchor has to keep up.
    """
    expected = _expected(settings)
    return LateAlarm(database, expected) if expected else None


def place_of(
    anchor: AnchorSettings, clock: Clock, times: Times
) -> "DirectoryAnchor | BucketAnchor | WitnessAnchor":
    """Make one anchor.

    Args:
        anchor: what the settings say of it.
        clock: the time that it goes by.
        times: how long it is waited for.

    Returns:
        The anchor; nothing is reached.

    Raises:
        Misconfigured: its URL cannot be used.
    """
    if anchor.key is not None:
        try:
            return WitnessAnchor(
                name=anchor.name, key=anchor.key, url=anchor.url, seconds=times.witness.total_seconds()
            )
        except InvalidInput as error:
            raise Misconfigured(f"anchors.{anchor.name}.url cannot be used: {error}") from error
    if anchor.kind != "s3":
        return DirectoryAnchor(name=anchor.name, path=anchor.path)
    # Who has no bucket does not load the driver for one.
    from consentgate.aws.anchors import BucketAnchor

    return BucketAnchor(
        name=anchor.name,
        bucket=anchor.bucket,
        prefix=anchor.prefix,
        retain=anchor.retain,
        client=partial(_client, times),
        clock=clock,
    )


def log_key_of(settings: Settings, log: int) -> NoteKey:
    """Read a log's public key from where `init` or `recover` wrote it, never from the database.

    Args:
        settings: the settings.
        log: number of the log.

    Returns:
        The key.

    Raises:
        Misconfigured: the file is missing or cannot be used.
    """
    path = settings.log_file("vkey", log)
    try:
        return NoteKey.from_vkey(path.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {type(error).__name__}. Restore it.") from error
    except Malformed as error:
        raise Misconfigured(f"{path} holds no vkey: {error}") from error


def witnesses_of(settings: Settings) -> Witnesses:
    """Say whose cosignatures count, and how many are needed.

    Args:
        settings: the settings.

    Returns:
        The witnesses' keys and the policy, if there is one.

    Raises:
        Misconfigured: the policy's file is missing or cannot be used.
    """
    own = {each.name: each for each in settings.anchors if each.key is not None}
    keys = tuple(each.key for each in own.values() if each.key is not None)
    if settings.witness_policy is None:
        return Witnesses(keys=keys, policy=None)
    quorum = threshold(settings.witness_policy)
    if quorum is None:
        made = policy_file(settings.home / settings.witness_policy)
        return Witnesses(keys=tuple(dict.fromkeys((*keys, *made.keys))), policy=made)
    asked = tuple(
        PolicyWitness(name=each.name, key=each.key)
        for each in own.values()
        if each.key is not None and not each.retired
    )
    # No anchor has a space in its name.
    group = Group(name=settings.witness_policy, needed=quorum[0], members=tuple(each.name for each in asked))
    made = Policy(logs=(), witnesses=asked, groups=(group,), quorum=group.name)
    return Witnesses(keys=keys, policy=made)


def lags_of(settings: Settings, database: Database) -> tuple[Lag, ...]:
    """Say how far behind each anchor is that is not retired.

    Args:
        settings: the settings.
        database: whose log.

    Returns:
        One for each anchor, in the order of the settings; none without anchors, and nothing is read then.
    """
    expected = _expected(settings)
    if not expected:
        return ()
    with database.read() as connection:
        log = deployment.current_log(connection)
        return lags(connection, expected, database.clock(), log=log)


def _expected(settings: Settings) -> tuple[Expected, ...]:
    return tuple(
        Expected(name=each.name, kind=each.kind, late_after=each.late_after)
        for each in settings.anchors
        if not each.retired
    )


def standings(settings: Settings, database: Database, work: Anchorer | None = None) -> tuple[Standing, ...]:
    """Say how each anchor is doing that is not retired.

    Args:
        settings: the settings.
        database: whose log.
        work: what put checkpoints into them in this process, if anything did.

    Returns:
        One for each anchor, in the order of the settings.
    """
    failures = work.failures if work is not None else {}
    return tuple(Standing(lag=each, failure=failures.get(each.name)) for each in lags_of(settings, database))


def anchors_check(settings: Settings, database: Database) -> Check:
    """Say whether checkpoints are kept outside of the database, and how far behind that is.

    Args:
        settings: the settings.
        database: whose log.

    Returns:
        The check; an anchor that is behind for less than its alarm is no matter.

    Raises:
        Misconfigured: an anchor or the witness policy cannot be used.
        Unavailable: the database is out of reach.
    """
    anchorer_of(settings, database)
    witnesses_of(settings)
    found = lags_of(settings, database)
    if not found:
        return Check(
            name="anchors",
            verdict="warn",
            found="nothing outside of this database keeps checkpoints",
            cure="Add [[anchors]] to consentgate.toml: a folder elsewhere, a locked bucket, or witnesses.",
        )
    forged = [f"{each.name} ({each.beyond} entries)" for each in found if each.beyond]
    if forged:
        return Check(
            name="anchors",
            verdict="fail",
            found=f"rows of table anchor claim what was never signed: {', '.join(forged)}",
            cure="Run `consentgate verify`; anchors get their checkpoints all the same.",
            exit=_FINDING,
        )
    late = [each for each in found if each.late]
    if not late:
        names = ", ".join(each.name for each in found)
        return Check(name="anchors", verdict="ok", found=f"checkpoints are kept by {names}")
    said = ", ".join(f"{each.name} ({each.behind} signed entries)" for each in late)
    return Check(
        name="anchors",
        verdict="warn",
        found=f"behind for longer than their alarm: {said}",
        cure="Run `consentgate log anchor --once`: it says what stands in the way.",
        exit=INCOMPLETE,
    )


def policy_file(path: Path) -> Policy:
    """Read a witness policy.

    Args:
        path: the file.

    Returns:
        The policy.

    Raises:
        Misconfigured: it is missing or cannot be used.
    """
    try:
        with path.open("rb") as file:
            return policy.decode(file.read(_FILE_LIMIT))
    except OSError as error:
        raise Misconfigured(
            f'The witness policy {path} cannot be read ({error.strerror}): name a file, or say "k of n".'
        ) from error
    except Malformed as error:
        raise Misconfigured(f"The witness policy {path} cannot be used: {error}") from error


def _client(times: Times) -> Any:
    import boto3
    from botocore.config import Config

    # Nobody waits for an anchor, and the next pass tries again.
    config = Config(
        connect_timeout=times.bucket_connect.total_seconds(),
        read_timeout=times.bucket_read.total_seconds(),
        retries={"mode": "standard", "total_max_attempts": times.s3_attempts},
    )
    return boto3.client("s3", config=config)
