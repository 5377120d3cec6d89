"""Every table against every way of tampering with it, on the file itself, through the whole of `verify`.

What is expected is exact: the kinds of the findings, all of them. What cannot be found is at the end, each with
what it is; docs/formats/log.md says why and the threat model lists it, and both lists are compared with this one.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from tests.functional.verify.conftest import Story
from tests.functional.verify.damage import changing, other_signer, rebuild, remember
from tests.functional.verify.place import BEN, ISS, Place, heartbeats, person

ROOT = Path(__file__).parents[3]

Tamper = Callable[[Place], None]

STATEMENT = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal LIMIT 1)"
WITHDRAWAL = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal DESC LIMIT 1)"
GRANT = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal DESC LIMIT 1 OFFSET 1)"
NAMED_LATER = (
    f"(SELECT subject FROM entry_subject WHERE entry = {WITHDRAWAL}"
    f" INTERSECT SELECT subject FROM entry_subject WHERE entry = {GRANT})"
)
OF_STATEMENT = f"(SELECT subject FROM entry_subject WHERE entry = {STATEMENT})"
OF_OUTCOME = (
    "(SELECT subject FROM entry_subject WHERE kind = 'outcome' AND subject IN (SELECT subject FROM data_key))"
)
A_CALL = (
    "(SELECT subject FROM subject_ref WHERE subject NOT IN (SELECT subject FROM data_key)"
    " ORDER BY subject DESC LIMIT 1)"
)
SOMEBODY = "(SELECT subject FROM data_key ORDER BY subject DESC LIMIT 1)"
MIDDLE = "(SELECT ordinal FROM entry WHERE kind = 'heartbeat' ORDER BY ordinal LIMIT 1 OFFSET 150)"
LANE = f"(SELECT w FROM entry WHERE ordinal = {MIDDLE})"
PACK = "(SELECT digest FROM artifact WHERE kind = 'pack' ORDER BY digest DESC LIMIT 1)"
OTHER_PACK = "(SELECT digest FROM artifact WHERE kind = 'pack' ORDER BY digest LIMIT 1)"
NOTICE = "'voiceprint-1'"
OTHER_NOTICE = "'voiceprint-2'"
TEXT = f"(SELECT digest FROM notice WHERE id = {NOTICE})"
EPOCH = "'log_origin.1'"


def flipped(column: str, at: int = 1) -> str:
    """The bytes of a column, the one at a place put to another value."""
    return (
        f"CAST(substr({column}, 1, {at - 1}) AS BLOB) ||"
        f" CASE substr({column}, {at}, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr({column}, {at + 1})"
    )


def flip(table: str, column: str, where: str = "TRUE") -> str:
    return f"UPDATE {table} SET {column} = CAST({flipped(column)} AS BLOB) WHERE {where}"


def sql(*statements: str) -> Tamper:
    def tamper(place: Place) -> None:
        with changing(place):
            place.sql(*statements)

    return tamper


def swap(table: str, column: str, one: str, other: str) -> Tamper:
    """Exchange the values of a column in two rows, whatever keys stand against it."""

    def tamper(place: Place) -> None:
        place.loosen(table)
        first = f"(SELECT {column} FROM {table} WHERE {{}} ORDER BY {column} LIMIT 1)"
        place.sql(
            f"CREATE TABLE kept AS SELECT {first.format(one)} AS one, {first.format(other)} AS other",
            f"UPDATE {table} SET {column} = CASE WHEN {one} THEN (SELECT other FROM kept)"
            f" ELSE (SELECT one FROM kept) END WHERE {one} OR {other}",
            "DROP TABLE kept",
        )

    return tamper


def twice(table: str, where: str = "TRUE") -> Tamper:
    """Put one row of a table into it again."""

    def tamper(place: Place) -> None:
        place.loosen(table)
        place.sql(f"INSERT INTO {table} SELECT * FROM {table} WHERE {where} LIMIT 1")

    return tamper


def typed(table: str, column: str, value: str, where: str = "TRUE") -> Tamper:
    """Put a value of another type into a column: PostgreSQL has none to put there but nothing at all."""

    def tamper(place: Place) -> None:
        if place.server is not None:
            place.loosen(table)
        put = value if place.server is None else "NULL"
        place.sql(f"UPDATE {table} SET {column} = {put} WHERE {where}")

    return tamper


MATRIX: dict[str, tuple[Tamper, set[str]]] = {
    # deployment, after two epochs
    "deployment flip": (sql(f"UPDATE deployment SET value = value || 'x' WHERE name = {EPOCH}"), {"altered"}),
    "deployment delete": (
        sql(f"DELETE FROM deployment WHERE name = {EPOCH}"),
        {"altered", "extra", "lost", "truncated", "unsigned"},
    ),
    "deployment delete all": (
        sql("DELETE FROM deployment"),
        {"extra", "missing", "truncated", "uncovered", "unsequenced", "unsigned"},
    ),
    "deployment insert": (sql("INSERT INTO deployment VALUES ('colour', 'green')"), {"extra"}),
    "deployment insert an epoch": (
        sql(
            "INSERT INTO deployment VALUES ('log_origin.3', 'consentgate.invalid/aaaaaaaaaaaaaaaaaaaaaaaaaa')"
        ),
        {"altered", "missing", "truncated", "uncovered", "unsequenced"},
    ),
    "deployment test mark": (sql("INSERT INTO deployment VALUES ('test_database', 'yes')"), {"altered"}),
    "deployment swap": (swap("deployment", "value", f"name = {EPOCH}", "name = 'log_origin'"), {"altered"}),
    "deployment duplicate": (twice("deployment", f"name = {EPOCH}"), {"extra"}),
    "deployment types": (
        typed("deployment", "value", "x'00'", f"name = {EPOCH}"),
        {"altered", "extra", "lost", "malformed", "truncated", "unsigned"},
    ),
    # entry
    "entry flip leaf": (
        sql(flip("entry", "leaf", f"ordinal = {MIDDLE}")),
        {"malformed", "altered", "uncovered"},
    ),
    "entry flip hash": (sql(flip("entry", "hash", f"ordinal = {MIDDLE}")), {"altered"}),
    "entry flip parts": (
        sql(f"UPDATE entry SET parts = 'x' || substr(parts, 2) WHERE id = {STATEMENT}"),
        {"altered"},
    ),
    "entry flip kind": (sql(f"UPDATE entry SET kind = 'call' WHERE id = {STATEMENT}"), {"altered"}),
    "entry flip at": (sql(f"UPDATE entry SET at = at + 1 WHERE ordinal = {MIDDLE}"), {"altered"}),
    "entry delete": (sql(f"DELETE FROM entry WHERE ordinal = {MIDDLE}"), {"missing"}),
    "entry delete withdrawal": (
        sql(f"DELETE FROM entry WHERE id = {WITHDRAWAL}"),
        {"missing", "extra"},
    ),
    "entry insert": (
        sql(
            'INSERT INTO entry (id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)'
            " SELECT randomblob(16), tenant, kind, at, about, randomblob(16), 0, re,"
            f' "end", leaf, hash, parts FROM entry WHERE ordinal = {MIDDLE}'
        ),
        {"altered", "reordered", "unsequenced", "uncovered"},
    ),
    "entry swap rows": (
        swap("entry", "ordinal", f"n = 100 AND w = {LANE}", f"n = 101 AND w = {LANE}"),
        {"reordered"},
    ),
    "entry swap leaves": (
        swap("entry", "leaf", f"n = 100 AND w = {LANE}", f"n = 101 AND w = {LANE}"),
        {"altered", "reordered", "uncovered"},
    ),
    "entry duplicate": (twice("entry", f"id = {STATEMENT}"), {"extra"}),
    "entry types": (typed("entry", "hash", "'text'", f"ordinal = {MIDDLE}"), {"malformed", "missing"}),
    "entry bad UTF-8": (
        typed("entry", "kind", "CAST(x'ff' AS TEXT)", f"ordinal = {MIDDLE}"),
        {"malformed", "missing"},
    ),
    # statement
    "statement flip": (sql(flip("statement", "key", f"entry = {STATEMENT}")), {"altered"}),
    "statement delete": (sql(f"DELETE FROM statement WHERE entry = {STATEMENT}"), {"missing"}),
    "statement insert": (
        sql(
            f"INSERT INTO statement SELECT 'default', id, randomblob(32) FROM entry WHERE ordinal = {MIDDLE}"
        ),
        {"extra"},
    ),
    "statement swap": (
        swap("statement", "key", f"entry = {STATEMENT}", f"entry = {WITHDRAWAL}"),
        {"altered"},
    ),
    "statement duplicate": (twice("statement"), {"extra"}),
    "statement types": (
        typed("statement", "key", "'text'", f"entry = {STATEMENT}"),
        {"malformed", "missing"},
    ),
    # artifact
    "artifact flip": (sql(flip("artifact", "content", f"digest = {PACK}")), {"altered"}),
    "artifact flip kind": (
        sql(f"UPDATE artifact SET kind = 'notice' WHERE digest = {PACK}"),
        {"altered"},
    ),
    "artifact flip media type": (
        sql(f"UPDATE artifact SET media_type = 'text/html' WHERE digest = {TEXT}"),
        {"altered"},
    ),
    "artifact delete pack": (sql(f"DELETE FROM artifact WHERE digest = {PACK}"), {"missing"}),
    "artifact delete notice": (sql(f"DELETE FROM artifact WHERE digest = {TEXT}"), {"missing"}),
    "artifact delete registry": (
        sql("DELETE FROM artifact WHERE kind = 'registry'"),
        {"missing", "unsigned"},
    ),
    "artifact insert": (
        sql("INSERT INTO artifact VALUES ('default', x'" + "11" * 32 + "', 'pack', 'text/plain', x'00')"),
        {"altered", "extra"},
    ),
    "artifact swap": (
        swap("artifact", "content", f"digest = {PACK}", f"digest = {OTHER_PACK}"),
        {"altered"},
    ),
    "artifact duplicate": (twice("artifact"), {"extra"}),
    "artifact types": (typed("artifact", "content", "'text'", f"digest = {PACK}"), {"malformed", "missing"}),
    # notice
    "notice flip": (sql(f"UPDATE notice SET version = 'x' WHERE id = {NOTICE}"), {"altered"}),
    "notice flip digest": (sql(flip("notice", "digest", f"id = {NOTICE}")), {"altered", "missing"}),
    "notice flip manifest": (sql(flip("notice", "manifest", f"id = {NOTICE}")), {"missing"}),
    "notice delete": (sql(f"DELETE FROM notice WHERE id = {NOTICE}"), {"missing"}),
    "notice insert": (
        sql(
            "INSERT INTO notice SELECT tenant, id, '2', language, digest, manifest FROM notice"
            f" WHERE id = {NOTICE}"
        ),
        {"altered"},
    ),
    "notice swap": (swap("notice", "digest", f"id = {NOTICE}", f"id = {OTHER_NOTICE}"), {"altered"}),
    "notice swap text and manifest": (
        sql(f"UPDATE notice SET digest = manifest, manifest = digest WHERE id = {NOTICE}"),
        {"altered"},
    ),
    "notice duplicate": (twice("notice", f"id = {NOTICE}"), {"extra"}),
    "notice types": (typed("notice", "digest", "7", f"id = {NOTICE}"), {"malformed", "missing"}),
    # seq
    "seq flip": (sql(flip("seq", "hash", "position = 100")), {"altered"}),
    "seq delete": (
        sql("DELETE FROM seq WHERE position = 100"),
        {"missing", "unsequenced", "reordered", "altered", "truncated", "uncovered"},
    ),
    "seq insert": (
        sql("INSERT INTO seq VALUES (0, 9999, 'default', randomblob(16), randomblob(32))"),
        {"missing", "uncovered"},
    ),
    "seq insert into another log": (
        sql("INSERT INTO seq SELECT 7, position, tenant, entry, hash FROM seq"),
        {"extra"},
    ),
    "seq swap": (
        swap("seq", "position", "position = 100", "position = 101"),
        {"reordered", "altered", "uncovered"},
    ),
    "seq duplicate": (
        twice("seq", "position = 848"),
        {"extra", "missing", "reordered", "uncovered"},
    ),
    "seq types": (
        typed("seq", "entry", "'text'", "position = 100"),
        {"malformed", "missing", "unsequenced", "reordered", "altered", "truncated", "uncovered"},
    ),
    # tile
    "tile flip": (sql(flip("tile", "hashes", "idx = 1")), {"altered"}),
    "tile delete": (sql("DELETE FROM tile WHERE idx = 1"), {"missing"}),
    "tile insert": (sql("INSERT INTO tile VALUES (0, 0, 9, zeroblob(8192))"), {"extra"}),
    "tile swap": (swap("tile", "hashes", "idx = 0", "idx = 1"), {"altered"}),
    "tile swap levels": (sql("UPDATE tile SET level = 1 WHERE idx = 1"), {"missing", "extra"}),
    "tile duplicate": (twice("tile", "idx = 1"), {"extra"}),
    "tile types": (typed("tile", "hashes", "'text'", "idx = 1"), {"malformed", "missing"}),
    # tree_state
    "tree_state flip": (sql(flip("tree_state", "root", "size = 715")), {"altered"}),
    "tree_state flip frontier": (sql(flip("tree_state", "frontier", "size = 715")), {"altered"}),
    "tree_state at earlier": (sql("UPDATE tree_state SET at = at - 3600000 WHERE size = 715"), {"altered"}),
    "tree_state at later": (sql("UPDATE tree_state SET at = at + 3600000 WHERE size = 715"), {"altered"}),
    "tree_state delete the last": (sql("DELETE FROM tree_state WHERE size = 849"), {"missing"}),
    "tree_state insert": (
        sql("INSERT INTO tree_state SELECT log, 900, frontier, root, at FROM tree_state WHERE size = 849"),
        {"truncated"},
    ),
    "tree_state swap": (swap("tree_state", "root", "size = 715", "size = 849"), {"altered"}),
    "tree_state duplicate": (twice("tree_state", "size = 715"), {"extra"}),
    "tree_state negative": (sql("UPDATE tree_state SET size = -5 WHERE size = 715"), {"altered"}),
    "tree_state types": (typed("tree_state", "root", "'text'", "size = 715"), {"malformed"}),
    # checkpoint
    "checkpoint flip": (
        sql("UPDATE checkpoint SET note = replace(note, '849', '848') WHERE size = 849"),
        {"unsigned", "uncovered"},
    ),
    "checkpoint flip size": (
        sql("UPDATE checkpoint SET size = 900 WHERE size = 715"),
        {"altered", "truncated"},
    ),
    "checkpoint at": (sql("UPDATE checkpoint SET at = at - 3600000 WHERE size = 715"), {"altered"}),
    "checkpoint delete the last": (sql("DELETE FROM checkpoint WHERE size = 849"), {"uncovered"}),
    "checkpoint insert": (
        sql("INSERT INTO checkpoint SELECT log, 800, origin, note, at FROM checkpoint WHERE size = 715"),
        {"altered"},
    ),
    "checkpoint swap": (
        swap("checkpoint", "note", "size = 715", "size = 849"),
        {"altered", "uncovered"},
    ),
    "checkpoint duplicate": (twice("checkpoint", "size = 715"), {"extra"}),
    "checkpoint types": (typed("checkpoint", "note", "x'00'", "size = 849"), {"malformed", "uncovered"}),
    # anchor, with the folder that it names
    "anchor flip": (
        sql("UPDATE anchor SET evidence = '0' || substr(evidence, 2) WHERE size = 715"),
        {"altered"},
    ),
    "anchor flip at": (sql("UPDATE anchor SET at = at - 3600000 WHERE size = 715"), {"altered"}),
    "anchor flip name": (sql("UPDATE anchor SET name = 'elsewhere' WHERE size = 715"), {"extra", "missing"}),
    "anchor delete": (sql("DELETE FROM anchor WHERE size = 715"), {"missing"}),
    "anchor insert": (
        sql("INSERT INTO anchor SELECT log, name, 800, kind, evidence, at FROM anchor WHERE size = 715"),
        {"missing"},
    ),
    "anchor swap": (swap("anchor", "evidence", "size = 715", "size = 849"), {"altered"}),
    "anchor duplicate": (twice("anchor", "size = 715"), {"extra"}),
    "anchor types": (typed("anchor", "evidence", "x'00'", "size = 715"), {"malformed", "missing"}),
    # data_key
    "data_key flip": (
        sql(flip("data_key", "wrapped", f"subject = {OF_STATEMENT}")),
        {"altered", "link_missing"},
    ),
    "data_key delete": (sql(f"DELETE FROM data_key WHERE subject = {OF_STATEMENT}"), {"link_missing"}),
    "data_key insert": (
        sql(
            "INSERT INTO data_key SELECT tenant, randomblob(16), wrapping_key, wrapped FROM data_key LIMIT 1"
        ),
        {"missing"},
    ),
    "data_key swap": (
        swap(
            "data_key",
            "wrapped",
            f"subject = {OF_STATEMENT}",
            f"subject = {OF_OUTCOME}",
        ),
        {"link_missing"},
    ),
    "data_key duplicate": (twice("data_key"), {"extra"}),
    "data_key types": (
        typed("data_key", "wrapped", "'text'", f"subject = {OF_STATEMENT}"),
        {"altered", "link_missing"},
    ),
    # subject_ref
    "subject_ref flip person": (
        sql(flip("subject_ref", "hmac", f"subject = {OF_STATEMENT}")),
        {"missing"},
    ),
    "subject_ref flip call": (sql(flip("subject_ref", "hmac", f"subject = {A_CALL}")), {"link_missing"}),
    "subject_ref flip epoch": (
        sql(f"UPDATE subject_ref SET key_epoch = 99 WHERE subject = {OF_STATEMENT}"),
        {"altered", "missing"},
    ),
    "subject_ref flip suppression": (
        sql(f"UPDATE subject_ref SET suppression = TRUE WHERE subject = {OF_STATEMENT}"),
        {"altered"},
    ),
    "subject_ref insert": (
        sql("INSERT INTO subject_ref VALUES ('default', 99, randomblob(32), randomblob(16), TRUE)"),
        {"altered"},
    ),
    "subject_ref delete": (
        sql(f"DELETE FROM subject_ref WHERE subject = {OF_STATEMENT}"),
        {"missing"},
    ),
    "subject_ref delete call": (
        sql(f"DELETE FROM subject_ref WHERE subject = {A_CALL}"),
        {"missing", "link_missing"},
    ),
    "subject_ref swap": (
        swap(
            "subject_ref",
            "subject",
            f"subject = {OF_STATEMENT}",
            f"subject = {OF_OUTCOME}",
        ),
        {"altered", "link_missing"},
    ),
    "subject_ref duplicate": (twice("subject_ref"), {"extra"}),
    "subject_ref types": (
        typed("subject_ref", "hmac", "'text'", f"subject = {OF_STATEMENT}"),
        {"malformed", "missing"},
    ),
    # entry_subject
    "entry_subject flip": (
        sql(f"UPDATE entry_subject SET kind = 'call' WHERE entry = {STATEMENT}"),
        {"altered"},
    ),
    "entry_subject delete": (sql(f"DELETE FROM entry_subject WHERE entry = {STATEMENT}"), {"link_missing"}),
    "entry_subject delete later-named": (
        sql(f"DELETE FROM entry_subject WHERE entry = {WITHDRAWAL} AND subject = {NAMED_LATER}"),
        {"link_missing"},
    ),
    "entry_subject delete call": (
        sql(f"DELETE FROM entry_subject WHERE subject = {A_CALL}"),
        {"link_missing"},
    ),
    "entry_subject insert": (
        sql("INSERT INTO entry_subject VALUES ('default', randomblob(16), randomblob(16), 'call')"),
        {"extra"},
    ),
    "entry_subject insert to nobody": (
        sql(f"INSERT INTO entry_subject VALUES ('default', {STATEMENT}, randomblob(16), 'statement')"),
        {"missing"},
    ),
    "entry_subject insert of the registry": (
        sql(
            f"INSERT INTO entry_subject SELECT 'default', id, {SOMEBODY}, kind"
            " FROM entry WHERE kind = 'registry'"
        ),
        {"extra"},
    ),
    "entry_subject swap": (
        swap(
            "entry_subject", "subject", f"entry = {STATEMENT}", f"kind = 'outcome' AND subject = {OF_OUTCOME}"
        ),
        {"link_missing"},
    ),
    "entry_subject duplicate": (twice("entry_subject"), {"extra"}),
    "entry_subject types": (
        typed("entry_subject", "subject", "'text'", f"entry = {STATEMENT}"),
        {"malformed", "link_missing"},
    ),
}


@pytest.mark.parametrize("name", MATRIX)
def test_tampering_is_found_as_what_it_is(story: Story, name: str) -> None:
    tamper, expected = MATRIX[name]
    place = story(name.split(" ", maxsplit=1)[0])
    with changing(place):
        tamper(place)
    found = place.verify().verification
    assert {each.kind for each in found.findings} == expected
    assert found.exit_code == (4 if expected == {"uncovered"} else 1)
    assert all(each.cure and each.where for each in found.findings)


def _put_back(place: Place) -> None:
    with changing(place):
        place.roll_back()
        place.roll_state_back()


def _name_somebody(place: Place) -> None:
    known = [bytes(each).hex() for each in place.all("SELECT subject FROM subject_ref")]
    place.work(
        lambda gate: gate.issuer(ISS).refuse(person(BEN, ("phone", "+13125550199")), method="ivr_dtmf")
    )
    named = ", ".join(f"x'{each}'" for each in known)
    sql(flip("subject_ref", "hmac", f"subject NOT IN ({named})"))(place)


def _cut_lane(place: Place) -> None:
    with ConsentGate(load_settings(place.home), background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 1))
    # What closing the gate wrote goes too.
    sql("DELETE FROM entry WHERE id NOT IN (SELECT entry FROM seq)")(place)


def _substitute(place: Place) -> None:
    signer = other_signer(place)
    with changing(place):
        rebuild(place, signer=signer)
        remember(place)
        (place.home / "log.vkey").write_text(f"{signer.key.vkey}\n")


# What nothing signs and nothing repeats: each holds, and stands in the docs in these words.
UNFOUND: dict[str, Tamper] = {
    "A checkpoint or tree state before the last is deleted.": sql(
        "DELETE FROM checkpoint WHERE size = 305", "DELETE FROM tree_state WHERE size = 305"
    ),
    "A checkpoint's note gets a further signature by a key that nobody gave.": sql(
        "UPDATE checkpoint SET note = note || '— other.example AAAAAAAAAAAA\n'"
    ),
    "The times of the last checkpoint and tree state are moved by less than ten seconds.": sql(
        "UPDATE checkpoint SET at = at + 1 WHERE size = 313",
        "UPDATE tree_state SET at = at + 1 WHERE size = 313",
    ),
    "All rows of entries get other numbers in the same order.": sql(
        "UPDATE entry SET ordinal = ordinal + 100000"
    ),
    "An entry is linked to a further person whom the ledger knows.": sql(
        "INSERT INTO entry_subject SELECT 'default', e.id, d.subject, e.kind FROM entry e, data_key d"
        " WHERE e.kind = 'statement' AND d.subject IN (SELECT subject FROM entry_subject)"
        " ON CONFLICT DO NOTHING"
    ),
    "The reference of somebody is altered who is only named after the first in a statement or call, and for whom"
    " nothing was sealed.": _name_somebody,
    "A reference is added that names nobody.": sql(
        "INSERT INTO subject_ref SELECT tenant, key_epoch, randomblob(32), randomblob(16), suppression"
        " FROM subject_ref LIMIT 1"
    ),
    "The last entries of a lane are deleted before they were sequenced, and no later lane follows it.": _cut_lane,
    "The database and the signer's state are both put back to an older copy.": _put_back,
    "The log is rebuilt and signed by another key, and the signer's state and `log.vkey` are made to"
    " fit.": _substitute,
}


@pytest.mark.parametrize("said", UNFOUND)
def test_what_cannot_be_found_holds(place: Place, said: str) -> None:
    UNFOUND[said](place)
    assert place.found() == []


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        ("docs/formats/log.md", "## What verification does not find"),
        ("docs/explanation/threat-model.md", "## Tampering that verification does not find"),
    ],
)
def test_what_cannot_be_found_is_documented_in_the_same_words(page: str, heading: str) -> None:
    section = (ROOT / page).read_text().partition(heading)[2].partition("\n## ")[0]
    listed = [
        " ".join(each.split()) for each in re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE | re.DOTALL)
    ]
    assert listed == list(UNFOUND)
