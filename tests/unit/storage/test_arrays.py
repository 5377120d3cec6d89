"""Arrays as PostgreSQL reads them; tests/integration has it read them."""

import pytest

from consentgate.storage.arrays import numbers, octets, words


def test_numbers_are_written_as_they_are() -> None:
    assert numbers([]) == "{}"
    assert numbers([-(2**63), 0, 2**63 - 1]) == "{-9223372036854775808,0,9223372036854775807}"


def test_bytes_are_written_as_digits() -> None:
    assert octets([]) == "{}"
    assert octets([b"", b'\x00\\"{},']) == '{"\\\\x","\\\\x005c227b7d2c"}'


def test_words_are_written_as_they_are_and_nothing_else_is() -> None:
    assert words([]) == "{}"
    assert words(("call", "writer_stop")) == "{call,writer_stop}"
    for bad in ("", "null", "NULL", "a,b", 'a"', "a b", "ä"):
        with pytest.raises(ValueError, match="small letters"):
            words(["call", bad])
