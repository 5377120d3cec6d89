"""What the signer signed last, kept outside the database.

Invariants: the state only ever changes from what was read to what follows it (compare and set, under a
lock), the signed note included; it is on disk before anybody sees the note. Whoever can edit it can make the
log sign two stories, so it belongs to the signer alone.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from consentgate import canonical
from consentgate.errors import Malformed, Misconfigured, Unavailable
from consentgate.keys.files import read_secret, replace_file, write_secret
from consentgate.tlog.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from consentgate.values import dataclass

LOCK_WITHIN: Final = 5.0

_FORMAT: Final = 1
_LOCK_LOOK: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerState:
    """The signer's memory.

    Attributes:
        origin: the log's origin.
        size: of the tree signed last; 0 before the first.
        root: of that tree.
        note: the signed note, "" before the first.
    """

    origin: str
    size: int
    root: bytes
    note: str


class StateStore(Protocol):
    """Where the signer's state lies: never in the database that it judges."""

    def read(self) -> SignerState | None:
        """Read the state.

        Returns:
            The state; None when there is none, which a signer never mends by itself.

        Raises:
            Misconfigured: it can be read by others, or is not a signer's state.
            Unavailable: it is out of reach.
        """
        ...

    def create(self, state: SignerState) -> None:
        """Write the first state.

        Args:
            state: of size 0.

        Raises:
            Misconfigured: there is a state; it is left as it is.
            Unavailable: it cannot be written.
        """
        ...

    def replace(self, old: SignerState, new: SignerState) -> bool:
        """Put a new state in the place of the one that was read; durable on return.

        Args:
            old: what was read.
            new: what follows it.

        Returns:
            False, with nothing changed, when the state is no longer ``old``.

        Raises:
            Unavailable: it cannot be written, or whether it was is not known.
        """
        ...


class FileState:
    """The state in a file: for SQLite, or for one host that is declared to sign."""

    def __init__(self, path: Path, *, within: float = LOCK_WITHIN) -> None:
        """Name the file.

        Args:
            path: the file; a lock file lies beside it.
            within: how many seconds the lock is waited for: whoever has it may hang.
        """
        self._path = path
        self._within = within

    def read(self) -> SignerState | None:
        """Read the state.

        Returns:
            The state, or None when there is no file.

        Raises:
            Misconfigured: others can read the file, or it is not a signer's state.
            Unavailable: it cannot be read.
        """
        if not self._path.exists():
            return None
        try:
            return decode_state(read_secret(self._path))
        except Malformed as error:
            raise Misconfigured(f"The file {self._path} is not a signer's state: restore it.") from error

    def create(self, state: SignerState) -> None:
        """Write the first state.

        Args:
            state: of size 0.

        Raises:
            Misconfigured: there is such a file; it is left as it is.
            Unavailable: it cannot be written, or somebody else has the lock.
        """
        with self._locked():
            write_secret(self._path, encode_state(state))

    def replace(self, old: SignerState, new: SignerState) -> bool:
        """Put a new state in the place of the one that was read; on disk on return.

        Args:
            old: what was read.
            new: what follows it.

        Returns:
            False, with nothing changed, when the state is no longer ``old``.

        Raises:
            Misconfigured: the file is not a signer's state.
            Unavailable: it cannot be written, or somebody else has the lock.
        """
        with self._locked():
            if self.read() != old:
                return False
            replace_file(self._path, encode_state(new))
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A file of its own: the state's file is another one after each replacement.
        path = self._path.with_name(f"{self._path.name}.lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise Unavailable(f"The lock file {path} cannot be opened ({error.strerror}).") from error
        try:
            self._lock(descriptor, path)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int, path: Path) -> None:
        end = time.monotonic() + self._within
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    raise Unavailable(
                        f"Another process has held the lock {path} for {self._within:g} seconds: nothing is signed."
                        f" Look whether a signer hangs (`fuser -v {path}`), and end it."
                    ) from error
            except OSError as error:
                raise Unavailable(f"The file {path} cannot be locked ({error.strerror}).") from error
            else:
                return
            time.sleep(_LOCK_LOOK)


def first_state(origin: str) -> SignerState:
    """Give the state of a signer that has signed nothing.

    Args:
        origin: the log's origin.

    Returns:
        The state of the empty tree.
    """
    return SignerState(origin=origin, size=0, root=EMPTY_ROOT, note="")


def encode_state(state: SignerState) -> bytes:
    """Write a state.

    Args:
        state: the state.

    Returns:
        Its one spelling.
    """
    members: dict[str, canonical.Json] = {
        "format": _FORMAT,
        "origin": state.origin,
        "size": state.size,
        "root": canonical.b64(state.root),
        "note": state.note,
    }
    return canonical.encode(members) + b"\n"


def decode_state(data: bytes) -> SignerState:
    """Read a state.

    Args:
        data: what `encode_state` wrote.

    Returns:
        The state.

    Raises:
        Malformed: it is none.
    """
    members = canonical.decode_canonical(data.removesuffix(b"\n"), limit=1 << 20)
    if not isinstance(members, dict) or set(members) != {"format", "origin", "size", "root", "note"}:
        raise Malformed("A signer's state has format, origin, size, root and note.")
    origin, size, root, note = (members[name] for name in ("origin", "size", "root", "note"))
    if members["format"] != _FORMAT or not isinstance(origin, str) or not isinstance(note, str):
        raise Malformed("This is another format of a signer's state.")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_SIZE:
        raise Malformed("A tree's size is a number from 0.")
    digest = canonical.unb64(root) if isinstance(root, str) else b""
    if len(digest) != HASH_BYTES:
        raise Malformed("A root is 32 bytes.")
    return SignerState(origin=origin, size=size, root=digest, note=note)
