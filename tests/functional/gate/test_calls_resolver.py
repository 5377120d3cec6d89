"""A search of a call that nobody registered: a resolver is asked, or the request waits for the registration."""

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, Speaker
from consentgate.errors import InvalidInput, Unavailable
from consentgate.gate import attendance, resolve
from consentgate.gate.resolve import Sources
from consentgate.ledger import calls
from consentgate.policy.facts import Evidence
from tests.functional.gate.conftest import CONNECTOR, World

CANARY = "+12175550142"
LONG = 30


@pytest.fixture
def ada(world: World) -> Speaker:
    """A caller who may be searched, on no call."""
    speaker = world.caller("ada")
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    return speaker


class Asked:
    """A resolver that notes what it was asked."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.questions: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, operation: str, request: Mapping[str, Any]) -> Any:
        self.questions.append((operation, dict(request)))
        return self.answer() if callable(self.answer) else self.answer


def searching(world: World, **sources: Any) -> Callable[..., Any]:
    """A fresh protected client's search."""
    client = world.gate.protect(world.server.client(), **sources)

    def search(transaction: str = "tx-1", leg: str | None = "Caller") -> Any:
        arguments = {
            "VoiceConnectorId": CONNECTOR,
            "TransactionId": transaction,
            "VoiceProfileDomainId": "vpd-1",
        }
        return client.start_speaker_search_task(**arguments, **({"CallLeg": leg} if leg else {}))

    return search


def denied(search: Callable[..., Any], **arguments: Any) -> tuple[list[str], ConsentDenied]:
    with pytest.raises(ConsentDenied) as error:
        search(**arguments)
    return [r.code for r in error.value.reasons], error.value


def test_answer_is_registered_and_decided_on(world: World, ada: Speaker) -> None:
    world.gate.register_call("tx-1", callee=NOBODY, purpose="authentication", recording_consent="all_parties")
    who = Asked([ada])
    search = searching(world, who=who)
    search()
    [(operation, asked)] = who.questions
    token = asked.pop("ClientRequestToken")
    assert token.startswith("cg-")
    assert (operation, asked) == (
        "StartSpeakerSearchTask",
        {
            "VoiceConnectorId": CONNECTOR,
            "TransactionId": "tx-1",
            "VoiceProfileDomainId": "vpd-1",
            "CallLeg": "Caller",
        },
    )
    [_, (row, parts)] = world.opened("call")
    assert parts["call.0"]["speaker"]["references"] == [{"kind": "customer", "value": "ada"}]
    assert str(row.id) in world.parts("intent")["decision.0"]["calls"]
    # What the ledger knows is not asked again.
    world.server.finish(world.exchange("outcome")["task"])
    search()
    assert len(who.questions) == 1


def test_answer_by_leg_is_registered_for_each(world: World, ada: Speaker) -> None:
    search = searching(world, who=Asked({"Caller": (world.caller("bob"),), "Callee": NOBODY}))
    codes, error = denied(search, leg=None)
    assert "NO_CONSENT" in codes
    assert {r.speaker for r in error.reasons} == {"Caller 1"}


def test_nobody_is_an_answer(world: World) -> None:
    assert denied(searching(world, who=Asked(NOBODY)))[0] == ["NO_SPEAKER"]


def test_resolver_that_does_not_know_denies_as_before(world: World) -> None:
    who = Asked(None)
    assert denied(searching(world, who=who))[0] == ["CALL_UNKNOWN"]
    world.gate.register_call("tx-1", callee=NOBODY)
    assert denied(searching(world, who=who))[0] == ["LEG_UNKNOWN"]
    assert len(who.questions) == 2


def test_resolver_may_register_the_call_itself(world: World, ada: Speaker) -> None:
    search = searching(world, who=Asked(lambda: world.register("tx-1", ada) and None))
    search()
    assert world.searches == 1


def test_context_of_the_caller_holds_for_the_resolver(world: World, ada: Speaker) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="none")
    tenant.set("acme")
    seen: list[str] = []
    denied(searching(world, who=Asked(lambda: seen.append(tenant.get()))))
    assert seen == ["acme"]


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


async def coroutine() -> None:
    """Not a resolver."""


class Odd(dict[str, Any]):
    """A mapping that fails when it is read."""

    def items(self) -> Any:
        raise KeyError(CANARY)


WITH_PHONE = Speaker([("phone", CANARY)])


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (raising(KeyError(CANARY)), "WHO_FAILED"),
        (raising(InvalidInput(CANARY)), "WHO_FAILED"),
        (raising(KeyboardInterrupt(CANARY)), "WHO_FAILED"),
        (raising(SystemExit(CANARY)), "WHO_FAILED"),
        (CANARY, "WHO_UNUSABLE"),
        (7, "WHO_UNUSABLE"),
        ([], "WHO_UNUSABLE"),
        ([CANARY], "WHO_UNUSABLE"),
        ([WITH_PHONE, None], "WHO_UNUSABLE"),
        (WITH_PHONE, "WHO_UNUSABLE"),
        ((speaker for speaker in [WITH_PHONE]), "WHO_UNUSABLE"),
        ({}, "WHO_UNUSABLE"),
        ({"caller": [WITH_PHONE]}, "WHO_UNUSABLE"),
        ({"Caller": None}, "WHO_UNUSABLE"),
        ({5: [WITH_PHONE]}, "WHO_UNUSABLE"),
        (Odd(Caller=[WITH_PHONE]), "WHO_UNUSABLE"),
        ([Speaker([("customer", str(n))]) for n in range(13)], "WHO_UNUSABLE"),
    ],
)
def test_resolver_that_goes_wrong_denies_and_leaks_nothing(world: World, answer: object, code: str) -> None:
    codes, error = denied(searching(world, who=Asked(answer)))
    assert codes == [code]
    assert world.searches == 0
    [(row, parts)] = world.opened("denial")
    assert str(row.id) == error.entry
    assert [each["code"] for each in parts["body.0"]["decision"]["reasons"]] == [code]
    assert world.opened("call") == []
    told = "".join(traceback.format_exception(error))
    assert CANARY not in told + repr(error) + str(error)


def test_coroutine_is_no_answer(world: World) -> None:
    later = coroutine()
    assert denied(searching(world, who=Asked(later)))[0] == ["WHO_UNUSABLE"]
    later.close()


def test_list_is_no_answer_for_both_legs(world: World, ada: Speaker) -> None:
    assert denied(searching(world, who=Asked([ada])), leg=None)[0] == ["WHO_UNUSABLE"]


def test_resolver_that_hangs_is_not_waited_for(world: World) -> None:
    going_on = threading.Event()
    try:
        search = searching(world, who=Asked(going_on.wait), who_timeout=timedelta(milliseconds=20))
        assert denied(search)[0] == ["WHO_TIMED_OUT"]
    finally:
        going_on.set()
    assert (world.searches, world.opened("call")) == (0, [])


def test_resolvers_that_hang_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "_AT_ONCE", 1)
    going_on, who = threading.Event(), Asked(None)
    who.answer = going_on.wait
    try:
        search = searching(world, who=who, who_timeout=0.02)
        assert [denied(search)[0] for _ in range(3)] == [["WHO_TIMED_OUT"]] * 3
        assert len(who.questions) == 1
    finally:
        going_on.set()


def test_answer_that_takes_back_what_was_told_denies(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada, callee=None)
    search = searching(world, who=Asked({"Caller": NOBODY, "Callee": NOBODY}))
    assert denied(search, leg="Callee")[0] == ["WHO_UNUSABLE"]


def test_ledger_that_cannot_take_the_answer_denies(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(attendance, "join", gone)
    assert denied(searching(world, who=Asked([ada])))[0] == ["LEDGER_UNAVAILABLE"]
    monkeypatch.setattr(calls, "read", gone)
    who = Asked([ada])
    assert denied(searching(world, who=who))[0] == ["CALL_UNKNOWN"]
    assert who.questions == []


def test_resolver_is_not_asked_about_what_cannot_be_gated(world: World) -> None:
    who = Asked(None)
    assert denied(searching(world, who=who), leg="Both")[0] == ["REQUEST_UNREADABLE"]
    assert who.questions == []


def test_resolver_cannot_make_up_for_somebody_who_was_erased(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register("tx-1", ada)
    monkeypatch.setattr(world.gate._parts.book.vault, "data_keys", lambda *_: {})
    who = Asked([ada])
    search = searching(world, who=who, wait_for_call=LONG)
    with pytest.raises(ConsentDenied):
        search()
    assert who.questions == []


@pytest.mark.parametrize(
    "sources",
    [
        {"who": 5},
        {"who": "who"},
        {"who_timeout": 0},
        {"who_timeout": -1},
        {"who_timeout": True},
        {"who_timeout": "2"},
        {"who_timeout": timedelta(hours=1)},
        {"who_timeout": float("nan")},
        {"wait_for_call": 0},
        {"wait_for_call": 601},
    ],
)
def test_sources_of_another_form_are_refused(world: World, sources: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        world.gate.protect(world.server.client(), **sources)


def test_client_keeps_the_sources_that_it_was_protected_with(world: World) -> None:
    who = Asked(None)
    client = world.gate.protect(world.server.client(), who=who)
    assert world.gate.protect(client, who=who) is client
    assert world.gate.protect(client) is client
    with pytest.raises(InvalidInput, match="another who"):
        world.gate.protect(client, who=Asked(None))
    with pytest.raises(InvalidInput, match="another who"):
        world.gate.protect(client, who=who, wait_for_call=1)
    client.close()


def test_sources_show_no_values() -> None:
    assert CANARY not in repr(Sources(wait_for_call=timedelta(seconds=1)))


def first_look(world: World, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Tells when a request has looked for its registration and found none."""
    looked, missing = threading.Event(), attendance.Attendance.missing

    def look(self: attendance.Attendance, *arguments: Any) -> Any:
        found = missing(self, *arguments)
        if found:
            looked.set()
        return found

    monkeypatch.setattr(attendance.Attendance, "missing", look)
    return looked


def in_thread(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(act())
        except ConsentDenied as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_request_waits_for_the_registration_of_its_call(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = first_look(world, monkeypatch)
    # Without the wake-up it would look again only after the whole wait.
    monkeypatch.setattr(attendance, "_FIRST_LOOK_S", LONG)
    thread, results = in_thread(searching(world, wait_for_call=LONG))
    assert looked.wait(LONG)
    world.gate.register_call("tx-other", caller=[ada])
    began = time.monotonic()
    world.register("tx-1", ada)
    thread.join()
    assert time.monotonic() - began < LONG
    assert results[0]["SpeakerSearchTask"]["SpeakerSearchTaskId"]


def test_request_waits_for_a_registration_by_another_process(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = first_look(world, monkeypatch)
    thread, results = in_thread(searching(world, wait_for_call=timedelta(seconds=LONG)))
    assert looked.wait(LONG)
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        other.register_call("tx-1", caller=[ada], purpose="authentication", recording_consent="all_parties")
    thread.join()
    assert results[0]["SpeakerSearchTask"]["SpeakerSearchTaskId"]


def test_request_waits_no_longer_than_it_was_told(world: World) -> None:
    assert denied(searching(world, wait_for_call=0.05))[0] == ["CALL_UNKNOWN"]
    assert len(world.opened("denial")) == 1


def test_registered_call_is_not_waited_for(world: World) -> None:
    world.register("tx-1", world.caller("bob"))
    began = time.monotonic()
    assert denied(searching(world, wait_for_call=LONG))[0] == ["NO_CONSENT"]
    assert time.monotonic() - began < LONG


def test_database_that_fails_ends_the_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read, looks = calls.read, [0]

    def once(*arguments: Any) -> Any:
        looks[0] += 1
        if looks[0] > 1:
            raise Unavailable("gone")
        return read(*arguments)

    monkeypatch.setattr(calls, "read", once)
    assert denied(searching(world, wait_for_call=LONG))[0] == ["CALL_UNKNOWN"]


def test_what_the_resolver_does_not_know_is_waited_for(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = first_look(world, monkeypatch)
    who = Asked(None)
    thread, results = in_thread(searching(world, who=who, wait_for_call=LONG))
    assert looked.wait(LONG)
    world.register("tx-1", ada)
    thread.join()
    assert results[0]["SpeakerSearchTask"]["SpeakerSearchTaskId"]


def test_evidence_of_the_resolver_is_what_counts(world: World) -> None:
    german = Speaker([("customer", "uwe")], [Evidence(code="DE", kind="address", source="crm")], adult=True)
    codes, _ = denied(searching(world, who=Asked([german])))
    assert "NO_CONSENT" in codes
    assert world.parts("denial")["decision.0"]["decision"]["candidates"] == ["DE"]
