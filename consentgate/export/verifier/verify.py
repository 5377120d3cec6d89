#!/usr/bin/env python3
"""Verify a consentgate package without consentgate: Python 3.9 or newer, `cryptography`, offline.

    python3 verify.py [--fingerprint F] [--policy FILE] [--json] [PACKAGE]

Anybody can make a package that agrees with itself. Whose this one is, only something from outside
shows: the fingerprint in the cover letter (--fingerprint). Witnesses that you know (--policy) vouch
for the log, not for the package: who took records out and signed anew has their cosignatures too.
Exit code: 0 confirmed, 1 broken, 2 used wrongly, 3 not confirmed by a fingerprint, 4 confirmed, but
something is withheld or open.

What is checked, in this order; each level but the last has a section of this file:

manifest     package.jwk signed exactly the bytes of manifest.json; it is the key that you expect
files        each file that the manifest lists is there with its SHA-256, and no other file is
records      each line of entries.jsonl is an entry in its place, with the parts that were sealed;
             records.jsonl, withheld.jsonl and the counts of the manifest say the same
answers      what answers a request names its true hash; each request has one outcome
statements   each consent was signed by an issuer whose key stands in a registry of the package
artifacts    what entries name by SHA-256 (notices, registries, rules) lies under that name
tree         the root of each log follows from the records and a proof (RFC 6962)
checkpoint   the log's key signed that root
witnesses    enough others cosigned it, as a policy asks
timestamps   not judged here: RECIPES.txt, number 10, says how openssl does

A level holds, is broken, is incomplete (a request is open), or cannot be judged.

How to read this file: in ten minutes its first half, which is these checks. What does not fit
within `with level.telling(where)` is a finding of that level at that place. The second half is what
the checks are written with, above all readers of forms: JSON, leaves, keys, tokens, notes,
policies. All of it may be hostile. Of each thing one spelling is right and the others are refused,
so that no two programs read two things out of it. The formats are those of consentgate's
docs/formats: package.md, leaf.md, part.md, statement.md, log.md.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import sys
from contextlib import contextmanager, suppress
from datetime import datetime

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

LEVELS = ["files", "manifest", "records", "answers", "statements", "artifacts", "tree",
          "checkpoint", "witnesses", "timestamps"]  # the last two where there is something to judge
SMALL, LINE, HUGE = 4 << 20, 128 << 20, 256 << 20  # bytes: of a small file, a line, the manifest
MOST = 1000  # findings of a level
MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.jws", "package.jwk"
LISTS = ["manifest-sha256.txt", "SHA256SUMS", "tagmanifest-sha256.txt"]
UNLISTED = {MANIFEST, SIGNATURE, "manifest.json.tsr", *LISTS}  # what the manifest cannot list
ENTRIES, READABLE = "data/records/entries.jsonl", "data/records/records.jsonl"
WITHHELD, POLICY = "data/withheld/withheld.jsonl", "data/keys/witnesses.policy"
STATEMENTS, ARTIFACTS, NOTICES = "data/statements/", "data/artifacts/", "data/notices/"
LEFT = re.compile(r"(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)", re.DOTALL)


def verify(root, fingerprint=None, policy=None):
    """Verify a package: a verdict for each level, what was found, and one word for all of it."""
    package = Package(root)
    manifest = read_manifest(package)
    key, trusted, gaps = None, [], 0
    if manifest is None:
        for name in LEVELS[:8]:
            package.level(name, judged=False)
    else:
        key = check_signature(package, manifest, fingerprint)
        check_files(package, manifest["files"])
        leaves = check_records(package, manifest)
        check_trees(package, manifest["logs"], leaves)
        level = package.level("checkpoint")
        notes = [check_checkpoint(package, level, log) for log in manifest["logs"]]
        trusted = check_witnesses(package, manifest["logs"], notes, policy)
        stamps = {log["folder"] + "checkpoint.tsr" for log in manifest["logs"]}
        if package.sizes.keys() & {"manifest.json.tsr", *stamps}:
            package.level("timestamps", judged=False)  # they take CMS and X.509
        gaps = manifest["counts"]["parts_withheld"] + manifest["counts"]["withheld_entries"]
    levels = {name: package.levels[name].verdict() for name in LEVELS if name in package.levels}
    broken, confirmed = "broken" in levels.values(), key is not None and key == fingerprint
    gaps = gaps or "incomplete" in levels.values()
    vouched = ("witnessed" if trusted else "confirmed") if confirmed else "consistent"
    return {
        "conclusion": "broken" if broken else vouched,
        "exit": 1 if broken else 3 if not confirmed else 4 if gaps else 0,
        "fingerprint": key, "confirmed": confirmed, "witnesses": trusted, "levels": levels,
        "ignored": package.ignored,
        "findings": [{"level": name, "kind": kind, "where": where, "why": why} for name in levels
                     for (kind, where), why in package.levels[name].found.items()],
    }


# ---- manifest ------------------------------------------------------------------------------------

def read_manifest(package):
    """The list of all files, logs and counts: everything else is held against it."""
    with package.level("manifest").telling(MANIFEST):
        data = package.read(MANIFEST, HUGE)
        told = fit(read_json(data, HUGE), MANIFEST_SHAPE, others=True)
        need(told["v"] == 1 and told["bates"]["digits"] <= 30, "another version")
        paths = [each["path"] for each in told["files"]]
        for names in (paths, [log["number"] for log in told["logs"]]):
            need(names == sorted(set(names)), "files or logs that are not in order, or twice")
        need(not UNLISTED & set(paths), "a file that cannot be listed")
        for log in told["logs"]:
            log["name"], log["folder"] = f"log {log['number']}", f"data/log/{log['number']}/"
        return {**told, "data": data}
    return None


def check_signature(package, manifest, fingerprint):
    """The package key signed exactly these bytes. Whose it is, only the cover letter tells."""
    level, token, key = package.level("manifest"), None, None
    with level.telling(SIGNATURE):
        text = package.read(SIGNATURE, 2 * HUGE).decode("latin-1")
        token = read_jws(text, "consentgate-package+jwt", 2 * HUGE, "EdDSA")
    with level.telling(KEY) if token else suppress(ValueError):  # one cause, one finding
        jwk = read_line(package.read(KEY))
        key = read_jwk(fit(jwk, {"crv": "Ed25519", "kty": "OKP", "x": str}))
    if token and key:
        with level.telling(SIGNATURE):
            signed = verify_jws(token, key)
            need(signed == manifest["data"], "it signs other bytes than manifest.json", "altered")
    if key and fingerprint and key["kid"] != fingerprint:
        level.say("forged", KEY, f"you gave {fingerprint}; this is {key['kid']}")
    return key["kid"] if key else None


# ---- files ---------------------------------------------------------------------------------------

def check_files(package, files):
    """Every listed file is there with its hash, and nothing else is."""
    level, listed = package.level("files"), {each["path"]: each for each in files}
    for path in sorted(package.strange):
        level.say("malformed", path, "a link or a device")
    for path in sorted(listed.keys() - package.strange):
        with level.telling(path):
            need(path in package.sizes, "it is not there", "missing")
            same = package.sizes[path] == listed[path]["size"]  # else it may be without end
            same = same and package.sha256(path) == listed[path]["sha256"]
            need(same, "not the bytes that the manifest lists", "altered")
    for path in sorted(package.sizes.keys() - listed.keys() - UNLISTED):
        if LEFT.fullmatch(path):  # by a computer, when somebody looked: nobody's evidence
            package.ignored.append(path)
            del package.sizes[path]
        else:
            level.say("extra", path, "not listed")
    check_lists(package, level, {path: each["sha256"] for path, each in listed.items()})


def check_lists(package, level, hashes):
    """The three lists for sha256sum and for tools of bags say what the manifest says."""
    payload = {path for path in hashes if path.startswith("data/")}
    real = [path for path in (MANIFEST, SIGNATURE, *LISTS[:2]) if path in package.sizes]
    hashes.update({path: package.sha256(path) for path in real})
    every = {path for path in hashes if not path.endswith(".tsr")}
    for name, paths in zip(LISTS, (payload, every - {LISTS[1]}, every - payload)):
        text = "".join(f"{hashes[path]}  {path}\n" for path in sorted(paths))
        with level.telling(name):
            package.need_same(name, text.encode(), "not what the manifest says")


# ---- records -------------------------------------------------------------------------------------

def check_records(package, manifest):
    """Read each record once, for all levels that it matters to; give what `tree` needs."""
    there, turns = ENTRIES in package.sizes, []
    records = Records(package, package.level("records"), manifest)
    artifacts = Artifacts(package, package.level("artifacts"), manifest["files"])
    statements, paths = package.level("statements"), set()
    for record in records.read():
        if record["leaf"]["kind"] in ("intent", "outcome", "observation", "stop"):
            turns.append({**record["leaf"], "parts": None, "record": record["where"],
                          "hash": b64(record["hash"])})
        check_statement(package, statements, record, artifacts.keys, paths)
        artifacts.take(record)
    check_answers(package.level("answers"), manifest["at"], turns)
    for name in ("answers", "statements", "artifacts"):
        package.level(name).judged = there and not records.left_out and not records.gap
    if not there or records.left_out:
        return None
    for each in manifest["files"]:
        if each["path"].startswith(STATEMENTS) and each["path"] not in paths:
            statements.say("extra", each["path"], "of no record that can be read")
    return records.leaves if records.in_order else None


class Records:
    """One pass over the exact records, and over what has to say the same."""

    def __init__(self, package, level, manifest):
        self.package, self.level, self.say, self.telling = package, level, level.say, level.telling
        self.bates, self.counts = manifest["bates"], manifest["counts"]
        self.logs = {log["number"]: log for log in manifest["logs"]}
        self.leaves = {number: [] for number in self.logs}  # (position, leaf hash) of each record
        self.next, self.before, self.in_order = self.bates["first"], (-1, -1), True
        self.lines, self.open, self.withheld, self.left_out, self.gap = 0, 0, [], False, False
        self.readable = package.lines(READABLE) if READABLE in package.sizes else None

    def name(self, number):
        return f"record {self.bates['prefix']}{number:0{self.bates['digits']}d}"

    def read(self):
        """Give each record that can be read, with the contents of its open parts."""
        for path in {ENTRIES, READABLE, WITHHELD} - self.package.sizes.keys():
            self.say("missing", path, "it is not there")
        for data in self.package.lines(ENTRIES):
            self.lines += 1
            record = self.record(data)
            if record:
                self.check_place(record)
                self.check_parts(record)
                yield record
            self.left_out = self.left_out or not record
            self.check_readable(record)
        if ENTRIES in self.package.sizes:
            if self.next <= self.bates["last"]:
                self.gap = True
                self.say("missing", self.name(self.next), "the records end before it")
            if self.readable and next(self.readable, None) is not None:
                self.say("altered", READABLE, "more lines than records")
            self.check_withheld_and_counts()

    def record(self, data):
        """A line is an entry with a number: its leaf, whose hash is in a log, and its parts."""
        number = None
        with self.telling(ENTRIES):
            line = read_line(data)
            digits, = match(re.escape(self.bates["prefix"]) + "([0-9]{1,100})", line.get("bates"))
            need(self.name(int(digits)) == f"record {line['bates']}", "no Bates number")
            number, where = int(digits), f"record {line['bates']}"
        self.check_number(number)
        if number is None:
            return None
        with self.telling(where):
            fit(line, ENTRY_SHAPE)
            for part in line["parts"]:
                need(("key" in part) != ("withheld" in part), "a part is open, or it is withheld")
            log = self.logs.get(line["log"])
            need(log and line["position"] < log["size"], "no place in a log")
            exact = unb64(line["leaf"])
            return {**line, "leaf": read_leaf(exact), "where": where, "contents": {},
                    "hash": hashlib.sha256(b"\0" + exact).digest()}
        return None

    def check_number(self, number):
        """Each number of the range stands once, in order, so that none is gone unseen."""
        if number is None:
            self.next += 1
        elif not self.bates["first"] <= number <= self.bates["last"]:
            self.say("extra", self.name(number), "out of the range")
        elif number < self.next:
            self.say("reordered", self.name(number), "too late, or twice")
        else:
            if number > self.next:
                self.gap = True
                self.say("missing", self.name(self.next), "the first of a gap")
            self.next = number + 1

    def check_place(self, record):
        """Records stand as in their logs, so that none passes for earlier than it is."""
        place = (record["log"], record["position"])
        if place <= self.before:
            self.in_order = False
            self.say("reordered", record["where"], "not behind the record before it")
        self.before = place
        self.leaves[record["log"]].append((record["position"], record["hash"]))

    def check_parts(self, record):
        """The parts are those that the leaf names by SHA-256, and the open ones open."""
        refs, parts = record["leaf"].get("parts", []), record["parts"]
        record["fits"] = [part["p"] for part in parts] == [ref["p"] for ref in refs]
        if record["entry"] != record["leaf"]["id"] or not record["fits"]:
            self.say("altered", record["where"], "id or parts are not those of the leaf")
        shut = [part for part in parts if "withheld" in part]
        self.open += len(parts) - len(shut)
        self.withheld += [(record["bates"], record["entry"], p["p"], p["withheld"]) for p in shut]
        for part, ref in zip(parts, refs if record["fits"] else ()):
            with self.telling(f"{record['where']} part {part['p']}"):
                digest = b64(hashlib.sha256(part["jwe"].encode()).digest())
                need(digest == ref["d"], "not the part that the leaf names", "altered")
                if "key" in part:
                    record["contents"][part["p"]] = open_part(part["jwe"], unb64(part["key"]))

    def check_readable(self, record):
        """The readable form, which people quote, says the same in the same line of its file."""
        data = next(self.readable, None) if self.readable else None
        if not self.readable or (data is not None and not record):
            return
        line = None
        with self.telling(READABLE):
            need(data is not None and record, "not a line for each record", "altered")
            told = read_line(data)
            need(told.get("bates") == record["bates"], "in another order", "altered")
            line = told
        if line is None:
            self.readable = None  # nobody can say which of its lines belong to which record
        elif spelled(line) != spelled(reads_as(record, line)):
            self.say("altered", record["where"], "the readable form says something else")

    def check_withheld_and_counts(self):
        """What is withheld is listed with its reason, and the manifest's counts come out."""
        listed, entries = [], 0
        for data in self.package.lines(WITHHELD, 1 << 20):
            with self.telling(WITHHELD):
                line = fit(read_line(data), WITHHELD_SHAPE)
                need(("bates" in line) == ("part" in line), "neither an entry nor a part")
                if "part" in line:
                    listed.append((line["bates"], line["entry"], line["part"], line["reason"]))
                entries += "part" not in line
        if WITHHELD in self.package.sizes and not self.left_out and listed != self.withheld:
            self.say("altered", WITHHELD, "not what is withheld")
        shut, last = len(self.withheld), self.bates["first"] + self.lines - 1
        seen = [self.lines + entries, self.lines, entries, self.open + shut, self.open, shut, last]
        told = [*(self.counts[name] for name in COUNTS), self.bates["last"]]
        sizes = all(len(self.leaves[at]) == log["positions"] for at, log in self.logs.items())
        kinds = {kind for kind, _ in self.level.found}
        lost = kinds & {"malformed", "missing", "extra", "reordered"}  # then they cannot come out
        if not lost and not (seen == told and sizes):
            self.say("altered", MANIFEST, "the counts do not come out")


def reads_as(record, line):
    """The readable form of a record. What `line` shows of a redacted part, nobody can judge."""
    leaf, shown, parts = record["leaf"], line.get("parts"), {}
    shown = shown if isinstance(shown, dict) else {}
    for part in record["parts"]:
        name, told = part["p"], shown.get(part["p"])
        parts[name] = {"withheld": part.get("withheld")}
        if "key" in part:  # a part that could not be opened has its finding already
            parts[name] = record["contents"].get(name, told)
        elif isinstance(told, dict) and isinstance(told.get("shown"), dict):
            parts[name] = {"redacted": part["withheld"], "shown": told["shown"]}
    return {
        **{name: record[name] for name in ("bates", "log", "position")}, "entry": leaf["id"],
        **{name: leaf[name] for name in ("kind", "at", "end") if name in leaf},
        **({"re": leaf["re"]["id"]} if "re" in leaf else {}),
        "parts": parts if record["fits"] else shown,
    }


# ---- answers -------------------------------------------------------------------------------------

def check_answers(level, at, turns):
    """An answer names the true hash of its request; a request that is over has one outcome."""
    hashes = {turn["id"]: turn["hash"] for turn in turns if turn["kind"] in ("intent", "stop")}
    over = {turn["id"]: turn["record"] for turn in turns if turn.get("send_by", at) < at}
    ended = set()
    for turn in turns:
        if "re" in turn and hashes.get(turn["re"]["id"], turn["re"]["h"]) != turn["re"]["h"]:
            level.say("forged", turn["record"], "it names another hash than that of its request")
        if turn["kind"] == "outcome":
            if turn["re"]["id"] in ended:
                level.say("extra", turn["record"], "a second outcome")
            ended.add(turn["re"]["id"])
    for request in [each for each in over if each not in ended]:  # last, since it breaks nothing
        level.say("open", over[request], "a request without an outcome in the package")


# ---- statements ----------------------------------------------------------------------------------

def check_statement(package, level, record, keys, paths):
    """A consent was signed by an issuer's key; its file, for other tools, is the same token."""
    content = record["contents"].get("statement.0")
    if content is None:
        return
    with level.telling(f"{record['where']} part statement.0"):
        text, path = fit(content.get("token"), str), f"{STATEMENTS}{record['bates']}.jws"
        paths.add(path)
        with level.telling(path):
            package.need_same(path, text.encode(), "not the token of the record")
        token = read_jws(text, "consent-statement+jwt", 1 << 16)
        claims = read_json(token["payload"], 1 << 20, canonical=False)
        key = keys.get((fit(claims.get("iss"), str), token["kid"]))
        need(key and token["alg"] in key["algs"], "no registry here has this key", "unsigned")
        verify_jws(token, key)


# ---- artifacts -----------------------------------------------------------------------------------

class Artifacts:
    """Files named by their SHA-256: notices and their manifests, registries of issuers, rules."""

    def __init__(self, package, level, files):
        self.package, self.level, self.keys, self.followed = package, level, {}, set()
        hashes = {path: package.sha256(path) for path in package.sizes
                  if path.startswith((ARTIFACTS, NOTICES))}
        self.sound = {path for path, digest in hashes.items() if path == ARTIFACTS + digest}
        artifacts = {digest for path, digest in hashes.items() if path.startswith(ARTIFACTS)}
        for path in sorted(hashes.keys() - self.sound):
            if path.startswith(ARTIFACTS) or hashes[path] not in artifacts:
                level.say("altered", path, "not what it is named by, or no copy")
        for each in files:
            if each.get("kind") == "registry" and each["path"] in self.sound:
                self.follow(each["path"][len(ARTIFACTS):], self.registry)

    def take(self, record):
        """Follow what the open parts of a record name."""
        for name, content in record["contents"].items():
            if name == "statement.0":
                self.named(content.get("manifest"), self.notice)
            elif name == "body.0" or name.startswith("decision."):
                inner = content.get("decision") if name == "body.0" else None
                for each in (content, inner if isinstance(inner, dict) else {}):
                    self.named(each.get("registry"))
                    self.named(each.get("packs"), self.packs)

    def named(self, text, read=None):
        with suppress(ValueError):  # what is no digest names nothing
            self.follow(unb64(text, 32).hex(), read)

    def follow(self, digest, read=None):
        path = ARTIFACTS + digest
        if path not in self.package.sizes:
            self.level.say("missing", f"artifact {digest}", "a record names it")
        elif read and path in self.sound and (path, read) not in self.followed:
            self.followed.add((path, read))
            with self.level.telling(path):
                read(read_json(self.package.read(path)))

    def registry(self, content):
        issuers = fit(content, REGISTRY_SHAPE, others=True)["issuers"]
        keys = [(each["iss"], read_jwk(key["jwk"])) for each in issuers for key in each["keys"]]
        self.keys.update({(issuer, key["kid"]): key for issuer, key in keys})

    def notice(self, content):
        unb64(content.get("digest"))
        self.named(content["digest"])

    def packs(self, content):
        packs = fit(content.get("packs"), {}, others=True).values()
        for digest in [fit(each, PACK_SHAPE, others=True)["sha256"] for each in packs]:
            self.follow(digest)


# ---- tree ----------------------------------------------------------------------------------------

def check_trees(package, logs, leaves):
    """The records are in their logs: with the hashes of the proof, the roots come out."""
    level = package.level("tree", judged=leaves is not None)
    for log in logs if leaves is not None else ():
        path = log["folder"] + "nodes.bin"
        with level.telling(path), package.open(path) as nodes:
            root = root_of(log["size"], leaves[log["number"]], nodes)
            need(not nodes.read(1), "more hashes than the proof needs")
            with level.telling(log["name"]):
                need(root == unb64(log["root"]), "the records are not those of the log", "altered")


def root_of(size, leaves, nodes):
    """RFC 6962: the hash over the hashes of both halves; where no record is, the proof has it."""
    at = 0

    def over(low, high):
        nonlocal at
        if at == len(leaves) or leaves[at][0] >= high:
            node = nodes.read(32)
            need(len(node) == 32, "fewer hashes than the proof needs")
            return node
        if high - low == 1:
            at += 1
            return leaves[at - 1][1]
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        return hashlib.sha256(b"\1" + over(low, middle) + over(middle, high)).digest()

    return over(0, size) if size else hashlib.sha256(b"").digest()


# ---- checkpoint ----------------------------------------------------------------------------------

def check_checkpoint(package, level, log):
    """A log's key signed the size and root that the manifest names. Gives the signed note."""
    note, path = None, log["folder"] + "checkpoint"
    with level.telling(log["folder"] + "vkey"):
        text = f"{log['vkey']}\n".encode()
        package.need_same(log["folder"] + "vkey", text, "not the key of the manifest")
    with level.telling(path):
        note = read_checkpoint(package.read(path, 1 << 20))
    if note:
        if note["head"] != (log["origin"], log["size"], unb64(log["root"])):
            level.say("altered", log["name"], "origin, size or root is not the manifest's")
        with level.telling(path, "forged"):
            key = read_vkey(log["vkey"], 1)
            if key["name"] != log["origin"]:
                level.say("altered", log["name"], "the key is that of another log")
            note["others"] = {each[:2] for each in note["signatures"]} - {(key["name"], key["id"])}
            need(signed_by(key, note), "the log's key did not sign")
    return note


# ---- witnesses -----------------------------------------------------------------------------------

def check_witnesses(package, logs, notes, policy):
    """Enough witnesses cosigned, by the package's policy and by yours. Gives the names of yours."""
    if POLICY not in package.sizes and policy is None:
        if any(note.get("others") for note in notes if note):
            package.level("witnesses", judged=False)
        return []
    level, own, trusted = package.level("witnesses"), None, []
    with level.telling(POLICY) if POLICY in package.sizes else suppress(Bad):
        own = read_policy(package.read(POLICY))
    for asked in filter(None, (own, policy)):
        for log, note in zip(logs, notes):
            newest = log is logs[-1]
            found = check_cosigners(level, log, note, asked, newest) if note else []
            trusted = found if newest and asked is policy else []
    return trusted


def check_cosigners(level, log, note, policy, newest):
    """No signature of a known witness is forged; those on the newest log meet the policy."""
    with level.telling(log["folder"] + "checkpoint"):
        found = [name for name, key in policy["witnesses"].items() if signed_by(key, note)]
        met = {"none", *found}
        for name, (needed, members) in policy["groups"].items():
            met.update({name} if len(met & members) >= needed else ())
        enough = policy["quorum"] in met and is_of(policy["logs"], note)
        with level.telling(log["name"]):
            need(enough or not newest, "not cosigned as the policy asks", "unsigned")
            return found
    return []


def is_of(logs, note):
    """Whether one of these logs, where any are named, signed this as its own."""
    for key in logs:
        with suppress(ValueError):
            if note["head"][0] == key["name"] and signed_by(key, note):
                return True
    return not logs


# ==== What the checks are written with ============================================================
# ---- findings, files -----------------------------------------------------------------------------

class Bad(ValueError):
    """Something is not as it must be; `kind` is the word for the finding."""

    def __init__(self, why, kind="malformed"):
        super().__init__(why)
        self.kind = kind


def need(fits, why, kind="malformed"):
    if not fits:
        raise Bad(why, kind)


class Level:
    """What was found at one level, and whether all that it is about could be looked at."""

    def __init__(self, judged):
        self.judged, self.found = judged, {}  # (kind, where): why

    def say(self, kind, where, why):
        where, why = (re.sub("[^ -~]", "?", str(each)) for each in (where, why))
        if len(self.found) < MOST:
            self.found.setdefault((kind, where), why)

    @contextmanager
    def telling(self, where, kind=None):
        """What does not fit within this block is a finding, and ends the block."""
        try:
            yield
        except ValueError as why:  # Bad, or one of the libraries, which refuse bad forms with it
            self.say(kind or getattr(why, "kind", "malformed"), where, why)

    def verdict(self):
        kinds = {kind for kind, _ in self.found}
        if kinds - {"open"}:
            return "broken"
        return "incomplete" if kinds else "holds" if self.judged else "cannot_judge"


class Package:
    """The regular files of a folder, by path; links are never followed."""

    def __init__(self, root):
        self.root, self.sizes, self.strange, self.ignored, self.hashes = root, {}, set(), [], {}
        self.levels = {}
        folders = [""]
        for folder in folders:  # which grows meanwhile
            for each in os.scandir(os.path.join(root, folder)):
                path = folder + each.name
                if each.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                elif each.is_file(follow_symlinks=False):
                    self.sizes[path] = each.stat(follow_symlinks=False).st_size
                else:
                    self.strange.add(path)

    def level(self, name, judged=True):
        return self.levels.setdefault(name, Level(judged))

    def open(self, path):
        need(path in self.sizes, "it is not there", "missing")
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
        return os.fdopen(os.open(os.path.join(self.root, path), flags), "rb")

    def read(self, path, limit=SMALL):
        with self.open(path) as file:
            need(self.sizes[path] <= limit, "too long")
            return file.read(self.sizes[path])

    def need_same(self, path, data, why):
        with self.open(path) as file:
            need(file.read(len(data) + 1) == data, why, "altered")

    def sha256(self, path):
        if path not in self.hashes:
            digest = hashlib.sha256()
            with self.open(path) as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            self.hashes[path] = digest.hexdigest()
        return self.hashes[path]

    def lines(self, path, limit=LINE):
        """Give line by line, so that no file is held; one that is too long is cut, and the last."""
        if path in self.sizes:
            with self.open(path) as file:
                line = b""
                while len(line) <= limit and (line := file.readline(limit + 1)):
                    yield line


# ---- JSON, texts, base64 -------------------------------------------------------------------------

def read_json(data, limit=SMALL, canonical=True):
    """An object: no member twice, no number of 2^53 or more; canonical: in its one spelling."""

    def members(pairs):
        need(len(dict(pairs)) == len(pairs), "a member stands twice")
        named = all(name.isascii() and name.isprintable() for name, _ in pairs)
        need(named or not canonical, "a member's name is not ASCII")
        return dict(pairs)

    def integer(text):
        need(len(text) <= 17 and abs(int(text)) < 2**53, "a number is too large")
        return int(text)

    def fraction(text):
        need(not canonical and abs(float(text)) < float("inf"), "a number has a fraction")
        return float(text)

    def depth(value):
        inside = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inside), default=0) if isinstance(value, (dict, list)) else 0

    need(len(data) <= limit, "too long")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=members, parse_int=integer,
                           parse_float=fraction, parse_constant=fraction)
        need(isinstance(value, dict) and depth(value) <= 32, "no object, or nested too deep")
    except RecursionError:
        raise Bad("nested too deep") from None
    need(spelled(value) == data or not canonical, "not in its canonical spelling")
    return value


def spelled(value):
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def read_line(line):
    need(line.endswith(b"\n"), "no line, or too long")
    return read_json(line[:-1], LINE)


def fit(value, shape, others=False):
    """Refuse another shape. A shape is a type, a form of texts, a list of one shape, members (those
    with ? may be absent; others: there may be more), or a function that refuses."""
    if isinstance(shape, dict):
        need(isinstance(value, dict), "no object")
        shapes = {name.rstrip("?"): each for name, each in shape.items()}
        need(value.keys() >= {name for name in shape if name[-1] != "?"}, "a member is missing")
        need(others or value.keys() <= shapes.keys(), "a member that it has not")
        for name in value.keys() & shapes.keys():
            fit(value[name], shapes[name], others)
    elif isinstance(shape, list):
        need(isinstance(value, list), "no list")
        for each in value:
            fit(each, shape[0], others)
    elif isinstance(shape, type):
        need(type(value) is shape and (shape is not int or value >= 0), "another type")
    elif isinstance(shape, str):
        match(shape, value)
    else:
        shape(value)
    return value


def match(form, text):
    """Give the groups of a text that has this form from beginning to end."""
    found = isinstance(text, str) and re.fullmatch(form, text)
    need(found, "another form")
    return found.groups()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text, count=None, *, standard=False):
    """Read base64url without padding, or standard base64 with it, in its one spelling."""
    need(isinstance(text, str), "no text")
    url = text.translate({43: "-", 47: "_"}).rstrip("=") if standard else text
    data = base64.urlsafe_b64decode(url + "=" * (-len(url) % 4))
    again = base64.b64encode(data).decode() if standard else b64(data)
    need(again == text, "not the one spelling of base64")
    need(count in (None, len(data)), "another number of bytes")
    return data


def time(text):
    n = "([0-9][0-9])"
    digits = match(rf"([0-9]{{4}})-{n}-{n}T{n}:{n}:{n}\.[0-9]{{3}}Z", text)
    datetime(*map(int, digits))  # noqa: DTZ001  # only whether there is such a time


# ---- manifest, records, leaves -------------------------------------------------------------------

SEGMENT, HEX = "[A-Za-z0-9_][A-Za-z0-9._+-]*", "[0-9a-f]"
BYTES_16, BYTES_32 = "[A-Za-z0-9_-]{21}[AQgw]", "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"  # base64url
UUID = f"{HEX}{{8}}-{HEX}{{4}}-7{HEX}{{3}}-[89ab]{HEX}{{3}}-{HEX}{{12}}"
NAME = r"[^\s+\0-\x1f]+"  # of a log, of a witness
COUNTS = ["selected", "exported", "withheld_entries", "parts", "parts_open", "parts_withheld"]
MANIFEST_SHAPE = {
    "v": int, "export": str, "at": time,
    "counts": dict.fromkeys([*COUNTS, "not_covered"], int),
    "bates": {"prefix": str, "digits": int, "first": int, "last": int},
    "logs": [{"number": int, "origin": str, "size": int, "root": BYTES_32, "vkey": str,
              "positions": int}],
    "files": [{"path": f"{SEGMENT}(/{SEGMENT})*", "sha256": f"{HEX}{{64}}", "size": int,
               "kind?": str}],
}
REASON = "destroyed|matches|other_person|privilege|references|role|templates"
ENTRY_SHAPE = {
    "bates": str, "entry": str, "leaf": str, "log": int, "position": int,
    "parts": [{"p": str, "jwe": str, "key?": BYTES_32, "withheld?": REASON}],
}
WITHHELD_SHAPE = {"entry": str, "reason": str, "rule": str, "bates?": str, "part?": str}
REGISTRY_SHAPE = {"issuers": [{"iss": str, "keys": [{"jwk": {}}]}]}
PACK_SHAPE = {"sha256": f"{HEX}{{64}}"}


def parts(*words):
    """The shape of an entry's parts, which are called by one of these words, a dot and a number."""
    places = [(word, "0" if word in ("body", "matches") else "[0-9]|1[01]") for word in words]
    name = "|".join(rf"{word}\.({place})" for word, place in places)
    return [{"p": name, "d": BYTES_32, "t": BYTES_16}]


LEAF_SHAPE = {"v": int, "id": UUID, "kind": str, "at": time, "w": BYTES_16, "n": int}
ANSWER, FINAL = {"id": UUID, "h": BYTES_32}, "succeeded|rejected|not_sent|undetermined"
BODY = {"parts": parts("body")}
KINDS = {  # what the leaf of each kind of entry has besides
    "registry": BODY, "packs": BODY, "key_destroyed": BODY, "export": BODY, "epoch": BODY,
    "statement": {"parts": parts("statement")}, "assertion": {"parts": parts("assertion", "body")},
    "call": {"parts": parts("call", "body")}, "hold": {"parts": parts("decision", "body")},
    "heartbeat": {"parts?": parts("body")}, "writer_stop": {},
    "intent": {"parts": parts("decision", "exchange", "body"), "decided_at": time, "send_by": time},
    "denial": {"parts": parts("decision", "exchange", "body"), "decided_at": time},
    "stop": {"parts?": parts("decision", "exchange", "body"), "re": ANSWER},
    "outcome": {"parts": parts("exchange", "matches", "body"), "re": ANSWER, "end": FINAL},
    "observation": {"parts": parts("exchange", "matches", "body"), "re": ANSWER,
                    "end": f"{FINAL}|unknown"},
}


def read_leaf(data):
    """The leaf of an entry, whose hash is in the log: it has the members and parts of its kind."""
    leaf = read_json(data, 4096)
    of_kind = KINDS.get(str(leaf.get("kind")))
    need(of_kind is not None, "no such kind")
    lane = {"prev": BYTES_32} if leaf.get("n") else {"after?": {"w": BYTES_16, "n": int}}
    fit(leaf, {**LEAF_SHAPE, **lane, **of_kind})
    need(leaf["v"] == 1, "another version")
    need("after" not in leaf or leaf["after"]["w"] != leaf["w"], "a lane after itself")
    names = [part["p"] for part in leaf.get("parts", [{"p": "none"}])]
    need(names and names == sorted(set(names)), "parts that are not in order, or none")
    return leaf


# ---- keys and tokens -----------------------------------------------------------------------------

HALF_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2  # of P-256


def thumbprint(jwk):
    """RFC 7638: the SHA-256 of what makes a key, a name that nobody can choose."""
    return b64(hashlib.sha256(spelled(jwk)).digest())


def ed25519_key(x, *, strict=True):
    """Refuse points under which one signature fits many texts; strict: second spellings too."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    y = int.from_bytes(x, "little") & (2**255 - 1)
    weak = y % p in (0, 1, p - 1) or (d * y**4 + 2 * y * y - 1) % p == 0  # of order 1, 2, 4, 8
    square = (y * y - 1) * (d * y * y + 1) % p  # of a point it has a root
    need(not weak, "a key that anybody can sign for")
    need(not strict or (y < p and pow(square, (p - 1) // 2, p) == 1), "no Ed25519 key")
    return ed25519.Ed25519PublicKey.from_public_bytes(x)


def read_jwk(jwk):
    """Read a public key (RFC 7517): its name, its algorithms, and what verifies with it."""
    need(not {"d", "k", "p", "q"} & jwk.keys(), "a private key")
    x = unb64(jwk.get("x"), 32)
    if (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519"):
        key, algs, names = ed25519_key(x), ["EdDSA", "Ed25519"], ("crv", "kty", "x")
    else:
        need((jwk.get("kty"), jwk.get("crv")) == ("EC", "P-256"), "neither Ed25519 nor P-256")
        point = b"\4" + x + unb64(jwk.get("y"), 32)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        algs, names = ["ES256"], ("crv", "kty", "x", "y")
    kid = thumbprint({name: jwk[name] for name in names})
    need(jwk.get("kid", kid) == kid and jwk.get("use", "sig") == "sig", "another name or use")
    need(jwk.get("alg", algs[0]) in algs, "another algorithm")
    return {"kid": kid, "algs": algs, "key": key}


def read_jws(token, typ, limit, alg="EdDSA|Ed25519|ES256"):
    """A compact JWS (RFC 7515) whose header says no more: it brings neither key nor rules."""
    need(len(token) <= limit, "too long")
    signed, header, payload, signature = match(r"(([^.]*)\.([^.]*))\.([^.]*)", token)
    header = read_json(unb64(header), 1024, canonical=False)
    fit(header, {"alg": alg, "kid": BYTES_32, "typ": re.escape(typ)})
    return {**header, "signed": signed.encode(), "payload": unb64(payload),
            "signature": unb64(signature, 64)}


def verify_jws(token, key):
    named = token["kid"] == key["kid"] and token["alg"] in key["algs"]
    fits = named and verifies(key["key"], token["signature"], token["signed"])
    need(fits, "no signature of this key", "forged")
    return token["payload"]


def verifies(key, signature, message):
    """Ed25519; or ECDSA over P-256 with s in the lower half, since its negative would fit too."""
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            need(s <= HALF_ORDER, "the larger of two signatures", "forged")
            key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def open_part(token, key):
    """Open a sealed part (RFC 7516). One text may open under two keys: so the name comes first."""
    need(len(token) <= 16 << 20, "too long")
    header, *pieces = match(r"([^.]*)\.\.([^.]*)\.([^.]*)\.([^.]*)", token)
    iv, text, tag = unb64(pieces[0], 12), unb64(pieces[1]), unb64(pieces[2], 16)
    shape = {"alg": "dir", "enc": "A256GCM", "kid": "[A-Za-z0-9_-]{43}"}
    mine = fit(read_json(unb64(header)), shape)["kid"] == thumbprint({"k": b64(key), "kty": "oct"})
    need(mine, "it names another key than the one beside it", "forged")
    try:
        return read_json(AESGCM(key).decrypt(iv, text + tag, header.encode()), 16 << 20)
    except InvalidTag:
        raise Bad("it does not decrypt", "altered") from None


# ---- notes and policies --------------------------------------------------------------------------

def read_note(data):
    """A signed note (C2SP): a text, an empty line, and a line for each signature."""
    text, gap, block = data.decode("utf-8").rpartition("\n\n")
    need(gap and not re.search("[\0-\x09\x0b-\x1f]", text + block), "no signed note")
    need(block.endswith("\n") and block.count("\n") <= 100, "no signature, or too many")
    signatures = []
    for line in block[:-1].split("\n"):
        name, encoded = match(f"\N{EM DASH} ({NAME}) (.*)", line)
        blob = unb64(encoded, standard=True)
        need(len(blob) >= 5, "no signature")
        signatures.append((name, blob[:4], blob[4:]))
    return {"text": text + "\n", "signatures": signatures}


def read_checkpoint(data):
    """The note that a log signs (C2SP): its name, how many entries it has, the root over them."""
    note = read_note(data)
    origin, size, root = match(f"({NAME})\n(0|[1-9][0-9]{{0,18}})\n(.*)\n", note["text"])
    need(int(size) < 2**63, "no size")
    return {**note, "head": (origin, int(size), unb64(root, 32, standard=True))}


def read_vkey(text, kind):
    """Read the key of a log (kind 1) or of a witness (kind 4): name+id+key."""
    name, key_id, encoded = match(f"({NAME})\\+({HEX}{{8}})\\+(.*)", text)
    data = unb64(encoded, 33, standard=True)
    hashed = hashlib.sha256(name.encode("utf-8", "replace") + b"\n" + data).digest()[:4]
    need(data[0] == kind and hashed.hex() == key_id, "no key of this kind")
    return {"name": name, "id": hashed, "kind": kind, "key": ed25519_key(data[1:], strict=False),
            "x": data[1:]}


def signed_by(key, note):
    """Whether a key signed a note; a signature in its name that does not fit is forged."""
    blobs = [blob for *whose, blob in note["signatures"] if whose == [key["name"], key["id"]]]
    for blob in blobs:
        message = note["text"]
        if key["kind"] == 4:  # a witness signs a time too: the first eight bytes
            seconds, blob = int.from_bytes(blob[:8], "big"), blob[8:]
            message = f"cosignature/v1\ntime {seconds}\n{message}"
        fits = verifies(key["key"], blob, message.encode())
        need(fits, f"the signature of {key['name']} does not fit", "forged")
    return bool(blobs)


def read_policy(data):
    """A witness policy (C2SP tlog-policy): logs, witnesses, groups of them, one is the quorum."""
    need(len(data) <= 1 << 18, "too long")
    need(not re.search(rb"[\0-\x08\x0b-\x1f\x7f]|[^\n]\Z", data), "no text, or not whole")
    logs, witnesses, groups, quorums = [], {}, {}, []
    names, free = {"none"}, set()  # free: in no group yet
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        word, *words = re.split("[ \t]+", line.strip(" \t"))
        if word == "log" and len(words) in (1, 2):
            logs.append(read_vkey(words[0], 1))
        elif word == "witness" and len(words) in (2, 3) and words[0] not in names:
            witnesses[words[0]] = read_vkey(words[1], 4)
            names.add(words[0])
            free.add(words[0])
        elif word == "group" and len(words) > 2 and words[0] not in names:
            name, needed, *members = words
            needed = {"all": str(len(members)), "any": "1"}.get(needed, needed)
            match("[1-9][0-9]{0,5}", needed)
            need(int(needed) <= len(set(members)) == len(members), "too few members, or one twice")
            need(free.issuperset(members), "a member that is none, or is in a group already")
            groups[name] = (int(needed), set(members))
            free.difference_update(members)
            names.add(name)
            free.add(name)
        elif word == "quorum" and len(words) == 1 and words[0] in names:
            quorums.append(words[0])
        else:
            need(not word or word.startswith("#"), "no line of a policy")
    for keys in (logs, witnesses.values()):
        need(len({key["x"] for key in keys}) == len(keys), "a key stands twice")
    need(len(quorums) == 1, "no quorum, or two")
    return {"logs": logs, "witnesses": witnesses, "groups": groups, "quorum": quorums[0]}


# ==== The command =================================================================================

def tell(result):
    lines = [f"{level:<12}{word.replace('_', ' ')}" for level, word in result["levels"].items()]
    lines += ["{level}: {kind}: {where}: {why}".format(**each) for each in result["findings"]]
    if result["ignored"]:
        count = len(result["ignored"])
        lines.append(f"Not looked at: {count} files that computers leave in folders.")
    if result["conclusion"] == "broken":
        return "\n".join([*lines, "Not as it was made: see the findings."])
    if "timestamps" in result["levels"]:
        lines.append("Timestamps: RECIPES.txt, number 10, says how openssl verifies them.")
    lines += ["Consistent with itself.", f"Signed by key {result['fingerprint']}."]
    yours, nobodys = "You confirmed this key.", "Nobody confirmed this key to you."
    lines.append(yours if result["confirmed"] else nobodys)
    return "\n".join([*lines, *(f"Witnessed by {name}." for name in result["witnesses"])])


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Verify a consentgate package.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("package", nargs="?", default=here, metavar="PACKAGE")
    parser.add_argument("--fingerprint", metavar="F", help="of the package key: cover letter")
    parser.add_argument("--policy", metavar="FILE", help="witnesses you trust (C2SP tlog-policy)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    told, policy = parser.parse_args(arguments), None
    try:
        if told.fingerprint is not None:
            unb64(told.fingerprint, 32)
        if told.policy is not None:
            with open(told.policy, "rb") as file:
                policy = read_policy(file.read(1 << 19))
        result = verify(told.package, told.fingerprint, policy)
    except (ValueError, OSError) as why:
        parser.error(f"cannot be used: {why}")
    try:
        print(json.dumps(result, indent=1) if told.json else tell(result), flush=True)
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return result["exit"]


if __name__ == "__main__":
    sys.exit(main())
