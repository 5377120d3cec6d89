"""Writers, sequencers and the signer are killed while four processes append to one SQLite file."""

from pathlib import Path
from typing import Final

import pytest

from tests.functional.crash.conftest import make_home_at
from tests.functional.crash.judgement import require_ledger
from tests.functional.crash.storm import Storm, kills
from tests.loads import load

pytestmark = pytest.mark.timeout(600)

WRITERS: Final = 4
# With fewer it would be over before every blow has fallen.
APPENDS: Final = load(2_000, least=600)
THREADS: Final = 4


def test_nothing_acknowledged_is_lost_while_processes_are_killed(tmp_path: Path) -> None:
    settings = make_home_at(tmp_path, None)
    storm = Storm(settings, tmp_path, writers=WRITERS, appends=APPENDS, threads=THREADS)
    storm.run(kills(storm, writers=12, sequencers=6, signers=3))
    found = require_ledger(storm)
    assert found.acknowledged == WRITERS * APPENDS
    assert (found.in_doubt, found.killed <= 12 * THREADS) == (0, True)
