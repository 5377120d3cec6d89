"""Guarded blocks: who is let in, what is kept, and how each way of leaving ends the intent."""

import copy
import pickle
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from consentgate import ConsentDenied, Speaker, VendorRequest
from consentgate.canonical import unb64
from consentgate.errors import InvalidInput
from consentgate.gate.told import MAX_ANSWER, TOO_LARGE
from tests.functional.gate.conftest import World
from tests.functional.gate.guarded.conftest import Engine, guarded, identify


def test_engine_of_a_consenting_caller_is_asked_and_the_exchange_is_kept(
    world: World, willing: Speaker, engine: Engine
) -> None:
    with guarded(world, [willing], b"voice") as permit:
        permit.answered(permit.send(engine), summary={"model": "m-2"})
    assert engine.got == [b"voice"]
    assert world.ends() == ["succeeded"]
    asked, answer = world.exchange("intent"), world.parts("outcome")
    assert (asked["service"], asked["operation"], asked["method"]) == ("engine", "search", "CALL")
    assert (asked["path"], asked["query"], asked["leg"]) == ("", "", "Caller")
    assert unb64(asked["body"]) == b"voice"
    assert asked["lasts_ms"] == 60_000
    # What a search answers names other people: it lies apart.
    assert unb64(answer["matches.0"]["response"]) == engine.answer
    assert answer["exchange.0"]["summary"] == {"model": "m-2"}
    assert "response" not in answer["exchange.0"]


def test_nobody_is_compared_without_consent(world: World, engine: Engine) -> None:
    with pytest.raises(ConsentDenied) as denied, guarded(world, world.caller(), b"voice"):
        engine(b"voice")
    assert "NO_CONSENT" in [r.code for r in denied.value.reasons]
    assert engine.got == []
    assert [row.end for row, _ in world.opened("denial")] == [None]
    assert world.opened("intent") == []


def test_operations_are_consented_to_one_by_one(world: World, willing: Speaker) -> None:
    with pytest.raises(ConsentDenied) as denied, guarded(world, willing, b"voice", "enrol"):
        pytest.fail("it was let in")
    assert "OPERATION_NOT_CONSENTED" in [r.code for r in denied.value.reasons]


def test_http_request_is_kept_without_where_it_goes_or_what_it_is_signed_with(
    world: World, willing: Speaker
) -> None:
    request = identify(token="t-1", region="north", operation="Identify")
    with guarded(world, [willing], request, lasts=7) as permit:
        assert permit.sending() == b'{"audio":"s-1"}'
        assert permit.token == "t-1"
        permit.answered(b"{}", 201, task="task-1", request_id="r-1", results=False)
    asked, answer = world.exchange("intent"), world.exchange("outcome")
    assert asked == asked | {
        "service": "voice.acme.example",
        "operation": "Identify",
        "method": "POST",
        "path": "/v1/identify",
        "query": "top=3",
        "region": "north",
        "token": "t-1",
        "token_from": "caller",
        "lasts_ms": 7000,
    }
    assert answer == answer | {"status": 201, "task": "task-1", "request_id": "r-1"}
    assert unb64(answer["response"]) == b"{}"


def test_audio_need_not_be_kept(world: World, willing: Speaker, engine: Engine) -> None:
    with guarded(world, willing, VendorRequest(body=b"voice", keep="digest")) as permit:
        permit.answered(permit.send(engine))
    asked = world.exchange("intent")
    assert "body" not in asked
    assert asked["body_size"] == 5
    assert unb64(asked["body_sha256"]).hex().startswith("c57d7e92")


def test_answer_of_too_many_bytes_is_a_success_all_the_same(world: World, willing: Speaker) -> None:
    with guarded(world, willing, b"voice") as permit:
        permit.sending()
        permit.answered(bytes(MAX_ANSWER + 1), task="task-1")
    answer = world.exchange("outcome")
    assert answer == answer | {"task": "task-1", "error": TOO_LARGE, "status": 200}
    assert world.ends() == ["succeeded"]


def test_speakers_of_a_registered_call_are_asked_about(world: World, willing: Speaker) -> None:
    world.register("tx-1", willing)
    with guarded(world, None, identify(call="tx-1")) as permit:
        permit.sending()
        permit.answered(b"{}")
    with pytest.raises(ConsentDenied) as denied, guarded(world, None, identify(call="tx-2")):
        pytest.fail("it was let in")
    assert [r.code for r in denied.value.reasons] == ["CALL_UNKNOWN"]


def test_speakers_who_are_passed_are_added_to_the_call(world: World, willing: Speaker) -> None:
    world.register("tx-1", willing)
    other = world.caller("1002")
    with (
        pytest.raises(ConsentDenied) as denied,
        guarded(world, [other], identify(call="tx-1")),
    ):
        pytest.fail("it was let in")
    assert [r.code for r in denied.value.reasons] == ["NO_CONSENT"]


def test_recording_is_judged_by_when_it_was_made(world: World, willing: Speaker) -> None:
    before = world.clock() - timedelta(days=1)
    with pytest.raises(ConsentDenied), guarded(world, willing, identify(captured_at=before)):
        pytest.fail("it was let in")
    asked = world.parts("denial")["decision.0"]["asked"]
    assert asked["audio_captured_at"] == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ConnectionRefusedError(), "not_sent"),
        (socket.gaierror(), "not_sent"),
        (ssl.SSLCertVerificationError(), "not_sent"),
        (ConnectionResetError(), "unknown"),
        (TimeoutError(), "unknown"),
        (ssl.SSLError(), "unknown"),
        (KeyboardInterrupt(), "unknown"),
        (LookupError(), "not_sent"),
    ],
)
def test_what_a_send_raises_says_how_it_ended(
    world: World, willing: Speaker, error: BaseException, end: str
) -> None:
    def send(_: bytes) -> None:
        raise error

    with (
        pytest.raises(type(error)),
        guarded(world, willing, identify(), not_sent=(LookupError,)) as permit,
    ):
        permit.send(send)
    assert world.ends() == [end]
    kind = "outcome" if end == "not_sent" else "observation"
    assert world.exchange(kind)["attempts"][0]["cause"] == type(error).__name__
    assert world.exchange(kind)["error"] == type(error).__name__


def test_what_an_engine_in_this_process_raises_never_says_that_nothing_was_done(
    world: World, willing: Speaker, engine: Engine
) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError

    engine.before_answering.append(refuse)
    with pytest.raises(ConnectionRefusedError), guarded(world, willing, b"v") as permit:
        permit.send(engine)
    assert world.ends() == ["unknown"]


@pytest.mark.parametrize(
    ("status", "end"),
    [(200, "succeeded"), (204, "succeeded"), (422, "rejected"), (429, "rejected"), (409, "rejected"),
     (408, "unknown"), (302, "unknown"), (503, "unknown")],
)  # fmt: skip
def test_status_says_how_a_request_ended(world: World, willing: Speaker, status: int, end: str) -> None:
    with guarded(world, willing, identify()) as permit:
        permit.sending()
        permit.answered(b"{}", status)
    assert world.ends() == [end]


def test_block_that_tells_nothing_stays_open(world: World, willing: Speaker) -> None:
    with guarded(world, willing, b"voice"):
        pass
    with guarded(world, willing, b"voice") as permit:
        permit.sending()
    assert world.ends() == ["unknown", "unknown"]
    assert world.exchange("observation")["attempts"][0]["cause"] == "Unanswered"


def test_block_that_sends_nothing_says_so(world: World, willing: Speaker) -> None:
    with pytest.raises(ZeroDivisionError), guarded(world, willing, b"voice"):
        _ = 1 / 0
    with guarded(world, willing, b"voice") as permit:
        permit.failed(sent=False)
    assert world.ends() == ["not_sent", "not_sent"]
    assert world.exchange("outcome")["attempts"] == []


def test_attempt_that_was_told_to_have_failed(world: World, willing: Speaker) -> None:
    with guarded(world, willing, b"voice") as permit:
        permit.sending()
        permit.failed(OSError(), sent=False)
    with guarded(world, willing, b"voice") as permit:
        permit.sending()
        permit.failed(OSError())
    assert world.ends() == ["not_sent", "unknown"]


def test_error_after_the_answer_takes_nothing_back(world: World, willing: Speaker) -> None:
    def search() -> None:
        with guarded(world, willing, b"voice") as permit:
            permit.sending()
            permit.answered(b"{}")
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        search()
    assert world.ends() == ["succeeded"]


def test_answer_without_an_attempt_is_refused_and_stays_open(world: World, willing: Speaker) -> None:
    with pytest.raises(InvalidInput, match="sending"), guarded(world, willing, b"v") as permit:
        permit.answered(b"{}")
    assert world.ends() == ["unknown"]


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("text", {}),
        (b"", {"status": 199}),
        (b"", {"status": 600}),
        (b"", {"status": True}),
        (b"", {"status": "200"}),
        (b"", {"task": ""}),
        (b"", {"request_id": "a\n"}),
        (b"", {"summary": []}),
        (b"", {"summary": {"score": 0.5}}),
    ],
)
def test_answer_that_cannot_be_kept_is_refused_and_stays_open(
    world: World, willing: Speaker, body: Any, more: dict[str, Any]
) -> None:
    def search() -> None:
        with guarded(world, willing, b"voice") as permit:
            permit.sending()
            permit.answered(body, **more)

    with pytest.raises(InvalidInput):
        search()
    assert world.ends() == ["unknown"]


def test_attempt_that_told_its_end_before_it_raised_is_what_it_told(world: World, willing: Speaker) -> None:
    def search() -> None:
        with guarded(world, willing, identify()) as permit:

            def send(_: bytes) -> None:
                permit.answered(b"{}", 422)
                with pytest.raises(InvalidInput, match="sending"):
                    permit.answered(b"{}", 422)
                raise LookupError

            permit.send(send)

    with pytest.raises(LookupError):
        search()
    assert world.ends() == ["rejected"]


def test_other_bytes_do_not_leave(world: World, willing: Speaker) -> None:
    body: dict[str, Any] = {"audio": "s-1"}
    request = identify(body=body)
    body["audio"] = "s-2"
    with pytest.raises(ConsentDenied) as denied, guarded(world, willing, request) as permit:
        permit.sending(b'{"audio":"s-2"}')
    assert [r.code for r in denied.value.reasons] == ["REQUEST_ALTERED"]
    assert world.ends() == ["not_sent"]
    with guarded(world, willing, request) as permit:
        permit.sending(b'{"audio":"s-1"}')
        permit.answered(b"{}")


def test_permit_runs_out(world: World, willing: Speaker, engine: Engine) -> None:
    def search() -> None:
        with guarded(world, willing, b"v") as permit:
            world.clock.advance(5)
            assert permit.send_by == world.clock()
            permit.send(engine)

    with pytest.raises(ConsentDenied) as denied:
        search()
    assert [r.code for r in denied.value.reasons] == ["PERMIT_EXPIRED"]
    assert engine.got == []
    assert world.ends() == ["not_sent"]


def test_refused_request_is_tried_again_under_one_intent(world: World, willing: Speaker) -> None:
    with guarded(world, willing, identify()) as permit:
        permit.sending()
        permit.answered(b"{}", 429)
        permit.sending()
        permit.failed(OSError(), sent=False)
        permit.sending()
        permit.answered(b"{}")
    assert len(world.opened("intent")) == 1
    assert world.ends() == ["succeeded"]
    attempts = world.exchange("outcome")["attempts"]
    assert [each.get("status") or each["cause"] for each in attempts] == [429, "OSError", 200]


def test_withdrawal_between_attempts_lets_no_further_one_out(world: World, willing: Speaker) -> None:
    def search() -> None:
        with guarded(world, willing, identify()) as permit:
            permit.sending()
            permit.answered(b"{}", 429)
            world.ivr.withdraw(willing, method="ivr_dtmf")
            permit.sending()

    with pytest.raises(ConsentDenied) as denied:
        search()
    assert [r.code for r in denied.value.reasons] == ["CONSENT_CHANGED"]
    assert world.ends() == ["rejected"]


@pytest.mark.parametrize("token", [None, "t-1"])
def test_what_may_have_been_done_is_repeated_only_under_a_token(
    world: World, willing: Speaker, token: str | None
) -> None:
    with guarded(world, willing, identify(token=token)) as permit:
        permit.sending()
        permit.answered(b"{}", 503)
        if token is None:
            with pytest.raises(InvalidInput, match="token"):
                permit.sending()
        else:
            permit.sending()
            permit.answered(b"{}")
    assert world.ends() == ["unknown" if token is None else "succeeded"]


def test_permit_serves_one_request(world: World, willing: Speaker) -> None:
    with guarded(world, willing, identify(token="t")) as permit:
        permit.sending()
        with pytest.raises(InvalidInput, match="under way"):
            permit.sending()
        permit.answered(b"{}")
        with pytest.raises(InvalidInput, match="was answered"):
            permit.sending()
        with pytest.raises(InvalidInput, match="No attempt"):
            permit.failed()
    for late in (permit.sending, lambda: permit.answered(b"{}"), permit.failed):
        with pytest.raises(InvalidInput, match="over"):
            late()


def test_permit_is_one_however_it_is_copied(world: World, willing: Speaker) -> None:
    with guarded(world, willing, identify()) as permit:
        assert copy.copy(permit) is permit
        assert copy.deepcopy(permit) is permit
        with pytest.raises(TypeError):
            pickle.dumps(permit)
        assert repr(permit) == f"<permit {permit.entry}>"
        assert permit.token == f"cg-{permit.entry}"
        assert not permit.shadow
        permit.failed(sent=False)


def test_block_is_entered_once(world: World, willing: Speaker) -> None:
    block = guarded(world, willing, b"voice")
    with block as permit:
        permit.failed(sent=False)
        with pytest.raises(InvalidInput, match="open here"):
            block.__enter__()
    with pytest.raises(InvalidInput, match="entered before"):
        block.__enter__()
    assert len(world.opened("intent")) == 1


def test_block_inside_another_is_refused(world: World, willing: Speaker, engine: Engine) -> None:
    with (
        pytest.raises(InvalidInput, match="open here"),
        guarded(world, willing, b"voice"),
        guarded(world, willing, b"voice"),
    ):
        engine(b"voice")
    assert engine.got == []
    assert world.ends() == ["not_sent"]
    with guarded(world, willing, b"voice") as permit:
        permit.answered(permit.send(engine))


def test_block_that_was_denied_lets_the_next_one_begin(world: World, willing: Speaker) -> None:
    with pytest.raises(ConsentDenied), guarded(world, world.caller("1002"), b"v"):
        pytest.fail("it was let in")
    with guarded(world, willing, b"voice") as permit:
        permit.failed(sent=False)


def test_generator_that_nobody_resumes_leaves_no_intent_open(world: World, willing: Speaker) -> None:
    def frames() -> Iterator[bytes]:
        with guarded(world, willing, b"voice") as permit:
            yield permit.sending()

    running = frames()
    next(running)
    with pytest.raises(InvalidInput, match="open here"), guarded(world, willing, b"voice"):
        pytest.fail("it was let in")
    del running
    assert world.ends() == ["unknown"]
    with guarded(world, willing, b"voice") as permit:
        permit.failed(sent=False)


def test_attempts_of_several_threads_follow_one_another(world: World, willing: Speaker) -> None:
    refused: list[Exception] = []
    sent: list[bytes] = []
    with guarded(world, willing, identify(token="t")) as permit:

        def race() -> None:
            try:
                sent.append(permit.sending())
            except InvalidInput as error:
                refused.append(error)

        threads = [threading.Thread(target=race) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        permit.answered(b"{}")
    assert (len(sent), len(refused)) == (1, 7)
    assert len(world.exchange("outcome")["attempts"]) == 1


def test_blocks_of_many_threads_are_apart(world: World, willing: Speaker, engine: Engine) -> None:
    def one(number: int) -> None:
        with guarded(world, willing, f"voice {number}".encode()) as permit:
            permit.answered(permit.send(engine))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert world.ends() == ["succeeded"] * 8
    bodies = sorted(unb64(parts["exchange.0"]["body"]) for _, parts in world.opened("intent"))
    assert bodies == sorted(engine.got)
