"""What may be done to a good package, and what every verifier has to say of it.

Each mutation alters a package in memory and says which findings follow; what the alteration itself gives away
(hashes, signature) is added by how far its author mended it:

- ``nothing``: as a disk, a transfer or a careless hand leaves it;
- ``hashes``: manifest and lists mended, but the package key is not theirs;
- ``signed``: everything mended, under a package key of their own.

`made(name, good)` gives the altered package with its conclusion and findings; `expected(name)` what is expected of
the small package of `tests.package.tiny`.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from consentgate.canonical import b64, encode, unb64
from consentgate.consent.statement import TYP
from consentgate.crypto import jwe, jws
from consentgate.crypto.jwk import oct_thumbprint
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.notekey import NoteKey
from tests.package.forge import (
    ATTACKER,
    ATTACKER_LOG,
    ENTRIES,
    LISTS,
    READABLE,
    UNLISTED,
    WITHHELD,
    Forge,
    leaf_of,
    opened,
    renamed,
    resealed,
)
from tests.package.tiny import tiny

Mended: TypeAlias = Literal["nothing", "hashes", "signed"]
Found: TypeAlias = tuple[str, str, str]
"""Level, kind and place."""

POLICY: Final = "data/keys/witnesses.policy"
LEFT: Final = (
    ".DS_Store",
    "._README.txt",
    "Thumbs.db",
    "data/._records",
    "data/artifacts/.DS_Store",
    "data/log/0/desktop.ini",
    "data/notices/Thumbs.db",
    "data/statements/._CG000001.jws",
)
"""What computers leave in a folder that is looked at."""
_TWO_KEYS: Final = json.loads(
    (Path(__file__).parents[1] / "golden" / "two_key_token.json").read_text("utf-8")
)


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One thing that is done to a package."""

    name: str
    does: str
    mended: Mended
    alter: Callable[[Forge], Iterable[Found]]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What verifiers have to say, without a fingerprint and without a policy of the reader."""

    conclusion: Literal["broken", "consistent"]
    findings: frozenset[Found]


MUTATIONS: Final[dict[str, Mutation]] = {}


def _mutation(does: str, mended: Mended) -> Callable[[Callable[[Forge], Iterable[Found]]], None]:
    def take(alter: Callable[[Forge], Iterable[Found]]) -> None:
        name = alter.__name__.removeprefix("_")
        MUTATIONS[name] = Mutation(name=name, does=does, mended=mended, alter=alter)

    return take


def made(name: str, good: Forge) -> tuple[Forge, Expected]:
    """Alter a package."""
    mutation, forge = MUTATIONS[name], good.copy()
    findings = set(mutation.alter(forge))
    if mutation.mended == "nothing":
        findings.update(_given_away(good, forge))
    elif mutation.mended == "hashes":
        forge.list_files()
        forge.make_lists()
        findings.add(("manifest", "altered", "manifest.jws"))
    else:
        forge.mend()
    open_only = all(kind == "open" for _, kind, _ in findings)
    return forge, Expected(conclusion="consistent" if open_only else "broken", findings=frozenset(findings))


def expected(name: str) -> Expected:
    """Say what is expected of a mutation of the small package."""
    return made(name, tiny())[1]


def _given_away(good: Forge, forge: Forge) -> Iterable[Found]:
    listed = {each["path"] for each in good.manifest["files"]}
    for path in good.files.keys() | forge.files.keys():
        if path in listed and path in forge.links:
            yield ("files", "malformed", path)
        elif path in listed and path not in forge.files:
            yield ("files", "missing", path)
        elif path in listed and forge.files[path] != good.files[path]:
            yield ("files", "altered", path)
        elif path not in good.files and path not in UNLISTED and path not in LEFT:
            yield ("files", "extra", path)


# -- helpers


def _first(forge: Forge, prefix: str) -> str:
    return min(path for path in forge.files if path.startswith(prefix))


def _record(line: dict[str, Any]) -> str:
    return f"record {line['bates']}"


def _log(forge: Forge, line: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, Any] = next(each for each in forge.manifest["logs"] if each["number"] == line["log"])
    return log


def _newest(forge: Forge) -> int:
    return max(int(each["number"]) for each in forge.manifest["logs"])


def _needed(low: int, high: int, positions: list[int]) -> int:
    """How many nodes a proof has."""
    there = [each for each in positions if low <= each < high]
    if not there:
        return 1
    if high - low == 1:
        return 0
    middle = low + (1 << ((high - low - 1).bit_length() - 1))
    return _needed(low, middle, there) + _needed(middle, high, there)


def _other_tree(forge: Forge, number: int) -> Found:
    """What the level `tree` says of a log of which a record is gone or elsewhere."""
    log = next(each for each in forge.manifest["logs"] if each["number"] == number)
    positions = [line["position"] for line in forge.lines() if line["log"] == number]
    path = f"data/log/{number}/nodes.bin"
    if _needed(0, log["size"], positions) * 32 != len(forge.files[path]):
        return ("tree", "malformed", path)
    return ("tree", "altered", f"log {number}")


def _open_of(forge: Forge, gone: dict[str, Any]) -> set[Found]:
    """The intent that is open once a record cannot be read any more."""
    leaf = leaf_of(gone)
    if leaf["kind"] != "outcome":
        return set()
    return {("answers", "open", _record(line)) for line in forge.lines() if line["entry"] == leaf["re"]["id"]}


def _changed(forge: Forge, line: dict[str, Any], at: int) -> None:
    lines = forge.lines()
    lines[at] = line
    forge.set_lines(lines)


def _releafed(line: dict[str, Any], **members: Any) -> None:
    line["leaf"] = b64(encode({**leaf_of(line), **members}))


# -- files and manifest


@_mutation("a table is altered", "nothing")
def _table_altered(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/tables/")
    forge.files[path] = forge.files[path].replace(b"2026", b"2025", 1)
    return ()


@_mutation("a table is altered, hashes are mended", "hashes")
def _table_altered_hashes(forge: Forge) -> Iterable[Found]:
    return _like("table_altered", forge)


@_mutation("a table is altered and everything signed anew: only the fingerprint tells", "signed")
def _table_altered_signed(forge: Forge) -> Iterable[Found]:
    return _like("table_altered", forge)


@_mutation("the read-me says something else, as long as before", "nothing")
def _readme_altered(forge: Forge) -> Iterable[Found]:
    data = forge.files["README.txt"]
    forge.files["README.txt"] = data.replace(data[:1], b"_", 1)
    return ()


@_mutation("a verifier is taken away", "nothing")
def _verifier_removed(forge: Forge) -> Iterable[Found]:
    del forge.files["verify.py"]
    return ()


@_mutation("a file is added", "nothing")
def _file_added(forge: Forge) -> Iterable[Found]:
    forge.files["data/artifacts.txt"] = b"more\n"
    return ()


@_mutation(
    "the manifest's timestamp is none: no list covers it, and only openssl or the library reads it", "nothing"
)
def _stamp_damaged(forge: Forge) -> Iterable[Found]:
    forge.files["manifest.json.tsr"] = b"garbage"
    return ()


@_mutation("a timestamp of a checkpoint is added", "nothing")
def _stamp_added(forge: Forge) -> Iterable[Found]:
    forge.files[f"data/log/{_newest(forge)}/checkpoint.tsr"] = b"garbage"
    return ()


@_mutation("a package made anew has a timestamp that is none", "signed")
def _stamp_listed(forge: Forge) -> Iterable[Found]:
    forge.files[f"data/log/{_newest(forge)}/checkpoint.tsr"] = b"garbage"
    return ()


@_mutation("a file with a hidden and hostile name is added", "nothing")
def _file_hidden(forge: Forge) -> Iterable[Found]:
    forge.files["data/.hidden"] = b"more\n"
    return ()


@_mutation("the folder was looked at on a Mac and on Windows", "nothing")
def _looked_at(forge: Forge) -> Iterable[Found]:
    forge.files.update(dict.fromkeys(LEFT, b"where the icons are"))
    return ()


@_mutation("files are added whose names are nearly those that computers leave", "nothing")
def _nearly_left(forge: Forge) -> Iterable[Found]:
    names = (
        "data/.DS_Store2",
        "data/x.DS_Store",
        "thumbs.db",
        "data/Desktop.ini",
        "data/.DS_Store/x",
        "._a/x",
    )
    forge.files.update(dict.fromkeys(names, b"more\n"))
    return ()


@_mutation("a file is a link", "nothing")
def _link(forge: Forge) -> Iterable[Found]:
    del forge.files["README.txt"]
    forge.links["README.txt"] = "/etc/hostname"
    return ()


@_mutation("the records are gone", "nothing")
def _entries_removed(forge: Forge) -> Iterable[Found]:
    del forge.files[ENTRIES]
    return (("records", "missing", ENTRIES),)


@_mutation("the records are empty", "nothing")
def _entries_emptied(forge: Forge) -> Iterable[Found]:
    return _entries_cut(forge, 0)


@_mutation("the second half of the records is gone", "nothing")
def _entries_halved(forge: Forge) -> Iterable[Found]:
    return _entries_cut(forge, len(forge.lines()) // 2)


def _entries_cut(forge: Forge, count: int) -> Iterable[Found]:
    lines = forge.lines()
    stay, gone = lines[:count], lines[count:]
    forge.set_lines(stay)
    yield ("records", "missing", _record(gone[0]))
    yield ("records", "altered", READABLE)
    parts = [part for line in gone for part in line["parts"]]
    if any("withheld" in part for part in parts):
        yield ("records", "altered", WITHHELD)
    for line in gone:
        if any(part["p"] == "statement.0" and "key" in part for part in line["parts"]):
            yield ("statements", "extra", f"data/statements/{line['bates']}.jws")
    for number in {line["log"] for line in gone}:
        yield _other_tree(forge, number)


@_mutation("the readable records are gone", "nothing")
def _readable_removed(forge: Forge) -> Iterable[Found]:
    del forge.files[READABLE]
    return (("records", "missing", READABLE),)


@_mutation("the list of what is withheld is gone", "signed")
def _withheld_removed(forge: Forge) -> Iterable[Found]:
    del forge.files[WITHHELD]
    return (("records", "missing", WITHHELD),)


@_mutation("the manifest names another matter", "hashes")
def _matter_altered(forge: Forge) -> Iterable[Found]:
    forge.manifest = {**forge.manifest, "matter": "another matter"}
    return ()


@_mutation("the manifest is signed by another key than the one beside it", "nothing")
def _manifest_signed_by_another(forge: Forge) -> Iterable[Found]:
    forge.sign()
    forge.make_lists()
    return (("manifest", "forged", "manifest.jws"),)


@_mutation("everything is signed anew: only the fingerprint tells", "signed")
def _manifest_signed_anew(forge: Forge) -> Iterable[Found]:
    del forge
    return ()


@_mutation("the signature is altered", "nothing")
def _signature_altered(forge: Forge) -> Iterable[Found]:
    head, payload, _ = forge.files["manifest.jws"].decode().split(".")
    forge.files["manifest.jws"] = f"{head}.{payload}.{b64(bytes(64))}".encode()
    forge.make_lists()
    return (("manifest", "forged", "manifest.jws"),)


@_mutation("the signature is gone", "nothing")
def _signature_removed(forge: Forge) -> Iterable[Found]:
    del forge.files["manifest.jws"]
    forge.make_lists()
    return (("manifest", "missing", "manifest.jws"),)


@_mutation("the signature is no token", "nothing")
def _signature_damaged(forge: Forge) -> Iterable[Found]:
    forge.files["manifest.jws"] += b"\r\n"
    forge.make_lists()
    return (("manifest", "malformed", "manifest.jws"),)


@_mutation("the package key is gone", "nothing")
def _key_removed(forge: Forge) -> Iterable[Found]:
    del forge.files["package.jwk"]
    return (("manifest", "missing", "package.jwk"),)


@_mutation("the package key is one that anybody can sign for", "nothing")
def _key_of_small_order(forge: Forge) -> Iterable[Found]:
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64(bytes(32))}
    forge.files["package.jwk"] = encode(jwk) + b"\n"
    return (("manifest", "malformed", "package.jwk"),)


@_mutation("the manifest is gone", "nothing")
def _manifest_removed(forge: Forge) -> Iterable[Found]:
    del forge.files["manifest.json"]
    return (("manifest", "missing", "manifest.json"),)


@_mutation("the manifest breaks off", "nothing")
def _manifest_truncated(forge: Forge) -> Iterable[Found]:
    forge.files["manifest.json"] = forge.files["manifest.json"][:-10]
    return (("manifest", "malformed", "manifest.json"),)


@_mutation("the manifest has a line end of another system", "nothing")
def _manifest_crlf(forge: Forge) -> Iterable[Found]:
    forge.files["manifest.json"] += b"\r\n"
    return (("manifest", "malformed", "manifest.json"),)


@_mutation("the manifest has a member twice", "nothing")
def _manifest_member_twice(forge: Forge) -> Iterable[Found]:
    forge.files["manifest.json"] = b'{"v":1,' + forge.files["manifest.json"][1:]
    forge.sign()
    return (("manifest", "malformed", "manifest.json"),)


@_mutation("the manifest lists a file outside of the package", "nothing")
def _path_traversal(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    listed = {"path": "../outside", "role": "artifact", "sha256": hashlib.sha256().hexdigest(), "size": 0}
    forge.manifest = {**told, "files": [listed, *told["files"]]}
    forge.sign()
    return (("manifest", "malformed", "manifest.json"),)


@_mutation("a list of digests names another digest", "nothing")
def _list_altered(forge: Forge) -> Iterable[Found]:
    data = forge.files[LISTS[2]]
    forge.files[LISTS[2]] = (b"0" if data[:1] != b"0" else b"1") + data[1:]
    return (("files", "altered", LISTS[2]),)


@_mutation("a list of digests is gone", "nothing")
def _list_removed(forge: Forge) -> Iterable[Found]:
    del forge.files[LISTS[2]]
    return (("files", "missing", LISTS[2]),)


# -- records


@_mutation("a readable record says another time", "signed")
def _readable_altered(forge: Forge) -> Iterable[Found]:
    lines = forge.lines(READABLE)
    lines[1]["at"] = "2020-01-01T00:00:00.000Z"
    forge.set_lines(lines, READABLE)
    return (("records", "altered", _record(lines[1])),)


@_mutation("a readable record says something that was not sealed", "signed")
def _readable_content_altered(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("intent")
    lines = forge.lines(READABLE)
    lines[at]["parts"]["exchange.0"]["v"] = True
    forge.set_lines(lines, READABLE)
    return (("records", "altered", _record(lines[at])),)


@_mutation("a readable record shows a part that is withheld", "signed")
def _readable_shows_withheld(forge: Forge) -> Iterable[Found]:
    at = next(
        at for at, line in enumerate(forge.lines()) if any("withheld" in part for part in line["parts"])
    )
    lines = forge.lines(READABLE)
    name = next(part["p"] for part in forge.lines()[at]["parts"] if "withheld" in part)
    lines[at]["parts"][name] = {"v": 1, "response": "AA"}
    forge.set_lines(lines, READABLE)
    return (("records", "altered", _record(lines[at])),)


@_mutation("a readable record is gone", "signed")
def _readable_line_removed(forge: Forge) -> Iterable[Found]:
    forge.set_lines(forge.lines(READABLE)[1:], READABLE)
    return (("records", "altered", READABLE),)


@_mutation("an outcome is told to be another, in the readable form", "signed")
def _outcome_relabelled(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("outcome")
    lines = forge.lines(READABLE)
    lines[at]["end"] = "not_sent"
    forge.set_lines(lines, READABLE)
    return (("records", "altered", _record(lines[at])),)


@_mutation("an outcome is told to be another, in its leaf, and all but the log is mended", "signed")
def _outcome_relabelled_everywhere(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("outcome")
    line = forge.lines()[at]
    _releafed(line, end="not_sent")
    _changed(forge, line, at)
    forge.read_again()
    return (("tree", "altered", f"log {line['log']}"),)


@_mutation("two records stand in the place of each other", "nothing")
def _records_swapped(forge: Forge) -> Iterable[Found]:
    for path in (ENTRIES, READABLE):
        lines = forge.lines(path)
        lines[0], lines[1] = lines[1], lines[0]
        forge.set_lines(lines, path)
    where = _record(forge.lines()[1])
    return (("records", "missing", where), ("records", "reordered", where))


@_mutation("two records are swapped and get each other's numbers", "signed")
def _records_swapped_renumbered(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    lines[0], lines[1] = lines[1], lines[0]
    forge.set_lines(lines)
    forge.renumber()
    forge.read_again()
    return (("records", "reordered", _record(forge.lines()[1])),)


@_mutation("a record is gone", "nothing")
def _record_removed(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    gone = lines.pop(forge.line_of("call"))
    forge.set_lines(lines)
    return (
        ("records", "missing", _record(gone)),
        ("records", "altered", READABLE),
        _other_tree(forge, gone["log"]),
    )


@_mutation("a record is gone, and the others get new numbers", "signed")
def _record_removed_renumbered(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    gone = lines.pop(forge.line_of("call"))
    forge.set_lines(lines)
    forge.renumber()
    forge.read_again()
    return (_other_tree(forge, gone["log"]),)


@_mutation(
    "a record is taken out and hidden, under the log's own checkpoint: only the fingerprint tells", "signed"
)
def _record_hidden(forge: Forge) -> Iterable[Found]:
    forge.take_out(forge.line_of("call"))
    return ()


@_mutation("a record stands there twice", "signed")
def _record_twice(forge: Forge) -> Iterable[Found]:
    for path in (ENTRIES, READABLE):
        lines = forge.lines(path)
        forge.set_lines([*lines, lines[-1]], path)
    return (("records", "reordered", _record(forge.lines()[-1])),)


@_mutation("a record lies out of the range of numbers", "signed")
def _record_out_of_range(forge: Forge) -> Iterable[Found]:
    for path in (ENTRIES, READABLE):
        lines = forge.lines(path)
        lines[0]["bates"] = forge.bates(999_999)
        forge.set_lines(lines, path)
    first = forge.manifest["bates"]["first"]
    return (
        ("records", "extra", f"record {forge.bates(999_999)}"),
        ("records", "missing", f"record {forge.bates(first)}"),
        *_renamed_first(forge, first),
    )


def _renamed_first(forge: Forge, first: int) -> Iterable[Found]:
    line = forge.lines()[0]
    if any(part["p"] == "statement.0" and "key" in part for part in line["parts"]):
        yield ("statements", "missing", f"data/statements/{line['bates']}.jws")
        yield ("statements", "extra", f"data/statements/{forge.bates(first)}.jws")


@_mutation("the range of numbers is longer than the records", "signed")
def _range_altered(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    last = told["bates"]["last"] + 1
    forge.manifest = {**told, "bates": {**told["bates"], "last": last}}
    return (("records", "missing", f"record {forge.bates(last)}"),)


@_mutation("a record names another entry than its leaf", "signed")
def _entry_altered(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    line["entry"] = forge.lines()[0]["entry"]
    _changed(forge, line, at)
    return (("records", "altered", _record(line)),)


@_mutation("a record claims another position", "signed")
def _position_altered(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    line = lines[-1]
    line["position"] = _log(forge, line)["size"] - 1
    assert line["position"] != forge.lines()[-1]["position"]
    _changed(forge, line, len(lines) - 1)
    again = forge.lines(READABLE)
    again[-1]["position"] = line["position"]
    forge.set_lines(again, READABLE)
    return (_other_tree(forge, line["log"]),)


@_mutation("a record claims a log that is not there", "signed")
def _log_unknown(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    line["log"] = 77
    _changed(forge, line, at)
    return (("records", "malformed", _record(line)),)


@_mutation("a part of a record is left out", "signed")
def _part_removed(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("intent")
    line = forge.lines()[at]
    del line["parts"][-1]
    _changed(forge, line, at)
    return (("records", "altered", _record(line)), ("records", "altered", "manifest.json"))


@_mutation("a sealed part is altered", "signed")
def _token_altered(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    part = line["parts"][-1]
    head, _, iv, text, tag = part["jwe"].split(".")
    part["jwe"] = f"{head}..{iv}.{'A' if text[0] != 'A' else 'B'}{text[1:]}.{tag}"
    _changed(forge, line, at)
    return (("records", "altered", f"{_record(line)} part {part['p']}"),)


@_mutation("a sealed part is altered, and named in the leaf", "signed")
def _token_altered_renamed(forge: Forge) -> Iterable[Found]:
    found = [*_like("token_altered", forge)]
    line = forge.lines()[forge.line_of("call")]
    renamed(line)
    _changed(forge, line, forge.line_of("call"))
    return (*found, ("tree", "altered", f"log {line['log']}"))


@_mutation("the keys of two parts are swapped", "signed")
def _keys_swapped(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("intent")
    line = forge.lines()[at]
    one, other = line["parts"][0], line["parts"][-1]
    one["key"], other["key"] = other["key"], one["key"]
    _changed(forge, line, at)
    return [("records", "forged", f"{_record(line)} part {part['p']}") for part in (one, other)]


@_mutation("a part is a token that opens under two keys, with the one that it does not name", "signed")
def _two_key_token(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    part = line["parts"][-1]
    part["jwe"], part["key"] = _TWO_KEYS["token"], _TWO_KEYS["key_not_named"]
    renamed(line)
    _changed(forge, line, at)
    return (
        ("records", "forged", f"{_record(line)} part {part['p']}"),
        ("tree", "altered", f"log {line['log']}"),
    )


@_mutation("a part names the key beside it, but was sealed under another", "signed")
def _kid_lie(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    part = line["parts"][-1]
    sealed = jwe.seal(b'{"v":1}', key=bytes(32), iv=bytes(12))
    kid = oct_thumbprint(unb64(part["key"]))
    header = b64(f'{{"alg":"dir","enc":"A256GCM","kid":"{kid}"}}'.encode())
    part["jwe"] = header + sealed[sealed.index(".") :]
    renamed(line)
    _changed(forge, line, at)
    return (
        ("records", "altered", f"{_record(line)} part {part['p']}"),
        ("tree", "altered", f"log {line['log']}"),
    )


@_mutation("a part was sealed with something that is no content", "signed")
def _content_malformed(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    part = line["parts"][-1]
    part["jwe"] = jwe.seal(b'{"v":1,"v":2}', key=unb64(part["key"]), iv=bytes(12))
    renamed(line)
    _changed(forge, line, at)
    return (
        ("records", "malformed", f"{_record(line)} part {part['p']}"),
        ("tree", "altered", f"log {line['log']}"),
    )


@_mutation("a leaf is spelled with a space", "signed")
def _leaf_not_canonical(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    line["leaf"] = b64(unb64(line["leaf"]).replace(b'":', b'": ', 1))
    _changed(forge, line, at)
    return (("records", "malformed", _record(line)),)


@_mutation("a leaf has a member that its kind has not", "signed")
def _leaf_of_no_kind(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    line = forge.lines()[at]
    _releafed(line, end="succeeded")
    _changed(forge, line, at)
    return (("records", "malformed", _record(line)),)


@_mutation("a record has a member twice", "signed")
def _member_twice(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("call")
    lines = forge.files[ENTRIES].splitlines(keepends=True)
    lines[at] = b'{"position":0,' + lines[at][1:]
    forge.files[ENTRIES] = b"".join(lines)
    return (("records", "malformed", ENTRIES),)


@_mutation("the line ends are those of another system", "nothing")
def _crlf(forge: Forge) -> Iterable[Found]:
    for path in (ENTRIES, READABLE):
        forge.files[path] = forge.files[path].replace(b"\n", b"\r\n")
    return (("records", "malformed", ENTRIES),)


@_mutation("the records break off", "nothing")
def _entries_truncated(forge: Forge) -> Iterable[Found]:
    opens = _open_of(forge, forge.lines()[-1])
    forge.files[ENTRIES] = forge.files[ENTRIES][:-10]
    return (("records", "malformed", ENTRIES), *opens)


@_mutation("a line is nested without end", "signed")
def _nested_line(forge: Forge) -> Iterable[Found]:
    forge.files[ENTRIES] += b'{"bates":' + b"[" * 100_000 + b"\n"
    return (("records", "malformed", ENTRIES), ("records", "altered", READABLE))


@_mutation("a line is a number of many digits", "signed")
def _long_number(forge: Forge) -> Iterable[Found]:
    forge.files[ENTRIES] += b'{"bates":' + b"9" * 100_000 + b"}\n"
    return (("records", "malformed", ENTRIES), ("records", "altered", READABLE))


@_mutation("the list of what is withheld gives another reason", "signed")
def _withheld_altered(forge: Forge) -> Iterable[Found]:
    lines = forge.lines(WITHHELD)
    lines[0]["reason"] = "privilege"
    forge.set_lines(lines, WITHHELD)
    return (("records", "altered", WITHHELD),)


@_mutation("the list of what is withheld lacks a part", "signed")
def _withheld_line_removed(forge: Forge) -> Iterable[Found]:
    forge.set_lines(forge.lines(WITHHELD)[1:], WITHHELD)
    return (("records", "altered", WITHHELD),)


@_mutation("an entry is told to be withheld, which was not counted", "signed")
def _withheld_line_added(forge: Forge) -> Iterable[Found]:
    told = {"entry": forge.lines()[0]["entry"], "reason": "other_person", "rule": "a rule"}
    forge.set_lines([told, *forge.lines(WITHHELD)], WITHHELD)
    return (("records", "altered", "manifest.json"),)


@_mutation("the counts say that more was selected", "signed")
def _counts_altered(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    forge.manifest = {**told, "counts": {**told["counts"], "selected": told["counts"]["selected"] + 1}}
    return (("records", "altered", "manifest.json"),)


@_mutation("the counts say that no part is withheld", "hashes")
def _counts_altered_hashes(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    counts = {**told["counts"], "parts_withheld": 0, "parts_open": told["counts"]["parts"]}
    forge.manifest = {**told, "counts": counts}
    return (("records", "altered", "manifest.json"),)


# -- answers, statements, artifacts


@_mutation("an answer names another hash of what it answers", "signed")
def _answer_forged(forge: Forge) -> Iterable[Found]:
    at = forge.line_of("outcome")
    line = forge.lines()[at]
    _releafed(line, re={**leaf_of(line)["re"], "h": b64(bytes(32))})
    _changed(forge, line, at)
    return (("answers", "forged", _record(line)), ("tree", "altered", f"log {line['log']}"))


@_mutation("an outcome is gone, and the others get new numbers", "signed")
def _outcome_removed(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    gone = lines.pop(forge.line_of("outcome"))
    forge.set_lines(lines)
    forge.renumber()
    forge.read_again()
    return (*_open_of(forge, gone), _other_tree(forge, gone["log"]))


@_mutation("an outcome is gone out of a package that is built anew: the request is open", "signed")
def _outcome_removed_rebuilt(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    gone = lines.pop(forge.line_of("outcome"))
    forge.set_lines(lines)
    forge.rebuild()
    return (*_open_of(forge, gone), *_rebuilt(forge))


@_mutation("a second outcome is added to a package that is built anew", "signed")
def _outcome_added_rebuilt(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    line = json.loads(json.dumps(lines[forge.line_of("outcome")]))
    leaf = leaf_of(line)
    del leaf["parts"]
    parts: list[Any] = [{"d": b64(hashlib.sha256(b"").digest()), "p": "exchange.0", "t": b64(bytes(16))}]
    line["entry"] = "019aab00-0000-7000-8000-00000000abcd"
    line["parts"] = [{"p": "exchange.0", "jwe": "", "withheld": "role"}]
    line["leaf"] = b64(encode({**leaf, "id": line["entry"], "end": "not_sent", "parts": parts}))
    forge.set_lines([*lines, line])
    forge.rebuild()
    return (("answers", "extra", _record(forge.lines()[-1])), *_rebuilt(forge))


@_mutation("a package is built anew from beginning to end: only the fingerprint tells", "signed")
def _rebuilt_wholly(forge: Forge) -> Iterable[Found]:
    forge.rebuild()
    return _rebuilt(forge)


def _rebuilt(forge: Forge) -> Iterable[Found]:
    """An attacker takes the policy out too: no witness cosigns what they made."""
    forge.files.pop(POLICY, None)
    return ()


@_mutation("a statement is replaced by one that another key signed", "signed")
def _statement_replaced(forge: Forge) -> Iterable[Found]:
    return _statement(
        forge, lambda payload: jws.sign(payload, key=ATTACKER, typ=TYP), ("statements", "unsigned")
    )


@_mutation("a statement has the signature of nobody", "signed")
def _statement_forged(forge: Forge) -> Iterable[Found]:
    def forged(token: str) -> str:
        return f"{token.rpartition('.')[0]}.{b64(bytes(64))}"

    at, line, content = _of_statement(forge)
    resealed(line, "statement.0", {**content, "token": forged(content["token"])})
    _changed(forge, line, at)
    forge.read_again()
    where = f"{_record(line)} part statement.0"
    return (("statements", "forged", where), ("tree", "altered", f"log {line['log']}"))


@_mutation("a statement is no token", "signed")
def _statement_malformed(forge: Forge) -> Iterable[Found]:
    return _statement(forge, lambda _: "no.token", ("statements", "malformed"))


def _of_statement(forge: Forge) -> tuple[int, dict[str, Any], dict[str, Any]]:
    at = forge.line_of("statement")
    line = forge.lines()[at]
    return at, line, opened(line["parts"][0])


def _statement(forge: Forge, token: Callable[[bytes], str], said: tuple[str, str]) -> Iterable[Found]:
    at, line, content = _of_statement(forge)
    payload = unb64(content["token"].split(".")[1])
    resealed(line, "statement.0", {**content, "token": token(payload)})
    _changed(forge, line, at)
    forge.read_again()
    where = f"{_record(line)} part statement.0"
    return ((*said, where), ("tree", "altered", f"log {line['log']}"))


@_mutation("the file of a statement is altered", "nothing")
def _statement_file_altered(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/statements/")
    forge.files[path] += b"\n"
    return (("statements", "altered", path),)


@_mutation("the file of a statement is gone", "signed")
def _statement_file_removed(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/statements/")
    del forge.files[path]
    return (("statements", "missing", path),)


@_mutation("a statement of no record is added", "signed")
def _statement_file_added(forge: Forge) -> Iterable[Found]:
    forge.files["data/statements/ZZ.jws"] = forge.files[_first(forge, "data/statements/")]
    return (("statements", "extra", "data/statements/ZZ.jws"),)


@_mutation("the copy of a notice under its name says something else", "signed")
def _notice_replaced(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/notices/")
    forge.files[path] = b"You agree to everything.\n"
    return (("artifacts", "altered", path),)


@_mutation("a notice says something else, under its digest and its name", "signed")
def _notice_replaced_twice(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/notices/")
    artifact = f"data/artifacts/{hashlib.sha256(forge.files[path]).hexdigest()}"
    forge.files[path] = forge.files[artifact] = b"You agree to everything.\n"
    return (("artifacts", "altered", artifact),)


@_mutation("a notice is gone, and its copy too", "signed")
def _notice_removed(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/notices/")
    digest = hashlib.sha256(forge.files[path]).hexdigest()
    del forge.files[path], forge.files[f"data/artifacts/{digest}"]
    return (("artifacts", "missing", f"artifact {digest}"),)


@_mutation("the registries of issuers are gone", "signed")
def _registry_removed(forge: Forge) -> Iterable[Found]:
    found: set[Found] = set()
    for each in forge.manifest["files"]:
        if each.get("kind") == "registry":
            del forge.files[each["path"]]
            found.add(("artifacts", "missing", f"artifact {each['sha256']}"))
    found |= {
        ("statements", "unsigned", f"{_record(line)} part statement.0")
        for line in forge.lines()
        for part in line["parts"]
        if part["p"] == "statement.0" and "key" in part
    }
    return found


# -- the log


@_mutation("a node of the proof is altered", "signed")
def _node_altered(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/log/0/nodes.bin")
    forge.files[path] = bytes(32) + forge.files[path][32:]
    return (("tree", "altered", "log 0"),)


@_mutation("a node is added to the proof", "signed")
def _node_added(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/log/0/nodes.bin")
    forge.files[path] += bytes(32)
    return (("tree", "malformed", path),)


@_mutation("the proof breaks off", "nothing")
def _nodes_truncated(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/log/0/nodes.bin")
    forge.files[path] = forge.files[path][:-1]
    return (("tree", "malformed", path),)


@_mutation("the proof is gone", "signed")
def _nodes_removed(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/log/0/nodes.bin")
    del forge.files[path]
    return (("tree", "missing", path),)


@_mutation("the checkpoint is that of another log", "signed")
def _checkpoint_of_another_log(forge: Forge) -> Iterable[Found]:
    number = _newest(forge)
    path = f"data/log/{number}/checkpoint"
    head = Checkpoint(origin=ATTACKER_LOG.key.name, size=3, root=bytes(32))
    forge.files[path] = sign_checkpoint(head, ATTACKER_LOG).encode()
    found = {("checkpoint", "forged", path), ("checkpoint", "altered", f"log {number}")}
    return found | ({("witnesses", "unsigned", f"log {number}")} if POLICY in forge.files else set())


@_mutation("the checkpoint has another root", "signed")
def _checkpoint_altered(forge: Forge) -> Iterable[Found]:
    number = _newest(forge)
    path = f"data/log/{number}/checkpoint"
    lines = forge.files[path].split(b"\n")
    lines[2] = base64.b64encode(bytes(32))
    forge.files[path] = b"\n".join(lines)
    found = {("checkpoint", "forged", path), ("checkpoint", "altered", f"log {number}")}
    return found | ({("witnesses", "forged", path)} if POLICY in forge.files else set())


@_mutation("the checkpoint is no note", "signed")
def _checkpoint_damaged(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/log/0/checkpoint")
    forge.files[path] = forge.files[path].replace(b"\n", b"\r\n")
    return (("checkpoint", "malformed", path),)


@_mutation("the log's key is replaced beside the checkpoint", "signed")
def _vkey_replaced(forge: Forge) -> Iterable[Found]:
    path = _first(forge, "data/log/0/vkey")
    forge.files[path] = f"{ATTACKER_LOG.key.vkey}\n".encode()
    return (("checkpoint", "altered", path),)


@_mutation("the log's key is replaced everywhere, under the same name", "signed")
def _vkey_replaced_everywhere(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    log = told["logs"][0]
    key = NoteKey(name=log["origin"], public=ATTACKER_LOG.key.public)
    log["vkey"] = key.vkey
    forge.manifest = told
    forge.files[f"data/log/{log['number']}/vkey"] = f"{key.vkey}\n".encode()
    return (("checkpoint", "forged", f"data/log/{log['number']}/checkpoint"),)


@_mutation("a cosignature is altered", "signed")
def _cosignature_altered(forge: Forge) -> Iterable[Found]:
    path = f"data/log/{_newest(forge)}/checkpoint"
    lines = forge.files[path].decode().split("\n")
    dash, name, blob = lines[-2].split(" ")
    altered = base64.b64decode(blob)[:-1] + b"\0"
    lines[-2] = f"{dash} {name} {base64.b64encode(altered).decode()}"
    forge.files[path] = "\n".join(lines).encode()
    return (("witnesses", "forged", path),)


@_mutation("a cosignature is gone", "signed")
def _cosignature_removed(forge: Forge) -> Iterable[Found]:
    number = _newest(forge)
    path = f"data/log/{number}/checkpoint"
    forge.files[path] = b"\n".join([*forge.files[path].split(b"\n")[:-2], b""])
    return (("witnesses", "unsigned", f"log {number}"),)


@_mutation("the witness policy is none", "signed")
def _policy_damaged(forge: Forge) -> Iterable[Found]:
    forge.files[POLICY] = b"quorum nobody\n"
    return (("witnesses", "malformed", POLICY),)


def _like(name: str, forge: Forge) -> Iterable[Found]:
    return MUTATIONS[name].alter(forge)
