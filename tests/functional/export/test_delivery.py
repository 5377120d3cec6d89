"""A package as one file that its recipients alone can open: with the stock tool, and with nothing in clear left."""

import io
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyrage  # type: ignore[import-untyped]  # it ships no types
import pytest

from consentgate import ConsentGate
from consentgate.config.delivering import recipients_in, seal_of
from consentgate.config.exporting import export_again
from consentgate.config.settings import load_settings
from consentgate.errors import InvalidInput, LogRefused, Misconfigured, Unavailable
from consentgate.export import build, delivery, making
from consentgate.export.bag import Bag
from consentgate.export.delivery import Seal, tar
from consentgate.export.making import Package
from consentgate.moment import to_text
from consentgate.testing.clock import FrozenClock
from consentgate.verify.package.levels import verify_package
from tests.functional.export.place import ASKED, copied, tree
from tests.packages import Exporter

KEY: Final = pyrage.x25519.Identity.generate()
TO: Final = str(KEY.to_public())
PUBLIC: Final = "age1ytvkswe22rx7e9kcwedxyu5l36q7wxxgs5p3j8464667k4k68s2qmal7wt"
OTHER: Final = pyrage.x25519.Identity.generate()
SEALED: Final[dict[str, Any]] = {key: value for key, value in ASKED.items() if key != "clear"}
# All zeros, one, and a point of order 8: whatever the other side's key, the shared secret is zero.
WEAK: Final = (
    "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z",
    "age1qyqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqj7vrya",
    "age1ur4h5lpmgxu2u9jku0a0r87ydtdqnr0tnsetrlvxvgz3vh6fhqqqzyt4v9",
)


class Cut(BaseException):
    """The process is over."""


def cut(*_: object, **__: object) -> Any:
    raise Cut


@pytest.fixture(scope="module")
def sealed(exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A small package for two readers."""
    out = tmp_path_factory.mktemp("sealed")
    to = [TO, str(OTHER.to_public())]
    return exporter.world.gate.export("Sealed", out, **SEALED, transaction="tx-4", encrypt_to=to)


def file_of(made: Package) -> Path:
    assert made.file is not None
    return made.file


def opened(file: Path, into: Path, key: Any = KEY) -> Path:
    """Open it with the library, and unpack it."""
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(file.read_bytes(), [key]))) as packed:
        packed.extractall(into, filter="data")
    (folder,) = into.iterdir()
    return folder


def test_it_is_one_file_and_a_letter_and_nothing_in_clear(sealed: Package) -> None:
    file, letter = file_of(sealed), sealed.letter
    assert letter is not None
    assert {path.name for path in file.parent.iterdir()} == {file.name, letter.name}
    assert file.name == f"{sealed.folder.name}.tar.age"
    assert file.stat().st_mode & 0o777 == 0o600
    text = letter.read_text()
    assert TO in text
    assert f"age -d -i key.txt {file.name} | tar x" in text
    assert sealed.fingerprint in text


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["one reader", "the other"])
def test_each_reader_opens_it_and_it_verifies(sealed: Package, tmp_path: Path, key: Any) -> None:
    folder = opened(file_of(sealed), tmp_path, key)
    assert folder.name == sealed.folder.name
    judged = verify_package(folder, fingerprint=sealed.fingerprint)
    assert (judged.conclusion, judged.findings) == ("confirmed", {})


@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")
def test_the_stock_tool_opens_it(sealed: Package, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    command = f"age -d -i key.txt {file_of(sealed)} | tar x"
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert verify_package(tmp_path / sealed.folder.name).findings == {}
    (tmp_path / "other.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    wrong = ["age", "-d", "-i", "other.txt", str(file_of(sealed))]
    refused = subprocess.run(wrong, cwd=tmp_path, check=False, capture_output=True)
    assert (refused.returncode, refused.stdout) == (1, b"")


def test_nobody_else_opens_it(sealed: Package) -> None:
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(file_of(sealed).read_bytes(), [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize("part", [0.5, 0.999])
def test_cut_short_or_altered_it_does_not_open(sealed: Package, part: float) -> None:
    whole = file_of(sealed).read_bytes()
    at = int(len(whole) * part)
    for wrong in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(wrong, [KEY])


def test_made_again_it_has_the_same_content(exporter: Exporter, sealed: Package, tmp_path: Path) -> None:
    parts = exporter.world.gate._parts
    seal = seal_of(TO, clear=False)
    again = export_again(parts, sealed.export, tmp_path, seal=seal)
    assert again.letter is None
    assert file_of(again).read_bytes() != file_of(sealed).read_bytes()
    same = opened(file_of(again), tmp_path / "opened")
    assert tree(same) == tree(export_again(parts, sealed.export, tmp_path).folder)
    assert pyrage.decrypt(file_of(again).read_bytes(), [KEY]) == pyrage.decrypt(
        file_of(sealed).read_bytes(), [KEY]
    )
    with pytest.raises(InvalidInput, match=r"tar\.age is there already"):
        export_again(parts, sealed.export, tmp_path, seal=seal)


@pytest.mark.parametrize(
    "place",
    [
        (delivery, "tar"),
        (delivery, "_sync"),
        (build, "hand_over"),
        (making, "_package"),
        (build, "seal_lists"),
    ],
    ids=["encrypting", "on disk", "before", "after", "building"],
)
def test_cut_off_it_leaves_nothing_in_clear_and_goes_on(
    exporter: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
) -> None:
    gate = exporter.world.gate
    with monkeypatch.context() as patch:
        patch.setattr(*place, halved if place[1] == "tar" else cut)
        with pytest.raises(Cut):
            gate.export("Sealed", tmp_path, **SEALED, transaction="tx-1", encrypt_to=TO)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    whole = place[1] in ("_sync", "_package")
    assert len(list(tmp_path.glob("*.age"))) == whole
    assert list(tmp_path.glob(".*.age.partial")) == []
    made = gate.export("Sealed", tmp_path, **SEALED, transaction="tx-1", encrypt_to=TO)
    assert made.letter is not None
    assert {path.name for path in tmp_path.iterdir()} == {file_of(made).name, made.letter.name}
    assert verify_package(opened(file_of(made), tmp_path / "opened")).findings == {}


def halved(files: Iterable[tuple[str, Path]], **more: Any) -> Iterator[bytes]:
    """Give a piece, see what lies there meanwhile, and end."""
    first, *others = files
    yield next(tar([first, *others], **more))
    (partial,) = (path for path in first[1].parents if path.name.endswith(".partial"))
    assert verify_package(partial).conclusion == "broken"
    raise Cut


def test_killed_while_it_encrypts_it_leaves_no_package_and_the_next_goes_on(
    exporter: Exporter, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with copied(exporter, tmp_path) as gate:
        home = gate._parts.settings.home
    at = to_text(exporter.world.clock())
    child = [sys.executable, "-W", "error", "-m", "tests.functional.export.child", str(home), str(out), at]
    killed = subprocess.run([*child, "encrypting"], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr
    (left,) = (path for path in out.iterdir() if path.name.endswith(".partial") and path.is_dir())
    assert verify_package(left).findings["manifest"][0].where == "manifest.jws"
    assert list(out.glob("*.age")) == []
    assert len(list(out.glob(".*.age.partial"))) == 1
    clock = FrozenClock(exporter.world.clock())
    with ConsentGate(load_settings(home), clock=clock, background=False) as gate:
        made = gate.export("Crash", out, **SEALED, encrypt_to=TO)
    assert made.letter is not None
    assert {path.name for path in out.iterdir()} == {file_of(made).name, made.letter.name}
    assert verify_package(opened(file_of(made), tmp_path / "opened")).findings == {}


def test_somebody_elses_file_is_not_replaced(exporter: Exporter, sealed: Package, tmp_path: Path) -> None:
    theirs = tmp_path / file_of(sealed).name
    theirs.write_bytes(b"theirs")
    with pytest.raises(InvalidInput, match="is there already"):
        export_again(exporter.world.gate._parts, sealed.export, tmp_path, seal=Seal([TO]))
    assert theirs.read_bytes() == b"theirs"


def test_encrypting_holds_little_in_memory(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(1 << 20)

    tracemalloc.start()
    Seal([TO]).write(tmp_path / "big.age", pieces())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "big.age").stat().st_size > 64 << 20
    assert most < 8 << 20


def test_tar_is_read_as_it_was_written_whatever_the_length(exporter: Exporter, tmp_path: Path) -> None:
    files = {f"{'long' * 40}/{size}": tmp_path / str(size) for size in (0, 1, 511, 512, 513, (2 << 20) + 1)}
    for path in files.values():
        path.write_bytes(b"x" * int(path.name))
    packed = b"".join(tar(sorted(files.items()), name="n", at=exporter.world.clock()))
    with tarfile.open(fileobj=io.BytesIO(packed)) as read:
        assert [(each.name, each.size) for each in read] == [
            (f"n/{path}", files[path].stat().st_size) for path in sorted(files)
        ]
        assert {(each.uid, each.uname, each.mode) for each in read} == {(0, "", 0o644)}


def test_file_that_cannot_be_read_or_written_is_said(tmp_path: Path, exporter: Exporter) -> None:
    at = exporter.world.clock()
    with pytest.raises(Unavailable, match="gone cannot be read"):
        Seal([TO]).write(tmp_path / "x.age", tar([("gone", tmp_path / "gone")], name="n", at=at))
    with pytest.raises(Unavailable, match="cannot be written"):
        Seal([TO]).write(tmp_path / "none" / "x.age", iter([b"x"]))
    assert list(tmp_path.iterdir()) == []


def test_file_that_becomes_shorter_or_is_gone_is_said(tmp_path: Path, exporter: Exporter) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"1234")
    packed = tar([("short", path)], name="n", at=exporter.world.clock())
    next(packed)
    path.write_bytes(b"")
    with pytest.raises(Unavailable, match="became shorter"):
        list(packed)
    with pytest.raises(Unavailable, match="cannot be moved"):
        Bag(tmp_path / "bag", tmp_path / "scratch").take_out("gone")
    assert not (tmp_path / "scratch" / "gone").exists()


def test_full_disk_and_an_encryption_that_ends_early_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise pyrage.EncryptError("OSError: [Errno 28] No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pyrage, "encrypt_io", full)
        with pytest.raises(Unavailable, match="No space left"):
            Seal([TO]).write(tmp_path / "x.age", iter([b"x"]))
        patch.setattr(pyrage, "encrypt_io", lambda *_: None)
        with pytest.raises(LogRefused, match="not encrypted to its end"):
            Seal([TO]).write(tmp_path / "x.age", iter([b"x"]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no public key"),
        ("age1", "copied with a mistake"),
        (PUBLIC[:-1], "copied with a mistake"),
        (PUBLIC.replace("kswe", "ksxe"), "copied with a mistake"),
        (PUBLIC.upper(), "no public key"),
        (f"{PUBLIC}\n{PUBLIC}", "copied with a mistake"),
        ("age1yubikey1qqqq", "copied with a mistake"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW", "Keys of SSH"),
        ("\x1b[31mage1", "no public key"),
        *((each, "anybody could open") for each in WEAK),
    ],
)
def test_what_is_no_key_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        Seal([text])
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [(str(KEY), "secret key"), (f"'{KEY}'", "no public key"), ("hunter2 hunter2", "15 characters")],
    ids=["secret key", "secret key in quotes", "password"],
)
def test_secret_is_refused_and_not_repeated(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        Seal([text])
    for start in range(len(text) - 5):
        assert text[start : start + 5] not in str(refused.value)


def test_one_way_of_delivery_has_to_be_asked_for(exporter: Exporter, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--clear"):
        exporter.world.gate.export("None", tmp_path, **SEALED)
    with pytest.raises(InvalidInput, match="not both"):
        exporter.world.gate.export("Both", tmp_path, **ASKED, encrypt_to=TO)
    with pytest.raises(InvalidInput, match="1 to 64"):
        seal_of([TO] * 65, clear=False)
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyrage", None)
    with pytest.raises(Misconfigured, match=r"consentgate\[age\]"):
        Seal([TO])


def test_file_of_keys_is_read_as_age_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "reviewers.txt"
    path.write_text(f"# Roe\n{TO}\n\n  {TO} \r\n")
    assert recipients_in(path) == (TO, TO)
    assert Seal(recipients_in(path)).names == (TO,)
    path.write_text("# nobody\n")
    with pytest.raises(InvalidInput, match="no public key"):
        recipients_in(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="not text"):
        recipients_in(path)
    with pytest.raises(InvalidInput, match="not there"):
        recipients_in(tmp_path / "none")
    with pytest.raises(Unavailable, match="cannot be read"):
        recipients_in(tmp_path)
