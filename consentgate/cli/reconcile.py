"""``consentgate reconcile``: requests whose end nobody recorded, and CloudTrail beside the ledger."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Command, Done
from consentgate.cli.opening import settings_of
from consentgate.cli.text import faint, moment_text, plain, short_ids, table, title, word
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.gate.evidence import Ungated
    from consentgate.gate.reconcile import Closed, Reconciled, Stuck, Waiting

NOTHING: Final = "Every request has its outcome."
_CONTRADICTED: Final = "contradicted"


@click.command("reconcile", cls=Command, example="consentgate reconcile --cloudtrail trail.json.gz")
@click.option(
    "--cloudtrail",
    "trail",
    metavar="FILE",
    type=click.Path(exists=True),
    multiple=True,
    help="A file of CloudTrail, compressed or not, or a folder of them. May be given more than once.",
)
def reconcile(home: str | None, trail: tuple[str, ...]) -> Done:
    """Close the requests whose end nobody recorded, once they can no longer arrive. Nothing gated is sent.

    How they ended is told by notifications that were taken in, by the vendor where a task is known, and by
    CloudTrail; where nothing tells, they are undetermined, with the reason. Clients take credentials and
    endpoints from the environment, as boto3 does. Several may run at once, also beside gates at work.

    With --cloudtrail also the calls are reported that passed the gate by. Hand in every file of the time in question:
    CloudTrail may deliver late, so that a call that is not there proves nothing.

    Exit code 1 when calls passed the gate by or contradict an outcome, 4 when requests are open still, because they
    may still arrive or cannot be closed, or stop orders are.
    """
    from consentgate.config.reconcile import reconcile_once
    from consentgate.config.upkeep import keep_log, require_database

    settings = settings_of(home)
    require_database(settings)
    done = reconcile_once(settings, [Path(each) for each in trail])
    findings = [*_found(done)]
    failure = keep_log(settings) if done.closed or done.late else None
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
    passed_by = any(each.kind in ("ungated", _CONTRADICTED) for each in findings)
    return Done(
        result=_result(done),
        text=_page(done, with_trail=bool(trail)),
        findings=tuple(findings),
        exit=FINDING if passed_by else INCOMPLETE if findings else DONE,
    )


def _result(done: "Reconciled") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "items": [_item(each) for each in done.closed],
        "late": [_item(each) for each in done.late],
        "waiting": [
            {
                "intent": str(each.intent),
                "operation": each.operation,
                "at": to_text(each.asked_at),
                "until": to_text(each.until),
            }
            for each in done.waiting
        ],
        "stuck": [{"intent": str(each.intent), "why": each.why} for each in done.stuck],
        "ungated": [
            {
                "event": each.event,
                "at": to_text(each.at),
                "operation": each.operation,
                "region": each.region,
                "principal": each.principal,
                "error": each.error,
                "unclear": each.unclear,
            }
            for each in done.ungated
        ],
        "events": done.events,
    }


def _item(each: "Closed") -> Json:
    from consentgate.moment import to_text

    return {
        "intent": str(each.intent),
        "entry": str(each.entry),
        "operation": each.operation,
        "at": to_text(each.asked_at),
        "end": each.end,
        "by": each.by,
        "because": each.because,
        "why": each.why,
        "was": each.was,
        "new": each.fresh,
        "stops": each.stops,
    }


def _found(done: "Reconciled") -> list[Finding]:
    return [
        *map(_passed_by, done.ungated),
        *(_contradicts(each) for each in done.late if each.contradicts),
        *map(_waits, done.waiting),
        *map(_cannot_be_closed, done.stuck),
        *(_runs(each) for each in (*done.closed, *done.late) if each.stops == "open"),
    ]


def _passed_by(each: "Ungated") -> Finding:
    found = f"{each.operation} in {plain(each.region)} by {each.principal} at {moment_text(each.at)}"
    return Finding(
        kind="ungated",
        where=f"event {plain(each.event)}",
        expected="an intent" + (", or one of somebody who was erased" if each.unclear else ""),
        found=found + (f", answered {each.error}" if each.error is not None else ""),
        cure="Find out who called, and let only the gate's role call these operations: `consentgate aws policy`.",
    )


def _contradicts(each: "Closed") -> Finding:
    return Finding(
        kind=_CONTRADICTED,
        where=f"intent {each.intent}",
        expected=f"{each.was}, as its outcome says",
        found=each.why,
        cure="Look at the entries with `consentgate entries show`: the task may run.",
    )


def _waits(each: "Waiting") -> Finding:
    return Finding(
        kind="open",
        where=f"intent {each.intent}",
        expected="an outcome",
        found="none, and its request may still arrive",
        cure="Run `consentgate reconcile` again once it can no longer.",
    )


def _cannot_be_closed(each: "Stuck") -> Finding:
    return Finding(
        kind="open",
        where=f"intent {each.intent}",
        expected="an outcome",
        found=each.why,
        cure="Run `consentgate verify`.",
    )


def _runs(each: "Closed") -> Finding:
    return Finding(
        kind="stop_open",
        where=f"intent {each.intent}",
        expected="nothing that runs for somebody who withdrew",
        found="a stop order that nobody carried out"
        if each.end == "succeeded"
        else "nobody knows what was started",
        cure="Run `consentgate worker run --once` with the vendor's credentials, or look in the vendor's console.",
    )


def _page(done: "Reconciled", *, with_trail: bool) -> str:
    blocks = [_closed(done.closed)] if done.closed else []
    if done.late:
        blocks.append(f"{title('closed before, and CloudTrail says more')}\n{_closed(done.late)}")
    if done.waiting:
        rows = [
            (str(each.intent)[-8:], each.operation, f"until {moment_text(each.until)}")
            for each in done.waiting
        ]
        blocks.append(f"{title('may still arrive')}\n{table(rows, ('intent', 'operation', ''))}")
    if done.stuck:
        rows = [(str(each.intent), plain(each.why), "") for each in done.stuck]
        blocks.append(f"{title('cannot be closed')}\n{table(rows, ('intent', 'why', ''))}")
    blocks += [] if blocks else [NOTHING]
    if done.ungated:
        calls = [
            (
                moment_text(each.at),
                each.operation,
                plain(each.region),
                each.principal,
                plain(each.error or "done"),
                plain(each.event),
            )
            for each in done.ungated
        ]
        headers = ("at", "operation", "region", "by", "answer", "event")
        blocks.append(f"{title('passed the gate by')}\n{table(calls, headers)}")
    elif with_trail:
        blocks.append(faint(f"{done.events} calls in CloudTrail; none passed the gate by."))
    return "\n\n".join(blocks)


def _closed(items: "tuple[Closed, ...]") -> str:
    short = short_ids(str(each.intent) for each in items)
    rows = [
        (
            short[str(each.intent)],
            moment_text(each.asked_at),
            each.operation,
            word(each.end),
            each.by,
            each.stops if each.stops != "none" else "",
        )
        for each in items
    ]
    reasons = {each.why: None for each in items}
    listed = table(rows, ("intent", "asked", "operation", "end", "told by", "stop orders"))
    return "\n".join([listed, "", *(faint(why) for why in reasons)])
