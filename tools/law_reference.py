"""Writes the reference of jurisdictions from the rule packs: docs/law/reference/, matrix.html and matrix.svg.

Run it after changing a pack: ``python -m tools.law_reference [FOLDER]``, or ``make law``. What it writes depends on
the packs and on the research's ``as_of`` alone, never on the clock. Not part of the wheel.
"""

import re
import sys
from datetime import date
from pathlib import Path
from typing import Final

from consentgate.packs.packset import shipped
from tools.law import cells, matrix, overview, pages

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs/law"


def files() -> dict[str, str]:
    """Make every file.

    Returns:
        Texts by path below the folder.
    """
    packs, day = shipped(), as_of()
    rows = cells.rows(packs, day)
    made = {f"reference/{row.code}.md": pages.page(packs, row, day) for row in rows}
    made["reference/README.md"] = pages.index(rows, day)
    made["matrix.html"] = matrix.page(rows, day)
    made["matrix.svg"] = overview.picture(rows, day)
    return made


def as_of() -> date:
    """Read the day that the research is true of.

    Returns:
        The day.
    """
    with (FOLDER / "jurisdictions.yaml").open(encoding="utf-8") as research:
        found = re.search(r"^as_of: (\d{4}-\d{2}-\d{2})$", research.read(2000), re.MULTILINE)
    if found is None:
        raise SystemExit("jurisdictions.yaml does not say as_of")
    return date.fromisoformat(found.group(1))


def main(arguments: list[str]) -> int:
    """Write the files, and remove pages of jurisdictions that are gone.

    Args:
        arguments: the folder, or nothing for docs/law.

    Returns:
        The exit code.
    """
    folder = Path(arguments[0]) if arguments else FOLDER
    made = files()
    (folder / "reference").mkdir(parents=True, exist_ok=True)
    for old in (folder / "reference").iterdir():
        if f"reference/{old.name}" not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
