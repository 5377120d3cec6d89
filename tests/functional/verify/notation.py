"""How findings are written in the tables of cases: `kind: where`, one line each, what is random in it named.

A story is the same every time but for ids, hashes and names that are drawn. These are written by what they are of:

- `entry 155`: the entry with the ordinal 155, which is at position 154; `lane 3`: the third lane to begin. In the
  story that most tables are tampered with in, entries 1 to 305 are lane 1 (3 and 4 are the grants of Anna and Ben,
  then come heartbeats), 306 to 313 lane 2 (calls, a search, 312 is Anna's withdrawal), and then there are four lanes
  of 134 entries: a grant, a call, heartbeats, a withdrawal, the end.
- `person 3`, `call 306`, `task 309`: the subject that this entry is the first to name.
- `log`, `log.1`: the origin of a log, by its fact in `deployment`; `root 715`: the root of the tree of that size.
- `text of voiceprint-1`, `registry`, `packs`, `pack first`, `pack last`: an artifact; packs are in order of digests.
- `new`: an id, hash or name that the story did not have.

What a lane lacks stands in brackets, as the finding expects it. Of a row that is named by its key, the number in
which a database happens to give it is left out. A line that is found more than once ends with how often; lines in a
row whose numbers all count on by one are one line, with the first numbers and the last.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from consentgate.verify.result import Finding
from tests.databases import raw
from tests.functional.verify.place import Place

_DRAWN: Final = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[a-z2-7]{26}\b"
)
_NUMBERS: Final = re.compile(r"(\d+)")
_KEYED_ROW: Final = re.compile(r", row \d+ \(")
_LANE: Final = re.compile(r"lane [0-9a-f]{32}")
_INCOMPLETE: Final = frozenset({"unsequenced", "uncovered"})


class Names:
    """What is random in a place, and how it is called; taken before anything is tampered with."""

    def __init__(self, place: Place) -> None:
        self._names: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        with raw(place.url) as connection:
            for read in (self._entries, self._subjects, self._log, self._artifacts):
                read(lambda query: connection.execute(query).fetchall())

    def _entries(self, rows: Callable[[str], list[Any]]) -> None:
        lanes: dict[bytes, int] = {}
        for ordinal, entry, lane in rows("SELECT ordinal, id, w FROM entry ORDER BY ordinal"):
            self._names[str(UUID(bytes=bytes(entry)))] = str(ordinal)
            self._names[bytes(lane).hex()] = str(lanes.setdefault(bytes(lane), len(lanes) + 1))

    def _subjects(self, rows: Callable[[str], list[Any]]) -> None:
        people = {bytes(subject) for (subject,) in rows("SELECT subject FROM data_key")}
        for subject, ordinal, kind in rows(
            "SELECT s.subject, e.ordinal, e.kind FROM entry_subject s JOIN entry e ON e.id = s.entry"
            " ORDER BY e.ordinal DESC"
        ):
            what = "person" if bytes(subject) in people else "call" if kind == "call" else "task"
            self._names[str(UUID(bytes=bytes(subject)))] = f"{what} {ordinal}"

    def _log(self, rows: Callable[[str], list[Any]]) -> None:
        for name, value in rows("SELECT name, value FROM deployment"):
            self._names[value.rpartition("/")[2]] = name.replace("log_origin", "log")
        for size, root in rows("SELECT size, root FROM tree_state"):
            self._names[bytes(root).hex()] = f"root {size}"

    def _artifacts(self, rows: Callable[[str], list[Any]]) -> None:
        codes: dict[str, str] = {}
        packs = []
        for digest, kind, content in rows("SELECT digest, kind, content FROM artifact ORDER BY digest"):
            self._names[bytes(digest).hex()] = kind
            if kind == "pack":
                packs.append(bytes(digest).hex())
            elif kind == "packs":
                codes = {of["sha256"]: code for code, of in json.loads(bytes(content))["packs"].items()}
        for number, name in ((0, "first"), (-1, "last")):
            if packs:
                self._names[packs[number]] = f"pack {name}"
                self._codes[f", pack {codes[packs[number]]}"] = f", pack {name}"
        for notice, digest, manifest in rows("SELECT id, digest, manifest FROM notice"):
            self._names[bytes(digest).hex()] = f"text of {notice}"
            self._names[bytes(manifest).hex()] = f"manifest of {notice}"

    def line(self, finding: Finding) -> str:
        """Write a finding."""
        said = f"{finding.kind}: {finding.where}"
        if _LANE.fullmatch(finding.where):
            said += f" ({finding.expected})"
        said = _DRAWN.sub(lambda drawn: self._names.get(drawn[0], "new"), _KEYED_ROW.sub(", row (", said))
        for code, name in self._codes.items():
            said = said.removesuffix(code) + name if said.endswith(code) else said
        return said


def found(place: Place, names: Names, *, vkey: str | None = None) -> list[str]:
    """Verify, and write the findings; the exit code has to fit them, and each has to say where and what to do."""
    verification = place.verify(vkey=vkey).verification
    kinds = {each.kind for each in verification.findings}
    assert verification.exit_code == (0 if not kinds else 4 if kinds <= _INCOMPLETE else 1)
    assert all(each.where and each.cure for each in verification.findings)
    return written(map(names.line, verification.findings))


def without_times(lines: Iterable[str]) -> list[str]:
    """Leave out that a time does not fit, where rows stand beside others than they were written with.

    That is a finding only if so much time passed between them in the story as clocks may differ by.
    """
    return [line for line in lines if not line.endswith((", at", ", column at"))]


def written(lines: Iterable[str]) -> list[str]:
    """Write lines in order, those that are the same or that count on as one."""
    counted = Counter(lines)
    said = [
        f"{line} (x{counted[line]})" if counted[line] > 1 else line for line in sorted(counted, key=_order)
    ]
    runs: list[list[str]] = []
    for line in said:
        if runs and _counts_on(runs[-1], line):
            runs[-1].append(line)
        else:
            runs.append([line])
    return [_in_one(run[0], run[-1]) for run in runs]


def _order(line: str) -> list[tuple[int, str]]:
    return [(int(each), "") if each.isdigit() else (0, each) for each in _NUMBERS.split(line)]


def _counts_on(run: list[str], line: str) -> bool:
    """Tell whether a line is the last of a run, but for numbers that are higher by one, the same ones each time."""
    step = _step(run[-1], line)
    return bool(step) and (len(run) == 1 or step == _step(run[-2], run[-1]))


def _step(before: str, after: str) -> list[int]:
    """Say which numbers are higher by one, by their places; none where anything else differs."""
    one, other = _NUMBERS.split(before), _NUMBERS.split(after)
    if len(one) != len(other):
        return []
    differing = [at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
    if not all(one[at].isdigit() and int(other[at]) - int(one[at]) == 1 for at in differing):
        return []
    return differing


def _in_one(first: str, last: str) -> str:
    pairs = zip(_NUMBERS.split(first), _NUMBERS.split(last), strict=True)
    return "".join(one if one == other else f"{one}-{other}" for one, other in pairs)
