"""Anchors: places outside the database that keep checkpoints, so that nobody can put an older log in their place.

Order of effects: 1 read the newest checkpoint, and hold it against the log's key and the stored tree; 2 put it into
the anchor; 3 write down what the anchor answered. A crash between 2 and 3 is repaired by the next pass: putting the
same checkpoint again gives the same evidence.

Invariants: a call never waits for an anchor; each anchor has a thread of its own, so that one which is slow or dead
keeps no other from its checkpoints; only checkpoints of the log's own key, over the tree that is stored, leave the
house. What went wrong last with each anchor stands in `failures` until it takes a checkpoint again, and is said in a
warning; so is a row that says of an anchor what cannot be, and the anchor gets its checkpoints all the same.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Final, Protocol

from consentgate.errors import ConsentGateError, Unavailable
from consentgate.log.owed import doubt_about, owed_to
from consentgate.log.tree import stored_nodes
from consentgate.moment import floor
from consentgate.storage import anchors, deployment
from consentgate.storage.anchors import AnchorRow
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.tlog.checkpoint import Checkpoint
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.proof import consistency_proof
from consentgate.values import dataclass

EVERY_S: Final = 60.0

_LOG: Final = logging.getLogger("consentgate")
_REFUSES: Final = "The anchor %s takes no checkpoints: %s"
_DOUBTED: Final = "What the database says of the anchor %s cannot be: %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A checkpoint for an anchor.

    Attributes:
        head: what it claims.
        note: the signed note.
        before: size of the checkpoint that the anchor took last, as far as that is written down; 0 for none.
        consistency: gives the proof that the checkpoint continues the tree of a smaller size.
    """

    head: Checkpoint
    note: str = field(repr=False)
    before: int
    consistency: Callable[[int], tuple[bytes, ...]] = field(repr=False)


class Anchor(Protocol):
    """A place outside the database that keeps checkpoints and gives none back.

    Attributes:
        name: what the settings call it.
        kind: ``directory``, ``s3`` or ``witness``.
    """

    @property
    def name(self) -> str:
        """What the settings call it."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    def put(self, submitted: Submission) -> str:
        """Keep a checkpoint; durable on return, and the same again for the same checkpoint.

        Args:
            submitted: the checkpoint. It may be smaller than one that is kept already, where two processes anchor.

        Returns:
            The evidence: where it lies, or the signature over it. It is verified already.

        Raises:
            LogRefused: the anchor keeps what contradicts the checkpoint.
            Misconfigured: the anchor is not as the settings say, or does not know this log.
            Unavailable: it is out of reach.
        """
        ...

    def kept(self, heads: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        """Say which of some checkpoints are kept here, as far as the anchor can tell without keeping anything.

        Args:
            heads: checkpoints of one log, in order of sizes.

        Returns:
            Those of them that are.

        Raises:
            Misconfigured: the anchor is not as the settings say.
            Unavailable: it is out of reach.
        """
        ...


class _Line:
    """One anchor's thread in this process, and what became of it."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.due = 0.0
        self.failure: ConsentGateError | None = None
        self.warned: str | None = None

    @property
    def busy(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def join(self, seconds: float) -> None:
        if self.thread is not None:
            self.thread.join(max(0.0, seconds))


class Anchorer:
    """Puts the newest checkpoint into each anchor that lacks it."""

    def __init__(
        self,
        database: Database,
        places: Sequence[Anchor],
        *,
        key_of: Callable[[int], NoteKey],
        log: int | None = None,
        within: float,
        ends_within: float,
        every: float = EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is put anywhere before `begin` or `once`.

        Args:
            database: where the checkpoints are.
            places: the anchors; their names differ.
            key_of: gives the public key of the log of a number.
            log: number of the log; None follows the one that grows, from epoch to epoch.
            within: how many seconds `once` waits for all of them.
            ends_within: how many seconds `stop` does.
            every: seconds between two checkpoints for one anchor, at least, of all processes together.
            monotonic: seconds that never jump.
        """
        self._within, self._ends_within = within, ends_within
        self._database = database
        self._places = tuple(places)
        self._key_of = key_of
        self._fixed = log
        self._every = every
        self._monotonic = monotonic
        self._lines: dict[int, dict[str, _Line]] = {}
        self._ended = False

    @property
    def failures(self) -> Mapping[str, ConsentGateError]:
        """What went wrong last, by the anchor's name; nothing for one that took its last checkpoint."""
        return {name: line.failure for name, line in self._current().items() if line.failure is not None}

    def begin(self) -> None:
        """Start what is due, and return at once."""
        now = self._monotonic()
        for place in self._places:
            line = self._current()[place.name]
            if not line.busy and now >= line.due and not self._ended:
                line.due = now + self._every
                self._start(place, line, at_once=False)

    def once(self) -> None:
        """Bring every anchor up to the newest checkpoint, whether it is due or not.

        One that takes longer than it is waited for goes on by itself, and its thread ends with the process.
        """
        end = self._monotonic() + self._within
        lines = self._current()
        for place in self._places:
            if not lines[place.name].busy:
                self._start(place, lines[place.name], at_once=True)
        for line in lines.values():
            line.join(end - self._monotonic())

    def stop(self) -> None:
        """Start nothing more, and wait for what is under way; what takes longer is put again by who anchors next."""
        self._ended = True
        end = self._monotonic() + self._ends_within
        for line in self._current().values():
            line.join(end - self._monotonic())

    def _current(self) -> dict[str, _Line]:
        # A fork leaves the parent's threads behind.
        return self._lines.setdefault(os.getpid(), {each.name: _Line() for each in self._places})

    def _start(self, place: Anchor, line: _Line, *, at_once: bool) -> None:
        line.thread = threading.Thread(
            target=self._keep,
            args=(place, line, at_once),
            name=f"consentgate-anchor-{place.name}",
            daemon=True,
        )
        try:
            line.thread.start()
        except RuntimeError:
            # The system gives no thread now: the next pass asks again.
            line.thread = None

    def _keep(self, place: Anchor, line: _Line, at_once: bool) -> None:
        try:
            doubt = self._put(place, at_once=at_once)
        except ConsentGateError as failure:
            self._failed(line, _REFUSES, place.name, failure)
        except Exception as error:  # noqa: BLE001  # ADR 21: nobody else sees what ends this thread
            # A driver's own fault, or ours: whoever waits for this thread has to learn of it.
            fault = Unavailable(f"The anchor {place.name} failed ({type(error).__name__}).")
            fault.__cause__ = error
            self._failed(line, _REFUSES, place.name, fault)
        else:
            if doubt is not None:
                self._failed(line, _DOUBTED, place.name, doubt)
                return
            if line.warned is not None:
                _LOG.info("The anchor %s takes checkpoints again.", place.name)
            line.failure, line.warned = None, None

    def _failed(self, line: _Line, said: str, name: str, failure: ConsentGateError) -> None:
        line.failure = failure
        # What was stopped while it was under way is nobody's alarm.
        if line.warned != said and not self._ended:
            line.warned = said
            _LOG.warning(said, name, failure)

    def _put(self, place: Anchor, *, at_once: bool) -> ConsentGateError | None:
        """Put what the anchor lacks; gives what is doubtful about its rows."""
        now = floor(self._database.clock())

        def rests(last: datetime) -> bool:
            # By the rows, since other processes anchor too.
            return not at_once and 0 <= (now - last).total_seconds() < self._every

        # 1 read
        with self._database.read() as connection:
            log = deployment.current_log(connection) if self._fixed is None else self._fixed
            doubt = doubt_about(connection, place.name, log=log)
            owed = owed_to(connection, place.name, key_of=self._key_of, log=log, rests=rests)
        if owed is None:
            return doubt

        def proof(head: Checkpoint) -> Callable[[int], tuple[bytes, ...]]:
            def consistency(old: int) -> tuple[bytes, ...]:
                with self._database.read() as inside:
                    return consistency_proof(old, head.size, stored_nodes(inside, head.size, log=log))

            return consistency

        # 2 put: first what is kept there and was never written down, since somebody was killed in between
        for kept in (*place.kept(tuple(owed.between)), owed.head):
            note = owed.between.get(kept, owed.note)
            self._put_one(
                place, log, Submission(head=kept, note=note, before=owed.before, consistency=proof(kept))
            )
        return doubt

    def _put_one(self, place: Anchor, log: int, submission: Submission) -> None:
        evidence = place.put(submission)
        # 3 write down
        row = AnchorRow(
            name=place.name,
            size=submission.head.size,
            kind=place.kind,
            evidence=evidence,
            at=floor(self._database.clock()),
        )
        try:
            self._database.write(lambda connection: anchors.insert_anchor(connection, row, log=log))
        except Duplicate:
            # Another process was as fast; what it wrote is about the same checkpoint.
            return
