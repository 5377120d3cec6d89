"""The page on parts names every member that a real run writes, and a decision can be made again from them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import unb64
from consentgate.consent.reference import Reference
from consentgate.consent.state import fold
from consentgate.ledger import controller, statements
from consentgate.packs.packset import PackSet, shipped
from consentgate.policy.assertions import in_force
from consentgate.policy.decide import Decision, decide
from consentgate.policy.facts import candidates
from consentgate.policy.record import decision_from, request_from, speaker_from
from consentgate.policy.requirements import merge
from consentgate.storage import artifacts, entries, subjects
from consentgate.version import VERSION
from tests.functional.docs.pages import text_of
from tests.functional.gate.conftest import World

PAGE = text_of("docs/formats/part.md")
KINDS = (
    "statement",
    "call",
    "assertion",
    "registry",
    "packs",
    "intent",
    "denial",
    "outcome",
    "observation",
    "stop",
)

# Where the page describes the parts of a kind, by the first word of their names.
SECTIONS = {
    ("statement", "statement"): "### `statement`",
    ("call", "call"): "### `call`, and `body` of a call",
    ("call", "body"): "### `call`, and `body` of a call",
    ("assertion", "assertion"): "### `assertion`, and `body` of an assertion",
    ("assertion", "body"): "### `assertion`, and `body` of an assertion",
    ("registry", "body"): "### `body` of a registry",
    ("packs", "body"): "### `body` of a pack set",
    ("intent", "decision"): "### `decision`\n",
    ("denial", "decision"): "### `decision`\n",
    ("intent", "exchange"): "### `exchange` of an intent or denial",
    ("denial", "exchange"): "### `exchange` of an intent or denial",
    ("denial", "body"): "### `body` of a denial",
    ("intent", "body"): "### `body` of an intent",
    ("outcome", "body"): "### `body` of an outcome",
    ("observation", "body"): "### `body` of an outcome",
    ("outcome", "exchange"): "### `exchange` of an outcome or observation",
    ("outcome", "matches"): "### `matches`",
    ("observation", "exchange"): "### `exchange` of an outcome or observation",
    ("observation", "matches"): "### `matches`",
    ("stop", "decision"): "### `decision` of a stop",
}
OF_A_STOP = "### `exchange` of an observation of a stop order"
OF_A_TASK = "### `exchange` of an observation of a task"
ASKED = "### `exchange` of an observation of what a client stopped or deleted"


def documented(where: str) -> dict[str, bool]:
    """The members of the first table from some text on, and whether they are always there."""
    assert PAGE.count(where) == 1
    table = PAGE[PAGE.index("| member", PAGE.index(where)) :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table]
    return {name.strip("`"): row[1] == "always" for row in cells for name in row[0].split(", ")}


def objects(kind: str, name: str, content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects in one part, each with the text before its table."""
    word = name.partition(".")[0]
    about_stop, about_task = "stopped" in content, "source" in content
    asked = kind == "observation" and "operation" in content
    # Every part says the version of its format; the page says so once.
    where = OF_A_STOP if about_stop else OF_A_TASK if about_task else ASKED if asked else SECTIONS[kind, word]
    yield where, {k: v for k, v in content.items() if k != "v"}
    if (kind, word) == ("call", "call"):
        yield "| member of a call's speaker |", content["speaker"]
    if kind in ("intent", "denial") and word == "decision":
        yield from ((f"| member of `{each}` |", content[each]) for each in ("asked", "speaker", "decision"))
    plain = not (about_stop or about_task or asked)
    if kind in ("outcome", "observation") and word == "exchange" and plain:
        yield from (("| member of an attempt |", each) for each in content["attempts"])
        if "reconciled" in content:
            yield "| member of `reconciled` |", content["reconciled"]


def test_every_member_written_is_on_the_page_and_the_other_way_round(lived: World) -> None:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row, parts in lived.opened(*KINDS):
        for name, content in parts.items():
            assert content["v"] == 1
            for where, members in objects(row.kind, name, content):
                found[where].append(members)
    assert found.keys() == {*SECTIONS.values(), OF_A_STOP, OF_A_TASK, ASKED} | {
        f"| member of {each} |"
        for each in ("a call's speaker", "`asked`", "`speaker`", "`decision`", "`reconciled`", "an attempt")
    }
    for where, written in found.items():
        table = documented(where)
        assert {name for members in written for name in members} == table.keys(), where
        always = {name for name, required in table.items() if required}
        assert [members for members in written if not always <= members.keys()] == [], where


def test_table_of_kinds_has_those_that_are_written_and_no_other(lived: World) -> None:
    lived.gate.close()
    with lived.raw() as raw:
        written = {kind for (kind,) in raw.execute("SELECT DISTINCT kind FROM entry").fetchall()}
    table = PAGE.partition("| kind | parts | under the key of |")[2].split("\n\n")[0]
    named = {kind for row in table.splitlines()[2:] for kind in re.findall(r"`(\w+)`", row.split("|")[1])}
    # What stands in an export's is compared where exports are made.
    assert named - {"export"} == written


def test_decision_is_made_again_from_what_its_entry_names(lived: World) -> None:
    packs = shipped()
    again = 0
    for row, parts in lived.opened("intent", "denial"):
        for name, content in parts.items():
            if name.startswith("decision."):
                with lived.gate._parts.database.read() as connection:
                    made = remade(lived, connection, content, packs)
                assert made == decision_from(content["decision"])
                assert made.at == row.at
                again += 1
    assert again == 17


def remade(world: World, connection: Connection, content: Mapping[str, Any], packs: PackSet) -> Decision:
    """Decide anew, from nothing but the entry and what it names by id or digest."""
    book = world.gate._parts.book
    assert content["engine"] == VERSION
    assert artifacts.artifact_of(connection, "default", unb64(content["packs"])) is not None
    assert unb64(content["packs"]) == packs.digest
    registry = controller.registry(book, connection, unb64(content["registry"]))
    references = tuple(Reference(kind=r["kind"], value=r["value"]) for r in content["references"])
    own = book.vault.find(connection, references)[references[0]]

    ids = [UUID(each) for each in (*content["statements"], *content["assertions"])]
    linked = subjects.subjects_of(connection, "default", ids)
    keys = book.vault.data_keys(connection, [subject for each in linked.values() for subject in each])
    said = [
        subjects.LinkedEntry(row=row, subjects=linked[row.id])
        for each in content["statements"]
        if (row := entries.by_id(connection, "default", UUID(each)))
    ]
    body = book.vault.find_key(connection, "body")
    asserted = [
        controller.assertion_of(
            row,
            [*(keys[s] for s in linked[row.id] if s in keys), *([body] if body else [])],
            own if row.about_people else None,
        )
        for each in content["assertions"]
        if (row := entries.by_id(connection, "default", UUID(each)))
    ]
    asked, speaker = request_from(content["asked"]), speaker_from(content["speaker"])
    at = decision_from(content["decision"]).at
    standing = in_force([each for each in asserted if each], at, about=str(own))
    codes = candidates(speaker.evidence, controller=content.get("controller_jurisdiction"))
    return decide(
        request=asked,
        speaker=speaker,
        state=fold(
            statements.received(book, connection, said, keys, registry),
            references=references,
            purpose=asked.purpose,
        ),
        requirements=merge(codes, packs, day=at.date(), purpose=asked.purpose, standing=standing),
        standing=standing,
        at=at,
    )
