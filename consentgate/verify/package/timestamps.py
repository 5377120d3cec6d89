"""Level ``timestamps``: that an authority which the reader trusts saw the manifest and the checkpoints, and when.

Invariants: only certificates that the reader brought lead to an authority, never those of the package; without them,
or without what reads timestamps, nothing is judged, and it is said how ``openssl`` does.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from consentgate.crypto import timestamp
from consentgate.crypto.timestamp import Authorities
from consentgate.errors import Malformed, SignatureInvalid
from consentgate.values import dataclass
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.manifest import MANIFEST, STAMP, Manifest
from consentgate.verify.package.result import Findings, Stamped

_LEVEL: Final = "timestamps"
_CERTS: Final = "Give the authority's certificates with --tsa-certs."
_RECIPE: Final = "openssl ts -verify -in {0}.tsr -data {0} -CAfile authority.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What timestamps came to.

    Attributes:
        stamped: those that hold.
        notes: what the reader has to do for more.
    """

    stamped: tuple[Stamped, ...] = ()
    notes: tuple[str, ...] = ()


def check_timestamps(
    files: PackageFolder, manifest: Manifest, authorities: Authorities | None, findings: Findings
) -> Judged:
    """Judge the level, where there are timestamps.

    Args:
        files: the package.
        manifest: its manifest.
        authorities: certificates that lead to authorities which the reader trusts; None where there are none.
        findings: takes what is wrong.

    Returns:
        What came of it.

    Raises:
        Unavailable: a file cannot be read.
    """
    there = dict(_there(files, manifest))
    if not there:
        return Judged()
    able = timestamp.available()
    if authorities is None or not able:
        findings.judged(_LEVEL, wholly=False)
        cures = [] if able else [f"Timestamps need an extra: {timestamp.EXTRA}."]
        cures += [_CERTS] if authorities is None else []
        recipes = "; ".join(_RECIPE.format(path) for path in there.values())
        return Judged(notes=(f"{' '.join(cures)} Or by hand (RECIPES.txt, number 10): {recipes}",))
    findings.judged(_LEVEL)
    found = [_judge(files, path, about, authorities, findings) for path, about in there.items()]
    return Judged(stamped=tuple(each for each in found if each is not None))


def _there(files: PackageFolder, manifest: Manifest) -> Iterator[tuple[str, str]]:
    about: Mapping[str, str] = {STAMP: MANIFEST} | {
        f"{log.folder}checkpoint.tsr": f"{log.folder}checkpoint" for log in manifest.logs.values()
    }
    # What is not there, the level of the file itself tells.
    return ((path, what) for path, what in about.items() if path in files)


def _judge(
    files: PackageFolder, path: str, about: str, authorities: Authorities, findings: Findings
) -> Stamped | None:
    try:
        answer = timestamp.read_answer(files.read(path, timestamp.LIMIT))
    except Malformed as error:
        findings.say(_LEVEL, "malformed", path, "a timestamp of RFC 3161", str(error))
        return None
    size = files.size(about)
    if size is None or not timestamp.covers(answer, data := files.read(about, size)):
        findings.say(_LEVEL, "altered", path, f"a timestamp of {about}", "one of other bytes")
        return None
    try:
        stamp = timestamp.verify_answer(answer, data, authorities)
    except SignatureInvalid as error:
        findings.say(_LEVEL, "forged", path, "an authority that you trust", str(error))
        return None
    return Stamped(path=about, by=stamp.by, at=stamp.at)
