"""PgBouncer between a test and its server, where the program is installed (Debian's package `pgbouncer`)."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import make_url

from tests.functional.docs.shell import free_port

# Debian installs it where only root looks.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")

Mode = Literal["session", "transaction", "statement"]


@contextmanager
def bouncer(url: str, folder: Path, mode: Mode) -> Iterator[str]:
    """Run PgBouncer, with two server connections where it shares them; gives the URL of a database through it."""
    assert PROGRAM is not None
    at, port = make_url(url), free_port()
    host, number = at.query.get("host", at.host), at.port or at.query.get("port", 5432)
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        "[databases]\n"
        f"* = host={host} port={number} user={at.username}\n"
        "[pgbouncer]\n"
        f"pool_mode = {mode}\n"
        f"default_pool_size = {80 if mode == 'session' else 2}\nquery_wait_timeout = 20\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "log_connections = 0\nlog_disconnections = 0\n"
    )
    # It does not run as root; whom the server's socket belongs to can reach it.
    settings.chmod(0o644)
    user = ["-u", Path(str(host)).owner()] if os.geteuid() == 0 else []
    with settings.open("rb") as source:
        running = subprocess.Popen(
            [PROGRAM, *user, "/dev/stdin"],
            stdin=source,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        assert running.stderr is not None
        said: list[str] = []
        for line in running.stderr:
            said.append(line)
            if "process up" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield at.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    finally:
        running.terminate()
        running.communicate(timeout=30)
