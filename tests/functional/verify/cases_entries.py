"""What is found where facts, entries and the index of statements were tampered with."""

from typing import Final

from tests.functional.verify.tampering import (
    EPOCH,
    LANE,
    MIDDLE,
    STATEMENT,
    WITHDRAWAL,
    Cases,
    flip,
    sql,
    swap,
    twice,
    typed,
)

ENTRIES: Final[Cases] = {
    # deployment, after two epochs
    "deployment flip": (
        sql(f"UPDATE deployment SET value = value || 'x' WHERE name = {EPOCH}"),
        [
            "altered: entry that opens log 1, origin",
            "altered: entry that opens log 2, old_origin",
            "altered: log 1: deployment, log_origin",
        ],
    ),
    "deployment delete": (
        sql(f"DELETE FROM deployment WHERE name = {EPOCH}"),
        [
            "altered: entry that opens log 2, old_log",
            "altered: entry that opens log 2, old_origin",
            "extra: checkpoint, column log",
            "extra: log 0: checkpoint, column log",
            "extra: log 0: seq, column log",
            "extra: log 0: tile, column log",
            "extra: log 0: tree_state, column log",
            "extra: seq, column log",
            "extra: tile, column log",
            "extra: tree_state, column log",
            "lost: log 1",
            "truncated: log 0",
            "unsigned: entry that opens log 2, checkpoint",
        ],
    ),
    "deployment delete all": (
        sql("DELETE FROM deployment"),
        [
            "extra: checkpoint, column log",
            "extra: seq, column log",
            "extra: tile, column log",
            "extra: tree_state, column log",
            "missing: deployment, log_origin",
            "truncated: signer state",
            "uncovered: all 325 entries",
            "unsequenced: 12 entries from entry 314 on",
            "unsigned: checkpoint of size 305",
            "unsigned: checkpoint of size 313",
        ],
    ),
    "deployment insert": (
        sql("INSERT INTO deployment VALUES ('colour', 'green')"),
        ["extra: deployment, colour"],
    ),
    "deployment insert an epoch": (
        sql(
            "INSERT INTO deployment VALUES ('log_origin.3', 'consentgate.invalid/aaaaaaaaaaaaaaaaaaaaaaaaaa')"
        ),
        [
            "altered: deployment, log_origin",
            "missing: entry that opens log 3",
            "truncated: signer state",
            "uncovered: all 325 entries",
            "unsequenced: 325 entries from entry 1 on",
        ],
    ),
    "deployment test mark": (
        sql("INSERT INTO deployment VALUES ('test_database', 'yes')"),
        ["altered: deployment, test_database"],
    ),
    "deployment swap": (
        swap("deployment", "value", f"name = {EPOCH}", "name = 'log_origin'"),
        [
            "altered: entry that opens log 1, old_origin",
            "altered: entry that opens log 1, origin",
            "altered: entry that opens log 2, old_origin",
            "altered: log 0-1: deployment, log_origin",
        ],
    ),
    "deployment duplicate": (
        twice("deployment", f"name = {EPOCH}"),
        ["extra: deployment, row (name log_origin.1)"],
    ),
    "deployment types": (
        typed("deployment", "value", "x'00'", f"name = {EPOCH}"),
        [
            "altered: entry that opens log 2, old_log",
            "altered: entry that opens log 2, old_origin",
            "extra: checkpoint, column log",
            "extra: log 0: checkpoint, column log",
            "extra: log 0: seq, column log",
            "extra: log 0: tile, column log",
            "extra: log 0: tree_state, column log",
            "extra: seq, column log",
            "extra: tile, column log",
            "extra: tree_state, column log",
            "lost: log 1",
            "malformed: deployment, row (name log_origin.1), column value",
            "truncated: log 0",
            "unsigned: entry that opens log 2, checkpoint",
        ],
    ),
    # entry
    "entry flip leaf": (
        sql(flip("entry", "leaf", f"ordinal = {MIDDLE}")),
        [
            "altered: entry 155 at position 154",
            "altered: entry 156, prev",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "malformed: entry 155",
            "uncovered: all 849 entries",
        ],
    ),
    "entry flip hash": (
        sql(flip("entry", "hash", f"ordinal = {MIDDLE}")),
        ["altered: entry 155, column hash"],
    ),
    "entry flip parts": (
        sql(f"UPDATE entry SET parts = 'x' || substr(parts, 2) WHERE id = {STATEMENT}"),
        ["altered: entry 3, part statement.0 (x2)"],
    ),
    "entry flip kind": (
        sql(f"UPDATE entry SET kind = 'call' WHERE id = {STATEMENT}"),
        ["altered: entry 3, column kind"],
    ),
    "entry flip at": (
        sql(f"UPDATE entry SET at = at + 1 WHERE ordinal = {MIDDLE}"),
        ["altered: entry 155, column at"],
    ),
    "entry delete": (
        sql(f"DELETE FROM entry WHERE ordinal = {MIDDLE}"),
        ["missing: entry 155 at position 154", "missing: lane 1 (number 154)"],
    ),
    "entry delete withdrawal": (
        sql(f"DELETE FROM entry WHERE id = {WITHDRAWAL}"),
        [
            "extra: link of entry 848 (x2)",
            "extra: statement index of entry 848",
            "missing: entry 848 at position 847",
            "missing: lane 6 (number 132)",
        ],
    ),
    "entry insert": (
        sql(
            'INSERT INTO entry (id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)'
            " SELECT randomblob(16), tenant, kind, at, about, randomblob(16), 0, re,"
            f' "end", leaf, hash, parts FROM entry WHERE ordinal = {MIDDLE}'
        ),
        [
            "altered: entry new, column id",
            "altered: entry new, column n",
            "altered: entry new, column w",
            "altered: lane 1, number 154",
            "reordered: lane 1 (number 154 in a row before number 304)",
            "uncovered: the last 1 entries",
            "unsequenced: entry new",
        ],
    ),
    "entry swap rows": (
        swap("entry", "ordinal", f"n = 100 AND w = {LANE}", f"n = 101 AND w = {LANE}"),
        ["reordered: entry 102", "reordered: lane 1 (number 100 in a row before number 101)"],
    ),
    "entry swap leaves": (
        swap("entry", "leaf", f"n = 100 AND w = {LANE}", f"n = 101 AND w = {LANE}"),
        [
            "altered: entry 101 at position 100",
            "altered: entry 101, column at",
            "altered: entry 101, column hash",
            "altered: entry 101, column id",
            "altered: entry 101, column n",
            "altered: entry 102 at position 101",
            "altered: entry 102, column at",
            "altered: entry 102, column hash",
            "altered: entry 102, column id",
            "altered: entry 102, column n",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "reordered: lane 1 (number 100 in a row before number 101)",
            "uncovered: all 849 entries",
        ],
    ),
    "entry duplicate": (twice("entry", f"id = {STATEMENT}"), ["extra: entry 3"]),
    "entry types": (
        typed("entry", "hash", "'text'", f"ordinal = {MIDDLE}"),
        [
            "malformed: entry, row (id 155), column hash",
            "missing: entry 155 at position 154",
            "missing: lane 1 (number 154)",
        ],
    ),
    "entry bad UTF-8": (
        typed("entry", "kind", "CAST(x'ff' AS TEXT)", f"ordinal = {MIDDLE}"),
        [
            "malformed: entry, row (id 155), column kind",
            "missing: entry 155 at position 154",
            "missing: lane 1 (number 154)",
        ],
    ),
    # statement
    "statement flip": (
        sql(flip("statement", "key", f"entry = {STATEMENT}")),
        ["altered: statement index of entry 3, column key"],
    ),
    "statement delete": (
        sql(f"DELETE FROM statement WHERE entry = {STATEMENT}"),
        ["missing: statement index of entry 3"],
    ),
    "statement insert": (
        sql(
            f"INSERT INTO statement SELECT 'default', id, randomblob(32) FROM entry WHERE ordinal = {MIDDLE}"
        ),
        ["extra: statement index of entry 155"],
    ),
    "statement swap": (
        swap("statement", "key", f"entry = {STATEMENT}", f"entry = {WITHDRAWAL}"),
        [
            "altered: statement index of entry 3, column key",
            "altered: statement index of entry 848, column key",
        ],
    ),
    "statement duplicate": (
        twice("statement", f"entry = {STATEMENT}"),
        ["extra: statement index of entry 3"],
    ),
    "statement types": (
        typed("statement", "key", "'text'", f"entry = {STATEMENT}"),
        ["malformed: statement, row (entry 3), column key", "missing: statement index of entry 3"],
    ),
}
