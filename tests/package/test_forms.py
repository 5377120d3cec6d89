"""Everything in a package has one form: what has another is told where it lies, by both programs, as one finding."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from consentgate.canonical import b64, encode, unb64
from consentgate.consent.statement import TYP
from consentgate.crypto import jws
from consentgate.tlog.notekey import NoteKey
from tests.package.forge import ATTACKER_LOG, ENTRIES, WITHHELD, Forge, leaf_of, opened, resealed
from tests.package.mutations import POLICY, Found
from tests.package.test_agreement import both, found
from tests.package.tiny import PACKAGE_KEY, tiny
from tests.tools.golden_statements import KEY

Alter = Callable[[Forge], Iterable[Found]]


def member(*path: str | int, value: Any = None, gone: bool = False) -> Alter:
    """Set a member of the manifest, or take it away; what it says is mended around that."""

    def alter(forge: Forge) -> Iterable[Found]:
        told = forge.manifest
        inner: Any = told
        for each in path[:-1]:
            inner = inner[each]
        if gone:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
        forge.manifest = told
        return (("manifest", "malformed", "manifest.json"),)

    return alter


def in_line(change: Callable[[dict[str, Any]], None], kind: str = "call") -> Alter:
    """Change a record's line."""

    def alter(forge: Forge) -> Iterable[Found]:
        at, lines = forge.line_of(kind), forge.lines()
        change(lines[at])
        forge.set_lines(lines)
        return (("records", "malformed", f"record {lines[at]['bates']}"),)

    return alter


def in_leaf(change: Callable[[dict[str, Any]], None], kind: str = "call") -> Alter:
    """Change a record's leaf."""

    def of(line: dict[str, Any]) -> None:
        leaf = leaf_of(line)
        change(leaf)
        line["leaf"] = b64(encode(leaf))

    return in_line(of, kind)


def put(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda told: told.update(members)


def part(**members: Any) -> Alter:
    def change(line: dict[str, Any]) -> None:
        sealed = {"p": line["parts"][0]["p"], "jwe": line["parts"][0]["jwe"]}
        line["parts"][0] = {**sealed, **members}

    return in_line(change)


def rule(*words: str) -> Alter:
    """Write another policy of witnesses into the package, and no cosignature for it."""

    def alter(forge: Forge) -> Iterable[Found]:
        forge.files[POLICY] = "".join(f"{line}\n" for line in words).encode()
        return (("witnesses", "malformed", POLICY),)

    return alter


def followed(kind: str, content: bytes) -> Alter:
    """Put another content in the place of an artifact, and name it by its digest wherever it was named."""

    def alter(forge: Forge) -> Iterable[Found]:
        old = next(each["path"] for each in forge.manifest["files"] if each.get("kind") == kind)
        digest = hashlib.sha256(content).digest()
        before = b64(bytes.fromhex(old[15:]))
        forge.files[f"data/artifacts/{digest.hex()}"] = content
        told = forge.manifest
        listed = {"path": f"data/artifacts/{digest.hex()}", "role": "artifact", "kind": kind}
        forge.manifest = {**told, "files": [*told["files"], listed]}
        lines = forge.lines()
        changed: set[Found] = set()
        for line in lines:
            for each in line["parts"]:
                member_of = {"manifest": "statement.0"}.get(kind, "body.0")
                if each["p"] == member_of and "key" in each and opened(each).get(kind) == before:
                    resealed(line, member_of, {**opened(each), kind: b64(digest)})
                    changed.add(("tree", "altered", f"log {line['log']}"))
        forge.set_lines(lines)
        forge.read_again()
        return {*changed, ("artifacts", "malformed", f"data/artifacts/{digest.hex()}")}

    return alter


def statement(content: Callable[[dict[str, Any]], dict[str, Any]], kind: str) -> Alter:
    def alter(forge: Forge) -> Iterable[Found]:
        at, lines = forge.line_of("statement"), forge.lines()
        line = lines[at]
        resealed(line, "statement.0", content(opened(line["parts"][0])))
        forge.set_lines(lines)
        if kind != "no token":
            forge.read_again()
            extra: tuple[Found, ...] = ()
        else:
            extra = (
                ("statements", "extra", f"data/statements/{line['bates']}.jws"),
                ("records", "altered", f"record {line['bates']}"),
            )
        where = f"record {line['bates']} part statement.0"
        said = "malformed" if kind == "no token" else kind
        return (("statements", said, where), ("tree", "altered", f"log {line['log']}"), *extra)

    return alter


def _signed(**claims: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda told: {**told, "token": jws.sign(encode(claims), key=KEY, typ=TYP)}


def _es256(told: dict[str, Any]) -> dict[str, Any]:
    """A token of an Ed25519 key that says it is of the other algorithm."""
    _, payload, signature = told["token"].split(".")
    header = {"alg": "ES256", "kid": KEY.public.kid, "typ": TYP}
    return {**told, "token": f"{b64(encode(header))}.{payload}.{signature}"}


def removed(path: str, *findings: Found) -> Alter:
    def alter(forge: Forge) -> Iterable[Found]:
        del forge.files[path]
        return findings

    return alter


def _vkey_of_another_name(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    told["logs"][0]["vkey"] = ATTACKER_LOG.key.vkey
    forge.manifest = told
    forge.files["data/log/0/vkey"] = f"{ATTACKER_LOG.key.vkey}\n".encode()
    return (("checkpoint", "forged", "data/log/0/checkpoint"), ("checkpoint", "altered", "log 0"))


def _vkey_of_no_key(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    told["logs"][0]["vkey"] = "nobody"
    forge.manifest = told
    forge.files["data/log/0/vkey"] = b"nobody\n"
    return (("checkpoint", "forged", "data/log/0/checkpoint"),)


def _log_without_records(forge: Forge) -> Iterable[Found]:
    told = forge.manifest
    key = NoteKey(name="consentgate.invalid/other", public=ATTACKER_LOG.key.public)
    empty = {"number": 7, "origin": key.name, "size": 0, "root": b64(hashlib.sha256(b"").digest())}
    told["logs"].append({**empty, "vkey": key.vkey, "positions": 0})
    forge.manifest = told
    forge.files["data/log/7/nodes.bin"] = b""
    return (("checkpoint", "missing", "data/log/7/checkpoint"), ("checkpoint", "missing", "data/log/7/vkey"))


def _withheld_of_no_form(forge: Forge) -> Iterable[Found]:
    forge.set_lines([*forge.lines(WITHHELD), {"entry": "x"}], WITHHELD)
    return (("records", "malformed", WITHHELD),)


def _line_of_no_number(forge: Forge) -> Iterable[Found]:
    lines = forge.lines()
    lines[-1]["bates"] = f"{lines[-1]['bates']}0"
    forge.set_lines(lines)
    return (("records", "malformed", ENTRIES),)


FORMS: Final[dict[str, Alter]] = {
    "manifest of another version": member("v", value=2),
    "manifest without an id": member("export", gone=True),
    "manifest of no time": member("at", value="2026-02-30T00:00:00.000Z"),
    "manifest with too many digits": member("bates", "digits", value=31),
    "manifest with a negative number": member("bates", "first", value=-1),
    "manifest with truth for a number": member("bates", "last", value=True),
    "manifest without counts": member("counts", gone=True),
    "manifest without a count": member("counts", "parts", gone=True),
    "manifest without a list of logs": member("logs", value={}),
    "manifest with a log that is none": member("logs", 0, value=[]),
    "manifest with a log twice": member("logs", 1, "number", value=0),
    "manifest with a short root": member("logs", 0, "root", value="AAAA"),
    "line with a member more": in_line(put(more=1)),
    "line whose parts are no list": in_line(put(parts={})),
    "line whose part is no object": in_line(put(parts=[1])),
    "line whose leaf is no text": in_line(put(leaf=1)),
    "line whose position is the log's size": in_line(put(position=23)),
    "line whose position is truth": in_line(put(position=True)),
    "part with a key and a reason": part(key=b64(bytes(32)), withheld="role"),
    "part with a short key": part(key="AAAA"),
    "part with a reason that nobody has": part(withheld="because"),
    "part with neither": part(),
    "leaf of another version": in_leaf(put(v=2)),
    "leaf of no kind": in_leaf(put(kind="rumour")),
    "leaf of no id": in_leaf(put(id="019aab00-0000-4000-8000-000000000000")),
    "leaf of no lane": in_leaf(put(w="AAAA")),
    "leaf without the one before": in_leaf(lambda leaf: leaf.pop("prev")),
    "leaf with a lane before, not at its start": in_leaf(put(after={"n": 1, "w": b64(bytes(16))})),
    "leaf without parts": in_leaf(lambda leaf: leaf.pop("parts")),
    "leaf with no parts at all": in_leaf(put(parts=[])),
    "leaf with parts out of order": in_leaf(lambda leaf: leaf["parts"].reverse()),
    "leaf with a part of another kind": in_leaf(lambda leaf: leaf["parts"][0].update(p="matches.0")),
    "leaf with a part of a thirteenth speaker": in_leaf(lambda leaf: leaf["parts"][1].update(p="call.12")),
    "leaf with a short digest": in_leaf(lambda leaf: leaf["parts"][0].update(d="AAAA")),
    "leaf of a denial without its time": in_leaf(lambda leaf: leaf.pop("decided_at"), "denial"),
    "policy without a quorum": rule(),
    "policy with two quorums": rule("quorum none", "quorum none"),
    "policy with a member that is not there": rule("group g 1 W9", "quorum g"),
    "policy with a word that is none": rule("trust me", "quorum none"),
    "policy with a key of a log for a witness": rule(f"witness W {ATTACKER_LOG.key.vkey}", "quorum W"),
    "policy with a key twice": rule(
        f"log {ATTACKER_LOG.key.vkey}", f"log {ATTACKER_LOG.key.vkey}", "quorum none"
    ),
    "index of packs that is none": followed("packs", b'{"packs":{"US":{"sha256":"no"}}}'),
    "index of packs without packs": followed("packs", b'{"packs":[]}'),
    "manifest of a notice without its text": followed("manifest", b'{"id":"x"}'),
    "manifest of a notice with no digest": followed("manifest", b'{"digest":"?"}'),
    "registry that is none": followed("registry", b'{"issuers":{}}'),
    "registry with an issuer without a name": followed("registry", b'{"issuers":[{"keys":[]}]}'),
    "registry with a private key": followed(
        "registry", b'{"issuers":[{"iss":"x","keys":[{"jwk":{"d":"x"}}]}]}'
    ),
    "statement without a token": statement(lambda _: {"v": 1}, "no token"),
    "statement of no issuer": statement(_signed(jti="1"), "malformed"),
    "statement of another issuer's key": statement(_signed(iss="https://other.example"), "unsigned"),
    "statement of another algorithm than its key": statement(_es256, "unsigned"),
    "checkpoint that is gone": removed(
        "data/log/0/checkpoint", ("checkpoint", "missing", "data/log/0/checkpoint")
    ),
    "vkey that is gone": removed("data/log/0/vkey", ("checkpoint", "missing", "data/log/0/vkey")),
    "vkey of another log": _vkey_of_another_name,
    "vkey that is none": _vkey_of_no_key,
    "log without records": _log_without_records,
    "withheld line of no form": _withheld_of_no_form,
    "line of no number": _line_of_no_number,
}


@pytest.mark.parametrize("name", FORMS)
def test_another_form_is_told(program: ModuleType, base: Path, tmp_path: Path, name: str) -> None:
    forge = tiny().copy()
    told = set(FORMS[name](forge))
    if ("manifest", "malformed", "manifest.json") in told:
        forge.sign()
    else:
        forge.mend()
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert found(one) == told


# The newer name of the same algorithm: statements may have it, a manifest has one spelling.
OTHER_NAME: Final = ".".join(
    [
        b64(encode({"alg": "Ed25519", "kid": KEY.public.kid, "typ": "consentgate-package+jwt"})),
        b64(b"{}"),
        b64(bytes(64)),
    ]
).encode()


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("package.jwk", b"\xff", {("manifest", "malformed", "package.jwk")}),
        ("package.jwk", b"{}\n", {("manifest", "malformed", "package.jwk")}),
        ("manifest.jws", "tökën".encode(), {("manifest", "malformed", "manifest.jws")}),
        (
            "manifest.jws",
            jws.sign(b"{}", key=KEY, typ="consentgate-package+jwt").encode(),
            {("manifest", "forged", "manifest.jws")},
        ),
        ("manifest.jws", OTHER_NAME, {("manifest", "malformed", "manifest.jws")}),
    ],
)
def test_a_key_or_signature_of_another_form_is_told(
    program: ModuleType, base: Path, tmp_path: Path, name: str, data: bytes, told: set[Found]
) -> None:
    forge = tiny().copy()
    forge.files[name] = data
    forge.list_files()
    forge.manifest = tiny().manifest
    forge.make_lists()
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert found(one) - {("files", "altered", "package.jwk")} == told


def test_the_signature_comes_before_the_key(program: ModuleType, base: Path, tmp_path: Path) -> None:
    forge = tiny().copy()
    forge.files["package.jwk"] = forge.files["manifest.jws"] = b"neither"
    forge.make_lists()
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert found(one) == {("manifest", "malformed", "manifest.jws"), ("files", "altered", "package.jwk")}


def test_a_timestamp_cannot_be_judged(program: ModuleType, base: Path, tmp_path: Path) -> None:
    forge = tiny().copy()
    forge.files["manifest.json.tsr"] = b"a stamp"
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert one.levels[-1].name == "timestamps"
    assert {level.name for level in one.levels if level.verdict != "holds"} == {"timestamps"}


def test_cosignatures_of_nobody_known_cannot_be_judged(
    program: ModuleType, base: Path, tmp_path: Path
) -> None:
    forge = tiny().copy()
    del forge.files[POLICY]
    forge.mend(PACKAGE_KEY)
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert {level.name: level.verdict for level in one.levels}["witnesses"] == "cannot_judge"
    assert one.findings == {}


def test_without_a_log_there_is_no_checkpoint_that_fails(
    program: ModuleType, base: Path, tmp_path: Path
) -> None:
    forge = tiny().copy()
    forge.manifest = {**forge.manifest, "logs": []}
    for path in [path for path in forge.files if path.startswith("data/log/")]:
        del forge.files[path]
    forge.mend()
    one, other = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert other["levels"]["checkpoint"] == "holds"
    assert {kind for level, kind, _ in found(one) if level == "records"} == {"malformed"}


def test_a_token_that_is_longer_than_any_is_not_read(program: ModuleType) -> None:
    with pytest.raises(program.Bad):
        program.read_jws("a.b." + "c" * 70_000, TYP, 1 << 16)
    with pytest.raises(program.Bad):
        program.unb64("AB")
    assert program.unb64("AA") == unb64("AA")
