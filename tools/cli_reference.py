"""Writes docs/reference/cli.md: the help texts of every command, as the program prints them.

Run it after changing a command: ``python tools/cli_reference.py``. Not part of the wheel.
"""

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/cli.md"
WIDTH = 90

HEAD = """\
# Commands

What `consentgate COMMAND --help` prints, for every command. This page is written by `tools/cli_reference.py` and
compared with the program in the tests. Exit codes and JSON: [cli.md](../formats/cli.md).

`python -m consentgate` is the same program.
"""


def page() -> str:
    """Render the whole page.

    Returns:
        Markdown.
    """
    from consentgate.cli.main import PROGRAM, root

    return "\n".join([HEAD, *_blocks(root, PROGRAM, None)])


def _blocks(command: click.Command, name: str, parent: click.Context | None) -> list[str]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH)
    blocks = [f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"]
    if isinstance(command, click.Group):
        for inner in sorted(command.commands):
            blocks += _blocks(command.commands[inner], inner, context)
    return blocks


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
