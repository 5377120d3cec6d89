"""``consentgate doctor``: what a deployment lacks, line by line, each with its cure."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Command, Done, worst
from consentgate.cli.opening import settings_of
from consentgate.cli.text import faint, paragraph, plain, word
from consentgate.verify.result import Finding

if TYPE_CHECKING:
    from consentgate.config.check import Check


@click.command("doctor", cls=Command, example="consentgate doctor --home /srv/consentgate")
@click.option(
    "--for",
    "codes",
    metavar="CODES",
    multiple=True,
    help="Whose rules will be asked, for example US-IL,FR; by default those of the controller, notices, issuers and "
    "recent decisions. May be repeated.",
)
def doctor(home: str | None, codes: tuple[str, ...]) -> Done:
    """Say what the deployment lacks, line by line, each with its cure.

    Looks at settings, key files, database, log, issuers, and at the assertions that the rules in use ask for, now
    or later, and that nobody made. A timestamping authority of the settings is asked for one timestamp.

    Exit code 1 when something fails, 3 when something is out of reach, 4 when requests are open or entries are
    not signed yet; a warning alone is 0.
    """
    from consentgate.config.diagnosis import diagnose

    wanted = tuple(code.strip() for text in codes for code in text.split(",") if code.strip())
    checks = diagnose(settings_of(home), codes=wanted)
    items: list[Json] = [
        {"name": each.name, "verdict": each.verdict, "found": each.found, "cure": each.cure}
        for each in checks
    ]
    width = max(len(each.name) for each in checks)
    found = tuple(
        Finding(kind=each.verdict, where=each.name, expected="", found=each.found, cure=each.cure)
        for each in checks
        if each.verdict != "ok"
    )
    return Done(
        result={"items": items},
        text="\n".join(_line(each, width) for each in checks),
        findings=found,
        exit=worst([each.exit for each in checks]),
    )


def _line(check: "Check", width: int) -> str:
    indent = 6 + width + 2
    mark = word(check.verdict) + " " * (6 - len(check.verdict))
    lines = [plain(line) for line in check.found.splitlines()]
    text = "\n".join(paragraph(line, indent=indent) for line in lines).lstrip()
    said = f"{mark}{check.name.ljust(width)}  {text}"
    return said + (f"\n{faint(paragraph('→ ' + check.cure, indent=indent))}" if check.cure else "")
