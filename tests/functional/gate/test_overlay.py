"""A deployment with rules of its own: they decide, the ledger keeps them, and an old decision can be made again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256

import pytest

from consentgate import ConsentDenied, ConsentGate
from consentgate.canonical import unb64
from consentgate.config.packsets import of_ledger
from consentgate.config.settings import load_settings
from consentgate.config.verification import verify_deployment
from consentgate.packs.packset import shipped
from tests.functional.gate.conftest import World
from tests.functional.packs.test_overlays import TIGHTER


@pytest.fixture
def tightened(world: World) -> Iterator[World]:
    """The same deployment, opened again with an overlay."""
    world.gate.close()
    (world.home / "rules").mkdir()
    (world.home / "rules" / "US-IL.toml").write_text(TIGHTER)
    with (world.home / "consentgate.toml").open("a") as file:
        file.write('\n[packs]\noverlay = "rules"\n')
    with ConsentGate(load_settings(world.home), clock=world.clock, background=False) as gate:
        client = gate.protect(world.server.client())
        yield replace(world, gate=gate, client=client, ivr=gate.issuer(world.ivr.iss))
        client.close()


def reasons(world: World) -> list[tuple[str, str | None]]:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("t1", caller)
    with pytest.raises(ConsentDenied) as denied:
        world.search("t1")
    return [(each.code, each.law) for each in denied.value.reasons]


def test_an_overlay_denies_and_says_that_it_did(tightened: World) -> None:
    assert reasons(tightened) == [("NOT_STRICTLY_NECESSARY", "US-IL: overlay: Acme rule 3")]


def test_what_the_overlay_asks_for_can_be_met(tightened: World) -> None:
    tightened.gate.assert_("strictly_necessary", True, by="privacy@acme.example", since=tightened.clock())
    caller = tightened.caller()
    tightened.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    tightened.register("t1", caller)
    tightened.search("t1")
    assert tightened.searches == 1


def test_the_ledger_keeps_what_was_decided_with(tightened: World) -> None:
    reasons(tightened)
    in_use = tightened.gate._parts.gate.packs
    digest = unb64(tightened.parts("denial")["decision.0"]["packs"])
    assert digest == in_use.digest != shipped().digest
    again = of_ledger(tightened.gate._parts, digest)
    assert (again.digest, again.overlaid, again.files()) == (digest, ("US-IL",), in_use.files())
    day = date(2026, 11, 22)
    assert again.stack("US-IL", day) == in_use.stack("US-IL", day)


def findings(world: World) -> list[tuple[str, str]]:
    settings = load_settings(world.home)
    verified = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None).verification
    return [(each.kind, each.where) for each in verified.findings if each.kind in ("missing", "extra")]


def test_a_ledger_under_an_overlay_verifies_and_misses_what_is_gone(tightened: World) -> None:
    reasons(tightened)
    index = tightened.gate._parts.gate.packs.digest
    tightened.gate.close()
    assert findings(tightened) == []
    overlay = sha256(TIGHTER.encode()).digest()
    with tightened.raw() as raw:
        raw.unguarded("DELETE FROM artifact WHERE digest = ?", (overlay,))
    assert findings(tightened) == [("missing", f"artifact {index.hex()}, pack US-IL")]
