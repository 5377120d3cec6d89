"""The golden table of outcomes: every sequence of up to three attempts, each kind of attempt."""

import itertools
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consentgate.gate.outcomes import Attempt, classify

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GOLDEN = Path(__file__).parents[2] / "golden" / "outcomes.txt"

# One letter per kind of attempt; the statuses of a letter must all give the same row.
ANSWERS = {
    "S": (200, 201, 204),
    "R": (400, 401, 403, 404, 410, 422, 429),
    "C": (409,),
    "T": (408,),
    "F": (302, 500, 503),
}
FAULTS = {"N": "not_sent", "L": "lost"}

# The protocol's section 4, said a second time in another way than the code says it.
RULES = (
    (r"N*", "not_sent"),
    (r".*S", "succeeded"),
    (r"R+|C", "rejected"),
    (r".*", "unknown"),
)


def attempts(letters: str, choose: int) -> list[Attempt]:
    made = []
    for letter in letters:
        if letter in FAULTS:
            fault = "not_sent" if letter == "N" else "lost"
            made.append(Attempt(started_at=AT, fault=fault))  # type: ignore[arg-type]  # one of the two words
        else:
            statuses = ANSWERS[letter]
            made.append(Attempt(started_at=AT, ended_at=AT, status=statuses[choose % len(statuses)]))
    return made


def sequences() -> list[str]:
    letters = "SRCTFNL"
    return ["".join(s) for n in range(4) for s in itertools.product(letters, repeat=n)]


def golden() -> dict[str, str]:
    rows = (line.split("\t") for line in GOLDEN.read_text().splitlines() if not line.startswith("#"))
    return {row[0]: row[1] for row in rows}


def test_golden_table_holds_every_sequence() -> None:
    assert sorted(golden()) == sorted(sequences())


def test_golden_table_is_what_the_protocol_says() -> None:
    for letters, end in golden().items():
        said = next(word for pattern, word in RULES if re.fullmatch(pattern, letters))
        assert (letters, end) == (letters, said)


@pytest.mark.parametrize("choose", range(7))
def test_classification_follows_the_golden_table(choose: int) -> None:
    table = golden()
    for letters in sequences():
        assert (letters, classify(attempts(letters, choose), started=True)) == (letters, table[letters])


def test_success_that_names_no_task_stays_open() -> None:
    assert classify(attempts("S", 0), started=False) == "unknown"
    assert classify(attempts("FS", 0), started=False) == "unknown"
