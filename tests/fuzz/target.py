"""A decoder under test: valid samples, what may leave it, and what it must give back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from consentgate import canonical
from consentgate.errors import Malformed

ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests" / "golden"
KEY: Final = bytes(range(32))
ENTRY: Final = UUID("019aab00-0000-7000-8000-000000000000")
AT: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
Errors = tuple[type[Exception], ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One decoder.

    Attributes:
        name: dotted name below `consentgate`, as the register of decoders has it.
        decode: takes the bytes of an input.
        samples: valid inputs.
        errors: what its docstring says that it raises.
        encode: gives back the input of what was decoded, where there is only one spelling.
    """

    name: str
    decode: Callable[[bytes], Any]
    samples: Sequence[bytes]
    errors: Errors = (Malformed,)
    encode: Callable[[Any], bytes] | None = None


@dataclass(frozen=True)
class InMemory:
    """Stands for the path of a file that holds some bytes."""

    data: bytes

    def open(self, _mode: str) -> BytesIO:
        return BytesIO(self.data)

    def __str__(self) -> str:
        return "given"


def of_file(read: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """For what takes the path of a file."""
    return lambda data: read(InMemory(data))


def golden(*names: str) -> list[bytes]:
    return [(GOLDEN / name).read_bytes() for name in names]


def in_bytes(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


def as_text(data: bytes) -> str:
    # Lone surrogates too: a JSON text can bring them.
    return data.decode("utf-8", "surrogateescape")


def of_text(decode: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: decode(as_text(data))


def of_json(decode: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    return lambda data: decode(canonical.decode(data, floats=True))


def of_object(decode: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """For what takes the members of an object: whoever calls it has made sure of that."""

    def decoded(data: bytes) -> Any:
        value = canonical.decode(data, floats=True)
        if not isinstance(value, dict):
            raise Malformed
        return decode(value)

    return decoded


def in_json(*values: Any) -> list[bytes]:
    return [json.dumps(value, sort_keys=True, separators=(",", ":")).encode() for value in values]


STATEMENTS: Final = golden(
    "statements/given.jwt", "statements/refused.jwt", "statements/withdrawn.jwt", "statements/given.es256.jwt"
)
JWKS: Final = json.loads((GOLDEN / "statements/jwks.json").read_bytes())["keys"]
LEAVES: Final = [path.read_bytes() for path in sorted((GOLDEN / "leaves").glob("*.json"))]
