"""The walk over every step finds mistakes: each of these is made in the process that is killed, and is found."""

from collections.abc import Callable
from typing import Final

import pytest

from consentgate.config.settings import Settings
from tests.functional.crash import mistakes
from tests.functional.crash.operations import named
from tests.functional.crash.walk import walk

# These are about the signer and its anchors, whatever the database.
IN_FILE: Final = pytest.mark.sqlite_file


@pytest.mark.parametrize(
    ("operation", "mistake", "finding"),
    [
        ("append three, in a transaction", mistakes.caller_is_answered_before_the_commit, "lost by a kill"),
        ("sequence", mistakes.positions_are_committed_before_their_tree, "verification finds"),
        pytest.param(
            "sign",
            mistakes.note_is_released_before_the_state_is_kept,
            "remembered=0, released=3",
            marks=IN_FILE,
        ),
        pytest.param("sign", mistakes.state_is_never_kept, "remembered=0, released=3", marks=IN_FILE),
        pytest.param("sign", mistakes.state_is_written_in_place, "remembered=-", marks=IN_FILE),
        pytest.param("sign", mistakes.signer_keeps_no_note, "does not go on: .* not its own", marks=IN_FILE),
        pytest.param(
            "sign", mistakes.checkpoint_is_never_released, "another order of effects", marks=IN_FILE
        ),
        pytest.param(
            "anchor", mistakes.checkpoint_is_noted_and_not_anchored, "anchored=0, noted=3", marks=IN_FILE
        ),
    ],
    ids=lambda each: each.__name__ if callable(each) else each.partition(",")[0],
)
def test_seeded_mistake_is_found(
    home: Settings, operation: str, mistake: Callable[[], None], finding: str
) -> None:
    with pytest.raises(AssertionError, match=finding):
        walk(home, named(operation), mistake=mistake)
