"""``consentgate record``: outcomes that wait in the spool, into the ledger."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, Command, Done
from consentgate.cli.opening import settings_of
from consentgate.cli.text import findings_text, moment_text, plain, table, word
from consentgate.errors import Misconfigured
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from uuid import UUID

    from consentgate.gate.replay import Left, Replayed


@click.command("record", cls=Command, example="consentgate record --list")
@click.option("--list", "only_list", is_flag=True, help="Only say what waits; the database is not needed.")
def record(home: str | None, only_list: bool) -> Done:
    """Record the outcomes that wait in the spool; doing it twice changes nothing.

    They wait since the database could not be written when their requests ended. The gate records them by itself,
    when it starts and with its next write: this is for a process that does not come back.

    Exit code 4 when some still wait, or when a stop order that was met is still open.
    """
    settings = settings_of(home)
    if settings.spool is None:
        raise Misconfigured("There is no spool: set folder under [spool] in consentgate.toml.")
    if only_list:
        from consentgate.gate.replay import Left
        from consentgate.gate.spool import Spool

        waiting = Spool(settings.spool).waiting()
        return _done((), tuple(Left(entry=entry, why="not tried") for entry in waiting), None)
    from consentgate.config.outcomes import record_spool
    from consentgate.config.upkeep import keep_log, require_database

    require_database(settings)
    replay = record_spool(settings)
    failure = keep_log(settings) if replay.done else None
    return _done(replay.done, replay.left, str(failure) if failure else None)


def _done(done: "tuple[Replayed, ...]", left: "tuple[Left, ...]", unsigned: str | None) -> Done:
    items: list[Json] = [
        {
            "entry": str(each.entry),
            "intent": str(each.intent),
            "end": each.end,
            "late": each.late,
            "new": each.fresh,
            "stops": each.stops,
        }
        for each in done
    ]
    waiting: list[Json] = [{"entry": str(each.entry), "why": each.why} for each in left]
    findings = [*map(_waits, left), *(_runs(each) for each in done if each.stops == "open")]
    if unsigned is not None:
        findings.append(
            Finding(
                kind="unsigned",
                where="log",
                expected="a checkpoint over what was written",
                found=unsigned,
                cure="Run `consentgate log sign --once` once this is mended.",
            )
        )
    rows: list[tuple[str, ...]] = [
        (str(each.entry), _ended(each.entry), word(each.end), "late" if each.late else "", each.stops)
        for each in done
    ]
    rows += [(str(each.entry), _ended(each.entry), "waits", "", plain(each.why)) for each in left]
    blocks = [table(rows, ("entry", "ended", "end", "", "stop orders"))] if rows else ["Nothing waits."]
    blocks += [findings_text(tuple(findings))] if findings else []
    return Done(
        result={"items": items, "left": waiting},
        text="\n\n".join(blocks),
        findings=tuple(findings),
        exit=INCOMPLETE if findings else DONE,
    )


def _waits(left: "Left") -> Finding:
    return Finding(
        kind="waiting",
        where=f"entry {left.entry}",
        expected="an outcome in the ledger",
        found=left.why,
        cure="Run `consentgate record` once the database is back.",
    )


def _runs(replayed: "Replayed") -> Finding:
    return Finding(
        kind="stop_open",
        where=f"intent {replayed.intent}",
        expected="a task that was stopped",
        found="its speaker withdrew, and no client was at hand",
        cure="Run `consentgate worker run --once` with the vendor's credentials, or stop the task in its console.",
    )


def _ended(entry: "UUID") -> str:
    from consentgate.moment import from_millis

    # RFC 9562: a UUIDv7 begins with its time; this one was made when the request ended.
    return moment_text(from_millis(entry.int >> 80))
