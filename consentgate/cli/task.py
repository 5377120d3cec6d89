"""``consentgate task``: what requests started at the vendor, what became of it, and what is due when."""

from typing import TYPE_CHECKING, Final

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking
from consentgate.cli.text import faint, fields, moment_text, plain, short_ids, table, title

if TYPE_CHECKING:
    from datetime import datetime

    from consentgate.ledger.lifetimes import Lifetime
    from consentgate.ledger.retention import Held

_LIMIT: Final = 100
_WORDS: Final = {
    "embedding": "voice embedding, deleted by the vendor",
    "results": "results, deleted by the vendor",
    "profile": "voice profile, expires",
}


@click.group(cls=Noun)
def task() -> None:
    """List and show tasks and voice profiles, and what is due when."""


@task.command("list", example="consentgate task list")
@click.option("--all", "everything", is_flag=True, help="Also those of which the vendor holds nothing more.")
@click.option("--reveal", is_flag=True, help="Also show the vendor's ids: personal data.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=_LIMIT,
    show_default=True,
    help="Look at so many outcomes.",
)
@click.option("--after", metavar="ENTRY", help="Those that follow this outcome; by default the newest.")
def _list(home: str | None, everything: bool, reveal: bool, limit: int, after: str | None) -> Done:
    """List the tasks and voice profiles of which the vendor holds something still, and what goes next.

    By the vendor's terms a voice embedding goes 24 hours after its search, results after 7 days, and a voice profile
    after 3 years. A time with "at the latest" is reckoned, since nobody told it.
    """
    from consentgate.config.entries import entry_named
    from consentgate.config.tasks import task_list

    with looking(home) as parts:
        start = entry_named(parts, after) if after else None
        page = task_list(parts, after=start, limit=limit, everything=everything)
        now = parts.book.now()
    items: list[Json] = [_item(each, reveal=reveal) for each in page.items]
    return Done(
        result={"items": items, "next": str(page.next) if page.next else None, "revealed": reveal},
        text=_table(page.items, now, reveal=reveal) if items else "The vendor holds nothing of a task.",
    )


@task.command("show", example="consentgate task show 5f0c9a12")
@click.argument("task_id", metavar="TASK")
@click.option("--reveal", is_flag=True, help="Also show the vendor's id: personal data.")
def _show(home: str | None, task_id: str, reveal: bool) -> Done:
    """Show the life of a task or voice profile: what was seen of it, and what the vendor holds until when.

    TASK is the vendor's id of it, or the id of the intent or outcome, or the last 8 characters of one.
    """
    from consentgate.config.tasks import task_shown

    with looking(home) as parts:
        found = task_shown(parts, task_id)
        now = parts.book.now()
    return Done(
        result={**_item(found, reveal=reveal), "revealed": reveal}, text=_page(found, now, reveal=reveal)
    )


def _item(each: "Lifetime", *, reveal: bool) -> dict[str, Json]:
    from consentgate.moment import to_text

    state = each.state
    return {
        "intent": str(each.intent),
        "outcome": str(each.outcome),
        "service": each.service,
        "operation": each.operation,
        "region": each.region,
        "task": each.task if reveal else None,
        "started_at": to_text(each.started_at),
        "status": state.status,
        "status_at": to_text(state.at) if state.at else None,
        "ended": state.ended,
        "results": state.results,
        "deleted_at": to_text(each.deleted_at) if each.deleted_at else None,
        "seen": [
            {
                "id": str(sighting.entry),
                "status": sighting.status,
                "at": to_text(sighting.at) if sighting.at else None,
                "source": sighting.source,
                "results": sighting.results,
            }
            for sighting in state.sightings
        ],
        "held": [
            {"what": held.what, "since": to_text(held.since), "until": to_text(held.until), "told": held.told}
            for held in each.held
        ],
    }


def _table(items: "tuple[Lifetime, ...]", now: "datetime", *, reveal: bool) -> str:
    from consentgate.ledger.retention import still

    short = short_ids(str(each.intent) for each in items)
    rows = []
    for each in items:
        held = still(each.held, now)
        cells = [
            short[str(each.intent)],
            moment_text(each.started_at),
            each.operation,
            _status(each),
            f"{held[0].what} {_until(held[0])}" if held else faint("nothing"),
        ]
        rows.append([*cells, plain(each.task)] if reveal else cells)
    headers = ("intent", "started", "operation", "status", "next to go", *(["task"] if reveal else []))
    return table(rows, headers)


def _page(found: "Lifetime", now: "datetime", *, reveal: bool) -> str:
    pairs = [
        ("operation", f"{found.operation} of {found.service} in {found.region or 'no region'}"),
        ("task", plain(found.task) if reveal else "(hidden; --reveal shows it)"),
        ("started", moment_text(found.started_at)),
        ("intent", str(found.intent)),
        ("status", _status(found)),
    ]
    if found.deleted_at is not None:
        pairs.append(("deleted", moment_text(found.deleted_at)))
    seen = [
        (
            moment_text(each.at),
            each.status,
            each.source,
            "results" if each.results else "",
            str(each.entry)[-8:],
        )
        for each in found.state.sightings
    ]
    held = [(_WORDS[each.what], _until(each), "" if each.until > now else "gone") for each in found.held]
    blocks = [fields(pairs)]
    blocks.append(
        f"{title('seen')}\n{table(seen, ('at the vendor', 'status', 'from', '', 'entry'))}"
        if seen
        else faint("Nothing was seen of it yet: no notification came, and nobody polled.")
    )
    if held:
        blocks.append(f"{title('held by the vendor')}\n{table(held, ('what', 'until', ''))}")
    return "\n\n".join(blocks)


def _status(each: "Lifetime") -> str:
    if each.deleted_at is not None:
        return "deleted"
    if each.state.status is None:
        return faint("not seen")
    return f"{each.state.status} (ended)" if each.state.ended else each.state.status


def _until(held: "Held") -> str:
    return moment_text(held.until) if held.told else f"{moment_text(held.until)} at the latest"
