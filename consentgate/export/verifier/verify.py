#!/usr/bin/env python3
"""Verify a consentgate package without consentgate: Python 3.9 or newer and `cryptography`, no network.

    python3 verify.py [--fingerprint F] [--policy FILE] [--json] [PACKAGE]

What is inside a package shows that it agrees with itself. Whose it is, only something from outside shows: the
fingerprint in the cover letter (--fingerprint), or witnesses that you know yourself (--policy). Exit code: 0
confirmed, 1 broken, 2 used wrongly, 3 not confirmed by a fingerprint, 4 confirmed, but something is withheld or open.

How to read this file: `verify` says what is done; then each level of it is one function or class, in the order in
which they are shown: ten minutes. The rest reads forms (JSON, keys, tokens, notes) and refuses all other spellings.
The formats are described in docs/formats of consentgate: package.md, leaf.md, part.md, statement.md, log.md.
"""

import argparse
import base64
import hashlib
import json
import math
import os
import re
import stat
import sys
from datetime import datetime

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

LEVELS = ["files", "manifest", "records", "answers", "statements", "artifacts", "tree", "checkpoint",
          "witnesses", "timestamps"]  # the last two only where there is something to judge
SMALL, LINE, HUGE = 4 << 20, 128 << 20, 256 << 20  # bytes of a small file, a line, the manifest; more is not read
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.jws", "package.jwk"
LISTS = ["manifest-sha256.txt", "SHA256SUMS", "tagmanifest-sha256.txt"]
UNLISTED = {MANIFEST, SIGNATURE, "manifest.json.tsr", *LISTS}
# What computers leave in folders that somebody looked at.
LEFT = re.compile(r"(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)", re.DOTALL)
ENTRIES, READABLE = "data/records/entries.jsonl", "data/records/records.jsonl"
WITHHELD, POLICY = "data/withheld/withheld.jsonl", "data/keys/witnesses.policy"


class Bad(Exception):
    """Something has not its form. `kind` is the word for the finding."""

    kind = "malformed"


class Changed(Bad):
    """Something is not what it was when it was hashed or sealed."""

    kind = "altered"


class Forged(Bad):
    """A signature does not fit, or a key is not the one that is named."""

    kind = "forged"


def verify(root, fingerprint=None, policy=None):
    """Verify a package: a verdict for each level, what was found, and one word for all of it."""
    package = Package(root)
    manifest = read_manifest(package)
    key, trusted, counts = None, [], {}
    if manifest is None:
        package.judged = dict.fromkeys(LEVELS[:8], False)
    else:
        key, counts = check_signature(package, manifest, fingerprint), manifest["counts"]
        leave_out(package, manifest)
        check_files(package, manifest)
        check_records(package, manifest)
        notes = {log["number"]: check_checkpoint(package, log) for log in manifest["logs"]}
        trusted = check_witnesses(package, manifest["logs"], notes, policy)
        stamps = {"manifest.json.tsr", *(f"data/log/{log['number']}/checkpoint.tsr" for log in manifest["logs"])}
        if stamps & package.sizes.keys():
            package.judged["timestamps"] = False  # RECIPES.txt says how openssl verifies them
    levels = {level: package.verdict(level) for level in LEVELS if level in package.judged}
    confirmed, broken = key is not None and key == fingerprint, "broken" in levels.values()
    withheld = counts.get("parts_withheld", 0) + counts.get("withheld_entries", 0)
    found = sorted(package.found.items(), key=lambda each: LEVELS.index(each[0][0]))
    return {
        "conclusion": "broken" if broken else "witnessed" if trusted else "confirmed" if confirmed else "consistent",
        "exit": 1 if broken else 3 if not confirmed else 4 if withheld or "incomplete" in levels.values() else 0,
        "fingerprint": key, "confirmed": confirmed, "witnesses": trusted, "levels": levels,
        "ignored": package.ignored,
        "findings": [{"level": at, "kind": kind, "where": where, "why": why} for (at, kind, where), why in found],
    }


class Package:
    """The regular files of a folder, by path (links are never followed), and what was found in them."""

    def __init__(self, root):
        self.root, self.sizes, self.strange, self.hashes = root, {}, [], {}
        self.ignored = []
        self.found, self.judged = {}, {}  # (level, kind, where): why; level: whether all of it could be looked at
        left = [""]
        while left:
            under = left.pop()
            for each in os.scandir(os.path.join(root, under)):
                path, state = under + each.name, each.stat(follow_symlinks=False)
                if stat.S_ISDIR(state.st_mode):
                    left.append(path + "/")
                elif stat.S_ISREG(state.st_mode):
                    self.sizes[path] = state.st_size
                else:
                    self.strange.append(path)

    def __contains__(self, path):
        return path in self.sizes

    def below(self, folder):
        return [path for path in self.sizes if path.startswith(folder)]

    def open(self, path):
        return os.fdopen(os.open(os.path.join(self.root, path), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")

    def read(self, path, limit=SMALL):
        need(self.sizes[path] <= limit, "the file is too long")
        with self.open(path) as file:
            return file.read(self.sizes[path])

    def same(self, path, data):
        return self.sizes[path] == len(data) and self.read(path, len(data)) == data

    def sha256(self, path):
        if path not in self.hashes:
            digest = hashlib.sha256()
            with self.open(path) as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
            self.hashes[path] = digest.hexdigest()
        return self.hashes[path]

    def lines(self, path, limit=LINE):
        if path in self:
            with self.open(path) as file:
                for line in iter(lambda: file.readline(limit + 1), b""):
                    yield line
                    if len(line) > limit:
                        return

    def say(self, level, kind, where, why=""):
        where = "".join(each if " " <= each <= "~" else "?" for each in where)
        self.found.setdefault((level, kind, where), str(why))

    def verdict(self, level):
        kinds = {kind for at, kind, _ in self.found if at == level}
        if kinds - {"open"}:
            return "broken"
        return "incomplete" if kinds else "holds" if self.judged[level] else "cannot_judge"


# ---- manifest and files: the list of all files, who signed it, and whether they are there ------------------------


def read_manifest(package):
    if MANIFEST not in package:
        return package.say("manifest", "missing", MANIFEST)
    try:
        data = package.read(MANIFEST, HUGE)
        manifest = fit(read_json(data, HUGE), MANIFEST_SHAPE, exact=False)
        numbers = [log["number"] for log in manifest["logs"]]
        paths = [each["path"] for each in manifest["files"]]
        need(manifest["v"] == 1 and manifest["bates"]["digits"] <= 30, "another version")
        need(numbers == sorted(set(numbers)) and paths == sorted(set(paths)), "not in order, or twice")
        need(all(path not in UNLISTED for path in paths), "a file that cannot list itself")
        need(all(isinstance(each.get("kind", ""), str) for each in manifest["files"]), "no kind")
    except Bad as why:
        return package.say("manifest", "malformed", MANIFEST, why)
    return {**manifest, "data": data}


def check_signature(package, manifest, fingerprint):
    """The package key signed exactly these bytes. Whose key that is, only the cover letter tells."""
    package.judged["manifest"] = True
    signed = key = None
    for path in (SIGNATURE, KEY):
        try:
            need(path in package, "it is missing")
            data = package.read(path, 2 * HUGE)
            if path == SIGNATURE:
                signed = read_jws(data.decode("latin-1"), "consentgate-package+jwt", 2 * HUGE)
                need(signed["alg"] == "EdDSA", "another algorithm")
            else:
                jwk = read_line(data)
                need(jwk.keys() == {"crv", "kty", "x"} and jwk["kty"] == "OKP", "no package key")
                key = read_jwk(jwk)
        except Bad as why:
            signed = None if path == SIGNATURE else signed
            if path == SIGNATURE or signed:
                package.say("manifest", "malformed" if path in package else "missing", path, why)
    if signed and key:
        try:
            if verify_jws(signed, key) != manifest["data"]:
                package.say("manifest", "altered", SIGNATURE, "it signs other bytes than manifest.json")
        except Forged as why:
            package.say("manifest", "forged", SIGNATURE, why)
    if key and fingerprint and key["kid"] != fingerprint:
        package.say("manifest", "forged", KEY, f"you gave {fingerprint}; this is {key['kid']}")
    return key["kid"] if key else None


def leave_out(package, manifest):
    """What a computer left in the folder when somebody looked at it is nobody's evidence, and is not looked at."""
    listed = {each["path"] for each in manifest["files"]}
    package.ignored = sorted(path for path in package.sizes.keys() - listed if LEFT.fullmatch(path))
    for path in package.ignored:
        del package.sizes[path]


def check_files(package, manifest):
    """Every listed file is there with its hash, nothing else is, and the lists for other tools say the same."""
    package.judged["files"] = True
    listed = {each["path"]: each for each in manifest["files"]}
    for path in package.strange:
        package.say("files", "malformed", path, "a link or a device")
    for path, each in listed.items():
        if path not in package and path not in package.strange:
            package.say("files", "missing", path)
        elif path in package and (package.sizes[path] != each["size"] or package.sha256(path) != each["sha256"]):
            package.say("files", "altered", path, "not the bytes that the manifest lists")
    for path in package.sizes.keys() - listed.keys() - UNLISTED:
        package.say("files", "extra", path, "not listed")
    hashes = {path: each["sha256"] for path, each in listed.items()}
    payload = {path for path in hashes if path.startswith("data/")}
    real = [path for path in (MANIFEST, SIGNATURE, *LISTS[:2]) if path in package]
    hashes.update({path: package.sha256(path) for path in real})
    every = {path for path in hashes if not path.endswith(".tsr")}
    for name, paths in zip(LISTS, (payload, every - {LISTS[1]}, every - payload)):
        if name not in package:
            package.say("files", "missing", name)
        elif not package.same(name, "".join(f"{hashes[path]}  {path}\n" for path in sorted(paths)).encode()):
            package.say("files", "altered", name, "not the list that follows from the manifest")


# ---- records: each entry is one, is in its place, opens, and reads as it was sealed ------------------------------


def check_records(package, manifest):
    """One pass over the exact records, for the levels from `records` to `tree`."""
    artifacts = Artifacts(package, manifest)
    statements, answers, records = Statements(package, artifacts.keys), Answers(manifest), Records(package, manifest)
    for record in records.read():
        answers.take(record)
        statements.take(record)
        artifacts.take(record)
    there, whole = ENTRIES in package, not records.left_out
    answers.finish(package)
    if there and whole:
        statements.finish(manifest)
    package.judged.update(records=True, answers=there, statements=there, artifacts=there)
    package.judged["tree"] = there and whole and records.in_order
    for log in manifest["logs"] if package.judged["tree"] else ():
        check_tree(package, log, records.leaves[log["number"]])


class Records:
    def __init__(self, package, manifest):
        self.package, self.manifest, self.bates = package, manifest, manifest["bates"]
        self.logs = {log["number"]: log for log in manifest["logs"]}
        self.leaves = {number: [] for number in self.logs}  # (position, leaf hash) of each record
        self.next, self.before, self.in_order, self.left_out = self.bates["first"], (-1, -1), True, False
        self.lines = self.open = 0
        self.withheld, self.readable = [], package.lines(READABLE) if READABLE in package else None

    def say(self, kind, where, why=""):
        self.package.say("records", kind, where, why)

    def name(self, number):
        return f"{self.bates['prefix']}{number:0{self.bates['digits']}d}"

    def read(self):
        """Give each record that can be read, with the contents of its open parts."""
        for path in (ENTRIES, READABLE, WITHHELD):
            if path not in self.package:
                self.say("missing", path)
        for data in self.package.lines(ENTRIES):
            self.lines += 1
            record = self.record(data)
            if record:
                self.place(record)
                self.unseal(record)
                yield record
            self.left_out = self.left_out or not record
            self.compare(record)
        if ENTRIES in self.package:
            self.finish()

    def record(self, data):
        number = None
        try:
            line = read_line(data)
            digits = str(line.get("bates"))[len(self.bates["prefix"]):]
            need(re.fullmatch("[0-9]{1,100}", digits) and self.name(int(digits)) == line["bates"], "no Bates number")
            number = int(digits)
            fit(line, ENTRY_SHAPE)
            need(line["log"] in self.logs and line["position"] < self.logs[line["log"]]["size"], "no place in a log")
            for part in line["parts"]:
                fit(part, OPEN_PART if "key" in part else CLOSED_PART)
            exact = unb64(line["leaf"])
            line.update(leaf=read_leaf(exact), hash=hashlib.sha256(b"\0" + exact).digest())
        except Bad as why:
            self.count(number)
            return self.say("malformed", ENTRIES if number is None else f"record {self.name(number)}", why)
        self.count(number)
        return {**line, "where": f"record {line['bates']}", "contents": {}}

    def count(self, number):
        """Each number of the range stands once, in order."""
        if number is None:
            self.next += 1
        elif not self.bates["first"] <= number <= self.bates["last"]:
            self.say("extra", f"record {self.name(number)}", "out of the range")
        elif number < self.next:
            self.say("reordered", f"record {self.name(number)}", "too late, or twice")
        else:
            if number > self.next:
                self.say("missing", f"record {self.name(self.next)}")
            self.next = number + 1

    def place(self, record):
        if (record["log"], record["position"]) <= self.before:
            self.in_order = False
            self.say("reordered", record["where"], "not behind the record before it")
        self.before = (record["log"], record["position"])
        self.leaves[record["log"]].append((record["position"], record["hash"]))

    def unseal(self, record):
        """Open the parts whose keys are there, if they are those that the leaf names."""
        refs = record["leaf"].get("parts", [])
        record["fits"] = [part["p"] for part in record["parts"]] == [ref["p"] for ref in refs]
        if record["entry"] != record["leaf"]["id"] or not record["fits"]:
            self.say("altered", record["where"], "id or parts are not those of the leaf")
        for part in record["parts"]:
            self.open += "key" in part
            if "withheld" in part:
                self.withheld.append((record["bates"], record["entry"], part["p"], part["withheld"]))
        for part, ref in zip(record["parts"], refs if record["fits"] else ()):
            try:
                if b64(hashlib.sha256(part["jwe"].encode()).digest()) != ref["d"]:
                    raise Changed("not the part that the leaf names")
                if "key" in part:
                    record["contents"][part["p"]] = open_part(part["jwe"], unb64(part["key"]))
            except Bad as why:
                self.say(why.kind, f"{record['where']} part {part['p']}", why)

    def compare(self, record):
        """The readable form says what the exact bytes say; it stands in the same line of another file."""
        data = next(self.readable, None) if self.readable else b""
        if not self.readable or (data is not None and not record):
            return
        kind, why = "altered", "not a line for each record, in order"
        try:
            line = read_line(data) if data is not None else {}
            if record and line.get("bates") == record["bates"]:
                if not reads_as(line, record):
                    self.say("altered", record["where"], "the readable form says something else")
                return
        except Bad as problem:
            kind, why = "malformed", problem
        self.say(kind, READABLE, why)
        self.readable = None

    def finish(self):
        if self.next <= self.bates["last"]:
            self.say("missing", f"record {self.name(self.next)}")
        if self.readable and next(self.readable, None) is not None:
            self.say("altered", READABLE, "more lines than records")
        listed, entries = [], 0
        for data in self.package.lines(WITHHELD, 1 << 20):
            try:
                line = read_line(data)
                names = ["entry", "reason", "rule", *(["bates", "part"] if "part" in line else [])]
                fit(line, dict.fromkeys(names, str))
            except Bad as why:
                self.say("malformed", WITHHELD, why)
                continue
            if "part" in line:
                listed.append((line["bates"], line["entry"], line["part"], line["reason"]))
            entries += "part" not in line
        if WITHHELD in self.package and not self.left_out and listed != self.withheld:
            self.say("altered", WITHHELD, "not what is withheld")
        kinds = {kind for level, kind, _ in self.package.found if level == "records"}
        closed, counts = len(self.withheld), {name: self.manifest["counts"][name] for name in COUNTS[:6]}
        seen = [self.lines + entries, self.lines, entries, self.open + closed, self.open, closed]
        seen += [self.lines, *(len(each) for each in self.leaves.values())]
        told = [self.bates["last"] - self.bates["first"] + 1, *(log["positions"] for log in self.logs.values())]
        if not kinds & {"malformed", "missing", "extra", "reordered"} and seen != [*counts.values(), *told]:
            self.say("altered", MANIFEST, "the counts do not come out")


def reads_as(line, record):
    leaf, parts = record["leaf"], line.pop("parts", None)
    expected = {name: record[name] for name in ("bates", "log", "position")}
    expected.update({name: leaf[name] for name in ("kind", "at", "end") if name in leaf}, entry=leaf["id"])
    expected.update({"re": leaf["re"]["id"]} if "re" in leaf else {})
    if not equal(line, expected) or not isinstance(parts, dict):
        return False
    names = {part["p"] for part in record["parts"]}
    if record["fits"] and parts.keys() != names:
        return False
    return not record["fits"] or all(part_reads_as(parts, part, record) for part in record["parts"])


def part_reads_as(parts, part, record):
    shown, name = parts[part["p"]], part["p"]
    if "key" in part:  # a part that could not be opened has its finding already
        return name not in record["contents"] or equal(shown, record["contents"][name])
    redacted = isinstance(shown, dict) and shown.keys() == {"redacted", "shown"}  # what it shows, nobody can judge
    return shown == {"withheld": part["withheld"]} or (
        redacted and shown["redacted"] == part["withheld"] and isinstance(shown["shown"], dict))


def equal(one, other):
    """As JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# ---- answers, statements, artifacts: what records say of each other, of people and of files ----------------------


class Answers:
    """An answer names the true hash of what it answers; an intent has one outcome, once it can no longer leave."""

    def __init__(self, manifest):
        self.at, self.hashes, self.due, self.answers = manifest["at"], {}, {}, []

    def take(self, record):
        leaf = record["leaf"]
        if leaf["kind"] in ("intent", "stop"):
            self.hashes[leaf["id"]] = record["hash"]
        if "send_by" in leaf and leaf["send_by"] < self.at:  # times of this form sort like texts
            self.due[leaf["id"]] = record["where"]
        if "re" in leaf:
            self.answers.append((leaf["kind"], leaf["re"]["id"], unb64(leaf["re"]["h"]), record["where"]))

    def finish(self, package):
        ended = set()
        for kind, target, named, where in self.answers:
            if self.hashes.get(target, named) != named:
                package.say("answers", "forged", where, "it names another hash than that of what it answers")
            if kind == "outcome" and target in ended:
                package.say("answers", "extra", where, "a second outcome")
            ended.update({target} if kind == "outcome" else ())
        for target, where in self.due.items():
            if target not in ended:
                package.say("answers", "open", where, "a request without an outcome in this package")


class Statements:
    """Each consent statement that can be read was signed by an issuer of a registry; its file is the same token."""

    def __init__(self, package, keys):
        self.package, self.keys, self.files = package, keys, set()

    def take(self, record):
        content = record["contents"].get("statement.0")
        where, kind = f"{record['where']} part statement.0", "malformed"
        try:
            if content is not None:
                need(isinstance(content.get("token"), str), "no token")
                self.file(f"data/statements/{record['bates']}.jws", content["token"])
                signed = read_jws(content["token"], "consent-statement+jwt", 1 << 16)
                iss = fit(read_json(signed["payload"], 1 << 20, canonical=False).get("iss"), str)
                kind, key = "unsigned", self.keys.get((iss, signed["kid"]))
                need(key and signed["alg"] in key["algs"], "no registry of the package has this key")
                kind = "forged"
                verify_jws(signed, key)
        except Bad as why:
            self.package.say("statements", kind, where, why)

    def file(self, path, token):
        self.files.add(path)
        if path not in self.package:
            self.package.say("statements", "missing", path)
        elif not self.package.same(path, token.encode()):
            self.package.say("statements", "altered", path, "not the token of the record")

    def finish(self, manifest):
        for each in manifest["files"]:
            if each["path"].startswith("data/statements/") and each["path"] not in self.files:
                self.package.say("statements", "extra", each["path"], "of no record that can be read")


class Artifacts:
    """Bytes that open parts name by digest lie under that digest; registries among them hold the keys of issuers."""

    def __init__(self, package, manifest):
        self.package, self.keys, self.followed = package, {}, set()
        found = {path: package.sha256(path) for path in package.below("data/artifacts/")}
        self.sound = {digest for path, digest in found.items() if path == "data/artifacts/" + digest}
        for path, digest in found.items():
            if digest not in self.sound or path != "data/artifacts/" + digest:
                package.say("artifacts", "altered", path, "not the bytes that it is named by")
        for path in package.below("data/notices/"):
            if package.sha256(path) not in found.values():
                package.say("artifacts", "altered", path, "no copy of a notice of this package")
        for each in manifest["files"]:
            if each.get("kind") == "registry" and each["path"][15:] in self.sound:
                self.follow(each["path"][15:], self.registry)

    def take(self, record):
        for name, content in record["contents"].items():
            inner = content.get("decision") if name == "body.0" else None
            for each in (content, inner if isinstance(inner, dict) else {}):
                if name == "statement.0":
                    self.named(each.get("manifest"), self.notice)
                elif name == "body.0" or name.startswith("decision."):
                    self.named(each.get("registry"))
                    self.named(each.get("packs"), self.packs)

    def named(self, text, take=None):
        """Follow a digest in base64url; anything else names nothing."""
        try:
            self.follow(unb64(text, 32).hex(), take)
        except Bad:
            return

    def follow(self, digest, take=None):
        path = "data/artifacts/" + digest
        if path not in self.package:
            self.package.say("artifacts", "missing", f"artifact {digest}", "an open part names it")
        elif take and digest in self.sound and (digest, take) not in self.followed:
            self.followed.add((digest, take))
            try:
                take(read_json(self.package.read(path)))
            except Bad as why:
                self.package.say("artifacts", "malformed", path, why)

    def registry(self, registry):
        keys = {}
        for issuer in fit(registry, {"issuers": [{"iss": str, "keys": [{"jwk": {}}]}]}, exact=False)["issuers"]:
            for each in issuer["keys"]:
                key = read_jwk(each["jwk"])
                keys[issuer["iss"], key["kid"]] = key
        self.keys.update(keys)

    def notice(self, manifest):
        unb64(manifest.get("digest"))
        self.named(manifest["digest"])

    def packs(self, index):
        for each in fit(index.get("packs"), {}, exact=False).values():
            fit(each, {"sha256": sha256_hex}, exact=False)
        for each in index["packs"].values():
            self.follow(each["sha256"])


# ---- tree, checkpoint, witnesses: the records are in a log, which was signed, and cosigned -----------------------


def check_tree(package, log, leaves):
    """The root of the log follows from the leaves of the records and the nodes of the proof (RFC 6962)."""
    path, at = f"data/log/{log['number']}/nodes.bin", 0

    def walk(low, high):
        nonlocal at
        if at == len(leaves) or leaves[at][0] >= high:  # no record from low to below high: its hash is in the file
            node = nodes.read(32)
            need(len(node) == 32, "fewer nodes than the proof needs")
            return node
        if high - low == 1:
            at += 1
            return leaves[at - 1][1]
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        return hashlib.sha256(b"\1" + walk(low, middle) + walk(middle, high)).digest()

    if path not in package:
        package.say("tree", "missing", path)
        return
    with package.open(path) as nodes:
        try:
            root = walk(0, log["size"]) if log["size"] else hashlib.sha256(b"").digest()
            need(not nodes.read(1), "more nodes than the proof needs")
            if root != unb64(log["root"]):
                package.say("tree", "altered", f"log {log['number']}", "the records are not those of the log")
        except Bad as why:
            package.say("tree", "malformed", path, why)


def check_checkpoint(package, log):
    """The log's key signed this size and root. Gives the signed note."""
    folder, where, path = f"data/log/{log['number']}/", f"log {log['number']}", f"data/log/{log['number']}/checkpoint"
    package.judged["checkpoint"] = True
    if folder + "vkey" not in package:
        package.say("checkpoint", "missing", folder + "vkey")
    elif not package.same(folder + "vkey", f"{log['vkey']}\n".encode()):
        package.say("checkpoint", "altered", folder + "vkey", "not the key of the manifest")
    if path not in package:
        return package.say("checkpoint", "missing", path)
    try:
        note = read_note(package.read(path, 1 << 20))
        origin, size, root, *rest = note["text"].split("\n") + [""] * 3
        need(rest == ["", "", "", ""] and is_name(origin), "no checkpoint")
        need(re.fullmatch("0|[1-9][0-9]{0,18}", size), "no checkpoint")
        need(int(size) < 2**63 and unb64(root, 32, standard=True), "no checkpoint")
    except Bad as why:
        return package.say("checkpoint", "malformed", path, why)
    if (origin, int(size), unb64(root, standard=True)) != (log["origin"], log["size"], unb64(log["root"])):
        package.say("checkpoint", "altered", where, "origin, size and root are not those of the manifest")
    try:
        key = read_vkey(log["vkey"], 1)
        if key["name"] != log["origin"]:
            package.say("checkpoint", "altered", where, "the key is that of another log")
        if not signed_by(key, note):
            raise Forged("the log's key did not sign")
    except Bad as why:
        package.say("checkpoint", "forged", path, why)
    return note


def check_witnesses(package, logs, notes, policy):
    """Enough witnesses cosigned, as the deployment's policy asks, and yours. Gives names of yours, if it is met."""
    own, trusted = None, []
    if POLICY in package:
        try:
            own = read_policy(package.read(POLICY))
        except Bad as why:
            package.say("witnesses", "malformed", POLICY, why)
    elif policy is None:
        if any(is_cosigned(log, notes[log["number"]]) for log in logs):
            package.judged["witnesses"] = False
        return []
    package.judged["witnesses"] = True
    for asked in (own, policy):
        for log in logs if asked else ():
            names = cosigned(package, log, notes[log["number"]], asked, newest=log is logs[-1])
            trusted = names if asked is policy else []
    return trusted


def is_cosigned(log, note):
    try:
        key = read_vkey(log["vkey"], 1)
        return any((name, key_id) != (key["name"], key["id"]) for name, key_id, _ in note["signatures"] if note)
    except (Bad, TypeError):
        return False


def cosigned(package, log, note, policy, *, newest):
    try:
        names = [name for name, key in policy["witnesses"].items() if note and signed_by(key, note)]
    except Forged as why:
        package.say("witnesses", "forged", f"data/log/{log['number']}/checkpoint", why)
        return []
    met = {"none", *names}
    for name, (needed, members) in policy["groups"].items():
        met.update({name} if len(met & set(members)) >= needed else ())
    of_a_log = not policy["logs"] or any(is_of(note, key) for key in policy["logs"] if note)
    if newest and note and not (policy["quorum"] in met and of_a_log):
        package.say("witnesses", "unsigned", f"log {log['number']}", "not cosigned as the policy asks")
        return []
    return names if newest else []


def is_of(note, key):
    try:
        return signed_by(key, note) and note["text"].split("\n")[0] == key["name"]
    except Forged:
        return False


# ---- Forms: strict JSON and base64 -------------------------------------------------------------------------------


def need(fits, why):
    if not fits:
        raise Bad(why)


def read_json(data, limit=SMALL, canonical=True):
    """Read an object of strict JSON: no member twice, no number of 2^53 or more; canonical: in its one spelling."""

    def pairs(items):
        need(len(dict(items)) == len(items), "a member stands twice")
        return dict(items)

    def integer(text):
        need(len(text) <= 17 and abs(int(text)) < 2**53, "a number is too large")
        return int(text)

    def fraction(text):
        need(not canonical and math.isfinite(float(text)), "a number has a fraction")
        return float(text)

    def check(value, depth):
        need(depth or not isinstance(value, (dict, list)), "nested too deep")
        if isinstance(value, dict):
            need(not canonical or all(name.isascii() and name.isprintable() for name in value), "no name")
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(each, depth - 1)

    need(len(data) <= limit, "too long")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_int=integer, parse_float=fraction,
                           parse_constant=fraction)
        check(value, 32)
        spelled = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError):
        raise Bad("not strict JSON") from None
    need(isinstance(value, dict) and (spelled == data or not canonical), "no object in its canonical spelling")
    return value


def read_line(line):
    need(line.endswith(b"\n"), "no line, or too long")
    return read_json(line[:-1], LINE)


def fit(value, shape, *, exact=True):
    """Refuse a value of another shape: a type, a check, a list of one shape, or members (exact: no others)."""
    if isinstance(shape, type):
        need(type(value) is shape, "another type")
    elif isinstance(shape, list):
        need(isinstance(value, list), "no list")
        for each in value:
            fit(each, shape[0], exact=exact)
    elif isinstance(shape, dict):
        need(isinstance(value, dict), "no object")
        need(shape.keys() == value.keys() if exact else shape.keys() <= value.keys(), "other members")
        for name, each in shape.items():
            fit(value[name], each, exact=exact)
    else:
        shape(value)
    return value


def matching(form):
    return lambda text: need(isinstance(text, str) and re.fullmatch(form, text, re.ASCII), "another form")


def size(count):
    return lambda text: unb64(text, count)


def number(value):
    need(type(value) is int and value >= 0, "no number from 0")


def time(text):
    need(isinstance(text, str) and re.fullmatch(r"\d{4}(-\d\d){2}T\d\d(:\d\d){2}\.\d{3}Z", text, re.ASCII), "no time")
    try:
        datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  # only whether there is such a time
    except ValueError:
        raise Bad("no such time") from None


def unb64(text, count=None, *, standard=False):
    """Read base64url without padding, or standard base64, in its one spelling."""
    try:
        data = base64.b64decode(text + "=" * (0 if standard else -len(text) % 4), None if standard else b"-_")
    except (ValueError, TypeError):
        raise Bad("not base64") from None
    need((base64.b64encode(data).decode() if standard else b64(data)) == text, "not the one spelling of base64")
    need(count in (None, len(data)), "another number of bytes")
    return data


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


sha256_hex, segment = matching("[0-9a-f]{64}"), "[A-Za-z0-9_][A-Za-z0-9._+-]*"
uuid7 = matching("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
COUNTS = ["selected", "exported", "withheld_entries", "parts", "parts_open", "parts_withheld", "not_covered"]
MANIFEST_SHAPE = {
    "v": int, "export": str, "at": time, "counts": dict.fromkeys(COUNTS, number),
    "bates": {"prefix": str, "digits": number, "first": number, "last": number},
    "logs": [{"number": number, "origin": str, "size": number, "root": size(32), "vkey": str, "positions": number}],
    "files": [{"path": matching(f"{segment}(/{segment})*"), "sha256": sha256_hex, "size": number}],
}
ENTRY_SHAPE = {"bates": str, "entry": str, "leaf": str, "log": number, "position": number,
               "parts": [lambda part: fit(part, {}, exact=False)]}
REASONS = "destroyed|matches|other_person|privilege|references|role|templates"
OPEN_PART = {"p": str, "jwe": str, "key": size(32)}
CLOSED_PART = {"p": str, "jwe": str, "withheld": matching(REASONS)}
LEAF_SHAPE = {
    "v": int, "id": uuid7, "kind": str, "at": time, "w": size(16), "n": number, "prev": size(32), "decided_at": time,
    "send_by": time, "after": {"w": size(16), "n": number}, "re": {"id": uuid7, "h": size(32)}, "end": str,
    "parts": [{"p": str, "d": size(32), "t": size(16)}],
}
FINAL = ["succeeded", "rejected", "not_sent", "undetermined"]
KINDS = {  # of entries: words that begin its parts (none: it may have none), other members that it has, its ends
    "statement": ("statement", "", ()), "call": ("call body", "", ()), "assertion": ("assertion body", "", ()),
    "registry": ("body", "", ()), "packs": ("body", "", ()), "hold": ("decision body", "", ()),
    "key_destroyed": ("body", "", ()), "export": ("body", "", ()), "epoch": ("body", "", ()),
    "intent": ("decision exchange body", "decided_at send_by", ()),
    "denial": ("decision exchange body", "decided_at", ()), "outcome": ("exchange matches body", "re end", FINAL),
    "observation": ("exchange matches body", "re end", [*FINAL, "unknown"]),
    "stop": ("decision exchange body none", "re", ()), "heartbeat": ("body none", "", ()),
    "writer_stop": ("none", "", ()),
}


def read_leaf(data):
    """Read the leaf of an entry: docs/formats/leaf.md."""
    leaf = read_json(data, 4096)
    need(isinstance(leaf.get("kind"), str) and leaf["kind"] in KINDS, "no such kind")
    fit(leaf, {name: shape for name, shape in LEAF_SHAPE.items() if name in {*leaf, "v", "id", "at", "w", "n"}})
    words, has, ends = KINDS[leaf["kind"]]
    must = {"v", "id", "kind", "at", "w", "n", *has.split(), *(["prev"] if leaf["n"] else [])}
    need(must <= leaf.keys() <= must | {"parts"} | (set() if leaf["n"] else {"after"}), "not the members of its kind")
    need(leaf["v"] == 1 and leaf.get("end") in (ends or [None]), "another version or end")
    need("after" not in leaf or leaf["after"]["w"] != leaf["w"], "a lane after itself")
    names = [part["p"] for part in leaf.get("parts", [])]
    need(names == sorted(set(names)), "parts that are not in order")
    need(names or ("parts" not in leaf and "none" in words), "no parts")
    for name in names:
        word, _, place = name.partition(".")
        need(word in words.split() and word != "none", "no part of its kind")
        need(re.fullmatch("0" if word in ("body", "matches") else "[0-9]|1[01]", place), "no part of this name")
    return leaf


# ---- Forms: keys, tokens, notes, policies ------------------------------------------------------------------------


def thumbprint(**jwk):
    """RFC 7638: SHA-256 of the required members, in order: a name of a key that nobody can choose."""
    return b64(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def ed25519_key(x, *, strict=True):
    """Refuse points under which one signature fits many texts; strict: other spellings too, and what is no point."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    y = int.from_bytes(x, "little") & (2**255 - 1)
    need(len(x) == 32 and y % p not in (0, 1, p - 1) and (d * y**4 + 2 * y * y - 1) % p, "a key that anybody can use")
    square = (y * y - 1) * (d * y * y + 1) % p
    need(not strict or (y < p and pow(square, (p - 1) // 2, p) == 1), "no Ed25519 key")
    return ed25519.Ed25519PublicKey.from_public_bytes(x)


def read_jwk(jwk):
    """Read a public key: its name, its algorithms, and what verifies with it."""
    need(not {"d", "k", "p", "q"} & jwk.keys(), "a private key")
    x = unb64(jwk.get("x"), 32)
    if (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519"):
        check, algs = ed25519_key(x).verify, ["EdDSA", "Ed25519"]
        kid = thumbprint(crv="Ed25519", kty="OKP", x=jwk["x"])
    else:
        need((jwk.get("kty"), jwk.get("crv")) == ("EC", "P-256"), "neither Ed25519 nor P-256")
        check, algs = p256_check(x, unb64(jwk.get("y"), 32)), ["ES256"]
        kid = thumbprint(crv="P-256", kty="EC", x=jwk["x"], y=jwk["y"])
    need(jwk.get("kid", kid) == kid and jwk.get("alg", algs[0]) in algs, "another name or algorithm")
    need(jwk.get("use", "sig") == "sig", "a key for another use")
    return {"kid": kid, "algs": algs, "check": check}


def p256_check(x, y):
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
    try:
        key = numbers.public_key()
    except ValueError:
        raise Bad("no point of P-256") from None

    def check(signature, data):
        n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < n and 0 < s <= n // 2):  # with s also n - s would fit
            raise InvalidSignature
        key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))

    return check


def read_jws(token, typ, limit):
    """Read a compact JWS (RFC 7515) whose header has exactly alg, kid and typ: it brings no key and no rules."""
    parts = token.split(".")
    need(len(token) <= limit and len(parts) == 3, "no signed token")
    header = fit(read_json(unb64(parts[0]), 1024, canonical=False), {"alg": str, "kid": size(32), "typ": str})
    need(header["typ"] == typ and header["alg"] in ("EdDSA", "Ed25519", "ES256"), "another type or algorithm")
    signed = token.rpartition(".")[0].encode()
    return {**header, "payload": unb64(parts[1]), "signed": signed, "signature": unb64(parts[2], 64)}


def verify_jws(token, key):
    if token["kid"] != key["kid"] or token["alg"] not in key["algs"]:
        raise Forged("the token names another key")
    try:
        key["check"](token["signature"], token["signed"])
    except InvalidSignature:
        raise Forged("the signature does not fit") from None
    return token["payload"]


def open_part(token, key):
    """Open a sealed part. AES-GCM does not commit to its key, so the key's name is compared before."""
    pieces = token.split(".")
    need(len(token) <= 16 << 20 and len(pieces) == 5 and not pieces[1], "no sealed token")
    header, iv, text, tag = unb64(pieces[0]), unb64(pieces[2], 12), unb64(pieces[3]), unb64(pieces[4], 16)
    kid = re.fullmatch(rb'\{"alg":"dir","enc":"A256GCM","kid":"([A-Za-z0-9_-]{43})"\}', header)
    need(kid, "another header")
    if kid.group(1).decode() != thumbprint(k=b64(key), kty="oct"):
        raise Forged("the token names another key than the one beside it")
    try:
        return read_json(AESGCM(key).decrypt(iv, text + tag, pieces[0].encode()), 16 << 20)
    except InvalidTag:
        raise Changed("it does not decrypt") from None


def is_name(name):
    return bool(name) and not any(each.isspace() or each == "+" or each < " " for each in name)


def read_note(data):
    """Read a signed note (C2SP): a text, an empty line, and a line for each signature."""
    try:
        text, gap, block = data.decode("utf-8").rpartition("\n\n")
    except ValueError:
        raise Bad("not UTF-8") from None
    need(gap and block.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", text + block), "no signed note")
    lines, signatures = block[:-1].split("\n"), []
    need(len(lines) <= 100, "too many signatures")
    for line in lines:
        dash, name, encoded = [*line.split(" ", 2), "", ""][:3]
        blob = unb64(encoded, standard=True)
        need(dash == "\N{EM DASH}" and is_name(name) and len(blob) >= 5, "no signature line")
        signatures.append((name, blob[:4], blob[4:]))
    return {"text": text + "\n", "signatures": signatures}


def read_vkey(text, kind):
    """Read the key of a log (type 1) or of a witness (type 4): name+id+key."""
    name, key_id, encoded = [*text.split("+", 2), "", ""][:3]
    material = unb64(encoded, 33, standard=True)
    hashed = hashlib.sha256(name.encode("utf-8", "replace") + b"\n" + material).digest()[:4]
    need(is_name(name) and material[0] == kind and hashed.hex() == key_id, "no key of this type")
    key = ed25519_key(material[1:], strict=False)
    return {"name": name, "id": hashed, "kind": kind, "x": material[1:], "key": key}


def signed_by(key, note):
    """Tell whether a key signed a note; a signature of this key that does not fit is forged."""
    found = False
    for name, key_id, blob in note["signatures"]:
        if (name, key_id) == (key["name"], key["id"]):
            message = note["text"]
            if key["kind"] == 4:  # a witness signs a time too: the first eight bytes
                seconds, blob = int.from_bytes(blob[:8], "big"), blob[8:]
                message = f"cosignature/v1\ntime {seconds}\n{message}"
            try:
                key["key"].verify(blob, message.encode())
            except InvalidSignature:
                raise Forged(f"the signature of {name} does not fit") from None
            found = True
    return found


def read_policy(data):
    """Read a witness policy (C2SP tlog-policy): logs, witnesses, groups of them, and which of these is the quorum."""
    logs, witnesses, groups, quorum, names, members = [], {}, {}, None, {"none"}, set()
    need(len(data) <= 1 << 18 and not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|[^\n]\Z", data), "too long, or not whole")
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        word, *words = re.split("[ \t]+", line.strip(" \t"))
        if word == "log" and len(words) in (1, 2):
            logs.append(read_vkey(words[0], 1))
        elif word == "witness" and len(words) in (2, 3) and words[0] not in names:
            witnesses[words[0]] = read_vkey(words[1], 4)
            names.add(words[0])
        elif word == "group" and len(words) > 2 and words[0] not in names:
            name, needed, *inside = words
            needed = {"all": str(len(inside)), "any": "1"}.get(needed, needed)
            need(re.fullmatch("[1-9][0-9]{0,5}", needed) and int(needed) <= len(inside), "no number of members")
            need(set(inside) <= names - members - {"none"}, "a member that is unknown, or one already")
            need(len(set(inside)) == len(inside), "a member twice")
            groups[name] = (int(needed), inside)
            names.add(name)
            members.update(inside)
        elif word == "quorum" and len(words) == 1 and words[0] in names and quorum is None:
            quorum = words[0]
        else:
            need(not word or word.startswith("#"), "no line of a policy, or a second of its kind")
    for keys in (logs, witnesses.values()):
        need(len({key["x"] for key in keys}) == len(keys), "a key stands twice")
    need(quorum, "no quorum")
    return {"logs": logs, "witnesses": witnesses, "groups": groups, "quorum": quorum}


def tell(result):
    lines = [f"{level:<12}{verdict.replace('_', ' ')}" for level, verdict in result["levels"].items()]
    lines += [f"{each['level']}: {each['kind']}: {each['where']}: {each['why']}" for each in result["findings"]]
    if result["ignored"]:
        lines.append(f"Not looked at: {len(result['ignored'])} files that computers leave in folders.")
    if result["conclusion"] == "broken":
        return "\n".join([*lines, "Not as it was made: see the findings."])
    if "timestamps" in result["levels"]:
        lines.append("Timestamps: RECIPES.txt, number 10, says how openssl verifies them.")
    lines += ["Consistent with itself.", f"Signed by key {result['fingerprint']}."]
    lines.append("You confirmed this key." if result["confirmed"] else "Nobody confirmed this key to you.")
    return "\n".join([*lines, *(f"Witnessed by {name}." for name in result["witnesses"])])


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verify a consentgate package.")
    parser.add_argument("package", nargs="?", default=os.path.dirname(os.path.abspath(__file__)), metavar="PACKAGE")
    parser.add_argument("--fingerprint", metavar="F", help="of the package key, from the cover letter")
    parser.add_argument("--policy", metavar="FILE", help="witnesses that you trust (C2SP tlog-policy)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    told = parser.parse_args(arguments)
    try:
        if told.fingerprint is not None:
            unb64(told.fingerprint, 32)
        policy = None
        if told.policy is not None:
            with open(told.policy, "rb") as file:
                policy = read_policy(file.read(1 << 19))
        result = verify(told.package, told.fingerprint, policy)
    except (Bad, OSError) as why:
        parser.error(f"cannot be used: {why}")
    print(json.dumps(result, indent=1) if told.json else tell(result))
    return result["exit"]


if __name__ == "__main__":
    sys.exit(main())
