"""The mutants are what they say, and each is found again by its words."""

import ast

import pytest

from tests.mutation.__main__ import PAGE, argued
from tests.mutation.mutate import mutants
from tests.mutation.run import MODULES, all_mutants

SOURCE = '''
"""A docstring is left alone."""
LIMIT: Final = 18
Name: TypeAlias = Literal["one", "two"]

@cache(size=9)
def judge(case: "Case", found: list) -> "None":
    """And this one."""
    if not case.age and case.at < LIMIT:
        found.append(reason("CODE", bases=case.bases))
    total = ()
    total += (case.first, case.second)
    return min(each for each in total if each is not None)
'''


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (": becomes 19: 18", "LIMIT: Final = 19"),
        ("judge: always: if not case.age and case.at < LIMIT", "if True:"),
        ("judge: never: if not case.age and case.at < LIMIT", "if False:"),
        ("judge: And becomes Or: not case.age and case.at < LIMIT", "if not case.age or case.at < LIMIT:"),
        ("judge: without operand 1: not case.age and case.at < LIMIT", "if True and case.at < LIMIT:"),
        ("judge: without not: not case.age", "if not not case.age and case.at < LIMIT:"),
        ("judge: Lt becomes LtE: case.at < LIMIT", "if not case.age and case.at <= LIMIT:"),
        ("judge: becomes another text: 'CODE'", "found.append(reason('CODE~', bases=case.bases))"),
        ("judge: without bases: reason('CODE', bases=case.bases)", "found.append(reason('CODE'))"),
        ("judge: without item 2: (case.first, case.second)", "total += (case.first,)"),
        ("judge: becomes max: min((each for each in total if each is not None))", "return max("),
        ("judge: IsNot becomes Is: each is not None", "if each is None"),
        ("judge: without condition 1: each if each is not None", "(each for each in total)"),
    ],
)
def test_each_change_is_one_change(words: str, line: str) -> None:
    (found,) = (each for each in mutants("m", SOURCE) if each.what == words)
    assert line in ast.unparse(found.tree)


def test_what_is_no_rule_is_left_alone() -> None:
    texts = " ".join(each.what for each in mutants("m", SOURCE))
    for text in ("docstring", "one", "9", "Case", "And this"):
        assert f"{text}'" not in texts
        assert f": {text}" not in texts


def test_every_mutant_of_the_engine_can_be_compiled_and_has_words_of_its_own() -> None:
    words = set()
    for each in all_mutants(["duties", "deadlines"]):
        compile(each.tree, each.module, "exec")
        words.add((each.module, each.what))
    assert len(words) > 100


def test_the_page_argues_mutants_of_the_modules_that_are_changed() -> None:
    assert PAGE.exists()
    assert argued([*MODULES])
