"""``consentgate entries``: what is written, entry by entry."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Done, Noun
from consentgate.cli.opening import looking
from consentgate.cli.text import faint, fields, findings_text, moment_text, short_ids, table, title, word
from consentgate.errors import InvalidInput
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.config.entries import Opened
    from consentgate.storage.listing import Listed

_LIMIT = 50


@click.group(cls=Noun)
def entries() -> None:
    """List and show entries."""


@entries.command("list", example="consentgate entries list --kind intent --kind denial --limit 20")
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only this kind; may be repeated.")
@click.option("--open", "only_open", is_flag=True, help="Only intents without a final outcome.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=_LIMIT, show_default=True, help="At most so many."
)
@click.option("--after", metavar="ENTRY", help="Those that follow this entry; by default the newest.")
def _list(home: str | None, kinds: tuple[str, ...], only_open: bool, limit: int, after: str | None) -> Done:
    """List entries in the order in which they were written.

    Exit code 4 when --open finds any: their requests may still be under way.
    """
    from consentgate.config.entries import entry_list, entry_named
    from consentgate.entries.kinds import KINDS

    unknown = sorted(set(kinds) - KINDS.keys())
    if unknown:
        raise InvalidInput(f"There is no kind {unknown[0]!r}. The kinds are {', '.join(sorted(KINDS))}.")
    with looking(home) as parts:
        start = entry_named(parts, after) if after else None
        found = entry_list(parts, kinds=kinds, only_open=only_open, after=start, limit=limit)
    items: list[Json] = [_item(each) for each in found]
    findings = tuple(_open_finding(each) for each in found) if only_open else ()
    return Done(
        result={"items": items, "next": str(found[-1].id) if len(found) == limit else None},
        text=_table(found) if found else "No entry.",
        findings=findings,
        exit=INCOMPLETE if findings else DONE,
    )


@entries.command("show", example="consentgate entries show 5f0c9a12")
@click.argument("entry")
@click.option(
    "--reveal", is_flag=True, help="Also show references, tokens, bodies and scores: personal data."
)
def _show(home: str | None, entry: str, reveal: bool) -> Done:
    """Show one entry: its leaf, and the parts that our keys open. ENTRY is its id, or the last 8 characters.

    Exit code 1 when the stored hash is not that of the bytes.
    """
    from consentgate.config.entries import entry_named, entry_opened

    with looking(home) as parts:
        opened = entry_opened(parts, entry_named(parts, entry))
    return _shown(opened, reveal=reveal)


def _table(found: "tuple[Listed, ...]") -> str:
    short = short_ids(str(each.id) for each in found)
    answered = short_ids(str(each.re) for each in found if each.re)
    rows = [
        (
            short[str(each.id)],
            moment_text(each.at),
            each.kind,
            word(each.end) if each.end else "",
            answered[str(each.re)] if each.re else "",
            "people" if each.about_people else "",
            str(each.position) if each.position is not None else faint("not yet"),
        )
        for each in found
    ]
    return table(rows, ("entry", "at", "kind", "end", "answers", "about", "position"))


def _item(each: "Listed") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "id": str(each.id),
        "kind": each.kind,
        "at": to_text(each.at),
        "about_people": each.about_people,
        "re": str(each.re) if each.re else None,
        "end": each.end,
        "position": each.position,
    }


def _open_finding(each: "Listed") -> Finding:
    return Finding(
        kind="open",
        where=f"entry {each.id}",
        expected="a final outcome",
        found="none",
        cure="Wait until the client's time is over; then it is closed as undetermined.",
    )


def _shown(opened: "Opened", *, reveal: bool) -> Done:
    import json

    from consentgate import canonical
    from consentgate.cli.reveal import shown_content
    from consentgate.entries.leaf import encode

    leaf = canonical.decode(encode(opened.leaf))
    contents: dict[str, Json] = {
        name: None if content is None else shown_content(name, content, reveal=reveal)
        for name, content in opened.contents.items()
    }
    findings = () if opened.hash_stands else (_altered(opened),)
    result: dict[str, Json] = {
        "id": str(opened.leaf.id),
        "leaf": leaf,
        "hash": opened.hash.hex(),
        "position": opened.position,
        "linked_to": opened.about,
        "parts": contents,
        "answers": [{"id": str(row.id), "kind": row.kind, "end": row.end} for row in opened.answers],
        "revealed": reveal,
    }
    parts = [
        f"{title(name)}\n"
        + (
            "  sealed: no key here opens it"
            if content is None
            else _indented(json.dumps(content, indent=2, ensure_ascii=False))
        )
        for name, content in contents.items()
    ]
    blocks = [fields(_pairs(opened)), f"{title('leaf')}\n{_indented(json.dumps(leaf, indent=2))}", *parts]
    if opened.leaf.kind == "statement":
        blocks.append(faint(f"`consentgate consent show {str(opened.leaf.id)[-8:]}` shows what it says."))
    blocks += [findings_text(findings)] if findings else []
    return Done(
        result=result, text="\n\n".join(blocks), findings=findings, exit=FINDING if findings else DONE
    )


def _pairs(opened: "Opened") -> list[tuple[str, str]]:
    leaf = opened.leaf
    answers = "\n".join(
        f"{row.kind} {word(row.end) + ' ' if row.end else ''}{str(row.id)[-8:]}" for row in opened.answers
    )
    return [
        ("entry", str(leaf.id)),
        ("kind", leaf.kind),
        ("at", moment_text(leaf.at)),
        ("end", word(leaf.end) if leaf.end else ""),
        ("answers", str(leaf.re.id) if leaf.re else ""),
        ("answered by", answers),
        ("hash", opened.hash.hex()),
        ("position", str(opened.position) if opened.position is not None else "not sequenced yet"),
        ("linked to", f"{opened.about} subject{'' if opened.about == 1 else 's'}" if opened.about else ""),
    ]


def _altered(opened: "Opened") -> Finding:
    return Finding(
        kind="altered",
        where=f"entry {opened.leaf.id}, column hash",
        expected=opened.hash.hex(),
        found="another hash",
        cure="Run `consentgate verify`.",
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
