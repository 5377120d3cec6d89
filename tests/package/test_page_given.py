"""What a reader gives to ``verify.html`` is judged for the package it is for: packages, fingerprint, witnesses."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, Page
from tests.package.forge import ATTACKER
from tests.package.pages import drop, go, take, wait
from tests.package.tiny import PACKAGE_KEY, POLICY

VERDICT = "document.querySelector('.verdict').textContent"
HINT = "document.querySelector('#fingerprint-hint').textContent"
INVALID = "document.querySelector('#fingerprint').getAttribute('aria-invalid')"
DRAWN = "document.querySelector('.ladder-place').dataset.drawn"
UNCONFIRMED = "Consistent; signer not confirmed."


@pytest.fixture
def page(browser: Browser, page_file: Path, small: Path) -> Iterator[Page]:
    """The small package, whose log is witnessed."""
    with browser.page(page_file.as_uri()) as opened:
        take(opened, small)
        yield opened
        assert opened.complaints == []


@pytest.fixture
def place() -> Iterator[Path]:
    """Chromium hands no folder below /dev to a page, and there may lie what tests write."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def enter(page: Page, value: str) -> None:
    """Type letter by letter into the empty field."""
    page.evaluate("(() => { const f = document.getElementById('fingerprint'); f.value = ''; f.focus(); })()")
    for letter in value:
        page.type(letter)


def witnessed(page: Page, policy: Path) -> None:
    """Give the fingerprint and the witnesses of the small package."""
    policy.write_bytes(POLICY)
    page.choose("#policy", policy)
    wait(page, "document.querySelector('.ladder').innerText.includes('witnessed by W0, W1.')")
    enter(page, PACKAGE_KEY.public.kid)
    assert page.evaluate(VERDICT) == "Consistent, signed by the key that you confirmed, and witnessed."


def test_a_second_package_inherits_nothing_of_the_first(
    page: Page, told: Path, tmp_path: Path, place: Path
) -> None:
    witnessed(page, tmp_path / "policy")
    go(page, "#/record/CG000003")
    drop(page, shutil.copytree(told, place / "other"))
    wait(page, "app.result !== null && app.result.folder.name === 'other' && location.hash === '#/'")
    wait(page, "document.querySelector('.ladder') !== null")
    ladder = page.evaluate("document.querySelector('.ladder').innerText")
    assert "No witness whom you know vouches for the log." in ladder
    assert "Nobody confirmed this key to you yet." in ladder
    assert page.evaluate(VERDICT) == UNCONFIRMED
    assert page.evaluate("document.getElementById('fingerprint').value") == ""


def test_what_is_no_package_leaves_no_other_one_standing(page: Page, tmp_path: Path, place: Path) -> None:
    witnessed(page, tmp_path / "policy")
    (place / "letters").mkdir()
    (place / "letters/letter.txt").write_text("Dear counsel")
    drop(page, place / "letters")
    wait(
        page,
        "document.getElementById('trouble')?.textContent.startsWith('This is not the folder of a package')",
    )
    assert page.evaluate("app.result") is None
    assert page.evaluate("document.getElementById('views').hidden")
    assert page.evaluate("document.querySelector('.ladder')") is None


def test_a_verification_that_fails_leaves_no_other_one_standing(
    browser: Browser, page_file: Path, small: Path, place: Path
) -> None:
    with browser.page(page_file.as_uri()) as page:
        take(page, small)
        page.evaluate(
            "globalThis.verifyPackage = async () => { throw new DOMException('it is gone', 'NotFoundError'); }; 0"
        )
        drop(page, shutil.copytree(small, place / "package"))
        wait(page, "document.querySelector('h1').innerText === 'A file could not be read.'")
        assert page.evaluate("app.result") is None
        assert page.evaluate("document.getElementById('views').hidden")
        page.evaluate("location.hash = '#/timeline'")
        wait(page, "document.querySelector('h1').innerText.startsWith('See what happened')")
        assert [each for each in page.complaints if "it is gone" not in each] == []


def test_the_package_that_was_given_last_is_shown(page: Page) -> None:
    page.evaluate(
        "(async () => { const { files } = app.result.folder, verify = verifyPackage; let late;"
        " globalThis.verifyPackage = async (folder) => {"
        "   if (folder.name === 'one') await new Promise((done) => { late = done; });"
        "   return verify(folder); };"
        " const one = take(new Folder('one', new Map(files)));"
        " await take(new Folder('two', new Map(files))); late(); await one; })()"
    )
    assert page.evaluate("app.result.folder.name") == "two"
    assert page.evaluate("document.querySelector('main').getAttribute('aria-busy')") is None


def test_a_part_of_a_fingerprint_says_nothing_of_the_package(page: Page) -> None:
    page.evaluate(
        "(() => { const place = document.querySelector('.ladder-place'); place.dataset.drawn = 0;"
        " new MutationObserver(() => place.dataset.drawn++).observe(place, { childList: true }); })()"
    )
    enter(page, "")
    for at, letter in enumerate(PACKAGE_KEY.public.kid[:-1], 1):
        page.type(letter)
        assert page.evaluate(VERDICT) == UNCONFIRMED
        assert page.evaluate(HINT) == f"{at} of 43 characters."
        assert page.evaluate(INVALID) is None
    assert page.evaluate(DRAWN) == "0", "a screen reader is told once, not with each key"
    page.type(PACKAGE_KEY.public.kid[-1])
    assert page.evaluate(VERDICT) == "Consistent, and signed by the key that you confirmed."
    assert page.evaluate(HINT) == ""
    assert page.evaluate(DRAWN) == "1"


def test_a_whole_fingerprint_is_judged(page: Page) -> None:
    enter(page, ATTACKER.public.kid)
    assert page.evaluate(VERDICT) == "Do not rely on this package."
    page.press("Backspace")
    assert page.evaluate(VERDICT) == UNCONFIRMED


@pytest.mark.parametrize(
    ("entered", "left", "said"),
    [
        ("AbC=", False, 'letters, digits, "-" and "_" only, and no \u2068=\u2069.'),
        ("A" * 44, False, "Too long: 44 of 43 characters."),
        ("AbC", True, "3 of 43 characters: nothing was compared yet."),
    ],
)
def test_what_is_no_fingerprint_is_said_at_the_field(page: Page, entered: str, left: bool, said: str) -> None:
    enter(page, entered)
    if left:
        page.evaluate("document.activeElement.blur()")
    assert said in page.evaluate(HINT)
    assert page.evaluate(INVALID) == "true"
    assert page.evaluate(VERDICT) == UNCONFIRMED
    assert page.evaluate("document.querySelector('#fingerprint').getAttribute('aria-describedby')") == (
        "fingerprint-hint"
    )


@pytest.mark.parametrize("fingerprint", ["", PACKAGE_KEY.public.kid])
@pytest.mark.parametrize("names", [[], ["W0"]])
def test_witnesses_lift_no_signer_whom_nobody_confirmed(
    page: Page, fingerprint: str, names: list[str]
) -> None:
    given = json.dumps({"fingerprint": fingerprint, "witnesses": {"names": names, "findings": []}})
    expected = "consistent" if not fingerprint else "witnessed" if names else "confirmed"
    assert page.evaluate(f"app.result.report.conclude({given})") == expected
