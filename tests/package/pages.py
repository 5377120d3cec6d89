"""``verify.html`` in a real browser: packages are given to it as a reader gives them, by folder."""

import json
import time
from pathlib import Path
from typing import Any, Final

from consentgate.verify.package.result import Judgement
from tests.browser import PATIENCE, Page

JUDGE: Final = """
verifyPackage(Folder.ofPicked(document.getElementById("test-folder").files)).then(({ report }) => ({
  findings: report.findings.map(({ level, kind, where }) => [level, kind, where]),
  levels: Object.fromEntries(LEVELS.map((level) => [level, report.state(level)])),
  fingerprint: report.signer,
  conclusion: report.conclude(),
}))
"""


def take(page: Page, folder: Path) -> None:
    """Choose the package, and wait until the page has verified it."""
    page.choose("#folder", folder)
    wait(page, "app.result !== null && document.querySelector('main').getAttribute('aria-busy') === null")
    wait(page, "document.querySelector('.ladder') !== null")


def drop(page: Page, folder: Path) -> None:
    """Drop a folder onto the page; Chromium takes none that lies below /dev."""
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        page.call("Input.dispatchDragEvent", type=kind, x=400, y=400, data=data)


def wait(page: Page, condition: str) -> None:
    """Wait until something holds in the page."""
    until = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < until, condition
        time.sleep(0.02)


def go(page: Page, view: str) -> None:
    """Go to a view by its address, and wait until it is there."""
    page.evaluate(
        "new Promise((done) => { addEventListener('shown', () => done(), { once: true });"
        f" if (location.hash === {json.dumps(view)}) show(); else location.hash = {json.dumps(view)}; }})"
    )


def judged(page: Page, folder: Path) -> dict[str, Any]:
    """Verify a package in the page, beside what it shows: many fit into one page."""
    page.evaluate(
        "document.getElementById('test-folder')?.remove(); document.body.append(Object.assign("
        "document.createElement('input'), { type: 'file', webkitdirectory: true, id: 'test-folder' }))"
    )
    page.choose("#test-folder", folder)
    wait(page, "document.getElementById('test-folder').files.length > 0")
    found: dict[str, Any] = page.evaluate(JUDGE)
    return found


def agrees(judgement: dict[str, Any], other: Judgement) -> None:
    """The page says of each level, and of who signed, what the library says."""
    shown = {name: state for name, state in judgement["levels"].items() if state != "absent"}
    verdicts = {level.name: level.verdict for level in other.levels}
    assert (shown, judgement["fingerprint"]) == (verdicts, other.fingerprint)
