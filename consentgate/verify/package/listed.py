"""Level ``files``: every listed file is there with its hash, nothing else is, and the lists for other tools agree.

Invariant: a file is compared with the manifest, and a list with what the manifest says; so one altered file is one
finding, at its own path.
"""

from collections.abc import Iterator
from heapq import merge
from typing import Final, TypeAlias

from consentgate.verify.package.folder import PackageFolder, shown
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

_Lines: TypeAlias = Iterator[tuple[str, str]]


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
    for listed in manifest.files:
        path = listed.path
        if path in strange:
            continue
        size = folder.size(path)
        if size is None:
            findings.say("files", "missing", path, "the file that the manifest lists", "nothing")
        elif size != listed.size:
            findings.say("files", "altered", path, f"{listed.size} bytes", f"{size} bytes")
        elif (found := folder.sha256(path).hex()) != listed.sha256:
            findings.say("files", "altered", path, f"SHA-256 {listed.sha256}", f"SHA-256 {found}")
    for path in folder:
        if path not in UNLISTED and path not in manifest.files:
            findings.say("files", "extra", shown(path), "nothing", "a file that the manifest does not list")
    for name, lines in _lists(folder, manifest).items():
        _compare(folder, name, lines, findings)


def _lists(folder: PackageFolder, manifest: Manifest) -> dict[str, _Lines]:
    def real(*names: str) -> list[tuple[str, str]]:
        return [(name, folder.sha256(name).hex()) for name in sorted(names) if name in folder]

    def listed(*, payload: bool, tags: bool) -> _Lines:
        pairs = ((each.path, each.sha256) for each in manifest.files)
        return (pair for pair in pairs if (payload if pair[0].startswith(_DATA) else tags))

    followed = (MANIFEST, SIGNATURE, PAYLOAD_LIST)
    return {
        PAYLOAD_LIST: listed(payload=True, tags=False),
        SUMS: _unstamped(merge(listed(payload=True, tags=True), real(*followed))),
        TAG_LIST: _unstamped(merge(listed(payload=False, tags=True), real(*followed, SUMS))),
    }


def _unstamped(lines: _Lines) -> _Lines:
    return (line for line in lines if not line[0].endswith(_STAMP))


def _compare(folder: PackageFolder, name: str, lines: _Lines, findings: Findings) -> None:
    if name not in folder:
        findings.say("files", "missing", name, "the list of digests", "nothing")
    elif not folder.holds(name, (f"{digest}  {path}\n".encode() for path, digest in lines)):
        findings.say("files", "altered", name, "the digests of the manifest", "another text")
