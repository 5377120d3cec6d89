"""``consentgate stops``: what is to be stopped at the vendor."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, Done, Noun
from consentgate.cli.opening import looking
from consentgate.cli.text import moment_text, short_ids, table
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.gate.orders import StopOrder


@click.group(cls=Noun)
def stops() -> None:
    """List stop orders that are open."""


@stops.command("list", example="consentgate stops list")
def _list(home: str | None) -> Done:
    """List the stop orders that nobody carried out yet, each until its task can run no longer.

    Exit code 4 when there are any. A process that protects a client carries them out: `gate.carry_out_stops()`.
    """
    from consentgate.config.stops import open_stops
    from consentgate.moment import to_text

    with looking(home) as parts:
        found = open_stops(parts)
    items: list[Json] = [
        {
            "id": str(each.entry),
            "intent": str(each.intent),
            "at": to_text(each.ordered_at),
            "until": to_text(each.until),
            "tried": each.tried,
        }
        for each in found
    ]
    return Done(
        result={"items": items},
        text=_table(found) if found else "No stop order is open.",
        findings=tuple(_finding(each) for each in found),
        exit=INCOMPLETE if found else DONE,
    )


def _table(found: "tuple[StopOrder, ...]") -> str:
    orders = short_ids(str(each.entry) for each in found)
    intents = short_ids(str(each.intent) for each in found)
    rows = [
        (
            orders[str(each.entry)],
            moment_text(each.ordered_at),
            intents[str(each.intent)],
            moment_text(each.until),
            "not confirmed" if each.tried else "not yet",
        )
        for each in found
    ]
    return table(rows, ("order", "at", "intent", "until", "tried"))


def _finding(each: "StopOrder") -> Finding:
    return Finding(
        kind="open",
        where=f"entry {each.entry}",
        expected="the task stopped",
        found="not confirmed by the vendor" if each.tried else "nothing tried",
        cure="Call gate.carry_out_stops() in a process that protects a client, or stop the task at the vendor.",
    )
