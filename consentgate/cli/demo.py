"""``consentgate demo``: the main job, from signed consents to verified evidence, on this machine alone."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, FINDING, Command, Done
from consentgate.cli.text import faint, title, word

if TYPE_CHECKING:
    from consentgate.cli.story import Call, Story, Told
    from consentgate.config.verification import Verified

# Width of the middle column, so that a line fits a screen of 80.
_WIDE = 45
_SAID = {"grant": "grant", "grant_elsewhere": "grant", "refusal": "refusal"}
_HOW = {
    "ivr_dtmf": "key press in the IVR",
    "web_esign": "signed on the web, token from outside",
    "voice_recording": "spoken, recorded",
}


@click.command("demo", cls=Command, example="consentgate demo --keep demo-home")
@click.option("--keep", metavar="FOLDER", type=click.Path(), help="Keep the demo's home in this new folder.")
def demo(home: str | None, keep: str | None) -> Done:  # noqa: ARG001  # every command has --home; this one makes its own
    """Watch the main job run, from signed consents to verified evidence.

    A real boto3 client talks over HTTP to a loopback server that is made from botocore's model of Chime SDK
    Voice. Nothing leaves this machine.
    """
    from consentgate.cli.story import play

    with _folder(keep) as folder:
        story = play(folder)
    fine = story.holds.verification.exit_code == DONE and story.flipped.verification.exit_code == FINDING
    return Done(result=_result(story, keep), text=_text(story, keep), exit=DONE if fine else FINDING)


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        yield Path(keep).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="consentgate-demo-") as made:
        yield Path(made) / "home"


def _text(story: "Story", keep: str | None) -> str:
    searches = len(story.calls) + 1
    finding = story.flipped.verification.findings[0]
    # The entry by the end of its id, as everywhere on this screen.
    where = finding.where.partition(",")[0]
    where = f"{where.partition(' ')[0]} {where[-8:]}"
    levels = " · ".join(level.name for level in story.holds.verification.levels)
    lines = [
        title("What they said before") + faint("  signed statements, sealed in the ledger"),
        *(_told_line(told) for told in story.told),
        "",
        title("They call; a voice search each") + faint("  law of the caller's place, every reason at once"),
        *(_call_line(call) for call in story.calls),
        _line("Ada", "", "withdraws", "key 9 in the IVR, then she calls again", story.withdrawal),
        _call_line(story.after),
        "",
        title("The evidence") + faint("  hashes recomputed, nothing taken for granted"),
        f"  sent      {story.reached} of {searches} searches reached the vendor, each after a durable intent",
        f"  verify    {_verdict(story.holds)}   {levels}",
        f"  tampered  {word('found')}   one bit of a copy flipped: {finding.kind}, {where}",
    ]
    look = f"entries list --home {keep}" if keep is not None else "demo --keep FOLDER"
    lines.append(faint(f"  look      consentgate {look}"))
    return "\n".join(lines)


def _told_line(told: "Told") -> str:
    caller = told.caller
    return _line(caller.name, caller.code or "?", _SAID[caller.said], _HOW[caller.method], told.entry)


def _call_line(call: "Call") -> str:
    return _line(call.caller.name, call.caller.code or "?", call.verdict, call.what, call.entry, call.law)


def _line(name: str, place: str, verdict: str, what: str, entry: str, aside: str = "") -> str:
    room = _WIDE - len(what) - 2
    law = aside if len(aside) <= room else aside[: max(room - 1, 0)].rpartition(" ")[0].rstrip(",;") + "…"
    text = f"{what}  {faint(law)}" + " " * (room - len(law)) if law else f"{what:<{_WIDE}}"
    return f"  {name:<5} {place:<6} {word(verdict)}{' ' * (10 - len(verdict))}{text}  {faint(entry[-8:])}"


def _verdict(verified: "Verified") -> str:
    return word({DONE: "holds", FINDING: "broken"}.get(verified.verification.exit_code, "incomplete"))


def _result(story: "Story", keep: str | None) -> dict[str, Json]:
    return {
        "statements": [
            {"who": t.caller.name, "said": t.caller.said, "issuer": t.issuer, "entry": t.entry}
            for t in story.told
        ],
        "calls": [_call_json(call) for call in (*story.calls, story.after)],
        "withdrawal": story.withdrawal,
        "requests_sent": story.reached,
        "levels": [{"name": v.name, "verdict": v.verdict} for v in story.holds.verification.levels],
        "flipped": [{"kind": f.kind, "where": f.where} for f in story.flipped.verification.findings],
        "home": keep,
    }


def _call_json(call: "Call") -> dict[str, Json]:
    return {
        "who": call.caller.name,
        "jurisdiction": call.caller.code,
        "verdict": call.verdict,
        "what": call.what,
        "law": call.law,
        "entry": call.entry,
    }
