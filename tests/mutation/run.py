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
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
import yaml

from consentgate.packs.packset import PackSet, shipped
from tests.mutation.mutate import Mutant, mutants

ROOT: Final = Path(__file__).parents[2]
POLICY: Final = ROOT / "consentgate" / "policy"
MODULES: Final = (
    *("decide", "consents", "circumstances", "requirements", "effective"),
    *("deadlines", "demands", "duties", "used"),
)
# The tests that know the engine best; those that need long for each mutant find little that these miss.
TESTS: Final = (
    ("citations", "decide", "duties", "unseen", "used"),
    ("merge", "assertions", "facts", "record"),
)
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


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What every child needs: it is read once, before the engine is imported."""

    packs: PackSet
    scenarios: tuple[dict[str, Any], ...]


def prepare() -> Prepared:
    """Read what every child needs, and make sure that the engine is not among it."""
    packs = shipped()
    for code in packs.codes:
        packs.pack(code)
    for name in ("tests.unit.packs.texts", "consentgate.consent.state"):
        importlib.import_module(name)
    scenarios = tuple(
        each
        for path in sorted((ROOT / "tests" / "scenarios").glob("*.yaml"))
        for each in yaml.safe_load(path.read_text("utf-8"))["scenarios"]
    )
    assert not any(name.startswith("consentgate.policy.") for name in sys.modules)
    return Prepared(packs=packs, scenarios=scenarios)


def verdict(mutant: Mutant | None, prepared: Prepared) -> str:
    """Run one mutant, or the engine as it is; say what became of it."""
    child = os.fork()
    if child == 0:
        _in_child(mutant, prepared)
    _, status = os.waitpid(child, 0)
    return BY.get(os.waitstatus_to_exitcode(status), "killed by its own crash")


def answered(scenario: dict[str, Any], found: Any) -> bool:
    """Say whether a result is what its scenario expects; our own scenarios name every obligation."""
    named = found.obligations if scenario["id"][0] == "S" else tuple(scenario["expect"]["obligations"])
    return found.as_expected is True and found.obligations == named


def _in_child(mutant: Mutant | None, prepared: Prepared) -> None:
    code = BY_TEST
    try:
        signal.alarm(LONGEST_S)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        if mutant is not None:
            sys.meta_path.insert(0, _Changed(mutant))
        code = _killed(prepared)
    finally:
        os._exit(code)


def _killed(prepared: Prepared) -> int:
    if not _scenarios_hold(prepared):
        return BY_SCENARIO
    options = ["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:consentgate", "-p", "no:xdist"]
    for names in TESTS:
        files = [str(ROOT / "tests" / "unit" / "policy" / f"test_{name}.py") for name in names]
        if pytest.main([*options, *files, "-k", "not adding_a_known_candidate"]) != 0:
            return BY_TEST
    return SURVIVED


def _scenarios_hold(prepared: Prepared) -> bool:
    try:
        evaluate = importlib.import_module("consentgate.policy.scenario").evaluate
        return all(answered(each, evaluate(each, prepared.packs)) for each in prepared.scenarios)
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
