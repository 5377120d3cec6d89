"""A real witness, the package aics-witness, in a process of its own; and a server that answers what a test wants."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from consentgate.tlog.cosignature import WitnessKey
from tests.functional.docs.shell import free_port

PROGRAM = [sys.executable, "-m", "aics_witness"]


@dataclass
class RealWitness:
    """A witness that runs, or is stopped for a while."""

    folder: Path
    key: WitnessKey
    port: int
    running: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listen = f"127.0.0.1:{self.port}"
        command = [*PROGRAM, "serve", "--config", str(self.folder / "witness.json"), "--listen", listen]
        self.running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.running.stderr is not None
        said: list[str] = []
        for line in self.running.stderr:
            said.append(line)
            if "listening on" in line:
                break
        else:
            raise AssertionError("".join(said))
        # What it logs from now on is read by nobody, and must not fill the pipe.
        threading.Thread(target=self.running.stderr.read, daemon=True).start()

    def stop(self) -> None:
        if self.running is not None:
            self.running.terminate()
            self.running.wait(timeout=30)
            assert self.running.stderr is not None
            self.running.stderr.close()
            self.running = None


@contextmanager
def real_witness(folder: Path, name: str, logs: Sequence[str]) -> Iterator[RealWitness]:
    """Run a witness that knows the logs of some vkeys."""
    folder.mkdir()
    config = ["--config", str(folder / "witness.json")]
    shown = _run(["init", *config, "--name", name])
    vkey = next(word for word in shown.split() if word.startswith(f"{name}+"))
    for log in logs:
        _run(["add-log", *config, "--origin", log.partition("+")[0], "--vkey", log])
    witness = RealWitness(folder=folder, key=WitnessKey.from_vkey(vkey), port=free_port())
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()


def _run(arguments: list[str]) -> str:
    done = subprocess.run([*PROGRAM, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


@dataclass(frozen=True)
class Reply:
    """What a scripted server answers."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    # Waited for before each byte of the body.
    pause: threading.Event | None = None


@dataclass
class Script:
    """Requests that came, and what answers them."""

    url: str
    answer: Callable[[bytes], Reply]
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def scripted(answer: Callable[[bytes], Reply]) -> Iterator[Script]:
    """Serve answers of a test's making."""
    script = Script("", answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            script.bodies.append(body)
            script.paths.append(self.path)
            reply = script.answer(body)
            try:
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.end_headers()
                if reply.pause is None:
                    self.wfile.write(reply.body)
                    return
                for byte in reply.body:
                    self.wfile.write(bytes([byte]))
                    if reply.pause.wait(0.05):
                        return
            except OSError:
                return

        do_GET = do_POST  # noqa: N815  # the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # the library's names
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
