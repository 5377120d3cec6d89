import json
from datetime import date
from hashlib import sha256

import pytest

from consentgate.errors import PackInvalid
from consentgate.packs.packset import PackSet
from tests.unit.packs.texts import pack_set, pack_text, set_of

DAY = date(2026, 11, 22)


def test_lookup_drops_the_last_part_until_a_pack_is_found() -> None:
    packs = pack_set(pack_text("US"), pack_text("US-NY"))
    found = [packs.lookup(code) for code in ("US-NY", "US-NY-NYC", "US-WY", "US", "XX", "XX-YY", "", "-")]
    assert found == ["US-NY", "US-NY", "US", "US", None, None, None, None]


def test_the_stack_pulls_in_parents_and_groups_transitively_once() -> None:
    packs = pack_set(
        pack_text("FR", parents=("EU",), groups=("EU", "EEA")),
        pack_text("EEA", kind="group", parents=("EU",)),
        pack_text("EU", kind="group"),
        pack_text("US"),
    )
    assert [each.pack.code for each in packs.stack("FR", DAY)] == ["FR", "EU", "EEA"]


def test_a_pack_without_a_version_in_force_adds_nothing() -> None:
    packs = pack_set(pack_text("FR", since="2030-01-01", parents=("EU",)), pack_text("EU", kind="group"))
    assert [each.pack.code for each in packs.stack("FR", DAY)] == ["EU"]


def test_a_circle_of_parents_ends() -> None:
    packs = pack_set(pack_text("AA", parents=("BB",)), pack_text("BB", parents=("AA",)))
    assert [each.pack.code for each in packs.stack("AA", DAY)] == ["AA", "BB"]


def test_a_parent_that_is_not_in_the_set_is_refused() -> None:
    with pytest.raises(PackInvalid, match="US: no such pack"):
        pack_set(pack_text("US-IL", parents=("US",))).stack("US-IL", DAY)


def test_packs_are_read_lazily_and_once() -> None:
    data = pack_text("US").encode()
    reads: list[str] = []
    index = {
        "format": 1,
        "packs": {c: {"file": f"{c}.toml", "sha256": sha256(data).hexdigest()} for c in ("US", "TX")},
    }

    def read(file: str) -> bytes:
        reads.append(file)
        return data

    packs = PackSet(json.dumps(index).encode(), read)
    assert (packs.codes, reads) == (("TX", "US"), [])
    assert packs.pack("US") is packs.pack("US")
    assert reads == ["US.toml"]
    with pytest.raises(PackInvalid, match=r"TX\.toml: code"):
        packs.pack("TX")


def test_the_digest_is_that_of_the_canonical_index() -> None:
    files = {"US": pack_text("US").encode(), "FR": pack_text("FR").encode()}
    packs = set_of(files)
    assert packs.digest == sha256(packs.index).digest()
    loose = json.dumps(json.loads(packs.index), indent=3, sort_keys=False).encode()
    assert PackSet(loose, lambda _: b"").digest == packs.digest
    assert set_of({**files, "US": files["US"] + b"\n"}).digest != packs.digest
    assert packs.files() == files


def test_an_altered_or_missing_file_is_refused() -> None:
    packs = set_of({"US": pack_text("US").encode()})
    altered = PackSet(packs.index, lambda _: b"format = 1")
    nothing: dict[str, bytes] = {}
    missing = PackSet(packs.index, lambda file: nothing[file])
    for each in (altered, missing):
        with pytest.raises(PackInvalid, match=r"x/US\.toml"):
            each.pack("US")
        with pytest.raises(PackInvalid, match=r"x/US\.toml"):
            each.files()


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"[]",
        b'{"format": 1}',
        b'{"format": 2, "packs": {"US": {"file": "a", "sha256": "b"}}}',
        b'{"format": 1, "packs": {}}',
        b'{"format": 1, "packs": {"US": "a"}}',
        b'{"format": 1, "packs": {"US": {"file": "a"}}}',
        b'{"format": 1, "packs": {"US": {"file": "a", "sha256": 1}}}',
        b'{"format": 1, "packs": {"US": {"file": "a", "sha256": "00"}}}',
        b'{"format": 1, "packs": {"US": {"file": "../a", "sha256": "' + b"0" * 64 + b'"}}}',
        b'{"format": 1, "packs": {"US": {"file": "/a", "sha256": "' + b"0" * 64 + b'"}}}',
    ],
)
def test_a_bad_index_is_refused(index: bytes) -> None:
    with pytest.raises(PackInvalid, match=r"index\.json"):
        PackSet(index, lambda _: b"")
