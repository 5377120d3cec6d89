"""Level ``bytes``: every row says what its bytes say, and every index row belongs to an entry.

Invariants: hashes and digests are recomputed, never read; an index column that differs from the leaf is
found, whichever of the two was changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from consentgate import moment
from consentgate.consent import notice as notices
from consentgate.entries.leaf import Leaf, decode
from consentgate.entries.parts import require_digest, split_parts
from consentgate.errors import Malformed
from consentgate.tlog.merkle import leaf_hash
from consentgate.verify.known import RESTORE, Entries, EntryId, Known, altered, extra, known_of, missing
from consentgate.verify.result import Finding
from consentgate.verify.source import (
    ArtifactRow,
    EntryRow,
    LedgerSource,
    NoticeRow,
    StatementRow,
    name_of,
)

_MANIFEST: Final = "notice-manifest"
_LEAF: Final = "the bytes of a leaf, version 1"


def check_stored(source: LedgerSource) -> tuple[Entries, list[Finding]]:
    """Read the ledger and compare every row with its bytes.

    Args:
        source: the ledger.

    Returns:
        What is known of each entry, in order, and the findings.
    """
    entries: dict[EntryId, Known] = {}
    findings: list[Finding] = []
    for row in source.entries():
        found, known = _entry(row)
        findings += found
        if (known.tenant, known.id) in entries:
            findings.append(extra(known.name, "a second row of this id"))
        else:
            entries[known.tenant, known.id] = known
    findings += _statements(source.statements(), entries)
    artifacts = {}
    for artifact in source.artifacts():
        artifacts[artifact.tenant, artifact.digest] = artifact
        if sha256(artifact.content).digest() != artifact.digest:
            where = f"artifact {artifact.digest.hex()}"
            findings.append(altered(where, "bytes of this SHA-256", sha256(artifact.content).hexdigest()))
    named = set()
    for name in source.notices():
        findings += _notice(name, artifacts)
        named.add((name.tenant, name.manifest))
    for key, artifact in artifacts.items():
        # The two are written together: a manifest without a name means that the name was deleted.
        if artifact.kind == _MANIFEST and key not in named:
            findings.append(missing(f"notice of manifest {artifact.digest.hex()}", "its row"))
    return entries, findings


def _entry(row: EntryRow) -> tuple[list[Finding], Known]:
    recomputed = leaf_hash(row.leaf)
    try:
        leaf = decode(row.leaf)
    except Malformed as problem:
        known = known_of(row, None, recomputed)
        found = Finding(
            kind="malformed",
            where=known.name,
            expected=_LEAF,
            found=str(problem),
            cure=RESTORE,
        )
        return [found], known
    known = known_of(row, leaf, recomputed)
    return [*_columns(row, leaf, recomputed, known.name), *_parts(row, leaf, known.name)], known


def _columns(row: EntryRow, leaf: Leaf, recomputed: bytes, name: str) -> Iterator[Finding]:
    about = int(any(not each.p.startswith("body.") for each in leaf.parts))
    for column, stored, said in (
        ("hash", row.hash.hex(), recomputed.hex()),
        ("id", row.id.hex(), leaf.id.hex),
        ("kind", row.kind, leaf.kind),
        ("at", str(row.at), str(moment.to_millis(leaf.at))),
        ("about", str(row.about), str(about)),
        ("w", row.w.hex(), leaf.w.hex()),
        ("n", str(row.n), str(leaf.n)),
        ("re", row.re.hex(), leaf.re.id.hex if leaf.re else ""),
        ("end", row.end, leaf.end or ""),
    ):
        if stored != said:
            yield altered(f"{name}, column {column}", said, stored)


def _parts(row: EntryRow, leaf: Leaf, name: str) -> Iterator[Finding]:
    tokens = split_parts(row.parts)
    if len(tokens) != len(leaf.parts):
        yield altered(f"{name}, parts", f"{len(leaf.parts)} parts", f"{len(tokens)} parts")
        return
    for ref, token in zip(leaf.parts, tokens, strict=True):
        try:
            require_digest(ref, token)
        except Malformed:
            yield altered(f"{name}, part {ref.p}", f"the token of SHA-256 {ref.d.hex()}", "another token")


def _statements(rows: Iterable[StatementRow], entries: Entries) -> Iterator[Finding]:
    indexed = set()
    for row in rows:
        where = f"statement index of entry {name_of(row.entry)}"
        known = entries.get((row.tenant, row.entry))
        if known is None or known.kind != "statement":
            yield extra(where, "an index row without its statement")
        elif (row.tenant, row.entry) in indexed:
            yield extra(where, "a second index row")
        indexed.add((row.tenant, row.entry))
    for name, known in entries.items():
        if known.kind == "statement" and name not in indexed:
            yield missing(f"statement index of {known.name}", "an index row")


def _notice(row: NoticeRow, artifacts: Mapping[tuple[str, bytes], ArtifactRow]) -> Iterator[Finding]:
    where = f"notice {row.id} {row.version} ({row.language})"
    if (row.tenant, row.digest) not in artifacts:
        yield missing(f"{where}, text", f"the artifact {row.digest.hex()}")
    stored = artifacts.get((row.tenant, row.manifest))
    if stored is None:
        yield missing(f"{where}, manifest", f"the artifact {row.manifest.hex()}")
        return
    try:
        manifest = notices.decode(stored.content)
    except Malformed as problem:
        yield altered(f"{where}, manifest", "a manifest", str(problem))
        return
    for column, in_row, in_manifest in (
        ("id", row.id, manifest.id),
        ("version", row.version, manifest.version),
        ("language", row.language, manifest.language),
        ("digest", row.digest.hex(), manifest.digest.hex()),
    ):
        if in_row != in_manifest:
            yield altered(f"{where}, column {column}", in_manifest, in_row)
