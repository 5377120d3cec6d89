"""Write the rule packs from the research, one TOML file per jurisdiction, and their index; sign an index.

Usage::

    python tools/packs.py docs/law/jurisdictions.yaml consentgate/packs/data [CODE ...]
    python tools/packs.py --new-key FILE              makes a signing key, prints its line for the key list
    python tools/packs.py --sign FILE FOLDER          signs the index of a set with that key
    python tools/packs.py --index FOLDER VERSION      writes an index of the packs in a folder of your own

Without codes it writes every jurisdiction of the research. The packs depend on nothing but the research and
``citations.yaml`` beside it, so that a difference in a pack is a difference in these. Not part of the wheel; needs
PyYAML.
"""

import json
import os
import secrets
import sys
from base64 import b32encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from consentgate.packs import signature
from consentgate.packs.index import INDEX, NOTE
from consentgate.packs.packset import PackSet
from consentgate.packs.toml import load
from consentgate.tlog.notekey import NoteSigner
from tools.pack_text import render

# Folders for people, after the regions of UN M49; nothing depends on them but the paths in the index.
_REGIONS = {
    "africa": "BW CI DZ EG ET GH KE MA MU NG RW SN TN TZ UG ZA ZM ZW",
    "americas": "AR BR CL CO CR DO EC GT HN JM MX PA PE PY SV UY",
    "asia": "AE AM BD BH CN GE HK ID IL IN JO JP KR KZ LK MO MY NP OM PH PK QA SA SG TH TR TW VN",
    "canada": "CA",
    "europe": "AL BA BY CH GB GG IM JE MC MD MK RS RU UA XK",
    "oceania": "AU NZ",
    "united-states": "US",
}
_FOLDERS = {code: folder for folder, codes in _REGIONS.items() for code in codes.split()}
_CITATIONS = "citations.yaml"


def main(arguments: list[str]) -> int:
    """Do what the arguments say.

    Args:
        arguments: as in the usage above.

    Returns:
        The exit code.
    """
    match arguments:
        case ["--new-key", file]:
            sys.stdout.write(f'    "{_new_key(Path(file))}",\n')
        case ["--sign", file, folder]:
            _sign(Path(file), Path(folder))
        case ["--index", folder, version]:
            _index_of(Path(folder), version)
        case [research, folder, *codes] if not research.startswith("--"):
            write(Path(research), Path(folder), codes)
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2
    return 0


def write(research: Path, folder: Path, codes: list[str]) -> None:
    """Write packs and their index.

    Args:
        research: the file of the research.
        folder: where the packs go.
        codes: which ones; empty for all.
    """
    data = yaml.safe_load(research.read_text(encoding="utf-8"))
    citations = yaml.safe_load(research.with_name(_CITATIONS).read_text(encoding="utf-8"))
    entries = {entry["code"]: entry for entry in data["jurisdictions"]}
    members = {code for group in data["groups"].values() for code in group}
    index = {}
    for code in codes or sorted(entries):
        entry = {
            **entries[code],
            "groups": _groups(code, entries[code], data["groups"]),
            "laws": _laws(entries[code], citations["laws"].get(code, {})),
            "clauses": citations["clauses"].get(code, {}),
            "clauses_known": code in citations["from_knowledge"],
        }
        file = f"{_folder(code, entry['kind'], members)}/{code}.toml"
        text = render(entry).encode()
        load(text, file=file, code=code)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(text)
        index[code] = {"file": file, "sha256": sha256(text).hexdigest()}
    _write_index(folder, str(data["as_of"]).replace("-", "."), index)


def _laws(entry: Mapping[str, Any], more: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    unknown = more.keys() - {law["name"] for law in entry["laws"]}
    if unknown:
        raise SystemExit(f"{_CITATIONS}: {entry['code']} has no law named {sorted(unknown)}")
    return [{**law, **more.get(law["name"], {})} for law in entry["laws"]]


def _groups(code: str, entry: Mapping[str, Any], groups: Mapping[str, list[str]]) -> list[str]:
    listed = list(entry.get("groups") or ())
    missing = [name for name, members in groups.items() if code in members and name not in listed]
    if missing:
        raise SystemExit(f"{code} is a member of {missing} and does not list it")
    return listed


def _folder(code: str, kind: str, members: set[str]) -> str:
    if code in members or kind == "group":
        return "europe"
    return _FOLDERS.get(code.partition("-")[0], "world")


def _write_index(folder: Path, version: str, index: Mapping[str, Mapping[str, str]]) -> None:
    lines = [f"    {json.dumps(code)}: {json.dumps(index[code])}" for code in sorted(index)]
    packs = ",\n".join(lines)
    text = f'{{\n  "format": 1,\n  "version": {json.dumps(version)},\n  "packs": {{\n{packs}\n  }}\n}}\n'
    (folder / INDEX).write_text(text, encoding="utf-8")


def _index_of(folder: Path, version: str) -> None:
    files = {path.stem: path for path in sorted(folder.rglob("*.toml"))}
    index = {
        code: {"file": path.relative_to(folder).as_posix(), "sha256": sha256(path.read_bytes()).hexdigest()}
        for code, path in files.items()
    }
    _write_index(folder, version, index)


def _new_key(file: Path) -> str:
    name = b32encode(secrets.token_bytes(5)).decode().lower()
    signer = NoteSigner.generate(f"consentgate.invalid/packs/{name}", secrets.token_bytes)
    # Made with its mode, and never over another key.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(f"{signer.to_text()}\n")
    return signer.key.vkey


def _sign(file: Path, folder: Path) -> None:
    signer = NoteSigner.from_text(file.read_text(encoding="ascii").strip())
    packs = PackSet((folder / INDEX).read_bytes(), lambda name: (folder / name).read_bytes())
    packs.files()  # what is signed is there, and is what the index says
    note = signature.sign(signer, version=packs.version, digest=packs.digest)
    (folder / NOTE).write_text(note, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
