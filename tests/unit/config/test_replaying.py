"""A stored decision that does not name what it read in a form that can be read is malformed."""

from collections.abc import Callable, Mapping

import pytest

from consentgate.canonical import Json
from consentgate.config import replaying
from consentgate.errors import Malformed

Reader = Callable[[Mapping[str, Json]], object]


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (lambda content: replaying._list(content, "statements"), {}),
        (lambda content: replaying._list(content, "statements"), {"statements": "x"}),
        (lambda content: replaying._digest(content, "packs"), {"packs": 7}),
        (lambda content: replaying._digest(content, "packs"), {"packs": "!"}),
        (lambda content: replaying._entry_id(content["id"]), {"id": 7}),
        (lambda content: replaying._entry_id(content["id"]), {"id": "x"}),
        (replaying._references, {"references": ["x"]}),
        (replaying._references, {"references": [{"kind": "customer"}]}),
    ],
)
def test_other_forms_are_malformed(read: Reader, content: Mapping[str, Json]) -> None:
    with pytest.raises(Malformed):
        read(content)
