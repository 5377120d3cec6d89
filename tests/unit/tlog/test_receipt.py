"""Receipts in the form of C2SP tlog-proof, and entry bundles."""

from dataclasses import replace

import pytest

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog import bundle
from consentgate.tlog.receipt import LIMIT, Receipt, decode, encode

RECEIPT = Receipt(index=5, hashes=(b"a" * 32, b"b" * 32), note="log\n6\nroot\n\n— log c2ln\n", extra=b"leaf")


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT,
        replace(RECEIPT, extra=None),
        replace(RECEIPT, hashes=()),
        replace(RECEIPT, extra=b""),
        replace(RECEIPT, index=0),
    ],
)
def test_receipt_reads_back(receipt: Receipt) -> None:
    assert decode(encode(receipt).encode()) == receipt


def test_receipt_has_the_lines_of_the_format() -> None:
    assert encode(RECEIPT).split("\n")[:6] == [
        "c2sp.org/tlog-proof@v1",
        "extra bGVhZg==",
        "index 5",
        "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=",
        "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=",
        "",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\nindex 5",
        "c2sp.org/tlog-proof@v2\nindex 5\n\nnote\n",
        "c2sp.org/tlog-proof@v1\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 05\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nnote\n",
        f"c2sp.org/tlog-proof@v1\nindex {2**63 - 1}\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 5\n\n",
        "c2sp.org/tlog-proof@v1\nindex 5\nYWFh\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 5\nextra YQ==\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nextra YQ=\nindex 5\n\nnote\n",
        "c2sp.org/tlog-proof@v1\nindex 5\n"
        + "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n" * 64
        + "\nnote\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode(text.encode())


@pytest.mark.parametrize("data", [b"\xff", b"x" * (LIMIT + 1)])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize(
    ("field", "value"), [("index", -1), ("hashes", (b"short",)), ("hashes", (b"a" * 32,) * 64), ("note", "")]
)
def test_a_receipt_that_cannot_be_is_not_made(field: str, value: object) -> None:
    with pytest.raises(InvalidInput):
        Receipt(**{"index": 0, "hashes": (), "note": "note\n", field: value})  # type: ignore[arg-type]  # wrong on purpose


def test_bundle_reads_back() -> None:
    entries = (b"", b"x" * 0xFFFF, *(bytes([n]) for n in range(200)))
    assert bundle.decode(bundle.encode(entries)) == entries
    assert bundle.bundle_path(256, 3) == "tile/entries/256.p/3"


@pytest.mark.parametrize("data", [b"\0", b"\0\2a", bundle.encode([b"a"] * 257)])
def test_broken_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        bundle.decode(data)


def test_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(InvalidInput):
        bundle.encode([b"x" * 0x10000])
