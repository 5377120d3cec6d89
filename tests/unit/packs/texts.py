"""Small packs as TOML, and sets of them in memory."""

import json
from collections.abc import Mapping
from hashlib import sha256

from consentgate.packs.packset import PackSet

LAW = '[[laws]]\nname = "Act"\ncitation = "Act s. 1"\nstatus = "in_force"\n'


def pack_text(
    code: str,
    requirements: str = "",
    *,
    kind: str = "country",
    parents: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    since: str = "2000-01-01",
    extra: str = "",
) -> str:
    return (
        f'format = 1\ncode = "{code}"\nname = "{code}"\nkind = "{kind}"\ntier = 1\n'
        f'confidence = "source-read"\nparents = {json.dumps(parents)}\ngroups = {json.dumps(groups)}\n'
        f"{LAW}[[versions]]\nfrom = {since}\n[versions.requirements]\n{requirements}\n{extra}"
    )


def pack_set(*texts: str) -> PackSet:
    files = {text.split('code = "')[1].split('"')[0]: text.encode() for text in texts}
    return set_of(files)


def set_of(files: Mapping[str, bytes]) -> PackSet:
    packs = {c: {"file": f"x/{c}.toml", "sha256": sha256(data).hexdigest()} for c, data in files.items()}
    index = json.dumps({"format": 1, "packs": packs}).encode()
    return PackSet(index, lambda file: files[file.removeprefix("x/").removesuffix(".toml")])
