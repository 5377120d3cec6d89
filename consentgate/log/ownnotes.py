"""Which stored notes are checkpoints of the log's own key: others cover nothing, whoever wrote the row.

Invariant: a signature is verified once for each row and remembered by size and the note's digest, refusals too, so
that looking again costs a hash. Without the log's public key a note is held against the log's name and the row's size
alone: whoever may insert rows can then make one that counts.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import Checkpoint, decode, open_checkpoint
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteKey

# Far more than one look reads; a signer releases one every five seconds at most.
_REMEMBERED: Final = 1000


class OwnNotes:
    """Tells the log's own checkpoints from whatever else lies in the table."""

    def __init__(self, key_of: Callable[[int], NoteKey | None]) -> None:
        """Nothing is read before a note is judged.

        Args:
            key_of: gives the public key of the log of a number, from outside the database; None where it is not here.
        """
        self._key_of = key_of
        self._keys: dict[int, NoteKey] = {}
        self._judged: dict[tuple[int, int, bytes], bool] = {}

    def of(self, log: int, origin: str | None) -> Callable[[int, str], bool]:
        """Make the judge of one log's rows.

        Args:
            log: number of the log.
            origin: its name, as the database says; used where there is no key.

        Returns:
            Says of a row's size and note whether it is a checkpoint of that log and size. It raises `Misconfigured`
            where the key is there and cannot be read.
        """

        def judged(size: int, note: str) -> bool:
            key = self._key(log)
            if key is None:
                return _named(note, origin, size)
            row = (log, size, sha256(note.encode("utf-8", "surrogatepass")).digest())
            known = self._judged.get(row)
            if known is None:
                if len(self._judged) >= _REMEMBERED:
                    self._judged.clear()
                known = self._judged[row] = _signed(note, key, size)
            return known

        return judged

    def _key(self, log: int) -> NoteKey | None:
        found = self._keys.get(log)
        if found is None:
            found = self._key_of(log)
            if found is not None:
                self._keys[log] = found
        return found


def _signed(note: str, key: NoteKey, size: int) -> bool:
    try:
        return open_checkpoint(note, key).size == size
    except (Malformed, SignatureInvalid):
        return False


def _named(note: str, origin: str | None, size: int) -> bool:
    try:
        found: Checkpoint = decode(parse_note(note).text)
    except Malformed:
        return False
    return (found.origin, found.size) == (origin, size)
