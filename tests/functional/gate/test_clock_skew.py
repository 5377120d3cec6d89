"""Claimed times and clocks: a no waits for none of them, a yes claims no future, and every time is weak yet."""

from datetime import datetime, timedelta

import pytest

from consentgate import Speaker
from consentgate.config.settings import load_settings
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey, generate_signing_key
from consentgate.errors import Misconfigured
from consentgate.moment import uuid7_text
from tests.functional.gate.conftest import World

WEB = "https://web.acme.example"


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who agreed an hour ago and may be searched on call tx-1."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.clock.advance(timedelta(hours=1))
    world.register("tx-1", speaker)
    return speaker


@pytest.fixture
def key(world: World) -> SigningKey:
    """The key of an issuer whose clock is its own."""
    made = generate_signing_key()
    world.gate.add_issuer(WEB, name="Web", key=made.public)
    return made


def withdrawal(world: World, key: SigningKey, speaker: Speaker, at: datetime) -> str:
    """A withdrawal that claims a time."""
    statement = Statement(
        issuer=WEB,
        id=uuid7_text(world.clock(), world.gate._parts.book.random),
        issued_at=at,
        references=speaker.known_as,
        state="ConsentWithdrawn",
        event_time=at,
        method="web_form",
    )
    return jws.sign(claims(statement), key=key, typ=TYP)


def test_withdrawal_that_claims_the_future_acts_at_once(
    world: World, key: SigningKey, caller: Speaker
) -> None:
    world.gate.withdraw(withdrawal(world, key, caller, world.clock() + timedelta(days=30)))
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_withdrawal_that_claims_the_past_acts_from_then_and_stops_what_runs(
    world: World, key: SigningKey, caller: Speaker
) -> None:
    """What ran since the claimed time cannot be undone: what still runs is stopped, and deletion is due from then."""
    world.search("tx-1")
    said = world.clock() - timedelta(minutes=30)
    done = world.gate.withdraw(withdrawal(world, key, caller, said))
    assert done.stops == (world.opened("intent")[0][0].id,)
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_withdrawal_that_claims_a_time_before_the_grant_removes_it_all_the_same(
    world: World, key: SigningKey, caller: Speaker
) -> None:
    world.gate.withdraw(withdrawal(world, key, caller, world.clock() - timedelta(days=9)))
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_later_grant_stands_whatever_the_withdrawal_claims(
    world: World, key: SigningKey, caller: Speaker
) -> None:
    world.gate.withdraw(withdrawal(world, key, caller, world.clock() + timedelta(days=30)))
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.search("tx-1")


@pytest.mark.parametrize(("seconds", "taken"), [(60, True), (61, False)])
def test_skew_is_set_up_to_a_minute(world: World, seconds: int, taken: bool) -> None:
    world.gate.close()
    file = world.home / "consentgate.toml"
    file.write_text(file.read_text() + f"\n[limits]\nclock_skew_s = {seconds}\n")
    if taken:
        assert load_settings(world.home).clock_skew == timedelta(seconds=seconds)
    else:
        with pytest.raises(Misconfigured, match="at most 60"):
            load_settings(world.home)
