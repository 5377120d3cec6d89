"""What can be done to any table, and what somebody does who rebuilds the whole log."""

import dataclasses
from typing import Any, Final

from sqlalchemy import CheckConstraint

from consentgate import ConsentGate
from consentgate.canonical import b64
from consentgate.config.settings import load_settings
from consentgate.config.upkeep import keep_log, upgrade_database
from consentgate.entries.leaf import Answer, Leaf, decode
from consentgate.moment import system_random
from consentgate.storage.tables import DESTROYABLE, INSERT_ONLY
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import Frontier
from consentgate.tlog.notekey import NoteSigner
from tests.databases import raw
from tests.functional.verify.place import Place, heartbeats

KEYS: Final = {
    table.name: [column.name for column in table.primary_key] for table in (*INSERT_ONLY, *DESTROYABLE)
}
_Row = tuple[Any, ...]


def columns_of(table: str) -> list[str]:
    (found,) = (each for each in (*INSERT_ONLY, *DESTROYABLE) if each.name == table)
    return [column.name for column in found.c]


def rows_of(url: str, table: str) -> list[_Row]:
    """Every row of a table, in the order of its key."""
    names = ", ".join(f'"{each}"' for each in columns_of(table))
    order = ", ".join(f'"{each}"' for each in KEYS[table])
    with raw(url) as connection:
        return [tuple(row) for row in connection.execute(f"SELECT {names} FROM {table} ORDER BY {order}")]


def fill(place: Place, table: str, rows: list[_Row]) -> None:
    """Put other rows in the place of all that a table has."""
    names = ", ".join(f'"{each}"' for each in columns_of(table))
    marks = ", ".join("?" * len(columns_of(table)))
    with place.raw() as connection:
        connection.execute(f"DELETE FROM {table}")
        for row in rows:
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)


def reorder(place: Place, table: str) -> None:
    """Put the rows in from the last to the first; where a number says their order, it is turned round."""
    rows = rows_of(place.url, table)
    turned = [*reversed(rows)]
    if table in ("entry", "seq"):
        at = columns_of(table).index(KEYS[table][-1])
        numbers = [row[at] for row in rows]
        turned = [(*row[:at], number, *row[at + 1 :]) for row, number in zip(turned, numbers, strict=True)]
    fill(place, table, turned)


def truncate(place: Place, table: str) -> None:
    """Cut the last row off."""
    fill(place, table, rows_of(place.url, table)[:-1])


def roll_back(place: Place, table: str) -> None:
    """Put a table back to what it was in the older copy."""
    fill(place, table, rows_of(place.old_url, table))


def go_on(place: Place) -> None:
    """Repair what guards the tables, and let the gate and its log go on as far as they do."""
    settings = load_settings(place.home)
    if place.server is not None:
        _check_again(place)
    upgrade_database(settings)
    with ConsentGate(settings, background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 3))
    keep_log(settings)


def _check_again(place: Place) -> None:
    """Make the checks of single values again, which an upgrade does not."""
    with raw(place.url) as connection:
        for table in (*INSERT_ONLY, *DESTROYABLE):
            for each in table.constraints:
                if isinstance(each, CheckConstraint):
                    connection.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {each.name}")
                    connection.execute(
                        f"ALTER TABLE {table.name} ADD CONSTRAINT {each.name} CHECK ({each.sqltext})"
                    )


def rebuild(place: Place, *, without: bytes = b"", signer: NoteSigner | None = None) -> None:
    """Make the whole log anew, consistent in itself: lanes, answers, hashes, positions, tiles, trees, checkpoint."""
    names = columns_of("entry")
    positions = {row[3]: row[1] for row in rows_of(place.url, "seq")}
    rows = [dict(zip(names, row, strict=True)) for row in rows_of(place.url, "entry")]
    rows = sorted((row for row in rows if row["id"] != without), key=lambda row: positions[row["id"]])
    lanes: dict[bytes, Leaf] = {}
    hashes: dict[bytes, bytes] = {}
    for row in rows:
        leaf = decode(row["leaf"])
        last = lanes.get(leaf.w)
        re = Answer(id=leaf.re.id, h=hashes[leaf.re.id.bytes]) if leaf.re else None
        members = {each.name: getattr(leaf, each.name) for each in dataclasses.fields(leaf) if each.init}
        members |= {"n": last.n + 1 if last else 0, "prev": last.hash if last else None, "re": re}
        if leaf.after is not None:
            members["after"] = dataclasses.replace(leaf.after, n=lanes[leaf.after.w].n + 1)
        leaf = lanes[leaf.w] = Leaf(**members)
        hashes[leaf.id.bytes] = leaf.hash
        row |= {"n": leaf.n, "leaf": leaf.spelled, "hash": leaf.hash}
    fill(place, "entry", [tuple(row[name] for name in names) for row in rows])
    gone = ", ".join(f"x'{each}'" for each in [without.hex()])
    place.sql(
        f"DELETE FROM statement WHERE entry IN ({gone})", f"DELETE FROM entry_subject WHERE entry IN ({gone})"
    )
    old = rows_of(place.url, "tree_state")[-1]
    place.sql(*(f"DELETE FROM {table}" for table in ("seq", "tile", "tree_state", "checkpoint")))
    _log(place, [(row["tenant"], row["id"], row["hash"]) for row in rows], old[-1], signer)


def _log(place: Place, entries: list[tuple[str, bytes, bytes]], at: int, signer: NoteSigner | None) -> None:
    frontier = Frontier()
    for _, _, each in entries:
        frontier.push(each)
    root = frontier.root()
    fill(place, "seq", [(0, number, *each) for number, each in enumerate(entries)])
    fill(place, "tile", [(0, 0, 0, b"".join(each for _, _, each in entries[:256]))])
    fill(place, "tree_state", [(0, frontier.size, frontier.to_bytes(), root, at)])
    if signer is not None:
        head = Checkpoint(origin=signer.key.name, size=frontier.size, root=root)
        fill(place, "checkpoint", [(0, head.size, head.origin, sign_checkpoint(head, signer), at)])


def remember(place: Place) -> None:
    """Make the signer's state what the last stored checkpoint says."""
    size, note = rows_of(place.url, "checkpoint")[-1][1:4:2]
    root = rows_of(place.url, "tree_state")[-1][3]
    place.set_state(size=size, root=b64(root), note=note)


def other_signer(place: Place) -> NoteSigner:
    """A key of somebody else, under the name of the log."""
    return NoteSigner.generate(
        place.one("SELECT value FROM deployment WHERE name = 'log_origin'"), system_random
    )
