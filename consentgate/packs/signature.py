"""Who vouches for a set of packs: a C2SP signed note over the set's version and digest.

::

    consentgate rule packs
    2026.11.22
    <the set's digest, SHA-256 in hex>

    — <key name> <signature>

The note lies beside the index. The keys that count for the packs of a release are in `consentgate.packs.signers`.

Invariants: a set counts as signed only by a note over exactly its version and digest that a listed key signed.
"""

from collections.abc import Sequence
from typing import Final

from consentgate.errors import Malformed, PackInvalid, SignatureInvalid
from consentgate.packs.index import NOTE
from consentgate.packs.shape import Place
from consentgate.tlog.note import sign_note, verify_note
from consentgate.tlog.notekey import NoteKey, NoteSigner

HEAD: Final = "consentgate rule packs"


def text(version: str | None, digest: bytes) -> str:
    """Give the text that is signed.

    Args:
        version: the set's version.
        digest: the set's digest.

    Returns:
        Three lines.

    Raises:
        PackInvalid: the set has no version.
    """
    if version is None:
        raise Place(file=NOTE).refuse("a set that is signed has a version; write one into its index")
    return f"{HEAD}\n{version}\n{digest.hex()}\n"


def sign(signer: NoteSigner, *, version: str | None, digest: bytes) -> str:
    """Sign a set.

    Args:
        signer: the key.
        version: the set's version.
        digest: the set's digest.

    Returns:
        The note.

    Raises:
        PackInvalid: the set has no version.
    """
    return sign_note(text(version, digest), [signer])


def verify(note: bytes, *, version: str | None, digest: bytes, keys: Sequence[str]) -> tuple[str, ...]:
    """Verify who signed a set.

    Args:
        note: the signed note beside its index.
        version: the set's version.
        digest: the set's digest.
        keys: vkeys of those who may sign.

    Returns:
        The names of the keys that signed, sorted.

    Raises:
        PackInvalid: the note is about another set, or none of the keys signed it.
    """
    place = Place(file=NOTE)
    try:
        signed = verify_note(note, [NoteKey.from_vkey(key) for key in keys])
    except (Malformed, SignatureInvalid) as error:
        raise _refused(place, f"{error}".rstrip(".")) from error
    if signed.text != text(version, digest):
        raise _refused(place, "it is signed for another set")
    return tuple(sorted({each.name for each in signed.signatures}))


def _refused(place: Place, why: str) -> PackInvalid:
    cure = "restore index and note together, or sign the set again; packs of a release: install consentgate again"
    return place.refuse(f"{why}; {cure}")
