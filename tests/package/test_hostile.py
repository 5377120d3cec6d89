"""A package may be made by anybody: whatever is in it, both programs say the same, and neither breaks down."""

import itertools
import os
import random
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from consentgate.canonical import b64, encode, unb64
from consentgate.errors import InvalidInput, Unavailable
from consentgate.verify.package import lines
from consentgate.verify.package.levels import verify_package
from tests.browser import Browser
from tests.fuzz.mutate import Mutator
from tests.package.forge import ENTRIES, LISTS, READABLE, Forge, leaf_of
from tests.package.mutations import MUTATIONS, POLICY, Found
from tests.package.pages import agrees, judged
from tests.package.test_agreement import both, found
from tests.package.tiny import tiny

COUNT: Final = min(int(os.environ.get("CONSENTGATE_FUZZ", "20000")) // 250, 4000)


def broken(seed: str) -> Iterator[tuple[str, Forge]]:
    """Packages of which one file, or one line, or one leaf, is something else; half of them mended around that."""
    good, chance = tiny(), random.Random(seed)
    paths = [path for path in good.files if path not in LISTS]
    weights = [8 if "records" in path or path == "manifest.json" else 1 for path in paths]
    inputs = {path: Mutator(f"{seed} {path}", [good.files[path]]).inputs(1 << 30) for path in paths}
    for number in itertools.count():
        forge, path = good.copy(), chance.choices(paths, weights)[0]
        forge.files[path] = next(inputs[path])
        if path in (ENTRIES, READABLE) and chance.random() < 0.7:
            some = good.lines(path)
            at = chance.randrange(len(some))
            told = [encode(line) for line in some]
            spoilt = Mutator(f"{seed} {number}", [told[at], unb64(good.lines()[at]["leaf"])])
            told[at] = next(iter(spoilt.inputs(1)))
            if told[at][:8] == b'{"at":"2' and path == ENTRIES:
                told[at] = encode({**some[at], "leaf": b64(told[at])})
            forge.files[path] = b"\n".join(told) + b"\n"
        if path != "manifest.json" and chance.random() < 0.5:
            forge.mend()
        yield path, forge


def test_whatever_is_altered_both_say_the_same(program: ModuleType, base: Path, tmp_path: Path) -> None:
    for number, (path, forge) in enumerate(itertools.islice(broken("packages"), COUNT)):
        folder = forge.write(tmp_path / str(number), base, tiny().files)
        try:
            both(program, folder)
        except BaseException as error:
            error.add_note(f"package {number}: {path}")
            raise
        shutil.rmtree(folder)


def spoilt(tmp_path: Path, path: str, data: bytes) -> Path:
    forge = tiny().copy()
    forge.files[path] = data
    forge.mend()
    return forge.write(tmp_path / "p")


def test_a_line_without_end_is_not_held(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LIMIT", 1 << 16)
    monkeypatch.setattr(lines.Lines.__init__, "__kwdefaults__", {"limit": 1 << 16})
    monkeypatch.setattr(program, "LINE", 1 << 16)
    monkeypatch.setattr(program.Package.lines, "__defaults__", (1 << 16,))
    folder = spoilt(tmp_path, ENTRIES, tiny().files[ENTRIES] + b'{"a":"' + b"x" * (8 << 20))
    tracemalloc.start()
    try:
        one, _ = both(program, folder)
        assert tracemalloc.get_traced_memory()[1] < 6 << 20
    finally:
        tracemalloc.stop()
    assert found(one) == {("records", "malformed", ENTRIES), ("records", "altered", READABLE)}


def test_a_file_longer_than_it_says_is_not_hashed(program: ModuleType, tmp_path: Path) -> None:
    folder = tiny().write(tmp_path / "p")
    os.truncate(folder / "README.txt", 1 << 40)
    one, _ = both(program, folder)
    assert found(one) == {("files", "altered", "README.txt")}


def test_what_is_no_file_is_not_opened(program: ModuleType, tmp_path: Path) -> None:
    folder = tiny().write(tmp_path / "p")
    os.mkfifo(folder / "data" / "pipe")
    (folder / "data" / "loop").symlink_to(folder)
    (folder / ENTRIES).unlink()
    (folder / ENTRIES).symlink_to("/dev/zero")
    one, _ = both(program, folder)
    assert found(one) == {
        ("files", "malformed", "data/pipe"),
        ("files", "malformed", "data/loop"),
        ("files", "malformed", ENTRIES),
        ("records", "missing", ENTRIES),
    }


def test_names_cannot_play_with_a_terminal(program: ModuleType, tmp_path: Path) -> None:
    folder = tiny().write(tmp_path / "p")
    (folder / "data" / "\x1b[2Jclean\n✓").write_bytes(b"")
    one, _ = both(program, folder)
    assert found(one) == {("files", "extra", "data/?[2Jclean??")}


def files_added(forge: Forge) -> set[Found]:
    forge.files |= {f"more{number:04d}": b"" for number in range(1100)}
    return {("files", "extra", f"more{number:04d}") for number in range(1000)}


def requests_left_open(forge: Forge) -> set[Found]:
    """A forged answer stands before all of them, since what is open breaks nothing."""
    MUTATIONS["answer_forged"].alter(forge)
    lines = forge.lines()
    intent, forged = lines[forge.line_of("intent")], lines[forge.line_of("outcome")]["bates"]
    for number in range(1100):
        entry = f"019aab00-0000-7000-8000-1{number:011x}"
        lines.append({**intent, "entry": entry, "leaf": b64(encode({**leaf_of(intent), "id": entry}))})
    forge.set_lines(lines)
    del forge.files[POLICY]
    forge.rebuild()
    opens = {("answers", "open", f"record {forge.bates(number)}") for number in range(15, 15 + 999)}
    return {("answers", "forged", f"record {forged}"), *opens}


FLOODS: Final = (files_added, requests_left_open)


def flooded(flood: Callable[[Forge], set[Found]], tmp_path: Path) -> tuple[Path, set[Found]]:
    forge = tiny().copy()
    told = flood(forge)
    return forge.write(tmp_path / "p"), told


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_is_told_once_for_each_up_to_a_bound(
    program: ModuleType, tmp_path: Path, flood: Callable[[Forge], set[Found]]
) -> None:
    folder, told = flooded(flood, tmp_path)
    one, _ = both(program, folder)
    assert found(one) == told
    assert (len(told), one.conclusion) == (1000, "broken")


@pytest.mark.parametrize("flood", FLOODS)
def test_the_page_tells_as_much_of_a_flood(
    browser: Browser, page_file: Path, tmp_path: Path, flood: Callable[[Forge], set[Found]]
) -> None:
    folder, told = flooded(flood, tmp_path)
    with browser.page(page_file.as_uri()) as page:
        judgement = judged(page, folder)
    assert {tuple(each) for each in judgement["findings"]} == told
    agrees(judgement, verify_package(folder))


def test_a_package_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "x.tar.age").write_bytes(b"sealed")
    with pytest.raises(InvalidInput, match="Open it first: age -d"):
        verify_package(tmp_path / "x.tar.age")
    with pytest.raises(InvalidInput, match="is no folder"):
        verify_package(tmp_path / "none")


def test_a_file_that_cannot_be_read_is_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny().write(tmp_path / "p")

    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("consentgate.verify.package.folder.os.open", refused)
    with pytest.raises(Unavailable, match="cannot be read"):
        verify_package(folder)
    monkeypatch.setattr("consentgate.verify.package.folder.os.scandir", refused)
    with pytest.raises(Unavailable, match="The folder"):
        verify_package(folder)
