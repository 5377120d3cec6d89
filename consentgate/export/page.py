"""``verify.html``: the page in a package with which its reader verifies and reads it, put together from its sources.

Invariants: the same sources, reasons and packs make the same bytes; the page asks no network for anything, and the
browser enforces it: its policy allows the one script and the one style that it holds, by their hashes, and no more.

>>> verify_html()[:15]
b'<!DOCTYPE html>'
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from consentgate.packs.packset import shipped
from consentgate.policy.reasons import DEFINITIONS

# In this order: each file uses what those before it define.
SCRIPTS: Final = (
    "bytes.js",
    "sha256.js",
    "json.js",
    "ed25519.js",
    "jose.js",
    "leaf.js",
    "tree.js",
    "notes.js",
    "folder.js",
    "report.js",
    "words.js",
    "summary.js",
    "judge-manifest.js",
    "judge-files.js",
    "judge-readable.js",
    "judge-records.js",
    "judge-claims.js",
    "judge-artifacts.js",
    "judge-log.js",
    "verify.js",
    "dom.js",
    "content.js",
    "virtual.js",
    "view-result.js",
    "view-timeline.js",
    "view-record.js",
    "main.js",
)
_FOLDER: Final = files("consentgate.export") / "page"


@cache
def verify_html() -> bytes:
    """Put the page together.

    Returns:
        The file, in UTF-8.
    """
    script = "\n".join(('"use strict";', *_tables(), *(_source(name) for name in SCRIPTS)))
    style = _source("style.css")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = _source("page.html")
    for name, text in (("policy", policy), ("style", style), ("script", script)):
        before, _, after = page.partition(f"@{name}@")
        page = before + text + after
    return page.encode()


def _tables() -> tuple[str, str]:
    reasons = {code: [each.sentence, each.cure] for code, each in DEFINITIONS.items()}
    packs = shipped()
    names = {code: packs.pack(code).name for code in packs.codes}
    return _constant("REASON_TABLE", reasons), _constant("PACK_NAMES", names)


def _constant(name: str, table: Mapping[str, object]) -> str:
    # A closing tag inside of a text would end the script.
    text = json.dumps(table, ensure_ascii=True, sort_keys=True, indent=1).replace("<", "\\u003c")
    return f"const {name} = {text};"


def _source(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
