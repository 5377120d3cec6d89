"""Notifications are read as they come: in any wrapping, with the documents' own contradictions, and none is lost."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.aws.envelopes import LIMIT
from consentgate.aws.notifications import Notification, read
from consentgate.testing import events
from consentgate.testing.clock import START
from consentgate.testing.events import WRAPPINGS, search_event

MATCHES = [("vp-1", 0.94567856), ("vp-2", 0.5)]


def one(event: object) -> Notification:
    """Read one notification."""
    (found,) = read(event)
    return found


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_the_same_event_is_the_same_whatever_it_comes_in(wrap: Callable[..., Any]) -> None:
    first = search_event("task-1", "IdentificationSuccessful", matches=MATCHES, transaction="tx-1")
    second = events.tone_event("task-2", "VoiceToneAnalysisCompleted")
    plain = [one(first), one(second)]
    found = read(wrap(first, second))
    assert [each.digest for each in found] == [each.digest for each in plain]
    assert [(each.task, each.status, each.at) for each in found] == [
        ("task-1", "IdentificationSuccessful", START),
        ("task-2", "VoiceToneAnalysisCompleted", START),
    ]
    assert all(json.loads(each.body) in (first, second) for each in found)


@pytest.mark.parametrize("wrap", [events.in_sqs, events.in_sns_and_sqs, events.in_sns, events.in_kinesis])
def test_each_record_of_a_batch_has_its_name(wrap: Callable[..., Any]) -> None:
    found = read(wrap(search_event("task-1", "x"), search_event("task-2", "x")))
    assert [each.record for each in found] == ["message-0", "message-1"]


def test_an_event_by_itself_has_no_record() -> None:
    assert one(search_event("task-1", "x")).record is None


def test_what_boto3_reads_of_a_stream_is_taken() -> None:
    event = search_event("task-1", "x")
    found = one({"Records": [{"SequenceNumber": "49", "Data": json.dumps(event).encode()}]})
    assert (found.task, found.record) == ("task-1", "49")


def test_a_pipe_that_parsed_the_body_is_taken() -> None:
    assert one([{"messageId": "1", "body": search_event("task-1", "x")}]).record == "1"


@pytest.mark.parametrize("nothing", [{"Records": []}, events.received(), [], "[]"])
def test_a_batch_of_nothing_is_nothing(nothing: object) -> None:
    assert read(nothing) == ()


def test_both_spellings_of_a_voiceprint_are_one_status() -> None:
    spellings = ("VoiceprintGenerationSuccess", "VoiceprintGenerationSuccessful")
    assert {one(search_event("task-1", each)).status for each in spellings} == {
        "VoiceprintGenerationSuccessful"
    }


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ("0.94", 0.94),
        (0.94, 0.94),
        (1, 1.0),
        ("high", None),
        ("nan", None),
        ("2", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_a_score_is_a_text_or_a_number(given: object, read_as: float | None) -> None:
    event = search_event("task-1", "IdentificationSuccessful", matches=[("vp-1", 0.5)])
    event["detail"]["speakerSearchDetails"]["results"][0]["confidenceScore"] = given
    (match,) = one(event).matches
    assert (match.profile, match.score) == ("vp-1", read_as)


def test_a_match_without_a_profile_is_none_and_the_event_stands() -> None:
    event = search_event("task-1", "IdentificationSuccessful", matches=MATCHES)
    event["detail"]["speakerSearchDetails"]["results"] += ["odd", {"confidenceScore": "1"}]
    assert len(one(event).matches) == 2


def test_scores_and_profiles_are_no_part_of_the_summary() -> None:
    event = search_event("task-1", "IdentificationSuccessful", matches=MATCHES, somethingNew={"vp": "vp-3"})
    found = one(event)
    assert found.results
    assert "vp-" not in json.dumps(found.summary)
    assert "vp-" not in repr(found)
    assert "0.94" not in repr(found)
    assert found.summary["detail"] == {"taskId": "task-1", "detailStatus": "IdentificationSuccessful"}


def test_an_event_without_results_carries_none() -> None:
    found = one(search_event("task-1", "VoiceprintGenerationFailure", transaction="tx-1"))
    assert not found.results
    assert (found.transaction, found.connector, found.is_caller) == ("tx-1", events.CONNECTOR, True)


@pytest.mark.parametrize("where", ["detail", "around"])
def test_a_member_that_nobody_knows_lies_with_the_results(where: str) -> None:
    event = search_event("task-1", "x")
    (event["detail"] if where == "detail" else event)["new"] = "somebody else's name"
    assert one(event).results


def test_an_event_of_a_pipeline_names_pipeline_stream_and_channel() -> None:
    event = search_event(
        "task-1", "x", mediaInsightsPipelineId="p-1", streamArn="arn:aws:kinesisvideo:s", channelId=0
    )
    found = one(event)
    assert (found.pipeline, found.stream, found.channel) == ("p-1", "arn:aws:kinesisvideo:s", 0)
    event["detail"]["channelId"] = "1"
    assert one(event).channel == 1


@pytest.mark.parametrize("channel", [2, True, "x", None])
def test_a_channel_is_zero_or_one(channel: object) -> None:
    assert one(search_event("task-1", "x", channelId=channel)).channel is None


@pytest.mark.parametrize(("given", "read_as"), [("true", True), ("False", False), (None, None), ("x", None)])
def test_a_leg_may_be_spelled_as_a_text(given: object, read_as: bool | None) -> None:
    assert one(search_event("task-1", "x", isCaller=given)).is_caller is read_as


def test_a_call_that_can_be_analysed_is_told_apart() -> None:
    found = one(events.ready_event("tx-1"))
    assert (found.sort, found.transaction) == ("ready", "tx-1")


def test_the_summary_after_a_call_names_the_profiles_that_were_made_and_updated() -> None:
    later = START + timedelta(minutes=1)
    event = events.post_call_event("tx-1", best="vp-9", created=[("vp-1", START)], updated=[("vp-2", later)])
    event["detail"]["speakerSearchResults"]["updateVoiceProfileTransactions"].append({"voiceProfileId": 7})
    found = one(event)
    assert found.sort == "call_over"
    assert found.results
    assert [(each.how, each.profile, each.at) for each in found.changes] == [
        ("create", "vp-1", START),
        ("update", "vp-2", later),
    ]


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("2026-11-22T12:00:00Z", START),
        ("2026-11-22T12:00:00.563441Z", START + timedelta(milliseconds=563)),
        ("2026-11-22T13:00:00+01:00", START),
        ("2026-11-22T12:00:00", START),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("x" * 100, None),
        (1795348800, START),
        (1e300, None),
        (True, None),
    ],
)
def test_a_time_is_taken_in_utc_or_not_at_all(time: object, at: datetime | None) -> None:
    event = search_event("task-1", "x")
    event["time"] = time
    assert one(event).at == at


@pytest.mark.parametrize("word", ["IdentificationPostponed", "A new word"])
def test_a_status_that_nobody_knows_is_one(word: str) -> None:
    found = one(search_event("task-1", word))
    assert (found.sort, found.status) == ("task", word)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "aws.s3"},
        {"detail-type": "SpeakerSearchInvented"},
        {"detail-type": None},
    ],
)
def test_a_type_or_source_that_nobody_knows_is_unknown(change: dict[str, Any]) -> None:
    found = one(search_event("task-1", "x") | change)
    assert found.sort == "unknown"
    assert found.trouble
    assert found.task == "task-1"


def test_a_status_of_a_call_that_nobody_knows_is_unknown() -> None:
    event = events.ready_event("tx-1")
    event["detail"]["detailStatus"] = "AnalyticsPostponed"
    assert one(event).sort == "unknown"


@pytest.mark.parametrize("message", ["hello", {"Type": "SubscriptionConfirmation", "Message": "You chose"}])
def test_what_is_no_event_is_told_apart(message: object) -> None:
    assert one(message).sort == ("malformed" if message == "hello" else "unknown")


@pytest.mark.parametrize("status", [None, "", 7, "x" * 129, "née", "a\nb"])
def test_an_event_without_a_status_is_malformed_and_keeps_its_task(status: object) -> None:
    event = search_event("task-1", "x")
    event["detail"]["detailStatus"] = status
    found = one(event)
    assert (found.sort, found.status, found.task, found.at) == ("malformed", "unreadable", "task-1", None)


@pytest.mark.parametrize(
    "message",
    [
        {"source": "aws.chime", "detail-type": "SpeakerSearchStatus"},
        {"detail-type": "SpeakerSearchStatus", "detail": "text"},
        "{",
        b"\xff",
        b"7",
        7,
        None,
        "[" * 100_000,
        {"body": {"body": {"body": {"body": {"body": {"body": {"body": {"body": {}}}}}}}}},
        {"kinesis": {"data": "not base64!"}},
        b'{"detail":' + b" " * LIMIT + b"{}}",
    ],
)
def test_what_cannot_be_read_is_malformed_and_says_why(message: object) -> None:
    found = one(message)
    assert found.sort == "malformed"
    assert found.trouble


def test_one_that_cannot_be_read_keeps_no_other_from_being_read() -> None:
    batch = events.in_sqs(search_event("task-1", "x"), search_event("task-2", "x"))
    batch["Records"][0]["body"] = "{"
    found = read(batch)
    assert [(each.sort, each.record) for each in found] == [("malformed", "message-0"), ("task", "message-1")]


def test_an_object_without_bytes_that_is_too_long_is_malformed() -> None:
    event = search_event("task-1", "x", more="x" * LIMIT)
    assert one(event).sort == "malformed"


def test_an_object_that_cannot_be_written_is_malformed() -> None:
    ring: dict[str, Any] = {}
    ring["detail"] = ring
    assert one(ring).sort == "malformed"


def test_ids_are_texts_of_sane_length() -> None:
    event = search_event("task-1", "x", transactionId="x" * 1025, callId=9)
    event["detail"]["taskId"] = "\ud800"
    found = one(event)
    assert (found.transaction, found.call, found.task) == (None, None, "?")
    assert found.results


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_comes_is_read(value: object) -> None:
    for each in read(value):
        assert each.sort in ("unknown", "malformed")


def test_times_are_in_utc() -> None:
    at = one(search_event("task-1", "x")).at
    assert at is not None
    assert at.tzinfo is UTC
