"""A small good package that no database made: every rule of the format, in a dozen records of two logs."""

import hashlib
from datetime import timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from consentgate.canonical import Json, b64, encode, unb64
from consentgate.crypto import derive
from consentgate.entries.leaf import Answer, Draft, Leaf, leaf_of
from consentgate.entries.parts import SealedPart, seal_part
from consentgate.moment import to_text
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.cosignature import WitnessSigner
from consentgate.tlog.merkle import leaf_hash, root_of
from consentgate.tlog.note import parse_note, signature_line
from tests.package.forge import ENTRIES, READABLE, WITHHELD, Forge, key_of, log_key, nodes_of, readable
from tests.tools.golden_leaves import NOON
from tests.tools.golden_statements import FOLDER, MANIFEST, NOTICE

PACKAGE_KEY: Final = key_of("consentgate test package")
LOGS: Final = (log_key("first"), log_key("second"))


def _witness(at: int) -> WitnessSigner:
    return WitnessSigner.generate(f"w{at}.example", lambda _: hashlib.sha256(b"w%d" % at).digest())


WITNESSES: Final = (_witness(0), _witness(1))
POLICY: Final = "".join(
    [
        f"log {LOGS[1].key.vkey}\n",
        *(f"witness W{at} {each.key.vkey}\n" for at, each in enumerate(WITNESSES)),
        "group both all W0 W1\nquorum both\n",
    ]
).encode()
MATCHED: Final = {"matches.0": "matches"}
REDACTED: Final = "references"

_KEY: Final = bytes(range(32))
_LANE: Final = bytes(range(16))
_SIZES: Final = (9, 23)


def _sealed(entry: UUID, contents: dict[str, Json]) -> tuple[SealedPart, ...]:
    def sealed(name: str, content: Json) -> SealedPart:
        return seal_part(entry, name, encode(content), _KEY, lambda n: derive.tag(_KEY, entry, name)[:n])

    return tuple(sealed(name, content) for name, content in contents.items())


class _Writer:
    """Entries one after the other, in one lane."""

    def __init__(self) -> None:
        self.made: list[tuple[Leaf, dict[str, Any]]] = []

    def add(self, kind: str, re: int | None = None, end: str | None = None, **parts: Json) -> None:
        number = len(self.made)
        contents = {name.replace("_", "."): content for name, content in parts.items()}
        entry = UUID(f"019aab00-0000-7000-8000-{number:012x}")
        at = NOON + timedelta(seconds=number)
        decided = at if kind in ("intent", "denial") else None
        sealed = _sealed(entry, contents)
        answered = self.made[re][0] if re is not None else None
        leaf = leaf_of(
            Draft(
                id=entry,
                kind=kind,
                at=at,
                decided_at=decided,
                send_by=at + timedelta(seconds=5) if kind == "intent" else None,
                re=Answer(id=answered.id, h=answered.hash) if answered else None,
                end=end,
                parts=sealed,
            ),
            w=_LANE,
            n=number,
            prev=self.made[-1][0].hash if self.made else None,
        )
        tokens = {each.name: each.jwe for each in sealed}
        self.made.append((leaf, tokens))


def _entries(artifacts: dict[str, bytes]) -> list[tuple[Leaf, dict[str, Any]]]:
    named = {name: b64(hashlib.sha256(data).digest()) for name, data in artifacts.items()}
    tokens = {
        name: (FOLDER / f"{name}.jwt").read_text().strip() for name in ("given", "given.es256", "withdrawn")
    }
    rests: dict[str, Json] = {
        "v": 1,
        "packs": named["packs"],
        "registry": named["registry"],
        "request": "allowed",
    }
    exchange: dict[str, Json] = {"v": 1, "service": "chime-sdk-voice", "operation": "StartSpeakerSearchTask"}
    it = _Writer()
    it.add("registry", body_0={"v": 1, "registry": named["registry"]})
    it.add("packs", body_0={"v": 1, "packs": named["packs"]})
    it.add("statement", statement_0={"v": 1, "token": tokens["given"], "manifest": named["manifest"]})
    it.add("statement", statement_0={"v": 1, "token": tokens["given.es256"], "manifest": named["manifest"]})
    it.add(
        "call",
        call_0={"v": 1, "event": "joined", "call": "transaction/1"},
        call_1={"v": 1, "event": "joined"},
    )
    it.add("intent", decision_0=rests, exchange_0=exchange)
    it.add(
        "outcome",
        5,
        "succeeded",
        exchange_0={"v": 1, "end": "succeeded"},
        matches_0={"v": 1, "response": "AA"},
    )
    it.add("intent", decision_0=rests, exchange_0={**exchange, "text": 'naïve 🙂 \u2028 "quoted" \\ \u0001'})
    it.add("outcome", 7, "rejected", exchange_0={"v": 1, "end": "rejected"})
    it.add("statement", statement_0={"v": 1, "token": tokens["withdrawn"]})
    it.add("stop", 5, decision_0={"v": 1, "cause": str(it.made[9][0].id)})
    it.add("observation", 10, "succeeded", exchange_0={"v": 1, "end": "succeeded", "stopped": True})
    it.add(
        "denial", decision_0={**rests, "request": "denied", "references": [{"kind": "phone", "value": "+1"}]}
    )
    it.add("heartbeat")
    return it.made


def _lines(made: list[tuple[Leaf, dict[str, Any]]]) -> list[dict[str, Any]]:
    lines = []
    for number, (leaf, tokens) in enumerate(made):
        log = 0 if number < 4 else 1
        parts = []
        for name, token in sorted(tokens.items()):
            closed = MATCHED.get(name) or (REDACTED if leaf.kind == "denial" else None)
            key = b64(derive.part_key(_KEY, leaf.id, name))
            parts.append({"p": name, "jwe": token, **({"withheld": closed} if closed else {"key": key})})
        lines.append(
            {
                "bates": f"CG{number + 1:06d}",
                "entry": str(leaf.id),
                "leaf": b64(leaf.spelled),
                "log": log,
                "position": number * 2 if log == 0 else number + 1 if number < 9 else number + 6,
                "parts": parts,
            }
        )
    return lines


def _log(forge: Forge, number: int, lines: list[dict[str, Any]]) -> dict[str, Json]:
    size, signer = _SIZES[number], LOGS[number]
    hashes = [leaf_hash(b"%d of %d" % (at, number)) for at in range(size)]
    positions = [line["position"] for line in lines]
    for line in lines:
        hashes[line["position"]] = leaf_hash(unb64(line["leaf"]))
    root = root_of(hashes)
    note = sign_checkpoint(Checkpoint(origin=signer.key.name, size=size, root=root), signer)
    if number == 1:
        text = parse_note(note).text
        note += "".join(signature_line(each.cosign(text, 1795348800)) for each in WITNESSES)
    forge.files |= {
        f"data/log/{number}/checkpoint": note.encode(),
        f"data/log/{number}/vkey": f"{signer.key.vkey}\n".encode(),
        f"data/log/{number}/nodes.bin": nodes_of(hashes, positions),
    }
    return {
        "number": number,
        "origin": signer.key.name,
        "size": size,
        "root": b64(root),
        "vkey": signer.key.vkey,
        "positions": len(positions),
    }


@cache
def tiny() -> Forge:
    """The package; not to be altered."""
    pack = b"format = 1\n"
    artifacts = {
        "notice": NOTICE,
        "manifest": (FOLDER / "notice.manifest.json").read_bytes(),
        "registry": (FOLDER / "issuers.json").read_bytes(),
        "pack": pack,
        "packs": encode(
            {"format": 1, "packs": {"US": {"file": "US.toml", "sha256": hashlib.sha256(pack).hexdigest()}}}
        ),
    }
    forge = Forge({f"data/artifacts/{hashlib.sha256(data).hexdigest()}": data for data in artifacts.values()})
    kinds = {f"data/artifacts/{hashlib.sha256(data).hexdigest()}": kind for kind, data in artifacts.items()}
    lines = _lines(_entries(artifacts))
    shown = {
        (line["entry"], part["p"]): {"redacted": REDACTED, "shown": {"request": "denied"}}
        for line in lines
        for part in line["parts"]
        if part.get("withheld") == REDACTED
    }
    forge.set_lines(lines)
    forge.set_lines([readable(line, shown) for line in lines], READABLE)
    forge.set_lines([], WITHHELD)
    forge.files |= {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": b"External-Identifier: a matter\n",
        "README.txt": b"Read me.\n",
        "verify.html": b"<!doctype html>\n",
        "verify.py": b"print()\n",
        "RECIPES.txt": b"By hand.\n",
        f"data/notices/{MANIFEST.id}_{MANIFEST.version}_{MANIFEST.language}.txt": NOTICE,
        "data/keys/witnesses.policy": POLICY,
        "data/tables/entries.csv": "\ufeffbates,at\r\nCG000001,2026\r\n".encode(),
    }
    logs = [_log(forge, number, [line for line in lines if line["log"] == number]) for number in (0, 1)]
    forge.manifest = {
        "v": 1,
        "matter": "a matter",
        "export": "019aab00-0000-7000-8000-0000000000ee",
        "at": to_text(NOON + timedelta(hours=1)),
        "bates": {"prefix": "CG", "digits": 6, "first": 1, "last": len(lines)},
        "counts": {"not_covered": 0},
        "logs": logs,
        "files": [
            {"path": path, "kind": kind, "role": "artifact", "sha256": "", "size": 0}
            for path, kind in kinds.items()
        ],
    }
    forge.read_again()
    forge.mend(PACKAGE_KEY)
    assert ENTRIES in forge.files
    return forge
