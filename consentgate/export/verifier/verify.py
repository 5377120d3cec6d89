#!/usr/bin/env python3
"""Verify a consentgate package without consentgate: Python 3.9 or newer and `cryptography`, no network.

    python3 verify.py [--fingerprint F] [--policy FILE] [--json] [PACKAGE]

Lists and signatures inside a package show that it agrees with itself. Whose it is, only something from outside shows:
the fingerprint in the cover letter (--fingerprint), or witnesses that you know yourself (--policy).
Exit code: 0 confirmed, 1 broken, 2 used wrongly, 3 not confirmed by a fingerprint, 4 confirmed, but something is
withheld or a request has no outcome.

Read on from `verify` at the end; each level is one function or class. The format: docs/formats/package.md of consentgate.
Nothing in a package is trusted: a file may be anything, so whatever is read is refused unless it has its one form.
"""

from __future__ import annotations

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

LEVELS = "files manifest records answers statements artifacts tree checkpoint witnesses timestamps".split()
SMALL, LINE, HUGE = 4 << 20, 128 << 20, 256 << 20  # bytes of small files, of a line, of the manifest: more is refused
LISTS = ("manifest-sha256.txt", "SHA256SUMS", "tagmanifest-sha256.txt")
UNLISTED = {"manifest.json", "manifest.jws", "manifest.json.tsr", *LISTS}
ENTRIES, READABLE = "data/records/entries.jsonl", "data/records/records.jsonl"
WITHHELD, POLICY = "data/withheld/withheld.jsonl", "data/keys/witnesses.policy"
REASONS = {"destroyed", "matches", "other_person", "privilege", "references", "role", "templates"}
# Kinds of entries: words of their parts ("" for none), members that they have, kinds that they answer (unused here), ends.
FINAL = {"succeeded", "rejected", "not_sent", "undetermined"}
KINDS = {
    "statement": ("statement", "", ()), "call": ("call body", "", ()), "assertion": ("assertion body", "", ()),
    "registry": ("body", "", ()), "packs": ("body", "", ()), "hold": ("decision body", "", ()),
    "key_destroyed": ("body", "", ()), "export": ("body", "", ()), "epoch": ("body", "", ()),
    "intent": ("decision exchange body", "decided_at send_by", ()),
    "denial": ("decision exchange body", "decided_at", ()),
    "outcome": ("exchange matches body", "re end", FINAL),
    "observation": ("exchange matches body", "re end", FINAL | {"unknown"}),
    "stop": ("decision exchange body none", "re", ()),
    "heartbeat": ("body none", "", ()), "writer_stop": ("none", "", ()),
}  # fmt: skip


class Bad(Exception):
    """Something that has not its one form: `malformed`."""


class Changed(Bad):
    """Something that is not what it was: `altered`."""


class Forged(Bad):
    """A signature or a key that does not fit: `forged`."""


# ---- Forms: strict JSON, base64, keys, tokens, notes ----------------------------------------------------------------


def need(fits: object, what: str) -> None:
    if not fits:
        raise Bad(what)


def read_json(data: bytes, limit: int = SMALL, canonical: bool = True):
    """Read an object in strict JSON: no member twice, no number of 2^53 or more; canonical: in its one spelling."""

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
        need(depth >= 0 or not isinstance(value, (dict, list)), "nested too deep")
        for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            check(each, depth - 1)
        if canonical and isinstance(value, dict):
            need(all(name.isascii() and name.isprintable() for name in value), "a name is not printable ASCII")

    need(len(data) <= limit, "too long")
    try:
        read = {"object_pairs_hook": pairs, "parse_int": integer, "parse_float": fraction, "parse_constant": fraction}
        value = json.loads(data.decode("utf-8"), **read)
        check(value, 31)
        spelled = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    except (ValueError, RecursionError):
        raise Bad("not strict JSON") from None
    need(isinstance(value, dict) and (spelled == data or not canonical), "no object in its canonical spelling")
    return value


def member(value, name: str, kind: type):
    """Give a member of an object that has to have it, of this type."""
    need(isinstance(value, dict) and type(value.get(name)) is kind, f"{name} is not as it should be")
    need(kind is not int or value[name] >= 0, f"{name} is negative")
    return value[name]


def unb64(text: str, size: int | None = None, *, standard: bool = False) -> bytes:
    """Read base64url without padding, or standard base64, in its one spelling."""
    try:
        data = base64.b64decode(text + "=" * (0 if standard else -len(text) % 4), None if standard else b"-_")
    except (ValueError, TypeError):
        raise Bad("not base64") from None
    need((base64.b64encode(data).decode() if standard else b64(data)) == text, "not the one spelling of base64")
    need(size in (None, len(data)), "another number of bytes")
    return data


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(**jwk: str) -> str:
    """RFC 7638: SHA-256 of the required members in order; a key's name that nobody can choose."""
    return b64(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def time(text) -> str:
    need(isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text, re.ASCII), "no time")
    try:
        datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  # only whether there is such a day
    except ValueError:
        raise Bad("no such time") from None
    return text  # times of this form sort like texts


def ed25519_key(x: bytes, *, strict: bool = True) -> ed25519.Ed25519PublicKey:
    """Refuse points under which one signature fits many texts, other spellings, and what is no point."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    y = int.from_bytes(x, "little") & (2**255 - 1)
    need(len(x) == 32 and y % p not in (0, 1, p - 1) and (d * y**4 + 2 * y * y - 1) % p, "a key that anybody can use")
    ratio = (y * y - 1) * (d * y * y + 1) % p
    need(not strict or (y < p and pow(ratio, (p - 1) // 2, p) == 1), "no Ed25519 key")
    return ed25519.Ed25519PublicKey.from_public_bytes(x)


def read_jwk(jwk) -> tuple:
    """Read a public key: its thumbprint, its type, and the function that verifies with it."""
    need(not {"d", "k", "p", "q"} & set(jwk), "a private key")
    kind, x = (jwk.get("kty"), jwk.get("crv")), unb64(member(jwk, "x", str))
    if kind == ("OKP", "Ed25519"):
        key, names = ed25519_key(x), ("EdDSA", "Ed25519")
        kid = thumbprint(crv="Ed25519", kty="OKP", x=jwk["x"])
        check = key.verify
    else:
        need(kind == ("EC", "P-256") and len(x) == 32, "neither Ed25519 nor P-256")
        y, names = unb64(member(jwk, "y", str), 32), ("ES256",)
        try:
            numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1())
            key = numbers.public_key()
        except ValueError:
            raise Bad("no point of P-256") from None
        kid = thumbprint(crv="P-256", kty="EC", x=jwk["x"], y=jwk["y"])

        def check(signature, data):
            n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            if not (0 < r < n and 0 < s <= n // 2):  # with s also n - s would fit
                raise InvalidSignature
            key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))

    need(jwk.get("kid", kid) == kid and jwk.get("alg", names[0]) in names, "a key with another name or use")
    need(jwk.get("use", "sig") == "sig", "a key for another use")
    return kid, names, check


def read_jws(token: str, typ: str, limit: int) -> tuple:
    """Read a compact JWS of exactly alg, kid and typ; nothing in it names its own key or rules."""
    parts = token.split(".")
    need(len(token) <= limit and len(parts) == 3, "no signed token")
    header = read_json(unb64(parts[0]), 1024, canonical=False)
    need(header.keys() == {"alg", "kid", "typ"} and header["typ"] == typ, "another header")
    need(header["alg"] in ("EdDSA", "Ed25519", "ES256"), "another algorithm")
    unb64(member(header, "kid", str), 32)
    return header, unb64(parts[1]), token.rpartition(".")[0].encode(), unb64(parts[2], 64)


def verify_jws(signed: tuple, key: tuple) -> bytes:
    header, payload, signing_input, signature = signed
    kid, names, check = key
    try:
        if header["kid"] != kid or header["alg"] not in names:
            raise Forged("the token names another key")
        check(signature, signing_input)
    except InvalidSignature:
        raise Forged("the signature does not fit") from None
    return payload


def open_part(token: str, key: bytes) -> dict:
    """Open a sealed part. AES-GCM does not commit to its key, so the name of the key is compared before."""
    pieces = token.split(".")
    need(len(token) <= 16 << 20 and len(pieces) == 5 and not pieces[1], "no sealed token")
    head, iv, text, tag = pieces[0], unb64(pieces[2], 12), unb64(pieces[3]), unb64(pieces[4], 16)
    form = '{"alg":"dir","enc":"A256GCM","kid":"%s"}'
    if unb64(head) != (form % thumbprint(k=b64(key), kty="oct")).encode():
        need(re.fullmatch(form.replace("{", r"\{") % "[A-Za-z0-9_-]{43}", unb64(head).decode("latin-1")), "no header")
        raise Forged("the token names another key than the one beside it")
    try:
        return read_json(AESGCM(key).decrypt(iv, text + tag, head.encode()), 16 << 20)
    except InvalidTag:
        raise Changed("it does not decrypt") from None


def read_note(data: bytes) -> tuple:
    """Read a signed note (C2SP): its text, and (name, key id, signature) of each line under it."""
    try:
        whole = data.decode("utf-8")
    except ValueError:
        raise Bad("not UTF-8") from None
    text, gap, block = whole.rpartition("\n\n")
    need(len(data) <= 1 << 20 and gap and block.endswith("\n"), "no signed note")
    need(not any(each < " " and each != "\n" for each in whole), "control characters")
    lines = block[:-1].split("\n")
    need(len(lines) <= 100, "too many signatures")
    signatures = []
    for line in lines:
        dash, name, encoded = (line.split(" ", 2) + ["", ""])[:3]
        blob = unb64(encoded, standard=True)
        need(dash == "\N{EM DASH}" and is_name(name) and len(blob) >= 5, "no signature line")
        signatures.append((name, blob[:4], blob[4:]))
    return text + "\n", signatures


def is_name(name: str) -> bool:
    return bool(name) and not any(each.isspace() or each == "+" or each < " " for each in name)


def read_vkey(text: str, kind: int) -> tuple:
    """Read a key of a log (type 1) or a witness (type 4): its name, its id and the key."""
    name, key_id, encoded = (text.split("+", 2) + ["", ""])[:3]
    material = unb64(encoded, 33, standard=True)
    hashed = hashlib.sha256(name.encode("utf-8", "replace") + b"\n" + material).digest()[:4]
    need(is_name(name) and material[0] == kind and hashed.hex() == key_id, "no key of this type")
    return name, hashed, ed25519_key(material[1:], strict=False)


def signed_by(key: tuple, note: tuple, kind: int) -> bool:
    """Say whether a key signed a note; a signature of the key that fails is forged."""
    text, signatures = note
    found = False
    for name, key_id, blob in signatures:
        if (name, key_id) == key[:2]:
            message = text
            if kind == 4:  # a witness signs a time too, in the first eight bytes
                seconds = int.from_bytes(blob[:8], "big")
                message, blob = f"cosignature/v1\ntime {seconds}\n{text}", blob[8:]
            try:
                key[2].verify(blob, message.encode())
            except InvalidSignature:
                raise Forged(f"the signature of {name} does not fit") from None
            found = True
    return found


def read_policy(data: bytes) -> dict:
    """Read a witness policy (C2SP tlog-policy): logs, witnesses, groups of them, and the quorum."""
    policy = {"logs": [], "witnesses": {}, "groups": {}, "quorum": ""}
    need(len(data) <= 1 << 18 and (not data or data.endswith(b"\n")), "too long, or not whole")
    names, members = {"none"}, set()
    for line in data.decode("utf-8", "surrogateescape").split("\n")[:-1]:
        need(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line), "control characters")
        words = re.split("[ \t]+", line.strip(" \t"))
        if words[0] == "log" and len(words) in (2, 3):
            policy["logs"].append(read_vkey(words[1], 1))
        elif words[0] == "witness" and len(words) in (3, 4):
            need(words[1] not in names, "a name stands twice")
            policy["witnesses"][words[1]] = read_vkey(words[2], 4)
            names.add(words[1])
        elif words[0] == "group" and len(words) > 3:
            name, needed, inside = words[1], words[2], words[3:]
            needed = {"all": str(len(inside)), "any": "1"}.get(needed, needed)
            need(re.fullmatch("[1-9][0-9]{0,5}", needed) and int(needed) <= len(inside), "no number of members")
            fresh = len(set(inside)) == len(inside) and not members & set(inside)
            need(fresh and set(inside) <= names - {"none"} and name not in names, "a name stands twice, or is not known")
            policy["groups"][name] = (int(needed), inside)
            names.add(name)
            members.update(inside)
        elif words[0] == "quorum" and len(words) == 2:
            need(not policy["quorum"] and words[1] in names, "no quorum, or a second one")
            policy["quorum"] = words[1]
        else:
            need(not words[0] or words[0].startswith("#"), "no line of a policy")
    need(policy["quorum"], "no quorum")
    for keys in (policy["logs"], list(policy["witnesses"].values())):
        need(len({key[2].public_bytes_raw() for key in keys}) == len(keys), "a key stands twice")
    return policy


def read_leaf(data: bytes) -> dict:
    """Read the leaf of an entry, by docs/formats/leaf.md."""
    leaf = read_json(data, 4096)
    words, has, ends = KINDS.get(member(leaf, "kind", str)) or need(None, "no such kind")
    must = {"v", "id", "kind", "at", "w", "n", *has.split()}
    must |= {"prev"} if member(leaf, "n", int) else set()
    may = must | {"parts"} | (set() if leaf["n"] else {"after"})
    need(must <= leaf.keys() <= may and member(leaf, "v", int) == 1, "other members than its kind has")
    read_id(leaf["id"])
    for name in {"at", "decided_at", "send_by"} & leaf.keys():
        time(leaf[name])
    unb64(member(leaf, "w", str), 16)
    if "prev" in leaf:
        unb64(member(leaf, "prev", str), 32)
    if "after" in leaf:
        need(member(leaf, "after", dict).keys() == {"w", "n"} and leaf["after"]["w"] != leaf["w"], "no lane before")
        need(unb64(member(leaf["after"], "w", str), 16) and member(leaf["after"], "n", int) >= 0, "no lane before")
    if "re" in leaf:
        need(member(leaf, "re", dict).keys() == {"id", "h"}, "no answer")
        need(read_id(leaf["re"]["id"]) and unb64(member(leaf["re"], "h", str), 32), "no answer")
    need("end" not in leaf or member(leaf, "end", str) in ends, "no such end")
    need("parts" in leaf or "none" in words.split(), "no parts")
    before = ""
    for part in member(leaf, "parts", list) if "parts" in leaf else ():
        name = member(part, "p", str)
        word, _, place = name.partition(".")
        need(part.keys() == {"p", "d", "t"} and word in set(words.split()) - {"none"} and name > before, "no part")
        need(re.fullmatch("0" if word in ("body", "matches") else "[0-9]|1[01]", place, re.ASCII), "no part")
        need(unb64(member(part, "d", str), 32) and unb64(member(part, "t", str), 16), "no part")
        before = name
    return leaf


def read_id(text) -> str:
    form = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    need(isinstance(text, str) and re.fullmatch(form, text), "no id")
    return text


# ---- The package: its files, and what was found ---------------------------------------------------------------------


class Package:
    """The regular files of a folder, by path; links are never followed."""

    def __init__(self, root: str) -> None:
        self.root, self.sizes, self.strange, self.hashes = root, {}, [], {}
        self.found, self.judged = {}, {}  # (level, kind, where) -> why; level -> whether all of it could be looked at
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

    def open(self, path: str):
        return os.fdopen(os.open(os.path.join(self.root, path), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb")

    def read(self, path: str, limit: int = SMALL) -> bytes:
        need(self.sizes[path] <= limit, "the file is too long")
        with self.open(path) as file:
            return file.read(limit)

    def same(self, path: str, data: bytes) -> bool:
        return self.sizes[path] == len(data) and self.read(path, len(data)) == data

    def sha256(self, path: str) -> str:
        if path not in self.hashes:
            digest = hashlib.sha256()
            with self.open(path) as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
            self.hashes[path] = digest.hexdigest()
        return self.hashes[path]

    def say(self, level: str, kind: str, where: str, why: object = "") -> None:
        where = "".join(each if " " <= each <= "~" else "?" for each in where)
        self.found.setdefault((level, kind, where), str(why))

    def kinds(self, level: str) -> set:
        return {kind for at, kind, _ in self.found if at == level}

    def verdict(self, level: str) -> str:
        if self.kinds(level) - {"open"}:
            return "broken"
        return "incomplete" if self.kinds(level) else "holds" if self.judged[level] else "cannot_judge"

    def lines(self, path: str, limit: int = LINE):
        if path in self.sizes:
            with self.open(path) as file:
                while line := file.readline(limit + 1):
                    yield line
                    if len(line) > limit:
                        return


def read_line(line: bytes) -> dict:
    need(line.endswith(b"\n"), "no line, or too long")
    return read_json(line[:-1], LINE)


# ---- manifest and files ---------------------------------------------------------------------------------------------


def read_manifest(package: Package) -> dict | None:
    """The list of all files, and what the package says of itself."""
    if "manifest.json" not in package.sizes:
        return package.say("manifest", "missing", "manifest.json")
    try:
        data = package.read("manifest.json", HUGE)
        it = read_json(data, HUGE)
        need(member(it, "v", int) == 1 and isinstance(member(it, "export", str), str), "another version")
        time(member(it, "at", str))
        bates, counts = member(it, "bates", dict), member(it, "counts", dict)
        member(bates, "prefix", str)
        need(all(member(bates, name, int) >= 0 for name in ("digits", "first", "last")), "")
        need(bates["digits"] <= 30, "too many digits")
        for name in "selected exported withheld_entries parts parts_open parts_withheld not_covered".split():
            member(counts, name, int)
        last = -1
        for log in member(it, "logs", list):
            need(member(log, "number", int) > last, "logs out of order")
            last = log["number"]
            member(log, "origin", str), member(log, "size", int), member(log, "vkey", str), member(log, "positions", int)
            log["root"] = unb64(member(log, "root", str), 32)
        last = ""
        for file in member(it, "files", list):
            path, segment = member(file, "path", str), "[A-Za-z0-9_][A-Za-z0-9._+-]*"
            need(path > last and path not in UNLISTED, "files out of order")
            need(re.fullmatch(f"{segment}(/{segment})*", path), "a path that leads elsewhere")
            need(re.fullmatch("[0-9a-f]{64}", member(file, "sha256", str)), "no SHA-256")
            member(file, "size", int), member(file, "kind", str) if "kind" in file else None
            last = path
    except Bad as why:
        return package.say("manifest", "malformed", "manifest.json", why)
    return {**it, "data": data}


def check_manifest(package: Package, manifest: dict, fingerprint: str | None) -> str | None:
    """The package key signed exactly these bytes; whose key that is, only the cover letter tells."""
    package.judged["manifest"] = True
    signed, key = None, None
    for path in ("manifest.jws", "package.jwk"):
        try:
            need(path in package.sizes, "")
            data = package.read(path, 2 * HUGE)
            if path == "manifest.jws":
                signed = read_jws(data.decode("latin-1"), "consentgate-package+jwt", 2 * HUGE)
                need(signed[0]["alg"] == "EdDSA", "another algorithm")
            else:
                jwk = read_line(data)
                need(jwk.keys() == {"crv", "kty", "x"} and jwk["kty"] == "OKP", "no package key")
                key = read_jwk(jwk)
        except Bad as why:
            if path == "manifest.jws" or signed:
                package.say("manifest", "malformed" if path in package.sizes else "missing", path, why)
    if signed and key:
        try:
            if verify_jws(signed, key) != manifest["data"]:
                package.say("manifest", "altered", "manifest.jws", "it signs other bytes than manifest.json")
        except Forged as why:
            package.say("manifest", "forged", "manifest.jws", why)
    if key and fingerprint and key[0] != fingerprint:
        package.say("manifest", "forged", "package.jwk", f"you gave the fingerprint {fingerprint}; this is {key[0]}")
    return key[0] if key else None


def check_files(package: Package, manifest: dict) -> None:
    """Every listed file is there with its hash, nothing else is there, and the three lists say the same."""
    package.judged["files"] = True
    for path in package.strange:
        package.say("files", "malformed", path, "a link or a device")
    listed = {each["path"]: each for each in manifest["files"]}
    for path, each in listed.items():
        if path not in package.sizes:
            if path not in package.strange:
                package.say("files", "missing", path)
        elif package.sizes[path] != each["size"] or package.sha256(path) != each["sha256"]:
            package.say("files", "altered", path, "not the bytes that the manifest lists")
    for path in package.sizes.keys() - listed.keys() - UNLISTED:
        package.say("files", "extra", path, "not listed")
    hashes = {path: each["sha256"] for path, each in listed.items()}
    payload = {path for path in hashes if path.startswith("data/")}
    real = ["manifest.json", "manifest.jws", "manifest-sha256.txt", "SHA256SUMS"]
    hashes.update({path: package.sha256(path) for path in real if path in package.sizes})
    every = {path for path in hashes if not path.endswith(".tsr")}
    for name, paths in zip(LISTS, (payload, every - {"SHA256SUMS"}, every - payload)):
        if name not in package.sizes:
            package.say("files", "missing", name)
        elif not package.same(name, "".join(f"{hashes[path]}  {path}\n" for path in sorted(paths)).encode()):
            package.say("files", "altered", name, "not the list that follows from the manifest")


# ---- records --------------------------------------------------------------------------------------------------------


class Records:
    """One pass over the exact records, in step with their readable form and the list of what is withheld."""

    def __init__(self, package: Package, manifest: dict) -> None:
        self.package, self.manifest, self.bates = package, manifest, manifest["bates"]
        self.logs = {log["number"]: log for log in manifest["logs"]}
        self.next, self.before = self.bates["first"], (-1, -1)
        self.count = {"lines": 0, "open": 0, "withheld": 0, "left out": 0, "out of order": 0}
        self.leaves = {number: [] for number in self.logs}  # (position, leaf hash)
        self.readable, self.withheld = package.lines(READABLE), []

    def say(self, kind: str, where: str, why: object = "") -> None:
        self.package.say("records", kind, where, why)

    def name(self, number: int) -> str:
        return f"{self.bates['prefix']}{number:0{self.bates['digits']}d}"

    def __iter__(self):
        """Give each record that can be read, with the contents of its open parts."""
        self.package.judged["records"] = True
        for path in (ENTRIES, READABLE, WITHHELD):
            if path not in self.package.sizes:
                self.say("missing", path)
        for data in self.package.lines(ENTRIES):
            self.count["lines"] += 1
            record = self.read(data)
            if record:
                self.place(record)
                record["contents"] = self.open(record)
                yield record
            else:
                self.count["left out"] += 1
            self.compare(record)
        if ENTRIES in self.package.sizes:
            self.finish()

    def read(self, data: bytes) -> dict | None:
        number = None
        try:
            line = read_line(data)
            prefix, bates = self.bates["prefix"], member(line, "bates", str)
            digits = bates[len(prefix) :]
            need(bates.startswith(prefix) and re.fullmatch("[0-9]{1,100}", digits), "no Bates number")
            need(self.name(int(digits)) == bates, "no Bates number")
            number = int(digits)
            need(line.keys() == {"bates", "entry", "leaf", "log", "parts", "position"}, "other members")
            need(member(line, "log", int) in self.logs, "no log of this package")
            need(member(line, "position", int) < self.logs[line["log"]]["size"], "no position of its log")
            member(line, "entry", str)
            for part in member(line, "parts", list):
                need(member(part, "p", str) + member(part, "jwe", str), "no part")
                open_keys = part.keys() == {"p", "jwe", "key"} and unb64(member(part, "key", str), 32)
                need(open_keys or part.keys() == {"p", "jwe", "withheld"}, "no part")
                need(open_keys or member(part, "withheld", str) in REASONS, "no such reason")
            exact = unb64(member(line, "leaf", str))
            line.update(leaf=read_leaf(exact), hash=hashlib.sha256(b"\0" + exact).digest(), where=f"record {bates}")
        except Bad as why:
            self.number(number)
            return self.say("malformed", ENTRIES if number is None else f"record {self.name(number)}", why)
        self.number(number)
        return line

    def number(self, number: int | None) -> None:
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

    def place(self, record: dict) -> None:
        place = (record["log"], record["position"])
        if place <= self.before:
            self.count["out of order"] += 1
            self.say("reordered", record["where"], "not behind the record before it")
        self.before = place
        self.leaves[record["log"]].append((record["position"], record["hash"]))

    def open(self, record: dict) -> dict:
        leaf, contents = record["leaf"], {}
        refs = leaf.get("parts", [])
        record["fits"] = [part["p"] for part in record["parts"]] == [ref["p"] for ref in refs]
        if record["entry"] != leaf["id"] or not record["fits"]:
            self.say("altered", record["where"], "id or parts are not those of the leaf")
        for part, ref in zip(record["parts"], refs if record["fits"] else [None] * len(record["parts"])):
            self.count["withheld" if "withheld" in part else "open"] += 1
            if "withheld" in part:
                self.withheld.append((record["bates"], record["entry"], part["p"], part["withheld"]))
            if ref is None:
                continue
            try:
                if b64(hashlib.sha256(part["jwe"].encode()).digest()) != ref["d"]:
                    raise Changed("not the part that the leaf names")
                if "key" in part:
                    contents[part["p"]] = open_part(part["jwe"], unb64(part["key"]))
            except Bad as why:
                kind = {Changed: "altered", Forged: "forged"}.get(type(why), "malformed")
                self.say(kind, f"{record['where']} part {part['p']}", why)
        return contents

    def compare(self, record: dict | None) -> None:
        """The readable form of a record says what its exact bytes say."""
        if READABLE not in self.package.sizes or self.readable is None:
            return
        data = next(self.readable, None)
        kind, why = "altered", "not a line for each record, in order"
        try:
            if data is not None and record is None:
                return
            line = read_line(data) if data is not None else {}
            if line.get("bates") == record["bates"] if record else False:
                if not self.reads_as(line, record):
                    self.say("altered", record["where"], "the readable form says something else")
                return
        except Bad as problem:
            kind, why = "malformed", problem
        self.say(kind, READABLE, why)
        self.readable = None

    def reads_as(self, line: dict, record: dict) -> bool:
        leaf, parts = record["leaf"], line.pop("parts", None)
        expected = {name: record[name] for name in ("bates", "log", "position")}
        expected.update({name: leaf[name] for name in ("kind", "at", "end") if name in leaf}, entry=leaf["id"])
        if "re" in leaf:
            expected["re"] = leaf["re"]["id"]
        if not equal(line, expected) or not isinstance(parts, dict):
            return False
        if not record["fits"]:
            return True
        return parts.keys() == {part["p"] for part in record["parts"]} and all(
            self.part_reads_as(parts[part["p"]], part, record["contents"].get(part["p"])) for part in record["parts"]
        )

    def part_reads_as(self, value: object, part: dict, content: dict | None) -> bool:
        if "key" in part:
            return content is None or equal(value, content)
        if value == {"withheld": part["withheld"]}:
            return True
        redacted = isinstance(value, dict) and value.keys() == {"redacted", "shown"}  # what is shown, nobody can judge
        return redacted and value["redacted"] == part["withheld"] and isinstance(value["shown"], dict)

    def finish(self) -> None:
        if self.next <= self.bates["last"]:
            self.say("missing", f"record {self.name(self.next)}")
        if self.readable and next(self.readable, None) is not None:
            self.say("altered", READABLE, "more lines than records")
        listed, entries = [], 0
        for data in self.package.lines(WITHHELD, 1 << 20):
            try:
                line = read_line(data)
                need(line.keys() - {"bates", "part"} == {"entry", "reason", "rule"}, "other members")
                need(len(line) in (3, 5) and all(isinstance(each, str) for each in line.values()), "other members")
            except Bad as why:
                self.say("malformed", WITHHELD, why)
                continue
            if len(line) == 5:
                listed.append((line["bates"], line["entry"], line["part"], line["reason"]))
            entries += len(line) == 3
        if WITHHELD in self.package.sizes and not self.count["left out"] and listed != self.withheld:
            self.say("altered", WITHHELD, "not what is withheld")
        counts, lines = self.manifest["counts"], self.count["lines"]
        seen = [lines, entries, lines + entries, self.count["open"] + self.count["withheld"], self.count["open"]]
        seen += [self.count["withheld"], lines, *(len(each) for each in self.leaves.values())]
        said = [counts[name] for name in "exported withheld_entries selected parts parts_open parts_withheld".split()]
        said += [self.bates["last"] - self.bates["first"] + 1, *(log["positions"] for log in self.logs.values())]
        if not self.package.kinds("records") & {"malformed", "missing", "extra", "reordered"} and seen != said:
            self.say("altered", "manifest.json", "the counts do not come out")


def equal(one: object, other: object) -> bool:
    """As JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# ---- answers, statements, artifacts: what records say of each other and of files -------------------------------------


class Answers:
    """An answer names the true hash of what it answers; an intent has one outcome, once its time to leave is over."""

    def __init__(self, manifest: dict) -> None:
        self.at, self.hashes, self.due, self.answers = manifest["at"], {}, {}, []

    def take(self, record: dict) -> None:
        leaf = record["leaf"]
        if leaf["kind"] in ("intent", "stop"):
            self.hashes[leaf["id"]] = record["hash"]
        if "send_by" in leaf and leaf["send_by"] < self.at:
            self.due[leaf["id"]] = record["where"]
        if "re" in leaf:
            self.answers.append((leaf["kind"], leaf["re"]["id"], unb64(leaf["re"]["h"]), record["where"]))

    def finish(self, package: Package) -> None:
        ended = set()
        for kind, target, named, where in self.answers:
            if self.hashes.get(target, named) != named:
                package.say("answers", "forged", where, "it names another hash than that of what it answers")
            if kind == "outcome":
                if target in ended:
                    package.say("answers", "extra", where, "a second outcome")
                ended.add(target)
        for target, where in self.due.items():
            if target not in ended:
                package.say("answers", "open", where, "a request without an outcome in this package")


class Artifacts:
    """Bytes that open parts name by digest, under their own digest; and the keys of issuers in them."""

    def __init__(self, package: Package, manifest: dict) -> None:
        self.package, self.sound, self.keys, self.followed = package, set(), {}, set()
        found = {path: package.sha256(path) for path in package.sizes if path.startswith("data/artifacts/")}
        for path, digest in found.items():
            if path == "data/artifacts/" + digest:
                self.sound.add(digest)
            else:
                package.say("artifacts", "altered", path, "not the bytes that it is named by")
        for path in package.sizes:
            if path.startswith("data/notices/") and package.sha256(path) not in found.values():
                package.say("artifacts", "altered", path, "no copy of a notice of this package")
        for each in manifest["files"]:
            if each.get("kind") == "registry" and each["path"] in {"data/artifacts/" + digest for digest in self.sound}:
                self.read(each["path"][15:], self.registry)

    def read(self, digest: str, take) -> None:
        path = "data/artifacts/" + digest
        try:
            take(read_json(self.package.read(path)))
        except Bad as why:
            self.package.say("artifacts", "malformed", path, why)

    def registry(self, registry: dict) -> None:
        keys = {}
        for issuer in member(registry, "issuers", list):
            for each in member(issuer, "keys", list):
                key = read_jwk(member(each, "jwk", dict))
                keys[member(issuer, "iss", str), key[0]] = key
            member(issuer, "iss", str)
        self.keys.update(keys)

    def take(self, contents: dict) -> None:
        for name, content in contents.items():
            if name == "statement.0":
                self.follow(content.get("manifest"), self.notice)
            elif name == "body.0" or name.startswith("decision."):
                for each in (content, content.get("decision") if name == "body.0" else None):
                    if isinstance(each, dict):
                        self.follow(each.get("registry"), None)
                        self.follow(each.get("packs"), self.packs)

    def follow(self, named: object, take) -> None:
        try:
            digest = unb64(named, 32).hex()
        except Bad:
            return
        self.need(digest)
        if take and digest in self.sound and (digest, take) not in self.followed:
            self.followed.add((digest, take))
            self.read(digest, take)

    def need(self, digest: str) -> None:
        if "data/artifacts/" + digest not in self.package.sizes:
            self.package.say("artifacts", "missing", f"artifact {digest}", "an open part names it")

    def notice(self, manifest: dict) -> None:
        unb64(member(manifest, "digest", str))
        self.follow(manifest["digest"], None)

    def packs(self, index: dict) -> None:
        digests = [member(each, "sha256", str) for each in member(index, "packs", dict).values()]
        need(all(re.fullmatch("[0-9a-f]{64}", each) for each in digests), "no SHA-256")
        for each in digests:
            self.need(each)


class Statements:
    """Each consent statement that can be read was signed by an issuer of a registry; the file beside it is the token."""

    def __init__(self, package: Package, keys: dict) -> None:
        self.package, self.keys, self.files = package, keys, set()

    def take(self, record: dict) -> None:
        if "statement.0" not in record["contents"]:
            return
        where, kind = f"{record['where']} part statement.0", "malformed"
        try:
            token = member(record["contents"]["statement.0"], "token", str)
            self.file(f"data/statements/{record['bates']}.jws", token)
            signed = read_jws(token, "consent-statement+jwt", 64 * 1024)
            claims = read_json(signed[1], 1 << 20, canonical=False)
            key = self.keys.get((member(claims, "iss", str), signed[0]["kid"]))
            kind = "unsigned"
            need(key and signed[0]["alg"] in key[1], "no registry of the package has this key")
            kind = "forged"
            verify_jws(signed, key)
        except Bad as why:
            self.package.say("statements", kind, where, why)

    def file(self, path: str, token: str) -> None:
        self.files.add(path)
        if path not in self.package.sizes:
            self.package.say("statements", "missing", path)
        elif not self.package.same(path, token.encode()):
            self.package.say("statements", "altered", path, "not the token of the record")

    def finish(self, manifest: dict) -> None:
        for each in manifest["files"]:
            if each["path"].startswith("data/statements/") and each["path"] not in self.files:
                self.package.say("statements", "extra", each["path"], "of no record that can be read")


# ---- tree, checkpoint, witnesses: the records are in a log, which was signed, and cosigned ---------------------------


def check_tree(package: Package, log: dict, leaves: list) -> None:
    """The root of the log follows from the leaves of the records and the nodes of the proof (RFC 6962)."""
    path = f"data/log/{log['number']}/nodes.bin"
    if path not in package.sizes:
        return package.say("tree", "missing", path)
    at = 0

    def walk(low: int, high: int) -> bytes:
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

    with package.open(path) as nodes:
        try:
            root = walk(0, log["size"]) if log["size"] else hashlib.sha256(b"").digest()
            need(not nodes.read(1), "more nodes than the proof needs")
        except Bad as why:
            return package.say("tree", "malformed", path, why)
    if root != log["root"]:
        package.say("tree", "altered", f"log {log['number']}", "the records are not those of the log")


def check_checkpoint(package: Package, log: dict) -> tuple | None:
    """The log's key signed this size and root."""
    folder, where = f"data/log/{log['number']}/", f"log {log['number']}"
    if folder + "vkey" not in package.sizes:
        package.say("checkpoint", "missing", folder + "vkey")
    elif not package.same(folder + "vkey", f"{log['vkey']}\n".encode("utf-8", "replace")):
        package.say("checkpoint", "altered", folder + "vkey", "not the key of the manifest")
    path = folder + "checkpoint"
    if path not in package.sizes:
        return package.say("checkpoint", "missing", path)
    try:
        note = read_note(package.read(path, 1 << 20))
        lines = note[0].split("\n")
        need(len(lines) == 4 and is_name(lines[0]) and re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]), "no checkpoint")
        need(int(lines[1]) < 2**63, "too large")
        head = (lines[0], int(lines[1]), unb64(lines[2], 32, standard=True))
    except Bad as why:
        return package.say("checkpoint", "malformed", path, why)
    if head != (log["origin"], log["size"], log["root"]):
        package.say("checkpoint", "altered", where, "origin, size and root are not those of the manifest")
    try:
        key = read_vkey(log["vkey"], 1)
        if key[0] != log["origin"]:
            package.say("checkpoint", "altered", where, "the key is that of another log")
        if not signed_by(key, note, 1):
            raise Forged("the log's key did not sign")
    except Bad as why:
        package.say("checkpoint", "forged", path, why)
    return note


def check_witnesses(package: Package, logs: list, notes: dict, policy: dict | None) -> list:
    """Who cosigned; gives the names of the reader's own witnesses, where the reader's policy is met."""
    own, trusted = None, []
    if POLICY in package.sizes:
        try:
            own = read_policy(package.read(POLICY))
        except Bad as why:
            package.say("witnesses", "malformed", POLICY, why)
    elif policy is None:
        for log in logs:
            if is_cosigned(log, notes.get(log["number"], ("", []))):
                package.judged["witnesses"] = False
        return []
    package.judged["witnesses"] = True
    for asked in (own, policy):
        for log in logs if asked else ():
            if log["number"] in notes:
                names = cosigned(package, log, notes[log["number"]], asked, newest=log is logs[-1])
                trusted = names if asked is policy else []
    return trusted


def is_cosigned(log: dict, note: tuple) -> bool:
    try:
        key = read_vkey(log["vkey"], 1)
    except Bad:
        return False
    return any(each[:2] != key[:2] for each in note[1])


def cosigned(package: Package, log: dict, note: tuple, policy: dict, *, newest: bool) -> list:
    try:
        names = [name for name, key in policy["witnesses"].items() if signed_by(key, note, 4)]
    except Forged as why:
        package.say("witnesses", "forged", f"data/log/{log['number']}/checkpoint", why)
        return []
    met = {"none", *names}
    for name, (needed, members) in policy["groups"].items():
        if len(met & set(members)) >= needed:
            met.add(name)
    if newest and (policy["quorum"] not in met or policy["logs"] and not any(is_of(note, key) for key in policy["logs"])):
        package.say("witnesses", "unsigned", f"log {log['number']}", "not cosigned as the policy asks")
        return []
    return names


def is_of(note: tuple, key: tuple) -> bool:
    try:
        return signed_by(key, note, 1) and note[0].split("\n")[0] == key[0]
    except Forged:
        return False


# ---- All of it ------------------------------------------------------------------------------------------------------


def verify(root: str, fingerprint: str | None = None, policy: dict | None = None) -> dict:
    """Verify a package: levels with a verdict each, findings, and one word for all of it."""
    package = Package(root)
    manifest = read_manifest(package)
    key, trusted, withheld = None, [], 0
    if manifest is None:
        package.judged.update(dict.fromkeys(LEVELS[:8], False))
    else:
        key = check_manifest(package, manifest, fingerprint)
        check_files(package, manifest)
        artifacts = Artifacts(package, manifest)
        statements, answers = Statements(package, artifacts.keys), Answers(manifest)
        records = Records(package, manifest)
        for record in records:
            for each in (answers, statements):
                each.take(record)
            artifacts.take(record["contents"])
        there, whole = ENTRIES in package.sizes, not records.count["left out"]
        answers.finish(package)
        if there and whole:
            statements.finish(manifest)
        package.judged.update(dict.fromkeys(("answers", "statements", "artifacts"), there))
        package.judged.update(tree=there and whole and not records.count["out of order"], checkpoint=True)
        notes = {}
        for log in manifest["logs"]:
            if package.judged["tree"]:
                check_tree(package, log, records.leaves[log["number"]])
            notes[log["number"]] = check_checkpoint(package, log)
        notes = {number: note for number, note in notes.items() if note}
        trusted = check_witnesses(package, manifest["logs"], notes, policy)
        stamps = {"manifest.json.tsr", *(f"data/log/{log['number']}/checkpoint.tsr" for log in manifest["logs"])}
        if stamps & package.sizes.keys():
            package.judged["timestamps"] = False  # RECIPES.txt says how openssl verifies them
        withheld = manifest["counts"]["parts_withheld"] + manifest["counts"]["withheld_entries"]
    levels = {level: package.verdict(level) for level in LEVELS if level in package.judged}
    confirmed = key is not None and key == fingerprint
    broken = "broken" in levels.values()
    word = "broken" if broken else "witnessed" if trusted else "confirmed" if confirmed else "consistent"
    incomplete = withheld or "incomplete" in levels.values()
    return {
        "conclusion": word,
        "exit": 1 if broken else 3 if not confirmed else 4 if incomplete else 0,
        "fingerprint": key,
        "confirmed": confirmed,
        "witnesses": trusted,
        "levels": levels,
        "findings": [
            {"level": level, "kind": kind, "where": where, "why": why}
            for (level, kind, where), why in sorted(package.found.items(), key=lambda each: LEVELS.index(each[0][0]))
        ],
    }


def tell(result: dict) -> str:
    lines = [f"{level:<12}{verdict.replace('_', ' ')}" for level, verdict in result["levels"].items()]
    for each in result["findings"]:
        lines.append(f"{each['level']}: {each['kind']}: {each['where']}" + (f" ({each['why']})" if each["why"] else ""))
    if result["conclusion"] == "broken":
        return "\n".join([*lines, "Not as it was made: see the findings."])
    lines += ["Consistent with itself.", f"Signed by key {result['fingerprint']}."]
    lines.append("You confirmed this key." if result["confirmed"] else "Nobody confirmed this key to you.")
    return "\n".join([*lines, *(f"Witnessed by {name}." for name in result["witnesses"])])


def main(arguments: list | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify a consentgate package.")
    parser.add_argument("package", nargs="?", default=os.path.dirname(os.path.abspath(__file__)), metavar="PACKAGE")
    parser.add_argument("--fingerprint", metavar="F", help="of the package key, from the cover letter")
    parser.add_argument("--policy", metavar="FILE", help="witnesses that you trust (C2SP tlog-policy)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    told = parser.parse_args(arguments)
    try:
        policy = None
        if told.fingerprint is not None:
            unb64(told.fingerprint, 32)
        if told.policy is not None:
            with open(told.policy, "rb") as file:
                policy = read_policy(file.read(1 << 19))
        result = verify(told.package, told.fingerprint, policy)
    except Bad as why:
        parser.error(f"fingerprint or policy cannot be used: {why}")
    except OSError as error:
        parser.error(f"cannot be read: {error}")
    print(json.dumps(result, indent=1) if told.json else tell(result))
    return result["exit"]


if __name__ == "__main__":
    sys.exit(main())
