"""What proves that nothing was changed: checkpoints, proofs and tiles; and what keeps the keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from unittest import mock

from consentgate import canonical
from consentgate.entries.epoch import EpochRecord, epoch_record
from consentgate.errors import Malformed, SignatureInvalid, Unavailable
from consentgate.keys import custody
from consentgate.keys.envelope import Envelopes
from consentgate.log import state
from consentgate.tlog import (
    addcheckpoint,
    bundle,
    checkpoint,
    cosignature,
    merkle,
    note,
    policy,
    proof,
    receipt,
    tiles,
)
from consentgate.tlog.notekey import NoteKey, NoteSigner, split_key, unb64_text
from consentgate.verify.receipts import verify_receipt
from consentgate.verify.witnesses import unwitnessed
from tests.fuzz.target import GOLDEN, KEY, LEAVES, Target, as_text, in_bytes, in_json, of_object, of_text

_TREE: Final = [merkle.leaf_hash(bytes([i])) for i in range(7)]
_STATE: Final = {
    "format": 1, "note": "", "origin": "consentgate.invalid/x", "root": canonical.b64(merkle.root_of([])), "size": 0,
}  # fmt: skip
_EPOCH: Final = EpochRecord(
    log=1,
    origin="consentgate.invalid/y",
    old_log=0,
    old_origin="consentgate.invalid/x",
    checkpoint="",
    source="none",
    signed=7,
    sound=5,
    gone=1,
    sequenced=6,
    root=merkle.root_of(_TREE[:6]),
    entries=8,
).members()


def _made_key_file() -> bytes:
    made: list[bytes] = []
    with mock.patch.object(custody, "write_secret", lambda _path, data: made.append(data)):
        custody.KeyFile.create(Path("keys"), lambda size: bytes(range(1, size + 1)))
    return made[0]


_KEY_FILE: Final = _made_key_file()
_CUSTODY: Final = custody.KeyFile(custody._decode(_KEY_FILE))
_ENVELOPES: Final = Envelopes(_CUSTODY, lambda size: bytes(range(2, size + 2)))
_WRAPPED: Final = _CUSTODY.wrap(KEY)


def _key_file(data: bytes) -> object:
    with mock.patch.object(custody, "read_secret", return_value=data):
        return custody.KeyFile.read(Path("keys"))


def _inclusion(data: bytes) -> None:
    *lines, root = data.split(b"\n")
    hashes = [canonical.unb64(as_text(line)) for line in lines]
    proof.verify_inclusion(3, 7, _TREE[3], canonical.unb64(as_text(root)), hashes)


def _consistency(data: bytes) -> None:
    *lines, root = data.split(b"\n")
    hashes = [canonical.unb64(as_text(line)) for line in lines]
    proof.verify_consistency(3, 7, merkle.root_of(_TREE[:3]), canonical.unb64(as_text(root)), hashes)


def _node(level: int, index: int) -> bytes:
    span = _TREE[index << level : (index + 1) << level]
    return merkle.root_of(span)


def _proof(path: Sequence[bytes]) -> bytes:
    return "\n".join(canonical.b64(each) for each in (*path, merkle.root_of(_TREE))).encode()


VKEY: Final = (GOLDEN / "log.vkey").read_text().strip()
NOTE: Final = (GOLDEN / "checkpoint.txt").read_bytes()
_BODY: Final = NOTE.partition(b"\n\n")[0] + b"\n"

_RECEIPT: Final = receipt.encode(
    receipt.Receipt(index=3, hashes=tuple(_TREE[:2]), note=as_text(NOTE), extra=b"leaf")
).encode()


def _proved() -> bytes:
    """A receipt that holds, with its leaf."""
    hashes = [*_TREE[:3], merkle.leaf_hash(LEAVES[0]), *_TREE[4:]]
    path = proof.inclusion_proof(
        3, 7, lambda level, at: merkle.root_of(hashes[at << level : (at + 1) << level])
    )
    head = checkpoint.Checkpoint(origin=_SIGNER.key.name, size=7, root=merkle.root_of(hashes))
    signed = checkpoint.sign_checkpoint(head, _SIGNER)
    return receipt.encode(receipt.Receipt(index=3, hashes=path, note=signed, extra=LEAVES[0])).encode()


_SIGNER: Final = NoteSigner.generate("consentgate.invalid/x", lambda size: bytes(range(size)))
_PROVED: Final = _proved()
_WITNESSED: Final = (GOLDEN / "witnessed" / "checkpoint.txt").read_bytes()
_POLICY: Final = (GOLDEN / "witnessed" / "policy.txt").read_bytes()
_ASKED: Final = policy.decode(_POLICY)
WITNESSES: Final = _ASKED.keys
_COSIGNED: Final = note.parse_note(_WITNESSED)

TREES: Final[Sequence[Target]] = (
    Target(
        name="tlog.checkpoint.decode",
        decode=of_text(checkpoint.decode),
        samples=[_BODY],
        encode=lambda value: checkpoint.encode(value).encode(),
    ),
    Target(
        name="tlog.checkpoint.open_checkpoint",
        decode=lambda data: checkpoint.open_checkpoint(data, NoteKey.from_vkey(VKEY)),
        samples=[NOTE],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(
        name="tlog.checkpoint.decode_any",
        decode=of_text(checkpoint.decode_any),
        samples=[_BODY, _BODY + b"extension\n"],
    ),
    Target(
        name="tlog.checkpoint.open_any",
        decode=lambda data: checkpoint.open_any(data, NoteKey.from_vkey(VKEY)),
        samples=[NOTE],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(
        name="tlog.receipt.decode",
        decode=receipt.decode,
        samples=[_RECEIPT, _RECEIPT.replace(b"extra bGVhZg==\n", b"")],
        encode=lambda value: receipt.encode(value).encode(),
    ),
    Target(
        name="verify.receipts.verify_receipt",
        decode=lambda data: verify_receipt(data, _SIGNER.key, policy=_ASKED),
        samples=[_PROVED, _RECEIPT],
        errors=(),
    ),
    Target(
        name="verify.witnesses.unwitnessed",
        decode=lambda data: unwitnessed(data, _ASKED),
        samples=[_WITNESSED, NOTE],
        errors=(),
    ),
    Target(
        name="tlog.bundle.decode",
        decode=bundle.decode,
        samples=[b"", bundle.encode([b"a", b"", b"c" * 300])],
        encode=bundle.encode,
    ),
    Target(
        name="tlog.cosignature.WitnessKey.from_vkey",
        decode=of_text(cosignature.WitnessKey.from_vkey),
        samples=in_bytes(WITNESSES[0].vkey),
        encode=lambda key: key.vkey.encode(),
    ),
    Target(
        name="tlog.cosignature.cosignatures_of",
        decode=lambda data: cosignature.cosignatures_of(data, WITNESSES),
        samples=[_WITNESSED, NOTE],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(
        name="tlog.cosignature.with_cosignatures",
        decode=of_text(lambda text: cosignature.with_cosignatures(text, _COSIGNED.signatures[:1])),
        samples=[_WITNESSED, NOTE],
    ),
    Target(name="tlog.policy.decode", decode=policy.decode, samples=[_POLICY]),
    Target(
        name="tlog.addcheckpoint.decode",
        decode=addcheckpoint.decode,
        samples=[(GOLDEN / "witnessed" / "request.txt").read_bytes()],
        encode=addcheckpoint.encode,
    ),
    Target(
        name="tlog.addcheckpoint.read_cosignatures",
        decode=addcheckpoint.read_cosignatures,
        samples=[_WITNESSED.partition(b"GQc=\n")[2]],
        encode=lambda lines: "".join(note.signature_line(each) for each in lines).encode(),
    ),
    Target(
        name="tlog.addcheckpoint.read_size",
        decode=lambda data: addcheckpoint.read_size(data, addcheckpoint.SIZE_TYPE),
        samples=[b"0\n", b"20852014\n"],
        encode=lambda size: b"%d\n" % size,
    ),
    Target(name="tlog.note.parse_note", decode=note.parse_note, samples=[NOTE]),
    Target(
        name="tlog.note.parse_signatures",
        decode=note.parse_signatures,
        samples=[NOTE.partition(b"\n\n")[2]],
        encode=lambda lines: "".join(note.signature_line(each) for each in lines).encode(),
    ),
    Target(
        name="tlog.note.verify_note",
        decode=lambda data: note.verify_note(as_text(data), [NoteKey.from_vkey(VKEY)]),
        samples=[NOTE],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(
        name="tlog.notekey.unb64_text",
        decode=of_text(unb64_text),
        samples=in_bytes("", "AA==", "AAA=", "SGVsbG8="),
    ),
    Target(name="tlog.notekey.split_key", decode=of_text(split_key), samples=in_bytes(VKEY)),
    Target(
        name="tlog.notekey.NoteKey.from_vkey",
        decode=of_text(NoteKey.from_vkey),
        samples=in_bytes(VKEY),
        encode=lambda key: key.vkey.encode(),
    ),
    Target(
        name="tlog.notekey.NoteSigner.from_text",
        decode=of_text(NoteSigner.from_text),
        samples=in_bytes(_SIGNER.to_text()),
        encode=lambda signer: signer.to_text().encode(),
    ),
    Target(
        name="tlog.merkle.Frontier.from_bytes",
        decode=merkle.Frontier.from_bytes,
        samples=[merkle.Frontier(3, [_TREE[0], _TREE[2]]).to_bytes(), merkle.Frontier().to_bytes()],
        encode=lambda frontier: frontier.to_bytes(),
    ),
    Target(
        name="tlog.merkle.require_hash", decode=lambda data: merkle.require_hash(data, "x"), samples=[KEY]
    ),
    Target(
        name="tlog.merkle.root_of",
        decode=lambda data: merkle.root_of(data.split(b"\n")),
        samples=[b"r" * 32, b"r" * 32 + b"\n" + b"s" * 32],
    ),
    Target(name="tlog.merkle.Frontier.push", decode=lambda data: merkle.Frontier().push(data), samples=[KEY]),
    Target(
        name="tlog.proof.verify_inclusion",
        decode=_inclusion,
        samples=[_proof(proof.inclusion_proof(3, 7, _node))],
    ),
    Target(
        name="tlog.proof.verify_consistency",
        decode=_consistency,
        samples=[_proof(proof.consistency_proof(3, 7, _node))],
    ),
    Target(name="tlog.tiles.subtree_of_tile", decode=tiles.subtree_of_tile, samples=[KEY * 256]),
    Target(name="keys.custody.KeyFile.read", decode=_key_file, samples=[_KEY_FILE]),
    Target(
        name="keys.custody.KeyFile.unwrap",
        decode=lambda data: _CUSTODY.unwrap(_WRAPPED.wrapping_key, data),
        samples=[_WRAPPED.wrapped],
    ),
    Target(
        name="keys.envelope.Envelopes.open",
        decode=of_text(_ENVELOPES.open),
        samples=in_bytes(_ENVELOPES.seal(b"content")),
        errors=(Malformed, Unavailable),
    ),
    Target(name="log.state.decode_state", decode=state.decode_state, samples=[*in_json(_STATE)]),
    Target(name="entries.epoch.epoch_record", decode=of_object(epoch_record), samples=[*in_json(_EPOCH)]),
)
