"""Level ``files``: every listed file is there with its hash, nothing else is, and the lists for other tools agree.

Invariant: a file is compared with the manifest, and a list with what the manifest says; so one altered file is one
finding, at its own path.
"""

from typing import Final

from consentgate.verify.package.folder import PackageFolder, list_of, shown
from consentgate.verify.package.manifest import (
    MANIFEST,
    PAYLOAD_LIST,
    SIGNATURE,
    SUMS,
    TAG_LIST,
    UNLISTED,
    Manifest,
)
from consentgate.verify.package.result import Findings

_DATA: Final = "data/"
_STAMP: Final = ".tsr"


def check_files(folder: PackageFolder, manifest: Manifest, findings: Findings) -> None:
    """Judge the level.

    Args:
        folder: the package.
        manifest: its manifest.
        findings: takes what is wrong.
    """
    findings.judged("files")
    for path in folder.strange:
        findings.say("files", "malformed", shown(path), "a file", "a link or a device, which was not opened")
    strange = frozenset(folder.strange)
    for path, listed in manifest.files.items():
        if path in strange:
            continue
        if path not in folder:
            findings.say("files", "missing", path, "the file that the manifest lists", "nothing")
        elif folder.sizes[path] != listed.size:
            findings.say("files", "altered", path, f"{listed.size} bytes", f"{folder.sizes[path]} bytes")
        elif (found := folder.sha256(path).hex()) != listed.sha256:
            findings.say("files", "altered", path, f"SHA-256 {listed.sha256}", f"SHA-256 {found}")
    for path in sorted(folder.sizes.keys() - manifest.files.keys() - UNLISTED):
        findings.say("files", "extra", shown(path), "nothing", "a file that the manifest does not list")
    for name, content in _lists(folder, manifest).items():
        _compare(folder, name, content, findings)


def _lists(folder: PackageFolder, manifest: Manifest) -> dict[str, bytes]:
    listed = {path: each.sha256 for path, each in manifest.files.items()}

    def real(*names: str) -> dict[str, str]:
        return {name: folder.sha256(name).hex() for name in names if name in folder}

    payload = {path: digest for path, digest in listed.items() if path.startswith(_DATA)}
    of_all = listed | real(MANIFEST, SIGNATURE, PAYLOAD_LIST)
    of_tags = {path: digest for path, digest in of_all.items() if path not in payload} | real(SUMS)
    return {
        PAYLOAD_LIST: list_of(payload),
        SUMS: list_of(_unstamped(of_all)),
        TAG_LIST: list_of(_unstamped(of_tags)),
    }


def _unstamped(lines: dict[str, str]) -> dict[str, str]:
    return {path: digest for path, digest in lines.items() if not path.endswith(_STAMP)}


def _compare(folder: PackageFolder, name: str, content: bytes, findings: Findings) -> None:
    if name not in folder:
        findings.say("files", "missing", name, "the list of digests", "nothing")
        return
    # Nothing longer than what is expected is read.
    same = folder.sizes[name] == len(content) and folder.read(name, len(content)) == content
    if not same:
        findings.say("files", "altered", name, "the digests of the manifest", "another text")
