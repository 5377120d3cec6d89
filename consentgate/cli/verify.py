"""``consentgate verify``: recompute everything, and say level by level what holds until when."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Command, Done
from consentgate.cli.opening import settings_of
from consentgate.cli.text import faint, fields, findings_text, moment_text, table, word

if TYPE_CHECKING:
    from consentgate.config.verification import Verified
    from consentgate.verify.result import Level

_COVERS = {
    "bytes": "every row says what its bytes say",
    "lanes": "no connection's chain has a gap",
    "tree": "the log has every entry once",
    "signature": "this tree was signed",
    "signer": "the signer remembers the same",
    "pairing": "every request has its end",
    "links": "sealed parts can be found and opened",
}


@click.command("verify", cls=Command, example='consentgate verify --vkey "$(cat log.vkey)"')
@click.option(
    "--vkey", metavar="VKEY", help="The log's public key, as you trust it; by default log.vkey in the home."
)
@click.option(
    "--no-keys", is_flag=True, help="Open nothing that is sealed; the level links then cannot be judged."
)
def verify(home: str | None, vkey: str | None, no_keys: bool) -> Done:
    """Recompute everything, and say level by level what holds until when.

    Each row is compared with its entry and back. Nothing is repaired and no stored hash is trusted. Exit code
    0 holds, 1 broken, 3 cannot judge, 4 incomplete: an open request, or entries that are not signed yet.
    """
    from consentgate.cli.terminal import progress
    from consentgate.config.verification import verify_deployment, work_of

    settings = settings_of(home)
    with progress("Verifying", work_of(settings)) as bar:
        done = verify_deployment(settings, vkey=vkey, with_keys=not no_keys, step=bar.step)
    return _shown(done)


def _shown(done: "Verified") -> Done:
    levels: list[Json] = [_item(level) for level in done.verification.levels]
    result: dict[str, Json] = {
        "levels": levels,
        "entries": done.entries,
        "origin": done.origin,
        "vkey": done.vkey,
        "vkey_from": done.vkey_from,
        "test_database": done.test,
    }
    rows = [
        (
            level.name,
            word(level.verdict.replace("_", " ")),
            moment_text(level.until),
            faint(_COVERS.get(level.name, "")),
        )
        for level in done.verification.levels
    ]
    pairs = [
        ("entries", str(done.entries)),
        ("log", done.origin or "none"),
        ("vkey from", done.vkey_from or "nowhere: give --vkey"),
        ("note", done.note),
        ("database", "a test database: a test clock was used on it" if done.test else ""),
    ]
    blocks = [fields(pairs), table(rows, ("level", "verdict", "until", ""))]
    if done.verification.findings:
        blocks.append(findings_text(done.verification.findings))
    return Done(
        result=result,
        text="\n\n".join(blocks),
        findings=done.verification.findings,
        exit=done.verification.exit_code,
    )


def _item(level: "Level") -> dict[str, Json]:
    from consentgate.moment import to_text

    return {
        "name": level.name,
        "verdict": level.verdict,
        "until": to_text(level.until) if level.until else None,
    }
