"""``consentgate verify``: recompute everything, and say level by level what holds until when."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Command, Done
from consentgate.cli.opening import settings_of
from consentgate.cli.text import faint, fields, findings_text, moment_text, table, word
from consentgate.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from consentgate.config.places import Newest
    from consentgate.config.verification import Verified
    from consentgate.verify.result import Level, Verification

_COVERS = {
    "bytes": "every row says what its bytes say",
    "lanes": "no connection's chain has a gap",
    "tree": "the log has every entry once",
    "signature": "this tree was signed",
    "signer": "the signer remembers the same",
    "epochs": "logs that were ended are as they were then",
    "witnesses": "enough witnesses cosigned",
    "anchors": "places elsewhere keep the same",
    "pairing": "every request has its end",
    "links": "sealed parts can be found and opened",
}

_OF_RECEIPT = {
    "bytes": "the leaf is one of an entry",
    "tree": "the leaf is in the tree",
    "signature": "this tree was signed",
    "witnesses": "enough witnesses cosigned",
}


@click.command("verify", cls=Command, example='consentgate verify --vkey "$(cat log.vkey)"')
@click.argument("package", required=False, type=click.Path(exists=True, file_okay=False))
@click.option(
    "--fingerprint", metavar="F", help="Of the key that signed PACKAGE, from the cover letter beside it."
)
@click.option(
    "--vkey", metavar="VKEY", help="The log's public key, as you trust it; by default log.vkey in the home."
)
@click.option(
    "--proof",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Verify this receipt alone; no database is opened.",
)
@click.option(
    "--leaf",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="With --proof: the entry's leaf, where the receipt does not carry it.",
)
@click.option(
    "--policy",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The witnesses that you trust, and how many of them have to have cosigned (C2SP tlog-policy).",
)
@click.option(
    "--tsa-certs", metavar="FILE", help="Certificates of timestamping authorities that you trust, PEM."
)
@click.option(
    "--from",
    "pinned",
    metavar="CHECKPOINT",
    type=click.Path(exists=True, dir_okay=False),
    help="A signed checkpoint that an earlier verification covered: what it covers is not read again.",
)
@click.option(
    "--no-keys", is_flag=True, help="Open nothing that is sealed; the level links then cannot be judged."
)
def verify(
    home: str | None,
    package: str | None,
    fingerprint: str | None,
    vkey: str | None,
    proof: str | None,
    leaf: str | None,
    policy: str | None,
    tsa_certs: str | None,
    pinned: str | None,
    no_keys: bool,
) -> Done:
    """Recompute everything, and say level by level what holds until when.

    Each row is compared with its entry and back. Nothing is repaired and no stored hash is trusted. Exit code
    0 holds, 1 broken, 3 cannot judge, 4 incomplete: an open request, or entries that are not signed yet.

    With PACKAGE, the folder of an export is verified instead, without database, home and network. Exit code 0 the key
    is the one that you gave, 1 broken, 3 nobody confirmed the key, 4 confirmed, but something is withheld or open.
    """
    if package is not None:
        _refuse(vkey=vkey, proof=proof, leaf=leaf, **{"from": pinned, "no-keys": no_keys})
        from consentgate.cli.packaged import package as verify_package

        return verify_package(package, fingerprint, policy, tsa_certs)
    for option, value in (("fingerprint", fingerprint), ("tsa-certs", tsa_certs)):
        if value is not None:
            raise InvalidInput(f"--{option} belongs to PACKAGE.")
    if proof is not None:
        if pinned is not None:
            raise InvalidInput("--from does not go with --proof.")
        return _receipt(home, vkey, proof, leaf, policy)
    if leaf is not None:
        raise InvalidInput("--leaf belongs to --proof.")
    return _deployment(home, vkey, policy, pinned, with_keys=not no_keys)


def _refuse(**given: object) -> None:
    for option, value in given.items():
        if value:
            raise InvalidInput(f"--{option} does not go with PACKAGE.")


def levels_shown(
    verification: "Verification", covers: Mapping[str, str], pairs: Sequence[tuple[str, str]], **more: Json
) -> Done:
    """Show what a verification of files came to.

    Args:
        verification: levels and findings.
        covers: what each level covers, in words.
        pairs: what else to say, above the levels.
        more: further members of the result.

    Returns:
        The same as text and JSON.
    """
    blocks = [fields(pairs), _table(verification, covers)]
    if verification.findings:
        blocks.append(findings_text(verification.findings))
    return Done(
        result={"levels": [_item(level) for level in verification.levels], **more},
        text="\n\n".join(filter(None, blocks)),
        findings=verification.findings,
        exit=verification.exit_code,
    )


def _deployment(
    home: str | None, vkey: str | None, policy: str | None, pinned: str | None, *, with_keys: bool
) -> Done:
    from consentgate.cli.terminal import progress
    from consentgate.config.since import read_pinned
    from consentgate.config.verification import trusted_vkey, verify_deployment, work_of

    settings = settings_of(home)
    start = read_pinned(Path(pinned), trusted_vkey(settings, vkey)) if pinned is not None else None
    with progress("Verifying", work_of(settings, start)) as bar:
        done = verify_deployment(
            settings,
            vkey=vkey,
            with_keys=with_keys,
            step=bar.step,
            policy=Path(policy) if policy else None,
            pinned=start,
        )
    return _shown(done)


def _receipt(home: str | None, vkey: str | None, proof: str, leaf: str | None, policy: str | None) -> Done:
    from consentgate.config.receipts import receipt_verified

    known, whence = vkey_for_files(home, vkey)
    done = receipt_verified(
        Path(proof), known, leaf=Path(leaf) if leaf else None, policy=Path(policy) if policy else None
    )
    return levels_shown(done, _OF_RECEIPT, [("receipt", proof), ("vkey from", whence)])


def vkey_for_files(home: str | None, vkey: str | None) -> tuple[str | None, str]:
    """Choose the key that files are held against; without a home there may be none.

    Args:
        home: the home folder as typed, or None.
        vkey: the key as typed, or None.

    Returns:
        The key or None, and where it came from in words.
    """
    from consentgate.config.upkeep import vkey_of
    from consentgate.errors import Misconfigured

    if vkey is not None:
        return vkey, "command line"
    try:
        known = vkey_of(settings_of(home))
    except Misconfigured:
        known = None
    return known, "home" if known else "nowhere: give --vkey"


def _table(verification: "Verification", covers: Mapping[str, str]) -> str:
    rows = [
        (
            level.name,
            word(level.verdict.replace("_", " ")),
            moment_text(level.until),
            faint(covers.get(level.name, "")),
        )
        for level in verification.levels
    ]
    return table(rows, ("level", "verdict", "until", ""))


def _shown(done: "Verified") -> Done:
    from consentgate.cli.pinned import left_out, pinned_item
    from consentgate.verify.prefix import NOT_JUDGED

    result: dict[str, Json] = {
        "levels": [_item(level) for level in done.verification.levels],
        "entries": done.entries,
        "origin": done.origin,
        "vkey": done.vkey,
        "vkey_from": done.vkey_from,
        "test_database": done.test,
        "anchors": [_anchor(each, done.at) for each in done.anchors],
        "pinned": pinned_item(done.pinned, NOT_JUDGED),
    }
    pairs = [
        ("entries", str(done.entries)),
        ("log", done.origin or "none"),
        ("vkey from", done.vkey_from or "nowhere: give --vkey"),
        *left_out(done.pinned, NOT_JUDGED),
        ("anchors", "\n".join(_anchored(each, done.at) for each in done.anchors)),
        ("note", done.note),
        ("database", "a test database: a test clock was used on it" if done.test else ""),
    ]
    blocks = [fields(pairs), _table(done.verification, _COVERS)]
    if done.verification.findings:
        blocks.append(findings_text(done.verification.findings))
    return Done(
        result=result,
        text="\n\n".join(blocks),
        findings=done.verification.findings,
        exit=done.verification.exit_code,
    )


def _anchor(kept: "Newest", now: "datetime") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "name": kept.name,
        "kind": kept.kind,
        "size": kept.size,
        "at": to_text(kept.at) if kept.at else None,
        "age_s": int((now - kept.at).total_seconds()) if kept.at else None,
    }


def _anchored(kept: "Newest", now: "datetime") -> str:
    if kept.at is None:
        return f"{kept.name}: nothing yet"
    return f"{kept.name}: {kept.size} entries, {moment_text(kept.at)}, {int((now - kept.at).total_seconds())} s ago"


def _item(level: "Level") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "name": level.name,
        "verdict": level.verdict,
        "until": to_text(level.until) if level.until else None,
    }
