"""The program: one root, the nouns under it, and the only place that catches what nobody foresaw.

Modules of nouns import what is heavy inside their commands, so that ``consentgate --help`` is quick.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

import click

from consentgate import version
from consentgate.cli import failures
from consentgate.cli.assertion import assertion
from consentgate.cli.aws import aws
from consentgate.cli.command import DONE, USAGE, Done, NothingAsked, Noun, emit
from consentgate.cli.consent import consent
from consentgate.cli.db import db
from consentgate.cli.demo import demo
from consentgate.cli.doctor import doctor
from consentgate.cli.entries import entries
from consentgate.cli.export import export
from consentgate.cli.init import init
from consentgate.cli.issuer import issuer
from consentgate.cli.log import log
from consentgate.cli.notice import notice
from consentgate.cli.policy import policy
from consentgate.cli.reconcile import reconcile
from consentgate.cli.record import record
from consentgate.cli.task import task
from consentgate.cli.terminal import note
from consentgate.cli.verify import verify
from consentgate.cli.worker import worker
from consentgate.errors import ConsentGateError

PROGRAM: Final = "consentgate"

SECTIONS: Final[tuple[tuple[str, tuple[click.Command, ...]], ...]] = (
    ("Begin", (demo, init, doctor, db, aws)),
    ("Consents and rules", (notice, issuer, assertion, consent, policy)),
    ("Evidence", (entries, record, reconcile, task, worker, log, verify, export)),
)


class Root(Noun):
    """The root, whose help shows the commands in the order in which one needs them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Write the commands by section.

        Args:
            ctx: click's context.
            formatter: where to.
        """
        for name, commands in SECTIONS:
            with formatter.section(name):
                formatter.write_dl([(each.name or "", each.get_short_help_str(90)) for each in commands])


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version.VERSION, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the whole error when consentgate itself fails.")
def root(debug: bool) -> None:  # read from the arguments by `run`, also where parsing fails
    """Compare a caller's voice with stored voiceprints only when the law allows it, and provably so.

    Exit codes: 0 done, 1 a finding, 2 usage or settings, 3 cannot judge, 4 incomplete.
    """


for _, _commands in SECTIONS:
    for _command in _commands:
        root.add_command(_command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: the words after the program's name.

    Returns:
        The exit code of PROTOCOL 8.
    """
    words = list(arguments)
    command = _command_of(words)
    try:
        # A command gives its exit code; help and version make click give 0.
        return int(root.main(words, prog_name=PROGRAM, standalone_mode=False) or DONE)
    except NothingAsked as error:
        note(error.format_message())
        return USAGE
    except click.ClickException as error:
        done = failures.usage_of(command, error)
    except (KeyboardInterrupt, click.Abort):
        done = failures.stopped_of(command)
    except ConsentGateError as error:
        done = failures.done_of(command, error)
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001  # the one broad except: a person gets a line, not a traceback
        if "--debug" in words:
            traceback.print_exc()
        done = failures.fault_of(command, error)
    return _refused(command, done, as_json="--json" in words)


def main() -> None:
    """Run the program with the arguments of this process, and exit."""
    sys.exit(run(sys.argv[1:]))


def _refused(command: str, done: Done, *, as_json: bool) -> int:
    if as_json:
        emit(command, done, as_json=True)
    else:
        note(done.text)
    return done.exit


def _command_of(words: Sequence[str]) -> str:
    """The words that name a command, as far as there is one."""
    found: list[str] = []
    level: click.Command | None = root
    for word in words:
        if not isinstance(level, click.Group):
            break
        if word.startswith("-"):
            continue
        level = level.commands.get(word)
        if level is None:
            break
        found.append(word)
    return " ".join(found)
