"""Reading packages, and copies of the world that may be changed."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.testing.clock import FrozenClock
from tests.packages import Exporter

ASKED: Final[dict[str, Any]] = {
    "purpose": "Subpoena",
    "recipient": "Roe & Partners",
    "report": False,
    "clear": True,
}


def lines(package: Path, path: str) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in (package / path).read_text().splitlines()]


def records(package: Path) -> list[dict[str, Any]]:
    """Read the readable records."""
    return lines(package, "data/records/records.jsonl")


def manifest(package: Path) -> dict[str, Any]:
    """Read the manifest."""
    found: dict[str, Any] = json.loads((package / "manifest.json").read_text())
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def copied(exporter: Exporter, folder: Path) -> Iterator[ConsentGate]:
    """A gate on a copy of the world's home, which may be changed."""
    home = folder / "copy"
    with exporter.world.gate._parts.database.read():
        shutil.copytree(exporter.world.home, home)
    clock = FrozenClock(exporter.world.clock())
    with ConsentGate(load_settings(home), clock=clock, background=False) as gate:
        yield gate
