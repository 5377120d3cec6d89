"""Ten seconds of what `make soak` does for minutes, or at night for half an hour; and if its measure measures."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from consentgate.aws.asking import token_of
from tests.databases import server
from tests.functional.storage.place import entry_row
from tests.soak.flat import Sample, growth
from tests.soak.judge import Seen, require_ends, require_intents
from tests.soak.soak import soak

pytestmark = pytest.mark.timeout(300)

SECONDS = 180


@pytest.mark.postgres
def test_mixed_load_with_random_faults_breaks_nothing(tmp_path: Path) -> None:
    with server() as running:
        soaked = soak(running, tmp_path, 10, seed=11)
    assert soaked.found.requests > 0
    assert soaked.found.ends["succeeded"] > 0
    assert "too short to say" in soaked.report()


def samples(**slopes: float) -> list[Sample]:
    """A process that makes thirty calls in a second; each slope is what one thing grows by in a second."""
    dice = Random(3)
    calm = Sample(at=0, calls=0, memory=150 << 20, blocks=900_000, handles=45, threads=20, connections=22)
    made = []
    for second in range(SECONDS):
        # Connections are cut now and then, and what is under way differs.
        noise = {
            "handles": dice.randrange(-8, 3),
            "blocks": dice.randrange(4000),
            "threads": dice.randrange(2),
        }
        # It warms up for the first twenty seconds.
        warm = {"memory": min(second, 20) << 20, "blocks": min(second, 20) * 5000}
        values = {
            name: getattr(calm, name)
            + noise.get(name, 0)
            + warm.get(name, 0)
            + int(slopes.get(name, 0) * second)
            for name in ("memory", "blocks", "handles", "threads", "connections")
        }
        gone = second % 30 == 0
        made.append(
            replace(calm, at=float(second), calls=30 * second, **values)
            if not gone
            else replace(calm, at=float(second), calls=30 * second, **{**values, "connections": None})
        )
    return made


def test_process_that_stays_as_it_is_is_flat() -> None:
    assert [each.name for each in growth(samples()) if not each.flat] == []


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("blocks", 90),  # three for each call
        ("handles", 0.25),  # one with each blow
        ("threads", 0.1),
        ("connections", 0.25),
        ("memory", 100 << 10),  # three kilobytes for each call
    ],
)
def test_process_that_leaks_is_not_flat(name: str, slope: float) -> None:
    assert [each.name for each in growth(samples(**{name: slope})) if not each.flat] == [name]


INTENT = entry_row()
TOKEN = token_of(INTENT.id)
DONE = Seen(at=INTENT.at, done=201, task="task-1")
REFUSED = Seen(at=INTENT.at, done=None, task=None)


@pytest.mark.parametrize(
    ("end", "seen"),
    [("succeeded", [REFUSED, DONE]), ("rejected", [REFUSED]), ("not_sent", []), ("undetermined", [DONE])],
)
def test_end_that_says_what_the_service_did_is_right(end: str, seen: list[Seen]) -> None:
    requests = {TOKEN: seen} if seen else {}
    require_intents(requests, {TOKEN: INTENT})
    require_ends(requests, {TOKEN: INTENT}, {INTENT.id: end})


@pytest.mark.parametrize(
    ("end", "seen"),
    [("succeeded", [REFUSED]), ("succeeded", []), ("rejected", [REFUSED, DONE]), ("not_sent", [REFUSED])],
)
def test_end_that_says_something_else_is_found(end: str, seen: list[Seen]) -> None:
    with pytest.raises(AssertionError, match=str(INTENT.id)):
        require_ends({TOKEN: seen}, {TOKEN: INTENT}, {INTENT.id: end})
    with pytest.raises(AssertionError, match="no outcome"):
        require_ends({TOKEN: seen}, {TOKEN: INTENT}, {})


def test_request_without_an_intent_or_before_it_is_found() -> None:
    with pytest.raises(AssertionError, match="no intent"):
        require_intents({"other": [DONE]}, {TOKEN: INTENT})
    early = replace(DONE, at=INTENT.at - timedelta(milliseconds=1))
    with pytest.raises(AssertionError, match="before their intent"):
        require_intents({TOKEN: [early]}, {TOKEN: INTENT})
