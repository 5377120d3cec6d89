"""The page about the models says what is there: each line of code that it names, each mistake that can be seeded.

The models themselves are checked by ``make model``.
"""

import importlib
import re
from typing import Final

import pytest

from tools.model import FOLDER, MISTAKES

PAGE: Final = (FOLDER / "README.md").read_text("utf-8")
NAMED: Final = sorted(set(re.findall(r"`(consentgate(?:\.\w+)+)`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_line_of_code_that_the_page_names_is_there(name: str) -> None:
    module, _, member = name.rpartition(".")
    assert hasattr(importlib.import_module(module), member)


def test_page_names_some_lines_of_code() -> None:
    assert len(NAMED) > 10


@pytest.mark.parametrize("model", MISTAKES)
def test_each_mistake_is_in_the_model_on_the_page_and_sought(model: str) -> None:
    text = (FOLDER / f"{model}.pml").read_text("utf-8")
    seeds = set(re.findall(r"^#if(?:n?def) (\w+)", text, re.MULTILINE))
    listed = set(re.findall(rf"^\| `(\w+)` \| {model} \|", PAGE, re.MULTILINE))
    assert seeds == listed == set(MISTAKES[model])


def test_each_model_is_checked() -> None:
    assert {path.stem for path in FOLDER.glob("*.pml")} == set(MISTAKES)
