"""The pages of this repository, and what stands on them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def pages() -> list[str]:
    """Every Markdown page that a reader comes to, relative to the root."""
    top = [page.name for page in ROOT.glob("*.md")]
    return sorted([*top, *(page.relative_to(ROOT).as_posix() for page in DOCS.rglob("*.md"))])


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of one language, without their fences."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading row."""
    table = page.partition(heading)[2].lstrip("\n").split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table.splitlines()[1:]]
