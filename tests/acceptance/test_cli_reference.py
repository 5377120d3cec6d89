"""The reference of commands is what the program prints; the schemas are there for every command, and closed."""

import json
import re

import jsonschema
import pytest

from consentgate.cli.main import root
from tests.acceptance.deployment import ROOT, SCHEMAS, Program

pytestmark = pytest.mark.acceptance

PAGE = ROOT / "docs/reference/cli.md"
CURE = "Write the page again: python tools/cli_reference.py"


def commands() -> list[tuple[str, ...]]:
    """Every command and group, as one types it."""
    found: list[tuple[str, ...]] = [()]
    for name, noun in root.commands.items():
        found.append((name,))
        found += [(name, verb) for verb in getattr(noun, "commands", {})]
    return found


def test_reference_is_what_the_program_prints(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two columns of each line are click's margin.
    monkeypatch.setenv("COLUMNS", "92")
    written = dict(
        re.findall(r"^## ([\w -]+)\n\n```text\n(.*?)\n```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    )
    assert sorted(written) == sorted(" ".join(("consentgate", *words)) for words in commands()), CURE
    for words in commands():
        printed = program.bare(*words, "--help").out.rstrip()
        assert written[" ".join(("consentgate", *words))] == printed, CURE


def test_every_command_has_a_schema() -> None:
    named: set[str] = set()
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        named |= {*schema["properties"]["command"]["enum"]}
        assert schema["additionalProperties"] is False
        assert len(schema["allOf"]) == len(schema["properties"]["command"]["enum"])
    groups = {words[0] for words in commands() if len(words) == 2}
    assert named >= {" ".join(words) for words in commands() if words and words[0] not in groups | {"demo"}}
    assert named >= {" ".join(words) for words in commands() if len(words) == 2}


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    import subprocess
    import sys

    heavy = "alembic boto3 botocore cryptography sqlalchemy"
    code = f"import sys, consentgate.cli.main; print(*(n for n in '{heavy}'.split() if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
