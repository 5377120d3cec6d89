"""What every command has: ``--home``, ``--json``, an example, and a result that is printed in one place.

A command returns a `Done` and prints nothing itself. Its docstring is its help text.

Invariant: with ``--json`` standard output holds exactly one object, whatever happens (PROTOCOL 8).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from consentgate.canonical import Json
from consentgate.cli.terminal import AS_JSON, colour
from consentgate.values import dataclass
from consentgate.verify.result import BROKEN, CANNOT_JUDGE, HOLDS, INCOMPLETE, Finding

FORMAT: Final = 1

DONE: Final = HOLDS
FINDING: Final = BROKEN
USAGE: Final = 2

_ORDER: Final = (FINDING, USAGE, CANNOT_JUDGE, INCOMPLETE, DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command came to.

    Attributes:
        result: the member ``result`` of the JSON object.
        text: the same for a person.
        findings: what is not as it should be.
        exit: 0 done, 1 a finding, 2 usage or settings, 3 cannot judge, 4 incomplete.
    """

    result: Mapping[str, Json]
    text: str = ""
    findings: tuple[Finding, ...] = ()
    exit: int = DONE


class Command(click.Command):
    """A command with an example, a home and a form of output."""

    def __init__(self, *args: Any, example: str, **attributes: Any) -> None:
        """Add what every command has.

        Args:
            *args: as click takes them.
            example: one command line, shown in the help.
            **attributes: as click takes them.
        """
        super().__init__(*args, **attributes)
        self.example = example
        self.params += [
            click.Option(
                ["--home"],
                metavar="FOLDER",
                type=click.Path(file_okay=False),
                help="The home folder. By default CONSENTGATE_HOME, else .consentgate here.",
            ),
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object and nothing else."),
        ]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Write the example below the options.

        Args:
            ctx: click's context.
            formatter: where to.
        """
        with formatter.section("Example"):
            formatter.write(f"  {self.example}\n")

    def invoke(self, ctx: click.Context) -> int:
        """Run the command and print what it came to.

        Args:
            ctx: click's context.

        Returns:
            The exit code.
        """
        as_json = bool(ctx.params.pop("as_json"))
        ctx.meta[AS_JSON] = as_json
        done: Done = super().invoke(ctx)
        emit(ctx.command_path.partition(" ")[2], done, as_json=as_json)
        return done.exit


class NothingAsked(click.UsageError):
    """A group without a command: the message is the group's help."""


class Noun(click.Group):
    """A group of commands about one thing."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the arguments.

        Args:
            ctx: click's context.
            args: the words.

        Returns:
            What is left for the commands below.

        Raises:
            NothingAsked: there is no word at all. (click has its own way, another one in each version.)
        """
        if not args and not ctx.resilient_parsing:
            raise NothingAsked(ctx.get_help(), ctx)
        return super().parse_args(ctx, args)


def emit(command: str, done: Done, *, as_json: bool) -> None:
    """Print what a command came to.

    Args:
        command: its words, for example ``consent add``.
        done: what it came to.
        as_json: whether to print the JSON object in place of the text.
    """
    if as_json:
        click.echo(json.dumps(document(command, done), indent=2, ensure_ascii=False))
    elif done.text:
        click.echo(done.text, color=colour())


def document(command: str, done: Done) -> dict[str, Json]:
    """Give the JSON object of PROTOCOL 8.

    Args:
        command: the command's words.
        done: what it came to.

    Returns:
        ``format``, ``command``, ``exit``, ``result`` and ``findings``.
    """
    return {
        "format": FORMAT,
        "command": command,
        "exit": done.exit,
        "result": dict(done.result),
        "findings": [asdict(finding) for finding in done.findings],
    }


def worst(exits: Sequence[int]) -> int:
    """Choose among exit codes: 1 beats 3 beats 4; 2 stands after 1.

    Args:
        exits: exit codes; none is 0.

    Returns:
        The one that counts.
    """
    return min(exits, key=_ORDER.index, default=DONE)
