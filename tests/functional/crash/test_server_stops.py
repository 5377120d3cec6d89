"""Eight processes append to PostgreSQL while its server is cut off five times: what was acknowledged is there."""

import time
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.databases import Server
from tests.functional.crash.conftest import make_home_at
from tests.functional.crash.judgement import require_ledger
from tests.functional.crash.storm import Storm
from tests.loads import load

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]

WRITERS: Final = 8
# With fewer it would be over before every blow has fallen.
APPENDS: Final = load(2_000, least=600)
THREADS: Final = 2
STOPS: Final = 5


def cut_off(running: Server, seconds: float) -> None:
    """Let the server be gone for a while."""
    running.crash()
    time.sleep(seconds)
    running.start()


def test_nothing_acknowledged_is_lost_while_the_server_is_cut_off(tmp_path: Path, own_server: Server) -> None:
    settings = make_home_at(tmp_path, own_server.database())
    storm = Storm(settings, tmp_path, writers=WRITERS, appends=APPENDS, threads=THREADS)
    storm.run([partial(cut_off, own_server, 0.1 * nth) for nth in range(STOPS)])
    found = require_ledger(storm)
    assert found.acknowledged == WRITERS * APPENDS
    # At most what was under way at a stop, at each of them.
    assert found.unacknowledged <= WRITERS * THREADS * STOPS
