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

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from consentgate.entries.epoch import current_log, origin_fact
from consentgate.errors import LogRefused, Malformed, Misconfigured, SignatureInvalid
from consentgate.log.state import SignerState, StateStore
from consentgate.log.tree import root_at, stored_nodes
from consentgate.moment import floor
from consentgate.storage import checkpoints, deployment, sequence
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.proof import consistency_proof, verify_consistency
from consentgate.values import dataclass

_CURE: Final = (
    "Run `consentgate verify`, and bring back the newer copy: entries are still written, but this log signs"
    " nothing until it continues what was signed. Where there is no newer copy, run `consentgate log recover`."
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

    def once(self, *, every: float = 0.0) -> CheckpointRow | None:
        """Sign the newest tree, if it has grown.

        Args:
            every: seconds from the newest checkpoint of all processes to the next one, at least.

        Returns:
            The newest checkpoint, old or new; None while the log is empty, where it is too soon for the next one, or
            when another signer was faster.

        Raises:
            LogRefused: the state is missing or older than what was released, or the tree does not continue
                what was signed.
            Misconfigured: key, state and database are not of one log.
            Unavailable: database or state are out of reach.
        """
        # 1 read the state
        old, shown = self._read_state()
        if shown is not None and 0 <= (self.database.clock() - shown.at).total_seconds() < every:
            return None
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

    def _read_state(self) -> tuple[SignerState, CheckpointRow | None]:
        origin = self.key.key.name
        # The database before the state: what another signer releases in between is no newer than the state.
        with self.database.read() as connection:
            known = deployment.facts(connection)
            expected = known.get(origin_fact(self.log))
            shown = checkpoints.newest_of_origin(connection, origin)
        if expected != origin:
            raise Misconfigured("The signer's key is not the key of this database's log: check the settings.")
        if current_log(known) != self.log:
            raise Misconfigured("An epoch ended the log of this signer: use the key of the log that grows.")
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
        return state, shown

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


class CurrentSigner:
    """Signs the log that grows, from epoch to epoch."""

    def __init__(
        self, database: Database, opened: Callable[[int], Signer], *, signer: Signer | None = None
    ) -> None:
        """Prepare.

        Args:
            database: whose log.
            opened: takes the key and the state of a log in hand, by its number.
            signer: the first one, where it is in hand already.
        """
        self._database = database
        self._opened = opened
        self._signer = signer

    def once(self, *, every: float = 0.0) -> CheckpointRow | None:
        """Sign the newest tree of the log that grows, if it has grown.

        Args:
            every: as of `Signer.once`.

        Returns:
            As of `Signer.once`.

        Raises:
            LogRefused: as of `Signer.once`.
            Misconfigured: the key of that log is not here, or key, state and database are not of one log.
            Unavailable: database or state are out of reach.
        """
        with self._database.read() as connection:
            log = deployment.current_log(connection)
        if self._signer is None or self._signer.log != log:
            self._signer = self._opened(log)
        return self._signer.once(every=every)
