from collections.abc import Callable

import pytest

from consentgate.errors import PackInvalid
from consentgate.packs import signature
from consentgate.packs.packset import PackSet, signed
from consentgate.tlog.note import sign_note
from consentgate.tlog.notekey import NoteSigner
from tests.unit.packs.texts import pack_set, pack_text

VERSION = "2026.11.22"
DIGEST = bytes(range(32))
ADA = NoteSigner.generate("packs.example/a", lambda n: b"a" * n)
BOB = NoteSigner.generate("packs.example/b", lambda n: b"b" * n)


def verify(
    note: str, *signers: NoteSigner, version: str | None = VERSION, digest: bytes = DIGEST
) -> tuple[str, ...]:
    keys = [signer.key.vkey for signer in signers]
    return signature.verify(note.encode(), version=version, digest=digest, keys=keys)


def test_a_signed_set_names_who_signed() -> None:
    note = signature.sign(ADA, version=VERSION, digest=DIGEST)
    assert note.startswith(f"consentgate rule packs\n{VERSION}\n{DIGEST.hex()}\n\n")
    assert verify(note, ADA, BOB) == ("packs.example/a",)
    both = sign_note(signature.text(VERSION, DIGEST), [BOB, ADA])
    assert verify(both, ADA, BOB) == ("packs.example/a", "packs.example/b")


def altered(note: str) -> str:
    line = note.rindex(" ") + 12
    return note[:line] + ("A" if note[line] != "A" else "B") + note[line + 1 :]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: "", "A note is a text"),
        (lambda note: note[:-30], "Each signature line ends with a line feed"),
        (altered, "does not fit the note"),
        (lambda note: note.replace("2026", "2027"), "does not fit the note"),
        (lambda _: signature.sign(BOB, version=VERSION, digest=DIGEST), "No known key signed"),
        (lambda _: signature.sign(ADA, version="2026.11.23", digest=DIGEST), "signed for another set"),
        (lambda _: signature.sign(ADA, version=VERSION, digest=DIGEST[::-1]), "signed for another set"),
        (lambda _: sign_note("another text\n", [ADA]), "signed for another set"),
    ],
)
def test_a_set_that_nobody_of_the_list_signed_is_refused(change: Callable[[str], str], says: str) -> None:
    with pytest.raises(PackInvalid) as refused:
        verify(change(signature.sign(ADA, version=VERSION, digest=DIGEST)), ADA)
    assert str(refused.value).startswith("index.note: the whole file: ")
    assert says in str(refused.value)
    assert "restore index and note together" in str(refused.value)


def test_without_keys_nobody_signs() -> None:
    with pytest.raises(PackInvalid, match="No known key"):
        verify(signature.sign(ADA, version=VERSION, digest=DIGEST))


def test_a_set_without_a_version_is_not_signed() -> None:
    with pytest.raises(PackInvalid, match="write one into its index"):
        signature.sign(ADA, version=None, digest=DIGEST)
    with pytest.raises(PackInvalid, match="write one into its index"):
        verify(signature.sign(ADA, version=VERSION, digest=DIGEST), ADA, version=None)


def test_a_set_opens_with_its_signature_or_not_at_all() -> None:
    packs = pack_set(pack_text("US"))
    index = packs.index.replace(b'{"format"', b'{"version":"2026.11.22","format"')
    plain = PackSet(index, lambda _: b"").digest
    note = signature.sign(ADA, version=VERSION, digest=plain).encode()
    opened = signed(index, lambda _: b"", note=note, keys=[ADA.key.vkey])
    assert (opened.digest, opened.signed_by) == (plain, ("packs.example/a",))
    assert packs.signed_by == ()
    with pytest.raises(PackInvalid, match="signed for another set"):
        signed(index.replace(b"x/US", b"x/UX"), lambda _: b"", note=note, keys=[ADA.key.vkey])
