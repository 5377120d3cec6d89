r"""Text that others wrote, as it may stand in a document: nothing unseen, nothing that turns its neighbours.

Three forms. `visible` writes what cannot be seen as its code, as in ``[U+202E]``: for documents that people read.
`tabular` keeps every letter and replaces control characters alone, by the pictures that Unicode has for them: for
tables and load files, where a value has to come back. `printable` also writes as its code what the fonts of the
report do not have.

Invariants: pure; no function drops a character without a mark in its place; line breaks stay line breaks.

>>> visible("a\u202eb")
'a[U+202E]b'
>>> tabular("a\x00b")
'a\u2400b'
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

# Controls, marks of direction, what has no width, line and paragraph separators, private use, lone surrogates.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ue000-\uf8ff\ud800-\udfff"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_PLAIN: Final = re.compile(r"[\n\t -~]*")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")
_BREAK: Final = re.compile("\r\n|\r|\x85|\u2028|\u2029")


def lines(text: str) -> str:
    """Write every way to break a line in one way.

    Args:
        text: the text.

    Returns:
        The text with line feeds alone.
    """
    return _BREAK.sub("\n", text)


def visible(text: str) -> str:
    """Write what cannot be seen as its code.

    Args:
        text: the text.

    Returns:
        The text; tabs and line feeds stay.
    """
    return text if _PLAIN.fullmatch(text) else _UNSEEN.sub(_code, lines(text))


def tabular(text: str) -> str:
    """Replace control characters by their pictures, which every program can take.

    Args:
        text: the text.

    Returns:
        The text; tabs and line feeds stay, a lone surrogate becomes U+FFFD.
    """
    if _PLAIN.fullmatch(text):
        return text
    pictured = _CONTROL.sub(_picture, lines(text))
    return pictured.encode("utf-8", "replace").decode() if _lone(pictured) else pictured


def printable(text: str, *, plain: bool = False) -> str:
    """Write what the report's fonts do not have as its code too.

    Args:
        text: the text.
        plain: whether only printable ASCII is kept; for what the fonts refuse all the same.

    Returns:
        The text.
    """
    seen = visible(text)
    if seen.isascii():
        return seen
    known = frozenset() if plain else covered()
    # Letters with marks are put together where there is one character for both: fonts have those.
    return "".join(
        each if each.isascii() or ord(each) in known else _coded(each)
        for each in unicodedata.normalize("NFC", seen)
    )


def readable_share(text: str) -> float:
    """Tell how much of a text the report's fonts can show.

    Args:
        text: the text.

    Returns:
        From 0 to 1; 1 for an empty text.
    """
    seen = [each for each in unicodedata.normalize("NFC", text) if not each.isspace()]
    fine = sum(each.isascii() or ord(each) in covered() for each in seen)
    return fine / len(seen) if seen else 1.0


@cache
def covered() -> frozenset[int]:
    """Give the characters that the report's fonts have in every style, from ``covered.txt``.

    Returns:
        Their code points.
    """
    text = (files("consentgate.export.paper") / "covered.txt").read_text("ascii")
    found: set[int] = set()
    for each in text.split():
        first, _, last = each.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


def _code(match: re.Match[str]) -> str:
    return _coded(match.group())


def _coded(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    return "\u2421" if code == 0x7F else chr(0x2400 + code)


def _lone(text: str) -> bool:
    return any("\ud800" <= each <= "\udfff" for each in text) if not text.isascii() else False
