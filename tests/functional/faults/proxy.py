"""A proxy on the loopback interface that stands before a server and does to its connections what networks do."""

import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Mode: TypeAlias = Literal["pass", "down", "stall", "lose_request", "lose_answer"]

_CHUNK: Final = 1 << 16
_LOOK_S: Final = 0.05


def _any(_sent: bytes) -> bool:
    return True


@dataclass
class _Pair:
    """A connection and the one behind it."""

    near: socket.socket
    far: socket.socket
    doomed: bool = False


@dataclass
class Proxy:
    """Hands bytes on, or loses them.

    Attributes:
        connect: opens a connection to the server behind it.
        counts: whether what a client sends is what a loss is meant for.
    """

    connect: Callable[[], socket.socket]
    counts: Callable[[bytes], bool] = _any
    _mode: Mode = "pass"
    _pairs: list[_Pair] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._waking, self._wake = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._waking, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="fault-proxy", daemon=True)
        self._thread.start()

    def set(self, mode: Mode) -> None:
        """Behave otherwise from now on; a loss happens once."""
        with self._lock:
            listening, self._mode = self._mode != "down", mode
            if mode == "down" and listening:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._cut_all()
            elif mode != "down" and not listening:
                self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
                self._listener.setblocking(False)
                self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake.send(b"!")

    def cut(self) -> None:
        """End every connection; new ones are taken."""
        with self._lock:
            self._cut_all()

    def connected(self) -> bool:
        """Whether a connection is open."""
        with self._lock:
            return bool(self._pairs)

    def close(self) -> None:
        self._ended.set()
        self._wake.send(b"!")
        self._thread.join(5)
        with self._lock:
            self._cut_all()
        for each in (self._listener, self._waking, self._wake):
            each.close()
        self._selector.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(_LOOK_S):
                with self._lock:
                    if key.fileobj is self._listener:
                        if self._mode != "down":
                            self._accept()
                    elif key.fileobj is self._waking:
                        self._waking.recv(_CHUNK)
                    elif self._mode != "stall" and isinstance(key.data, _Pair):
                        self._hand_on(key.data, key.fileobj)
            if self._mode == "stall":
                # What lies in the sockets stays readable: not to look again at once.
                self._ended.wait(_LOOK_S)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            pair = _Pair(near=near, far=self.connect())
        except OSError:
            near.close()
            return
        for each in (pair.near, pair.far):
            if each.family == socket.AF_INET:
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(each, selectors.EVENT_READ, pair)
        self._pairs.append(pair)

    def _hand_on(self, pair: _Pair, source: object) -> None:
        if pair not in self._pairs:
            return
        from_client = source is pair.near
        try:
            data = (pair.near if from_client else pair.far).recv(_CHUNK)
            if not data or (pair.doomed and not from_client):
                # The server has done what it was asked, and its answer is lost.
                self._cut(pair)
                return
            if from_client and self._mode in ("lose_request", "lose_answer") and self.counts(data):
                mode, self._mode = self._mode, "pass"
                if mode == "lose_request":
                    self._cut(pair)
                    return
                pair.doomed = True
            (pair.far if from_client else pair.near).sendall(data)
        except OSError:
            self._cut(pair)

    def _cut_all(self) -> None:
        for pair in list(self._pairs):
            self._cut(pair)

    def _cut(self, pair: _Pair) -> None:
        if pair in self._pairs:
            self._pairs.remove(pair)
        for each in (pair.near, pair.far):
            try:
                self._selector.unregister(each)
            except (KeyError, ValueError):
                continue
            each.close()
