"""One leaf of each kind, a sealed part and a checkpoint of the log of those leaves, for the golden files in
`tests/golden`.

Run ``python -m tests.tools.golden_leaves`` to write them anew after a deliberate change of the format.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from consentgate.canonical import b64
from consentgate.entries.leaf import Answer, Draft, LanePosition, Leaf, encode, leaf_of
from consentgate.entries.parts import SealedPart, seal_part
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import root_of
from consentgate.tlog.notekey import NoteSigner

GOLDEN = Path(__file__).parents[1] / "golden"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATA_KEY = bytes(range(32))
LANE = bytes(range(16))
BEFORE = hashlib.sha256(b"the leaf before").digest()
INTENT = Answer(id=UUID("019aab00-0000-7000-8000-0000000000ff"), h=hashlib.sha256(b"intent").digest())
CONTENT = b'{"about":"the golden part"}'

PARTS = {
    "statement": ("statement.0",),
    "call": ("call.0", "call.1"),
    "assertion": ("body.0",),
    "registry": ("body.0",),
    "packs": ("body.0",),
    "intent": ("decision.0", "decision.1", "exchange.0", "exchange.1"),
    "denial": ("decision.0", "exchange.0"),
    "outcome": ("exchange.0", "matches.0"),
    "observation": ("exchange.0",),
    "stop": (),
    "hold": ("body.0",),
    "key_destroyed": ("body.0",),
    "export": ("body.0",),
    "heartbeat": (),
    "writer_stop": (),
    "epoch": ("body.0",),
}


def entry_id(number: int) -> UUID:
    return UUID(f"019aab00-0000-7000-8000-{number:012x}")


def iv(number: int) -> bytes:
    return hashlib.sha256(b"golden iv %d" % number).digest()[:12]


def sealed(entry: UUID, *names: str) -> tuple[SealedPart, ...]:
    ivs = iter([iv(at) for at in range(len(names))])
    return tuple(seal_part(entry, name, CONTENT, DATA_KEY, lambda _size: next(ivs)) for name in names)


def draft(kind: str, number: int) -> Draft:
    """One entry of a kind, with every member that the kind has."""
    decided = NOON - timedelta(milliseconds=3) if kind in ("intent", "denial") else None
    return Draft(
        id=entry_id(number),
        kind=kind,
        at=NOON,
        decided_at=decided,
        send_by=decided + timedelta(seconds=5) if decided and kind == "intent" else None,
        re=INTENT if kind in ("outcome", "observation", "stop") else None,
        end={"outcome": "succeeded", "observation": "unknown"}.get(kind),
        parts=sealed(entry_id(number), *PARTS[kind]),
    )


def leaves() -> dict[str, Leaf]:
    """A lane with one entry of each kind; the first follows an abandoned lane."""
    first = LanePosition(w=bytes(16), n=7)
    return {
        kind: leaf_of(
            draft(kind, at),
            w=LANE,
            n=at,
            prev=BEFORE if at else None,
            after=None if at else first,
        )
        for at, kind in enumerate(PARTS)
    }


def part() -> dict[str, str]:
    entry = entry_id(0)
    made = sealed(entry, "statement.0")[0]
    return {
        "entry": str(entry),
        "name": made.name,
        "data_key": b64(DATA_KEY),
        "tag": b64(made.tag),
        "digest": b64(hashlib.sha256(made.jwe.encode()).digest()),
        "token": made.jwe,
        "content": CONTENT.decode(),
    }


def checkpoint() -> tuple[str, str]:
    """The vkey and the signed checkpoint of a log that holds the leaves in this order."""
    signer = NoteSigner.generate(
        "consentgate.invalid/abcdefghijklmnopqrstuvwxyz", lambda size: bytes(range(size))
    )
    hashes = [each.hash for each in leaves().values()]
    head = Checkpoint(origin=signer.key.name, size=len(hashes), root=root_of(hashes))
    return signer.key.vkey, sign_checkpoint(head, signer)


if __name__ == "__main__":
    for name, leaf in leaves().items():
        (GOLDEN / "leaves" / f"{name}.json").write_bytes(encode(leaf))
    vkey, note = checkpoint()
    (GOLDEN / "log.vkey").write_text(vkey + "\n")
    (GOLDEN / "checkpoint.txt").write_text(note)
    (GOLDEN / "part.json").write_text(json.dumps(part(), indent=1) + "\n")
