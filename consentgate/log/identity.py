"""What makes a log itself: its origin, its key, and the memory of its signer, each in a place of its own.

Invariants: the origin is the key's name and is made once, at random; nothing that is there is written over.
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
    """Make the first log: its origin, its key, its signer's state; and tell the database.

    Args:
        database: whose log it is; a test database gets a test origin.
        key: file for the private key, made for the owner alone.
        vkey: file for the public key.
        state: where the signer's state will lie.
        random: gives key and origin.

    Returns:
        The public key. Run again after a crash, it goes on where it stopped.

    Raises:
        Misconfigured: the database has a log, or the files belong to another one.
        Unavailable: a file or the database is out of reach.
    """
    with database.read() as connection:
        if deployment.fact(connection, deployment.LOG_ORIGIN) is not None:
            raise Misconfigured("This database has a log already; its key is not made twice.")
        test = deployment.is_test_database(connection)
    if key.exists():
        signer = read_key(key)
    else:
        signer = NoteSigner.generate(new_origin(random, test=test), random)
        write_secret(key, f"{signer.to_text()}\n".encode())
    public = signer.key
    if not vkey.exists():
        write_public(vkey, f"{public.vkey}\n".encode())
    found = state.read()
    if found is None:
        state.create(first_state(public.name))
    elif found != first_state(public.name):
        raise Misconfigured("The signer's state is of another log: choose another place.")
    database.write(lambda c: deployment.insert_fact(c, deployment.LOG_ORIGIN, public.name))
    return public


def make_epoch_identity(*, key: Path, vkey: Path, state: StateStore, random: Random, test: bool) -> NoteKey:
    """Make what an epoch's log needs outside the database.

    The state comes first: where there is one of size 0, nothing was signed yet, and what was cut off goes on.

    Args:
        key: file for the private key, made for the owner alone.
        vkey: file for the public key.
        state: where the signer's state will lie.
        random: gives key and origin.
        test: whether it is a test database's log.

    Returns:
        The public key.

    Raises:
        Misconfigured: the state is missing beside a key, or is of a log that signed.
        Unavailable: a file or the state is out of reach, or somebody else makes the same epoch.
    """
    found = state.read()
    if (found is None and key.exists()) or (found is not None and found.size):
        raise Misconfigured(
            "The next epoch's key was used already: restore its state, or take its files away."
        )
    signer = read_key(key) if key.exists() else NoteSigner.generate(new_origin(random, test=test), random)
    first = first_state(signer.key.name)
    if found is None:
        state.create(first)
    elif found != first and not state.replace(found, first):
        raise Unavailable("Somebody else opens an epoch in this moment: look at `consentgate log show`.")
    if not key.exists():
        write_secret(key, f"{signer.to_text()}\n".encode())
    if not vkey.exists():
        write_public(vkey, f"{signer.key.vkey}\n".encode())
    return signer.key


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
