"""``consentgate worker``: what is to be stopped or deleted at the vendor, and who does it."""

import signal
import threading
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, Done, Noun
from consentgate.cli.opening import looking, settings_of
from consentgate.cli.text import moment_text, plain, short_ids, table
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from datetime import datetime

    from consentgate.config.worker import Worked
    from consentgate.gate.orders import StopOrder

NOTHING = "No stop order is open."


@click.group(cls=Noun)
def worker() -> None:
    """Carry out stop orders: stop tasks, delete voice profiles."""


@worker.command("list", example="consentgate worker list")
def _list(home: str | None) -> Done:
    """List the stop orders that are open, each with its deadline, its tries, and what the vendor said last.

    A stop is open until its task can run no longer, a deletion until the profile is gone. Exit code 4 when there
    are any.
    """
    from consentgate.config.orders import open_stops

    with looking(home) as parts:
        found, now = open_stops(parts), parts.book.now()
    return Done(
        result={"items": items_of(found)},
        text=orders_table(found) if found else NOTHING,
        findings=tuple(finding_of(each, now) for each in found),
        exit=INCOMPLETE if found else DONE,
    )


@worker.command("run", example="consentgate worker run --once")
@click.option(
    "--once", is_flag=True, help="One pass over what is due, then end; otherwise run until interrupted."
)
def _run(home: str | None, once: bool) -> Done:
    """Carry out the stop orders that are due, by clients of its own.

    They take credentials and endpoints from the environment, as boto3 does. A process that protects a client does the
    same by itself: this is for withdrawals that are taken in elsewhere. Several may run at once.

    Exit code 4 when, after --once, orders are open still.
    """
    from consentgate.config.upkeep import keep_log
    from consentgate.config.worker import work_once, work_until
    from consentgate.moment import system_clock

    settings = settings_of(home)
    if not once:
        ended = threading.Event()
        before = {s: signal.signal(s, lambda *_: ended.set()) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            worked = work_until(settings, ended)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return _worked(worked, (), DONE)
    worked = work_once(settings)
    findings = [finding_of(each, system_clock()) for each in worked.open]
    failure = keep_log(settings) if worked.tried else None
    if failure is not None:
        findings.append(
            Finding(
                kind="unsigned",
                where="log",
                expected="a checkpoint over what was written",
                found=str(failure),
                cure="Run `consentgate log sign --once` once this is mended.",
            )
        )
    return _worked(worked, tuple(findings), INCOMPLETE if findings else DONE)


def items_of(found: "tuple[StopOrder, ...]") -> list[Json]:
    """Give stop orders as JSON.

    Args:
        found: the orders.

    Returns:
        An object for each.
    """
    from consentgate.moment import to_text

    def item(each: "StopOrder") -> Json:
        told: dict[str, Json] = {
            "id": str(each.entry),
            "intent": str(each.intent),
            "does": each.does,
            "at": to_text(each.ordered_at),
            "until": to_text(each.until),
            "tries": each.tries,
            "said": each.said,
        }
        times = {"tried_at": each.tried_at, "next_at": each.next_at, "done_at": each.done_at}
        return told | {name: to_text(at) if at is not None else None for name, at in times.items()}

    return [item(each) for each in found]


def orders_table(found: "tuple[StopOrder, ...]") -> str:
    """Show stop orders.

    Args:
        found: the orders, one at least.

    Returns:
        A table.
    """
    orders = short_ids(str(each.entry) for each in found)
    intents = short_ids(str(each.intent) for each in found)
    rows = [
        (
            orders[str(each.entry)],
            each.does,
            intents[str(each.intent)],
            _end(each),
            str(each.tries),
            plain(each.said),
        )
        for each in found
    ]
    return table(rows, ("order", "does", "intent", "", "tries", "said"))


def finding_of(each: "StopOrder", now: "datetime") -> Finding:
    """Say of an open stop order what is missing.

    Args:
        each: the order.
        now: the time.

    Returns:
        The finding.
    """
    what = "the task stopped" if each.does == "stop" else "the voice profile deleted"
    return Finding(
        kind="open",
        where=f"entry {each.entry}",
        expected=f"{what} by {moment_text(each.until)}" + (", which is over" if each.until <= now else ""),
        found=each.said or "nothing tried",
        cure="Run `consentgate worker run --once` with the vendor's credentials, or do it in the vendor's console.",
    )


def _end(each: "StopOrder") -> str:
    return (
        f"done {moment_text(each.done_at)}"
        if each.done_at is not None
        else f"until {moment_text(each.until)}"
    )


def _worked(worked: "Worked", findings: tuple[Finding, ...], code: int) -> Done:
    said = f"{worked.tried} tried, {worked.done} done, {len(worked.open)} open"
    text = f"{said}\n\n{orders_table(worked.open)}" if worked.open else f"{said}."
    result: dict[str, Json] = {"tried": worked.tried, "done": worked.done, "items": items_of(worked.open)}
    return Done(result=result, text=text, findings=findings, exit=code)
