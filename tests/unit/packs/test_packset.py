import json
from datetime import date
from hashlib import sha256

import pytest

from consentgate.errors import PackInvalid
from consentgate.packs.packset import PackSet, kept
from tests.unit.packs.texts import pack_set, pack_text, set_of

DAY = date(2026, 11, 22)


def test_lookup_drops_the_last_part_until_a_pack_is_found() -> None:
    packs = pack_set(pack_text("US"), pack_text("US-NY"))
    found = [packs.lookup(code) for code in ("US-NY", "US-NY-NYC", "US-WY", "US", "XX", "XX-YY", "", "-")]
    assert found == ["US-NY", "US-NY", "US", "US", None, None, None, None]


@pytest.mark.parametrize(
    "code", ["US-il", "us-IL", "US-", "US--IL", "US_IL", "US-I L", "US-IL\n", "US-A-B-C-D"]
)
def test_no_wider_law_answers_for_what_is_no_code(code: str) -> None:
    assert pack_set(pack_text("US"), pack_text("US-I")).lookup(code) is None


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


def test_a_circle_of_parents_is_refused_wherever_one_enters_it() -> None:
    packs = pack_set(
        pack_text("AA", parents=("BB",)),
        pack_text("BB", parents=("CC",)),
        pack_text("CC", groups=("BB",)),
        pack_text("DD"),
    )
    for code in ("AA", "BB", "CC"):
        with pytest.raises(
            PackInvalid, match=r"^x/(AA|BB)\.toml: parents: (AA, )?BB, CC stand above each other; take"
        ):
            packs.stack(code, DAY)
    assert [each.pack.code for each in packs.stack("DD", DAY)] == ["DD"]


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
    assert packs.files() == {f"x/{code}.toml": data for code, data in files.items()}
    again = PackSet(packs.index, packs.files().__getitem__)
    assert (again.digest, again.pack("FR")) == (packs.digest, packs.pack("FR"))


def test_a_set_that_was_kept_is_opened_again_from_its_digests() -> None:
    files = {"US": pack_text("US").encode(), "FR": pack_text("FR").encode()}
    packs = set_of(files)
    stored = {sha256(data).digest(): data for data in (files["US"], packs.index)}
    again = kept(stored[packs.digest], stored.get)
    assert again.digest == packs.digest
    assert again.pack("US") == packs.pack("US")
    with pytest.raises(PackInvalid, match=r"x/FR\.toml: .* cannot be read; restore it"):
        again.pack("FR")


def test_the_version_is_part_of_the_digest() -> None:
    index = json.loads(pack_set(pack_text("US")).index)
    digests = set()
    for version in ({}, {"version": "2026.11.22"}, {"version": "2026.11.22.1"}):
        packs = PackSet(json.dumps(index | version).encode(), lambda _: b"")
        assert packs.version == version.get("version")
        digests.add(packs.digest)
    assert len(digests) == 3


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


FILE = {"file": "a.toml", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (b"", "the whole file: correct the JSON"),
        (b'{"format": 1, "format": 1}', "the whole file: correct the JSON"),
        (b"\xff", "the whole file: correct the JSON"),
        (b'{"packs": ' + b"[" * 5000, "the whole file: correct the JSON"),
        (b" " * (1 << 20) + b"{}", "the whole file: correct the JSON"),
        ([], "the whole file: write {"),
        ({"format": 1}, "the whole file: write {"),
        ({"format": 1, "packs": {"US": FILE}, "signature": ""}, "the whole file: write {"),
        ({"format": 2, "packs": {"US": FILE}}, "format: write 1"),
        ({"format": True, "packs": {"US": FILE}}, "format: write 1"),
        ({"format": 1, "packs": {}}, "packs: write a table"),
        ({"format": 1, "packs": {"\u00dc": FILE}}, "packs: write codes in ASCII"),
        ({"format": 1, "packs": {"US": "a"}}, "packs.US: write file and sha256"),
        ({"format": 1, "packs": {"US": {"file": "a"}}}, "packs.US: write file and sha256"),
        ({"format": 1, "packs": {"US": FILE | {"sha256": 1}}}, "packs.US: write the file's name"),
        ({"format": 1, "packs": {"US": FILE | {"sha256": "00"}}}, "packs.US: write the file's name"),
        ({"format": 1, "packs": {"US": FILE | {"sha256": "G" * 64}}}, "packs.US: write the file's name"),
        ({"format": 1, "packs": {"US": FILE | {"file": "../a"}}}, "packs.US.file: write a path inside"),
        ({"format": 1, "packs": {"US": FILE | {"file": "a/./b"}}}, "packs.US.file: write a path inside"),
        ({"format": 1, "packs": {"US": FILE | {"file": "/a"}}}, "packs.US.file: write a path inside"),
        ({"format": 1, "packs": {"US": FILE | {"file": "c:a"}}}, "packs.US.file: write a path inside"),
        ({"format": 1, "packs": {"US": FILE | {"file": "a\\b"}}}, "packs.US.file: write a path inside"),
        ({"format": 1, "packs": {"US": FILE | {"file": "a\n"}}}, "packs.US.file: write a path inside"),
        ({"format": 1, "packs": {"US": FILE | {"overlay": None}}}, "packs.US.overlay: write file and sha256"),
        ({"format": 1, "packs": {"US": FILE | {"overlay": FILE}}}, "packs: name each file only once"),
        ({"format": 1, "packs": {"US": FILE, "FR": FILE}}, "packs: name each file only once"),
        ({"format": 1, "packs": {"US": FILE}, "version": None}, "version: write a version"),
        ({"format": 1, "packs": {"US": FILE}, "version": "1.0"}, "version: write a version"),
        ({"format": 1, "packs": {"US": FILE}, "base": "ab"}, "base: write the digest"),
    ],
)
def test_a_bad_index_is_refused(index: object, says: str) -> None:
    data = index if isinstance(index, bytes) else json.dumps(index).encode()
    with pytest.raises(PackInvalid) as refused:
        PackSet(data, lambda _: b"")
    assert str(refused.value).startswith(f"index.json: {says}")
