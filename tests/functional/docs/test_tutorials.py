"""The tutorials do what they say: every file, command and output, from the first to the last."""

import sysconfig
from pathlib import Path

import pytest

from tests.functional.docs.pages import ROOT, text_of
from tests.functional.docs.shell import Player, files, free_port, matches, reader

IVR = text_of("docs/tutorials/ivr-to-search.md")
EXAMPLE = ROOT / "examples/ivr_service"


def newcomer(folder: Path) -> dict[str, str]:
    """The environment of somebody who has a checkout, and the pinned packages at hand instead of an index."""
    (folder / "consentgate").symlink_to(ROOT)
    return reader(folder) | {
        "PORT": str(free_port()),
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one backwards: 0 is "no isolation"
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_WARN_CONFLICTS": "1",
    }


def test_files_of_the_tutorial_are_the_example() -> None:
    shown = files(IVR)
    assert shown.keys() == {"notice.txt", "notice.toml", "service.py", "phone.py"}
    for name, text in shown.items():
        assert text == (EXAMPLE / name).read_text("utf-8"), name


@pytest.mark.timeout(300)
def test_tutorial_does_what_it_says(tmp_path: Path) -> None:
    assert Player(tmp_path, newcomer(tmp_path), working=tmp_path / "ivr").play(IVR) > 12


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("...\nd\n", "d\n", True),
        ("a\n...\nd\n", "a\nb\nc\n", False),
        ("entry 1f2e3d4c\n", "entry  00000000\n", True),
        ("holds\n", "holds\nbroken\n", False),
    ],
)
def test_outputs_are_compared(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
