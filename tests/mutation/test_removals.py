"""Each single rule is needed: take it out of the engine, and some scenario is no longer answered as expected.

What is taken out is found by looking at the engine, so that a rule added later is held to the same. The finer
mutants, and those of what is cited, are run by ``make mutants``.
"""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from consentgate.packs.pack import Pack
from consentgate.packs.packset import PackSet, shipped
from consentgate.policy import circumstances, consents, decide, demands, duties, effective, requirements
from consentgate.policy.scenario import evaluate
from tests.mutation.run import answered

FOLDER = Path(__file__).parents[1] / "scenarios"
SCENARIOS: list[dict[str, Any]] = [
    each
    for path in sorted(FOLDER.glob("*.yaml"))
    for each in yaml.safe_load(path.read_text("utf-8"))["scenarios"]
]
PACKS = shipped()
EXPECTED = sorted({code for each in SCENARIOS for code in each["expect"]["reasons"]})
# These change what a decision cites and by when something is due, and no verdict: tests/unit/policy/test_citations.py
# and test_decide.py.
NO_VERDICT = ("purpose_limited", "_form_bases", "_stops", "_deletion")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    requirements._merged.cache_clear()
    yield
    requirements._merged.cache_clear()


def is_missed() -> bool:
    """Whether some scenario is not answered as expected."""
    requirements._merged.cache_clear()
    packs = PackSet(PACKS.index, PACKS._read)
    packs._packs = PACKS._packs
    return not all(answered(each, evaluate(each, packs)) for each in SCENARIOS)


def parameters(function: object) -> list[str]:
    return [*inspect.signature(function).parameters] if inspect.isfunction(function) else []


def functions(module: ModuleType, parameter: str) -> list[Any]:
    """The module's own functions that take a parameter."""
    return [
        pytest.param(module, name, id=f"{module.__name__.rpartition('.')[2]}.{name}")
        for name, function in vars(module).items()
        if parameter in parameters(function) and function.__module__ == module.__name__
    ]


RULES = [rule for module in (consents, circumstances, duties) for rule in functions(module, "found")]
UNITED = [each for each in functions(requirements, "united") if each.values[1] not in NO_VERDICT]


def test_the_engine_as_it_is_answers_every_scenario() -> None:
    assert not is_missed()
    assert len(SCENARIOS) >= 150
    assert (len(RULES), len(UNITED)) >= (20, 10)


@pytest.mark.parametrize(("module", "name"), RULES)
def test_every_rule_is_needed(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "_once":
        monkeypatch.setattr(module, name, tuple)
    else:
        monkeypatch.setattr(module, name, lambda *_: None)
    assert is_missed()


@pytest.mark.parametrize("name", [name for name, _, _ in demands.DEMANDS if name not in NO_VERDICT])
def test_every_demand_is_needed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tuple(each for each in demands.DEMANDS if each[0] != name)
    if name == "consent":  # the floor asks for consent too, and is cited with it
        left = (*left, ("consent", "consent_required", lambda _: False))
        assert not _cites_consent(monkeypatch, left)
        return
    monkeypatch.setattr(requirements, "DEMANDS", left)
    assert is_missed()


def _cites_consent(monkeypatch: pytest.MonkeyPatch, left: tuple[Any, ...]) -> bool:
    monkeypatch.setattr(requirements, "DEMANDS", left)
    found = evaluate(next(each for each in SCENARIOS if "NO_CONSENT" in each["expect"]["reasons"]), PACKS)
    (reason,) = (each for each in found.decision.reasons if each.code == "NO_CONSENT")
    return any(basis.pack != "baseline" for basis in reason.bases)


@pytest.mark.parametrize("place", range(len(demands.ASSERTED)))
def test_every_assertion_that_is_asked_for_is_needed(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = (*demands.ASSERTED[:place], *demands.ASSERTED[place + 1 :])
    monkeypatch.setattr(circumstances, "ASSERTED", left)
    assert is_missed()


@pytest.mark.parametrize(("module", "name"), UNITED)
def test_everything_that_is_merged_is_needed(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged: Callable[..., Any] = getattr(module, name)
    if name == "_unite":
        return
    monkeypatch.setattr(module, name, lambda _, *others: merged((), *others))
    assert is_missed()


def test_the_age_limit_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_age", lambda *_: (0, ()))
    assert is_missed()


@pytest.mark.parametrize("element", demands.FLOOR_ELEMENTS)
def test_the_floors_elements_are_needed(element: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = tuple(each for each in demands.FLOOR_ELEMENTS if each != element)
    monkeypatch.setattr(requirements, "FLOOR_ELEMENTS", left)
    assert is_missed()


def test_the_floors_form_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "FLOOR_FORM", "none")
    assert is_missed()


@pytest.mark.parametrize("code", EXPECTED)
def test_every_reason_is_needed(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (consents, circumstances):
        monkeypatch.setattr(module, "judge", _without(code, module.judge))
    monkeypatch.setattr(consents, "no_consent", _without(code, consents.no_consent))
    alone = decide._alone
    monkeypatch.setattr(decide, "_alone", lambda case: next(iter(_without(code, _listed(alone))(case)), None))
    assert is_missed()


def _listed(alone: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    return lambda case: tuple(filter(None, (alone(case),)))


def _without(code: str, judge: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    return lambda *inputs: tuple(each for each in judge(*inputs) if each.code != code)


@pytest.mark.parametrize("answer", [True, False])
def test_conditions_are_needed(answer: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effective, "_applies", lambda *_: answer)
    assert is_missed()


def test_exemptions_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effective, "_claimed", lambda *_: ())
    assert is_missed()


def test_parents_and_groups_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PackSet, "above", lambda packs, code: (packs.pack(code),))
    assert is_missed()


@pytest.mark.parametrize("place", [0, -1])
def test_versions_are_needed(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pack, "in_force", lambda pack, _: pack.versions[place])
    assert is_missed()
