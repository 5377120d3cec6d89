"""Telling values, every way in which they may be written, and every place in which they may show."""

import base64
import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from consentgate import ConsentGateError, Evidence, Speaker
from tests.functional.gate.conftest import World

PHONE: Final = "+13129284756"
CUSTOMER: Final = "canary-customer-7f3a9b1c"
TRANSACTION: Final = "canary-transaction-4c1d88e2"
OTHER_CALL: Final = "canary-transaction-nobody-registered"
PROFILE: Final = "vp-canary-5d2e8f"
SCORE: Final = 0.7391846523
PLAIN: Final = (PHONE, CUSTOMER, TRANSACTION, OTHER_CALL, PROFILE, repr(SCORE))
THEIRS: Final = ("botocore", "boto3", "urllib3")


def spellings(value: bytes) -> set[bytes]:
    """How a value may be written: as it is, in hex, in UTF-16, and in base64 wherever it begins."""
    found = {value, value.hex().encode(), value.hex().upper().encode()}
    if value.isascii():
        found.add(value.decode().encode("utf-16-le"))
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + value)
        inner = whole[4 if shift else 0 : len(whole) - 4]
        if len(inner) >= 12:
            found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


@dataclass
class Canaries:
    """What must not show."""

    spelled: dict[str, set[bytes]] = field(default_factory=dict)

    def add(self, name: str, value: bytes) -> None:
        """Add a value that chance does not make."""
        assert len(value) >= 12, name
        self.spelled[name] = spellings(value)

    def add_token(self, name: str, token: str) -> None:
        """Add stretches of a token: of its payload from the middle, for all payloads begin alike."""
        _, payload, signature = token.split(".")
        middle = len(payload) // 2
        self.add(f"{name}, payload", payload[middle - 20 : middle + 20].encode())
        self.add(f"{name}, signature", signature[:40].encode())

    def shown(self, data: bytes | str) -> list[str]:
        """Give the names of those that stand in some bytes."""
        seen = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        return [name for name, written in self.spelled.items() if any(each in seen for each in written)]


class Listening(logging.Handler):
    """Keeps what is logged, with its arguments."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(THEIRS):
            self.heard.append(f"{record.name} {self.format(record)} {record.args!r}")


@dataclass
class Life:
    """A deployment in which everything happened, and what came of it."""

    world: World
    canaries: Canaries = field(default_factory=Canaries)
    errors: list[BaseException] = field(default_factory=list)
    given: list[object] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def fails(self, act: Callable[[], object], *kinds: type[ConsentGateError]) -> None:
        """Do what fails, and keep the failure."""
        with pytest.raises(kinds or (ConsentGateError,)) as raised:
            act()
        self.errors.append(raised.value)


def person() -> Speaker:
    """The caller."""
    evidence = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    return Speaker([("customer", CUSTOMER), ("phone", PHONE)], [evidence], adult=True)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error with everything that led to it."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in seen:
            seen.append(each)
            waiting += [each.__cause__, each.__context__]
            yield each


def reachable(roots: list[object]) -> Iterator[object]:
    """Every object of ours that hangs on these."""
    seen: dict[int, object] = {}
    waiting = list(roots)
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, (str, bytes, int, float, type(None), type)):
            continue
        seen[id(each)] = each
        if isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple, set, frozenset)):
            waiting += each
        elif type(each).__module__.startswith("consentgate"):
            yield each
            slots = {name for base in type(each).__mro__ for name in getattr(base, "__slots__", ())}
            waiting += [
                getattr(each, name)
                for name in {*slots, *getattr(each, "__dict__", {})}
                if hasattr(each, name)
            ]


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else str(value).encode()


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let a second pass whenever the gate looks how long it has tried to record something."""
    seconds = itertools.count()
    hurried = SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda _seconds: None)
    patch.setattr("consentgate.gate.finish.time", hurried)
