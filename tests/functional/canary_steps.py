"""A life in which telling values go every way that there is."""

import base64
import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy import text

from consentgate import ConsentDenied, ConsentWithdrawn, Speaker
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import OutcomeNotRecorded, Unavailable
from consentgate.keys.custody import KeyFile
from tests.functional import canary_places as places
from tests.functional.canaries import (
    CUSTOMER,
    OTHER_CALL,
    PHONE,
    PLAIN,
    PROFILE,
    SCORE,
    TRANSACTION,
    Life,
    hurry,
    person,
)
from tests.functional.gate.conftest import ISS, World


def lived(world: World, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Life:
    """Grant, register, search, fail in every way, be told, reconcile, guard, export, withdraw."""
    # botocore waits between attempts; nothing here is about how long.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    life = Life(world)
    for value in PLAIN:
        life.canaries.add(value, value.encode())
    granted = world.ivr.grant(person(), notice="voiceprint", method="ivr_dtmf")
    life.canaries.add_token("grant", granted.token)
    life.fails(lambda: world.search(OTHER_CALL), ConsentDenied)
    registered = world.register(TRANSACTION, person())
    world.server.script.results((PROFILE, SCORE))
    world.search(TRANSACTION)
    _vendor_fails(life)
    _tokens_fail(life, granted.token)
    _input_fails(life)
    places.vendor_tells(life)
    places.trail_reconciles(life, folder)
    places.blocks_guard(life)
    places.resolvers_answer(life)
    places.references_are_bound(life)
    _ledger_fails(life, monkeypatch)
    places.spool_keeps(life)
    _withdrawn(life)
    places.packages_are_made(life, folder / "packages")
    places.orders_are_carried_out(life)
    places.database_fails(life)
    life.given += [world.gate, person(), granted, registered, world.ivr, world.gate.issuer(ISS)]
    _add_keys(life)
    return life


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

        hurry(broken)
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
