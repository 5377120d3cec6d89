"""Shadow mode: what would be denied goes out, recorded as what it is; and nothing switches it on by accident."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from consentgate import ConsentDenied, ConsentGate
from consentgate.config.replaying import Replayer
from consentgate.config.settings import FILE, HOME_VARIABLE, Settings, load_settings
from consentgate.config.upkeep import reading
from consentgate.errors import Misconfigured
from consentgate.gate.shadow import Shadow
from consentgate.testing.chime import ChimeServer
from consentgate.testing.clock import FrozenClock
from tests.functional.gate.broken import Outage
from tests.functional.gate.conftest import World
from tests.functional.gate.recording.place import lost
from tests.functional.gate.test_denials import grant


def allowing(world: World, clock: FrozenClock) -> Settings:
    settings = world.gate._parts.settings
    return replace(settings, shadow=Shadow(by="Head of Compliance", until=clock().date()))


@pytest.fixture
def shadowed(world: World, frozen_clock: FrozenClock, chime: ChimeServer) -> Iterator[World]:
    """The same deployment, its second gate in shadow for the rest of the day."""
    settings = allowing(world, frozen_clock)
    with ConsentGate(settings, clock=frozen_clock, background=False, shadow=True) as gate:
        client = gate.protect(chime.client())
        yield replace(world, gate=gate, client=client)
        client.close()


def test_what_would_be_denied_is_sent_and_says_so(shadowed: World) -> None:
    shadowed.register("tx-1", shadowed.caller())
    shadowed.search("tx-1")
    assert shadowed.searches == 1
    assert shadowed.opened("denial") == []
    decision = shadowed.parts("intent")["decision.0"]
    told = {"by": "Head of Compliance", "until": shadowed.clock().date().isoformat()}
    assert (decision["request"], decision["shadow"]) == ("denied", told)
    assert [reason["code"] for reason in decision["decision"]["reasons"]] == ["NO_CONSENT"]
    assert shadowed.exchange("outcome")["shadow"] is True


def test_what_is_allowed_shows_it_too(shadowed: World) -> None:
    caller = shadowed.caller()
    grant(shadowed, caller)
    shadowed.register("tx-1", caller)
    shadowed.search("tx-1")
    decision = shadowed.parts("intent")["decision.0"]
    assert decision["request"] == "allowed"
    assert decision["shadow"]["by"] == "Head of Compliance"


def test_without_shadow_no_entry_speaks_of_it(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.register("tx-1", caller)
    world.search("tx-1")
    assert "shadow" not in world.parts("intent")["decision.0"]
    assert "shadow" not in world.exchange("outcome")
    assert world.denial("tx-2") == ["CALL_UNKNOWN"]
    assert "shadow" not in world.parts("denial")["body.0"]["decision"]


def test_a_request_about_nobody_stays_denied(shadowed: World) -> None:
    assert shadowed.denial("tx-1") == ["CALL_UNKNOWN"]
    assert shadowed.parts("denial")["body.0"]["decision"]["shadow"]["by"] == "Head of Compliance"
    assert shadowed.searches == 0


def test_it_ends_with_its_last_day(shadowed: World) -> None:
    shadowed.register("tx-1", shadowed.caller())
    midnight = shadowed.clock().replace(hour=23, minute=59, second=59)
    shadowed.clock.advance(midnight - shadowed.clock())
    shadowed.search("tx-1")
    shadowed.clock.advance(timedelta(seconds=1))
    assert shadowed.denial("tx-1") == ["NO_CONSENT"]
    assert "shadow" not in shadowed.parts("denial")["decision.0"]


def test_withdrawal_stops_what_runs(shadowed: World) -> None:
    caller = shadowed.caller()
    grant(shadowed, caller)
    shadowed.register("tx-1", caller)
    shadowed.search("tx-1")
    shadowed.ivr.withdraw(caller, method="ivr_dtmf")
    assert len(shadowed.gate.open_stops()) + len(shadowed.opened("stop")) > 0


def test_settings_alone_switch_nothing_on(
    world: World, frozen_clock: FrozenClock, chime: ChimeServer
) -> None:
    with ConsentGate(allowing(world, frozen_clock), clock=frozen_clock, background=False) as gate:
        client = gate.protect(chime.client())
        world.register("tx-1", world.caller())
        with pytest.raises(ConsentDenied):
            replace(world, gate=gate, client=client).search("tx-1")
        client.close()


def test_code_alone_switches_nothing_on(world: World, frozen_clock: FrozenClock) -> None:
    with pytest.raises(Misconfigured, match=r"do not allow shadow mode"):
        ConsentGate(world.gate._parts.settings, clock=frozen_clock, background=False, shadow=True)


def test_environment_alone_switches_nothing_on(
    world: World, monkeypatch: pytest.MonkeyPatch, frozen_clock: FrozenClock, chime: ChimeServer
) -> None:
    """It can name another home, whose settings allow it; the host's code has not asked for it."""
    path = world.home / FILE
    path.write_text(f'{path.read_text()}\n[shadow]\nby = "Mallory"\nuntil = 2999-12-31\n')
    monkeypatch.setenv(HOME_VARIABLE, str(world.home))
    for name in ("CONSENTGATE_SHADOW", "CONSENTGATE_MODE"):
        monkeypatch.setenv(name, "1")
    with ConsentGate.open(clock=frozen_clock, background=False) as gate:
        client = gate.protect(chime.client())
        world.register("tx-1", world.caller())
        with pytest.raises(ConsentDenied):
            replace(world, gate=gate, client=client).search("tx-1")
        client.close()


def test_opening_in_shadow_is_logged(
    world: World, frozen_clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    with ConsentGate(allowing(world, frozen_clock), clock=frozen_clock, background=False, shadow=True):
        pass
    assert "what would be denied is sent" in caplog.text


def test_stored_decisions_replay_the_same(shadowed: World) -> None:
    shadowed.register("tx-1", shadowed.caller())
    shadowed.search("tx-1")
    with reading(shadowed.gate._parts.settings, clock=shadowed.clock) as parts:
        assert {each.verdict for each in Replayer(parts, registry_now=False).since(None)} == {"same"}


def test_outcome_that_is_recorded_later_still_says_so(
    world: World, frozen_clock: FrozenClock, chime: ChimeServer
) -> None:
    settings = replace(allowing(world, frozen_clock), outcome_budget=timedelta(milliseconds=20))
    with ConsentGate(settings, clock=frozen_clock, background=False, shadow=True) as gate:
        client = gate.protect(chime.client())
        hasty = replace(world, gate=gate, client=client)
        hasty.register("tx-1", hasty.caller())
        gate.record(lost(hasty, Outage(hasty)))
        assert hasty.exchange("outcome")["shadow"] is True
        client.close()


@pytest.mark.parametrize(
    "table",
    [
        'by = ""\nuntil = 2026-12-31',
        'by = "x"',
        'by = "x"\nuntil = "2026-12-31"',
        "until = 2026-12-31",
        'by = "x"\nuntil = 2026-12-31T00:00:00Z',
        'by = "x"\nuntil = 2026-12-31\nwhy = "y"',
    ],
)
def test_settings_that_say_it_badly_are_refused(world: World, table: str) -> None:
    path = world.home / FILE
    path.write_text(f"{path.read_text()}\n[shadow]\n{table}\n")
    with pytest.raises(Misconfigured, match="shadow"):
        load_settings(world.home)


def test_settings_that_allow_it_are_read(world: World) -> None:
    path = world.home / FILE
    path.write_text(f'{path.read_text()}\n[shadow]\nby = "x"\nuntil = 2026-12-31\n')
    assert load_settings(world.home).shadow == Shadow(by="x", until=date(2026, 12, 31))
