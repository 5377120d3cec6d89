"""Levels ``witnesses`` and ``anchors``: what places outside the database keep, against what the database shows."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from consentgate import moment
from consentgate.errors import Misconfigured, Unavailable
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.cosignature import WitnessSigner
from consentgate.tlog.note import parse_note, signature_line
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.policy import Group, Policy, PolicyWitness
from consentgate.verify.anchored import Covered, check_anchors
from consentgate.verify.places import AnchorRow, Anchors, Held
from consentgate.verify.rows import CheckpointRow
from tests.unit.verify.world import SIGNER

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
OTHER = NoteSigner.generate("consentgate.invalid/other", lambda size: b"\x02" * size)
SIGNERS = [WitnessSigner.generate(f"w.example/{n}", random.Random(n).randbytes) for n in (3, 4)]
SIZES = (2, 4, 6, 8, 10)


def note_of(size: int, root: bytes = b"", signer: NoteSigner = SIGNER) -> str:
    head = Checkpoint(origin=signer.key.name, size=size, root=(root or bytes([size])).ljust(32, b"\0"))
    return sign_checkpoint(head, signer)


def at(size: int) -> datetime:
    """A checkpoint each five minutes."""
    return START + timedelta(minutes=5 * size)


@dataclass
class Folder:
    """An anchor that keeps notes."""

    name: str = "second-site"
    kind: str = "directory"
    retired: bool = False
    notes: dict[int, Held] = field(default_factory=dict)
    failure: Exception | None = None
    # How many it gives before it fails.
    gives: int = 0

    def held(self, origin: str) -> Iterable[Held]:
        assert origin == SIGNER.key.name
        for number, size in enumerate(sorted(self.notes)):
            if self.failure is not None and number >= self.gives:
                raise self.failure
            yield self.notes[size]
        if self.failure is not None:
            raise self.failure


@dataclass
class Scene:
    """Checkpoints, a folder that keeps each of them, and two witnesses that cosigned each."""

    checkpoints: list[CheckpointRow]
    rows: list[AnchorRow]
    folder: Folder
    cosigners: tuple[Folder, ...]
    policy: Policy | None = None
    size: int = 10
    now: datetime | None = field(default_factory=lambda: at(11))

    def anchors(self) -> Iterable[AnchorRow]:
        return sorted(self.rows, key=lambda each: each.size)

    def check(self) -> Covered:
        witnesses = {each.name: SIGNERS[n].key for n, each in enumerate(self.cosigners)}
        given = Anchors(
            rows=self, places=(self.folder, *self.cosigners), witnesses=witnesses, policy=self.policy
        )
        return check_anchors(given, self.checkpoints, SIGNER.key, size=self.size, now=self.now)

    def found(self) -> list[tuple[str, str]]:
        return [(each.kind, each.where) for each in self.check().findings]

    def verdicts(self) -> dict[str, str]:
        return {each.name: each.verdict for each in self.check().levels}

    def drop_rows(self, name: str, *sizes: int) -> None:
        self.rows = [each for each in self.rows if each.name != name or each.size not in sizes]

    def change(self, name: str, size: int, /, **members: object) -> None:
        self.rows = [
            replace(each, **members) if (each.name, each.size) == (name, size) else each  # type: ignore[arg-type]  # odd values on purpose
            for each in self.rows
        ]


def line_of(signer: WitnessSigner, size: int, when: datetime | None = None) -> str:
    text = parse_note(note_of(size)).text
    return signature_line(signer.cosign(text, int((when or at(size)).timestamp()))).rstrip("\n")


@pytest.fixture
def scene() -> Scene:
    checkpoints, rows, folder = [], [], Folder()
    cosigners = tuple(Folder(name=f"w-{number}", kind="witness") for number in range(2))
    for size in SIZES:
        millis = moment.to_millis(at(size))
        checkpoints.append(CheckpointRow(size=size, origin=SIGNER.key.name, note=note_of(size), at=millis))
        folder.notes[size] = Held(
            size=size, evidence=f"kept/{size}", note=note_of(size).encode(), at=at(size)
        )
        rows.append(
            AnchorRow(name="second-site", size=size, kind="directory", evidence=f"kept/{size}", at=millis)
        )
        rows += [
            AnchorRow(name=f"w-{n}", size=size, kind="witness", evidence=line_of(each, size), at=millis)
            for n, each in enumerate(SIGNERS)
        ]
    return Scene(checkpoints, rows, folder, cosigners)


def test_all_that_fits_holds_up_to_the_last_checkpoint(scene: Scene) -> None:
    done = scene.check()
    assert done.findings == ()
    assert [(each.name, each.verdict, each.until) for each in done.levels] == [
        ("witnesses", "holds", at(10)),
        ("anchors", "holds", at(10)),
    ]


def test_without_witnesses_there_is_no_such_level(scene: Scene) -> None:
    scene.cosigners = ()
    scene.rows = [each for each in scene.rows if each.kind == "directory"]
    assert scene.verdicts() == {"anchors": "holds"}


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ([4], ["checkpoint of 4 entries"]),
        ([4, 6], ["2 checkpoints in a row, of 4 to 6 entries"]),
        ([2, 6, 8], ["checkpoint of 2 entries", "2 checkpoints in a row, of 6 to 8 entries"]),
        ([10], ["checkpoint of 10 entries"]),
        ([*SIZES], ["5 checkpoints in a row, of 2 to 10 entries"]),
    ],
)
def test_each_checkpoint_that_an_anchor_lost_is_counted(
    scene: Scene, gone: list[int], said: list[str]
) -> None:
    for size in gone:
        del scene.folder.notes[size]
    assert scene.found() == [("missing", f"anchor second-site, {each}") for each in said]
    assert scene.verdicts() == {"witnesses": "holds", "anchors": "broken"}


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ([4], ["checkpoint of 4 entries"]),
        ([4, 6], ["2 checkpoints in a row, of 4 to 6 entries"]),
        # The newest may be on its way: it is put before it is written down.
        ([10], []),
        ([8, 10], ["checkpoint of 8 entries"]),
        ([6, 8, 10], ["2 checkpoints in a row, of 6 to 8 entries"]),
    ],
)
def test_each_row_that_the_database_lost_is_counted(scene: Scene, gone: list[int], said: list[str]) -> None:
    scene.drop_rows("second-site", *gone)
    missing = [each for each in scene.found() if each[0] == "missing"]
    assert missing == [("missing", f"anchor table, second-site, {each}") for each in said]


def test_checkpoints_that_only_an_anchor_has_are_missing(scene: Scene) -> None:
    scene.checkpoints = [each for each in scene.checkpoints if each.size not in (4, 6)]
    for name in ("w-0", "w-1"):
        scene.drop_rows(name, 4, 6)
    assert scene.found() == [("missing", "checkpoint table, 2 checkpoints in a row, of 4 to 6 entries")]


def test_a_log_that_is_shorter_than_its_anchor_was_truncated(scene: Scene) -> None:
    scene.checkpoints = [each for each in scene.checkpoints if each.size <= 6]
    scene.rows = [each for each in scene.rows if each.size <= 6]
    scene.size = 6
    (finding,) = scene.check().findings
    assert (finding.kind, finding.where) == ("truncated", "anchor second-site")
    assert (finding.expected, finding.found) == ("at least 10 entries in the log", "6 entries")


def test_a_witness_that_gives_out_what_it_cosigned_finds_a_log_put_back(scene: Scene) -> None:
    """Database, signer's state and folder are all of an older day; the witness remembers."""
    scene.cosigners[0].notes[10] = Held(size=10, evidence="", note=note_of(10).encode(), at=at(10))
    assert scene.found() == []
    for size in (8, 10):
        del scene.folder.notes[size]
    scene.checkpoints = [each for each in scene.checkpoints if each.size <= 6]
    scene.rows = [each for each in scene.rows if each.size <= 6]
    scene.size = 6
    assert scene.found() == [("truncated", "anchor w-0")]


def test_another_history_is_found_by_the_first_checkpoint_that_differs(scene: Scene) -> None:
    scene.checkpoints[1:3] = [
        replace(each, note=note_of(each.size, b"rebuilt")) for each in scene.checkpoints[1:3]
    ]
    found = scene.found()
    assert [each for each in found if each[0] == "altered"] == [
        ("altered", "checkpoint of size 4"),
        ("altered", "checkpoint of size 6"),
    ]
    # No witness cosigned that one, either.
    assert [where for kind, where in found if kind == "unsigned"] == [
        f"anchor row of w-{n}, size {size}, column evidence" for size in (4, 6) for n in range(2)
    ]


def bad(note: str, size: int = 4) -> Callable[[Scene], None]:
    def work(scene: Scene) -> None:
        scene.folder.notes[size] = replace(scene.folder.notes[size], note=note.encode())

    return work


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (bad("hello"), "A note is"),
        (bad(note_of(4, signer=OTHER)), "No known key signed"),
        (bad(note_of(4).replace("\n4\n", "\n5\n")), "does not fit the note"),
        (bad(note_of(6)), "It is of 6 entries"),
    ],
)
def test_what_an_anchor_keeps_must_be_the_logs_own(
    scene: Scene, work: Callable[[Scene], None], says: str
) -> None:
    work(scene)
    (finding,) = scene.check().findings
    assert (finding.kind, finding.where) == ("unsigned", "anchor second-site, kept/4")
    assert says in finding.found


@pytest.mark.parametrize(
    ("members", "kind", "where"),
    [
        ({"evidence": "kept/5"}, "altered", "anchor row of second-site, size 4, column evidence"),
        ({"kind": "s3"}, "altered", "anchor row of second-site, size 4, column kind"),
        ({"at": 7}, "altered", "anchor row of second-site, size 4, column at"),
        ({"at": -(1 << 62)}, "altered", "anchor row of second-site, size 4, column at"),
        ({"at": 1 << 62}, "altered", "anchor row of second-site, size 4, column at"),
        ({"name": "elsewhere"}, "extra", "anchor row of elsewhere, size 4"),
        ({"size": 5}, "missing", "anchor second-site, checkpoint of 5 entries"),
        ({"at": "noon"}, "malformed", "anchor, row 4"),
        ({"evidence": b"x"}, "malformed", "anchor, row 4"),
        ({"name": "\udcff"}, "malformed", "anchor, row 4"),
    ],
)
def test_whatever_a_row_holds_is_a_finding(
    scene: Scene, members: dict[str, object], kind: str, where: str
) -> None:
    scene.change("second-site", 4, **members)
    assert (kind, where) in scene.found()
    assert scene.verdicts()["anchors"] == "broken"


def test_a_time_before_the_anchor_says_so_is_a_lie_and_a_later_one_is_a_crash(scene: Scene) -> None:
    late = moment.to_millis(at(8)) + 60_000
    scene.change("second-site", 8, at=late)
    assert scene.found() == []
    scene.folder.notes[8] = replace(scene.folder.notes[8], at=at(8) + timedelta(minutes=2))
    assert scene.found() == [("altered", "anchor row of second-site, size 8, column at")]


@pytest.mark.parametrize(("name", "number"), [("second-site", 0), ("w-0", 1)])
def test_a_checkpoint_is_no_later_than_what_an_anchor_says_of_it(
    scene: Scene, name: str, number: int
) -> None:
    late = moment.to_millis(at(8)) + 60_000
    scene.checkpoints[3] = replace(scene.checkpoints[3], at=late)
    scene.rows = [each for each in scene.rows if each.name == name or each.size != 8]
    scene.change(name, 8, at=late)
    if number:
        del scene.folder.notes[8]
    assert scene.found()[:1] == [("altered", "checkpoint of size 8, column at")]


def test_an_anchor_s_row_may_be_as_late_as_the_next_one(scene: Scene) -> None:
    # Killed before it was written down, and the next pass came hours later: nothing else is left of a lie.
    scene.now = at(10) + timedelta(hours=23)
    scene.change("second-site", 10, at=moment.to_millis(at(10) + timedelta(hours=22)))
    scene.change("second-site", 4, at=moment.to_millis(at(6)))
    assert scene.found() == []


def test_a_time_after_the_next_one_is_a_finding(scene: Scene) -> None:
    scene.change("second-site", 4, at=moment.to_millis(at(6)) + 11_000)
    assert scene.found() == [("altered", "anchor row of second-site, size 6, column at")]


def test_a_test_database_has_a_clock_of_its_own(scene: Scene) -> None:
    scene.now = START
    assert {kind for kind, _ in scene.found()} == {"altered", "uncovered"}
    scene.now = None
    assert scene.found() == []


@pytest.mark.parametrize(
    "evidence",
    [
        "hello",
        line_of(SIGNERS[1], 4),
        line_of(SIGNERS[0], 6),
        f"{line_of(SIGNERS[0], 4)}\n{line_of(SIGNERS[0], 4)}",
        "",
    ],
)
def test_a_cosignature_that_does_not_fit_is_a_finding_of_its_level(scene: Scene, evidence: str) -> None:
    scene.change("w-0", 4, evidence=evidence)
    assert scene.found() == [("unsigned", "anchor row of w-0, size 4, column evidence")]
    assert scene.verdicts() == {"witnesses": "broken", "anchors": "holds"}


def quorum(needed: int) -> Policy:
    known = tuple(PolicyWitness(name=f"w-{n}", key=each.key) for n, each in enumerate(SIGNERS))
    group = Group(name="both", needed=needed, members=("w-0", "w-1"))
    return Policy(logs=(), witnesses=known, groups=(group,), quorum="both")


def test_quorum_decides_how_far_witnesses_cover(scene: Scene) -> None:
    scene.policy = quorum(2)
    scene.drop_rows("w-1", 8, 10)
    (first, behind) = scene.check().findings
    assert (first.kind, first.where) == ("uncovered", "the last 4 signed entries")
    assert (first.expected, first.found) == (
        "cosignatures that meet the quorum 'both'",
        "the last checkpoint that has them covers 6",
    )
    assert (behind.kind, behind.where, behind.found) == ("uncovered", "anchor w-1", "the last is of 6")
    levels = {each.name: (each.verdict, each.until) for each in scene.check().levels}
    assert levels == {"witnesses": ("incomplete", at(6)), "anchors": ("incomplete", at(10))}
    scene.policy = quorum(1)
    assert scene.verdicts() == {"witnesses": "holds", "anchors": "incomplete"}
    scene.policy = None
    assert scene.verdicts() == {"witnesses": "holds", "anchors": "incomplete"}


def test_an_anchor_that_lags_is_incomplete_and_a_retired_one_is_not(scene: Scene) -> None:
    scene.drop_rows("second-site", 10)
    del scene.folder.notes[10]
    assert scene.found() == [("uncovered", "anchor second-site")]
    scene.folder.retired = True
    assert scene.found() == []
    # What it kept is verified all the same.
    del scene.folder.notes[4]
    assert scene.found() == [("missing", "anchor second-site, checkpoint of 4 entries")]


def test_nothing_in_any_anchor_for_an_hour_is_a_gap(scene: Scene) -> None:
    later = moment.to_millis(at(10) + timedelta(hours=2))
    names = [scene.folder.name, *(each.name for each in scene.cosigners)]
    for name in names:
        scene.drop_rows(name, 6, 8)
        scene.change(name, 10, at=later)
    del scene.folder.notes[6], scene.folder.notes[8]
    scene.folder.notes[10] = replace(scene.folder.notes[10], at=at(10) + timedelta(hours=2))
    scene.now = at(10) + timedelta(hours=3)
    (finding,) = scene.check().findings
    # The first checkpoint that was left out is that of 6, twenty minutes before that of 10.
    assert (finding.kind, finding.where) == ("gap", "anchors between 4 and 10 entries")
    assert finding.found == f"none for {2 * 3600 + 20 * 60} seconds"
    assert scene.verdicts() == {"witnesses": "holds", "anchors": "incomplete"}
    # One anchor that has it is enough.
    millis = moment.to_millis(at(6))
    scene.rows.append(
        AnchorRow(name="w-0", size=6, kind="witness", evidence=line_of(SIGNERS[0], 6), at=millis)
    )
    scene.checkpoints = [each for each in scene.checkpoints if each.size != 8]
    assert [kind for kind, _ in scene.found()] == ["gap"]
    scene.change("second-site", 10, at=moment.to_millis(at(10)))
    scene.folder.notes[10] = replace(scene.folder.notes[10], at=at(10))
    assert scene.found() == []


@pytest.mark.parametrize("gives", [0, 3])
@pytest.mark.parametrize("failure", [Unavailable("Not mounted."), Misconfigured("No bucket.")])
def test_an_anchor_out_of_reach_leaves_the_level_unjudged(
    scene: Scene, failure: Exception, gives: int
) -> None:
    scene.folder.failure, scene.folder.gives = failure, gives
    done = scene.check()
    assert done.findings == ()
    assert done.unreached == {"second-site": str(failure)}
    assert {each.name: each.verdict for each in done.levels} == {
        "witnesses": "holds",
        "anchors": "cannot_judge",
    }
    # What is broken elsewhere is said all the same.
    scene.change("second-site", 4, kind="s3")
    assert scene.verdicts()["anchors"] == "broken"


def test_no_checkpoint_at_all_needs_no_anchor(scene: Scene) -> None:
    scene.checkpoints, scene.rows, scene.size = [], [], 0
    scene.folder.notes.clear()
    assert [(each.verdict, each.until) for each in scene.check().levels] == [("holds", None), ("holds", None)]


def test_a_checkpoint_that_is_no_note_hides_nothing(scene: Scene) -> None:
    scene.checkpoints[1] = replace(scene.checkpoints[1], note="hello", at=1 << 62)
    kinds = [each for each in scene.found() if "size 4" in each[1]]
    assert ("altered", "checkpoint of size 4") in kinds
    scene.checkpoints = [replace(scene.checkpoints[0], at=1 << 62)]
    assert scene.check().levels[1].verdict == "broken"
