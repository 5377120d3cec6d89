"""The rules of the house that no linter knows: sizes, docstrings, reasons, no traces of a machine."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.docstrings import gaps

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("consentgate", "migrations")
    for path in (ROOT / folder).rglob("*.py")
)
# One file that goes out in every package, and is read there without any other.
PROGRAM = "consentgate/export/verifier/verify.py"
LIBRARY = [
    name
    for name in MODULES
    if name.startswith("consentgate/") and not name.endswith("/__init__.py") and name != PROGRAM
]

MODULE_LINES = 300
FUNCTION_LINES = 45

# Spelt so that this file does not hold what it looks for.
FOREIGN = re.compile(
    r"py[p]i\.org|python[h]osted\.|npm[j]s\.(?:org|com)|deb\.[d]ebian|[d]ebian\.org/debian"
    r"|/wor[k]/|/roo[t]/|/far[m]/|/hom[e]/\w"
)
WITHOUT_REASON = re.compile(
    r"#\s*type:\s*ignore(?!\[[\w, -]+\]  # \w)"
    r"|#\s*noqa(?!: [A-Z0-9, ]+  # \w)"
    r"|#\s*pragma: no (?:cover|branch)(?!  # \w)"
)
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
        return sorted(names)
    # An unpacked source archive is no repository: then it is all that lies there, but for what tools made.
    return sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.is_file()
        and not re.search(r"/(\.venv|\.git|__pycache__|\.\w+_cache)", f"/{path.relative_to(ROOT)}")
    )


@pytest.mark.parametrize("name", [name for name in MODULES if name != PROGRAM])
def test_module_can_be_read_in_one_go(name: str) -> None:
    lines = text_of(name).count("\n")
    assert lines < MODULE_LINES


@pytest.mark.parametrize("name", MODULES)
def test_functions_fit_a_screen(name: str) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(text_of(name)))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    long = {
        node.name: lines
        for node in functions
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("name", LIBRARY)
def test_docstrings_tell_arguments_results_and_errors(name: str) -> None:
    assert list(gaps(ast.parse(text_of(name)))) == []


def test_inner_packages_are_empty() -> None:
    inner = [name for name in MODULES if name.count("/") > 1 and name.endswith("/__init__.py")]
    assert [name for name in inner if text_of(name)] == []


def test_every_ignore_has_a_reason() -> None:
    bare = [
        f"{name}:{number}"
        for name in tracked()
        if name.endswith(".py")
        for number, line in enumerate(text_of(name).splitlines(), 1)
        if WITHOUT_REASON.search(line)
    ]
    assert bare == []


def test_nothing_is_left_unfinished() -> None:
    marks = [
        f"{name}:{number}"
        for name in tracked()
        if name.endswith(".py")
        for number, line in enumerate(text_of(name).splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert marks == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for name in tracked():
        try:
            text = text_of(name)
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {match.group(0)}" for match in FOREIGN.finditer(text)]
    assert found == []


@pytest.mark.parametrize("name", ["run", "dev", "lowest", "apart"])
def test_pins_have_hashes_and_no_address(name: str) -> None:
    pins = re.split(r"\n(?=\w)", text_of(f"constraints/{name}.txt").strip())
    assert [pin for pin in pins if not re.match(r"[\w.\[\]-]+==[\w.]+", pin)] == []
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
    assert not re.search(r"://|--(?!hash=)", "".join(pins))
