"""A package in memory, with all that somebody needs who makes one, or alters one and mends what gives it away."""

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consentgate.canonical import b64, decode, encode, unb64
from consentgate.crypto import jwe, jws
from consentgate.crypto.jwk import SigningKey
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import HASH_BYTES, leaf_hash, node_hash, root_of
from consentgate.tlog.notekey import NoteSigner

ENTRIES: Final = "data/records/entries.jsonl"
READABLE: Final = "data/records/records.jsonl"
WITHHELD: Final = "data/withheld/withheld.jsonl"
LISTS: Final = ("manifest-sha256.txt", "SHA256SUMS", "tagmanifest-sha256.txt")
UNLISTED: Final = ("manifest.json", "manifest.jws", "manifest.json.tsr", *LISTS)
TYP: Final = "consentgate-package+jwt"


def key_of(name: str) -> SigningKey:
    """A key made of a public text: whoever reads this can sign with it."""
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


def log_key(name: str) -> NoteSigner:
    return NoteSigner.generate(
        f"consentgate.invalid/{name}", lambda _: hashlib.sha256(name.encode()).digest()
    )


ATTACKER: Final = key_of("consentgate test attacker")
ATTACKER_LOG: Final = log_key("attacker")


class Forge:
    """The files of a package by path, and links by path."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files: dict[str, bytes] = dict(files)
        self.links: dict[str, str] = {}

    @classmethod
    def of(cls, folder: Path) -> "Forge":
        paths = sorted(each for each in folder.rglob("*") if each.is_file())
        return cls({each.relative_to(folder).as_posix(): each.read_bytes() for each in paths})

    def copy(self) -> "Forge":
        return Forge(self.files)

    def write(self, folder: Path, base: Path | None = None, known: Mapping[str, bytes] | None = None) -> Path:
        """Write the package; a file that is the one of the base becomes another name of it."""
        for path, data in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if base is not None and known is not None and known.get(path) is data:
                os.link(base / path, place)
            else:
                place.write_bytes(data)
        for path, target in self.links.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(target)
        return folder

    # -- what is in it

    @property
    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.files["manifest.json"])
        return value

    @manifest.setter
    def manifest(self, value: Mapping[str, Any]) -> None:
        self.files["manifest.json"] = encode(dict(value))

    def lines(self, path: str = ENTRIES) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[path].splitlines()]

    def set_lines(self, lines: list[dict[str, Any]], path: str = ENTRIES) -> None:
        self.files[path] = b"".join(encode(line) + b"\n" for line in lines)

    def line_of(self, kind: str, number: int = 0) -> int:
        """The place of the nth record of a kind."""
        return [at for at, line in enumerate(self.lines()) if leaf_of(line)["kind"] == kind][number]

    def bates(self, number: int) -> str:
        told = self.manifest["bates"]
        return f"{told['prefix']}{number:0{told['digits']}d}"

    # -- what mends it, from the records outwards

    def renumber(self) -> None:
        """Give the records dense numbers, in their order, and their statements' files the new names."""
        lines, told = self.lines(), self.manifest
        for number, line in enumerate(lines, told["bates"]["first"]):
            line["bates"] = self.bates(number)
        self.set_lines(lines)
        self.manifest = {**told, "bates": {**told["bates"], "last": told["bates"]["first"] + len(lines) - 1}}

    def read_again(self) -> None:
        """Make all that follows from the exact records: readable form, statements, withheld parts, counts."""
        shown = self._shown()
        lines = self.lines()
        self.set_lines([readable(line, shown) for line in lines], READABLE)
        rules = {(line["entry"], line["part"]): line for line in self.lines(WITHHELD)}
        gone = []
        counts = dict.fromkeys(("parts", "parts_open", "parts_withheld"), 0)
        for path in [path for path in self.files if path.startswith("data/statements/")]:
            del self.files[path]
        for line in lines:
            for part in line["parts"]:
                counts["parts"] += 1
                counts["parts_withheld" if "withheld" in part else "parts_open"] += 1
                if "withheld" in part:
                    rule = rules.get((line["entry"], part["p"]), {"rule": "a rule"})["rule"]
                    gone.append(
                        {
                            "bates": line["bates"],
                            "entry": line["entry"],
                            "part": part["p"],
                            "reason": part["withheld"],
                            "rule": rule,
                        }
                    )
                elif part["p"] == "statement.0":
                    token = opened(part)["token"]
                    self.files[f"data/statements/{line['bates']}.jws"] = token.encode()
        self.set_lines(gone, WITHHELD)
        counts |= {"exported": len(lines), "selected": len(lines), "withheld_entries": 0}
        told = self.manifest
        for log in told["logs"]:
            log["positions"] = sum(line["log"] == log["number"] for line in lines)
        self.manifest = {**told, "counts": {**told["counts"], **counts}}

    def another_log(self, signer: NoteSigner = ATTACKER_LOG, number: int = 0) -> None:
        """Put all records into a log of one's own, which holds nothing else."""
        lines, told = self.lines(), self.manifest
        for position, line in enumerate(lines):
            line["log"], line["position"] = number, position
        self.set_lines(lines)
        root = root_of(leaf_hash(unb64(line["leaf"])) for line in lines)
        note = sign_checkpoint(Checkpoint(origin=signer.key.name, size=len(lines), root=root), signer)
        for path in [path for path in self.files if path.startswith("data/log/")]:
            del self.files[path]
        self.files |= {
            f"data/log/{number}/checkpoint": note.encode(),
            f"data/log/{number}/vkey": f"{signer.key.vkey}\n".encode(),
            f"data/log/{number}/nodes.bin": b"",
        }
        log = {"number": number, "origin": signer.key.name, "size": len(lines), "root": b64(root)}
        self.manifest = {**told, "logs": [{**log, "vkey": signer.key.vkey, "positions": len(lines)}]}

    def take_out(self, at: int) -> None:
        """Take a record out and hide it: new numbers, and a proof of the others under the same checkpoint."""
        lines = self.lines()
        gone = lines.pop(at)
        log = next(each for each in self.manifest["logs"] if each["number"] == gone["log"])
        hashes = {
            line["position"]: leaf_hash(unb64(line["leaf"]))
            for line in self.lines()
            if line["log"] == gone["log"]
        }
        path = f"data/log/{gone['log']}/nodes.bin"
        nodes = io.BytesIO(self.files[path])
        self.files[path] = _fewer(nodes, 0, log["size"], hashes, gone["position"])[1]
        self.set_lines(lines)
        self.renumber()
        self.read_again()

    def list_files(self) -> None:
        """Bring the manifest's list of files up to what there is."""
        told = self.manifest
        known = {each["path"]: each for each in told["files"]}
        files = []
        for path in sorted(self.files.keys() - set(UNLISTED)):
            data = self.files[path]
            listed = known.get(path, {"path": path, "role": "artifact"})
            files.append({**listed, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)})
        self.manifest = {**told, "files": files}

    def sign(self, key: SigningKey = ATTACKER) -> None:
        self.files["manifest.jws"] = jws.sign(self.files["manifest.json"], key=key, typ=TYP).encode()

    def make_lists(self) -> None:
        listed = {each["path"]: each["sha256"] for each in self.manifest["files"]}

        def real(*names: str) -> dict[str, str]:
            return {
                name: hashlib.sha256(self.files[name]).hexdigest() for name in names if name in self.files
            }

        payload = {path: digest for path, digest in listed.items() if path.startswith("data/")}
        self.files[LISTS[0]] = _list(payload)
        of_all = {
            path: digest
            for path, digest in (listed | real("manifest.json", "manifest.jws", LISTS[0])).items()
            if not path.endswith(".tsr")
        }
        self.files[LISTS[1]] = _list(of_all)
        of_tags = {path: digest for path, digest in of_all.items() if path not in payload}
        self.files[LISTS[2]] = _list(of_tags | real(LISTS[1]))

    def mend(self, key: SigningKey = ATTACKER) -> None:
        """Mend whatever the package says of its files, under a key of one's own."""
        self.files["package.jwk"] = package_jwk(key)
        self.list_files()
        self.sign(key)
        self.make_lists()

    def rebuild(self) -> None:
        """Make everything anew that follows from the records."""
        self.renumber()
        self.another_log()
        self.read_again()
        self.mend()

    def _shown(self) -> dict[tuple[str, str], Any]:
        """What redacted parts show, by entry and part."""
        return {
            (line["entry"], name): value
            for line in self.lines(READABLE)
            for name, value in line["parts"].items()
            if "redacted" in value
        }


def package_jwk(key: SigningKey) -> bytes:
    jwk = key.public.jwk()
    return encode({name: jwk[name] for name in ("crv", "kty", "x")}) + b"\n"


def leaf_of(line: Mapping[str, Any]) -> dict[str, Any]:
    leaf: dict[str, Any] = json.loads(unb64(line["leaf"]))
    return leaf


def opened(part: Mapping[str, Any]) -> dict[str, Any]:
    content = decode(jwe.open_sealed(part["jwe"], key=unb64(part["key"])))
    assert isinstance(content, dict)
    return content


def resealed(line: dict[str, Any], name: str, content: Mapping[str, Any]) -> None:
    """Seal another content in the place of a part, under the same key, and name it in the leaf."""
    part = next(each for each in line["parts"] if each["p"] == name)
    part["jwe"] = jwe.seal(encode(dict(content)), key=unb64(part["key"]), iv=bytes(12))
    renamed(line)


def renamed(line: dict[str, Any]) -> None:
    """Name in the leaf the parts that there are."""
    leaf = leaf_of(line)
    for ref, part in zip(leaf["parts"], line["parts"], strict=True):
        ref["d"] = b64(hashlib.sha256(part["jwe"].encode()).digest())
    line["leaf"] = b64(encode(leaf))


def readable(line: Mapping[str, Any], shown: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    leaf = leaf_of(line)
    parts: dict[str, Any] = {}
    for part in line["parts"]:
        closed = {"withheld": part.get("withheld")}
        parts[part["p"]] = opened(part) if "key" in part else shown.get((line["entry"], part["p"]), closed)
    told = {name: line[name] for name in ("bates", "entry", "log", "position")}
    told |= {name: leaf[name] for name in ("kind", "at", "end") if name in leaf}
    if "re" in leaf:
        told["re"] = leaf["re"]["id"]
    return {**told, "parts": parts}


def nodes_of(hashes: list[bytes], positions: list[int]) -> bytes:
    """The multiproof of the format, from all leaf hashes of a log."""
    return b"".join(_nodes(hashes, 0, len(hashes), frozenset(positions)))


def _nodes(hashes: list[bytes], low: int, high: int, there: frozenset[int]) -> Iterator[bytes]:
    if not any(low <= each < high for each in there):
        yield root_of(hashes[low:high])
    elif high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        yield from _nodes(hashes, low, middle, there)
        yield from _nodes(hashes, middle, high, there)


def _fewer(
    nodes: BinaryIO, low: int, high: int, hashes: Mapping[int, bytes], gone: int
) -> tuple[bytes, bytes]:
    """The hash over a range, and what proves its leaves but one, from what proved all of them."""
    there = [each for each in hashes if low <= each < high]
    if not there:
        node = nodes.read(HASH_BYTES)
        return node, node
    if high - low == 1:
        return hashes[low], hashes[low] if low == gone else b""
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    left, right = _fewer(nodes, low, middle, hashes, gone), _fewer(nodes, middle, high, hashes, gone)
    node = node_hash(left[0], right[0])
    return node, node if there == [gone] else left[1] + right[1]


def _list(lines: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(lines.items())).encode()
