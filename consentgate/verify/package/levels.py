"""Verification of a package: offline, without a database, by what is in the folder and what the reader brings.

::

    files manifest records answers statements artifacts tree checkpoint (witnesses) (timestamps)

What each covers: ``files`` that every listed file is there with its hash, and nothing else; ``manifest`` that the
package key signed the list; ``records`` that each entry is one, opens, and reads as it was sealed; ``answers`` that
an answer names what it answers; ``statements`` that issuers signed them; ``artifacts`` that what parts name is there;
``tree`` that the records are in the log; ``checkpoint`` that the log signed; ``witnesses`` that others cosigned;
``timestamps`` that an authority saw manifest and checkpoints.

Invariants: whatever the folder holds, the result is a `Judgement`; three programs in two languages find the same.
Memory does not grow with records and files, but for 40 bytes of each record, and for the signed manifest, which has
to be in one piece: 300 bytes of each file.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Final

from consentgate.crypto.timestamp import Authorities
from consentgate.tlog.policy import Policy
from consentgate.verify.package.answers import Answers
from consentgate.verify.package.artifacts import Artifacts
from consentgate.verify.package.folder import PackageFolder, shown
from consentgate.verify.package.listed import check_files
from consentgate.verify.package.logs import Leaves, check_checkpoints, check_trees, check_witnesses
from consentgate.verify.package.manifest import ListedFiles, Manifest
from consentgate.verify.package.records import Records
from consentgate.verify.package.result import LEVELS, Findings, Judgement
from consentgate.verify.package.signing import check_signature, read_manifest
from consentgate.verify.package.statements import Statements
from consentgate.verify.package.timestamps import Judged, check_timestamps

_NAMED: Final = 3


def verify_package(
    folder: Path,
    *,
    fingerprint: str | None = None,
    policy: Policy | None = None,
    authorities: Authorities | None = None,
    step: Callable[[int], None] = lambda _: None,
    elsewhere: Mapping[str, Path] = MappingProxyType({}),
) -> Judgement:
    """Verify a package.

    Args:
        folder: the package.
        fingerprint: of the package key, from outside the package; None where the reader has none.
        policy: the witnesses that the reader trusts, or None.
        authorities: certificates that lead to timestamping authorities which the reader trusts, or None.
        step: told how many records were read, again and again.
        elsewhere: where files of the package are that are not in the folder, by their paths in it.

    Returns:
        Levels, findings, and what they come to.

    Raises:
        InvalidInput: there is no such folder.
        Unavailable: a file cannot be read.
    """
    findings = Findings()
    with closing(PackageFolder(folder, elsewhere)) as files, closing(ListedFiles()) as listed:
        if (manifest := read_manifest(files, listed, findings)) is None:
            return _unread(findings)
        found = check_signature(files, manifest, fingerprint, findings)
        _records(files, manifest, findings, step)
        witnesses, stamps = _signed(files, manifest, policy, authorities, findings)
    return Judgement(
        levels=findings.levels(),
        findings=findings.by_level(),
        fingerprint=found,
        confirmed=found is not None and found == fingerprint,
        witnesses=witnesses,
        stamped=stamps.stamped,
        notes=(*stamps.notes, *_ignored(files)),
        counts=manifest.counts,
        matter=manifest.matter,
        export=manifest.export,
    )


def _unread(findings: Findings) -> Judgement:
    """Say no more than that there is no manifest to go by."""
    for name in LEVELS[:8]:
        findings.judged(name, wholly=False)
    return Judgement(levels=findings.levels(), findings=findings.by_level())


def _ignored(files: PackageFolder) -> tuple[str, ...]:
    """Say what was left out, so that nobody wonders."""
    if not files.ignored:
        return ()
    named = ", ".join(map(shown, files.ignored[:_NAMED])) + (", ..." if files.ignored[_NAMED:] else "")
    count = len(files.ignored)
    return (
        f"Not of the package and not looked at: {count} files that computers leave in folders ({named}).",
    )


def _signed(
    files: PackageFolder,
    manifest: Manifest,
    policy: Policy | None,
    authorities: Authorities | None,
    findings: Findings,
) -> tuple[tuple[str, ...], Judged]:
    """Judge who signed and cosigned the logs, and who saw them when."""
    notes = check_checkpoints(files, manifest, findings)
    witnesses = check_witnesses(files, manifest, notes, policy, findings)
    return witnesses, check_timestamps(files, manifest, authorities, findings)


def _records(
    files: PackageFolder, manifest: Manifest, findings: Findings, step: Callable[[int], None]
) -> None:
    """Judge the files, and what goes along the records."""
    files.leave_out(manifest.files.__contains__)
    check_files(files, manifest, findings)
    artifacts = Artifacts(files, findings)
    leaves = {number: Leaves() for number in manifest.logs}
    records = Records(files, manifest, findings)
    in_order = True
    with (
        closing(Statements(files, artifacts.keys(manifest), findings)) as statements,
        closing(Answers(manifest.at)) as answers,
    ):
        for read in records:
            in_order = in_order and read.in_order
            answers.take(read.line)
            statements.take(read.line, read.contents)
            artifacts.take(read.contents)
            if in_order:
                leaves[read.line.log].take(read.line)
            step(1)
        answers.finish(findings, wholly=records.whole)
        statements.finish(manifest, wholly=records.whole, read=records.read)
    artifacts.finish(wholly=records.whole)
    check_trees(files, manifest, leaves if records.read and in_order else None, findings)
