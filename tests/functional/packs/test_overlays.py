"""The folder that `[packs] overlay` names: read, trusted or signed, and refused with a cure."""

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from consentgate.config.overlays import packs_check, packs_of
from consentgate.config.settings import Settings
from consentgate.errors import Misconfigured, PackInvalid
from consentgate.packs.packset import shipped
from tests.unit.packs.texts import pack_text

ROOT = Path(__file__).parents[3]
TIGHTER = (
    'format = 1\ncode = "US-IL"\n[[versions]]\nfrom = 2026-01-01\n[versions.requirements]\nstrict_necessity = true\n'
    '[[basis]]\nrequirements = ["strict_necessity"]\ncite = "Acme rule 3"\nconfidence = "source-read"\n'
)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    (folder / "us").mkdir(parents=True)
    (folder / "us" / "US-IL.toml").write_text(TIGHTER)
    (folder / "AQ.toml").write_text(pack_text("AQ", "prohibited = true"))
    (folder / "README.md").write_text("Why we ask for more.")
    return folder


def settings(rules: Path, *signers: str) -> Settings:
    return Settings(home=rules.parent, database="sqlite://", overlay=rules, pack_signers=signers)


def tool(*arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "tools/packs.py", *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def signer(rules: Path) -> str:
    """A key that has signed the folder, as its vkey."""
    key = rules.parent / "rules.key"
    line = tool("--new-key", str(key))
    assert key.stat().st_mode & 0o777 == 0o600
    tool("--index", str(rules), "2026.11.22")
    tool("--sign", str(key), str(rules))
    return line.strip().removesuffix(",").strip('"')


def test_without_an_overlay_the_packs_are_those_of_the_release(tmp_path: Path) -> None:
    plain = Settings(home=tmp_path, database="sqlite://")
    assert packs_of(plain).digest == shipped().digest
    assert packs_check(plain).found.endswith("; no overlay")


def test_a_folder_tightens_packs_and_adds_jurisdictions(rules: Path) -> None:
    packs = packs_of(settings(rules))
    assert packs.overlaid == ("AQ", "US-IL")
    assert packs.pack("US-IL").versions[-1].rules.strict_necessity is True
    assert packs.pack("AQ").versions[0].rules.prohibited is True
    assert (packs.version, packs.signed_by) == (shipped().version, shipped().signed_by)
    found = packs_check(settings(rules))
    assert found.verdict == "ok"
    assert "; overlay rules, not signed: AQ, US-IL" in found.found
    assert f"version {packs.version}, 150 packs, digest " in found.found


def test_a_signed_folder_is_used(rules: Path, signer: str) -> None:
    assert packs_of(settings(rules, signer)).digest == packs_of(settings(rules)).digest
    assert "; overlay rules, signed: AQ, US-IL" in packs_check(settings(rules, signer)).found


def test_a_file_that_nobody_signed_is_not_there(rules: Path, signer: str) -> None:
    (rules / "AX.toml").write_text("this is no pack")
    assert packs_of(settings(rules, signer)).overlaid == ("AQ", "US-IL")


def rewritten(rules: Path) -> None:
    (rules / "AQ.toml").write_text(pack_text("AQ"))
    index = json.loads((rules / "index.json").read_text())
    index["packs"]["AQ"]["sha256"] = sha256((rules / "AQ.toml").read_bytes()).hexdigest()
    (rules / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("harm", "error", "says"),
    [
        (
            lambda rules: (rules / "AQ.toml").write_text(pack_text("AQ")),
            PackInvalid,
            r"AQ\.toml: .*rebuild the index",
        ),
        (lambda rules: (rules / "AQ.toml").unlink(), PackInvalid, r"AQ\.toml: .*cannot be read; restore it"),
        (rewritten, PackInvalid, r"index\.note: .*it is signed for another set; restore"),
        (
            lambda rules: (rules / "index.json").unlink(),
            Misconfigured,
            r"index\.json is missing, and \[packs\] signers",
        ),
        (
            lambda rules: (rules / "index.note").unlink(),
            Misconfigured,
            r"index\.note is missing, and \[packs\] signers",
        ),
        (
            lambda rules: (rules / "index.note").write_text(""),
            PackInvalid,
            r"index\.note: .*A note is a text",
        ),
    ],
)
def test_a_folder_that_was_changed_after_it_was_signed_is_refused(
    harm: Callable[[Path], object], error: type[Exception], says: str, rules: Path, signer: str
) -> None:
    harm(rules)
    with pytest.raises(error, match=says):
        packs_of(settings(rules, signer))


def test_somebody_elses_signature_is_refused(rules: Path, signer: str) -> None:
    other = tool("--new-key", str(rules.parent / "other.key")).strip().removesuffix(",").strip('"')
    with pytest.raises(PackInvalid, match="No known key signed the note"):
        packs_of(settings(rules, other))
    assert packs_of(settings(rules, other, signer)).overlaid == ("AQ", "US-IL")


def test_a_signer_that_is_no_key_is_refused(rules: Path) -> None:
    with pytest.raises(Misconfigured, match=r"\[packs\] signers: 'acme' is no key"):
        packs_of(settings(rules, "acme"))


def test_a_key_is_never_written_over_another(rules: Path) -> None:
    key = rules.parent / "rules.key"
    tool("--new-key", str(key))
    with pytest.raises(AssertionError, match="FileExistsError"):
        tool("--new-key", str(key))


def test_a_folder_that_cannot_be_read_is_refused(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        Misconfigured, match=r"There is no folder .*other\. Make it, or correct \[packs\] overlay"
    ):
        packs_of(settings(rules.parent / "other"))
    (rules / "US.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(Misconfigured, match=r"US\.toml is larger than any pack"):
        packs_of(settings(rules))

    def failing(_self: Path, _pattern: str) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.rglob", failing)
    with pytest.raises(Misconfigured, match=r"rules cannot be read: Permission denied\."):
        packs_of(settings(rules))


def test_a_rule_is_never_lost_without_a_word(rules: Path) -> None:
    for name in ("US-CO.TOML", "us-co.toml", "US_CO.toml"):
        (rules / name).write_text(TIGHTER)
        with pytest.raises(PackInvalid, match=rf"^overlay/{name}: .*name the file after its code"):
            packs_of(settings(rules))
        (rules / name).unlink()
    (rules / "US-CO.toml").symlink_to(rules / "gone.toml")
    with pytest.raises(Misconfigured, match=r"US-CO\.toml is no file\. Restore it, or take it out"):
        packs_of(settings(rules))


def test_a_folder_that_links_to_its_files_is_read_once(rules: Path) -> None:
    (rules / "..2026").mkdir()
    kept = (rules / "us" / "US-IL.toml").rename(rules / "..2026" / "US-IL.toml")
    (rules / "US-IL.toml").symlink_to(kept)
    assert packs_of(settings(rules)).overlaid == ("AQ", "US-IL")


def test_an_overlay_that_loosens_is_refused_with_field_and_pack(rules: Path) -> None:
    loose = TIGHTER.replace("strict_necessity", "separate_consent").replace("true", "false")
    (rules / "us" / "US-CO.toml").write_text(loose.replace("US-IL", "US-CO"))
    with pytest.raises(
        PackInvalid, match=r"^overlay/us/US-CO\.toml: versions\[0\]\.requirements\.separate_consent: .*US-CO"
    ):
        packs_of(settings(rules))
