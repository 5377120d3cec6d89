"""Where the published test vectors lie."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("CONSENTGATE_VECTORS", Path(__file__).parents[2] / ".." / "shared" / "vectors"))


def path(name: str) -> Path:
    """Find a published file or folder, or skip the test.

    Args:
        name: relative to the folder of vectors.

    Returns:
        The path; it exists.
    """
    found = ROOT / name
    if not found.exists():
        pytest.skip(f"published vectors {name!r} are not there; set CONSENTGATE_VECTORS to their folder")
    return found


def load(name: str) -> Any:
    """Read a published JSON file, or skip the test.

    Args:
        name: relative to the folder of vectors.

    Returns:
        Its content.
    """
    return json.loads(path(name).read_bytes())
