"""The program that every package carries: what it reads of a package, by the names that it has there."""

import json
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from consentgate import canonical
from consentgate.consent.statement import TYP
from consentgate.crypto import derive
from consentgate.export import verifier
from tests.fuzz.register import PROGRAM
from tests.fuzz.target import ENTRY, GOLDEN, JWKS, LEAVES, STATEMENTS, Target, in_bytes, in_json
from tests.package.forge import ENTRIES, READABLE
from tests.package.tiny import tiny


def _loaded() -> ModuleType:
    spec = util.spec_from_file_location(PROGRAM, Path(str(verifier.__path__[0])) / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_VERIFY: Final = _loaded()
_FILES: Final = tiny().files
_ISSUER: Final = _VERIFY.read_jwk(JWKS[0])
_NOTE: Final = (GOLDEN / "checkpoint.txt").read_bytes()
_PART: Final = json.loads((GOLDEN / "part.json").read_bytes())
_PART_KEY: Final = derive.part_key(canonical.unb64(_PART["data_key"]), ENTRY, _PART["name"])
_LINES: Final = [_FILES[path].splitlines(keepends=True)[0] for path in (ENTRIES, READABLE)]


def _target(name: str, samples: Sequence[bytes], decode: Callable[[Any], Callable[[bytes], Any]]) -> Target:
    """A target of the function of this name, which `decode` is given; each ValueError is a finding to its levels."""
    function = getattr(_VERIFY, name)
    return Target(name=f"{PROGRAM}.{name}", decode=decode(function), samples=samples, errors=(ValueError,))


def _of_text(read: Callable[[str], Any]) -> Callable[[bytes], Any]:
    # Its reading of JSON lets no lone surrogate through.
    return lambda data: read(data.decode("utf-8", "replace"))


def _of_object(read: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    return lambda data: read(_VERIFY.read_json(data, canonical=False))


VERIFIER: Final[Sequence[Target]] = (
    _target("read_json", [_FILES["manifest.json"], *LEAVES[:3]], lambda read: read),
    _target("read_line", _LINES, lambda read: read),
    _target("read_leaf", LEAVES, lambda read: read),
    _target("read_jwk", in_json(*JWKS), _of_object),
    _target(
        "read_jws",
        [token.strip() for token in STATEMENTS],
        lambda read: _of_text(lambda text: read(text, TYP, 1 << 16)),
    ),
    _target(
        "verify_jws",
        [STATEMENTS[0].strip()],
        lambda verify: _of_text(lambda text: verify(_VERIFY.read_jws(text, TYP, 1 << 16), _ISSUER)),
    ),
    _target(
        "open_part",
        in_bytes(_PART["token"]),
        lambda read: _of_text(lambda text: read(text, _PART_KEY)),
    ),
    _target("read_note", [_NOTE], lambda read: read),
    _target("read_checkpoint", [_NOTE], lambda read: read),
    _target(
        "read_vkey",
        [(GOLDEN / "log.vkey").read_bytes().strip()],
        lambda read: _of_text(lambda text: read(text, 1)),
    ),
    _target("read_policy", [(GOLDEN / "witnessed" / "policy.txt").read_bytes()], lambda read: read),
    _target("unb64", in_bytes("", "AA", "SGVsbG8"), _of_text),
    _target("time", in_bytes("2026-11-22T12:00:00.000Z"), _of_text),
)
