"""What users install: the archives are whole, and the wheel alone, with pinned dependencies, does the job."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

SETTINGS = """\
format = 1
database = "sqlite:///consentgate.db"

[controller]
id = "acme-telecom"
"""


def run(*command: str | Path, cwd: Path, home: Path | None = None) -> str:
    # Nothing of this checkout or of the user may leak in.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CONSENTGATE_", "PYTHON", "AWS_"))
    }
    environment = kept | ({} if home is None else {"CONSENTGATE_HOME": str(home)})
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    # The build tool is installed already; nothing is fetched.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(archives: Path) -> Path:
    [found] = archives.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip: list[str | Path] = [
        folder / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    run(*pip, "--require-hashes", "-r", ROOT / "constraints/run.txt", cwd=folder)
    run(*pip, "--no-deps", "--no-index", wheel, cwd=folder)
    return folder


def test_wheel_holds_every_module_migration_and_pack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.partition("/")[0].endswith(".dist-info")}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "consentgate").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    migrations = {
        "consentgate/_migrations/" + path.relative_to(ROOT / "migrations").as_posix()
        for path in (ROOT / "migrations").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == package | migrations
    assert "consentgate/py.typed" in inside
    assert any(name.startswith("consentgate/packs/data/") and name.endswith(".toml") for name in inside)
    assert any(name.startswith("consentgate/_migrations/versions/") for name in inside)


def test_wheel_names_its_licence_and_its_plugin(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = {name.partition("/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        assert b"License-Expression: Apache-2.0" in archive.read(about["METADATA"])
        assert b"consentgate = consentgate.testing.plugin" in archive.read(about["entry_points.txt"])
    assert {"licenses/LICENSE", "licenses/NOTICE"} <= about.keys()


def test_source_archive_holds_what_a_packager_tests_with(archives: Path) -> None:
    [found] = archives.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "LICENSE",
        "Makefile",
        "NOTICE",
        "constraints/dev.txt",
        "migrations/env.py",
        "tests/conftest.py",
        "tools/venv.sh",
    }
    assert needed <= inside
    assert not [name for name in inside if name.startswith((".venv", ".git/")) or "__pycache__" in name]


def test_wheel_migrates_a_database_in_an_empty_environment(installed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "consentgate.toml").write_text(SETTINGS)
    program = installed / "venv/bin/consentgate"
    run(program, "db", "upgrade", cwd=tmp_path, home=home)
    run(program, "db", "check", cwd=tmp_path, home=home)
    assert (home / "consentgate.db").is_file()


def test_wheel_runs_the_quick_start_in_an_empty_environment(installed: Path, tmp_path: Path) -> None:
    quickstart = (ROOT / "examples/quickstart.py").read_text()
    (tmp_path / "quickstart.py").write_text(quickstart)
    said = run(installed / "venv/bin/python", "-W", "error", "quickstart.py", cwd=tmp_path)
    assert "ask for the PIN" in said
    assert "wait for task" in said


def test_wheel_answers_scenarios_and_shows_the_rules_in_an_empty_environment(
    installed: Path, tmp_path: Path
) -> None:
    program = installed / "venv/bin/consentgate"
    said = run(program, "policy", "evaluate", ROOT / "tests/scenarios/public.yaml", cwd=tmp_path)
    assert "40 scenarios: 40 as expected." in said
    assert "Research notes, not advice." in run(program, "policy", "show", "US-IL", cwd=tmp_path)
    assert "The packs say the same." in run(program, "policy", "diff", "shipped", "current", cwd=tmp_path)
