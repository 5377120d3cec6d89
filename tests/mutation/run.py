"""Runs a mutant: a forked process imports the policy engine with the change, and then its tests.

The parent never imports the engine, so that each child imports it anew; what the tests read besides is read once,
before. A mutant is killed by the first test that fails, by an exception, or by taking too long.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
import yaml

from consentgate.packs.packset import shipped
from tests.mutation.mutate import Mutant, mutants

ROOT: Final = Path(__file__).parents[2]
POLICY: Final = ROOT / "consentgate" / "policy"
MODULES: Final = (
    *("decide", "consents", "circumstances", "requirements", "effective"),
    *("deadlines", "demands", "duties", "used"),
)
# They take long for each mutant, and find little that the others miss.
SLOW: Final = ("test_anything.py", "test_properties.py")
LONGEST_S: Final = 120
SURVIVED, BY_SCENARIO, BY_TEST = 0, 10, 11
BY: Final = {
    SURVIVED: "survived",
    BY_SCENARIO: "killed by a scenario",
    BY_TEST: "killed by a test",
    -signal.SIGALRM: "killed by the clock",
}


def all_mutants(modules: Sequence[str]) -> Iterator[Mutant]:
    """Give the mutants of these modules."""
    for module in modules:
        yield from mutants(module, (POLICY / f"{module}.py").read_text("utf-8"))


def prepare() -> list[dict[str, Any]]:
    """Read what every child needs, and make sure that the engine is not among it."""
    packs = shipped()
    for code in packs.codes:
        packs.pack(code)
    importlib.import_module("tests.unit.packs.texts")
    scenarios = [
        each
        for path in sorted((ROOT / "tests" / "scenarios").glob("*.yaml"))
        for each in yaml.safe_load(path.read_text("utf-8"))["scenarios"]
    ]
    assert not any(name.startswith("consentgate.policy.") for name in sys.modules)
    return scenarios


def verdict(mutant: Mutant | None, scenarios: Sequence[dict[str, Any]]) -> str:
    """Run one mutant, or the engine as it is; say what became of it."""
    child = os.fork()
    if child == 0:
        _in_child(mutant, scenarios)
    _, status = os.waitpid(child, 0)
    return BY.get(os.waitstatus_to_exitcode(status), "killed by its own crash")


def _in_child(mutant: Mutant | None, scenarios: Sequence[dict[str, Any]]) -> None:
    code = BY_TEST
    try:
        signal.alarm(LONGEST_S)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        if mutant is not None:
            sys.meta_path.insert(0, _Changed(mutant))
        code = _killed(scenarios)
    finally:
        os._exit(code)


def _killed(scenarios: Sequence[dict[str, Any]]) -> int:
    if not _scenarios_hold(scenarios):
        return BY_SCENARIO
    tests = sorted((ROOT / "tests" / "unit" / "policy").glob("test_*.py"))
    quick = [str(path) for path in tests if path.name not in SLOW]
    options = ["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:consentgate", "-p", "no:xdist"]
    if pytest.main([*options, *quick]) != 0:
        return BY_TEST
    return SURVIVED


def _scenarios_hold(scenarios: Sequence[dict[str, Any]]) -> bool:
    try:
        evaluate = importlib.import_module("consentgate.policy.scenario").evaluate
        packs = shipped()
        return all(evaluate(each, packs).as_expected is not False for each in scenarios)
    except Exception:  # noqa: BLE001  # a mutant may fail in any way, and each of them is seen
        return False


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the one module that is changed."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        if name != f"consentgate.policy.{self._mutant.module}":
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(POLICY / f"{self._mutant.module}.py"))

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        code = compile(self._mutant.tree, f"{self._mutant.module}.py", "exec")
        exec(code, module.__dict__)
