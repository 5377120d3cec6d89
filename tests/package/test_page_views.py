"""The pages of ``verify.html``: by keyboard and screen reader, in light and dark, on a phone and on paper."""

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser, Page
from tests.package.pages import go, take, wait
from tests.package.story import HOSTILE
from tests.package.tiny import tiny

VIEWS = {
    "verification": "#/",
    "time line": "#/timeline",
    "calls": "#/calls",
    "a call": "#/call/transaction%2F01000000-0000-0000-0000-000000001eef",
    "a denial": "#/record/DOE000010",
    "a statement": "#/record/DOE000004",
    "a redacted decision": "#/record/DOE000006",
    "statements": "#/statements",
    "withheld": "#/withheld",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def axe() -> str:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None, "run tools/venv.sh dev"
    assert spec.origin is not None
    return (Path(spec.origin).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def page(browser: Browser, page_file: Path, told: Path) -> Iterator[Page]:
    with browser.page(page_file.as_uri(), width=1280) as opened:
        take(opened, told)
        yield opened
        quiet(opened, page_file)


def quiet(page: Page, file: Path) -> None:
    """See that nothing was complained of, and nothing asked of any network."""
    assert page.complaints == []
    # The pictures in the browser's own fields for dates are data of its own.
    asked = {each for each in page.requests if not each.startswith("data:image/svg+xml")}
    assert asked == {file.as_uri()}


def text(page: Page, selector: str = "main") -> str:
    shown = page.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
    assert isinstance(shown, str)
    return re.sub(r"\s+", " ", shown)


def wrongs(page: Page, rules: list[str] = RULES) -> list[tuple[str, list[str]]]:
    """What axe finds: rule and elements."""
    found: list[dict[str, Any]] = page.evaluate(
        f"axe.run(document, {{ runOnly: {json.dumps(rules)} }}).then(({{ violations }}) => violations)"
    )
    return [(each["id"], [node["html"][:120] for node in each["nodes"][:3]]) for each in found]


# What a scheme changes is colour, what a phone changes is where things are: the rest is looked at once.
@pytest.mark.parametrize(
    ("width", "dark", "rules", "views"),
    [
        (1280, False, RULES, list(VIEWS)),
        (1280, True, ["color-contrast"], ["verification", "time line", "a redacted decision", "a call"]),
        (390, True, ["color-contrast", "target-size"], ["verification", "time line", "calls", "a statement"]),
    ],
)
def test_axe_finds_nothing(
    browser: Browser,
    page_file: Path,
    told: Path,
    axe: str,
    width: int,
    dark: bool,
    rules: list[str],
    views: list[str],
) -> None:
    with browser.page(page_file.as_uri(), width=width, dark=dark) as page:
        page.evaluate(f"{axe};0")
        assert wrongs(page, rules) == []
        take(page, told)
        for view in (VIEWS[name] for name in views):
            go(page, view)
            assert (view, wrongs(page, rules)) == (view, [])
            assert page.evaluate("document.documentElement.scrollWidth") == width, view
        quiet(page, page_file)


def test_findings_are_told_and_lead_to_their_records(
    browser: Browser, page_file: Path, told: Path, tmp_path: Path, axe: str
) -> None:
    altered = shutil.copytree(told, tmp_path / "p")
    file = altered / "data/records/entries.jsonl"
    lines = file.read_bytes().split(b"\n")
    lines[9] = re.sub(rb'"entry":"019aab00-0000-7000-8000-000000000009"', b'"entry":"no"', lines[9])
    file.write_bytes(b"\n".join(lines))
    with browser.page(page_file.as_uri()) as page:
        page.evaluate(f"{axe};0")
        take(page, altered)
        assert text(page, ".verdict") == "Do not rely on this package."
        assert "altered record DOE000010 · Records" in text(page)
        assert wrongs(page) == []
        page.evaluate(
            "[...document.querySelectorAll('.findings a')].find((a) => a.innerText.includes('10')).click()"
        )
        wait(page, "document.querySelector('h1').innerText.includes('Denied')")
        assert "Found the id of another entry." in text(page)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_a_title_and_one_heading(page: Page, view: str) -> None:
    go(page, VIEWS[view])
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    assert page.evaluate("document.title").endswith("· evidence package")
    assert page.evaluate("document.querySelectorAll('nav [aria-current]').length") == 1


def test_texts_that_mean_harm_stay_texts(page: Page) -> None:
    for view in ("#/record/DOE000003", "#/calls", "#/statements", "#/record/DOE000016"):
        go(page, view)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert HOSTILE in page.evaluate("document.querySelector('main').textContent"), view
        assert page.evaluate("document.querySelectorAll('img, iframe, script[src]').length") == 0
        apart = (
            "[...document.querySelectorAll('main bdi')].some((each) => each.textContent.includes('\\u202e'))"
        )
        assert page.evaluate(apart)


def test_search_and_filters_narrow_the_time_line(page: Page) -> None:
    go(page, "#/timeline")
    count = "document.querySelector('output').textContent"
    assert page.evaluate(count) == "119 records"
    page.click("#q")
    page.type("denied c-1004")
    assert page.evaluate(count) == "1 of 119 records"
    assert "Denied: comparison of a voice" in text(page, ".rows")
    page.evaluate("document.getElementById('q').value = ''")
    for name, value in (("kind", "statement"), ("from", "2025-04-02"), ("to", "2025-04-02")):
        page.evaluate(
            f"(() => {{ const e = document.getElementById('{name}'); e.value = '{value}';"
            " e.dispatchEvent(new Event('input', { bubbles: true })); })()"
        )
    days = page.evaluate("[...document.querySelectorAll('.row')].map((row) => row.innerText)")
    assert days
    assert all("2 Apr 2025" in each and "Consent" in each for each in days)
    page.click("#q")
    page.type("nothing has these words")
    assert "No record is left." in text(page)
    page.evaluate("app.filter = { q: '', kind: '', from: '', to: '' }")


def test_keys_go_along_the_time_line(page: Page) -> None:
    go(page, "#/timeline")
    page.evaluate("document.querySelector('.row a').focus()")
    focused = "document.activeElement.querySelector('.bates').textContent"
    box = "document.activeElement.getBoundingClientRect()"
    for key, number in (("ArrowDown", 2), ("End", 119), ("ArrowUp", 118), ("Home", 1)):
        page.press(key)
        assert page.evaluate(focused) == f"DOE{number:06d}"
        assert page.evaluate(f"{box}.top >= 0 && {box}.bottom <= innerHeight")
    page.press("ArrowDown")
    page.evaluate("document.activeElement.click()")
    wait(page, "location.hash === '#/record/DOE000002' && document.querySelector('h1').innerText === 'Rules'")
    assert page.evaluate("document.activeElement.id") == "main"


def test_only_rows_in_view_exist_and_all_of_them_on_paper(page: Page) -> None:
    go(page, "#/timeline")
    rows = "document.querySelectorAll('.row').length"
    assert page.evaluate(rows) < 40
    assert page.evaluate("document.querySelector('.row').getAttribute('aria-setsize')") == "119"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate(rows) == 119
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.call("Emulation.setEmulatedMedia", media="")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(rows) < 40


def test_a_call_is_one_page_with_reasons_law_and_statements(page: Page) -> None:
    go(page, VIEWS["a call"])
    shown = text(page)
    assert "There is no consent of this speaker." in shown
    assert "740 ILCS 14/15(b)(3) Illinois (US-IL)" in shown
    assert "What would cure it: Ask for consent" in shown
    go(page, "#/call/transaction%2F01000000-0000-0000-0000-000000005ccd")
    shown = text(page)
    assert "Allowed on the consent in DOE000016" in shown
    assert "Acme Bank, 1 Main Street, Springfield, Illinois, makes and stores a voiceprint" in shown
    assert "Delete the voiceprint by" in shown


def test_what_is_withheld_or_redacted_is_said(page: Page) -> None:
    go(page, "#/withheld")
    assert "Names of other people, who are on no call of this matter" in text(page)
    go(page, VIEWS["a redacted decision"])
    assert "What is shown of it cannot be verified." in text(page)
    go(page, "#/")
    assert "parts withheld: names of other people" in text(page)
    assert "3 entries that no checkpoint covered yet" in text(page)
    assert "1 request without an outcome" in text(page)


def test_local_time_stands_beside_utc(page: Page) -> None:
    go(page, "#/record/DOE000004")
    assert "1 Apr 2025, 08:00:02 America/Chicago · 2025-04-01 13:00:02 UTC" in text(page)
    go(page, "#/timeline")
    assert "Times are those of America/Chicago." in text(page)


def test_an_address_that_names_nothing_says_so(page: Page) -> None:
    for view in ("#/record/XX", "#/call/none", "#/else", "#/record/%", "#/call/%ff"):
        go(page, view)
        assert text(page, "h1") == "Not found"


def test_the_link_over_the_head_leads_to_what_is_shown(page: Page) -> None:
    go(page, "#/record/DOE000004")
    page.evaluate("document.querySelector('.skip').focus()")
    page.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.evaluate("location.hash") == "#/record/DOE000004"
    assert text(page, "h1") == "Consent given"
    page.evaluate("location.hash = '#main'")
    page.evaluate("new Promise((done) => setTimeout(done))")
    assert text(page, "h1") == "Consent given"


@pytest.mark.parametrize("width", [1280, 390])
def test_rows_lie_below_one_another_with_letters_of_any_size(
    browser: Browser, page_file: Path, told: Path, width: int
) -> None:
    with browser.page(page_file.as_uri(), width=width) as page:
        take(page, told)
        page.evaluate("document.documentElement.style.fontSize = '24px'")
        go(page, "#/timeline")
        for at in (0, 1500):
            page.evaluate(f"scrollTo(0, {at}); new Promise((drawn) => setTimeout(drawn, 100))")
            rows = page.evaluate(
                "[...document.querySelectorAll('.row')].map((row) => row.getBoundingClientRect())"
                ".map(({ top, bottom }) => [top, bottom])"
            )
            assert len(rows) > 10
            assert all(one[1] <= other[0] + 0.5 for one, other in pairwise(rows))
        size = "parseFloat(getComputedStyle(document.querySelector('.row .what')).fontSize)"
        assert page.evaluate(size) == 24
        inside = (
            "[...document.querySelectorAll('.row')].every((row) => [...row.querySelectorAll('.what *')]"
            ".every((each) => each.getBoundingClientRect().bottom <= row.getBoundingClientRect().bottom))"
        )
        assert page.evaluate(inside)


def test_an_age_stands_without_what_is_said_where_there_is_none(page: Page) -> None:
    shown = {
        '{"adult":false,"age":34}': "age34",
        '{"adult":false}': "stated to be of ageno",
        '{"adult":true,"age":34}': "stated to be of ageyesage34",
        '{"adult":true}': "stated to be of ageyes",
        '{"adult":false,"age":null}': "stated to be of agenoagenothing",
    }
    assert {each: page.evaluate(f"tree({each}).textContent") for each in shown} == shown


def test_a_zone_that_the_browser_does_not_know_gives_no_name_to_utc(
    browser: Browser, page_file: Path, tmp_path: Path
) -> None:
    forge = tiny().copy()
    forge.manifest = {**forge.manifest, "time_zone": "Mars/Olympus"}
    forge.mend()
    with browser.page(page_file.as_uri()) as page:
        take(page, forge.write(tmp_path / "p"))
        assert "What the clocks showed in \u2068Mars/Olympus\u2069: this browser does not know" in text(page)
        for view in ("#/record/CG000003", "#/timeline", "#/statements"):
            go(page, view)
            assert "Mars" not in text(page)
        go(page, "#/record/CG000003")
        assert re.search(r"Written \d+ \w+ 2026, \d\d:\d\d:\d\d UTC", text(page))
        quiet(page, page_file)


def test_without_scripts_the_reader_is_told(browser: Browser, page_file: Path) -> None:
    with browser.page(page_file.as_uri(), scripts=False) as page:
        assert "RECIPES.txt and verify.py do the same" in text(page)
