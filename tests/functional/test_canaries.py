"""Personal data and secrets with telling values, through a whole life: they show nowhere in clear.

Looked at: what loggers say at DEBUG, warnings, standard output and error, every failure (text, representation,
traceback, pickle), the representation of every object of ours that can be reached, every table, and every file of the
home folder but the key files. botocore, boto3 and urllib3 log requests and answers in full at DEBUG; that is theirs,
so their loggers are left out. What is handed to the caller by design is left out too: the vendor's answer.
"""

import base64
import contextlib
import itertools
import json
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import inspect, text

from consentgate import ConsentDenied, ConsentGate, ConsentGateError, ConsentWithdrawn, Evidence, Speaker
from consentgate.cli.main import run
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import OutcomeNotRecorded, Unavailable
from consentgate.keys.custody import KeyFile
from consentgate.storage import entries
from tests.functional.gate import conftest as gate_tests
from tests.functional.gate.conftest import ISS, World

world = gate_tests.world

PHONE: Final = "+13129284756"
CUSTOMER: Final = "canary-customer-7f3a9b1c"
TRANSACTION: Final = "canary-transaction-4c1d88e2"
OTHER_CALL: Final = "canary-transaction-nobody-registered"
PROFILE: Final = "vp-canary-5d2e8f"
SCORE: Final = 0.7391846523
PLAIN: Final = (PHONE, CUSTOMER, TRANSACTION, OTHER_CALL, PROFILE, repr(SCORE))
THEIRS: Final = ("botocore", "boto3", "urllib3")
KEY_FILES: Final = ("keys.jwks", "log.key", "issuers/")


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


@pytest.fixture
def listening() -> Iterator[Listening]:
    """Everything that is logged, at every level."""
    handler, root = Listening(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


@dataclass
class Life:
    """A deployment in which everything happened, and what came of it."""

    world: World
    canaries: Canaries = field(default_factory=Canaries)
    errors: list[BaseException] = field(default_factory=list)
    given: list[object] = field(default_factory=list)

    def fails(self, act: Callable[[], object], *kinds: type[ConsentGateError]) -> None:
        """Do what fails, and keep the failure."""
        with pytest.raises(kinds or (ConsentGateError,)) as raised:
            act()
        self.errors.append(raised.value)


def person() -> Speaker:
    """The caller."""
    evidence = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    return Speaker([("customer", CUSTOMER), ("phone", PHONE)], [evidence], adult=True)


@pytest.fixture
def life(world: World, monkeypatch: pytest.MonkeyPatch, listening: Listening) -> Life:
    """Grant, register, search, fail in every way, withdraw."""
    # botocore waits between attempts; nothing here is about how long.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    lived = Life(world)
    for value in PLAIN:
        lived.canaries.add(value, value.encode())
    granted = world.ivr.grant(person(), notice="voiceprint", method="ivr_dtmf")
    lived.canaries.add_token("grant", granted.token)
    lived.fails(lambda: world.search(OTHER_CALL), ConsentDenied)
    registered = world.register(TRANSACTION, person())
    world.server.script.results((PROFILE, SCORE))
    world.search(TRANSACTION)
    _vendor_fails(lived)
    _tokens_fail(lived, granted.token)
    _input_fails(lived)
    _ledger_fails(lived, monkeypatch)
    _withdrawn(lived)
    lived.given += [world.gate, person(), granted, registered, world.ivr, world.gate.issuer(ISS)]
    _add_keys(lived)
    return lived


def _vendor_fails(life: Life) -> None:
    script = life.world.server.script
    ways: tuple[Callable[[], object], ...] = (
        lambda: script.fail(error="BadRequestException", message=f"no {PHONE}"),
        lambda: script.fail(error="ServiceFailureException", times=None),
        lambda: script.drop(times=None),
        lambda: script.answer(b'{"SpeakerSearchTask": "' + CUSTOMER.encode(), times=None),
    )
    for number, prepare in enumerate(ways):
        life.world.register(f"{TRANSACTION}-v{number}", person())
        prepare()
        # What the vendor says, and how botocore words it, is theirs.
        with contextlib.suppress(BotoCoreError, ClientError):
            life.world.search(f"{TRANSACTION}-v{number}")
        script.clear()


def _tokens_fail(life: Life, token: str) -> None:
    gate = life.world.gate
    header, payload, signature = token.split(".")
    other = base64.urlsafe_b64encode(generate_signing_key().sign(b"x")).decode().rstrip("=")
    claims = base64.urlsafe_b64encode(json.dumps({"phone": PHONE}).encode()).decode().rstrip("=")
    for bad in (
        token[:-9],
        f"{header}.{payload[:-4]}.{signature}",
        f"{header}.{payload}.{'A' * len(signature)}",
        f"{header}.{payload}.{other}",
        f"{header}.{claims}.{signature}",
        token + PHONE,
        PHONE,
    ):
        life.fails(lambda bad=bad: gate.ingest(bad))  # type: ignore[misc]  # bound as it is now
        life.fails(lambda bad=bad: gate.withdraw(bad))  # type: ignore[misc]  # bound as it is now
    life.fails(lambda: gate.withdraw(token))


def _input_fails(life: Life) -> None:
    gate, ivr, who = life.world.gate, life.world.ivr, person()
    life.fails(lambda: Speaker([("phone", f"{PHONE}x")]))
    life.fails(lambda: Speaker([("phone", f"{PHONE}{PHONE}")]))
    life.fails(lambda: Speaker([(f"{CUSTOMER} ", CUSTOMER)]))
    life.fails(lambda: Speaker([("customer", f"{CUSTOMER}\ud800")]))
    life.fails(
        lambda: life.world.register(
            TRANSACTION, *(Speaker([("customer", f"{CUSTOMER}{i}")]) for i in range(13))
        )
    )
    life.fails(lambda: gate.register_call(TRANSACTION, caller=[]))
    life.fails(lambda: gate.register_call(f"{TRANSACTION}\ud800", caller=[who]))
    # The names of notices and purposes are nobody's: messages repeat them.
    life.fails(lambda: ivr.grant(who, notice="another", method="ivr_dtmf"))
    life.fails(lambda: ivr.grant(who, notice="voiceprint", method="ivr_dtmf", purposes=["marketing"]))


def _ledger_fails(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    world, database = life.world, life.world.gate._parts.database

    def failing(*_: Any, **__: Any) -> Any:
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(database, "write", failing)
        life.fails(lambda: world.search(TRANSACTION), ConsentDenied)
    world.register(f"{TRANSACTION}-lost", person())
    world.server.script.results((PROFILE, SCORE))
    with monkeypatch.context() as broken:

        def break_database(**_: Any) -> None:
            broken.setattr(database, "write", failing)

        # Nothing here is about how long the gate tries: a second passes whenever it looks.
        seconds = itertools.count()
        hurried = SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda _seconds: None)
        broken.setattr("consentgate.gate.finish.time", hurried)
        world.client.meta.events.register_first("before-send", break_database)
        life.fails(lambda: world.search(f"{TRANSACTION}-lost"), OutcomeNotRecorded)
        world.client.meta.events.unregister("before-send", break_database)


def _withdrawn(life: Life) -> None:
    world = life.world

    def withdraw(**_: Any) -> None:
        world.client.meta.events.unregister("before-send", withdraw)
        withdrawn = world.ivr.withdraw(person(), method="ivr_dtmf")
        life.given.append(withdrawn)
        life.canaries.add_token("withdrawal", withdrawn.token)

    world.register(f"{TRANSACTION}-late", person())
    world.server.script.results((PROFILE, SCORE))
    world.client.meta.events.register_last("before-send", withdraw)
    life.fails(lambda: world.search(f"{TRANSACTION}-late"), ConsentWithdrawn)
    life.fails(lambda: world.search(TRANSACTION), ConsentDenied)


def _add_keys(life: Life) -> None:
    """Every key of the deployment is a canary too."""
    world, canaries = life.world, life.canaries
    secrets = re.findall(r'"k":"([A-Za-z0-9_-]{43})"', (world.home / "keys.jwks").read_text())
    assert len(secrets) >= 3
    for number, secret in enumerate(secrets):
        canaries.add(f"key file, key {number}", base64.urlsafe_b64decode(f"{secret}="))
        canaries.add(f"key file, text of key {number}", secret.encode())
    canaries.add("log key", (world.home / "log.key").read_bytes().strip().split(b"+", 4)[4])
    [pem] = (world.home / "issuers").rglob("*.pem")
    canaries.add("issuer's key", pem.read_bytes().splitlines()[1][22:])
    custody = KeyFile.read(world.home / "keys.jwks")
    with world.gate._parts.database.read() as connection:
        rows = connection.execute(text("SELECT wrapping_key, wrapped FROM data_key")).all()
    assert len(rows) >= 3
    for number, (wrapping_key, wrapped) in enumerate(rows):
        canaries.add(f"data key {number}", custody.unwrap(wrapping_key, bytes(wrapped)))


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


def test_nothing_is_logged_warned_or_printed(
    life: Life, listening: Listening, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    logging.getLogger("consentgate.control").debug("is heard")
    said = capsys.readouterr()
    assert any("is heard" in each for each in listening.heard)
    assert life.canaries.shown("\n".join(listening.heard)) == []
    assert (said.out, said.err, [str(each.message) for each in recwarn]) == ("", "", [])


def test_no_failure_shows_any(life: Life) -> None:
    assert len(life.errors) > 25
    for error in life.errors:
        texts = ["".join(traceback.format_exception(error))]
        for each in chain(error):
            texts += [str(each), repr(each), repr(each.args)]
        assert life.canaries.shown("\n".join(texts)) == [], repr(error)
    # Pickled, they hold nothing either but the vendor's answer, which is the caller's.
    for error in life.errors:
        if isinstance(error, (ConsentWithdrawn, OutcomeNotRecorded)):
            assert repr(SCORE) in repr(error.response)
            error.response = None
        pickled = pickle.dumps(error)
        assert life.canaries.shown(pickled) == [], repr(error)
        assert str(pickle.loads(pickled)) == str(error)


def test_no_object_shows_any(life: Life) -> None:
    gate = life.world.gate
    kinds = ("statement", "call", "intent", "outcome", "observation", "denial", "stop")
    with gate._parts.database.read() as connection:
        rows = [row for kind in kinds for row in entries.of_kind(connection, "default", kind)]
        read = [gate._parts.reader.read(connection, f"transaction/{TRANSACTION}", None)]
    walked = [*reachable([*life.given, *life.errors, *life.world.server.requests, *rows, *read])]
    assert len({type(each) for each in walked}) > 40
    for each in walked:
        assert life.canaries.shown(f"{each!r} {each}") == [], (type(each), f"{each!r}"[:300])


def test_no_stored_byte_shows_any(life: Life) -> None:
    seen = 0
    with life.world.gate._parts.database.read() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).all():
                seen += 1
                assert life.canaries.shown(b"\n".join(_bytes(value) for value in row)) == [], table
    assert seen > 40
    files = [path for path in sorted(life.world.home.rglob("*")) if path.is_file()]
    for path in files:
        shown = life.canaries.shown(path.read_bytes())
        if str(path.relative_to(life.world.home)).startswith(KEY_FILES):
            shown = [name for name in shown if "key" not in name]
        assert shown == [], path.name
    assert {"consentgate.toml", "log.vkey", "keys.jwks"} <= {path.name for path in files}


SHOWING: Final = (
    ("doctor",),
    ("db", "check"),
    ("notice", "list"),
    ("issuer", "list"),
    ("assertion", "list"),
    ("entries", "list"),
    ("policy", "explain", "--call", TRANSACTION),
    ("policy", "explain", "--reference", f"customer:{CUSTOMER}", "--reference", f"phone:{PHONE}"),
    ("consent", "show", "--reference", f"customer:{CUSTOMER}"),
    ("log", "show"),
    ("verify",),
)
FAILING: Final = (
    ("policy", "explain", "--reference", PHONE),
    ("policy", "explain", "--reference", f"phone:{PHONE}x"),
    ("entries", "show", CUSTOMER),
    ("consent", "add", "broken.jwt"),
    ("consent", "withdraw", "--issuer", ISS, "--reference", f"phone {PHONE}", "--method", "ivr_dtmf"),
)


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_no_command_shows_any(
    life: Life,
    form: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jwt").write_text(f"{PHONE}.{CUSTOMER}.x")
    monkeypatch.setenv("CONSENTGATE_HOME", str(life.world.home))
    newest = [life.world.opened(kind)[-1][0].id for kind in ("intent", "outcome", "denial", "statement")]
    for command in (*SHOWING, *FAILING, *(("entries", "show", str(entry)) for entry in newest)):
        code = run([*command, *form])
        said = capsys.readouterr()
        assert (code == 2) == (command in FAILING), (command, said)
        assert "Traceback" not in said.err, command
        # An entry that is opened by its id says which call it is about; whom, only with --reveal.
        known = [TRANSACTION] if command[:2] == ("entries", "show") else []
        assert set(life.canaries.shown(said.out + said.err)) <= {*known}, command


def test_a_key_file_that_cannot_be_read_shows_nothing_of_it(life: Life) -> None:
    keys = life.world.home / "keys.jwks"
    whole = keys.read_bytes()
    for damaged in (whole[:-3], whole.replace(b'"oct"', b'"EC"'), whole + whole, whole[1:]):
        keys.write_bytes(damaged)
        with pytest.raises(ConsentGateError) as refused:
            ConsentGate.open(life.world.home, clock=life.world.clock, background=False)
        assert life.canaries.shown("".join(traceback.format_exception(refused.value))) == []
        assert life.canaries.shown(pickle.dumps(refused.value)) == []
    keys.write_bytes(whole)


def test_the_search_is_sharp(life: Life) -> None:
    for value in PLAIN:
        for written in (
            value,
            value.encode().hex(),
            base64.urlsafe_b64encode(b"xy" + value.encode() + b"z").decode(),
        ):
            assert value in life.canaries.shown(f"...{written}...")
    # Whoever has the keys, and asks for it, gets what lies sealed.
    assert len(life.canaries.shown(repr(life.world.opened("statement", "call", "outcome")))) >= 6
