"""Programs that tests start and tell to stop."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final

_PATIENCE_S: Final = 60


def tell(process: "subprocess.Popen[Any]", what: signal.Signals = signal.SIGTERM) -> None:
    """Send a program a signal once it listens to it: before that the signal would just end it.

    The kernel says which signals a process catches, in a mask of which the lowest bit is signal 1.
    """
    until = time.monotonic() + _PATIENCE_S
    while not _caught(process.pid) >> (what - 1) & 1:
        assert process.poll() is None, "It ended before it listened."
        assert time.monotonic() < until, "It never listened."
        time.sleep(0.01)
    process.send_signal(what)


def _caught(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")), 0)
