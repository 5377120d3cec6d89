"""What goes out of the house about the log, and is verified there: receipts, published files.

Invariant: verifying reads files and a key, and opens no database.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from consentgate.config.anchoring import witnesses_of
from consentgate.config.entries import entry_named
from consentgate.config.settings import Settings
from consentgate.config.since import Pinned
from consentgate.config.upkeep import log_database, reading
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.log.prove import prove
from consentgate.log.publish import Published, publish
from consentgate.storage import deployment
from consentgate.tlog import receipt
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import LIMIT, Policy
from consentgate.tlog.policy import decode as decode_policy
from consentgate.values import dataclass
from consentgate.verify.filetree import Read
from consentgate.verify.published import size_of, verify_published
from consentgate.verify.receipts import verify_receipt
from consentgate.verify.result import Verification

# More than any file of a log of the layout: 256 entries of 64 KiB.
_LARGEST_FILE: Final = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A receipt in its file's form.

    Attributes:
        entry: the entry's id.
        position: its position in the log.
        size: of the tree that the checkpoint covers.
        text: the file's text.
    """

    entry: str
    position: int
    size: int
    text: str

    @property
    def file_name(self) -> str:
        """What the file is called where nobody names it."""
        return f"{self.entry}{receipt.SUFFIX}"


def proved(settings: Settings, named: str) -> Proved:
    """Make an entry's receipt.

    Args:
        settings: the settings.
        named: the entry's id, or the last 8 to 12 characters of it.

    Returns:
        The receipt.

    Raises:
        InvalidInput: no entry, or more than one, is named so.
        LogRefused: the stored tree is not what was signed.
        Misconfigured: the witness policy cannot be used.
        Unavailable: no checkpoint with enough cosignatures covers the entry yet, or the database is out of reach.
    """
    with reading(settings) as parts:
        entry = entry_named(parts, named)
        with parts.database.read() as connection:
            log, witnesses = deployment.current_log(connection), witnesses_of(settings)
            made = prove(connection, parts.book.tenant, entry, log=log, witnesses=witnesses)
    size = int(made.note.split("\n", 2)[1])
    return Proved(entry=str(entry), position=made.index, size=size, text=receipt.encode(made))


def published(settings: Settings, folder: Path, *, with_leaves: bool) -> Published:
    """Bring a folder up to the newest checkpoint.

    Args:
        settings: the settings.
        folder: where to.
        with_leaves: whether the leaves are published too.

    Returns:
        What was published.

    Raises:
        LogRefused: the stored tree is not what was signed, or the folder holds something else.
        Misconfigured: the witness policy cannot be used.
        Unavailable: nothing is signed yet, too few witnesses cosigned, the folder cannot be written, or the database
            is out of reach.
    """
    with log_database(settings) as database, database.read() as connection:
        log, witnesses = deployment.current_log(connection), witnesses_of(settings)
        return publish(connection, folder, with_leaves=with_leaves, log=log, witnesses=witnesses)


def files_of(folder: Path) -> Read:
    """Read a published log out of a folder.

    Args:
        folder: the folder.

    Returns:
        What gives its files.

    Raises:
        InvalidInput: there is no such folder.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder.")
    return lambda name: _read(folder / name)


def published_size(read: Read, pinned: Pinned | None = None) -> int:
    """Say how many entries of a published log there are to verify.

    Args:
        read: gives its files.
        pinned: the checkpoint from which on is verified; None where everything is.

    Returns:
        The number, as the log's checkpoint claims; 0 where that cannot be read.
    """
    return max(size_of(read) - (pinned.head.size if pinned else 0), 0)


def published_verified(
    read: Read,
    vkey: str | None,
    *,
    step: Callable[[int], None],
    policy: Path | None = None,
    origin: str | None = None,
    pinned: Pinned | None = None,
) -> Verification:
    """Verify a published log from its files alone.

    Args:
        read: gives its files.
        vkey: the log's public key as the caller trusts it; None leaves the signature unjudged.
        step: told how many entries were covered, again and again.
        policy: a file with the witness policy; None asks for no cosignatures.
        origin: the log's name, where that is not the name of its key.
        pinned: a checkpoint under the same vkey, from which on is verified; None verifies everything.

    Returns:
        Levels and findings.

    Raises:
        InvalidInput: the vkey is none, or the policy is not there or cannot be used.
        Unavailable: a file cannot be read.
    """
    since = pinned.head if pinned is not None else None
    return verify_published(read, _key(vkey), step=step, policy=_policy(policy), origin=origin, since=since)


def receipt_verified(
    path: Path, vkey: str | None, *, leaf: Path | None = None, policy: Path | None = None
) -> Verification:
    """Verify a receipt.

    Args:
        path: the file.
        vkey: the log's public key as the caller trusts it; None leaves the signature unjudged.
        leaf: a file with the entry's leaf; None takes the one that the receipt carries.
        policy: a file with the witness policy; None asks for no cosignatures.

    Returns:
        Levels and findings.

    Raises:
        InvalidInput: a file is not there, the vkey is none, or the policy cannot be used.
        Unavailable: a file cannot be read.
    """
    data, shown = (None if each is None else _read(each) for each in (path, leaf))
    for each, found in ((path, data), (leaf, shown)):
        if each is not None and found is None:
            raise InvalidInput(f"The file {each} is not there.")
    return verify_receipt(data or b"", _key(vkey), leaf=shown, policy=_policy(policy))


def _key(vkey: str | None) -> NoteKey | None:
    try:
        return NoteKey.from_vkey(vkey) if vkey is not None else None
    except Malformed as error:
        raise InvalidInput(f"The vkey cannot be used: {error}") from error


def _policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    data = _read(path, LIMIT + 1)
    if data is None:
        raise InvalidInput(f"The file {path} is not there.")
    try:
        return decode_policy(data)
    except Malformed as error:
        raise InvalidInput(f"The policy {path} cannot be used: {error}") from error


def _read(path: Path, most: int = _LARGEST_FILE) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error
