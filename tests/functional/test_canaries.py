"""Personal data and secrets with telling values, through a whole life: they show nowhere in clear.

Looked at: what loggers say at DEBUG, warnings, standard output and error, every failure (text, representation,
traceback, pickle), the representation of every object of ours that can be reached, every table, and every file of the
home folder but the key files. botocore, boto3 and urllib3 log requests and answers in full at DEBUG; that is theirs,
so their loggers are left out. What is handed to the caller by design is left out too: the vendor's answer.
"""

import base64
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import inspect, text

from consentgate import ConsentGate, ConsentGateError, ConsentWithdrawn
from consentgate.cli.main import run
from consentgate.errors import OutcomeNotRecorded
from consentgate.storage import entries
from tests.functional.canaries import (
    CUSTOMER,
    PHONE,
    PLAIN,
    SCORE,
    TRANSACTION,
    Life,
    Listening,
    chain,
    reachable,
)
from tests.functional.canary_steps import lived
from tests.functional.gate import conftest as gate_tests
from tests.functional.gate.conftest import ISS, World

world = gate_tests.world

KEY_FILES: Final = ("keys.jwks", "log.key", "issuers/")


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


@pytest.fixture
def life(
    world: World, monkeypatch: pytest.MonkeyPatch, listening: Listening, tmp_path: Path
) -> Life:  # hears it
    """A deployment in which everything happened."""
    return lived(world, monkeypatch, tmp_path)


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
    for path in (*files, *life.files):
        shown = life.canaries.shown(path.read_bytes())
        if path in files and str(path.relative_to(life.world.home)).startswith(KEY_FILES):
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
