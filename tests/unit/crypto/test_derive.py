import hashlib
import hmac
from uuid import UUID

import pytest

from consentgate.crypto.derive import part_key, reference_hmac, tag, tag_key
from consentgate.errors import InvalidInput

ENTRY = UUID("019abcde-0000-7000-8000-000000000001")
DATA_KEY = bytes(range(32))


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 for one block of output."""
    extracted = hmac.digest(salt or bytes(32), key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def test_derivations_are_the_standard_ones() -> None:
    assert part_key(DATA_KEY, ENTRY, "decision.0") == hkdf(
        DATA_KEY, ENTRY.bytes, b"consentgate part v1 decision.0"
    )
    key = tag_key(DATA_KEY)
    assert key == hkdf(DATA_KEY, b"", b"consentgate tag v1")
    assert tag(key, ENTRY, "decision.0") == hmac.digest(key, ENTRY.bytes + b"decision.0", hashlib.sha256)[:16]
    expected = hmac.digest(DATA_KEY, '["t","customer","Zoë"]'.encode(), hashlib.sha256)
    assert reference_hmac(DATA_KEY, "t", "customer", "Zoë") == expected


def test_every_input_changes_the_result() -> None:
    other = UUID("019abcde-0000-7000-8000-000000000002")
    changed = {
        part_key(DATA_KEY, ENTRY, "decision.0"),
        part_key(bytes(32), ENTRY, "decision.0"),
        part_key(DATA_KEY, other, "decision.0"),
        part_key(DATA_KEY, ENTRY, "decision.1"),
        tag_key(DATA_KEY),
        tag_key(bytes(32)),
    }
    assert len(changed) == 6
    key = tag_key(DATA_KEY)
    assert len({tag(key, ENTRY, "a.0"), tag(key, other, "a.0"), tag(key, ENTRY, "a.1")}) == 3
    assert (
        len({reference_hmac(DATA_KEY, *each) for each in (("a", "b", "c"), ("a", "bc", ""), ("ab", "", "c"))})
        == 3
    )


def test_other_inputs_are_refused() -> None:
    for bad in (b"", bytes(31), bytes(33)):
        with pytest.raises(InvalidInput):
            part_key(bad, ENTRY, "body.0")
        with pytest.raises(InvalidInput):
            tag_key(bad)
        with pytest.raises(InvalidInput):
            tag(bad, ENTRY, "body.0")
        with pytest.raises(InvalidInput):
            reference_hmac(bad, "t", "k", "v")
    with pytest.raises(InvalidInput):
        part_key(DATA_KEY, ENTRY, "bödy.0")
    with pytest.raises(InvalidInput):
        tag(DATA_KEY, ENTRY, "bödy.0")
    with pytest.raises(InvalidInput):
        reference_hmac(DATA_KEY, "t", "k", "\ud800")
