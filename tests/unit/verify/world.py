"""A small ledger and log, built by hand, that verification can be shown; and ways to change single things in
it."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from consentgate import moment
from consentgate.canonical import Json, b64, encode
from consentgate.consent import issuers, notice
from consentgate.consent.issuers import Issuer, IssuerKey, Registry
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Answer, Draft, LanePosition
from consentgate.entries.parts import join_parts, seal_part
from consentgate.errors import Malformed
from consentgate.tlog.checkpoint import Checkpoint, decode, sign_checkpoint
from consentgate.tlog.merkle import EMPTY_ROOT, Frontier
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.tiles import TILE_BYTES
from consentgate.verify.known import EntryId
from consentgate.verify.levels import verify
from consentgate.verify.result import Finding, Verification
from consentgate.verify.rows import (
    ENTRY_COLUMNS,
    ArtifactRow,
    CheckpointRow,
    DataKey,
    EntryRow,
    EntryValues,
    FactRow,
    LinkRow,
    NoticeRow,
    ReferenceRow,
    SeqRow,
    SeqValues,
    StatementRow,
    TileRow,
    TreeStateRow,
)
from consentgate.verify.source import Evidence, Memory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
SIGNER = NoteSigner.generate("consentgate.invalid/abcdefghijklmnopqrstuvwxyz", lambda size: b"\x01" * size)
ISSUER_KEY = generate_signing_key()
LANE, OTHER_LANE = b"L" * 16, b"M" * 16
BODY, ANNA, MATCHES, UNATTRIBUTED = (hashlib.sha256(each).digest() for each in (b"b", b"a", b"m", b"u"))
PERSON = b"A" * 16
CALL_SUBJECT = b"E" * 16
REFERENCE = Reference(kind="customer", value="c-1")
SAID_OF_CALL: Json = {
    "v": 1,
    "call": "tx-1",
    "speaker": {"references": [{"kind": REFERENCE.kind, "value": REFERENCE.value}]},
}
TENANT = "t"


def ident(number: int) -> UUID:
    return UUID(f"019aab00-0000-7000-8000-{number:012x}")


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


class World:
    """Rows as a database would hold them; the source protocols, all three."""

    def __init__(self) -> None:
        self.entry_rows: list[EntryRow] = []
        self.statement_rows: list[StatementRow] = []
        self.artifact_rows: list[ArtifactRow] = []
        self.notice_rows: list[NoticeRow] = []
        self.seq_rows: list[SeqRow] = []
        self.tile_rows: list[TileRow] = []
        self.state_rows: list[TreeStateRow] = []
        self.checkpoint_rows: list[CheckpointRow] = []
        self.link_rows: list[LinkRow] = []
        self.fact_rows = [FactRow(name="log_origin", value=SIGNER.key.name)]
        self.reference_rows: list[ReferenceRow] = []
        self.damaged: list[str] = []
        self.of_commits = True
        self.stray_rows: dict[str, int] = {}
        for letter in (b"B", b"C", b"D"):
            self.refer(letter * 16, ":key", letter.decode())
        self.refer(PERSON, REFERENCE.kind, REFERENCE.value)
        self.keys = [
            DataKey(tenant=TENANT, subject=b"B" * 16, name="body", key=BODY),
            DataKey(tenant=TENANT, subject=b"C" * 16, name="matches/2026-11", key=MATCHES),
            DataKey(tenant=TENANT, subject=b"D" * 16, name="unattributed/2026-11", key=UNATTRIBUTED),
            DataKey(tenant=TENANT, subject=PERSON, key=ANNA),
        ]
        self.lanes: dict[bytes, tuple[int, bytes | None]] = {}
        self.frontier = Frontier()
        self.row = b""
        self.shift = timedelta(0)

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        return [[tuple(getattr(row, name) for name in ENTRY_COLUMNS) for row in self.entry_rows]]

    def repeated(self) -> Collection[EntryId]:
        keys = [(row.tenant, row.id) for row in self.entry_rows]
        return {key for key in keys if keys.count(key) > 1}

    def find(self, keys: Collection[EntryId]) -> Iterable[EntryRow]:
        return [row for row in self.entry_rows if (row.tenant, row.id) in keys]

    def statements(self) -> Iterable[StatementRow]:
        return self.statement_rows

    def artifacts(self) -> Iterable[ArtifactRow]:
        return self.artifact_rows

    def notices(self) -> Iterable[NoticeRow]:
        return self.notice_rows

    def sequence(self) -> Iterable[Sequence[SeqValues]]:
        return [self.seq_rows]

    def tiles(self) -> Iterable[TileRow]:
        return sorted(self.tile_rows, key=lambda each: (-each.level, each.index))

    def tree_states(self) -> Iterable[TreeStateRow]:
        return sorted(self.state_rows, key=lambda each: each.size)

    def checkpoints(self) -> Iterable[CheckpointRow]:
        return sorted(self.checkpoint_rows, key=lambda each: each.size)

    def links(self) -> Iterable[LinkRow]:
        return self.link_rows

    def links_of(self, keys: Collection[EntryId]) -> Iterable[LinkRow]:
        return [row for row in self.link_rows if (row.tenant, row.entry) in keys]

    def count_links(self) -> int:
        return len(self.link_rows)

    def data_keys(self) -> Iterable[DataKey]:
        return self.keys

    def damage(self) -> Iterable[str]:
        return self.damaged

    def facts(self) -> Iterable[FactRow]:
        return self.fact_rows

    def numbers_commits(self) -> bool:
        return self.of_commits

    def strays(self) -> Mapping[str, int]:
        return self.stray_rows

    def references(self) -> Iterable[ReferenceRow]:
        return self.reference_rows

    def epochs(self) -> Collection[int]:
        return (1,)

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        return [(1, sha(f"{tenant} {reference.kind} {reference.value}".encode()))]

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        return [(1, sha(f"{tenant} :call {call}".encode()))]

    def task_hashes(self, tenant: str, task: str) -> Iterable[tuple[int, bytes]]:
        return [(1, sha(f"{tenant} :task {task}".encode()))]

    def refer(self, subject: bytes, kind: str, value: str) -> None:
        """Let a reference name a subject."""
        name = sha(f"{TENANT} {kind} {value}".encode())
        self.reference_rows.append(
            ReferenceRow(tenant=TENANT, key_epoch=1, hmac=name, subject=subject, suppression=0)
        )

    def link(self, row: EntryRow, subject: bytes) -> None:
        """Link an entry to a subject."""
        self.link_rows.append(LinkRow(tenant=TENANT, entry=row.id, subject=subject, kind=row.kind))

    def append(
        self,
        kind: str,
        parts: Mapping[str, tuple[bytes, Json]] | None = None,
        *,
        lane: bytes = LANE,
        after: LanePosition | None = None,
        link: bool = False,
        **members: Any,
    ) -> EntryRow:
        """Append an entry as the log does: the parts by name, each with its key and content."""
        number = len(self.entry_rows)
        entry = ident(number)
        sealed = tuple(
            seal_part(entry, name, encode(content), key, bytes)
            for name, (key, content) in (parts or {}).items()
        )
        draft = Draft(
            id=entry, kind=kind, at=NOON + timedelta(seconds=number) + self.shift, parts=sealed, **members
        )
        n, prev = self.lanes.get(lane, (0, None))
        leaf = leaves.leaf_of(draft, w=lane, n=n, prev=prev, after=after)
        self.lanes[lane] = (n + 1, leaf.hash)
        tokens = {each.name: each.jwe for each in sealed}
        row = EntryRow(
            ordinal=number + 1,
            tenant=TENANT,
            id=entry.bytes,
            kind=kind,
            at=moment.to_millis(leaf.at),
            about=int(any(not each.startswith("body") for each in tokens)),
            w=lane,
            n=n,
            re=leaf.re.id.bytes if leaf.re else b"",
            end=leaf.end or "",
            leaf=leaves.encode(leaf),
            hash=leaf.hash,
            parts=join_parts(tuple(tokens[each.p] for each in leaf.parts)),
        )
        self.entry_rows.append(row)
        if link:
            self.link(row, PERSON)
        return row

    def artifact(self, kind: str, content: bytes, media_type: str = "application/json") -> bytes:
        row = ArtifactRow(
            tenant=TENANT, digest=sha(content), kind=kind, media_type=media_type, content=content
        )
        self.artifact_rows.append(row)
        return row.digest

    def sequence_all(self) -> Self:
        for row in self.entry_rows[len(self.seq_rows) :]:
            self.seq_rows.append(
                SeqRow(position=len(self.seq_rows), tenant=TENANT, entry=row.id, hash=row.hash)
            )
            self.frontier.push(row.hash)
            self.row += row.hash
            if len(self.row) == TILE_BYTES:
                self.tile_rows.append(TileRow(level=0, index=len(self.tile_rows), hashes=self.row))
                self.row = b""
        self.state_rows.append(
            TreeStateRow(
                size=self.frontier.size,
                frontier=self.frontier.to_bytes(),
                root=self.frontier.root(),
                at=self.entry_rows[-1].at,
            )
        )
        return self

    def sign(self, signer: NoteSigner = SIGNER) -> Self:
        head = Checkpoint(origin=signer.key.name, size=self.frontier.size, root=self.frontier.root())
        note = sign_checkpoint(head, signer)
        self.checkpoint_rows.append(
            CheckpointRow(size=head.size, origin=head.origin, note=note, at=self.entry_rows[-1].at)
        )
        return self

    def evidence(self, *, signer_note: str | None = "newest", **changes: Any) -> Evidence:
        """Everything to hand, but for the changes; the signer's memory by its note."""
        if signer_note == "newest":
            signer_note = self.checkpoint_rows[-1].note if self.checkpoint_rows else ""
        memory = None if signer_note is None else memory_of(signer_note)
        given = Evidence(
            ledger=self,
            log=self,
            now=LATER,
            vkey=SIGNER.key.vkey,
            signer=memory,
            signer_after=memory,
            keys=self,
        )
        return dataclasses.replace(given, **changes)

    def verify(self, **changes: Any) -> Verification:
        return verify(self.evidence(**changes))


def memory_of(note: str) -> Memory:
    """Remember what a note says, as a signer does; the empty tree where it says nothing."""
    try:
        head = decode(parse_note(note).text)
    except Malformed:
        return Memory(size=0, root=EMPTY_ROOT, note=note)
    return Memory(size=head.size, root=head.root, note=note)


def change(rows: list[Any], index: int, /, **members: Any) -> None:
    """Change one row of a table in place."""
    row = rows[index]
    rows[index] = row._replace(**members) if isinstance(row, SeqRow) else dataclasses.replace(row, **members)


def answer(row: EntryRow) -> Answer:
    return Answer(id=UUID(bytes=row.id), h=row.hash)


def add_notice(world: World) -> bytes:
    text = b"We compare your voice."
    manifest = notice.describe(
        text,
        {
            "id": "voice",
            "version": "1",
            "language": "en",
            "media_type": "text/plain",
            "in_writing": True,
            "elements": [],
            "consent_form": "written_release",
            "purposes": ["authentication"],
            "operations": ["search"],
            "controllers": ["acme"],
        },
    )
    world.artifact("notice", text, "text/plain")
    digest = world.artifact("notice-manifest", notice.encode(manifest))
    world.notice_rows.append(
        NoticeRow(
            tenant=TENANT, id="voice", version="1", language="en", digest=manifest.digest, manifest=digest
        )
    )
    return digest


def withdrawal(number: int = 1) -> Statement:
    return Statement(
        issuer="https://issuer.example",
        id=str(ident(900 + number)),
        issued_at=NOON,
        references=(Reference(kind="customer", value=f"c-{number}"),),
        state="ConsentWithdrawn",
        event_time=NOON,
        method="web_form",
    )


def add_statement(world: World, manifest: bytes, token: str | None = None) -> EntryRow:
    statement = withdrawal()
    token = token or jws.sign(claims(statement), key=ISSUER_KEY, typ=TYP)
    content: Json = {"v": 1, "token": token, "manifest": b64(manifest)}
    row = world.append("statement", {"statement.0": (ANNA, content)}, link=True)
    world.statement_rows.append(StatementRow(tenant=TENANT, entry=row.id, key=statement.key))
    return row


def registry_bytes() -> bytes:
    key = IssuerKey(public=ISSUER_KEY.public)
    return issuers.encode(Registry(issuers=(Issuer(iss="https://issuer.example", name="Us", keys=(key,)),)))


def ledger() -> World:
    """Entries 0 registry, 1 statement, 2 call, 3 intent, 4 outcome, 5 denial, 6 writer_stop; 7 in a new
    lane."""
    world = World()
    manifest = add_notice(world)
    digest = world.artifact("registry", registry_bytes())
    world.append("registry", {"body.0": (BODY, {"v": 1, "registry": b64(digest)})})
    add_statement(world, manifest)
    called = world.append("call", {"call.0": (ANNA, SAID_OF_CALL)}, link=True)
    world.link(called, CALL_SUBJECT)
    world.refer(CALL_SUBJECT, ":call", "tx-1")
    decided = NOON + timedelta(seconds=3)
    said: dict[str, tuple[bytes, Json]] = {"decision.0": (ANNA, {"v": 1}), "exchange.0": (ANNA, {"v": 1})}
    intent = world.append(
        "intent", said, link=True, decided_at=decided, send_by=decided + timedelta(seconds=5)
    )
    world.append(
        "outcome",
        {"exchange.0": (ANNA, {"v": 1}), "matches.0": (MATCHES, {"v": 1})},
        link=True,
        re=answer(intent),
        end="succeeded",
    )
    world.append("denial", {"decision.0": (UNATTRIBUTED, {"v": 1})}, decided_at=decided)
    world.append("writer_stop")
    world.append("heartbeat", lane=OTHER_LANE, after=LanePosition(w=LANE, n=7))
    return world


def sound() -> World:
    """All of it sequenced and signed."""
    return ledger().sequence_all().sign()


def found(result: Verification) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in result.findings]


def verdicts(result: Verification) -> dict[str, str]:
    return {each.name: each.verdict for each in result.levels if each.verdict != "holds"}


def only(result: Verification) -> Finding:
    (finding,) = result.findings
    return finding
