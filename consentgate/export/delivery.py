"""Delivery of a package as one file that only its recipients can open: a tar, encrypted with age.

The stock tool opens it: ``age -d -i key.txt NAME.tar.age | tar x``. The tar is a function of the package alone:
sorted, one time, no owner; the encryption takes fresh keys each time.

Invariants: the package goes through in pieces; no piece of it in clear is written anywhere by this; the file has its
name only when it is whole and on disk.
"""

import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from consentgate.errors import InvalidInput, LogRefused, Misconfigured, Unavailable
from consentgate.export.bag import Bag
from consentgate.export.exported import Exported
from consentgate.export.signing import SIGNATURE

if TYPE_CHECKING:
    from pyrage.x25519 import Recipient  # type: ignore[import-untyped]  # it ships no types

SUFFIX: Final = ".tar.age"

_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_CHECKSUM: Final = 6
_KEY_BYTES: Final = 32
_CHUNK: Final = 1 << 20
_MOST: Final = 64
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
_ASK: Final = "Ask the reviewer for the line that begins with age1: `age-keygen` shows it."


class Seal:
    """The recipients that a package is encrypted to."""

    def __init__(self, recipients: Sequence[str]) -> None:
        """Read the recipients.

        Args:
            recipients: their public keys, ``age1...``.

        Raises:
            InvalidInput: one of them is none.
            Misconfigured: the extra ``age`` is not installed.
        """
        if not 0 < len(recipients) <= _MOST:
            raise InvalidInput(f"A package is encrypted to 1 to {_MOST} keys.")
        self.names = tuple(dict.fromkeys(each.strip() for each in recipients))
        self._keys = [_recipient(each) for each in self.names]

    def write(self, target: Path, pieces: Iterator[bytes]) -> None:
        """Write the encrypted file, under its name only at the end.

        Args:
            target: its name; what is there is replaced.
            pieces: what to encrypt.

        Raises:
            Unavailable: it cannot be written. Nothing of it is left.
        """
        import pyrage  # type: ignore[import-untyped]  # it ships no types

        partial = target.with_name(f".{target.name}.partial")
        source = _Source(pieces)
        try:
            with os.fdopen(os.open(partial, _FLAGS, 0o600), "wb") as file:
                try:
                    pyrage.encrypt_io(source, file, self._keys)
                except pyrage.EncryptError as error:
                    # What a piece was stopped by arrives as a text: the thing itself says more.
                    raise source.stopped or Unavailable(f"{target} cannot be written ({error}).") from error
                if not source.ended:
                    raise LogRefused("The package was not encrypted to its end, so it is not handed over.")
                file.flush()
                os.fsync(file.fileno())
            partial.rename(target)
            _sync(target.parent)
        except OSError as error:
            raise Unavailable(f"The file {target} cannot be written ({error.strerror}).") from error
        finally:
            partial.unlink(missing_ok=True)


def file_of(package: Path) -> Path:
    """Say where the encrypted file of a package is.

    Args:
        package: its folder.

    Returns:
        The file beside it.
    """
    return package.with_name(f"{package.name}{SUFFIX}")


def hand_over(seal: Seal, export: Exported, bag: Bag, target: Path) -> None:
    """Encrypt a verified package.

    Args:
        seal: to whom.
        export: which export it is.
        bag: its folder, of which the signature lies aside.
        target: the file to write.

    Raises:
        Unavailable: it cannot be written.
    """
    paths = (each.path for each in bag.files())
    files = ((path, bag.aside(path) if path == SIGNATURE else bag.root / path) for path in paths)
    seal.write(target, tar(files, name=export.name, at=export.at))


def tar(files: Iterable[tuple[str, Path]], *, name: str, at: datetime) -> Iterator[bytes]:
    """Give a package as a tar.

    Args:
        files: the path of each file in the package, in order, and where it lies.
        name: of the folder that it makes when it is unpacked.
        at: the time of every file.

    Yields:
        Pieces.

    Raises:
        Unavailable: a file cannot be read.
    """
    for path, source in files:
        try:
            with source.open("rb") as file:
                left = os.fstat(file.fileno()).st_size
                yield _header(f"{name}/{path}", left, at)
                padding = -left % tarfile.BLOCKSIZE
                while chunk := file.read(min(left, _CHUNK)):
                    left -= len(chunk)
                    yield chunk
        except OSError as error:
            raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error
        if left:
            raise Unavailable(f"The file {path} became shorter while it was read.")
        yield bytes(padding)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(path: str, size: int, at: datetime) -> bytes:
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = size, 0o644, int(at.timestamp())
    return info.tobuf(tarfile.PAX_FORMAT)


class _Source:
    """The pieces, as a reader; it keeps what stopped it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.ended = False
        self.stopped: BaseException | None = None

    def __enter__(self) -> None:
        """Begin a step."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped = error

    def read(self, size: int = -1) -> bytes:
        with self:
            while not self._rest and not self.ended:
                piece = next(self._pieces, None)
                self.ended = piece is None
                self._rest = memoryview(piece or b"")
            taken = len(self._rest) if size < 0 else size
            given, self._rest = self._rest[:taken], self._rest[taken:]
            return bytes(given)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _recipient(text: str) -> "Recipient":
    if text.upper().startswith("AGE-SECRET-KEY-"):
        raise InvalidInput(
            f"This is a secret key, which belongs to the reviewer alone: it is no longer secret. {_ASK}"
        )
    if text.startswith(("ssh-", "ecdsa-")):
        raise InvalidInput(f"Keys of SSH are not taken: the file would show whose they are. {_ASK}")
    try:
        import pyrage
    except ModuleNotFoundError as error:
        raise Misconfigured(
            'To encrypt a package takes the extra age: pip install "consentgate[age]".'
        ) from error
    try:
        if not text.startswith("age1"):
            # Whatever it is, it may be a secret: nothing of it is repeated.
            raise InvalidInput(f"What was given, {len(text)} characters, is no public key of age. {_ASK}")
        key = pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise InvalidInput(
            f"{text[:16]!r} is no public key of age, or was copied with a mistake ({error}). {_ASK}"
        ) from error
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(_key(text)))
    except ValueError as error:
        raise InvalidInput(f"{text[:16]!r} is a key that anybody could open. {_ASK}") from error
    return key


def _key(text: str) -> bytes:
    """The bytes of a recipient whose checksum holds."""
    digits = text.removeprefix("age1")[:-_CHECKSUM]
    bits = "".join(f"{_BECH32.index(each):05b}" for each in digits)
    return int(bits[: 8 * _KEY_BYTES], 2).to_bytes(_KEY_BYTES, "big")
