"""What is found where the log, or what is anchored of it, was tampered with."""

from typing import Final

from tests.functional.verify.tampering import Cases, flip, sql, swap, twice, typed

LOG: Final[Cases] = {
    # seq
    "seq flip": (sql(flip("seq", "hash", "position = 100")), ["altered: entry 101 at position 100"]),
    "seq delete": (
        sql("DELETE FROM seq WHERE position = 100"),
        [
            "altered: tile 0/0-2",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "missing: position 100",
            "missing: tree state of size 848",
            "reordered: entry 101",
            "truncated: checkpoint of size 849",
            "truncated: signer state",
            "truncated: tree state of size 849",
            "uncovered: all 849 entries",
            "unsequenced: entry 101",
        ],
    ),
    "seq insert": (
        sql("INSERT INTO seq VALUES (0, 9999, 'default', randomblob(16), randomblob(32))"),
        [
            "missing: entry new at position 9999",
            "missing: position 849",
            "missing: tree state of size 850",
            "uncovered: the last 1 entries",
        ],
    ),
    "seq insert into another log": (
        sql("INSERT INTO seq SELECT 7, position, tenant, entry, hash FROM seq"),
        ["extra: seq, column log"],
    ),
    "seq swap": (
        swap("seq", "position", "position = 100", "position = 101"),
        [
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "reordered: entry 101",
            "uncovered: all 849 entries",
        ],
    ),
    "seq duplicate": (
        twice("seq", "position = 848"),
        [
            "extra: entry 849 at position 848",
            "extra: position 848",
            "missing: tree state of size 850",
            "reordered: entry 849",
            "uncovered: the last 1 entries",
        ],
    ),
    "seq types": (
        typed("seq", "entry", "'text'", "position = 100"),
        [
            "altered: tile 0/0-2",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "malformed: seq, row (position 100), column entry",
            "missing: position 100",
            "missing: tree state of size 848",
            "reordered: entry 101",
            "truncated: checkpoint of size 849",
            "truncated: signer state",
            "truncated: tree state of size 849",
            "uncovered: all 849 entries",
            "unsequenced: entry 101",
        ],
    ),
    # tile
    "tile flip": (sql(flip("tile", "hashes", "idx = 1")), ["altered: tile 0/1"]),
    "tile delete": (sql("DELETE FROM tile WHERE idx = 1"), ["missing: tile 0/1"]),
    "tile insert": (sql("INSERT INTO tile VALUES (0, 0, 9, zeroblob(8192))"), ["extra: tile 0/9"]),
    "tile swap": (swap("tile", "hashes", "idx = 0", "idx = 1"), ["altered: tile 0/0-1"]),
    "tile swap levels": (
        sql("UPDATE tile SET level = 1 WHERE idx = 1"),
        ["extra: tile 1/1", "missing: tile 0/1"],
    ),
    "tile duplicate": (twice("tile", "idx = 1"), ["extra: tile 0/1", "extra: tile, row (level 0, index 1)"]),
    "tile types": (
        typed("tile", "hashes", "'text'", "idx = 1"),
        ["malformed: tile, row (level 0, index 1), column hashes", "missing: tile 0/1"],
    ),
    # tree_state
    "tree_state flip": (sql(flip("tree_state", "root", "size = 715")), ["altered: tree state of size 715"]),
    "tree_state flip frontier": (
        sql(flip("tree_state", "frontier", "size = 715")),
        ["altered: tree state of size 715"],
    ),
    "tree_state at earlier": (
        sql("UPDATE tree_state SET at = at - 3600000 WHERE size = 715"),
        ["altered: tree state of size 715, column at"],
    ),
    "tree_state at later": (
        sql("UPDATE tree_state SET at = at + 3600000 WHERE size = 715"),
        ["altered: tree state of size 715, column at"],
    ),
    "tree_state delete the last": (
        sql("DELETE FROM tree_state WHERE size = 849"),
        ["missing: tree state of size 849"],
    ),
    "tree_state insert": (
        sql("INSERT INTO tree_state SELECT log, 900, frontier, root, at FROM tree_state WHERE size = 849"),
        ["truncated: tree state of size 900"],
    ),
    "tree_state swap": (
        swap("tree_state", "root", "size = 715", "size = 849"),
        ["altered: tree state of size 715"],
    ),
    "tree_state duplicate": (twice("tree_state", "size = 715"), ["extra: tree_state, row (size 715)"]),
    "tree_state negative": (
        sql("UPDATE tree_state SET size = -5, at = (SELECT min(at) FROM tree_state) WHERE size = 715"),
        ["altered: tree state of size -5"],
    ),
    "tree_state types": (
        typed("tree_state", "root", "'text'", "size = 715"),
        ["malformed: tree_state, row (size 715), column root"],
    ),
    # checkpoint
    "checkpoint flip": (
        sql("UPDATE checkpoint SET note = replace(note, '849', '848') WHERE size = 849"),
        ["uncovered: the last 134 entries", "unsigned: checkpoint of size 849"],
    ),
    "checkpoint flip size": (
        sql("UPDATE checkpoint SET size = 900, at = (SELECT max(at) FROM checkpoint) WHERE size = 715"),
        ["altered: checkpoint of size 900, column size", "truncated: signer state"],
    ),
    "checkpoint at": (
        sql("UPDATE checkpoint SET at = at - 3600000 WHERE size = 715"),
        ["altered: checkpoint of size 715, column at"],
    ),
    "checkpoint delete the last": (
        sql("DELETE FROM checkpoint WHERE size = 849"),
        ["uncovered: the last 134 entries"],
    ),
    "checkpoint insert": (
        sql(
            "INSERT INTO checkpoint SELECT log, 800, origin, note, (SELECT max(at) FROM checkpoint)"
            " FROM checkpoint WHERE size = 715"
        ),
        ["altered: checkpoint of size 800, column size"],
    ),
    "checkpoint swap": (
        swap("checkpoint", "note", "size = 715", "size = 849"),
        [
            "altered: checkpoint of size 715, column size",
            "altered: checkpoint of size 849, column size",
            "uncovered: the last 268 entries",
        ],
    ),
    "checkpoint duplicate": (twice("checkpoint", "size = 715"), ["extra: checkpoint, row (size 715)"]),
    "checkpoint types": (
        typed("checkpoint", "note", "x'00'", "size = 849"),
        ["malformed: checkpoint, row (size 849), column note", "uncovered: the last 134 entries"],
    ),
    # anchor, with the folder that it names
    "anchor flip": (
        sql("UPDATE anchor SET evidence = '0' || substr(evidence, 2) WHERE size = 715"),
        ["altered: anchor row of second-site, size 715, column evidence"],
    ),
    "anchor flip at": (
        sql("UPDATE anchor SET at = at - 3600000 WHERE size = 715"),
        ["altered: anchor row of second-site, size 715, column at"],
    ),
    "anchor flip name": (
        sql("UPDATE anchor SET name = 'elsewhere' WHERE size = 715"),
        [
            "extra: anchor row of elsewhere, size 715",
            "missing: anchor table, second-site, checkpoint of 715 entries",
        ],
    ),
    "anchor delete": (
        sql("DELETE FROM anchor WHERE size = 715"),
        ["missing: anchor table, second-site, checkpoint of 715 entries"],
    ),
    "anchor insert": (
        sql("INSERT INTO anchor SELECT log, name, 800, kind, evidence, at FROM anchor WHERE size = 715"),
        ["missing: anchor second-site, checkpoint of 800 entries"],
    ),
    "anchor swap": (
        swap("anchor", "evidence", "size = 715", "size = 849"),
        [
            "altered: anchor row of second-site, size 715, column evidence",
            "altered: anchor row of second-site, size 849, column evidence",
        ],
    ),
    "anchor duplicate": (twice("anchor", "size = 715"), ["extra: anchor, row 4"]),
    "anchor types": (
        typed("anchor", "evidence", "x'00'", "size = 715"),
        ["malformed: anchor, row 3", "missing: anchor table, second-site, checkpoint of 715 entries"],
    ),
}
