"""A no of somebody whom nobody has seen yet: it is kept, and finds them whenever they come."""

from dataclasses import replace
from datetime import timedelta

import pytest

from consentgate import Speaker
from consentgate.config.granting import granted
from consentgate.errors import Unavailable
from consentgate.ledger import notices
from consentgate.storage import subjects
from tests.functional.gate.conftest import World

PHONE = ("phone", "+12175550142")


def imported(world: World, speaker: Speaker, *, days: int) -> str:
    """Sign a grant that was given so many days ago."""
    ivr, book = world.ivr, world.gate._parts.book
    with world.gate._parts.database.read() as connection:
        manifest = notices.choose(book, connection, "voiceprint", None)
    then = world.clock() - timedelta(days=days)
    said = ivr._statement(speaker, "ConsentGiven", "ivr_dtmf", manifest)
    grant = granted(said, manifest, "acme", None, {"valid_until": then + timedelta(days=700)})
    return ivr._signed(replace(grant, event_time=then))


@pytest.mark.parametrize("known_as", [("customer", "1001"), PHONE])
def test_refusal_of_somebody_never_seen_wins_over_an_older_grant(
    world: World, known_as: tuple[str, str]
) -> None:
    refused = world.ivr.refuse(Speaker([known_as]), method="ivr_dtmf")
    assert refused.stops == ()
    # Their consents of last year are taken in from another system afterwards.
    caller = Speaker([("customer", "1001"), PHONE], world.caller().evidence, adult=True)
    world.gate.ingest(imported(world, caller, days=365))
    world.register("tx-1", caller)
    assert world.denial("tx-1") == ["CONSENT_REFUSED"]
    # What they say from now on counts.
    world.clock.advance(timedelta(seconds=1))
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.search("tx-1")
    assert world.searches == 1


def test_refusal_under_a_second_reference_finds_an_older_grant(world: World) -> None:
    caller = Speaker([("customer", "1001"), PHONE], world.caller().evidence, adult=True)
    world.ivr.grant(world.caller("1001"), notice="voiceprint", method="ivr_dtmf")
    world.ivr.refuse(Speaker([PHONE]), method="ivr_dtmf")
    world.register("tx-1", caller)
    assert world.denial("tx-1") == ["CONSENT_REFUSED"]


def test_refusal_that_outlived_an_erasure_still_keeps_older_grants_out(world: World) -> None:
    caller = world.caller("1001")
    older = imported(world, caller, days=365)
    world.ivr.refuse(Speaker([("customer", "1001")]), method="ivr_dtmf")
    suppress(world, "customer", "1001")
    with pytest.raises(Unavailable, match="destroyed"):
        world.gate.ingest(older)
    with pytest.raises(Unavailable):
        world.register("tx-1", caller)
    assert world.denial("tx-1") == ["CALL_UNKNOWN"]


def suppress(world: World, kind: str, value: str) -> None:
    """Erase somebody and keep the hash of their reference, marked, without changing a row: as erasure will."""
    vault = world.gate._parts.book.vault
    with world.gate._parts.database.read() as connection:
        [row] = subjects.resolve(connection, "default", epochs=vault.epochs, hmacs=vault.hashes(kind, value))
    with world.raw() as raw:
        for table in ("data_key", "subject_ref", "entry_subject"):
            raw.execute(f"DELETE FROM {table} WHERE subject = ?", (row.subject.bytes,))
    marked = replace(row, suppression=True)
    world.gate._parts.database.write(lambda c: subjects.insert_reference(c, "default", marked))
