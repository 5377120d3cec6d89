"""``consentgate verify PACKAGE``: what a package is, level by level, and what nobody but the reader can add."""

from typing import TYPE_CHECKING

from consentgate.canonical import Json
from consentgate.cli.command import Done
from consentgate.cli.text import faint, fields, findings_text, plain, table, word

if TYPE_CHECKING:
    from consentgate.verify.package.result import Judgement

_COVERS = {
    "files": "every listed file is there, and nothing else",
    "manifest": "the package key signed the list",
    "records": "each entry opens, and reads as it was sealed",
    "answers": "answers name what they answer; requests have an end",
    "statements": "issuers signed them",
    "artifacts": "what parts name is there",
    "tree": "the records are in the log",
    "checkpoint": "the log signed its size and root",
    "witnesses": "others cosigned",
    "timestamps": "others say when",
}


def package(folder: str, fingerprint: str | None, policy: str | None, tsa_certs: str | None) -> Done:
    """Verify a package and show what came of it.

    Args:
        folder: the package, as typed.
        fingerprint: as typed, or None.
        policy: a file, as typed, or None.
        tsa_certs: likewise.

    Returns:
        The same as text and JSON.
    """
    from pathlib import Path

    from consentgate.cli.terminal import progress
    from consentgate.config.packages import package_size, package_verified

    place = Path(folder)
    with progress("Verifying", package_size(place)) as bar:
        done = package_verified(
            place,
            fingerprint=fingerprint,
            policy=Path(policy) if policy else None,
            authorities=Path(tsa_certs) if tsa_certs else None,
            step=bar.step,
        )
    findings = tuple(each for some in done.findings.values() for each in some)
    blocks = [fields(_pairs(folder, done)), _levels(done)]
    if findings:
        blocks.append(findings_text(findings))
    blocks += done.notes
    blocks.append(
        " ".join(done.sentences) + ("" if done.confirmed or done.conclusion == "broken" else _COMPARE)
    )
    return Done(
        result=_result(folder, done), text="\n\n".join(blocks), findings=findings, exit=done.exit_code
    )


# Whether they are, the level records tells.
_SAID = ", as the manifest says"

_COMPARE = "\nCompare the key with the cover letter, then give it with --fingerprint."


def _pairs(folder: str, done: "Judgement") -> list[tuple[str, str]]:
    counts = done.counts
    pairs = [("package", folder), ("matter", plain(done.matter)), ("export", plain(done.export))]
    if counts:
        pairs += [
            ("records", f"{counts['exported']} of {counts['selected']} selected{_SAID}"),
            ("parts", f"{counts['parts_open']} open, {counts['parts_withheld']} withheld{_SAID}"),
        ]
    return [*pairs, ("conclusion", done.conclusion)]


def _levels(done: "Judgement") -> str:
    rows = [
        (each.name, word(each.verdict.replace("_", " ")), faint(_COVERS[each.name])) for each in done.levels
    ]
    return table(rows, ("level", "verdict", ""))


def _result(folder: str, done: "Judgement") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "package": folder,
        "conclusion": done.conclusion,
        "sentences": list(done.sentences),
        "matter": done.matter,
        "export": done.export,
        "fingerprint": done.fingerprint,
        "confirmed": done.confirmed,
        "witnesses": list(done.witnesses),
        "timestamps": [{"path": s.path, "by": s.by, "at": to_text(s.at)} for s in done.stamped],
        "notes": list(done.notes),
        "counts": dict(done.counts),
        "levels": [
            {
                "name": level.name,
                "verdict": level.verdict,
                "findings": [
                    {"kind": each.kind, "where": each.where} for each in done.findings.get(level.name, ())
                ],
            }
            for level in done.levels
        ],
    }
