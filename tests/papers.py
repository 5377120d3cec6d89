"""What the tests of a package's paper share: a folder in memory, an export, records with hostile text.

The readers here are the tests' own: they know a format's rules and nothing of the code that wrote it.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.export.paper import tools
from consentgate.export.paper.package import Paper
from consentgate.export.record import Record, Token, Withheld
from consentgate.export.sink import Artifact, Log, Scope, Totals

AT: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTICE: Final = b"n" * 32
WORDING: Final = (
    "Acme compares voices.\n\n  Line two, <b>not bold</b>, #evil() \u00fe\u00ae\u00b6, \u202eturned.\n"
)

HOSTILE: Final = (
    "\u00fe thorn \u00ae reg \u00b6 par",
    "two\nlines\r\nand\rthree",
    "\u0634\u0643\u0631\u0627 \u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
    '=HYPERLINK("http://x.invalid","y")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1+1",
    "'quoted",
    "\uff1d1+1",
    '<script>alert("x")</script> & <!--',
    '#evil() $x$ *b* _i_ @label `raw` #panic("x") #read("/etc/passwd") \\ // comment',
    "nul\x00 and \x14 separator \x7f",
    "\u6f22\u5b57 \U0001f600 e\u0323\u0301 \u0e01",
    'comma, "quote"; semicolon\ttab',
    "",
)


class Memory:
    """A folder of a package, in memory."""

    def __init__(self, scratch: Path) -> None:
        self.files: dict[str, bytes] = {}
        self.listed: dict[str, tuple[str, str | None, str | None]] = {}
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        return self._scratch

    @contextmanager
    def open(
        self, path: str, *, role: str, media_type: str | None = None, kind: str | None = None
    ) -> Iterator[BinaryIO]:
        assert path not in self.files
        self.listed[path] = (role, media_type, kind)
        file = io.BytesIO()
        yield file
        self.files[path] = file.getvalue()

    def put(
        self, path: str, data: bytes, *, role: str, media_type: str | None = None, kind: str | None = None
    ) -> None:
        with self.open(path, role=role, media_type=media_type, kind=kind) as file:
            file.write(data)

    def read(self, path: str) -> BinaryIO:
        return cast("BinaryIO", io.BytesIO(self.files[path]))

    def has(self, path: str) -> bool:
        return path in self.files


def scope(count: int, **more: Any) -> Scope:
    """What is told about an export of some records."""
    told: dict[str, Any] = {
        "export": UUID(int=7),
        "matter": "Doe v. Acme #evil()",
        "slug": "doe-v-acme-evil",
        "at": AT,
        "purpose": "Subpoena",
        "recipient": "Roe & Partners",
        "role": "counsel",
        "selection": (("subject", "customer"),),
        "time_zone": "America/Chicago",
        "prefix": "CG",
        "digits": 8,
        "first": 1,
        "last": count,
        "controller": "acme",
        "controller_name": "acme",
        "logs": (
            Log(
                number=0,
                origin="acme.invalid/log",
                size=99,
                root=b"r" * 32,
                note="",
                vkey="v",
                positions=count,
            ),
        ),
        "fingerprint": "f" * 43,
        "version": "0.1.0",
        "tenant": "default",
        "options": tools.options(),
        "artifact": lambda digest: (
            Artifact(digest=digest, kind="notice", media_type="text/plain", content=WORDING.encode())
            if digest == NOTICE
            else None
        ),
    }
    return Scope(**{**told, **more})


def record(number: int, kind: str, parts: Mapping[str, Any], **more: Any) -> Record:
    """A record of some kind."""
    shown = {name: part for name, part in parts.items() if not isinstance(part, Withheld)}
    return Record(
        bates=f"CG{number:08d}",
        entry=UUID(int=number),
        log=0,
        position=number,
        kind=kind,
        at=AT + timedelta(hours=number),
        leaf=b"{}",
        tokens=tuple(
            Token(name=name, jwe="a..b.c.d", plain=canonical.encode(shown[name]) if name in shown else None)
            for name in parts
        ),
        parts=parts,
        **more,
    )


def statement(number: int, text: str, **claims: Any) -> Record:
    """A statement in which everything that a person can write is one text."""
    payload = {
        "state": "ConsentGiven",
        "subject_refs": [{"kind": "customer", "value": text}],
        "iss": text,
        "jti": text,
        "method": "paper",
        "purposes": [text],
        "event_time": "2026-11-22T12:00:00.000Z",
        "notice": {"digest": canonical.b64(NOTICE), "id": "n", "version": "1", "language": "en"},
        **claims,
    }
    token = ".".join(canonical.b64(canonical.encode(each)) for each in ({"kid": "k"}, payload)) + ".c2ln"
    return record(number, "statement", {"statement.0": {"token": token, "v": 1}})


RECORDING: Final = sha256(b"what was said").digest()


def proven(number: int, text: str) -> Record:
    """A statement that two files elsewhere prove."""
    files: list[dict[str, Json]] = [
        {
            "digest": canonical.b64(RECORDING),
            "kind": "recording",
            "media_type": "audio/wav",
            "size": 64_044,
            "uri": f"https://files.acme.example/{text}",
        },
        {"digest": "-", "kind": "signed_form", "media_type": "image/png"},
    ]
    return statement(number, text, evidence=files)


def denial(number: int, text: str) -> Record:
    """A denial in which everything that somebody can write is one text."""
    reason = {
        "code": "NO_CONSENT",
        "bases": [{"pack": "US-IL", "citation": text}],
        "speaker": text,
    }
    decision = {"allowed": False, "at": "2026-11-22T12:00:00.000Z", "speaker": text, "reasons": [reason]}
    outer = {
        "request": "denied",
        "action": "search",
        "call": text,
        "purpose": text,
        "references": [{"kind": "customer", "value": text}],
        "speaker": {"evidence": [{"code": "US-IL", "kind": "account_address"}]},
        "decision": decision,
    }
    exchange = {
        "service": "chime-sdk-voice",
        "operation": "StartSpeakerSearchTask",
        "body": canonical.b64(b"{}"),
    }
    return record(number, "denial", {"decision.0": outer, "exchange.0": exchange})


def hostile() -> list[Record]:
    """Two records for each text, and one with a part that is withheld."""
    found: list[Record] = []
    for text in HOSTILE:
        found.append(statement(len(found) + 1, text))
        found.append(denial(len(found) + 1, text))
    gone = {"exchange.0": {"task": "t-1"}, "matches.0": Withheld(reason="matches", rule="matches")}
    return [*found, record(len(found) + 1, "outcome", gone, end="succeeded", re=UUID(int=2))]


def totals(records: list[Record]) -> Totals:
    """What there was."""
    parts = [part for each in records for part in each.parts.values()]
    shut = [part for part in parts if isinstance(part, Withheld)]
    kinds = {each.kind for each in records}
    return Totals(
        selected=len(records),
        exported=len(records),
        parts=len(parts),
        parts_open=len(parts) - len(shut),
        parts_withheld=len(shut),
        by_reason={reason: sum(w.reason == reason for w in shut) for reason in {w.reason for w in shut}},
        by_kind={kind: sum(each.kind == kind for each in records) for kind in kinds},
    )


def written(scratch: Path, records: list[Record], **more: Any) -> dict[str, bytes]:
    """Write the paper of some records, and give its files."""
    folder = Memory(scratch)
    paper = Paper(folder, scope(len(records), **more))
    for each in records:
        paper.take(each)
    paper.finish(totals(records))
    return folder.files


def pictured(text: str) -> str:
    """A text as tables have it: one kind of line break, pictures for control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        "\u2421" if c == "\x7f" else chr(0x2400 + ord(c)) if c < " " and c not in "\n\t" else c for c in text
    )


def read_csv(data: bytes) -> list[dict[str, str]]:
    """Read a CSV file whose every cell stands in quotes, and take guards away."""
    assert data.startswith(b"\xef\xbb\xbf")
    rows: list[list[str]] = []
    row: list[str] = []
    cell, quoted = "", False
    text = data.decode("utf-8-sig")
    at = 0
    while at < len(text):
        here = text[at]
        if quoted and text.startswith('""', at):
            cell, at = cell + '"', at + 1
        elif here == '"':
            quoted = not quoted
        elif quoted:
            cell += here
        elif here == ",":
            row, cell = [*row, cell], ""
        else:
            assert text.startswith("\r\n", at)
            rows.append([*row, cell])
            row, cell, at = [], "", at + 1
        at += 1
    assert not row
    assert not cell
    head, *body = ([each.removeprefix("'") for each in row] for row in rows)
    return [dict(zip(head, each, strict=True)) for each in body]


def read_dat(data: bytes, encoding: str) -> list[dict[str, str]]:
    """Read a load file: qualifiers, separators, CRLF, and nothing else known of it."""
    lines = data.decode(encoding).split("\r\n")
    assert lines.pop() == ""
    rows = []
    for line in lines:
        values = line.split("\x14")
        assert all(v[0] == v[-1] == "\u00fe" and "\u00fe" not in v[1:-1] and len(v) > 1 for v in values)
        rows.append([v[1:-1].replace("\u00ae", "\n") for v in values])
    head, *body = rows
    return [dict(zip(head, each, strict=True)) for each in body]
