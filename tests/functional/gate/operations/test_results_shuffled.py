"""At least once, in no order, before the answer, after it, after reconciling: the state is the same in the end.

Of every operation that starts something, and of enrolments. A queue is played: what `notify` says is to be handed in
again comes again. On SQLite alone: what is proved is the linking and the fold, and both databases append by the same
tests (test_linking.py, test_progress.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from consentgate.ledger.progress import fold, state_of
from consentgate.ledger.tasks import find_task
from consentgate.testing import events
from consentgate.testing.clock import START
from consentgate.testing.events import WRAPPINGS, Event
from tests.functional.gate.operations.conftest import DOMAIN_ARN, PIPELINE, Stage, source, stage, tone

__all__ = ["stage"]

pytestmark = pytest.mark.sqlite_file

NUMBERS: Iterator[int] = iter(range(1_000_000))
MOMENTS: Final = ("meanwhile", "answered", "reconciled")
FOREIGN: Final = "task-of-nobody"
SEARCH: Final = (
    "IdentificationSuccessful",
    "IdentificationNoMatchesFound",
    "VoiceprintGenerationSuccess",
    "VoiceprintGenerationFailure",
    "STOPPED",
    "a word that nobody knows",
)
TONE: Final = (
    "VoiceToneAnalysisSuccessful",
    "VoiceToneAnalysisFailure",
    "VoiceToneAnalysisCompleted",
    "FAILED",
    "STOPPED",
    "a word that nobody knows",
)

# What is told once: the status, the second, with results or not; with its call, by its task alone, of a type that
# nobody knows, or without a status; with members that nobody knows or without.
Told = tuple[int, int, bool, str, bool]
TOLD: Final = st.tuples(
    st.integers(0, 5),
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from(["whole", "bare", "unknown", "malformed"]),
    st.booleans(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What the vendor tells during a call: of its task, perhaps a summary, perhaps of a task that is nobody's."""

    told: Sequence[Told]
    summary: bool
    foreign: bool


LIVES: Final = st.builds(
    Life,
    # The first tells of task and call: nobody could link a task whose answer was lost without such a one.
    told=st.tuples(TOLD, st.lists(TOLD, max_size=4)).map(
        lambda each: [(*each[0][:3], "whole", False), *each[1]]
    ),
    summary=st.booleans(),
    foreign=st.booleans(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A gated request that is about to be made.

    Attributes:
        send: makes it.
        named: how events name its call.
        tone: whether its events are those of an analysis of a tone.
        task: the task that events are about, where it was started before.
    """

    send: Callable[[], object]
    named: dict[str, Any]
    tone: bool = False
    task: str | None = None


def search(stage: Stage, transaction: str) -> Asked:
    stage.world.register(transaction, stage.world.caller())
    return Asked(send=lambda: stage.world.search(transaction), named={"transaction": transaction})


def tone_analysis(stage: Stage, transaction: str) -> Asked:
    stage.world.register(transaction, stage.world.caller())
    asked = tone(transaction)
    return Asked(
        send=lambda: stage.voice.start_voice_tone_analysis_task(**asked),
        named={"transaction": transaction},
        tone=True,
    )


def enrolment(stage: Stage, transaction: str) -> Asked:
    task = stage.searched(stage.world.caller(), transaction=transaction)
    return Asked(send=lambda: stage.create(task), named={"transaction": transaction}, task=task)


def piped(stage: Stage, transaction: str) -> tuple[dict[str, Any], dict[str, Any]]:
    stream = f"arn:aws:kinesisvideo:us-east-1:111122223333:stream/{transaction}/1767225600000"
    known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
    stage.world.gate.register_stream(PIPELINE, stream, 0, [stage.world.caller()], **known)
    asked = {"Identifier": PIPELINE, **source(StreamArn=stream)}
    return asked, {"mediaInsightsPipelineId": PIPELINE, "streamArn": stream, "channelId": 0}


def pipeline_search(stage: Stage, transaction: str) -> Asked:
    asked, named = piped(stage, transaction)
    asked["VoiceProfileDomainArn"] = DOMAIN_ARN
    return Asked(send=lambda: stage.pipelines.start_speaker_search_task(**asked), named=named)


def pipeline_tone(stage: Stage, transaction: str) -> Asked:
    asked, named = piped(stage, transaction)
    asked["LanguageCode"] = "en-US"
    return Asked(send=lambda: stage.pipelines.start_voice_tone_analysis_task(**asked), named=named, tone=True)


def messages(life: Life, asked: Asked, made: str) -> list[Event]:
    """What the vendor tells, in the order of its own time or not.

    Args:
        life: what happens.
        asked: the request.
        made: the vendor's id of what it started or made.
    """
    task = asked.task or made
    found = [_message(told, asked, task) for told in life.told]
    if life.summary and "transaction" in asked.named:
        created = [(made, START)] if asked.task else []
        found.append(
            events.post_call_event(
                asked.named["transaction"], at=START + timedelta(minutes=5), created=created
            )
        )
    if life.foreign:
        found.append(_message((4, 1, False, "whole", False), asked, FOREIGN))
    return [each | {"id": f"event-{number}"} for number, each in enumerate(found)]


def _message(told: Told, asked: Asked, task: str) -> Event:
    which, seconds, results, sort, extra = told
    at, named = START + timedelta(seconds=seconds), {} if sort == "bare" else asked.named
    status = "" if sort == "malformed" else (TONE if asked.tone else SEARCH)[which]
    if asked.tone:
        made = events.tone_event(task, status, at=at, label="positive" if results else None, **named)
    else:
        matches = [("vp-1", 0.9)] if results else None
        made = events.search_event(task, status, at=at, matches=matches, **named)
    if sort == "unknown":
        made["detail-type"] = "VoiceMoodStatus"
    if extra:
        made["newMember"] = {"of": ["the vendor", 7]}
        made["detail"]["newMember"] = None
    return made


# Which message, when, wrapped in what.
Delivery = tuple[int, str, str]
PLANS: Final = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(MOMENTS), st.sampled_from(list(WRAPPINGS))),
    min_size=7,
    max_size=12,
)
ONE: Final = Life(told=[(0, 0, False, "whole", False)], summary=False, foreign=False)
AND_FOREIGN: Final = Life(told=ONE.told, summary=False, foreign=True)


class Queue:
    """Brings each message at its moments; what is to be handed in again comes at the next one too."""

    def __init__(self, stage: Stage, deliveries: Sequence[Delivery]) -> None:
        self._stage = stage
        self._deliveries = deliveries
        self.messages: list[Event] = []
        self.left: list[tuple[Event, str]] = []
        self.bypasses: set[str] = set()

    def bring(self, moment: str) -> None:
        due = self.left + [
            (self.messages[which], wrapping) for which, when, wrapping in self._deliveries if when == moment
        ]
        self.left, self.bypasses = [], set()
        for message, wrapping in due:
            (item,) = self._stage.world.gate.notify(WRAPPINGS[wrapping](message)).items
            self.bypasses |= {each.id for each in item.bypasses}
            if item.again:
                self.left.append((message, wrapping))


def followed(stage: Stage, asked: Asked, life: Life, deliveries: Sequence[Delivery], *, lost: bool) -> Any:
    """Send a request, hand in what arrives, reconcile, and give what is known in the end."""
    queue, made, door = Queue(stage, deliveries), list[str](), stage.world.gate._door
    finish = door.finish

    def answered(permit: Any, exchange: Any, *more: Any) -> Any:
        made.append(exchange.task)
        queue.messages = messages(life, asked, exchange.task)
        queue.bring("meanwhile")
        return None if lost else finish(permit, exchange, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door, "finish", answered)
        asked.send()
    queue.bring("answered")
    stage.world.clock.advance(timedelta(hours=1))
    stage.world.gate.reconcile()
    queue.bring("reconciled")
    queue.bring("whatever is left")
    (task,) = made
    # Only what is nobody's is left, and nothing else counts as having passed the gate by.
    assert {each["detail"]["taskId"] for each, _ in queue.left} <= {FOREIGN}
    assert queue.bypasses <= {FOREIGN}
    # A service runs so many tasks and no more, and a domain holds so many profiles.
    if asked.task is None and "transaction" in asked.named:
        stage.world.server.finish(task)
    elif asked.task is not None:
        stage.voice.delete_voice_profile(VoiceProfileId=task)
    return known(stage, asked.task or task)


def known(stage: Stage, task: str) -> tuple[Any, ...]:
    """What is known of a task, without ids that are another's for another task, and without what the gate asked."""
    book, database = stage.world.gate._parts.book, stage.world.gate._parts.database
    with database.read() as connection:
        record = find_task(connection, book, None, task)
        assert record is not None
        state = state_of(book, connection, record.intent.id)
    told = fold(each for each in state.sightings if each.source == "notification")
    sightings = sorted((each.status, str(each.at), each.results) for each in told.sightings)
    return (record.end, told.status, told.at, told.ended, told.results, state.task in (None, task), sightings)


@pytest.fixture
def consented(stage: Stage) -> Stage:
    """A caller who may be searched, analysed and enrolled."""
    stage.consent(stage.world.caller())
    return stage


@pytest.mark.parametrize("begin", [search, tone_analysis, enrolment, pipeline_search, pipeline_tone])
@settings(
    max_examples=12,
    deadline=None,
    # Each example takes a tenth of a second: to find a smaller one would take minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(life=LIVES, lost=st.booleans(), plan=PLANS, seed=st.integers(0, 1 << 30))
# The end of a task that is nobody's comes while ours is being started; ours is told of after it was given up.
@example(life=AND_FOREIGN, lost=False, plan=[(0, "answered", "SQS"), *[(1, "meanwhile", "SQS")] * 7], seed=3)
@example(life=ONE, lost=True, plan=[(0, "reconciled", "SNS")] * 8, seed=3)
def test_any_moment_order_wrapping_and_repetition_gives_the_same_state(
    consented: Stage,
    begin: Callable[[Stage, str], Asked],
    life: Life,
    lost: bool,
    plan: list[Delivery],
    seed: int,
) -> None:
    asked = begin(consented, f"tx-{next(NUMBERS)}")
    if lost:
        # Of a request whose end nobody knows, anything that its call tells may be it.
        life = Life(told=life.told, summary=life.summary, foreign=False)
    count = len(messages(life, asked, ""))
    # Each comes once, some more often.
    shuffled = [
        (each[0] % count if number >= count else number, *each[1:]) for number, each in enumerate(plan)
    ]
    Random(seed).shuffle(shuffled)
    found = followed(consented, asked, life, shuffled, lost=lost)
    plain = [(which, "answered", "EventBridge") for which in range(count)]
    once = followed(consented, begin(consented, f"tx-{next(NUMBERS)}"), life, plain, lost=False)
    assert found == once
