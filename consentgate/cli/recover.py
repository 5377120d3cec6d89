"""``consentgate log recover``: an epoch where the signer refuses for good."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Command, Done
from consentgate.cli.opening import settings_of
from consentgate.cli.text import fields, paragraph, title
from consentgate.errors import InvalidInput
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.config.recovery import Plan, Recovered
    from consentgate.entries.epoch import EpochRecord

_CURE = "Run `consentgate log sequence --once`, then `consentgate log sign --once`."


@click.command("recover", cls=Command, example="consentgate log recover --checkpoint anchored.txt --yes")
@click.option(
    "--checkpoint",
    "kept",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A checkpoint of the old log that was kept elsewhere. May be repeated.",
)
@click.option("--vkey", metavar="VKEY", help="The old log's public key; by default the file in the home.")
@click.option("--anyway", is_flag=True, help="Open an epoch although the signer signs: its key became known.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def recover(home: str | None, kept: tuple[str, ...], vkey: str | None, anyway: bool, yes: bool) -> Done:
    """Open an epoch: a new log with a new key, which begins with what is lost of the old one.

    For a signer that refuses for good: its state is lost or rolled back, or the database was restored to an older
    copy or edited. Compare with backups and anchors first: what was signed and is not here is written down as lost.
    The old log stays as it is and is verified up to what survived. Give the new vkey to everybody who verifies.
    """
    from pathlib import Path

    from consentgate.cli.terminal import ask, can_ask, note
    from consentgate.config.recovery import recover as recover_log

    if not yes and not can_ask():
        raise InvalidInput("There is nobody to ask: look at what is lost, then write --yes.")

    def agreed(plan: "Plan") -> bool:
        note(_plan(plan))
        return yes or ask("Open the epoch? Write yes") == "yes"

    done = recover_log(
        settings_of(home), agreed=agreed, kept=[Path(each) for each in kept], vkey=vkey, anyway=anyway
    )
    if done is None:
        return Done(result={"opened": False}, text="Nothing was changed.")
    return _shown(done)


def _plan(plan: "Plan") -> str:
    why = plan.why or "The signer signs; an epoch is opened since --anyway asks for it."
    return f"{paragraph(why)}\n\n{fields(_pairs(plan.record))}\n"


def _pairs(record: "EpochRecord") -> list[tuple[str, str]]:
    known = f"{record.signed} entries" if record.signed else "nothing that is known"
    return [
        ("old log", f"{record.old_log}, {record.old_origin}"),
        ("signed", known),
        ("still so", f"{record.sound} of them, under a root that was signed"),
        ("lost", f"{record.lost} of them: gone, or not as they were signed" if record.lost else "nothing"),
        ("gone", f"{record.gone} entries of those" if record.gone else ""),
        ("left", f"{record.sequenced} positions; {record.entries} entries will be logged again"),
    ]


def _shown(done: "Recovered") -> Done:
    record = done.record
    result: dict[str, Json] = {"opened": True, "vkey": done.vkey, "size": done.size, **record.members()}
    pairs = [
        ("epoch", f"{record.log}, {record.origin}"),
        ("vkey", done.vkey),
        ("size", f"{done.size} entries, signed"),
        *_pairs(record),
    ]
    text = f"{title('An epoch was opened.')}\n\n{fields(pairs)}"
    if done.failure is None:
        return Done(result=result, text=text)
    finding = Finding(
        kind="unsigned",
        where="log",
        expected="a checkpoint over the new log",
        found=str(done.failure),
        cure=_CURE,
    )
    said = paragraph(f"It is not signed yet: {done.failure} {_CURE}")
    return Done(result=result, text=f"{text}\n\n{said}", findings=(finding,), exit=INCOMPLETE)
