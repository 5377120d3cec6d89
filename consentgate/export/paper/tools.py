"""What the paper of an export was made with, so that the same bytes can be made again.

Stands in the export's entry. An extra that was there then has to be there again, in the same release.

Invariants: what is not installed when an export is asked for is not in it; nothing else decides what is left out.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from consentgate.errors import InvalidInput
from consentgate.export.paper.loadfile import DIALECTS

DIALECT: Final = "dialect"
PDF: Final = "typst"
WORKBOOK: Final = "xlsxwriter"
REPORT: Final = "report"


def options(*, dialect: str | None = None, report: bool = True) -> dict[str, str]:
    """Say what the paper of a new export is made with.

    Args:
        dialect: of the load file; None for the usual one.
        report: whether PDF files are wanted.

    Returns:
        Words for the export's entry.

    Raises:
        InvalidInput: there is no such dialect.
    """
    chosen = DIALECTS[0] if dialect is None else dialect
    if chosen not in DIALECTS:
        raise InvalidInput(f"The load file's dialect is one of {', '.join(DIALECTS)}.")
    found = {DIALECT: chosen}
    tools = (PDF, WORKBOOK) if report else (WORKBOOK,)
    found |= {name: release for name in tools if (release := _installed(name)) is not None}
    return found if report else found | {REPORT: "no"}


def check(made_with: Mapping[str, str]) -> None:
    """Check that the tools of an export are here.

    Args:
        made_with: as `options` gave it when the export was asked for.

    Raises:
        InvalidInput: a tool is missing, or here in another release.
    """
    for name in (PDF, WORKBOOK):
        if name in made_with and _installed(name) != made_with[name]:
            raise InvalidInput(
                f"This export was made with {name} {made_with[name]}, and that release is not installed here."
                f" Install it: pip install {name}=={made_with[name]}"
            )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
