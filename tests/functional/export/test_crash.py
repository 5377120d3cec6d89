"""Cut off anywhere, an export leaves nothing that looks like a package, and the same command goes on.

What is raised, and where a process is killed, comes at each kind of step: before and after the entry is on record,
between files, when all is written, when it is verified, when it has its name.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.errors import InvalidInput, LogRefused, Unavailable
from consentgate.export import bates, build, letter, making, nodes
from consentgate.export.bag import Bag
from consentgate.moment import to_text
from consentgate.storage import entries
from consentgate.testing.clock import FrozenClock
from consentgate.verify.package.levels import verify_package
from tests.functional.export.place import ASKED, copied, tree
from tests.packages import Exporter

FILES = (
    "data/records/entries.jsonl",
    "data/log/0/nodes.bin",
    "verify.html",
    "manifest.json",
    "SHA256SUMS",
    "tagmanifest-sha256.txt",
)
STEPS: dict[str, tuple[Any, str]] = {
    "before it is on record": (bates, "put_on_record"),
    "after it is on record": (making, "_finished"),
    "before it is verified": (build, "seal_lists"),
    "before it has its name": (build, "_named"),
    "before the letter": (making, "write_letter"),
}


class Cut(BaseException):
    """The process is over."""


def cut(*_: object, **__: object) -> Any:
    raise Cut


def at_file(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Cut off when a file is to be written."""
    opened = Bag.open

    def open_(self: Bag, path: str, **more: Any) -> Any:
        return cut() if path == where else opened(self, path, **more)

    monkeypatch.setattr(Bag, "open", open_)


def named(out: Path) -> list[Path]:
    """Folders that have the name of a package."""
    return [path for path in out.iterdir() if path.is_dir() and not path.name.startswith(".")]


def exports(gate: ConsentGate) -> int:
    """How many exports are on record."""
    parts = gate._parts
    with parts.database.read() as connection:
        return len(entries.tenant_wide(connection, parts.book.tenant, "export"))


def goes_on(gate: ConsentGate, out: Path, before: int) -> None:
    """The same command makes the package, with one entry in all, and nothing else is left."""
    made = gate.export("Cut", out, **ASKED, transaction="tx-4")
    assert exports(gate) == before + 1
    assert verify_package(made.folder).findings == {}
    assert made.letter is not None
    assert {path.name for path in out.iterdir()} == {made.folder.name, made.letter.name}


@pytest.mark.parametrize("step", STEPS)
def test_what_is_raised_at_a_step_leaves_no_package(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    gate, before = exporter.world.gate, exports(exporter.world.gate)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], cut)
        with pytest.raises(Cut):
            gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
    # Only what was verified before has a name; what has none is no package, however late it was cut off.
    assert all(verify_package(path).conclusion == "broken" for path in tmp_path.glob(".*.partial"))
    assert all(verify_package(path).findings == {} for path in named(tmp_path))
    assert bool(named(tmp_path)) == (step == "before the letter")
    goes_on(gate, tmp_path, before)


def test_process_that_ends_while_a_package_is_verified_or_stamped_leaves_none(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, before, seen = exporter.world.gate, exports(exporter.world.gate), []

    def verified(folder: Path, *_: object, **__: object) -> Any:
        # As a reader would who finds it now.
        seen.append(verify_package(folder).conclusion)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr("consentgate.config.exporting.verify_package", verified)
        with pytest.raises(Cut):
            gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
    assert seen == ["broken"]
    goes_on(gate, tmp_path, before)


def test_export_that_cannot_be_finished_any_more_begins_anew(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, before = exporter.world.gate, exports(exporter.world.gate)
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS["before it is verified"], cut)
        with pytest.raises(Cut):
            gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
    with monkeypatch.context() as patch:
        # consentgate was upgraded in between.
        patch.setattr(making, "VERSION", "9.9.9")
        with pytest.raises(InvalidInput, match="export anew"):
            gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
        made = gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
    assert exports(gate) == before + 2
    assert verify_package(made.folder).findings == {}


def test_letter_is_whole_or_not_there(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, before = exporter.world.gate, exports(exporter.world.gate)
    written = letter._text
    with monkeypatch.context() as patch:
        patch.setattr(letter, "_text", lambda *given: cut() if written(*given) else "")
        with pytest.raises(Cut):
            gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
    assert list(tmp_path.glob("*COVER-LETTER.txt")) == []
    goes_on(gate, tmp_path, before)


@pytest.mark.parametrize("path", FILES)
def test_what_is_raised_at_a_file_leaves_nothing_that_verifies(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    gate, before = exporter.world.gate, exports(exporter.world.gate)
    with monkeypatch.context() as patch:
        at_file(patch, path)
        with pytest.raises(Cut):
            gate.export("Cut", tmp_path, **ASKED, transaction="tx-4")
    assert named(tmp_path) == []
    (partial,) = tmp_path.glob(".*.partial")
    assert verify_package(partial).conclusion == "broken"
    goes_on(gate, tmp_path, before)


@pytest.mark.parametrize("where", ["data/log/0/checkpoint", "named"])
def test_killed_process_leaves_no_package_and_the_next_goes_on(
    exporter: Exporter, tmp_path: Path, where: str
) -> None:
    out = tmp_path / "out"
    with copied(exporter, tmp_path) as gate:
        before, home = exports(gate), gate._parts.settings.home
    at = to_text(exporter.world.clock())
    command = [sys.executable, "-W", "error", "-m", "tests.functional.export.child", str(home), str(out), at]
    first = subprocess.run([*command, where], check=False, capture_output=True)
    assert first.returncode == -9, first.stderr
    assert bool(named(out)) == (where == "named")
    with reopened(home, exporter) as gate:
        made = gate.export("Crash", out, **ASKED)
        assert exports(gate) == before + 1
    assert named(out) == [made.folder]
    assert verify_package(made.folder).findings == {}
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []


def test_a_tree_that_is_not_what_was_signed_gives_no_package(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "multiproof", lambda *_: bytes(32))
    with pytest.raises(LogRefused, match="not what was signed"):
        exporter.world.gate.export("Tree", tmp_path, **ASKED)
    assert named(tmp_path) == []


def test_package_that_does_not_verify_is_not_handed_over(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(bag: Bag) -> None:
        bag.put("data/extra", b"not listed in the manifest", role=None)

    monkeypatch.setattr(build, "seal_lists", spoiled)
    with pytest.raises(LogRefused, match="does not verify"):
        exporter.world.gate.export("Spoiled", tmp_path, **ASKED)
    assert named(tmp_path) == []


def test_two_processes_do_not_make_the_same_export_at_once(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, written = exporter.world.gate, letter.write_letter

    def meanwhile(*given: Any) -> Path:
        with pytest.raises(Unavailable, match="Another process"):
            gate.export("Twice", tmp_path, **ASKED)
        return written(*given)

    monkeypatch.setattr(making, "write_letter", meanwhile)
    gate.export("Twice", tmp_path, **ASKED)
    assert len(named(tmp_path)) == 1


def test_folder_that_is_there_is_not_written_over(exporter: Exporter, tmp_path: Path) -> None:
    gate = exporter.world.gate
    made = gate.export("There", tmp_path, **ASKED, transaction="tx-1")
    number = int(made.last[2:]) + 1
    in_the_way = tmp_path / f"there_CG{number:08d}-CG{number + made.totals.exported - 1:08d}"
    in_the_way.mkdir()
    with pytest.raises(InvalidInput, match="is there already"):
        gate.export("There", tmp_path, **ASKED, transaction="tx-1")
    assert tree(in_the_way) == {}


def reopened(home: Path, exporter: Exporter) -> ConsentGate:
    """The gate of a copied home, after its process is gone."""
    clock = FrozenClock(exporter.world.clock())
    return ConsentGate(load_settings(home), clock=clock, background=False)
