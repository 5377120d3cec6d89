"""What a call costs does not grow with the ledger, not even where the server planned while it was empty."""

import time

import pytest

from tests.functional.gate.conftest import World

PEOPLE = 150
SEARCHES = 20
# Two statements and an event of a call's people, or what was written about a request.
AT_MOST = 4.0


def rows_for_each_look(world: World) -> dict[str, float]:
    """How many rows the looks into each index found on average, as the server counts them."""
    with world.raw() as connection:
        found = connection.execute(
            "SELECT indexrelname, idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE idx_scan > 0"
        ).fetchall()
    return {name: read / looks for name, looks, read in found}


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_no_question_goes_through_the_rows_of_a_tenant(world: World) -> None:
    for number in range(PEOPLE):
        caller = world.caller(f"p{number}")
        world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
        world.register(f"tx-{number}", caller)
        if number >= PEOPLE - SEARCHES:
            world.search(f"tx-{number}")
    # SQLite makes its plans anew. The server counts a session's last looks when it ends.
    world.gate.close()
    time.sleep(0.5)
    looks = rows_for_each_look(world)
    of_people = (
        "pk_entry_subject",
        "pk_data_key",
        "ix_subject_ref_subject",
        "pk_subject_ref",
        "ix_entry_re",
        "uq_entry_id",
        "ix_entry_subject_subject",
    )
    assert {name: looks[name] for name in of_people if looks[name] > AT_MOST} == {}
