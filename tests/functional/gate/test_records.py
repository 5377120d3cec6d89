"""What a controller puts on record: refused when it cannot be, the same again without effect."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, event

from consentgate import ConsentGate, Evidence, Speaker
from consentgate.config.parts import signer_of
from consentgate.config.settings import load_settings
from consentgate.consent.details import EvidenceRef, Guardian
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import (
    ClockSkew,
    InvalidInput,
    LogRefused,
    Malformed,
    Misconfigured,
    UnknownIssuer,
    UnknownNotice,
)
from consentgate.ledger.statements import read_statement
from consentgate.log.sequencer import Sequencer
from tests.functional.gate.conftest import ISS, NOTICE, World
from tests.functional.gate.test_outside import signed

TEXT = b"Acme makes a voiceprint to check that you are you, for two years."


def test_same_notice_again_changes_nothing(world: World) -> None:
    assert world.gate.add_notice(TEXT, **NOTICE) == world.gate.add_notice(TEXT, **NOTICE)


def test_other_text_needs_another_version(world: World) -> None:
    with pytest.raises(InvalidInput, match="new version"):
        world.gate.add_notice(b"Something else.", **NOTICE)
    world.gate.add_notice(b"Something else.", **{**NOTICE, "version": "2026-03"})
    with pytest.raises(InvalidInput, match=r"2026-02.*2026-03"):
        world.ivr.grant(world.caller(), notice="voiceprint", method="ivr_dtmf")
    world.ivr.grant(world.caller(), notice="voiceprint@2026-03", method="ivr_dtmf")


def test_language_tells_notices_apart(world: World) -> None:
    world.gate.add_notice("Français".encode(), **{**NOTICE, "language": "fr"})
    with pytest.raises(InvalidInput, match="language"):
        world.ivr.grant(world.caller(), notice="voiceprint", method="ivr_dtmf")
    world.ivr.grant(world.caller(), notice="voiceprint", method="ivr_dtmf", language="fr")


def test_notice_that_is_not_there_cannot_be_granted_on(world: World) -> None:
    with pytest.raises(InvalidInput, match="notice list"):
        world.ivr.grant(world.caller(), notice="nothing", method="ivr_dtmf")
    assert not world.opened("statement")


@pytest.mark.parametrize(
    "change", [{"elements": ["everything"]}, {"colour": "red"}, {"purposes": []}, {"validity": "two years"}]
)
def test_bad_manifest_is_refused(world: World, change: dict[str, Any]) -> None:
    with pytest.raises((Malformed, InvalidInput)):
        world.gate.add_notice(b"x", **{**NOTICE, "id": "other", **change})


def test_notice_for_another_controller_cannot_be_granted_on(world: World) -> None:
    world.gate.add_notice(b"x", **{**NOTICE, "id": "theirs", "controllers": ["somebody-else"]})
    with pytest.raises(InvalidInput, match="does not name this controller"):
        world.ivr.grant(world.caller(), notice="theirs", method="ivr_dtmf")


def test_statement_from_outside_needs_its_notice(world: World) -> None:
    key = generate_signing_key()
    world.gate.add_issuer("https://web.acme.example", name="Web", key=key.public)
    with pytest.raises(UnknownNotice):
        world.gate.ingest(signed(world, key, text=b"never added"))
    assert not world.opened("statement")


@pytest.mark.parametrize(("ahead", "taken"), [(4.9, True), (5.1, False)])
def test_grant_that_claims_the_future_is_refused(world: World, ahead: float, taken: bool) -> None:
    key = generate_signing_key()
    world.gate.add_issuer("https://web.acme.example", name="Web", key=key.public)
    token = signed(world, key, text=TEXT, ahead=ahead)
    if taken:
        assert world.gate.ingest(token).new
    else:
        with pytest.raises(ClockSkew):
            world.gate.ingest(token)


def test_second_key_of_an_issuer_stands_beside_the_first(world: World) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    assert len(world.gate.add_issuer(ISS, name="Acme IVR").keys) == 2
    world.register("tx-1", caller)
    world.search("tx-1")


def test_key_belongs_to_one_issuer(world: World) -> None:
    key = generate_signing_key().public
    world.gate.add_issuer("https://a.example", name="A", key=key)
    with pytest.raises(InvalidInput, match="Another issuer"):
        world.gate.add_issuer("https://b.example", name="B", key=key)
    with pytest.raises(InvalidInput, match="already"):
        world.gate.add_issuer("https://a.example", name="A", key=key)


def test_issuer_out_of_scope_denies(world: World) -> None:
    world.gate.add_issuer("https://tx.example", name="Texas only", jurisdictions=["US-TX"])
    caller = world.caller()
    world.gate.issuer("https://tx.example").grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    assert world.denial("tx-1") == ["ISSUER_OUT_OF_SCOPE"]


def test_issuer_is_taken_in_hand_only_with_its_key(world: World) -> None:
    with pytest.raises(UnknownIssuer):
        world.gate.issuer("https://nobody.example")
    world.gate.add_issuer("https://web.example", name="Web", key=generate_signing_key().public)
    with pytest.raises(Misconfigured, match="sign elsewhere"):
        world.gate.issuer("https://web.example")


def test_guardian_speaks_for_a_minor(world: World) -> None:
    child = Speaker([("customer", "7")], [Evidence(code="US-IL", kind="address", source="crm")], age=12)
    world.ivr.grant(
        child,
        notice="voiceprint",
        method="web_esign",
        guardian=Guardian(verified=True),
        evidence=[EvidenceRef(digest=bytes(32), media_type="application/pdf", size=9, kind="signed_form")],
    )
    world.register("tx-1", child)
    world.search("tx-1")
    assert world.searches == 1
    said = read_statement(world.parts("statement")["statement.0"])[1]
    assert said.guardian == Guardian(verified=True)
    assert said.expressed_by == "representative"
    assert [e.kind for e in said.evidence] == ["signed_form"]


def test_host_engine_keeps_its_own_settings(world: World) -> None:
    settings = load_settings(world.home)
    engine = create_engine(settings.database)
    begun: list[str] = []
    event.listen(engine, "begin", lambda _: begun.append("begin"))
    with ConsentGate(settings, engine=engine, clock=world.clock, background=False) as gate:
        gate.ready()
    assert begun == []
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar()
    engine.dispose()


def test_ready_tells_how_far_behind_anchors_are_and_takes_requests_all_the_same(world: World) -> None:
    with (world.home / "consentgate.toml").open("a") as text:
        text.write(
            '\n[[anchors]]\nname = "gone"\nkind = "directory"\npath = "not-mounted"\nalarm_after_s = 60\n'
        )
    with ConsentGate(load_settings(world.home), clock=world.clock, background=False) as gate:
        assert [each.late for each in gate.ready().anchors] == [False]
        gate.add_issuer("https://x.example", name="X")
        database = gate._parts.database
        Sequencer(database).once()
        signer_of(gate._parts.settings, database).once()
        world.clock.advance(timedelta(days=1))
        (lag,) = gate.ready().anchors
    assert (lag.name, lag.size, lag.late) == ("gone", 0, True)
    assert lag.behind > 0


def test_ready_tells_what_keeps_the_log_from_being_kept(world: World) -> None:
    settings = load_settings(world.home)
    with ConsentGate(settings, clock=world.clock) as gate:
        gate.ready()
        gate.add_issuer("https://x.example", name="X")
    (world.home / "log.state").unlink()
    with ConsentGate(settings, clock=world.clock) as gate:
        gate.add_issuer("https://y.example", name="Y")
        service = gate._parts.service
        assert service is not None
        service.stop()
        with pytest.raises(LogRefused):
            gate.ready()
