"""Writes the golden files of the CLI's output anew: ``python -m tests.tools.golden_cli``. Read the difference."""

import io
import os
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from consentgate.cli.main import run
from tests.acceptance.deployment import build
from tests.acceptance.test_cli_golden import COMMANDS, GOLDEN, PAGES, masked
from tests.acceptance.test_cli_reconcile import COMMAND, at_once, steady


def main() -> None:
    """Make a deployment, run each command on it, and write what it prints."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), None)
        for name, command in COMMANDS:
            with redirect_stdout(io.StringIO()) as printed:
                run([*command, "--json", "--home", str(Path(folder) / "home")])
            (GOLDEN / f"{name}.json").write_text(masked(printed.getvalue()))
        with at_once(), redirect_stdout(io.StringIO()) as printed:
            run([*COMMAND, "--json", "--home", str(Path(folder) / "home")])
        (GOLDEN / "reconcile.json").write_text(steady(printed.getvalue()))
        os.environ["COLUMNS"] = "80"
        for name, command in PAGES:
            with redirect_stdout(io.StringIO()) as printed:
                run([*command, "--home", str(Path(folder) / "home")])
            (GOLDEN / f"{name}.txt").write_text(printed.getvalue())


if __name__ == "__main__":
    main()
