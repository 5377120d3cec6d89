"""What makes a log itself: its origin, its key, and the memory of its signer, each in a place of its own.

Invariants: the origin is the key's name and is made once, at random; nothing that is there is written over. The
signer's memory is there before its key, so that no key which may have signed is ever given an empty one.
"""

import base64
from pathlib import Path
from typing import Final

from consentgate.errors import Malformed, Misconfigured, Unavailable
from consentgate.keys.files import read_secret, write_public, write_secret
from consentgate.log.state import StateStore, first_state
from consentgate.moment import Random
from consentgate.storage import deployment
from consentgate.storage.database import Database
from consentgate.tlog.notekey import NoteKey, NoteSigner

_DOMAIN: Final = "consentgate.invalid/"
_TEST: Final = "test/"


def initialise(database: Database, *, key: Path, vkey: Path, state: StateStore, random: Random) -> NoteKey:
    """Make the first log: its signer's state, its key and origin; and tell the database.

    Args:
        database: whose log it is; a test database gets a test origin.
        key: file for the private key, made for the owner alone.
        vkey: file for the public key.
        state: where the signer's state will lie.
        random: gives key and origin.

    Returns:
        The public key. Run again after a crash, it goes on where it stopped.

    Raises:
        Misconfigured: the database has a log, or the files belong to another one or were used.
        Unavailable: a file, the state or the database is out of reach, or somebody else makes the same log.
    """
    with database.read() as connection:
        if deployment.fact(connection, deployment.LOG_ORIGIN) is not None:
            raise Misconfigured("This database has a log already; its key is not made twice.")
        test = deployment.is_test_database(connection)
    require_unused(key, state)
    public = _make_files(key=key, vkey=vkey, state=state, random=random, test=test)
    database.write(lambda c: deployment.insert_fact(c, deployment.LOG_ORIGIN, public.name))
    return public


def make_epoch_identity(*, key: Path, vkey: Path, state: StateStore, random: Random, test: bool) -> NoteKey:
    """Make what an epoch's log needs outside the database.

    Args:
        key: file for the private key, made for the owner alone.
        vkey: file for the public key.
        state: where the signer's state will lie.
        random: gives key and origin.
        test: whether it is a test database's log.

    Returns:
        The public key. Run again after a crash, it goes on where it stopped.

    Raises:
        Misconfigured: the files belong to another log or were used.
        Unavailable: a file or the state is out of reach, or somebody else makes the same epoch.
    """
    require_unused(key, state)
    return _make_files(key=key, vkey=vkey, state=state, random=random, test=test)


def require_unused(key: Path, state: StateStore) -> None:
    """Refuse a key of which nobody knows what it signed, and a state that signed: nothing is written.

    Args:
        key: file of the private key, whether it is there or not.
        state: where the signer's state lies, or will.

    Raises:
        Misconfigured: there is a key without its state, or a state of a log that signed.
        Unavailable: the state is out of reach.
    """
    found = state.read()
    if found is None and key.exists():
        raise Misconfigured(
            f"{key} is there, but its signer's state is not: with a new one the key could sign a second story."
            " Restore the state together with the database and the settings, or run `consentgate log recover` on"
            " them. For a new log use another --home."
        )
    if found is not None and found.size:
        raise Misconfigured(
            "The signer's state is of another log, which signed already: restore that log's database, or choose"
            " another place."
        )


def _make_files(*, key: Path, vkey: Path, state: StateStore, random: Random, test: bool) -> NoteKey:
    """Make state, key and public key, in this order: a key without a state is one that was used, and lost it."""
    made = not key.exists()
    signer = NoteSigner.generate(new_origin(random, test=test), random) if made else read_key(key)
    public = signer.key
    if vkey.exists() and vkey.read_bytes() != f"{public.vkey}\n".encode():
        raise Misconfigured(f"{vkey} is of another key: restore that key, or use another --home.")
    found, first = state.read(), first_state(public.name)
    if found is None:
        state.create(first)
    elif found != first:
        if not made:
            raise Misconfigured("The signer's state is of another log: choose another place.")
        # Cut off before there was a key: nobody can sign under that origin.
        if not state.replace(found, first):
            raise Unavailable("Somebody else makes this log in this moment: look at `consentgate log show`.")
    if made:
        write_secret(key, f"{signer.to_text()}\n".encode())
    if not vkey.exists():
        write_public(vkey, f"{public.vkey}\n".encode())
    return public


def new_origin(random: Random, *, test: bool) -> str:
    """Make a log's origin.

    Args:
        random: gives 16 bytes.
        test: whether it is a test database's log.

    Returns:
        A name under a domain that nobody can own, with 26 characters of base32.
    """
    name = base64.b32encode(random(16)).decode().rstrip("=").lower()
    return f"{_DOMAIN}{_TEST if test else ''}{name}"


def read_key(path: Path) -> NoteSigner:
    """Read the log's private key.

    Args:
        path: the file.

    Returns:
        The key.

    Raises:
        Misconfigured: it is not there, others may read it, or it is not such a key.
        Unavailable: it cannot be read.
    """
    data = read_secret(path, limit=4096)
    try:
        return NoteSigner.from_text(data.decode("ascii", errors="replace").removesuffix("\n"))
    except Malformed as error:
        raise Misconfigured(f"The file {path} is not a log's key: restore it.") from error
