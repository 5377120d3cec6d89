"""What a user may import from `consentgate`: these names, and no change without a thought."""

import subprocess
import sys
import tomllib
from pathlib import Path

import consentgate

EXPECTED = (
    "NOBODY",
    "ConsentDenied",
    "ConsentGate",
    "ConsentGateError",
    "ConsentWithdrawn",
    "Evidence",
    "OutcomeNotRecorded",
    "PresignRefused",
    "Reference",
    "SigningIssuer",
    "Speaker",
    "StatementRefused",
    "VendorRequest",
    "__version__",
)


def test_public_names_are_exactly_these() -> None:
    assert tuple(consentgate.__all__) == EXPECTED


def test_public_names_are_few_and_there() -> None:
    assert len(EXPECTED) <= 15
    assert [name for name in EXPECTED if not hasattr(consentgate, name)] == []


def test_name_that_is_not_public_is_an_attribute_error() -> None:
    assert not hasattr(consentgate, "gate_keeper")


def test_version_is_the_one_that_is_installed() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == consentgate.__version__


def test_import_does_not_load_the_cloud_or_the_command_line() -> None:
    heavy = "{'boto3', 'botocore', 'alembic', 'click', 'pytest'}"
    code = f"import consentgate, sys; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
