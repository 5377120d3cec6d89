"""Envelopes: sealed under custody's key, each under one of its own."""

import json
from pathlib import Path

import pytest

from consentgate import canonical
from consentgate.crypto import jwe
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.keys.custody import KeyFile
from consentgate.keys.envelope import Envelopes
from consentgate.moment import system_random


@pytest.fixture
def custody(tmp_path: Path) -> KeyFile:
    return KeyFile.create(tmp_path / "keys.jwks", system_random)


@pytest.fixture
def envelopes(custody: KeyFile) -> Envelopes:
    return Envelopes(custody, system_random)


def test_what_was_sealed_comes_back_and_no_two_are_alike(envelopes: Envelopes) -> None:
    one, other = envelopes.seal(b"the answer"), envelopes.seal(b"the answer")
    assert envelopes.open(one) == envelopes.open(other) == b"the answer"
    assert {*json.loads(one).values()} & {*json.loads(other).values()} == {1, json.loads(one)["kid"]}


def test_envelope_is_made_of_standard_pieces(envelopes: Envelopes, custody: KeyFile) -> None:
    members = json.loads(envelopes.seal(b"the answer"))
    key = custody.unwrap(members["kid"], canonical.unb64(members["key"]))
    assert jwe.open_sealed(members["jwe"], key=key) == b"the answer"


def test_other_custody_does_not_open_it(envelopes: Envelopes, tmp_path: Path) -> None:
    other = Envelopes(KeyFile.create(tmp_path / "other.jwks", system_random), system_random)
    with pytest.raises(Unavailable):
        other.open(envelopes.seal(b"the answer"))


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"v": "1"}, {"kid": 7}, {"key": None}, {"jwe": []}, {"more": "x"}, {"key": "AA"}]
)
def test_other_envelopes_are_refused(envelopes: Envelopes, change: dict[str, object]) -> None:
    members = {**json.loads(envelopes.seal(b"the answer")), **change}
    with pytest.raises(Malformed):
        envelopes.open(json.dumps(members))


@pytest.mark.parametrize("text", ["", "[]", "{}", "\ud800", "not JSON"])
def test_what_is_no_envelope_is_refused(envelopes: Envelopes, text: str) -> None:
    with pytest.raises(Malformed):
        envelopes.open(text)


def test_too_much_is_refused(envelopes: Envelopes) -> None:
    with pytest.raises(InvalidInput):
        envelopes.seal(bytes(jwe.TOKEN_LIMIT // 2 + 1))
