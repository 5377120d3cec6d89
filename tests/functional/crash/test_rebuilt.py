"""A log that somebody with the database rebuilt so that it agrees with itself gets no signature, at any size."""

from pathlib import Path

import pytest

from consentgate.errors import LogRefused
from tests.functional.log.place import log_at, sequence_once, signer_at
from tests.functional.log.test_sequencer import change, require_log

_OTHERS_LEAF = "(SELECT other.leaf FROM entry AS other WHERE other.ordinal = 11 - entry.ordinal)"

EDITS = {
    "an entry is gone": "DELETE FROM entry WHERE ordinal = 5",
    "a leaf says something else": "UPDATE entry SET leaf = x'7b7d' WHERE ordinal = 5",
    "two entries have each other's leaf": f"UPDATE entry SET leaf = {_OTHERS_LEAF} WHERE ordinal IN (5, 6)",
}


@pytest.mark.parametrize("grown", [0, 1, 4])
@pytest.mark.parametrize("edit", EDITS)
def test_rebuilt_log_is_not_signed(tmp_path: Path, on_database: None, edit: str, grown: int) -> None:
    with log_at(tmp_path) as log:
        signer = signer_at(tmp_path, log.database)
        log.append(12)
        sequence_once(log.database)
        assert signer.once() is not None
        before = signer.state.read()
        for sql in (EDITS[edit], *(f"DELETE FROM {name}" for name in ("seq", "tile", "tree_state"))):
            change(log, sql)
        if grown:
            log.append(grown)
        sequence_once(log.database)
        # It agrees with itself: only what the signer remembers tells.
        assert require_log(log) == 12 + grown - (edit == "an entry is gone")
        for _ in range(2):
            with pytest.raises(LogRefused):
                signer.once()
            assert signer.state.read() == before
            # Nor without the checkpoint that contradicts it.
            change(log, "DELETE FROM checkpoint")
