"""The matrix in a real browser: filters, keys, clauses, a phone, dark, without scripts, and no complaint of any."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.browser import PROGRAM, Browser, Page
from tests.functional.docs.pages import DOCS

URL = (DOCS / "law/matrix.html").as_uri()
SEEN = "[...document.querySelectorAll('tr[data-code]')].filter(e => e.checkVisibility()).map(e => e.dataset.code)"
# The least contrast between letters and what is behind them, over all cells, heads, and texts of the panel.
CONTRAST = """
(() => {
  const light = (c) => {
    const [r, g, b] = c.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c.slice(0, 3);
    }
    return parts(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  };
  const found = {};
  for (const e of document.querySelectorAll("td:not(.l0) > span, th span, aside p, dd, h1, h2, header p, output")) {
    if (!e.checkVisibility()) continue;
    const a = light(parts(getComputedStyle(e).color).slice(0, 3)), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = `${e.parentElement.className}/${e.tagName}.${e.className}`;
    if (ratio < 4.5) found[name] = Math.round(ratio * 100) / 100;
  }
  return found;
})()
"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.page(URL) as opened:
        yield opened
        assert opened.complaints == []
        assert opened.requests == [URL]


def choose(page: Page, name: str, value: str) -> None:
    page.evaluate(
        f"(() => {{ const e = document.getElementById({json.dumps(name)}); e.value = {json.dumps(value)};"
        " e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def text(page: Page, selector: str) -> str:
    found = page.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
    assert isinstance(found, str)
    return re.sub(r"\n+", "\n", found)


def cell(code: str, column: int) -> str:
    return f'tr[data-code="{code}"] td:nth-child({column + 1})'


def test_typing_filters_by_name_and_code(page: Page) -> None:
    page.click("#q")
    page.type("illin")
    assert page.evaluate(SEEN) == ["US-IL"]
    assert text(page, "#count") == "1 of 149 jurisdictions"
    page.click("#clear")
    assert len(page.evaluate(SEEN)) == 149
    page.type("us-n")
    assert set(page.evaluate(SEEN)) >= {"US-NY", "US-NJ"}


def test_region_and_requirement_filter_together(page: Page) -> None:
    choose(page, "asks", "prior_authority")
    choose(page, "region", "canada")
    assert page.evaluate(SEEN) == ["CA-QC"]
    choose(page, "asks", "consent_refresh")
    assert page.evaluate(SEEN) == []
    assert "No jurisdiction is left" in text(page, "main")


def test_a_head_filters_by_its_requirement_and_back(page: Page) -> None:
    head = 'th[data-name="consent_refresh"] button'
    page.click(head)
    assert page.evaluate(SEEN) == ["US-CO"]
    assert page.evaluate(f"document.querySelector({json.dumps(head)}).getAttribute('aria-pressed')") == "true"
    page.click(head)
    assert len(page.evaluate(SEEN)) == 149


def test_what_is_asked_for_some_purposes_counts_as_asked(page: Page) -> None:
    choose(page, "asks", "electronic_signature_ok")
    assert "US-CA" in page.evaluate(SEEN)


def test_a_filter_can_be_sent_as_a_link(page: Page, browser: Browser) -> None:
    choose(page, "region", "oceania")
    link = page.evaluate("location.href")
    with browser.page(link) as other:
        assert other.evaluate(SEEN) == page.evaluate(SEEN) == ["AU", "NZ"]


def test_pointing_at_a_cell_shows_its_clause(page: Page) -> None:
    page.hover(cell("US-IL", 2))
    shown = text(page, "#detail")
    assert "Illinois (US-IL)" in shown
    assert "The consent has to be a signed written release." in shown
    assert "740 ILCS 14/15(b)(3)" in shown
    page.hover("h1")
    assert text(page, "#detail") == ""


def test_keys_go_from_cell_to_cell(page: Page) -> None:
    page.click(cell("US-IL", 2))
    for key, told in (
        ("ArrowRight", "An electronic signature will not do\nIllinois"),
        ("ArrowRight", "Spoken consent will not do\nIllinois"),
        ("ArrowDown", "Spoken consent will not do\nIndiana"),
        ("End", "Change of law to come\nIndiana"),
        ("Home", "Forbidden, whole or in part\nIndiana"),
        ("ArrowLeft", "Forbidden, whole or in part\nIndiana"),
        ("ArrowUp", "Forbidden, whole or in part\nIllinois"),
    ):
        page.press(key)
        assert text(page, "#detail").startswith(told)
    assert page.evaluate("document.querySelectorAll('td[tabindex=\"0\"]').length") == 1


def test_a_focused_cell_is_not_under_the_heads(page: Page) -> None:
    page.click(cell("US", 2))
    for _ in range(40):
        page.press("ArrowDown")
    for _ in range(40):
        page.press("ArrowUp")
    place = "document.activeElement.getBoundingClientRect()"
    assert page.evaluate(f"{place}.top >= document.querySelector('thead').getBoundingClientRect().bottom - 1")


def test_a_phone_shows_the_clause_on_a_sheet(browser: Browser) -> None:
    with browser.page(URL, width=390, height=844) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.click("#how")
        assert "forbidden whatever the consent" in text(page, "#panel")
        page.click("#close")
        assert page.evaluate("document.getElementById('panel').checkVisibility()") is False
        page.click(cell("US", 2))
        assert "The person has to opt in." in text(page, "#panel")
        page.press("Escape")
        assert page.evaluate("document.getElementById('panel').checkVisibility()") is False
        assert page.complaints == []


@pytest.mark.parametrize("dark", [False, True])
def test_letters_stand_out(browser: Browser, dark: bool) -> None:
    with browser.page(URL, dark=dark) as page:
        page.click(cell("US-IL", 4))
        assert page.evaluate(CONTRAST) == {}


def test_without_scripts_the_whole_table_is_there(browser: Browser) -> None:
    with browser.page(URL, scripts=False) as page:
        assert len(page.evaluate(SEEN)) == 149
        assert page.evaluate("document.getElementById('filters').checkVisibility()") is False


def test_a_print_has_the_legend_and_the_heads_on_every_sheet(page: Page) -> None:
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("document.getElementById('legend').checkVisibility()") is True
    assert page.evaluate("document.getElementById('filters').checkVisibility()") is False
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"


def test_a_screen_reader_is_told_what_a_dot_means(page: Page) -> None:
    page.call("DOM.enable")
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    found = page.call("DOM.querySelector", nodeId=root, selector=cell("US-IL", 8))["nodeId"]
    told = page.call("Accessibility.getPartialAXTree", nodeId=found, fetchRelatives=False)["nodes"][0]
    assert (told["role"]["value"], told["name"]["value"]) == ("cell", "asked")
