"""``consentgate init``: a home folder with settings, keys, a log and a database."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Command, Done
from consentgate.cli.text import faint, fields, title
from consentgate.errors import InvalidInput

if TYPE_CHECKING:
    from consentgate.config.setup import Home
    from consentgate.policy.assertions import Definition

Answers = tuple[tuple[str, Json], ...]


@click.command(
    "init",
    cls=Command,
    example="consentgate init --controller acme-telecom --jurisdiction US-IL",
)
@click.option("--controller", required=True, metavar="ID", help="The controller, as statements name it.")
@click.option(
    "--database",
    metavar="URL",
    default="sqlite:///consentgate.db",
    show_default=True,
    help="A relative path lies in the home folder.",
)
@click.option(
    "--jurisdiction",
    metavar="CODE",
    help="The controller's own law, added to every speaker's: for example US-IL.",
)
@click.option(
    "--purpose",
    metavar="WORD",
    help="What searches are for, where register_call names nothing: for example authentication.",
)
@click.option(
    "--interactive", is_flag=True, help="Ask what the controller asserts about its operation, and record it."
)
def init(
    home: str | None,
    controller: str,
    database: str,
    jurisdiction: str | None,
    purpose: str | None,
    interactive: bool,
) -> Done:
    """Make a home folder: settings, keys, the log's identity and the database.

    Nothing that is there is written over. The vkey that it prints is what others verify the log with: give it
    to them by another way than the log itself.
    """
    from consentgate.cli.terminal import can_ask
    from consentgate.config.settings import FILE, home_of
    from consentgate.config.setup import make_home

    if interactive and not can_ask():
        raise InvalidInput("--interactive needs a terminal; use `consentgate assertion add` in scripts.")
    folder = home_of(home)
    # Asked before anything is made, but not where `make_home` will refuse anyway.
    by, answers = _ask() if interactive and not (folder / FILE).exists() else ("", ())
    purposes = {"search": purpose} if purpose else {}
    made = make_home(
        folder, controller=controller, database=database, jurisdiction=jurisdiction, purposes=purposes
    )
    recorded = _record(folder, by, answers)
    return _shown(made, controller, jurisdiction, recorded, home)


def _shown(
    made: "Home", controller: str, jurisdiction: str | None, recorded: Answers, home: str | None
) -> Done:
    settings = made.settings
    files = (
        settings.keys,
        settings.log_key,
        settings.log_vkey,
        settings.log_state,
        settings.package_key,
        settings.package_jwk,
    )
    result: dict[str, Json] = {
        "home": str(settings.home),
        "controller": controller,
        "jurisdiction": jurisdiction,
        "vkey": made.vkey,
        "files": [str(path) for path in files],
        "assertions": [{"name": name, "value": value} for name, value in recorded],
    }
    secrets = (settings.keys, settings.log_key, settings.package_key, settings.log_state)
    secret = f"{', '.join(path.name for path in secrets)}: back them up apart"
    pairs = [
        ("home", str(settings.home)),
        ("controller", controller + (f", in {jurisdiction}" if jurisdiction else "")),
        ("secret", secret),
        ("vkey", made.vkey),
        ("asserted", ", ".join(name for name, _ in recorded)),
    ]
    text = f"{title('A home was made.')}\n\n{fields(pairs)}\n\n{title('Next')}\n\n{_next_steps(home)}"
    return Done(result=result, text=text)


def _next_steps(home: str | None) -> str:
    where = f" --home {home}" if home else ""
    steps = (
        ("what people are shown", f"consentgate notice add NOTICE.txt --manifest NOTICE.toml{where}"),
        ("who may record consents", f"consentgate issuer add https://ivr.example --name 'My IVR'{where}"),
        ("what is still missing", f"consentgate doctor{where}"),
    )
    width = max(len(what) for what, _ in steps)
    return "\n".join(f"  {faint(what.ljust(width))}  {command}" for what, command in steps)


def _ask() -> tuple[str, Answers]:
    """Ask for the assertions that are about the controller; an empty answer leaves one out."""
    from consentgate.cli.terminal import ask, note
    from consentgate.policy.assertions import DEFINITIONS

    note("What the controller states about its own operation. Each is recorded with a name and a date.")
    note("Press return to leave one out; what nobody asserted denies where a law asks for it.\n")
    by = ask("Who states this? (a name or an address)")
    if not by:
        raise InvalidInput(
            "Assertions name who makes them. Nothing was made; run it again, or without --interactive."
        )
    asked = (each for _, each in sorted(DEFINITIONS.items()) if each.scope == "controller")
    return by, tuple(answer for each in asked for answer in _answer(each))


def _answer(definition: "Definition") -> Iterator[tuple[str, Json]]:
    from consentgate.cli.terminal import ask, note
    from consentgate.cli.values import json_value

    words: dict[str, Json] = {"y": True, "yes": True, "n": False, "no": False}
    while text := ask(f"{definition.name}: {definition.meaning} ({definition.shape})"):
        try:
            value = words.get(text.lower(), text) if text.lower() in words else json_value(text)
        except InvalidInput as error:
            note(str(error))
            continue
        if definition.check(value):
            yield definition.name, value
            return
        note(f"The value of {definition.name} is {definition.shape}.")


def _record(folder: Path, by: str, answers: Answers) -> Answers:
    from consentgate.cli.opening import writing
    from consentgate.config.face import ConsentGate
    from consentgate.moment import system_clock

    def work(gate: ConsentGate) -> Done:
        for name, value in answers:
            gate.assert_(name, value, by=by, since=system_clock())
        return Done(result={})

    if answers:
        writing(str(folder), work)
    return answers
