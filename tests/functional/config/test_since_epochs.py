"""Verifying from a checkpoint of a log that an epoch opened: its first entry is newer than what follows."""

from pathlib import Path

import pytest

from consentgate.config.settings import Settings
from consentgate.config.since import read_pinned
from consentgate.config.upkeep import keep_log, vkey_of
from consentgate.config.verification import verify_deployment
from consentgate.errors import InvalidInput
from consentgate.log.identity import read_key
from consentgate.storage import since as rows
from consentgate.storage.readonly import read_only
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import Frontier
from tests.databases import raw
from tests.functional.config.recovering import opened, told

FIRST = "(SELECT hash FROM seq WHERE log = 0 AND position = 0)"


def test_any_prefix_of_a_log_after_an_epoch_is_continued(settings: Settings, tmp_path: Path) -> None:
    with raw(settings.database) as connection:
        old = connection.execute("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()[0]
    settings.log_state.unlink()
    opened(settings)
    told(settings, "three")
    assert keep_log(settings) is None
    file, frontier, signer = tmp_path / "pinned", Frontier(), read_key(settings.log_file("key", 1))
    vkey = vkey_of(settings)
    with read_only(settings.database) as connection_:
        leaves = [row[3] for row in rows.positions(connection_, log=1, first=0, stop=1 << 40)]
    assert len(leaves) > 2
    for leaf in leaves:
        frontier.push(leaf)
        head = Checkpoint(origin=signer.key.name, size=frontier.size, root=frontier.root())
        file.write_text(sign_checkpoint(head, signer))
        pinned = read_pinned(file, vkey)
        done = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None, pinned=pinned)
        assert done.verification.findings == ()
        assert {each.verdict for each in done.verification.levels} == {"holds"}
        assert "epochs" in [each.name for each in done.verification.levels]
        bare = verify_deployment(settings, vkey=None, with_keys=False, step=lambda: None, pinned=pinned)
        levels = {each.name: each.verdict for each in bare.verification.levels if each.verdict != "holds"}
        assert levels == {"epochs": "cannot_judge", "links": "cannot_judge"}
    file.write_text(old)
    with pytest.raises(InvalidInput, match="Give a checkpoint of this log"):
        read_pinned(file, vkey)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("DELETE FROM seq WHERE log = 0 AND position = 2", [("truncated", "log 0")]),
        (
            "DELETE FROM seq WHERE log = 0 AND position = 1",
            [("altered", "log 0"), ("missing", "log 0: position 1")],
        ),
        (
            f"UPDATE seq SET hash = {FIRST} WHERE log = 0 AND position = 1",
            [("altered", "log 0")],
        ),
        (
            "UPDATE deployment SET value = value || 'x' WHERE name = 'log_origin'",
            [("altered", "entry that opens log 1, old_origin")],
        ),
    ],
)
def test_old_log_that_is_not_what_ended_it_is_found_from_a_checkpoint_on(
    settings: Settings, tmp_path: Path, change: str, expected: list[tuple[str, str]]
) -> None:
    settings.log_state.unlink()
    opened(settings)
    assert keep_log(settings) is None
    file = tmp_path / "pinned"
    with raw(settings.database) as connection:
        note = connection.execute("SELECT note FROM checkpoint WHERE log = 1").fetchone()[0]
        connection.unguarded(change)
    file.write_text(note)
    pinned = read_pinned(file, vkey_of(settings))
    done = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None, pinned=pinned)
    assert [(each.kind, each.where) for each in done.verification.findings] == expected
    assert {each.name: each.verdict for each in done.verification.levels}["epochs"] == "broken"
