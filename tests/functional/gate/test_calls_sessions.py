"""A session with a gate in it: every client of a gated service that it makes is protected, and no other."""

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest

from consentgate import ConsentDenied, ConsentGate
from consentgate.aws.operations import SERVICES
from consentgate.errors import InvalidInput
from consentgate.testing.client import client_settings
from tests.functional.gate.conftest import CONNECTOR, World


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    """A session that no file and no variable of this machine has a say in."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    return boto3.Session()


@pytest.fixture
def other(world: World) -> Iterator[ConsentGate]:
    """Another gate of the same deployment."""
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as gate:
        yield gate


def make(world: World, session: Any, service: str = "chime-sdk-voice") -> Any:
    make_client = session.client if hasattr(session, "client") else session.create_client
    return make_client(service, **client_settings(world.server.url))


def search(client: Any, transaction: str = "tx-1") -> Any:
    return client.start_speaker_search_task(
        VoiceConnectorId=CONNECTOR,
        TransactionId=transaction,
        VoiceProfileDomainId="vpd-1",
        CallLeg="Caller",
    )


def codes(client: Any) -> list[str]:
    with pytest.raises(ConsentDenied) as denied:
        search(client)
    return [r.code for r in denied.value.reasons]


def test_every_client_that_the_session_makes_is_protected(world: World, session: boto3.Session) -> None:
    world.gate.install(session)
    for _ in range(2):
        client = make(world, session)
        assert codes(client) == ["CALL_UNKNOWN"]
        client.close()
    assert (world.searches, len(world.opened("denial"))) == (0, 2)


def test_client_of_an_installed_session_searches_and_stops(world: World, session: boto3.Session) -> None:
    world.gate.install(session)
    ada = world.caller("ada")
    world.ivr.grant(ada, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", ada)
    world.client.close()
    client = make(world, session)
    assert type(client).__name__ == "ChimeSDKVoice"
    assert search(client)["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    world.ivr.withdraw(ada, method="ivr_dtmf")
    assert world.server.requests[-1].operation == "StopSpeakerSearchTask"
    client.close()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_each_gated_service_is_protected(world: World, session: boto3.Session, service: str) -> None:
    world.gate.install(session)
    client = make(world, session, service)
    # What stands is refused by another gate alone.
    assert world.gate.protect(client) is client
    with (
        pytest.raises(InvalidInput, match="Another gate"),
        ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as stranger,
    ):
        stranger.protect(client)
    client.close()


@pytest.mark.parametrize("service", ["s3", "chime-sdk-meetings", "connect"])
def test_clients_of_other_services_are_not_touched(
    world: World, session: boto3.Session, service: str
) -> None:
    before = make(world, session, service)
    world.gate.install(session)
    after = make(world, session, service)
    assert [base.__name__ for base in type(after).__mro__] == [base.__name__ for base in type(before).__mro__]
    assert type(after._endpoint.http_session) is type(before._endpoint.http_session)
    assert not hasattr(after.meta, "consentgate_gate")
    for client in (before, after):
        client.close()


def test_client_that_was_there_before_is_kept_from_gated_operations(
    world: World, session: boto3.Session
) -> None:
    client = make(world, session)
    world.gate.install(session)
    assert codes(client) == ["UNGATED_CLIENT"]
    assert (world.searches, world.opened("intent")) == (0, [])
    told = world.parts("denial")["body.0"]
    assert told["exchange"]["operation"] == "StartSpeakerSearchTask"
    assert client.list_voice_profile_domains()["VoiceProfileDomains"] == []
    world.gate.protect(client)
    assert codes(client) == ["CALL_UNKNOWN"]
    client.close()


def test_client_from_before_stays_as_it_is_without_the_tripwire(world: World, session: boto3.Session) -> None:
    client = make(world, session)
    world.gate.install(session, tripwire=False)
    search(client)
    assert (world.searches, world.opened("intent")) == (1, [])
    client.close()


def test_botocore_session_and_every_boto3_session_around_it(world: World, session: boto3.Session) -> None:
    inner = botocore.session.Session()
    world.gate.install(inner)
    around = boto3.Session(botocore_session=inner)
    for each in (inner, around):
        client = make(world, each)
        assert codes(client) == ["CALL_UNKNOWN"]
        client.close()
    world.gate.install(around)


def test_default_session(world: World, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    boto3.setup_default_session()
    world.gate.install(boto3.DEFAULT_SESSION)
    client = make(world, boto3)
    assert codes(client) == ["CALL_UNKNOWN"]
    client.close()


def test_installing_twice_is_installing_once(world: World, session: boto3.Session) -> None:
    world.gate.install(session)
    world.gate.install(session)
    client = make(world, session)
    assert codes(client) == ["CALL_UNKNOWN"]
    assert len(world.opened("denial")) == 1
    assert [base.__name__ for base in type(client).__mro__].count("Protected") == 1
    client.close()


def test_session_has_one_gate(world: World, session: boto3.Session, other: ConsentGate) -> None:
    world.gate.install(session)
    with pytest.raises(InvalidInput, match="Another gate protects this session"):
        other.install(session)


def test_session_keeps_its_sources(world: World, session: boto3.Session) -> None:
    ada = world.caller("ada")
    asked: list[str] = []

    def who(operation: str, _: object) -> list[Any]:
        asked.append(operation)
        return [ada]

    world.gate.install(session, who=who, wait_for_call=0.01)
    world.gate.install(session)
    world.gate.install(session, who=who, wait_for_call=0.01)
    with pytest.raises(InvalidInput, match="another who"):
        world.gate.install(session, who=who)
    client = make(world, session)
    assert "NO_CONSENT" in codes(client)
    assert asked == ["StartSpeakerSearchTask"]
    with pytest.raises(InvalidInput, match="another who"):
        world.gate.protect(client, wait_for_call=1)
    client.close()


def test_taking_away_a_handler_of_the_same_event_takes_ours_not(world: World, session: boto3.Session) -> None:
    def mine(**_: Any) -> None: ...

    world.gate.install(session)
    session.events.register("creating-client-class.chime-sdk-voice", mine, unique_id="mine")
    session.events.unregister("creating-client-class.chime-sdk-voice", mine, unique_id="mine")
    session.events.unregister("creating-client-class", mine)
    client = make(world, session)
    assert codes(client) == ["CALL_UNKNOWN"]
    client.close()


def test_client_is_whole_when_other_bases_make_it(world: World, session: boto3.Session) -> None:
    seen: list[str] = []

    class Base:
        """A base that another library puts in, for example for tracing."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            seen.append("made")

    def add(base_classes: list[type], **_: Any) -> None:
        base_classes.insert(0, Base)

    world.gate.install(session)
    session.events.register("creating-client-class.chime-sdk-voice", add)
    client = make(world, session)
    assert (seen, codes(client)) == (["made"], ["CALL_UNKNOWN"])
    client.close()


def test_gate_that_is_closed_denies(world: World, session: boto3.Session, other: ConsentGate) -> None:
    other.install(session)
    client = make(world, session)
    other.close()
    with pytest.raises(ConsentDenied):
        search(client)
    assert world.searches == 0
    client.close()


def test_what_is_no_session_is_refused(world: World) -> None:
    for wrong in (None, "session", object(), world.client, boto3):
        with pytest.raises(InvalidInput, match="session"):
            world.gate.install(wrong)
