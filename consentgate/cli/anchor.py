"""``consentgate log anchor``: checkpoints into the places that keep them outside of the database."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, USAGE, Command, Done
from consentgate.cli.failures import done_of
from consentgate.cli.opening import settings_of
from consentgate.cli.running import until_stopped
from consentgate.cli.text import moment_text, table
from consentgate.errors import Misconfigured
from consentgate.verify.result import CANNOT_JUDGE, INCOMPLETE

if TYPE_CHECKING:
    from consentgate.config.anchoring import Standing


@click.command("anchor", cls=Command, example="consentgate log anchor --once")
@click.option("--once", is_flag=True, help="One pass, then end; otherwise run until interrupted.")
def anchor(home: str | None, once: bool) -> Done:
    """Put the newest checkpoint into each anchor that lacks it, and say how far behind each is.

    Anchors stand in consentgate.toml under [[anchors]]. Exit code 1 when an anchor keeps what contradicts this log, 2
    when one is not as the settings say, 3 when one is out of reach, 4 when one is still behind.
    """
    from consentgate.config.anchoring import alarm_of, anchorer_of, standings
    from consentgate.config.upkeep import log_database

    settings = settings_of(home)
    with log_database(settings) as database:
        work = anchorer_of(settings, database)
        if work is None:
            raise Misconfigured("The settings name no anchor to put checkpoints into: add [[anchors]].")

        alarm = alarm_of(settings, database)

        def one_pass() -> int:
            if once:
                work.once()
            else:
                work.begin()
                if alarm is not None:
                    alarm.once()
            return 0

        until_stopped(one_pass, once=once)
        work.stop()
        found = standings(settings, database, work)
    failed = {
        each.lag.name: done_of("log anchor", each.failure) for each in found if each.failure is not None
    }
    codes = {each.exit for each in failed.values()}
    if any(each.lag.behind for each in found):
        codes.add(INCOMPLETE)
    return Done(
        result={"items": items(found)},
        text=lines(found),
        findings=tuple(
            replace(finding, where=f"anchor {name}")
            for name, each in failed.items()
            for finding in each.findings
        ),
        exit=next((code for code in (FINDING, USAGE, CANNOT_JUDGE, INCOMPLETE) if code in codes), DONE),
    )


def items(found: Sequence["Standing"]) -> list[Json]:
    """Give the anchors as JSON.

    Args:
        found: how far behind each is.

    Returns:
        One object for each.
    """
    from consentgate.moment import to_text

    return [
        {
            "name": each.lag.name,
            "kind": each.lag.kind,
            "size": each.lag.size,
            "at": to_text(each.lag.at) if each.lag.at else None,
            "behind": each.lag.behind,
            "since": to_text(each.lag.since) if each.lag.since else None,
            "late": each.lag.late,
            "failure": str(each.failure) if each.failure else None,
        }
        for each in found
    ]


def lines(found: Sequence["Standing"]) -> str:
    """Give the anchors as a table.

    Args:
        found: how far behind each is.

    Returns:
        A line for each, and what went wrong with it.
    """
    rows = [
        (each.lag.name, each.lag.kind, str(each.lag.size), moment_text(each.lag.at), _said(each))
        for each in found
    ]
    return table(rows, ("anchor", "kind", "entries", "since", ""))


def _said(standing: "Standing") -> str:
    if standing.failure is not None:
        return str(standing.failure)
    if not standing.lag.behind:
        return "has the newest checkpoint"
    alarm = ", which is too long" if standing.lag.late else ""
    return f"{standing.lag.behind} signed entries behind since {moment_text(standing.lag.since)}{alarm}"
