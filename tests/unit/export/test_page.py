"""The page in a package is put together from its sources, the same each time, and may do nothing but verify."""

import base64
import hashlib
import re
from pathlib import Path

import consentgate.export
from consentgate.export.page import SCRIPTS, verify_html
from consentgate.policy.reasons import DEFINITIONS

FOLDER = Path(consentgate.export.__path__[0]) / "page"
PAGE = verify_html().decode()


def test_the_page_is_the_same_each_time() -> None:
    assert verify_html.__wrapped__() == verify_html()


def test_every_source_is_in_it() -> None:
    assert {each.name for each in FOLDER.glob("*.js")} == set(SCRIPTS)
    for name in SCRIPTS:
        assert (FOLDER / name).read_text("utf-8") in PAGE


def test_the_policy_allows_this_script_and_style_and_nothing_else() -> None:
    found = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', PAGE)
    assert found is not None
    rules = dict(rule.split(" ", 1) for rule in found[1].split("; "))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    for tag in ("script", "style"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert rules.pop(f"{tag}-src") == f"'sha256-{digest}'"
    assert rules == {}
    assert PAGE.count("<script") == PAGE.count("<style") == 1


def test_the_page_names_no_address_and_has_no_way_to_ask_one() -> None:
    # The name of the picture language is not an address that anybody asks.
    assert set(re.findall(r"https?://[^\s\"'`)]+", PAGE)) == {"http://www.w3.org/2000/svg"}
    for way in ("fetch(", "XMLHttpRequest", "WebSocket", "EventSource", "sendBeacon", "import(", "src="):
        assert way not in PAGE, way


def test_the_page_never_makes_markup_of_texts() -> None:
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "style=",
    ):
        assert way not in PAGE, way


def test_the_page_knows_every_reason() -> None:
    for code in DEFINITIONS:
        assert f'"{code}"' in PAGE


def test_each_source_can_be_read_in_one_go() -> None:
    for each in FOLDER.iterdir():
        assert len(each.read_text("utf-8").splitlines()) < 300, each.name
