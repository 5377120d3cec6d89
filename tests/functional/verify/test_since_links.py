"""Whom later entries are about, verified from a checkpoint on: what reading everything finds, and what nobody can
tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.since import read_pinned, since_pinned
from consentgate.config.sources import evidence_of
from consentgate.config.upkeep import vkey_of
from consentgate.keys.custody import KeyFile
from consentgate.ledger.book import Content
from consentgate.moment import system_clock
from consentgate.storage import inbulk, persons
from consentgate.storage.readonly import read_only
from consentgate.verify.levels import verify
from consentgate.verify.result import Finding
from tests.databases import Kind
from tests.functional.verify.pinning import found, grow, pin, pin_at, since, size_of, verdicts
from tests.functional.verify.place import ANNA, BEN, ISS, Place, person

# Of what the place holds: after the first registry and grant, before and among the last entries.
SIZES = (3, 5, 300, -8, -5, -3)


def links(place: Place, size: int | None) -> list[Finding]:
    """The findings of the level, from a size on or of everything."""
    settings = load_settings(place.home)
    with read_only(settings.database) as connection:
        evidence = evidence_of(
            connection, now=system_clock(), vkey=vkey_of(settings), custody=KeyFile.read(settings.keys)
        )
        if size is not None:
            evidence = since_pinned(evidence, connection, read_pinned(pin_at(place, size), vkey_of(settings)))
        done = verify(evidence)
    assert {each.verdict for each in done.levels if each.name == "tree"} == {"holds"}
    return [each for each in done.findings if "bytes" not in each.where]


@contextmanager
def without(place: Place, table: str, row: tuple[Any, ...], columns: list[str]) -> Iterator[None]:
    """Take a row out for a while."""
    where = " AND ".join(f"{column} = ?" for column in columns)
    with place.raw() as connection:
        connection.execute(f"DELETE FROM {table} WHERE {where}", row)
    try:
        yield
    finally:
        with place.raw() as connection:
            marks = ", ".join("?" for _ in columns)
            connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", row)


def rows_of(place: Place, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    with place.raw() as connection:
        return [
            tuple(each) for each in connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        ]


def entries(place: Place) -> int:
    return int(place.one("SELECT count(*) FROM seq"))


def test_every_checkpoint_of_an_untouched_ledger_lets_all_levels_hold(place: Place) -> None:
    count = entries(place)
    for size in SIZES:
        done = since(place, pin_at(place, size % count), with_keys=True)
        assert (found(done), verdicts(done)) == ([], {}), size
        assert (done.entries, done.verification.exit_code) == (count, 0)


def test_lost_link_of_a_later_entry_is_found_as_by_reading_everything(place: Place) -> None:
    columns = ["tenant", "entry", "subject", "kind"]
    count = entries(place)
    position = dict(rows_of(place, "seq", ["entry", "position"]))
    lost = rows_of(place, "entry_subject", columns)
    assert len(lost) > 10
    for row in lost:
        at = position[row[1]]
        with without(place, "entry_subject", row, columns):
            whole = links(place, None)
            assert whole
            assert links(place, min(at, count - 10)) == whole, (row, at)


def test_lost_key_or_reference_is_found_by_what_later_entries_need(place: Place) -> None:
    size = entries(place) - 10
    for table, columns in (
        ("subject_ref", ["tenant", "key_epoch", "hmac", "subject", "suppression"]),
        ("data_key", ["tenant", "subject", "wrapping_key", "wrapped"]),
    ):
        about = place.all("SELECT subject FROM entry_subject WHERE kind IN ('call', 'intent')")
        rows = [row for row in rows_of(place, table, columns) if row[columns.index("subject")] in about]
        assert rows
        for row in rows:
            with without(place, table, row, columns):
                assert {each.kind for each in links(place, size)} & {"missing", "link_missing"}


def test_withdrawal_that_does_not_reach_its_person_is_found(place: Place) -> None:
    """The older link of Anna lies before the checkpoint."""
    withdrawal = place.one(
        "SELECT max(position) FROM seq JOIN entry ON id = seq.entry WHERE kind = 'statement'"
    )
    columns = ["tenant", "entry", "subject", "kind"]
    linked = [
        row
        for row in rows_of(place, "entry_subject", columns)
        if row[1] == place.one(f"SELECT entry FROM seq WHERE position = {withdrawal}")
    ]
    assert [row[3] for row in linked] == ["statement"] * 2
    found_of = []
    for row in linked:
        with without(place, "entry_subject", row, columns):
            found_of.append([(each.kind, each.where[-11:]) for each in links(place, withdrawal)])
    assert [("link_missing", "reference 2")] in found_of


def test_row_before_one_that_a_checkpoint_covers_is_found(place: Place) -> None:
    """On a server the numbers of rows rise by person and lane only."""
    grant, refusal = (
        place.one(f"SELECT {which}(ordinal) FROM entry WHERE kind = 'statement'") for which in ("min", "max")
    )
    size = place.one(f"SELECT position FROM seq JOIN entry ON id = seq.entry WHERE ordinal = {refusal}")
    for number, other in ((grant, 10**9), (refusal, grant), (10**9, refusal)):
        place.sql(f"UPDATE entry SET ordinal = {other} WHERE ordinal = {number}")
    later = found(since(place, pin_at(place, size), with_keys=True))
    assert "reordered" in {kind for kind, _ in later}
    assert {each for each in later if each[0] == "reordered"} <= {*place.found()}


def test_bond_binds_what_was_said_before_the_checkpoint(place: Place) -> None:
    size = entries(place)
    place.work(lambda gate: gate.issuer(ISS).same_subject(ANNA, BEN, method="web_form"))
    assert (links(place, size), links(place, None)) == ([], [])
    columns = ["tenant", "entry", "subject", "kind"]
    old = place.all(f"SELECT entry FROM seq WHERE position < {size}")
    heard = 0
    for row in rows_of(place, "entry_subject", columns):
        if row[1] in old and row[3] == "statement":
            with without(place, "entry_subject", row, columns):
                whole = {each for each in links(place, None) if "same person" in each.expected}
                assert whole <= {*links(place, size)}
                heard += len(whole)
    assert heard > 1


def test_forged_statement_after_it_is_unsigned(place: Place) -> None:
    """The registry in force is one of before."""
    file = pin(place)
    place.work(lambda gate: gate.issuer(ISS).refuse(person(BEN), method="ivr_dtmf"))
    assert found(since(place, file, with_keys=True)) == []
    place.sql("DELETE FROM artifact WHERE kind = 'registry'")
    kinds = {kind for kind, _ in found(since(place, file, with_keys=True))}
    assert "unsigned" in kinds


def test_second_rows_and_rows_of_other_types_are_found(place: Place, kind: Kind) -> None:
    file = pin_at(place, entries(place) - 10)
    for table in ("subject_ref", "data_key"):
        place.loosen(table)
        place.sql(f"INSERT INTO {table} SELECT * FROM {table}")
    kinds = [(kind, where.split(",")[0]) for kind, where in found(since(place, file, with_keys=True))]
    assert {("extra", "subject_ref"), ("extra", "data_key")} <= {*kinds}
    if kind == "sqlite":
        place.loosen("entry_subject")
        place.sql("UPDATE entry_subject SET subject = 'x'")
        kinds = [(kind, where.split(",")[0]) for kind, where in found(since(place, file, with_keys=True))]
        assert ("malformed", "entry_subject") in kinds


def test_wrong_key_file_cannot_judge(place: Place) -> None:
    file = pin_at(place, entries(place) - 10)
    place.sql("UPDATE data_key SET wrapping_key = 'another'")
    assert verdicts(since(place, file, with_keys=True)) == {"links": "cannot_judge"}
    assert verdicts(since(place, file)) == {"links": "cannot_judge"}


def test_key_that_does_not_unwrap_is_found(place: Place) -> None:
    file = pin_at(place, entries(place) - 10)
    subject = place.one(
        "SELECT subject FROM entry_subject WHERE kind = 'intent' AND subject IN (SELECT subject FROM data_key)"
    )
    with place.raw() as connection:
        connection.execute("UPDATE data_key SET wrapping_key = 'another' WHERE subject = ?", (subject,))
    assert "altered" in {kind for kind, _ in found(since(place, file, with_keys=True))}


def destroy(place: Place, reference: tuple[str, str], count: int) -> None:
    """Erase a person, and record how many links went."""
    subject = place.one(
        "SELECT subject FROM entry_subject JOIN entry ON id = entry WHERE entry.kind = 'call'"
        " AND subject IN (SELECT subject FROM data_key) ORDER BY ordinal DESC LIMIT 1"
    )

    def record(gate: ConsentGate) -> None:
        book = gate._parts.book
        at = book.now()

        def write(connection: Any) -> None:
            key = book.vault.ensure_key(connection, "body").data_key
            book.write(
                connection,
                "key_destroyed",
                at,
                [Content(name="body.0", data_key=key, members={"links": count})],
            )

        gate._parts.database.write(write)

    place.work(record)
    with place.raw() as connection:
        for table in ("entry_subject", "data_key", "subject_ref"):
            connection.execute(f"DELETE FROM {table} WHERE subject = ?", (subject,))


@pytest.mark.parametrize(
    ("later", "recorded", "verdict", "kinds"),
    [
        # All that was destroyed lies before the checkpoint: what is later has its keys.
        (False, 1, None, []),
        # A later part has no key, and one was destroyed: whose it was nobody can tell without reading everything.
        (True, 1, "cannot_judge", []),
        # More than were destroyed.
        (True, 0, "broken", ["link_missing"]),
    ],
)
def test_destroyed_keys_are_counted_against_later_parts(
    place: Place, later: bool, recorded: int, verdict: str | None, kinds: list[str]
) -> None:
    file = pin(place)
    place.work(lambda gate: gate.register_call("tx-9", caller=[person(("customer", "c-9"))], callee=None))
    if not later:
        file = pin(place)
    destroy(place, ("customer", "c-9"), recorded)
    done = since(place, file, with_keys=True)
    assert verdicts(done).get("links") == verdict
    assert [kind for kind, _ in found(done)] == kinds
    assert (place.found() == []) is (recorded == 1)


def test_persons_of_other_entries_are_not_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    grow(place, 3)
    file = pin_at(place, size_of(pin(place)) - 2)
    read: list[str] = []

    def counted(connection: Any, query: Any) -> Any:
        rows = _rows(connection, query)
        for row in rows:
            read.append(str(query))
            yield row

    _rows = persons._rows
    monkeypatch.setattr(persons, "_rows", counted)
    monkeypatch.setattr(inbulk, "count_links", lambda _: pytest.fail("all links were counted"))
    done = since(place, file, with_keys=True)
    assert (found(done), verdicts(done)) == ([], {})
    # The tenant's own keys and what names them, and the registry.
    assert len(read) < 15


def test_what_is_looked_up_of_persons_never_reads_a_whole_table(place: Place, kind: Kind) -> None:
    if kind != "sqlite":
        # On a server the planner decides by how many rows there are.
        return
    plans: list[str] = []
    with read_only(place.url) as connection:

        def explained(_: Any, cursor: Any, statement: str, values: Any, *__: Any) -> None:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            plans.extend(str(row[-1]) for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))

        event.listen(connection, "before_cursor_execute", explained)
        keys, log = {("t", b"1" * 16), ("t", b"2" * 16)}, {"log": 0, "size": 300}
        for read in (
            persons.data_keys_of(connection, keys),
            persons.references_to(connection, keys),
            persons.references_of(connection, {("t", 1, b"1" * 32)}),
            persons.statements_about(connection, keys, **log),
            persons.first_links(connection, keys, **log),
            persons.last_about(connection, keys, **log),
            persons.in_force(connection, "t", "registry", low=300, **log),
        ):
            assert [*read] == []
    assert len(plans) > 10
    assert [each for each in plans if each.startswith("SCAN")] == []
