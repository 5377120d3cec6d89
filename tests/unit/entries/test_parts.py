import dataclasses
import hashlib
import json
from typing import cast

import pytest

from consentgate.canonical import b64, unb64
from consentgate.entries.leaf import leaf_of
from consentgate.entries.parts import PartRef, SealedPart, join_parts, open_part, seal_part, split_parts
from consentgate.errors import InvalidInput, KeyMismatch, Malformed
from consentgate.moment import parse_uuid
from tests.tools.golden_leaves import CONTENT, DATA_KEY, GOLDEN, LANE, draft, entry_id, part

ENTRY = entry_id(1)
SEALED = seal_part(ENTRY, "decision.0", b"{}", DATA_KEY, bytes)
REF = PartRef(p="decision.0", d=hashlib.sha256(SEALED.jwe.encode()).digest(), t=SEALED.tag)


def test_golden_part_is_met_and_opens() -> None:
    golden = json.loads((GOLDEN / "part.json").read_bytes())
    assert part() == golden
    ref = PartRef(p=golden["name"], d=unb64(golden["digest"]), t=unb64(golden["tag"]))
    opened = open_part(parse_uuid(golden["entry"]), ref, golden["token"], unb64(golden["data_key"]))
    assert opened == CONTENT == golden["content"].encode()


def test_parts_of_a_leaf_open_in_its_order() -> None:
    entry = draft("intent", 7)
    leaf = leaf_of(entry, w=LANE, n=0)
    tokens = {each.name: each.jwe for each in entry.parts}
    stored = join_parts(tuple(tokens[each.p] for each in leaf.parts))
    for ref, token in zip(leaf.parts, split_parts(stored), strict=True):
        assert open_part(leaf.id, ref, token, DATA_KEY) == CONTENT


def test_another_key_entry_or_name_is_refused() -> None:
    with pytest.raises(KeyMismatch):
        open_part(ENTRY, REF, SEALED.jwe, bytes(32))
    with pytest.raises(KeyMismatch):
        open_part(entry_id(2), REF, SEALED.jwe, DATA_KEY)
    with pytest.raises(KeyMismatch):
        open_part(ENTRY, dataclasses.replace(REF, p="decision.1"), SEALED.jwe, DATA_KEY)


def test_token_of_another_key_under_our_tag_is_refused() -> None:
    foreign = seal_part(ENTRY, "decision.0", b"{}", bytes(32), bytes)
    ref = PartRef(p="decision.0", d=hashlib.sha256(foreign.jwe.encode()).digest(), t=SEALED.tag)
    with pytest.raises(KeyMismatch):
        open_part(ENTRY, ref, foreign.jwe, DATA_KEY)


def test_changed_token_is_refused_by_its_digest() -> None:
    for token in (SEALED.jwe + "A", SEALED.jwe[:-1] + "\ud800", "", cast("str", None)):
        with pytest.raises(Malformed):
            open_part(ENTRY, REF, token, DATA_KEY)


def test_one_content_sealed_for_two_people_has_nothing_in_common() -> None:
    first = seal_part(ENTRY, "decision.0", CONTENT, DATA_KEY, bytes)
    second = seal_part(ENTRY, "decision.1", CONTENT, DATA_KEY, bytes)
    third = seal_part(entry_id(2), "decision.0", CONTENT, DATA_KEY, bytes)
    assert len({each.jwe for each in (first, second, third)}) == 3
    assert len({each.tag for each in (first, second, third)}) == 3


def test_impossible_parts_cannot_be_built() -> None:
    with pytest.raises(InvalidInput):
        seal_part(ENTRY, "reason.0", b"{}", DATA_KEY, bytes)
    with pytest.raises(InvalidInput):
        SealedPart(name="body.0", jwe="", tag=b"")


def test_stored_form_is_one_token_a_line() -> None:
    assert join_parts(()) == ""
    assert split_parts("") == ()
    assert split_parts(join_parts(("a", "b"))) == ("a", "b")
    with pytest.raises(Malformed):
        split_parts(cast("str", b""))
    assert b64(SEALED.tag) not in SEALED.jwe
