"""Writers, sequencers and the signer are killed while eight processes append to PostgreSQL."""

from pathlib import Path
from typing import Final

import pytest

from tests.databases import Server
from tests.functional.crash.conftest import make_home_at
from tests.functional.crash.judgement import require_ledger
from tests.functional.crash.storm import Storm, kills
from tests.loads import load

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

WRITERS: Final = 8
# With fewer it would be over before every blow has fallen.
APPENDS: Final = load(2_000, least=600)
THREADS: Final = 2


def test_nothing_acknowledged_is_lost_while_processes_are_killed(tmp_path: Path, own_server: Server) -> None:
    settings = make_home_at(tmp_path, own_server.database())
    storm = Storm(settings, tmp_path, writers=WRITERS, appends=APPENDS, threads=THREADS)
    storm.run(kills(storm, writers=WRITERS, sequencers=4, signers=2))
    found = require_ledger(storm)
    assert found.acknowledged == WRITERS * APPENDS
    # No error was met: what is there unacknowledged was under way when its process was killed.
    assert (found.in_doubt, found.killed <= WRITERS * THREADS) == (0, True)
