"""Plays a page: saves its files, runs its commands in order, and compares what they print with what it shows.

A comment before a block says what it is. ``<!-- file: NAME -->`` saves it, or adds to the file.
``<!-- terminal N -->`` runs it in a terminal that stays busy, ``<!-- ends N -->`` presses Ctrl-C there first. Other
words are run only where a test asks for them. A block ``sh`` without a comment runs in the first terminal; a ``text``
block is its output.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.functional.docs.pages import ROOT

BLOCK = re.compile(r"(?:^<!-- ([^\n]+) -->\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"consentgate\.invalid/\S+"), "VKEY"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "ID"),
    (re.compile(r"\b\d+\b"), "N"),
    (re.compile(r"[ \t]+"), " "),
)
END = "-- end of the block --"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page, with the comment before it."""

    mark: str
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Every fenced block of a page, in order."""
    return [Block(mark=mark, language=lang, text=text) for mark, lang, text in BLOCK.findall(page)]


def files(page: str) -> dict[str, str]:
    """The files that a page tells its reader to save."""
    found: dict[str, str] = {}
    for block in blocks(page):
        kind, _, name = block.mark.partition(": ")
        if kind == "file":
            found[name] = found.get(name, "") + block.text
    return found


def plain(text: str) -> str:
    """Output without what differs between two runs."""
    for pattern, word in SHOWN:
        text = pattern.sub(word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def matches(shown: str, printed: str) -> bool:
    """Whether output is what a page shows; a line of three dots stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^\.\.\.$", plain(shown), flags=re.MULTILINE)]
    return re.fullmatch(r"\s*" + r"(?:.*\n)?.*".join(parts) + r"\s*", plain(printed), re.DOTALL) is not None


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def reader(folder: Path, *programs: str) -> dict[str, str]:
    """The environment of somebody whose home is a folder, with programs that run on this Python."""
    (folder / "bin").mkdir()
    for name in ("python", "python3", *programs):
        program = folder / "bin" / name
        module = "" if name.startswith("python") else f"-m {name}"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        program.chmod(0o755)
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("CONSENTGATE_", "PYTHON", "AWS_", "COV"))
    }
    return kept | {
        "HOME": str(folder),
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "PYTHONPATH": str(ROOT),
    }


@dataclass(slots=True)
class Terminal:
    """A shell that reads commands as a person types them, or one that is busy with what it was told first."""

    process: subprocess.Popen[str]

    @classmethod
    def opened(cls, folder: Path, environment: Mapping[str, str], *, busy_with: str | None = None) -> Self:
        command = ["bash", "-eu"] if busy_with is None else ["bash", "-euc", busy_with]
        return cls(
            subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE if busy_with is None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )

    def run(self, commands: str) -> str:
        """Run a block to its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{commands}echo '{END}'\n")
        self.process.stdin.flush()
        printed: list[str] = []
        for line in self.process.stdout:
            if line == f"{END}\n":
                return "".join(printed)
            printed.append(line)
        raise AssertionError("the block failed:\n" + commands + "".join(printed))

    def first_line(self) -> str:
        """What it prints first, for example its address."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def interrupt(self) -> str:
        """Press Ctrl-C, wait until it has ended, and give what it printed since."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        printed, _ = self.process.communicate(timeout=30)
        return printed

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@dataclass(slots=True)
class Player:
    """Plays a page in a folder that stands for the reader's home."""

    folder: Path
    environment: Mapping[str, str]
    working: Path
    marked: frozenset[str] = frozenset()
    replaced: dict[str, str] = field(default_factory=dict)
    busy: dict[str, Terminal] = field(default_factory=dict)
    printed: str = ""

    def play(self, page: str) -> int:
        """Play all blocks; the number of outputs that were compared."""
        first, compared = Terminal.opened(self.folder, self.environment), 0
        try:
            for block in blocks(page):
                if block.language == "text" and not block.mark:
                    shown = block.text
                    if len(shown.splitlines()) == 1 and (old := re.search(r"http://127.0.0.1:\d+", shown)):
                        self.replaced[old[0]] = self.printed.split()[-1]
                    printed = self.printed.replace(str(self.folder), "~")
                    assert matches(shown, printed), f"shown:\n{plain(shown)}\n\nprinted:\n{plain(printed)}"
                    compared += 1
                else:
                    self._play(first, block)
        finally:
            for terminal in (first, *self.busy.values()):
                terminal.close()
        return compared

    def _play(self, first: Terminal, block: Block) -> None:
        kind, _, name = block.mark.partition(" ")
        if kind == "file:":
            with (self.working / name).open("a", encoding="utf-8") as file:
                file.write(block.text)
        elif kind == "terminal":
            commands = block.text
            for old, new in self.replaced.items():
                commands = commands.replace(old, new)
            self.busy[name] = Terminal.opened(self.folder, self.environment, busy_with=commands)
            self.printed = self.busy[name].first_line()
        elif block.language == "sh" and kind in {"", "ends", *self.marked}:
            if kind == "ends":
                self.busy.pop(name).interrupt()
            self.printed = first.run(block.text)
