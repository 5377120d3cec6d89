import os
from pathlib import Path

from consentgate.log.sequencer import Sequencer
from tests.functional.log.place import log_at, require_lanes, sequence_once
from tests.functional.log.test_sequencer import require_log

PROCESSES, APPENDS = 4, 60


def run(folder: Path) -> None:
    with log_at(folder) as log:
        sequencer = Sequencer(log.database, batch=16)
        for n in range(APPENDS):
            log.append()
            if n % 7 == 0:
                sequencer.once()


def test_processes_that_append_and_sequence_together_make_one_log(tmp_path: Path) -> None:
    with log_at(tmp_path) as log:
        children = []
        for _ in range(PROCESSES):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    run(tmp_path)
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
        for child in children:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        sequence_once(log.database)
        assert require_log(log) == PROCESSES * APPENDS
        lanes = require_lanes(log.leaves())
        assert [len(lane) for lane in lanes.values()] == [APPENDS] * PROCESSES
