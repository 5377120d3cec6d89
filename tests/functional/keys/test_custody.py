import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWKSet  # type: ignore[import-untyped]  # it ships no types

from consentgate.canonical import b64
from consentgate.crypto.jwk import oct_thumbprint
from consentgate.errors import InvalidInput, Malformed, Misconfigured, Unavailable
from consentgate.keys import custody
from consentgate.keys.custody import Custody, KeyFile
from consentgate.moment import system_random

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def edited(path: Path, edit: Callable[[list[dict[str, Any]]], object]) -> None:
    document = json.loads(path.read_text())
    edit(document["keys"])
    path.write_text(json.dumps(document))


def test_wrapped_key_opens_in_another_process(path: Path) -> None:
    made: Custody = KeyFile.create(path, system_random)
    wrapped = made.wrap(KEY)
    assert len(wrapped.wrapped) == 40
    again: Custody = KeyFile.read(path)
    assert again.unwrap(wrapped.wrapping_key, wrapped.wrapped) == KEY
    assert again.unwrap(wrapped.wrapping_key, wrapped.wrapped) == KEY
    assert again.reference_keys() == made.reference_keys()
    assert again.lock_key() == made.lock_key()
    assert list(again.reference_keys()) == [0]
    assert len({again.lock_key(), again.reference_keys()[0], KEY}) == 3


def test_file_is_a_key_set_that_other_tools_read(path: Path) -> None:
    KeyFile.create(path, system_random)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = list(JWKSet.from_json(path.read_text())["keys"])
    assert {key.get("use") for key in found} == {"wrap", "reference", "lock"}
    assert all(key.thumbprint() == key.get("kid") for key in found)
    with pytest.raises(Misconfigured, match="already"):
        KeyFile.create(path, system_random)


def test_nothing_shows_a_key(path: Path) -> None:
    made = KeyFile.create(path, system_random)
    wrapped = made.wrap(KEY)
    secrets = [key["k"] for key in json.loads(path.read_text())["keys"]]
    shown = repr(made) + repr(wrapped) + repr(made._keys)
    assert not any(secret in shown for secret in secrets)
    assert repr(made.lock_key()) not in shown
    assert repr(wrapped.wrapped) not in shown


def test_newest_wrapping_key_wraps_and_old_ones_still_open(path: Path) -> None:
    old = KeyFile.create(path, system_random).wrap(KEY)
    key = system_random(32)
    text = b64(key)
    member = {"kty": "oct", "k": text, "kid": oct_thumbprint(key), "alg": "A256KW", "use": "wrap", "epoch": 1}
    edited(path, lambda keys: keys.insert(0, member))
    again = KeyFile.read(path)
    assert again.wrap(KEY).wrapping_key == oct_thumbprint(key)
    assert again.unwrap(old.wrapping_key, old.wrapped) == KEY


def test_foreign_and_changed_keys_are_told_apart(path: Path, tmp_path: Path) -> None:
    mine, other = KeyFile.create(path, system_random), KeyFile.create(tmp_path / "other", system_random)
    wrapped = mine.wrap(KEY)
    with pytest.raises(Unavailable, match="another deployment"):
        other.unwrap(wrapped.wrapping_key, wrapped.wrapped)
    for changed in (wrapped.wrapped[:-1] + b"?", b"", wrapped.wrapped[:16]):
        with pytest.raises(Malformed):
            mine.unwrap(wrapped.wrapping_key, changed)
    with pytest.raises(InvalidInput):
        mine.wrap(b"short")


def test_wrapped_bytes_that_are_no_data_key_are_refused(path: Path) -> None:
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    made = KeyFile.create(path, system_random)
    (name, key), *_ = made._keys.wrap.items()
    with pytest.raises(Malformed, match="not a data key"):
        made.unwrap(name, aes_key_wrap(key, bytes(16)))


def test_cache_is_bounded_and_can_be_emptied(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custody, "_CACHED", 2)
    made = KeyFile.create(path, system_random)
    wrapped = [made.wrap(system_random(32)) for _ in range(3)]
    for each in (*wrapped[:2], wrapped[0], wrapped[2]):
        made.unwrap(each.wrapping_key, each.wrapped)
    assert {name for _, name in made._unwrapped} == {wrapped[0].wrapped, wrapped[2].wrapped}
    made.forget()
    assert not made._unwrapped


@pytest.mark.parametrize(
    "edit",
    [
        lambda keys: keys.clear(),
        lambda keys: keys.pop(0),
        lambda keys: keys.pop(1),
        lambda keys: keys.pop(2),
        lambda keys: keys.append(keys[0]),
        lambda keys: keys.append("text"),
        lambda keys: keys[0].update(k="AAAA"),
        lambda keys: keys[0].update(k=1),
        lambda keys: keys[0].update(k="!"),
        lambda keys: keys[0].update(kid=keys[1]["kid"]),
        lambda keys: keys[0].update(alg="HS256"),
        lambda keys: keys[0].update(kty="RSA"),
        lambda keys: keys[0].update(use="sig"),
        lambda keys: keys[0].update(use=1),
        lambda keys: keys[0].update(epoch=-1),
        lambda keys: keys[0].update(epoch=True),
        lambda keys: keys[0].update(extra=1),
        lambda keys: keys[2].update(epoch=1),
    ],
)
def test_file_that_is_no_key_file_is_refused_without_showing_it(
    path: Path, edit: Callable[[list[dict[str, Any]]], object]
) -> None:
    KeyFile.create(path, system_random)
    secrets = [key["k"] for key in json.loads(path.read_text())["keys"]]
    edited(path, edit)
    with pytest.raises(Malformed) as caught:
        KeyFile.read(path)
    assert not any(secret in str(caught.value) for secret in secrets)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keys": 1}'])
def test_other_json_is_no_key_file(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(Malformed):
        KeyFile.read(path)
