"""A package that reads like a real one: calls, decisions with their law, statements, and texts that mean harm.

As long as one likes: the page is measured with ten thousand records. All records of the log are in it.
"""

import hashlib
import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from consentgate.canonical import Json, b64, encode
from consentgate.consent.statement import TYP, claims
from consentgate.crypto import derive, jws
from consentgate.entries.leaf import Answer, Draft, Leaf, leaf_of
from consentgate.entries.parts import seal_part
from consentgate.moment import to_text
from consentgate.packs.packset import shipped
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import root_of
from tests.package.forge import READABLE, WITHHELD, Forge, key_of, log_key, readable
from tests.tools.golden_leaves import NOON
from tests.tools.golden_statements import FOLDER, GIVEN, KEY, MANIFEST, NOTICE, REFUSED

HOSTILE: Final = "<img src=x onerror=alert(1)> \u202egnol \u05e9\u05dc\u05d5\u05dd þ=cmd()|' /C calc'!A0"
PACKAGE_KEY: Final = key_of("consentgate test story")
LOG: Final = log_key("story")

_KEY: Final = bytes(range(32))
_LANE: Final = bytes(range(16))
_CONTROLLER: Final = "acme.example"


class Story:
    """The entries of one log, as they are written."""

    def __init__(self, harm: str) -> None:
        self.harm = harm
        self.made: list[tuple[Leaf, dict[str, str]]] = []
        self.at: datetime = NOON - timedelta(days=600)

    def add(self, kind: str, parts: dict[str, Json], *, re: int | None = None, end: str | None = None) -> int:
        number = len(self.made)
        entry = UUID(f"019aab00-0000-7000-8000-{number:012x}")
        self.at += timedelta(milliseconds=430 + number % 7 * 210)
        sealed = tuple(
            seal_part(entry, name, encode(content), _KEY, partial(_iv, entry, name))
            for name, content in parts.items()
        )
        answered = self.made[re][0] if re is not None else None
        leaf = leaf_of(
            Draft(
                id=entry,
                kind=kind,
                at=self.at,
                decided_at=self.at if kind in ("intent", "denial") else None,
                send_by=self.at + timedelta(seconds=5) if kind == "intent" else None,
                re=Answer(id=answered.id, h=answered.hash) if answered else None,
                end=end,
                parts=sealed,
            ),
            w=_LANE,
            n=number,
            prev=self.made[-1][0].hash if self.made else None,
        )
        self.made.append((leaf, {each.name: each.jwe for each in sealed}))
        return number

    def id(self, number: int) -> str:
        return str(self.made[number][0].id)


def _iv(entry: UUID, name: str, size: int) -> bytes:
    return hashlib.sha256(entry.bytes + name.encode()).digest()[:size]


def _statement(story: Story, state: str, person: int) -> int:
    base = {"given": GIVEN, "refused": REFUSED}[state]
    told: dict[str, Any] = json.loads(claims(base))
    told["jti"] = f"01a20320-a2fa-7000-8000-{len(story.made):012x}"
    told["subject_refs"] = _references(story, person)
    told["event_time"] = to_text(story.at)
    told["iat"] = int(story.at.timestamp())
    told["service"] = story.harm
    told.pop("context", None)
    token = jws.sign(encode(told), key=KEY, typ=TYP)
    content: dict[str, Json] = {"v": 1, "token": token}
    if state == "given":
        content["manifest"] = b64(hashlib.sha256((FOLDER / "notice.manifest.json").read_bytes()).digest())
    return story.add("statement", {"statement.0": content})


def _references(story: Story, person: int) -> list[Json]:
    name = story.harm if person == 3 else f"C-{1000 + person}"
    return [
        {"kind": "customer", "value": name},
        {"kind": "phone", "value": f"+1312555{person:04d}"},
    ]


def _decision(
    story: Story,
    call: str,
    person: int,
    registry: str,
    packs: str,
    statement: int | None,
    reasons: list[Json],
) -> dict[str, Json]:
    own: dict[str, Json] = {
        "allowed": not reasons,
        "at": to_text(story.at),
        "speaker": "Caller 1",
        "candidates": ["US-IL", "US"],
        "packs": [{"code": "US-IL", "digest": "x", "since": "2024-08-02"}],
        "pack_set": packs,
    }
    if reasons:
        own["reasons"] = reasons
        own["obligations"] = [{"duty": "stop_processing", "bases": [_BIPA]}]
    elif statement is not None:
        own["grant"] = story.id(statement)
        own["obligations"] = [
            {"duty": "delete_by", "due": to_text(story.at + timedelta(days=1095)), "bases": [_BIPA]}
        ]
    return {
        "v": 1,
        "request": "denied" if reasons else "allowed",
        "action": "search",
        "engine": "0.1.0",
        "controller": _CONTROLLER,
        "packs": packs,
        "registry": registry,
        "calls": [],
        "call": call,
        "purpose": "authentication",
        "leg": "Caller",
        "number": 1,
        "references": _references(story, person),
        "statements": [] if statement is None else [story.id(statement)],
        "assertions": [],
        "decision": own,
    }


_BIPA: Final[Json] = {"pack": "US-IL", "citation": "740 ILCS 14/15(b)(3)"}
_NONE: Final[Json] = {"code": "NO_CONSENT", "speaker": "Caller 1", "bases": [_BIPA]}
_AGE: Final[Json] = {
    "code": "AGE_UNKNOWN",
    "speaker": "Caller 1",
    "bases": [{"pack": "baseline", "citation": "consentgate: nobody is taken for an adult unasked"}],
}


def _call(story: Story, number: int, registry: str, packs: str) -> None:
    person = number % 40
    story.at += timedelta(hours=1 + number % 5, minutes=number % 47)
    statement = _statement(story, "given", person) if number % 3 == 0 else None
    call = f"transaction/{UUID(int=number * 7919 + (1 << 120))}"
    joined: dict[str, Json] = {
        "v": 1,
        "event": "joined",
        "call": call,
        "legs": {"Caller": "speakers"},
        "purpose": "authentication",
        "recording_consent": "all_parties",
        "leg": "Caller",
        "speaker": {"references": _references(story, person), "evidence": [], "adult": True},
    }
    story.add("call", {"call.0": joined})
    denied = number % 3 == 1
    decision = _decision(story, call, person, registry, packs, statement, [_NONE, _AGE] if denied else [])
    exchange: dict[str, Json] = {
        "v": 1,
        "service": "chime-sdk-voice",
        "operation": "StartSpeakerSearchTask",
        "method": "POST",
        "path": "/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks",
        "query": "",
        "body": b64(b'{"TransactionId":"%d"}' % number),
    }
    asked = story.add("denial" if denied else "intent", {"decision.0": decision, "exchange.0": exchange})
    if denied:
        if number % 2:
            _statement(story, "refused", person)
        return
    task = f"{number:08d}-task"
    answer: dict[str, Json] = {
        "v": 1,
        "end": "succeeded",
        "status": 201,
        "task": task,
        "attempts": [],
        "response": b64(b'{"SpeakerSearchTask":{}}'),
    }
    if number % 11 == 10:
        return
    end = "rejected" if number % 13 == 5 else "succeeded"
    parts: dict[str, Json] = {"exchange.0": {**answer, "end": end}}
    story.add("outcome", parts, re=asked, end=end)
    if end == "succeeded":
        seen: dict[str, Json] = {
            "v": 1,
            "source": "notification",
            "status": "IdentificationSuccessful",
            "results": True,
            "task": task,
        }
        matches: dict[str, Json] = {"v": 1, "response": "AAAA"}
        story.add("observation", {"exchange.0": seen, "matches.0": matches}, re=asked, end="succeeded")


def story(records: int = 120, harm: str = HOSTILE) -> Forge:
    """Make a package of about so many records, with a text that means harm in many places."""
    packs = shipped()
    rules = packs.files()
    files = {
        "registry": (FOLDER / "issuers.json").read_bytes(),
        "manifest": (FOLDER / "notice.manifest.json").read_bytes(),
        "notice": NOTICE,
        "packs": packs.index,
    }
    digests = {name: b64(hashlib.sha256(data).digest()) for name, data in files.items()}
    it = Story(harm)
    it.add("registry", {"body.0": {"v": 1, "registry": digests["registry"]}})
    it.add("packs", {"body.0": {"v": 1, "packs": digests["packs"]}})
    stated: Json = {
        "v": 1,
        "name": "public_policy_published",
        "value": True,
        "by": harm,
        "since": to_text(it.at),
    }
    it.add("assertion", {"body.0": stated})
    number = 0
    while len(it.made) < records - 1:
        _call(it, number, digests["registry"], digests["packs"])
        number += 1
    return _package(it, files, rules)


def _package(it: Story, files: dict[str, bytes], rules: Any) -> Forge:
    kinds = {hashlib.sha256(data).hexdigest(): (kind, data) for kind, data in files.items()}
    kinds |= {hashlib.sha256(data).hexdigest(): ("pack", data) for data in rules.values()}
    forge = Forge({f"data/artifacts/{name}": data for name, (_, data) in kinds.items()})
    lines: list[dict[str, Any]] = []
    shown: dict[tuple[str, str], Any] = {}
    for position, (leaf, tokens) in enumerate(it.made):
        parts = []
        for name, token in sorted(tokens.items()):
            key = {"key": b64(derive.part_key(_KEY, leaf.id, name))}
            closed = {"withheld": "matches"} if name == "matches.0" else key
            if position == 5 and name.startswith("decision."):
                closed = {"withheld": "references"}
                shown[str(leaf.id), name] = {"redacted": "references", "shown": {"request": "allowed"}}
            parts.append({"p": name, "jwe": token, **closed})
        lines.append(
            {
                "bates": f"DOE{position + 1:06d}",
                "entry": str(leaf.id),
                "leaf": b64(leaf.spelled),
                "log": 0,
                "position": position,
                "parts": parts,
            }
        )
    forge.set_lines(lines)
    forge.set_lines([readable(line, shown) for line in lines], READABLE)
    forge.set_lines([], WITHHELD)
    root = root_of([leaf.hash for leaf, _ in it.made])
    note = sign_checkpoint(Checkpoint(origin=LOG.key.name, size=len(lines), root=root), LOG)
    forge.files |= {
        "data/log/0/checkpoint": note.encode(),
        "data/log/0/vkey": f"{LOG.key.vkey}\n".encode(),
        "data/log/0/nodes.bin": b"",
        f"data/notices/{MANIFEST.id}_{MANIFEST.version}_{MANIFEST.language}.txt": NOTICE,
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
    }
    log = {"number": 0, "origin": LOG.key.name, "size": len(lines), "root": b64(root), "vkey": LOG.key.vkey}
    forge.manifest = {
        "v": 1,
        "matter": "Doe v. Acme Bank, No. 2026-L-001234",
        "export": "019aab00-0000-7000-8000-0000000000ee",
        "at": to_text(it.at + timedelta(days=2)),
        "purpose": "Production in response to the request of 3 March 2026",
        "recipient": "Roe & Partners LLP, counsel for the plaintiff",
        "requested_by": "M. Roe",
        "role": "counsel",
        "scope": [{"name": "subject", "value": "customer (reference)"}],
        "time_zone": "America/Chicago",
        "bates": {"prefix": "DOE", "digits": 6, "first": 1, "last": len(lines)},
        "controller": {"id": _CONTROLLER, "name": "Acme Bank"},
        "versions": {"consentgate": "0.1.0", "format": 1, "packs": []},
        "counts": {"not_covered": 3},
        "logs": [{**log, "positions": len(lines)}],
        "files": [
            {"path": f"data/artifacts/{name}", "kind": kind, "role": "artifact", "sha256": "", "size": 0,
             "media_type": "text/plain; charset=utf-8" if kind == "notice" else "application/json"}
            for name, (kind, _) in sorted(kinds.items())
        ],
    }  # fmt: skip
    forge.read_again()
    forge.mend(PACKAGE_KEY)
    return forge
