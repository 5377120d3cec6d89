"""A ledger of any size, written past the gate in seconds: leaves as the gate makes them, parts of noise.

Nothing sealed in it can be opened: it is made to be read, hashed and proved, not to be understood.
"""

import hashlib
import secrets
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import create_engine, insert

from consentgate import moment
from consentgate.canonical import b64
from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log
from consentgate.entries.kinds import about_people
from consentgate.entries.leaf import Answer, Leaf
from consentgate.entries.parts import PartRef, join_parts
from consentgate.storage import tables
from consentgate.values import dataclass

TENANT: Final = "default"
_LANES: Final = 8
_BATCH: Final = 5000
_NOISE: Final = b64(secrets.token_bytes(4096))
# What a gated call leaves, each part with the bytes that it has when the gate seals it.
_KINDS: Final = (
    ("call", {"call.0": 570}),
    ("intent", {"decision.0": 2500, "exchange.0": 960}),
    ("outcome", {"exchange.0": 1180, "matches.0": 1180}),
)
_SMALL: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lane:
    w: bytes
    n: int
    prev: bytes | None


def fill(settings: Settings, count: int, *, small: bool = False) -> None:
    """Put entries into a home's database, and keep the log.

    Args:
        settings: of the home.
        count: how many.
        small: whether each part is 300 bytes, whatever it would be.
    """
    insert_entries(settings, count, small=small)
    failure = keep_log(settings)
    if failure is not None:
        raise failure


def insert_entries(settings: Settings, count: int, *, small: bool = False) -> None:
    """Put entries into a home's database, a call, an intent and its outcome in turn.

    Args:
        settings: of the home.
        count: how many.
        small: whether each part is 300 bytes, whatever it would be.
    """
    engine = create_engine(settings.database)
    rows = _rows(count, small)
    try:
        with engine.connect() as connection:
            while batch := list(islice(rows, _BATCH)):
                connection.execute(insert(tables.entry), batch)
                connection.commit()
    finally:
        engine.dispose()


def _rows(count: int, small: bool) -> Iterator[dict[str, Any]]:
    lanes = [_Lane(w=secrets.token_bytes(16), n=0, prev=None) for _ in range(_LANES)]
    intent: Leaf | None = None
    for number in range(count):
        kind, sizes = _KINDS[number % len(_KINDS)]
        lane = lanes[number % _LANES]
        parts = {name: _SMALL if small else size for name, size in sizes.items()}
        leaf, tokens = _leaf(kind, parts, lane, moment.system_clock(), intent)
        intent = leaf if kind == "intent" else intent
        lanes[number % _LANES] = _Lane(w=lane.w, n=lane.n + 1, prev=leaf.hash)
        yield _row(leaf, tokens)


def _leaf(
    kind: str, sizes: dict[str, int], lane: _Lane, at: Any, intent: Leaf | None
) -> tuple[Leaf, tuple[str, ...]]:
    tokens = tuple(
        f"{lane.n:08d}{number}.{_NOISE[: size - 10]}" for number, size in enumerate(sizes.values())
    )
    refs = [
        PartRef(p=name, d=hashlib.sha256(token.encode()).digest(), t=secrets.token_bytes(16))
        for name, token in zip(sizes, tokens, strict=True)
    ]
    entry = moment.uuid7(at, moment.system_random)
    answers = Answer(id=intent.id, h=intent.hash) if kind == "outcome" and intent else None
    leaf = Leaf(
        id=entry,
        kind=kind,
        at=at,
        w=lane.w,
        n=lane.n,
        prev=lane.prev,
        decided_at=at if kind == "intent" else None,
        send_by=at + timedelta(seconds=5) if kind == "intent" else None,
        re=answers,
        end="succeeded" if kind == "outcome" else None,
        parts=tuple(refs),
    )
    return leaf, tokens


def _row(leaf: Leaf, tokens: tuple[str, ...]) -> dict[str, Any]:
    answered: UUID | None = leaf.re.id if leaf.re else None
    return {
        "tenant": TENANT,
        "id": leaf.id.bytes,
        "kind": leaf.kind,
        "at": moment.to_millis(leaf.at),
        "about": int(about_people(each.p for each in leaf.parts)),
        "w": leaf.w,
        "n": leaf.n,
        "re": answered.bytes if answered else b"",
        "end": leaf.end or "",
        "leaf": leaf.spelled,
        "hash": leaf.hash,
        "parts": join_parts(tokens),
    }
