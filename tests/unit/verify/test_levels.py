import dataclasses
from collections.abc import Callable
from datetime import timedelta

import pytest

from consentgate.canonical import b64, encode
from consentgate.consent.statement import TYP, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key
from consentgate.entries.leaf import Answer, LanePosition
from consentgate.entries.parts import join_parts, seal_part
from consentgate.errors import Damaged, Malformed, Unavailable
from consentgate.tlog.merkle import leaf_hash
from consentgate.tlog.notekey import NoteSigner
from consentgate.verify.levels import LEVELS
from consentgate.verify.result import Level, Verification
from consentgate.verify.rows import DataKey, LinkRow, SeqRow, StatementRow, TileRow, name_of
from tests.unit.verify.world import (
    ANNA,
    BODY,
    ISSUER_KEY,
    LANE,
    LATER,
    NOON,
    OTHER_LANE,
    PERSON,
    SIGNER,
    TENANT,
    World,
    add_notice,
    add_statement,
    answer,
    change,
    found,
    ident,
    ledger,
    only,
    registry_bytes,
    sha,
    sound,
    verdicts,
    withdrawal,
)

NAMES = ["bytes", "lanes", "tree", "signature", "signer", "pairing", "links"]
LAST = NOON + timedelta(seconds=7)


def entry(number: int) -> str:
    return f"entry {ident(number)}"


def test_sound_ledger_holds_at_every_level_up_to_its_last_entry() -> None:
    result = sound().verify()
    assert result.findings == ()
    assert result.levels == tuple(Level(name=each, verdict="holds", until=LAST) for each in NAMES)
    assert result.exit_code == 0


def test_empty_ledger_holds_and_covers_nothing() -> None:
    result = World().verify()
    assert result.findings == ()
    assert {each.until for each in result.levels} == {None}
    assert result.exit_code == 0


def test_finding_beats_cannot_judge_beats_incomplete() -> None:
    def code(*verdicts: str) -> int:
        levels = tuple(Level(name="x", verdict=each) for each in verdicts)  # type: ignore[arg-type]  # plain words
        return Verification(levels=levels, findings=()).exit_code

    assert code("holds") == 0
    assert code("incomplete", "holds") == 4
    assert code("incomplete", "cannot_judge") == 3
    assert code("incomplete", "cannot_judge", "broken") == 1


Mutation = Callable[[World], None]


def drop(table: str, index: int) -> Mutation:
    def mutate(world: World) -> None:
        del getattr(world, table)[index]

    return mutate


def flip_leaf(world: World) -> None:
    row = world.entry_rows[2]
    change(world.entry_rows, 2, leaf=row.leaf.replace(b'"kind":"call"', b'"kind":"cell"'))


def rewrite_leaf(world: World) -> None:
    """A forger who recomputes the stored hash of the entry."""
    row = world.entry_rows[5]
    data = row.leaf.replace(b"12:00:05.000Z", b"12:00:06.000Z")
    change(world.entry_rows, 5, leaf=data, hash=leaf_hash(data), at=row.at + 1000)


def swap_part(world: World) -> None:
    row = world.entry_rows[3]
    first, second = row.parts.split("\n")
    change(world.entry_rows, 3, parts=f"{second}\n{first}")


def drop_statement(world: World) -> None:
    """A withdrawal goes, with its index row and its links."""
    del world.entry_rows[1]
    world.statement_rows.clear()
    world.link_rows = [each for each in world.link_rows if each.entry != ident(1).bytes]


def swap_rows(world: World) -> None:
    rows = world.entry_rows
    rows[1], rows[2] = (
        dataclasses.replace(rows[2], ordinal=rows[1].ordinal),
        dataclasses.replace(rows[1], ordinal=rows[2].ordinal),
    )


def cut_log(world: World) -> None:
    del world.seq_rows[6:]


TREE = ("altered", "tree state of size 8")
SIGNED = ("altered", "tree under the checkpoint of size 8")
REMEMBERED = ("altered", "tree under the signer's size 8")
UNCOVERED = ("uncovered", "all 8 entries")

MUTATIONS: list[tuple[Mutation, list[tuple[str, str]]]] = [
    (
        flip_leaf,
        [
            ("malformed", entry(2)),
            ("altered", f"{entry(3)}, prev"),
            ("altered", f"{entry(2)} at position 2"),
            TREE,
            SIGNED,
            UNCOVERED,
            REMEMBERED,
        ],
    ),
    (
        rewrite_leaf,
        [
            ("altered", f"{entry(6)}, prev"),
            ("altered", f"{entry(5)} at position 5"),
            TREE,
            SIGNED,
            UNCOVERED,
            REMEMBERED,
        ],
    ),
    (
        swap_part,
        [
            ("altered", f"{entry(3)}, part decision.0"),
            ("altered", f"{entry(3)}, part exchange.0"),
            ("altered", f"{entry(3)}, part decision.0"),
            ("altered", f"{entry(3)}, part exchange.0"),
        ],
    ),
    (
        drop_statement,
        [("missing", f"lane {LANE.hex()}"), ("missing", f"{entry(1)} at position 1")],
    ),
    (swap_rows, [("reordered", f"lane {LANE.hex()}"), ("reordered", entry(2))]),
    (
        cut_log,
        [
            ("truncated", "tree state of size 8"),
            ("missing", "tree state of size 6"),
            ("unsequenced", f"2 entries from {entry(6)} on"),
            ("truncated", "checkpoint of size 8"),
            ("uncovered", "all 8 entries"),
            ("truncated", "signer state"),
        ],
    ),
    (lambda world: world.statement_rows.clear(), [("missing", f"statement index of {entry(1)}")]),
    (
        lambda world: change(world.statement_rows, 0, entry=ident(2).bytes),
        [("extra", f"statement index of {entry(2)}"), ("missing", f"statement index of {entry(1)}")],
    ),
    (
        lambda world: world.statement_rows.append(
            StatementRow(tenant=TENANT, entry=ident(1).bytes, key=withdrawal().key)
        ),
        [("extra", f"statement index of {entry(1)}")],
    ),
    (
        lambda world: change(world.statement_rows, 0, key=bytes(32)),
        [("altered", f"statement index of {entry(1)}, column key")],
    ),
    (
        lambda world: world.entry_rows.append(world.entry_rows[-1]),
        [("extra", entry(7))],
    ),
    (lambda world: change(world.entry_rows, 3, parts=""), [("altered", f"{entry(3)}, parts")]),
    (
        drop("seq_rows", 7),
        [
            ("truncated", "tree state of size 8"),
            ("missing", "tree state of size 7"),
            ("unsequenced", entry(7)),
            ("truncated", "checkpoint of size 8"),
            UNCOVERED,
            ("truncated", "signer state"),
        ],
    ),
    (
        drop("seq_rows", 3),
        [
            ("missing", "position 3"),
            ("reordered", entry(3)),
            ("truncated", "tree state of size 8"),
            ("missing", "tree state of size 7"),
            ("unsequenced", entry(3)),
            ("truncated", "checkpoint of size 8"),
            UNCOVERED,
            ("truncated", "signer state"),
        ],
    ),
    (lambda world: change(world.seq_rows, 4, hash=bytes(32)), [("altered", f"{entry(4)} at position 4")]),
    (lambda world: change(world.state_rows, 0, root=bytes(32)), [TREE]),
    (lambda world: change(world.state_rows, 0, frontier=bytes(40)), [TREE]),
    (lambda world: world.state_rows.clear(), [("missing", "tree state of size 8")]),
    (
        lambda world: world.tile_rows.append(TileRow(level=0, index=0, hashes=bytes(8192))),
        [("extra", "tile 0/0")],
    ),
    (
        lambda world: change(
            world.checkpoint_rows, 0, note=world.checkpoint_rows[0].note.replace("\n8\n", "\n7\n")
        ),
        [("unsigned", "checkpoint of size 8"), UNCOVERED, ("unsigned", "signer state")],
    ),
    (
        lambda world: change(world.checkpoint_rows, 0, size=7),
        [("altered", "checkpoint of size 7, column size"), UNCOVERED],
    ),
    (
        lambda world: change(world.checkpoint_rows, 0, origin="other"),
        [("altered", "checkpoint of size 8, column origin"), UNCOVERED],
    ),
    (
        lambda world: change(world.artifact_rows, 0, content=b"We do nothing."),
        [("altered", f"artifact {sha(b'We compare your voice.').hex()}")],
    ),
    (drop("artifact_rows", 0), [("missing", "notice voice 1 (en), text")]),
    (
        drop("artifact_rows", 1),
        [("missing", "notice voice 1 (en), manifest"), ("missing", f"{entry(1)}, manifest")],
    ),
    (
        lambda world: change(world.notice_rows, 0, version="2"),
        [("altered", "notice voice 2 (en), column version")],
    ),
    (
        lambda world: change(world.notice_rows, 0, manifest=world.notice_rows[0].digest),
        [
            ("altered", "notice voice 1 (en), manifest"),
            ("missing", f"notice of manifest {sound().artifact_rows[1].digest.hex()}"),
        ],
    ),
    (
        drop("artifact_rows", 2),
        [("missing", f"{entry(0)}, registry"), ("unsigned", f"{entry(1)}, statement")],
    ),
    (
        lambda world: world.link_rows.append(
            LinkRow(tenant=TENANT, entry=ident(99).bytes, subject=PERSON, kind="call")
        ),
        [("extra", f"link of entry {ident(99)}")],
    ),
    (
        lambda world: change(world.link_rows, 0, kind="call"),
        [("altered", f"link of {entry(1)}, column kind")],
    ),
    (
        drop("link_rows", 0),
        [("link_missing", f"links of sealed parts: {entry(1)}, part statement.0")],
    ),
    (
        drop("keys", 0),
        [("missing", f"{entry(0)}, part body.0"), ("unsigned", f"{entry(1)}, statement")],
    ),
    (
        drop("keys", 1),
        [("link_missing", f"links of sealed parts: {entry(4)}, part matches.0")],
    ),
]


@pytest.mark.parametrize(("mutate", "expected"), MUTATIONS)
def test_single_change_is_found_and_named(mutate: Mutation, expected: list[tuple[str, str]]) -> None:
    world = sound()
    mutate(world)
    result = world.verify()
    assert found(result) == expected
    assert result.exit_code == 1
    assert all(each.cure for each in result.findings)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hash", bytes(32)),
        ("kind", "statement"),
        ("at", 0),
        ("about", 0),
        ("re", bytes(16)),
        ("end", "rejected"),
        ("n", 9),
        ("w", bytes(16)),
    ],
)
def test_index_column_that_differs_from_the_leaf_is_found(column: str, value: object) -> None:
    world = sound()
    change(world.entry_rows, 4, **{column: value})
    finding = only(world.verify())
    assert (finding.kind, finding.where) == ("altered", f"{entry(4)}, column {column}")
    assert finding.expected != finding.found


def test_id_column_that_differs_from_the_leaf_is_found() -> None:
    world = sound()
    change(world.entry_rows, 7, id=ident(99).bytes)
    assert ("altered", f"{entry(99)}, column id") in found(world.verify())


TABLES = ("entry", "statement", "artifact", "notice", "seq", "state", "checkpoint", "link")


@pytest.mark.parametrize("table", TABLES)
def test_no_row_can_be_deleted_unseen(table: str) -> None:
    count = len(getattr(sound(), f"{table}_rows"))
    assert count > 0
    for index in range(count):
        world = sound()
        note = world.checkpoint_rows[-1].note
        drop(f"{table}_rows", index)(world)
        assert world.verify(signer_note=note).exit_code == (4 if table == "checkpoint" else 1), index


def test_no_byte_of_a_leaf_or_part_can_be_flipped_unseen() -> None:
    for index, row in enumerate(sound().entry_rows):
        for at in range(0, len(row.leaf), 7):
            world = sound()
            change(
                world.entry_rows, index, leaf=row.leaf[:at] + bytes([row.leaf[at] ^ 1]) + row.leaf[at + 1 :]
            )
            assert world.verify().exit_code == 1
        for at in range(0, len(row.parts), 97):
            world = sound()
            other = "A" if row.parts[at] != "A" else "B"
            change(world.entry_rows, index, parts=row.parts[:at] + other + row.parts[at + 1 :])
            assert world.verify().exit_code == 1


def test_unsequenced_tail_is_incomplete_and_says_how_far_the_log_goes() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    result = world.verify()
    assert found(result) == [("unsequenced", entry(8)), ("uncovered", "the last 1 entries")]
    assert verdicts(result) == {"tree": "incomplete", "signature": "incomplete"}
    assert {each.name: each.until for each in result.levels}["tree"] == LAST
    assert result.exit_code == 4


def test_unsigned_tail_is_incomplete() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    result = world.sequence_all().verify()
    assert found(result) == [("uncovered", "the last 1 entries")]
    assert result.exit_code == 4


def test_tiles_are_rebuilt_and_compared() -> None:
    world = ledger()
    for _ in range(260):
        world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    assert world.verify().exit_code == 0
    tile = world.tile_rows[0]
    change(world.tile_rows, 0, hashes=bytes(32) + tile.hashes[32:])
    assert only(world.verify()).where == "tile 0/0"
    world.tile_rows.clear()
    assert found(world.verify()) == [("missing", "tile 0/0")]


def test_later_wrong_roots_are_counted_and_not_repeated() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    rewrite_leaf(world)
    findings = {each.where: each.found for each in world.verify().findings}
    assert findings["tree state of size 8"] == "another root, and 1 later"
    assert findings["tree under the checkpoint of size 8"] == "another root, and under 1 later"


def test_double_positions_are_found() -> None:
    world = sound()
    world.seq_rows.append(
        SeqRow(position=7, tenant=TENANT, entry=ident(7).bytes, hash=world.entry_rows[7].hash)
    )
    assert found(world.verify())[:2] == [("extra", "position 7"), ("extra", f"{entry(7)} at position 7")]


def test_without_a_trusted_key_signatures_cannot_be_judged() -> None:
    result = sound().verify(vkey=None)
    assert verdicts(result) == {"signature": "cannot_judge", "signer": "cannot_judge"}
    assert result.exit_code == 3
    assert [each.name for each in sound().verify(vkey=None, signer_note=None).levels] == NAMES


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(Malformed):
        sound().verify(vkey="no key")


def test_log_of_another_key_is_found() -> None:
    other = NoteSigner.generate("consentgate.invalid/other", lambda size: b"\x02" * size)
    result = sound().verify(vkey=other.key.vkey, signer_note=None)
    assert found(result) == [
        ("altered", "deployment, log_origin"),
        ("unsigned", "checkpoint of size 8"),
        UNCOVERED,
    ]


def test_signer_that_remembers_more_than_is_there_means_that_the_database_was_restored() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    newer = world.sequence_all().sign().checkpoint_rows[-1].note
    assert found(sound().verify(signer_note=newer)) == [("truncated", "signer state")]


def test_signer_that_remembers_less_than_was_signed_is_found() -> None:
    world = sound()
    older = world.checkpoint_rows[-1].note
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    finding = only(world.verify(signer_note=older))
    assert (finding.kind, finding.where, finding.found) == ("truncated", "signer state", "size 8")
    assert only(world.verify(signer_note="")).found == "size 0"


def test_signer_ahead_of_the_stored_checkpoints_is_sound() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    note = world.checkpoint_rows.pop().note
    assert found(world.verify(signer_note=note)) == [("uncovered", "the last 1 entries")]


def test_signer_state_that_is_no_note_is_found() -> None:
    assert found(sound().verify(signer_note="x")) == [("unsigned", "signer state")]


def test_open_intent_is_incomplete_once_it_may_no_longer_be_sent() -> None:
    world = ledger()
    at = NOON + timedelta(seconds=8)
    parts = {"decision.0": (ANNA, {"v": 1})}
    world.append(
        "intent", parts, lane=OTHER_LANE, link=True, decided_at=at, send_by=at + timedelta(seconds=5)
    )
    world.sequence_all().sign()
    assert world.verify(now=at + timedelta(seconds=5)).findings == ()
    result = world.verify()
    assert found(result) == [("open", entry(8))]
    assert verdicts(result) == {"pairing": "incomplete"}
    assert result.exit_code == 4


@pytest.mark.parametrize(
    ("target", "findings"),
    [
        (Answer(id=ident(99), h=bytes(32)), [("missing", f"{entry(8)}, re")]),
        (Answer(id=ident(3), h=bytes(32)), [("altered", f"{entry(8)}, re"), ("extra", entry(8))]),
        ("denial", [("altered", f"{entry(8)}, re")]),
        ("intent", [("extra", entry(8))]),
    ],
)
def test_answer_to_no_intent_is_found(target: Answer | str, findings: list[tuple[str, str]]) -> None:
    world = ledger()
    rows = {each.kind: each for each in world.entry_rows}
    re = target if isinstance(target, Answer) else answer(rows[target])
    world.append(
        "outcome", {"exchange.0": (ANNA, {"v": 1})}, lane=OTHER_LANE, link=True, re=re, end="rejected"
    )
    result = world.sequence_all().sign().verify()
    assert found(result) == findings
    assert verdicts(result) == {"pairing": "broken"}


@pytest.mark.parametrize(
    ("tried", "kind"), [(0, None), (5, None), (6, None), (7, None), (8, "truncated"), (99, "truncated")]
)
def test_lane_that_was_left_reaches_as_far_as_its_follower_says(tried: int, kind: str | None) -> None:
    world = ledger()
    world.append("heartbeat", lane=b"N" * 16, after=LanePosition(w=LANE, n=tried))
    result = world.sequence_all().sign().verify()
    assert found(result) == ([(kind, f"lane {LANE.hex()}")] if kind else [])


def test_lane_that_never_wrote_may_be_left_at_its_first_number_only() -> None:
    for tried, findings in ((0, 0), (1, 1)):
        world = ledger()
        world.append("heartbeat", lane=b"N" * 16, after=LanePosition(w=b"O" * 16, n=tried))
        assert len(world.sequence_all().sign().verify().findings) == findings


def test_tail_cut_off_a_lane_is_found_by_the_lane_that_follows_it() -> None:
    world = ledger()
    del world.entry_rows[5:7]
    result = world.sequence_all().sign().verify()
    assert found(result) == [("truncated", f"lane {LANE.hex()}")]


def test_first_entries_of_a_lane_are_missed() -> None:
    world = ledger()
    del world.entry_rows[0:2]
    assert ("missing", f"lane {LANE.hex()}") in found(world.sequence_all().sign().verify())


def test_two_entries_in_one_place_are_found() -> None:
    world = ledger()
    world.lanes[OTHER_LANE] = (0, None)
    world.append("heartbeat", lane=OTHER_LANE)
    assert found(world.sequence_all().sign().verify()) == [("altered", f"lane {OTHER_LANE.hex()}, number 0")]


def test_without_keys_links_cannot_be_judged() -> None:
    class OutOfReach(World):
        def data_keys(self) -> list[DataKey]:
            raise Unavailable

    for keys in (None, OutOfReach()):
        result = sound().verify(keys=keys)
        assert verdicts(result) == {"links": "cannot_judge"}
        assert result.exit_code == 3


def test_rows_that_cannot_be_read_back_are_a_finding_at_the_level_that_reads_them() -> None:
    class Unreadable(World):
        def data_keys(self) -> list[DataKey]:
            raise Damaged

        def sequence(self) -> list[SeqRow]:
            raise Damaged

    result = sound().verify(keys=Unreadable())
    assert verdicts(result) == {"links": "broken"}
    assert (only(result).kind, only(result).where, result.exit_code) == ("altered", "database", 1)
    known = sound()
    known.damaged = ["page 7"]
    assert verdicts(known.verify(keys=Unreadable())) == {"bytes": "broken", "links": "cannot_judge"}
    result = Unreadable().verify()
    assert verdicts(result) == {"bytes": "broken"} | dict.fromkeys(LEVELS[1:], "cannot_judge")
    assert only(result).where == "database"


def erase(world: World) -> World:
    world.keys = [each for each in world.keys if each.subject != PERSON]
    world.link_rows.clear()
    return world


def test_erased_person_leaves_links_missing_and_nothing_else() -> None:
    finding = only(erase(sound()).verify())
    assert (finding.kind, finding.found) == ("link_missing", "5")
    assert finding.where.endswith(f"{entry(4)}, part exchange.0")


def test_destruction_that_was_recorded_accounts_for_the_missing_links() -> None:
    for links, kind in ((5, None), (4, "link_missing"), (6, "key_left")):
        world = ledger()
        world.append("key_destroyed", {"body.0": (BODY, {"v": 1, "links": links})}, lane=OTHER_LANE)
        result = erase(world.sequence_all().sign()).verify()
        assert found(result) == ([(kind, "links of sealed parts")] if kind else [])


@pytest.mark.parametrize("links", ["5", True, -1, None])
def test_destruction_without_a_number_is_found(links: str | bool | int | None) -> None:
    world = ledger()
    world.append("key_destroyed", {"body.0": (BODY, {"v": 1, "links": links})}, lane=OTHER_LANE)
    assert found(world.sequence_all().sign().verify()) == [("altered", f"{entry(8)}, links")]


def test_destruction_cannot_be_read_without_the_tenants_key() -> None:
    world = ledger()
    world.append("key_destroyed", {"body.0": (BODY, {"v": 1, "links": 1})}, lane=OTHER_LANE)
    del world.keys[0]
    result = world.sequence_all().sign().verify()
    assert ("missing", f"{entry(8)}, part body.0") in found(result)


def test_key_that_goes_without_its_links_leaves_links_missing() -> None:
    world = sound()
    world.keys = [each for each in world.keys if each.subject != PERSON]
    assert only(world.verify()).kind == "link_missing"


def test_observations_end_no_intent_and_are_no_second_outcome() -> None:
    world = ledger()
    intent = next(each for each in world.entry_rows if each.kind == "intent")
    part = {"exchange.0": (ANNA, {"v": 1})}
    world.append("observation", part, lane=OTHER_LANE, link=True, re=answer(intent), end="unknown")
    assert world.sequence_all().sign().verify().findings == ()


def test_many_lost_parts_are_not_all_listed() -> None:
    world = ledger()
    world.append("call", {"call.0": (ANNA, {"v": 1}), "call.1": (ANNA, {"v": 1})}, lane=OTHER_LANE, link=True)
    assert only(erase(world.sequence_all().sign()).verify()).where.endswith("exchange.0, ...")


def test_tag_of_one_key_over_content_of_another_is_found() -> None:
    world = ledger()
    row = world.append("call", {"call.0": (ANNA, {"v": 1})}, lane=OTHER_LANE, link=True)
    real = seal_part(ident(8), "call.0", encode({"v": 1}), ANNA, bytes)
    foreign = seal_part(ident(8), "call.0", encode({"v": 1}), BODY, bytes)
    data = row.leaf.replace(b64(sha(real.jwe.encode())).encode(), b64(sha(foreign.jwe.encode())).encode())
    change(world.entry_rows, 8, leaf=data, hash=leaf_hash(data), parts=join_parts((foreign.jwe,)))
    assert found(world.sequence_all().sign().verify()) == [("altered", f"{entry(8)}, part call.0")]


def small(token: str, registry: bytes | None = None) -> World:
    world = World()
    manifest = add_notice(world)
    if registry is not None:
        digest = world.artifact("registry", registry)
        world.append("registry", {"body.0": (BODY, {"v": 1, "registry": b64(digest)})})
    add_statement(world, manifest, token)
    return world.sequence_all().sign()


def test_statement_that_no_registered_key_signed_is_found() -> None:
    forged = jws.sign(claims(withdrawal()), key=generate_signing_key(), typ=TYP)
    assert only(small(forged, registry_bytes()).verify()).where == f"{entry(1)}, statement"
    assert only(small(forged).verify()).found == "no such key in the registry"


def test_statement_with_a_failing_signature_is_found() -> None:
    other = jws.sign(claims(withdrawal(2)), key=generate_signing_key(), typ=TYP)
    signed = jws.sign(claims(withdrawal()), key=ISSUER_KEY, typ=TYP)
    mixed = f"{signed.rpartition('.')[0]}.{other.rpartition('.')[2]}"
    finding = only(small(mixed, registry_bytes()).verify())
    assert (finding.kind, finding.where) == ("unsigned", f"{entry(1)}, statement")


def test_part_that_holds_no_statement_is_found() -> None:
    assert found(small("x", registry_bytes()).verify()) == [("altered", f"{entry(1)}, statement")]


def test_registry_that_is_none_is_found() -> None:
    token = jws.sign(claims(withdrawal()), key=generate_signing_key(), typ=TYP)
    assert found(small(token, b"{}").verify()) == [
        ("altered", f"{entry(0)}, registry"),
        ("unsigned", f"{entry(1)}, statement"),
    ]


def test_digest_that_is_none_is_found() -> None:
    world = World()
    world.append("packs", {"body.0": (BODY, {"v": 1, "packs": "!"})})
    assert found(world.sequence_all().sign().verify()) == [("altered", f"{entry(0)}, packs")]


def test_rows_that_no_database_should_hold_are_findings_too() -> None:
    world = sound()
    change(world.entry_rows, 7, leaf=b"", at=1 << 62)
    change(world.seq_rows, 1, entry=b"", hash=b"")
    result = world.verify()
    assert ("malformed", entry(7)) in found(result)
    assert ("missing", "entry  at position 1") in found(result)
    assert result.exit_code == 1


def test_names_of_entries_are_ids_where_they_can_be() -> None:
    assert name_of(ident(1).bytes) == str(ident(1))
    assert name_of(b"\x01") == "01"
    assert SIGNER.key.name in SIGNER.key.vkey
    assert LATER > NOON
