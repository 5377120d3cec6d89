"""The levels of the log: positions, tree, signature, and what the signer remembers."""

import pytest

from consentgate.errors import Malformed
from consentgate.tlog.notekey import NoteSigner
from consentgate.verify.rows import SeqRow
from tests.unit.verify.tampering import LAST, NAMES, UNCOVERED, entry, rewrite_leaf
from tests.unit.verify.world import OTHER_LANE, TENANT, change, found, ident, ledger, only, sound, verdicts


def test_unsequenced_tail_is_incomplete_and_says_how_far_the_log_goes() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    result = world.verify()
    assert found(result) == [("unsequenced", entry(8)), ("uncovered", "the last 1 entries")]
    assert verdicts(result) == {"tree": "incomplete", "signature": "incomplete"}
    assert {each.name: each.until for each in result.levels}["tree"] == LAST
    assert result.exit_code == 4


def test_unsigned_tail_is_incomplete() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    result = world.sequence_all().verify()
    assert found(result) == [("uncovered", "the last 1 entries")]
    assert result.exit_code == 4


def test_tiles_are_rebuilt_and_compared() -> None:
    world = ledger()
    for _ in range(260):
        world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    assert world.verify().exit_code == 0
    tile = world.tile_rows[0]
    change(world.tile_rows, 0, hashes=bytes(32) + tile.hashes[32:])
    assert only(world.verify()).where == "tile 0/0"
    world.tile_rows.clear()
    assert found(world.verify()) == [("missing", "tile 0/0")]


def test_later_wrong_roots_are_counted_and_not_repeated() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    rewrite_leaf(world)
    findings = {each.where: each.found for each in world.verify().findings}
    assert findings["tree state of size 8"] == "another root, and 1 later"
    assert findings["tree under the checkpoint of size 8"] == "another root, and under 1 later"


def test_double_positions_are_found() -> None:
    world = sound()
    world.seq_rows.append(
        SeqRow(position=7, tenant=TENANT, entry=ident(7).bytes, hash=world.entry_rows[7].hash)
    )
    assert found(world.verify())[:2] == [("extra", "position 7"), ("extra", f"{entry(7)} at position 7")]


def test_without_a_trusted_key_signatures_cannot_be_judged() -> None:
    result = sound().verify(vkey=None)
    assert verdicts(result) == {"signature": "cannot_judge", "signer": "cannot_judge"}
    assert result.exit_code == 3
    assert [each.name for each in sound().verify(vkey=None, signer_note=None).levels] == NAMES


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(Malformed):
        sound().verify(vkey="no key")


def test_log_of_another_key_is_found() -> None:
    other = NoteSigner.generate("consentgate.invalid/other", lambda size: b"\x02" * size)
    result = sound().verify(vkey=other.key.vkey, signer_note=None)
    assert found(result) == [
        ("altered", "deployment, log_origin"),
        ("unsigned", "checkpoint of size 8"),
        UNCOVERED,
    ]


def test_signer_that_remembers_more_than_is_there_means_that_the_database_was_restored() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    newer = world.sequence_all().sign().checkpoint_rows[-1].note
    assert found(sound().verify(signer_note=newer)) == [("truncated", "signer state")]


def test_signer_that_remembers_less_than_was_signed_is_found() -> None:
    world = sound()
    older = world.checkpoint_rows[-1].note
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    finding = only(world.verify(signer_note=older))
    assert (finding.kind, finding.where, finding.found) == ("truncated", "signer state", "size 8")
    assert only(world.verify(signer_note="")).found == "size 0"


def test_signer_ahead_of_the_stored_checkpoints_is_sound() -> None:
    world = sound()
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    note = world.checkpoint_rows.pop().note
    assert found(world.verify(signer_note=note)) == [("uncovered", "the last 1 entries")]


def test_signer_state_that_is_no_note_is_found() -> None:
    assert found(sound().verify(signer_note="x")) == [("unsigned", "signer state")]
