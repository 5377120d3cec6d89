"""Many processes on one ledger, and what ends them, or the server, while they work."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from consentgate.config.settings import Settings
from tests.functional.crash.journal import Reader

PATIENCE: Final = 400.0
_LOOK: Final = 0.02
_CHECKOUT: Final = Path(__file__).parents[3]


@dataclass
class Child:
    """A process that is begun again each time that it is killed, until it ends by itself."""

    role: str
    arguments: Sequence[str]
    folder: Path
    number: int
    kills: int = 0
    asked: bool = False
    _running: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"{self.role}-{self.number}"

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.name}.journal"

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def begin(self, settings: Settings) -> None:
        command = [sys.executable, "-W", "error", "-m", "tests.functional.crash.child", self.role]
        command += [str(settings.home), str(self.journal), *self.arguments]
        with self._told.open("ab") as told:
            self._running = subprocess.Popen(command, cwd=_CHECKOUT, stdout=told, stderr=told)

    def kill(self) -> None:
        assert self._running is not None
        self._running.kill()
        self._running.wait()
        self.kills += 1

    def ask_to_end(self) -> None:
        if self.alive and self._running is not None:
            self._running.send_signal(signal.SIGTERM)
            self.asked = True

    def require_ended(self) -> None:
        """Wait for its end, which is its own and without a complaint."""
        assert self._running is not None
        # One that was begun again just now may be asked before it listens.
        its_own = (0, -signal.SIGTERM) if self.asked else (0,)
        assert self._running.wait(PATIENCE) in its_own, f"{self.name}: {self.said()}"

    def said(self) -> str:
        return self._told.read_text()

    @property
    def _told(self) -> Path:
        return self.folder / f"{self.name}.told"


@dataclass
class Storm:
    """Writers that append so much each, sequencers that compete, and a signer."""

    settings: Settings
    folder: Path
    writers: int
    appends: int
    threads: int
    sequencers: int = 2
    children: list[Child] = field(init=False)
    dice: Random = field(default_factory=lambda: Random(5))

    def __post_init__(self) -> None:
        work = (str(self.appends), str(self.threads))
        counts = (("writer", work, self.writers), ("sequencer", (), self.sequencers), ("signer", (), 1))
        self.children = [
            Child(role=role, arguments=more, folder=self.folder, number=number)
            for role, more, count in counts
            for number in range(count)
        ]

    @property
    def goal(self) -> int:
        return self.writers * self.appends

    def of(self, role: str) -> list[Child]:
        return [each for each in self.children if each.role == role]

    def kill(self, role: str) -> None:
        """Kill one process of a kind, and begin it again."""
        alive = [each for each in self.of(role) if each.alive]
        if alive:
            child = self.dice.choice(alive)
            child.kill()
            child.begin(self.settings)

    def run(self, blows: Sequence[Callable[[], object]]) -> None:
        """Let them work, with blows that fall one after another while they do."""
        with self._begun():
            readers = [Reader(each.journal) for each in self.of("writer")]
            due = [self.goal * (n + 1) // (len(blows) + 1) for n in range(len(blows))]
            left, until = list(zip(due, blows, strict=True)), time.monotonic() + PATIENCE
            while any(each.alive for each in self.of("writer")):
                assert time.monotonic() < until, self._told()
                done = sum(each.look() for each in readers)
                if left and done >= left[0][0]:
                    left.pop(0)[1]()
                time.sleep(_LOOK)
            assert left == [], "it was over before every blow had fallen"
            for each in self.of("writer"):
                each.require_ended()
            # Those that keep the log go on, as long as nothing ended them but a blow.
            for each in self.of("sequencer") + self.of("signer"):
                each.ask_to_end()
                each.require_ended()
            assert sum(each.look() for each in readers) == self.goal

    @contextmanager
    def _begun(self) -> Iterator[None]:
        for each in self.children:
            each.begin(self.settings)
        try:
            yield
        finally:
            for each in self.children:
                if each.alive:
                    each.kill()

    def _told(self) -> str:
        return "\n".join(f"{each.name}: {each.said()}" for each in self.children)


def kills(storm: Storm, *, writers: int, sequencers: int, signers: int) -> list[Callable[[], object]]:
    """Kill so many of each kind, in any order."""
    roles = ["writer"] * writers + ["sequencer"] * sequencers + ["signer"] * signers
    storm.dice.shuffle(roles)
    return [partial(storm.kill, role) for role in roles]
