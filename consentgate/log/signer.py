"""The signer: signs that the log has grown, and refuses whatever is not growth.

Order of effects, which makes two signed stories impossible whatever the database shows:

1. read the state (size, root, note), which lies outside the database, and refuse it when the database shows
   that more was released, or something else;
2. check that the database's tree continues the tree of the *stored* root;
3. sign;
4. compare and set the state, the note included;
5. only then release the note into the database.

A crash after 4 is repaired by the next run: equal size and root give the stored note, never another one.
"""

import base64
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused, Malformed, Misconfigured, SignatureInvalid
from consentgate.keys.files import read_secret, write_public, write_secret
from consentgate.log.state import SignerState, StateStore, first_state
from consentgate.log.tree import root_at, stored_nodes
from consentgate.moment import Random, floor
from consentgate.storage import checkpoints, deployment, sequence
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consentgate.tlog.notekey import NoteKey, NoteSigner
from consentgate.tlog.proof import consistency_proof, verify_consistency
from consentgate.values import dataclass

_DOMAIN: Final = "consentgate.invalid/"
_TEST: Final = "test/"
_CURE: Final = (
    "Run `consentgate verify`, and bring back the newer copy: entries are still written, but this log signs"
    " nothing until it continues what was signed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs the checkpoints of one log.

    Attributes:
        database: where the tree is.
        key: the log's key; its name is the origin.
        state: what was signed last.
        log: number of the log.
    """

    database: Database
    key: NoteSigner
    state: StateStore
    log: int = sequence.FIRST_LOG

    def once(self) -> CheckpointRow | None:
        """Sign the newest tree, if it has grown.

        Returns:
            The newest checkpoint, old or new; None while the log is empty, or when another signer was faster.

        Raises:
            LogRefused: the state is missing or older than what was released, or the tree does not continue
                what was signed.
            Misconfigured: key, state and database are not of one log.
            Unavailable: database or state are out of reach.
        """
        # 1 read the state
        old = self._read_state()
        # 2 check growth
        with self.database.read() as connection:
            new = self._grown(connection, old)
        if new is None:
            return None
        if new.size == old.size:
            return self._release(old)
        # 3 sign
        note = sign_checkpoint(new, self.key)
        following = SignerState(origin=new.origin, size=new.size, root=new.root, note=note)
        # 4 compare and set, on disk
        if not self.state.replace(old, following):
            return None
        # 5 release
        return self._release(following)

    def _read_state(self) -> SignerState:
        origin = self.key.key.name
        # The database before the state: what another signer releases in between is no newer than the state.
        with self.database.read() as connection:
            expected = deployment.fact(connection, deployment.LOG_ORIGIN)
            shown = checkpoints.newest_of_origin(connection, origin)
        if expected != origin:
            raise Misconfigured("The signer's key is not the key of this database's log: check the settings.")
        state = self.state.read()
        if state is None:
            raise LogRefused(
                f"The signer's state is missing, and checkpoints of {shown.size if shown else 0} entries exist:"
                f" without it the log could sign two stories. Restore the state. {_CURE}"
            )
        if state.origin != origin:
            raise Misconfigured("The signer's state is of another log: check the settings.")
        if state.size:
            self._require_own(state)
        if shown is not None:
            self._require_newest(state, shown)
        return state

    def _require_newest(self, state: SignerState, shown: CheckpointRow) -> None:
        """Refuse a state that is older than what was released: from there the log would sign a second story."""
        try:
            released = open_checkpoint(shown.note, self.key.key).size
        except (Malformed, SignatureInvalid):
            released = -1
        if released != shown.size or (released == state.size and shown.note != state.note):
            raise LogRefused(f"The database shows another checkpoint than the signer signed. {_CURE}")
        if released > state.size:
            raise LogRefused(
                f"A checkpoint of {released} entries was released, but the signer's state is of {state.size}:"
                f" it was rolled back. Restore the newest state. {_CURE}"
            )

    def _require_own(self, state: SignerState) -> None:
        try:
            signed = open_checkpoint(state.note, self.key.key)
        except (Malformed, SignatureInvalid) as error:
            raise LogRefused(f"The note in the signer's state is not its own. {_CURE}") from error
        if (signed.size, signed.root) != (state.size, state.root):
            raise LogRefused(f"The signer's state is not what its note says. {_CURE}")

    def _grown(self, connection: Connection, old: SignerState) -> Checkpoint | None:
        tree = sequence.latest_tree(connection, log=self.log)
        size = tree.size if tree else 0
        if size < old.size:
            raise LogRefused(f"The log has {size} entries, but {old.size} were signed. {_CURE}")
        if tree is None:
            return None
        node = stored_nodes(connection, size, log=self.log)
        try:
            if root_at(size, node) != tree.root:
                raise LogRefused(f"The log's tree is not the tree of its tiles and positions. {_CURE}")
            if old.size:
                proof = consistency_proof(old.size, size, node)
                verify_consistency(old.size, size, old.root, tree.root, proof)
        except Malformed as error:
            raise LogRefused(f"The log is not a continuation of what was signed. {_CURE}") from error
        return Checkpoint(origin=old.origin, size=size, root=tree.root)

    def _release(self, state: SignerState) -> CheckpointRow:
        row = CheckpointRow(
            size=state.size, origin=state.origin, note=state.note, at=floor(self.database.clock())
        )

        def insert(connection: Connection) -> CheckpointRow:
            checkpoints.insert_checkpoint(connection, row, log=self.log)
            return checkpoints.checkpoint_at(connection, row.size, log=self.log) or row

        with self.database.read() as connection:
            stored = checkpoints.checkpoint_at(connection, state.size, log=self.log)
        try:
            stored = stored or self.database.write(insert)
        except Duplicate:
            stored = row
        if stored.note != state.note:
            raise LogRefused(f"The database shows another checkpoint than the signer signed. {_CURE}")
        return stored


def initialise(database: Database, *, key: Path, vkey: Path, state: StateStore, random: Random) -> NoteKey:
    """Make a log: its origin, its key, its signer's state; and tell the database.

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
        raise Misconfigured("The signer's state is of another log: choose another file.")
    database.write(lambda c: deployment.insert_fact(c, deployment.LOG_ORIGIN, public.name))
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
