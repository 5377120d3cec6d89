"""Erasure will work: destroyed rows make a person unreadable and unlinkable, and leave every proof intact.

The command comes later; this test does by hand what it will do. Shown here: verification still holds but for the
missing links, the parts no longer open, and no stored byte outside the destroyed rows is equal in two entries of
that person.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from consentgate import Speaker
from consentgate.config.verification import verify_deployment
from consentgate.entries import leaf as leaves
from consentgate.ledger.book import open_parts
from consentgate.storage import entries, subjects
from tests.functional.gate.conftest import World
from tests.functional.log.place import sequence_once

# A run of bytes that two entries share by chance, or by their format, is shorter than this.
TELLING = 12


@pytest.fixture
def life(world: World) -> Speaker:
    """A person with everything that one can have: statements, calls, searches, an assertion, a withdrawal."""
    ada = Speaker([("customer", "ada-7781"), ("phone", "+12175550142")], world.caller().evidence, age=34)
    other = world.caller("2002")
    world.ivr.grant(ada, notice="voiceprint", method="ivr_dtmf")
    world.ivr.grant(other, notice="voiceprint", method="ivr_dtmf")
    for transaction in ("tx-1", "tx-2"):
        world.register(transaction, ada, other)
        world.search(transaction)
        world.clock.advance(timedelta(days=1))
    world.register("tx-3", ada)
    world.ivr.withdraw(ada, method="ivr_dtmf")
    assert world.denial("tx-3") == ["CONSENT_WITHDRAWN"]
    sequence_once(world.gate._parts.database)
    return ada


def entries_about(world: World, person: Speaker) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """Every subject that the person's references name, the first first, and the entries about them."""
    parts = world.gate._parts
    with parts.database.read() as connection:
        named = parts.book.vault.find(connection, person.known_as)
        kinds = ["statement", "call", "assertion", "intent", "denial", "outcome", "observation", "stop"]
        linked = subjects.entries_of(connection, parts.book.tenant, [*named.values()], kinds)
    return tuple(named[r] for r in person.known_as), tuple(each.row.id for each in linked)


def erase(world: World, people: tuple[UUID, ...], about: tuple[UUID, ...]) -> None:
    """Delete the rows that link the person: theirs, and the calls' links of entries that are about nobody else."""
    with world.raw() as raw:
        for subject in people:
            for table in ("data_key", "subject_ref", "entry_subject"):
                raw.execute(f"DELETE FROM {table} WHERE subject = ?", (subject.bytes,))
        calls = set(raw.execute("SELECT subject FROM entry_subject WHERE kind = 'call'"))
        keyed = set(raw.execute("SELECT subject FROM data_key"))
        for entry in about:
            linked = set(raw.execute("SELECT subject FROM entry_subject WHERE entry = ?", (entry.bytes,)))
            for (call,) in set() if linked & keyed else calls - keyed:
                raw.execute("DELETE FROM entry_subject WHERE entry = ? AND subject = ?", (entry.bytes, call))


def stored_about(world: World, entry: UUID) -> Iterator[bytes]:
    """Every stored value in every row that belongs to an entry, but what names other entries on purpose."""
    with world.raw() as raw:
        row = raw.execute("SELECT hash, leaf, parts FROM entry WHERE id = ?", (entry.bytes,)).fetchone()
        leaf = leaves.decode(row[1])
        yield row[0]
        yield entry.bytes
        yield from (part.d for part in leaf.parts)
        yield from (part.t for part in leaf.parts)
        # Each part's token without its header, whose first words are the same in every token.
        for token in row[2].split("\n"):
            header, _, iv, sealed, tag = token.split(".")
            yield from (header[-40:].encode(), iv.encode(), sealed.encode(), tag.encode())
        for table in ("statement", "seq"):
            for found in raw.execute(f"SELECT * FROM {table} WHERE entry = ?", (entry.bytes,)):
                yield from (v for v in found if isinstance(v, bytes) and v != entry.bytes)
        # Links to people who were not erased stay: they are theirs.
        left = "SELECT subject FROM entry_subject WHERE entry = ? AND subject NOT IN (SELECT subject FROM data_key)"
        yield from (subject for (subject,) in raw.execute(left, (entry.bytes,)))


def test_erased_person_is_unreadable_and_every_proof_stands(world: World, life: Speaker) -> None:
    before = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    assert {f.kind for f in before.verification.findings if f.kind == "link_missing"} == set()
    people, about = entries_about(world, life)
    erase(world, people, about)
    after = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    news = [f for f in after.verification.findings if f not in before.verification.findings]
    assert {f.kind for f in news} == {"link_missing"}
    broken = {level.name for level in after.verification.levels if level.verdict == "broken"}
    assert broken == {"links"}


def test_parts_of_an_erased_person_no_longer_open(world: World, life: Speaker) -> None:
    people, about = entries_about(world, life)
    parts = world.gate._parts
    with parts.database.read() as connection:
        key = parts.book.vault.data_keys(connection, [people[0]])[people[0]]
        opened = [open_parts(row, [key]) for e in about if (row := entries.by_id(connection, "default", e))]
    assert all(opened)
    erase(world, people, about)
    with parts.database.read() as connection:
        left = subjects.data_keys(connection, "default", people)
        rows = [row for e in about if (row := entries.by_id(connection, "default", e))]
        linked = subjects.subjects_of(connection, "default", about)
        others = [
            open_parts(row, parts.book.vault.data_keys(connection, linked[row.id]).values()) for row in rows
        ]
    assert left == {}
    # What still opens is about the other person on the line, whose keys stand.
    assert "ada-7781" not in repr(others)
    assert "+12175550142" not in repr(others)


def test_no_stored_bytes_link_two_entries_of_an_erased_person(world: World, life: Speaker) -> None:
    people, about = entries_about(world, life)
    erase(world, people, about)
    seen: dict[bytes, UUID] = {}
    for entry in about:
        for value in set(stored_about(world, entry)):
            if len(value) >= TELLING:
                assert seen.setdefault(value, entry) == entry


def test_erased_person_is_somebody_new(world: World, life: Speaker) -> None:
    people, about = entries_about(world, life)
    erase(world, people, about)
    world.register("tx-9", life)
    assert world.denial("tx-9") == ["NO_CONSENT"]
    assert not {*entries_about(world, life)[0]} & {*people}
