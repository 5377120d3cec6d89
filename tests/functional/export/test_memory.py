"""Memory while a package is written and verified: bytes for each further record, by what Python sets aside.

What SQLite and typst set aside is not seen here: the one has a cache of 2 MiB for each list, the other a thousand
entries for each document.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from consentgate.crypto.jwk import generate_signing_key
from consentgate.export import signing
from consentgate.export.bag import Bag
from consentgate.export.lists import bag_info, seal_lists
from consentgate.export.native import Native
from consentgate.export.paper import package, report, typesetting
from consentgate.export.paper.known import Numbers
from consentgate.export.paper.package import Paper
from consentgate.export.record import Record
from consentgate.verify.package import folder, longlist
from consentgate.verify.package.levels import verify_package
from tests.package.story import story
from tests.papers import AT, denial, record, scope, statement

FEW: Final = 100
MANY: Final = 1100
# What the collector of garbage has not seen yet is no growth; a list in memory would be three times as much.
NOISE: Final = 200
# The signed manifest stands in one piece in memory: so much of each of its files, with what it grows by at once.
SIGNED: Final = 450


class Peaks:
    """The most that each phase had set aside beside what was there when all began."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        tracemalloc.reset_peak()
        yield
        self.most[name] = tracemalloc.get_traced_memory()[1]


def grown(work: Callable[[int, Peaks], None]) -> dict[str, float]:
    """Bytes for each record more, by phase."""
    found = []
    for count in (FEW, FEW, MANY):
        # The first time, everything is set aside that is kept for good.
        peaks = Peaks()
        tracemalloc.start()
        work(count, peaks)
        tracemalloc.stop()
        found.append(peaks.most)
    _, few, many = found
    return {name: (many[name] - few[name]) / (MANY - FEW) for name in few}


def made(number: int) -> Record:
    make = (statement, denial, denial)[number % 3]
    found = (
        make(number, "a caller") if number % 7 else record(number, "outcome", {"exchange.0": {"task": "t"}})
    )
    # All in one hour: the charts keep a number for each.
    return replace(found, at=AT)


def test_writing_a_package_needs_no_memory_for_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is bounded anyhow is bounded below the few.
    monkeypatch.setattr(report, "VOLUME", 50)
    monkeypatch.setattr(report, "surely", lambda *_: b"a document")
    monkeypatch.setattr(typesetting, "surely", lambda *_: b"a document")
    monkeypatch.setattr(package, "Numbers", partial(Numbers, limit=50))

    key = generate_signing_key()

    def work(count: int, peaks: Peaks) -> None:
        told = scope(count)
        with ExitStack() as stack:
            bag = stack.enter_context(closing(Bag(tmp_path / "bag", tmp_path / "scratch")))
            paper = Paper(bag, told)
            with peaks.phase("records"), ExitStack() as files:
                native = Native(bag, files)
                for number in range(1, count + 1):
                    each = made(number)
                    native.take(each)
                    paper.take(each)
            totals = native.totals(not_covered=0)
            with peaks.phase("paper"):
                paper.finish(totals)
            with peaks.phase("manifest"):
                bag_info(bag, ())
                signing.put_signed(bag, signing.manifest(told, totals, (), bag.files()), key)
            with peaks.phase("lists"):
                seal_lists(bag)

    more = grown(work)
    assert more.pop("manifest") < NOISE + 2 * SIGNED
    assert max(more.values()) < NOISE, more


def test_verifying_a_package_needs_no_memory_for_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(longlist, "_BLOCK", 1 << 12)
    monkeypatch.setattr(folder, "_CHUNK", 1 << 12)
    folders = {count: story(count).write(tmp_path / str(count)) for count in (FEW, MANY)}

    def work(count: int, peaks: Peaks) -> None:
        with peaks.phase("verified"):
            assert verify_package(folders[count]).conclusion == "consistent"

    more = grown(work)
    assert more["verified"] < SIGNED
