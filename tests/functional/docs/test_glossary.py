"""The glossary has every word of the design, of the formats and of the code's closed lists."""

import pytest

from consentgate.entries.kinds import FINAL_ENDS, KINDS
from tests.functional.docs.pages import rows, text_of

PAGE = text_of("docs/reference/glossary.md")
TABLE = {row[0].strip("*"): row[1] for row in rows(PAGE, "| word | meaning |")}

# The words of the design. A word that is given up goes from here too, with a reason in the commit.
DESIGN = frozenset({
    "subject", "reference", "speaker", "call", "request", "statement", "notice", "artifact", "issuer", "pack",
    "evidence", "assertion", "reason", "obligation", "entry", "intent", "denial", "outcome", "permit", "stop order",
    "leaf", "part", "tag", "lane", "checkpoint", "anchor", "witness", "epoch", "proof", "data key", "wrapping key",
    "hold", "package",
})  # fmt: skip

FORMATS = frozenset({
    "grant", "refusal", "withdrawal", "manifest", "element", "registry", "exchange", "matches", "body",
    "unattributed", "origin", "vkey", "tile", "frontier", "position", "ordinal", "suppression", "tenant", "level",
    "finding", "candidate", "purpose", "operation", "leg", "NOBODY", "attempt", "link",
})  # fmt: skip

# `stop` and `packs` go by the names of the things: stop order, pack set.
KIND_WORDS = KINDS.keys() - {"stop", "packs"}


@pytest.mark.parametrize("word", sorted({*DESIGN, *FORMATS, *KIND_WORDS}))
def test_word_is_explained(word: str) -> None:
    assert word in TABLE


def test_ends_of_requests_are_named() -> None:
    assert [end for end in FINAL_ENDS if f"`{end}`" not in TABLE["outcome"]] == []


def test_words_stand_once_in_order_and_are_explained_shortly() -> None:
    words = [row[0].strip("*") for row in rows(PAGE, "| word | meaning |")]
    assert words == sorted(set(words), key=str.lower)
    assert [word for word, meaning in TABLE.items() if not 20 < len(meaning) < 140] == []
