"""The table: which part fails how and when, and what must come of it.

A fault begins at a moment and lasts until the call is over, or strikes the next use of the part once. Every
combination of part, fault and moment stands in `ROWS`, which the tests execute, or in `NEVER`, with the reason why
it cannot be. `docs/reference/faults.md` is written from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.functional.faults import parts
from tests.functional.faults.moments import MOMENTS
from tests.functional.faults.parts import Begin

OPENING: Final = "opening"
FAULTS: Final = ("down", "slow", "did not happen", "happened, reported failure", "restarted")

PG: Final = "database: PostgreSQL"
FILE: Final = "database: SQLite"
SPOOLING: Final = "database: SQLite, with a spool"
KEYS: Final = "key file"
SERVICE: Final = "wrapping key service"
CLOCK: Final = "clock"
RULES: Final = "rule packs"
DISK: Final = "disk"
VENDOR: Final = "vendor"
PROCESS: Final = "own process"
PARTS: Final = (PG, FILE, SPOOLING, KEYS, SERVICE, CLOCK, RULES, DISK, VENDOR, PROCESS)

DOWN, SLOW, UNDONE, DONE, AGAIN = FAULTS


@dataclass(frozen=True)
class Result:
    """What comes of a search.

    Attributes:
        wire: requests that reach the vendor.
        written: entries.
        caller: what the caller sees.
        later: entries that are added once the fault is over, by the spool or by `record`.
    """

    wire: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    caller: str = "answer"
    later: tuple[str, ...] = ()


@dataclass(frozen=True)
class How:
    """One way in which a part fails.

    Attributes:
        text: what happens.
        begin: makes it happen; None where a process is killed.
    """

    text: str
    begin: Begin | None


@dataclass(frozen=True)
class Row:
    """Some moments in a row of one fault of one part.

    Attributes:
        part: the part.
        fault: the fault.
        first: the first moment.
        last: the last moment.
        result: what comes of it at each of them.
    """

    part: str
    fault: str
    first: str
    last: str
    result: Result

    @property
    def moments(self) -> tuple[str, ...]:
        return span(self.first, self.last)


@dataclass(frozen=True)
class Never:
    """Combinations that cannot be."""

    part: str
    fault: str
    first: str
    last: str
    why: str

    @property
    def moments(self) -> tuple[str, ...]:
        return span(self.first, self.last)


def span(first: str, last: str) -> tuple[str, ...]:
    """All moments from one to another."""
    if first == OPENING:
        return (OPENING,) if last == OPENING else (OPENING, *span(MOMENTS[0], last))
    return MOMENTS[MOMENTS.index(first) : MOMENTS.index(last) + 1]


SUCCEEDED: Final = ("intent", "outcome succeeded")
ANSWER: Final = Result(("start",), SUCCEEDED)
LOST: Final = Result(("start", "stop"), ("intent",), "OutcomeNotRecorded", ("outcome succeeded",))
TWICE: Final = Result(("start", "stop"), SUCCEEDED, "OutcomeNotRecorded", ("observation succeeded",))
SPOOLED: Final = Result(("start",), ("intent",), "answer", ("outcome succeeded",))
UNAVAILABLE: Final = Result(caller="ConsentDenied LEDGER_UNAVAILABLE")
EXPIRED: Final = Result((), ("intent", "outcome not_sent"), "ConsentDenied PERMIT_EXPIRED")
BUG: Final = Result((), ("denial",), "ConsentDenied INTERNAL_ERROR")
OPEN: Final = ("intent", "observation unknown")

HOWS: Final[dict[tuple[str, str], How]] = {
    (PG, DOWN): How("every connection ends and none comes about", parts.server_down),
    (PG, SLOW): How("it takes questions and answers none for as long as the call lasts", parts.server_hangs),
    (PG, UNDONE): How("the connection ends before the next statement reaches it", parts.question_lost),
    (PG, DONE): How("it carries the next statement out, and its answer is lost", parts.answer_lost),
    (PG, AGAIN): How("it ends every session, as when it is restarted", parts.server_restarts),
    (FILE, DOWN): How("another process holds the write lock for good", parts.file_locked),
    (FILE, SLOW): How("another process holds the write lock for a moment", parts.file_locked_for_a_moment),
    (FILE, UNDONE): How("the next commit fails", parts.commit_fails),
    (FILE, DONE): How("the next commit happens, and reports a failure", parts.commit_happens_and_fails),
    (SPOOLING, DOWN): How("another process holds the write lock for good", parts.file_locked),
    (SPOOLING, SLOW): How(
        "another process holds the write lock for a moment", parts.file_locked_for_a_moment
    ),
    (SPOOLING, UNDONE): How("the next commit fails", parts.commit_fails),
    (SPOOLING, DONE): How("the next commit happens, and reports a failure", parts.commit_happens_and_fails),
    (KEYS, DOWN): How("the file is gone", parts.key_file_gone),
    (KEYS, AGAIN): How("another deployment's file lies there", parts.key_file_of_another),
    (SERVICE, DOWN): How("it refuses connections", parts.service_down),
    (SERVICE, SLOW): How("it takes connections and questions, and never answers", parts.service_hangs),
    (SERVICE, UNDONE): How("it refuses the next question", parts.service_refuses_once),
    (CLOCK, DOWN): How("the process cannot read it", parts.clock_fails),
    (CLOCK, SLOW): How("it falls three seconds behind the database's", parts.clock_behind),
    (CLOCK, UNDONE): How("it is set back by eight seconds", parts.clock_back),
    (CLOCK, AGAIN): How("it jumps an hour ahead", parts.clock_forward),
    (RULES, DOWN): How("the overlay's folder is gone", parts.overlay_gone),
    (RULES, SLOW): How("a decision takes three seconds", parts.rules_slow),
    (RULES, UNDONE): How("a rule raises an error", parts.rules_fail),
    (RULES, AGAIN): How("another process puts rules in force", parts.other_rules),
    (DISK, DOWN): How("it is full, for the database and for the spool", parts.disk_full),
    (DISK, SLOW): How("the database is locked, and each sync of the spool takes a while", parts.spool_slow),
    (DISK, UNDONE): How("the database is locked, and the spool cannot write its file", parts.spool_fails),
    (DISK, DONE): How(
        "the database is locked, and the spool's file is there, but its sync fails",
        parts.spool_written_and_fails,
    ),
    (DISK, AGAIN): How("it is full for a moment", parts.disk_full_for_a_moment),
    (VENDOR, DOWN): How("it refuses connections", parts.vendor_down),
    (VENDOR, SLOW): How("it does not answer within the client's time-out", parts.vendor_silent),
    (VENDOR, UNDONE): How("it refuses the request", parts.vendor_refuses),
    (VENDOR, DONE): How("it starts the task and answers 503, to each attempt", parts.vendor_starts_and_fails),
    (VENDOR, AGAIN): How("every connection to it ends once", parts.vendor_restarts),
    (PROCESS, DOWN): How("it is killed (SIGKILL)", None),
    (PROCESS, SLOW): How(
        "it stands still for six seconds, longer than a permit lasts", parts.process_held_up
    ),
    (PROCESS, UNDONE): How("an interrupt strikes (KeyboardInterrupt)", parts.process_interrupted),
    (PROCESS, DONE): How("a bug of ours raises an error", parts.process_has_a_bug),
    (PROCESS, AGAIN): How("it is asked to end (SystemExit)", parts.process_ended),
}


def _ending(error: str) -> tuple[Row, ...]:
    fault = UNDONE if error == "KeyboardInterrupt" else AGAIN
    return (
        Row(PROCESS, fault, "before 1", "in 4", Result(caller=error)),
        Row(PROCESS, fault, "before 5", "before 5", Result((), ("intent", "outcome not_sent"), error)),
        Row(PROCESS, fault, "in 5", "in 5", Result(("start",), OPEN, error)),
        Row(PROCESS, fault, "before 6", "in 6", Result(("start",), ("intent",), error)),
        Row(PROCESS, fault, "after 6", "after 6", Result(("start",), SUCCEEDED, error)),
    )


def _file(part: str, lost: Result) -> tuple[Row | Never, ...]:
    lock = "the transaction has the lock: no other process can take it"
    return (
        Row(part, DOWN, "before 1", "before 4", UNAVAILABLE),
        Never(part, DOWN, "in 4", "in 4", lock),
        Row(part, DOWN, "before 5", "before 6", lost),
        Never(part, DOWN, "in 6", "in 6", lock),
        Row(part, DOWN, "after 6", "after 6", ANSWER),
        Row(part, SLOW, "before 1", "before 4", ANSWER),
        Never(part, SLOW, "in 4", "in 4", lock),
        Row(part, SLOW, "before 5", "before 6", ANSWER),
        Never(part, SLOW, "in 6", "in 6", lock),
        Row(part, SLOW, "after 6", "after 6", ANSWER),
        Row(part, UNDONE, "before 1", "in 4", UNAVAILABLE),
        Row(part, UNDONE, "before 5", "after 6", ANSWER),
        Row(part, DONE, "before 1", "after 6", ANSWER),
        Never(part, AGAIN, "before 1", "after 6", "a file has no server: see the process, and the disk"),
    )


_ENTRIES: Final[tuple[Row | Never, ...]] = (
    Row(PG, DOWN, OPENING, OPENING, Result(caller="Unavailable")),
    Row(PG, DOWN, "before 1", "in 4", UNAVAILABLE),
    Row(PG, DOWN, "before 5", "in 6", LOST),
    Row(PG, DOWN, "after 6", "after 6", ANSWER),
    Row(PG, SLOW, "before 1", "in 4", UNAVAILABLE),
    Row(PG, SLOW, "before 5", "in 6", LOST),
    Row(PG, SLOW, "after 6", "after 6", ANSWER),
    Row(PG, UNDONE, "before 1", "in 2", UNAVAILABLE),
    Row(PG, UNDONE, "before 3", "after 6", ANSWER),
    Row(PG, DONE, "before 1", "in 2", UNAVAILABLE),
    Row(PG, DONE, "before 3", "in 4", Result((), ("intent", "outcome not_sent"), UNAVAILABLE.caller)),
    Row(PG, DONE, "before 5", "after 6", ANSWER),
    Row(PG, AGAIN, "before 1", "before 2", ANSWER),
    Row(PG, AGAIN, "in 2", "in 2", UNAVAILABLE),
    Row(PG, AGAIN, "before 3", "after 6", ANSWER),
    *_file(FILE, LOST),
    *_file(SPOOLING, SPOOLED),
    Row(KEYS, DOWN, OPENING, OPENING, Result(caller="Misconfigured")),
    Row(KEYS, DOWN, "before 1", "after 6", ANSWER),
    Never(KEYS, SLOW, "before 1", "after 6", "it is read once, when the gate opens"),
    Never(KEYS, UNDONE, "before 1", "after 6", "no gate writes it"),
    Never(KEYS, DONE, "before 1", "after 6", "no gate writes it"),
    Row(KEYS, AGAIN, OPENING, OPENING, Result(caller="Misconfigured")),
    Row(KEYS, AGAIN, "before 1", "after 6", ANSWER),
    Row(SERVICE, DOWN, "before 1", "in 2", UNAVAILABLE),
    Row(SERVICE, DOWN, "before 3", "after 6", ANSWER),
    Row(SERVICE, SLOW, "before 1", "in 2", UNAVAILABLE),
    Row(SERVICE, SLOW, "before 3", "after 6", ANSWER),
    Row(SERVICE, UNDONE, "before 1", "in 2", UNAVAILABLE),
    Row(SERVICE, UNDONE, "before 3", "after 6", ANSWER),
    Never(SERVICE, DONE, "before 1", "after 6", "wrapping and unwrapping change nothing there"),
    Never(SERVICE, AGAIN, "before 1", "after 6", "nothing is kept there between two questions"),
    Row(CLOCK, DOWN, "before 1", "in 2", Result(caller="ConsentDenied INTERNAL_ERROR")),
    Row(CLOCK, DOWN, "before 3", "before 5", Result((), ("intent",), "OutcomeNotRecorded", ("outcome not_sent",))),
    Row(CLOCK, DOWN, "in 5", "in 6", LOST),
    Row(CLOCK, DOWN, "after 6", "after 6", ANSWER),
    Row(CLOCK, SLOW, "before 1", "in 2", Result(caller="ConsentDenied CLOCK_DISAGREES")),
    Row(CLOCK, SLOW, "before 3", "in 6", LOST),
    Row(CLOCK, SLOW, "after 6", "after 6", ANSWER),
    Row(CLOCK, UNDONE, "before 1", "after 6", ANSWER),
    Never(CLOCK, DONE, "before 1", "after 6", "nothing is done by reading it"),
    Row(CLOCK, AGAIN, "before 1", "in 4", ANSWER),
    Row(CLOCK, AGAIN, "before 5", "before 5", EXPIRED),
    Row(CLOCK, AGAIN, "in 5", "after 6", ANSWER),
    Row(RULES, DOWN, OPENING, OPENING, Result(caller="Misconfigured")),
    Row(RULES, DOWN, "before 1", "after 6", ANSWER),
    Row(RULES, SLOW, "before 1", "before 3", Result((), ("denial",), "ConsentDenied CLOCK_DISAGREES")),
    Row(RULES, SLOW, "in 3", "after 6", ANSWER),
    Row(RULES, UNDONE, "before 1", "before 3", BUG),
    Row(RULES, UNDONE, "in 3", "after 6", ANSWER),
    Never(RULES, DONE, "before 1", "after 6", "nothing is done by reading them"),
    Row(RULES, AGAIN, "before 1", "before 4", Result(("start",), ("packs", *SUCCEEDED))),
    Never(RULES, AGAIN, "in 4", "in 4", "the transaction has the lock: nobody else writes"),
    Row(RULES, AGAIN, "before 5", "before 6", Result(("start",), ("intent", "packs", "outcome succeeded"))),
    Never(RULES, AGAIN, "in 6", "in 6", "the transaction has the lock: nobody else writes"),
    Row(RULES, AGAIN, "after 6", "after 6", Result(("start",), (*SUCCEEDED, "packs"))),
    Row(DISK, DOWN, "before 1", "in 4", UNAVAILABLE),
    Row(DISK, DOWN, "before 5", "in 6", LOST),
    Row(DISK, DOWN, "after 6", "after 6", ANSWER),
    Never(DISK, SLOW, "before 1", "in 4", "the spool is for outcomes"),
    Row(DISK, SLOW, "before 5", "before 6", SPOOLED),
    Never(DISK, SLOW, "in 6", "in 6", "the transaction has the lock: the spool is not needed"),
    Row(DISK, SLOW, "after 6", "after 6", ANSWER),
    Never(DISK, UNDONE, "before 1", "in 4", "the spool is for outcomes"),
    Row(DISK, UNDONE, "before 5", "before 6", LOST),
    Never(DISK, UNDONE, "in 6", "in 6", "the transaction has the lock: the spool is not needed"),
    Row(DISK, UNDONE, "after 6", "after 6", ANSWER),
    Never(DISK, DONE, "before 1", "in 4", "the spool is for outcomes"),
    Row(DISK, DONE, "before 5", "before 6", LOST),
    Never(DISK, DONE, "in 6", "in 6", "the transaction has the lock: the spool is not needed"),
    Row(DISK, DONE, "after 6", "after 6", ANSWER),
    Row(DISK, AGAIN, "before 1", "in 4", UNAVAILABLE),
    Row(DISK, AGAIN, "before 5", "after 6", ANSWER),
    Row(VENDOR, DOWN, "before 1", "before 5", Result((), ("intent", "outcome not_sent"), "EndpointConnectionError")),
    Row(VENDOR, DOWN, "in 5", "in 5", Result(("start",), OPEN, "EndpointConnectionError")),
    Row(VENDOR, DOWN, "before 6", "after 6", ANSWER),
    Row(VENDOR, SLOW, "before 1", "in 5", Result(("start", "start"), OPEN, "ReadTimeoutError")),
    Row(VENDOR, SLOW, "before 6", "after 6", ANSWER),
    Row(VENDOR, UNDONE, "before 1", "in 5", Result(("start",), ("intent", "outcome rejected"), "ForbiddenException")),
    Row(VENDOR, UNDONE, "before 6", "after 6", ANSWER),
    Row(VENDOR, DONE, "before 1", "in 5", Result(("start", "start"), OPEN, "ServiceUnavailableException")),
    Row(VENDOR, DONE, "before 6", "after 6", ANSWER),
    Row(VENDOR, AGAIN, "before 1", "before 5", ANSWER),
    Row(VENDOR, AGAIN, "in 5", "in 5", Result(("start", "start"), SUCCEEDED)),
    Row(VENDOR, AGAIN, "before 6", "after 6", ANSWER),
    Row(PROCESS, DOWN, "before 1", "in 4", Result(caller="nothing")),
    Row(PROCESS, DOWN, "before 5", "before 5", Result((), ("intent",), "nothing")),
    Row(PROCESS, DOWN, "in 5", "in 6", Result(("start",), ("intent",), "nothing")),
    Row(PROCESS, DOWN, "after 6", "after 6", Result(("start",), SUCCEEDED, "nothing")),
    Row(PROCESS, SLOW, "before 1", "in 4", ANSWER),
    Row(PROCESS, SLOW, "before 5", "before 5", EXPIRED),
    Row(PROCESS, SLOW, "in 5", "after 6", ANSWER),
    *_ending("KeyboardInterrupt"),
    Never(PROCESS, DONE, "before 1", "before 1", "no code of ours has run"),
    Row(PROCESS, DONE, "in 1", "in 4", BUG),
    Row(PROCESS, DONE, "before 5", "before 5", Result((), ("intent", "outcome not_sent"), "LookupError")),
    Row(PROCESS, DONE, "in 5", "in 5", Result(("start",), OPEN, "LookupError")),
    Row(PROCESS, DONE, "before 6", "in 6", LOST),
    Row(PROCESS, DONE, "after 6", "after 6", TWICE),
    *_ending("SystemExit"),
)  # fmt: skip

ROWS: Final = tuple(each for each in _ENTRIES if isinstance(each, Row))
NEVER: Final = tuple(each for each in _ENTRIES if isinstance(each, Never))


def rows_of(part: str) -> Iterator[tuple[str, str, Result]]:
    """Each single row of a part: fault, moment, result."""
    for row in ROWS:
        if row.part == part:
            yield from ((row.fault, moment, row.result) for moment in row.moments)
