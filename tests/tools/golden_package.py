"""Make the golden package: run ``python -m tests.tools.golden_package`` for a new version of the format, never for an
old one: what was handed out once has to verify for ever.
"""

import shutil
from pathlib import Path

from tests.package.tiny import tiny

GOLDEN = Path(__file__).parents[1] / "golden" / "package"


def main() -> None:
    """Write the small package of this version."""
    folder = GOLDEN / "v1"
    shutil.rmtree(folder, ignore_errors=True)
    tiny().write(folder)


if __name__ == "__main__":
    main()
