"""Every time and bound that a deployment may set, in one table: where it stands, its default, how large it may be.

Invariant: what a page of the documentation lists (docs/reference/times.md) is this table; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from consentgate.errors import Misconfigured
from consentgate.gate.retry import MAX_ATTEMPTS, Retry
from consentgate.storage.patience import DEFAULT, Patience
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of a deployment besides those of `Settings` itself.

    Attributes:
        send_by: how long a permit lasts after the decision.
        reread_after: a first attempt that begins later than this after the intent reads the versions again.
        stop: how long a stop or deletion at the vendor is waited for.
        who: how long a resolver may take where `protect` does not say.
        guarded: how long a guarded block is taken to last where it does not say.
        turn: how long a write waits for its turn in this process.
        connect: how long a connection to PostgreSQL may take to come about, where its address does not say.
        statement: how long a statement on PostgreSQL may take.
        lock: how long it waits for a lock.
        idle: how long a transaction there may do nothing.
        answer: how long an answer of PostgreSQL is waited for; longer than a statement may take.
        reading: how long a statement may take that reads for lists and verification.
        reading_answer: how long its answer is waited for; longer than that.
        busy: how long another process's lock on a SQLite file is waited for.
        fork: how long a fork waits for what is being read or written in SQLite.
        vendor_connect: how long a client of our own takes to connect to the vendor.
        vendor_read: how long it waits for an answer.
        state: how long connecting to the bucket of the signer's state, and then each answer, may take.
        bucket_connect: how long connecting to the bucket of an anchor may take.
        bucket_read: how long its answers may take.
        anchors: how long `consentgate log anchor --once` waits for all anchors.
        anchors_end: how long a gate that closes does.
        witness: how long connecting to a witness may take, and after it the whole exchange.
        timestamp: the same for a timestamping authority.
        s3_attempts: how often a request to S3 is sent at most, the first time included.
        retry: how throttled requests are tried again where `protect` does not say.
    """

    send_by: timedelta = timedelta(seconds=5)
    reread_after: timedelta = timedelta(milliseconds=250)
    stop: timedelta = timedelta(seconds=5)
    who: timedelta = timedelta(seconds=2)
    guarded: timedelta = timedelta(seconds=60)
    turn: timedelta = timedelta(seconds=DEFAULT.turn)
    connect: timedelta = timedelta(seconds=DEFAULT.connect)
    statement: timedelta = timedelta(seconds=DEFAULT.statement)
    lock: timedelta = timedelta(seconds=DEFAULT.lock)
    idle: timedelta = timedelta(seconds=DEFAULT.idle)
    answer: timedelta = timedelta(seconds=DEFAULT.answer)
    reading: timedelta = timedelta(seconds=DEFAULT.reading)
    reading_answer: timedelta = timedelta(seconds=DEFAULT.reading_answer)
    busy: timedelta = timedelta(seconds=DEFAULT.busy)
    fork: timedelta = timedelta(seconds=DEFAULT.fork)
    vendor_connect: timedelta = timedelta(seconds=2)
    vendor_read: timedelta = timedelta(seconds=4)
    state: timedelta = timedelta(seconds=5)
    bucket_connect: timedelta = timedelta(seconds=5)
    bucket_read: timedelta = timedelta(seconds=10)
    anchors: timedelta = timedelta(seconds=30)
    anchors_end: timedelta = timedelta(seconds=5)
    witness: timedelta = timedelta(seconds=10)
    timestamp: timedelta = timedelta(seconds=10)
    s3_attempts: int = 3
    retry: Retry = Retry()


LARGEST: Final[Mapping[str, float]] = {
    "limits.send_by_s": 60,
    "limits.reread_after_s": 60,
    "timeouts.stop_s": 60,
    "timeouts.who_s": 600,
    "timeouts.guarded_s": 600,
    "timeouts.turn_s": 60,
    "timeouts.connect_s": 60,
    "timeouts.statement_s": 60,
    "timeouts.lock_s": 60,
    "timeouts.idle_s": 60,
    "timeouts.answer_s": 120,
    "timeouts.reading_s": 3600,
    "timeouts.reading_answer_s": 3700,
    "timeouts.busy_s": 60,
    "timeouts.fork_s": 60,
    "timeouts.vendor_connect_s": 60,
    "timeouts.vendor_read_s": 60,
    "timeouts.state_s": 60,
    "timeouts.bucket_connect_s": 60,
    "timeouts.bucket_read_s": 60,
    "timeouts.anchors_s": 600,
    "timeouts.anchors_end_s": 60,
    "timeouts.witness_s": 60,
    "timeouts.timestamp_s": 60,
    "retry.first_s": 60,
    "retry.longest_s": 60,
}
"""The members of the settings file, and the most that each takes, in seconds."""


def members_of(table: str) -> frozenset[str]:
    """Name the members of one table that are read here.

    Args:
        table: its name.

    Returns:
        Their names.
    """
    own = {name.partition(".")[2] for name in LARGEST if name.startswith(f"{table}.")}
    return frozenset(own | ({"attempts", "s3_attempts"} if table == "retry" else set()))


def read_times(path: Path, tables: Mapping[str, Mapping[str, object]]) -> Times:
    """Read the times out of their tables.

    Args:
        path: the settings file, for messages.
        tables: ``limits``, ``timeouts`` and ``retry``.

    Returns:
        The times.

    Raises:
        Misconfigured: a value is no number, not above nothing, or too large.
    """
    default = Times()
    own = {
        member.removesuffix("_s"): (table, member)
        for table, member in (name.split(".") for name in LARGEST)
        if table != "retry"
    }
    read = partial(_seconds, path, tables)
    times = Times(
        **{name: read(f"{table}.{member}", getattr(default, name)) for name, (table, member) in own.items()},
        s3_attempts=_count(path, tables["retry"], "s3_attempts", default.s3_attempts),
        retry=Retry(
            attempts=_count(path, tables["retry"], "attempts", default.retry.attempts),
            first=read("retry.first_s", default.retry.first),
            longest=read("retry.longest_s", default.retry.longest),
        ),
    )
    for work, answer in (("statement", "answer"), ("reading", "reading_answer")):
        lasts: timedelta = getattr(times, work)
        if getattr(times, answer) <= lasts:
            raise Misconfigured(
                f"{path}: timeouts.{answer}_s must be more than timeouts.{work}_s, which is"
                f" {lasts.total_seconds():g}: a server that works ends a statement itself."
            )
    return times


def patience_of(times: Times) -> Patience:
    """Say how long the database is waited for.

    Args:
        times: of a deployment.

    Returns:
        The same, as storage takes it.
    """
    return Patience(**{each.name: getattr(times, each.name).total_seconds() for each in fields(Patience)})


def _seconds(
    path: Path, tables: Mapping[str, Mapping[str, object]], name: str, standard: timedelta
) -> timedelta:
    table, _, member = name.partition(".")
    found = tables[table].get(member, standard.total_seconds())
    most = LARGEST[name]
    # "Not within" and not "below or above": TOML knows a number that is neither.
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found <= most:
        raise Misconfigured(f"{path}: {name} must be a positive number of seconds, at most {most:g}.")
    return timedelta(seconds=found)


def _count(path: Path, table: Mapping[str, object], member: str, standard: int) -> int:
    found = table.get(member, standard)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MAX_ATTEMPTS:
        raise Misconfigured(f"{path}: retry.{member} must be a whole number from 1 to {MAX_ATTEMPTS}.")
    return found
