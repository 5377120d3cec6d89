"""Every relative link of every page leads to a file, and to a heading where it names one."""

import re
from pathlib import Path

import pytest

from tests.functional.docs.pages import ROOT, pages, text_of

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def links(page: str) -> list[str]:
    return [link for link in LINK.findall(FENCED.sub("", text_of(page))) if "://" not in link]


def anchors(page: str) -> set[str]:
    """Headings as the places that render Markdown name them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.is_file(), link
        assert target.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(target.relative_to(ROOT).as_posix()), link


def targets(page: str) -> set[Path]:
    return {((ROOT / page).parent / link.partition("#")[0]).resolve() for link in links(page)}


def test_index_leads_to_every_page() -> None:
    index = targets("docs/index.md") | targets("docs/law/reference/README.md")
    missing = [page for page in pages() if page.startswith("docs/") and (ROOT / page).resolve() not in index]
    assert missing == ["docs/index.md"]
