"""One deployment in which everything happens that this version writes down."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Reference, Speaker, VendorRequest
from consentgate.config.setup import make_home
from consentgate.testing import events
from consentgate.testing.chime import ChimeServer
from consentgate.testing.clock import FrozenClock
from consentgate.testing.cloudtrail import record_of, trail_file
from tests.functional.gate.conftest import ISS, NOTICE, World
from tests.functional.gate.reconciling import caller_of, died, later


@pytest.fixture
def lived(
    tmp_path: Path, frozen_clock: FrozenClock, chime: ChimeServer, on_database: None
) -> Iterator[World]:
    """A deployment with every kind of entry, and every member that an entry may have."""
    made = make_home(tmp_path / "home", controller="acme", jurisdiction="US", clock=frozen_clock)
    with ConsentGate(made.settings, clock=frozen_clock, background=False) as gate:
        gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
        gate.add_issuer(ISS, name="Acme IVR")
        client = gate.protect(chime.client())
        world = World(
            gate=gate,
            home=tmp_path / "home",
            clock=frozen_clock,
            server=chime,
            client=client,
            ivr=gate.issuer(ISS),
        )
        _denied_without_policy(world)
        _allowed(world)
        _reconciled(world)
        _unanswered(world)
        yield world
        client.close()


def _denied_without_policy(world: World) -> None:
    """A denial about a person whose law asks for more than there is, and one about nobody."""
    world.denial("tx-nobody-registered")
    caller = world.caller("0001")
    short = {**NOTICE, "id": "short", "elements": ["collection_or_storage_disclosed", "specific_purpose"]}
    world.gate.add_notice(b"Acme makes a voiceprint to check that you are you.", **short)
    world.ivr.grant(caller, notice="short", method="voice_recording")
    world.register("tx-0", caller)
    assert "PUBLIC_POLICY_MISSING" in world.denial("tx-0")
    since = world.clock() - timedelta(days=30)
    world.gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)


def _allowed(world: World) -> None:
    """Two searches, one with results; then the person withdraws while the task runs, and is denied."""
    seen = world.clock() - timedelta(days=2)
    observed = Evidence(code="US-IL", kind="address", source="crm", confidence="high", observed_at=seen)
    caller = Speaker(
        [("customer", "1001"), ("phone", "+12175550100")], [observed], age=34, last_interaction_at=seen
    )
    world.gate.assert_(
        "employment_ended",
        None,
        by="hr@acme.example",
        since=seen,
        about=Reference(kind="customer", value="1001"),
    )
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf", max_uses=5)
    world.gate.register_call("tx-1", callee=NOBODY)
    world.register("tx-1", caller, world.caller("1002"))
    world.denial("tx-1")
    world.register("tx-2", caller)
    _followed(world, world.search("tx-2")["SpeakerSearchTask"]["SpeakerSearchTaskId"])
    world.server.script.results(("vp-1", 0.93))
    world.register("tx-3", caller)
    world.search("tx-3")
    world.ivr.withdraw(caller, method="ivr_dtmf")
    world.denial("tx-3")
    _joined(world)


def _followed(world: World, task: str) -> None:
    """What the vendor tells of a task: its results, that the voice was good enough, and that the call is over."""
    world.gate.notify(events.search_event(task, "IdentificationSuccessful", matches=[("vp-1", 0.93)]))
    world.gate.notify(events.search_event(task, "VoiceprintGenerationSuccess"))
    malformed = events.search_event(task, "")
    world.gate.notify(malformed)
    world.gate.notify(events.post_call_event("tx-2"))


def _joined(world: World) -> None:
    """Somebody joins while a task runs, and leaves again."""
    first, late = world.caller("1004"), world.caller("1005")
    world.ivr.grant(first, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-5", first)
    world.search("tx-5")
    world.register("tx-5", late)
    world.gate.leave_call("tx-5", caller=[late])
    _guarded(world, first)
    _enrolled(world)


def _enrolled(world: World) -> None:
    """A voice profile, which is deleted again; a domain; and a recording of somebody at work on a stream."""
    caller = world.caller("1006", setting="workplace")
    both = {**NOTICE, "id": "both", "operations": ["search", "enrol"]}
    world.gate.add_notice(b"Acme makes and keeps a voiceprint for two years.", **both)
    world.ivr.grant(caller, notice="both", method="ivr_dtmf")
    world.register("tx-6", caller)
    task = world.search("tx-6")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    world.server.finish(task)
    made = world.client.create_voice_profile(SpeakerSearchTaskId=task)["VoiceProfile"]
    world.client.delete_voice_profile(VoiceProfileId=made["VoiceProfileId"])
    with pytest.raises(world.client.exceptions.NotFoundException):
        world.client.delete_voice_profile(VoiceProfileId=made["VoiceProfileId"])
    key = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
    domain = world.client.create_voice_profile_domain(Name="all", ServerSideEncryptionConfiguration=key)
    world.client.delete_voice_profile_domain(
        VoiceProfileDomainId=domain["VoiceProfileDomain"]["VoiceProfileDomainId"]
    )
    world.gate.register_stream("p-1", "arn:aws:kinesisvideo:s", 0, [caller], captured_at=world.clock())


def _guarded(world: World, caller: Speaker) -> None:
    """A request of another engine, of which no body is kept."""
    request = VendorRequest(body=b"voice", keep="digest", country="US")
    known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
    with world.gate.guarded("search", caller, request, **known) as permit:
        permit.sending()
        permit.answered(b"{}")


def _reconciled(world: World) -> None:
    """Two requests of a process that died, closed by what a notification and CloudTrail tell."""
    caller_of(world, "1007", "tx-7")
    _, told = died(world, "tx-7")
    world.gate.notify(events.search_event(told, "IdentificationFailure", transaction="tx-7"))
    caller_of(world, "1008", "tx-8")
    _, shown = died(world, "tx-8")
    trail = world.home / "trail.json"
    trail.write_bytes(trail_file(record_of(world.server.requests[-1], made=shown)))
    assert len(later(world, cloudtrail=[trail]).closed) == 2


def _unanswered(world: World) -> None:
    """Requests that end otherwise: refused by the vendor, without an answer, and without a connection."""
    caller = world.caller("1003")
    # Under another reference of the same person.
    world.ivr.grant(world.caller("A-1003"), notice="voiceprint", method="ivr_dtmf")
    world.ivr.same_subject(("customer", "1003"), ("customer", "A-1003"), method="web_form")
    world.register("tx-4", caller)
    world.server.script.fail(error="ConflictException")
    _failing(world, world.client.exceptions.ConflictException)
    world.server.script.fail(error="ServiceUnavailableException", times=None)
    _failing(world, world.client.exceptions.ServiceUnavailableException)
    world.server.stop()
    _failing(world, EndpointConnectionError)
    with pytest.raises(ConsentDenied):
        world.search("tx-1")


def _failing(world: World, error: Any) -> None:
    with pytest.raises(error):
        world.search("tx-4")
