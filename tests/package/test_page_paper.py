"""On paper ``verify.html`` shows all that a view has; on a screen afterwards, what it showed before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, Page
from tests.package.pages import go, take

MANY = 450
COPIES = f"""
(() => {{
  const statement = app.result.records.find(({{ kind }}) => kind === "statement");
  app.result.records = Array.from({{ length: {MANY} }}, (_, i) => ({{ ...statement, call: `call/${{i}}`,
    sealed: [{{ part: "matches.0", reason: "matches" }}] }}));
  for (let i = 0; i < {MANY}; i++) app.result.report.find("files", "extra", `file ${{i}}`);
}})()
"""


@pytest.fixture
def page(browser: Browser, page_file: Path, told: Path) -> Iterator[Page]:
    with browser.page(page_file.as_uri()) as opened:
        take(opened, told)
        yield opened
        assert opened.complaints == []


def printed(page: Page, expression: str) -> int:
    """Print the view, and give what an expression has on the paper."""
    page.evaluate(
        "globalThis.onPaperNow = null;"
        f"addEventListener('beforeprint', () => {{ onPaperNow = {expression}; }}, {{ once: true }})"
    )
    page.call("Page.printToPDF")
    number = page.evaluate("onPaperNow")
    assert isinstance(number, int)
    return number


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("#/", ".findings > li"),
        ("#/calls", "tbody > tr"),
        ("#/statements", "tbody > tr"),
        ("#/withheld", "tbody > tr"),
    ],
)
def test_nothing_is_left_out_on_paper(page: Page, view: str, rows: str) -> None:
    page.evaluate(COPIES)
    go(page, view)
    count = f"document.querySelectorAll('{rows}').length"
    before = page.evaluate(count)
    assert before <= MANY - 200
    assert printed(page, count) >= MANY
    assert page.evaluate(count) == before
    for _ in range(2):
        page.evaluate("document.querySelector('main button.quiet:not([hidden])').click()")
    assert page.evaluate("document.querySelector('main button.quiet:not([hidden])')") is None
    assert page.evaluate(count) >= MANY


def test_what_is_folded_is_open_on_paper(page: Page) -> None:
    go(page, "#/call/transaction%2F01000000-0000-0000-0000-000000005ccd")
    folded = "document.querySelectorAll('main details:not([open])').length"
    page.evaluate("document.querySelector('main details').open = true")
    before = page.evaluate(folded)
    assert before > 0
    assert printed(page, folded) == 0
    assert page.evaluate(folded) == before
    assert page.evaluate("document.querySelector('main details').open"), "what the reader opened stays open"


def test_findings_of_which_there_are_too_many_are_not_counted_out(page: Page) -> None:
    page.evaluate(
        "for (let i = 0; i < 1500; i++) app.result.report.find('files', 'extra', `f${i}`);"
        "app.result.report.find('tree', 'missing', 'x')"
    )
    go(page, "#/")
    shown = page.evaluate("document.querySelector('main').innerText")
    assert "At least 1,001 findings" in shown
    assert "at least 1,000 findings" in shown
    assert "\n1 finding\n" in shown.replace("Proof of inclusion ", "\n")
    assert printed(page, "document.querySelectorAll('.findings > li:not(.open)').length") == 1001
