"""What a backend does all day, by many threads of one process, and what it must never see.

People come, consent, are searched for again and again, and say no or are joined by somebody without a consent. What
fails because the service or the database fails is counted and forgotten, as a backend would; everything else is kept
as a failure of the soak. Nothing here grows: who is long gone is forgotten, and what the end needs is in a file.
"""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from consentgate import NOBODY, ConsentDenied, ConsentGate, ConsentWithdrawn, Evidence, Speaker
from consentgate.errors import (
    ConsentGateError,
    InvalidInput,
    LogRefused,
    OutcomeNotRecorded,
    StatementRefused,
    Unavailable,
)
from consentgate.moment import from_text, system_clock
from consentgate.testing.events import in_kinesis, in_sns_and_sqs, in_sqs, search_event

ISS: Final = "https://ivr.acme.example"
LINE: Final = {
    "VoiceConnectorId": "abcdef1ghij2klmno3pqr4",
    "VoiceProfileDomainId": "voices",
    "CallLeg": "Caller",
}
_HOME: Final = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
_AT_ONCE: Final = 150
_RUNS: Final = timedelta(seconds=3)
# Reasons that say nothing about a person: the ledger could not answer.
_TROUBLE: Final = frozenset({"LEDGER_UNAVAILABLE", "LEDGER_BUSY", "CLOCK_DISAGREES", "PERMIT_EXPIRED"})


@dataclass(eq=False)
class Person:
    """A caller, as the backend knows them.

    Attributes:
        call: the call's name, and the person's.
        fallen: since when a request for this call must be denied, by `time.monotonic`; None while it is allowed.
        doubt: whether that is not known, since the database did not answer.
        running: tasks that run, as far as anybody was told.
    """

    call: str
    speaker: Speaker
    fallen: float | None = None
    doubt: bool = False
    running: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Made:
    """The tasks that the service made, by its log, each some seconds after; also those of which no answer told."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._lock = threading.Lock()

    def next(self) -> tuple[str, str] | None:
        """Give the id and the call of the next one that has run for a while, or None."""
        with self._lock, self._log.open() as file:
            file.seek(self._read)
            while (line := file.readline()).endswith("\n"):
                told = json.loads(line)
                if from_text(told["at"]) > system_clock() - _RUNS:
                    return None
                self._read = file.tell()
                if told["task"] is not None:
                    return told["task"], told["call"]
        return None


class Backend:
    """The threads and what they share.

    Attributes:
        tally: how often what happened.
        failures: what must not happen.
    """

    def __init__(
        self, gate: ConsentGate, clients: Sequence[Any], log: Path, journal: Path, seed: int
    ) -> None:
        self._gate = gate
        self._ivr = gate.issuer(ISS)
        self._clients = clients
        self._journal = journal
        self._seed = seed
        self._people: deque[Person] = deque(maxlen=_AT_ONCE)
        self._made = Made(log)
        self._unrecorded: deque[OutcomeNotRecorded] = deque()
        self._counting = threading.Lock()
        self._numbers = iter(range(1 << 60))
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.tally: Counter[str] = Counter()
        self.failures: list[BaseException] = []

    def start(self) -> None:
        """Let everybody begin."""
        work: list[tuple[str, Callable[[Random], object], float]] = [
            *[("comes", self.comes, 0.06)] * 3,
            *[("searches", self.searches, 0.01)] * 5,
            ("strangers", self.searches_for_nobody, 0.05),
            ("says no", self.says_no, 0.3),
            ("joins", self.is_joined, 0.8),
            *[("hears", self.hears, 0.04)] * 2,
            ("reconciles", self.reconciles, 2.0),
            ("looks", self.looks, 1.0),
        ]
        for number, (name, act, pause) in enumerate(work):
            dice = Random(f"{self._seed}-{number}")
            thread = threading.Thread(target=self._again, args=(name, act, pause, dice), name=f"soak {name}")
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let everybody end what they are at."""
        self._ended.set()
        for each in self._threads:
            each.join()

    @property
    def calls(self) -> int:
        """How many gated calls were made."""
        return self.tally["gated calls"]

    def comes(self, dice: Random) -> None:
        """Somebody calls, who consents, most of the time."""
        call = f"call-{next(self._numbers)}"
        person = Person(call, Speaker([("customer", call)], [_HOME], adult=True))
        if dice.random() < 0.1:
            person.fallen = time.monotonic()
        else:
            self._ivr.grant(person.speaker, notice="voiceprint", method="ivr_dtmf")
        self._gate.register_call(
            call, caller=[person.speaker], callee=NOBODY, recording_consent="all_parties"
        )
        self._people.append(person)
        self._count("came")

    def searches(self, dice: Random) -> None:
        """A search for somebody, which must be denied where it is known that they said no before it began."""
        person = self._anybody(dice)
        if person is None:
            return
        client = dice.choice(self._clients)
        fallen = person.fallen is not None and not person.doubt
        ended = self._search(client, person)
        if fallen and ended != "denied":
            raise AssertionError(f"{person.call} had said no, and the search ended {ended}")
        self._count(f"search: {ended}")

    def searches_for_nobody(self, dice: Random) -> None:
        """A search of a call that nobody registered."""
        try:
            dice.choice(self._clients).start_speaker_search_task(
                TransactionId=f"nobody-{next(self._numbers)}", **LINE
            )
        except ConsentDenied as denied:
            self._count("stranger: denied")
            codes = {each.code for each in denied.reasons}
            assert codes <= {"CALL_UNKNOWN", *_TROUBLE}, codes
        else:
            raise AssertionError("a call without speakers was searched")

    def says_no(self, dice: Random) -> None:
        """Somebody withdraws: what ran for them has a stop order from then on."""
        person = self._anybody(dice)
        if person is None or person.fallen is not None or dice.random() < 0.5:
            return
        self._fall(person, lambda: self._ivr.withdraw(person.speaker, method="ivr_dtmf"))
        self._count("withdrawn")

    def is_joined(self, dice: Random) -> None:
        """Somebody without a consent joins a call."""
        person = self._anybody(dice)
        if person is None or person.fallen is not None:
            return
        late = Speaker([("customer", f"late-{person.call}")], [_HOME], adult=True)
        self._fall(
            person,
            lambda: self._gate.register_call(
                person.call,
                caller=[person.speaker, late],
                callee=NOBODY,
                recording_consent="all_parties",
            ),
        )
        self._count("joined")

    def hears(self, dice: Random) -> None:
        """The vendor tells how a task went, more than once and in any order, or not at all; or is asked."""
        made = self._made.next()
        if made is None:
            return
        task, call = made
        person = next((each for each in list(self._people) if each.call == call), None)
        if person is not None:
            with person.lock:
                # From here on it may be on record that it ended: no stop order is owed any more.
                person.running.discard(task)
        chance = dice.random()
        if chance < 0.2:
            self._count("not told")
        elif chance < 0.4:
            self._asks(task)
        else:
            self._is_told(task, call, dice)

    def _asks(self, task: str) -> None:
        try:
            self._gate.poll(task)
        except InvalidInput:
            # Its answer was lost: nobody here knows of it.
            self._count("polled in vain")
        else:
            self._count("polled")

    def _is_told(self, task: str, call: str, dice: Random) -> None:
        told = [
            search_event(task, status, at=system_clock(), transaction=call)
            for status in ("IdentificationSuccessful", "VoiceprintGenerationSuccessful")
        ] * 2
        dice.shuffle(told)
        self._gate.notify(dice.choice([in_sqs, in_sns_and_sqs, in_kinesis])(*told))
        self._count("notified")

    def reconciles(self, dice: Random) -> None:
        """What nobody closed is closed; outcomes that could not be written are handed in."""
        del dice
        done = self._gate.reconcile()
        assert not done.stuck, done.stuck
        self._count("reconciled", len(done.closed))
        self.hand_in()

    def hand_in(self) -> None:
        """Hand in what could not be recorded."""
        while self._unrecorded:
            self._gate.record(self._unrecorded[0])
            self._unrecorded.popleft()

    def looks(self, dice: Random) -> None:
        """Somebody looks whether all is well; for as long as something fails it is not, and says so."""
        del dice
        try:
            self._gate.ready()
        except LogRefused:
            self._count("not ready")
        self._gate.open_stops()

    def _search(self, client: Any, person: Person) -> str:
        self._count("gated calls")
        try:
            answer = client.start_speaker_search_task(TransactionId=person.call, **LINE)
        except ConsentDenied as denied:
            trouble = {each.code for each in denied.reasons} & _TROUBLE
            if person.fallen is None and not person.doubt and not trouble:
                raise AssertionError(f"{person.call} has consented and was denied: {denied}") from denied
            return "denied"
        except ConsentWithdrawn:
            return "stopped"
        except OutcomeNotRecorded as lost:
            self._unrecorded.append(lost)
            return "not recorded"
        except (ClientError, BotoCoreError):
            return "failed"
        if "SpeakerSearchTask" not in answer:
            return "unreadable"
        task = answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]
        with person.lock:
            person.running.add(task)
        return "allowed"

    def _fall(self, person: Person, act: Callable[[], object]) -> None:
        """Do what makes the ground of a call fall; on return every task that ran before has a stop order."""
        with person.lock:
            ran = sorted(person.running)
            # Held on: a task that the vendor ends meanwhile may need no stop order.
            person.doubt = True
            act()
            person.fallen, person.doubt = time.monotonic(), False
        with self._journal.open("a") as file:
            file.write(json.dumps({"call": person.call, "ran": ran}) + "\n")

    def _anybody(self, dice: Random) -> Person | None:
        there = list(self._people)
        if dice.random() < 0.7:
            there = [person for person in there if person.fallen is None]
        return dice.choice(there) if there else None

    def _again(self, name: str, act: Callable[[Random], object], pause: float, dice: Random) -> None:
        while not self._ended.wait(dice.uniform(0.5, 1.5) * pause):
            try:
                act(dice)
            except (Unavailable, StatementRefused) as failure:
                self._count(f"{name}: {type(failure).__name__}")
            except (AssertionError, ConsentGateError, Exception) as failure:  # noqa: BLE001  # told at the end
                self.failures.append(failure)
                if len(self.failures) > 20:
                    return

    def _count(self, what: str, times: int = 1) -> None:
        with self._counting:
            self.tally[what] += times
