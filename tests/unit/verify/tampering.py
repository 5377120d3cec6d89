"""Single changes to a sound ledger, and what verification must say of each."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta

from consentgate.tlog.merkle import leaf_hash
from consentgate.verify.rows import LinkRow, StatementRow, TileRow
from tests.unit.verify.world import LANE, NOON, PERSON, TENANT, World, change, ident, sha, sound, withdrawal

NAMES = ["bytes", "lanes", "tree", "signature", "signer", "pairing", "links"]
LAST = NOON + timedelta(seconds=7)


def entry(number: int) -> str:
    return f"entry {ident(number)}"


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
