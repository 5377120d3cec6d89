"""Reading packages, and copies of the world that may be changed."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.timestamping import TimestampSettings
from consentgate.testing.clock import FrozenClock
from tests.packages import Exporter, keep_log
from tests.tsa import Tsa

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


@contextmanager
def stamping(exporter: Exporter, folder: Path, tsa: Tsa) -> Iterator[ConsentGate]:
    """A gate on a copy, whose settings name the authority."""
    with copied(exporter, folder) as gate:
        home = gate._parts.settings.home
        table = f'\n[timestamps]\nurl = "{tsa.url}"\ncertificates = "{tsa.certificates}"\n'
        with (home / "consentgate.toml").open("a") as file:
            file.write(table)
        settings = TimestampSettings(url=tsa.url, certificates=tsa.certificates)
        gate._parts = replace(gate._parts, settings=replace(gate._parts.settings, timestamps=settings))
        keep_log(gate)
        yield gate
