"""What can be done to any table, and what somebody does who rebuilds the whole log."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
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

_LAST_STATEMENT = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal DESC LIMIT 1)"
_LAST_PERSON = (
    "(SELECT s.subject FROM entry_subject s JOIN data_key d ON d.subject = s.subject"
    " JOIN entry e ON e.id = s.entry GROUP BY s.subject ORDER BY min(e.ordinal) DESC, s.subject LIMIT 1)"
)
# Where no number says what was written last: the last statement, and of whom it says the first word.
_WRITTEN_LAST: Final = {
    "statement": f"entry = {_LAST_STATEMENT}",
    "artifact": "digest = (SELECT digest FROM notice ORDER BY id DESC LIMIT 1)",
    "data_key": f"subject = {_LAST_PERSON}",
    "subject_ref": f"subject = {_LAST_PERSON}",
    "entry_subject": f"entry = {_LAST_STATEMENT} AND subject = {_LAST_PERSON}",
}


def columns_of(table: str) -> list[str]:
    (found,) = (each for each in (*INSERT_ONLY, *DESTROYABLE) if each.name == table)
    return [column.name for column in found.c]


def rows_of(url: str, table: str) -> list[_Row]:
    """Every row of a table, in the order of its key."""
    names = ", ".join(f'"{each}"' for each in columns_of(table))
    order = ", ".join(f'"{each}"' for each in KEYS[table])
    with raw(url) as connection:
        return [tuple(row) for row in connection.execute(f"SELECT {names} FROM {table} ORDER BY {order}")]


def contents(place: Place) -> dict[str, list[str]]:
    """Everything that the tables hold, in no order."""
    with raw(place.url) as connection:
        connection.any_text()
        return {
            table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}").fetchall()))
            for table in KEYS
        }


@contextmanager
def changing(place: Place) -> Iterator[None]:
    """Require that the block changes what the tables hold, or what the folder beside them keeps."""
    before = contents(place), files_of(place)
    yield
    assert (contents(place), files_of(place)) != before, "nothing was tampered with"


def files_of(place: Place) -> dict[str, bytes]:
    """What an anchor keeps, and what the signer remembers."""
    files = [*(place.folder / "kept").rglob("*"), *place.home.glob("log*")]
    return {str(each.relative_to(place.folder)): each.read_bytes() for each in files if each.is_file()}


def fill(place: Place, table: str, rows: list[_Row]) -> None:
    """Put other rows in the place of all that a table has."""
    names = ", ".join(f'"{each}"' for each in columns_of(table))
    marks = ", ".join("?" * len(columns_of(table)))
    with place.raw() as connection:
        connection.execute(f"DELETE FROM {table}")
        for row in rows:
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", row)


def reorder(place: Place, table: str) -> None:
    """Turn the rows round: the number that says their order stays, and what it is the number of is another."""
    rows = rows_of(place.url, table)
    at = columns_of(table).index(KEYS[table][-1])
    turned = [
        (*other[:at], row[at], *other[at + 1 :]) for row, other in zip(rows, reversed(rows), strict=True)
    ]
    fill(place, table, turned)


def truncate(place: Place, table: str) -> None:
    """Cut the last row off: by its number or name, or what was written last."""
    if table in _WRITTEN_LAST:
        place.sql(f"DELETE FROM {table} WHERE {_WRITTEN_LAST[table]}")
    else:
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
    full = [entries[at : at + 256] for at in range(0, frontier.size // 256 * 256, 256)]
    fill(place, "tile", [(0, 0, index, b"".join(row[2] for row in rows)) for index, rows in enumerate(full)])
    fill(place, "tree_state", [(0, frontier.size, frontier.to_bytes(), root, at)])
    if signer is not None:
        head = Checkpoint(origin=signer.key.name, size=frontier.size, root=root)
        fill(place, "checkpoint", [(0, head.size, head.origin, sign_checkpoint(head, signer), at)])


def anchor_row(place: Place) -> _Row:
    """What the table says where the newest checkpoint lies in a folder."""
    row = rows_of(place.url, "anchor")[-1]
    size, origin = rows_of(place.url, "checkpoint")[-1][1:3]
    root = rows_of(place.url, "tree_state")[-1][3]
    evidence = f"{origin.rpartition('/')[2]}/{size:020}-{root.hex()}"
    assert len(evidence) == len(row[4])
    return (*row[:2], size, row[3], evidence, row[5])


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
