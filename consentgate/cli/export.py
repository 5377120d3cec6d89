"""``consentgate export``: one folder for counsel, and the same folder again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from consentgate.canonical import Json
from consentgate.cli.command import DONE, Command, Done
from consentgate.cli.opening import looking, settings_of, writing
from consentgate.cli.text import faint, fields, title
from consentgate.errors import InvalidInput
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.config.exports import Options, Step
    from consentgate.config.face import ConsentGate
    from consentgate.export.delivery import Seal
    from consentgate.export.making import Package

_ROLES = ("counsel", "regulator", "opposing", "subject")
_SEVERAL = ("task", "call", "transaction", "jurisdiction", "decision", "privileged")
_ONE = ("query", "requested_by", "role", "time_zone", "prefix", "dialect")
_DIALECTS = ("concordance-utf8", "concordance-cp1252")
_NEEDED = ("matter", "purpose", "recipient")


@click.command(
    "export",
    cls=Command,
    example=(
        'consentgate export --matter "Doe v. Acme" --purpose "Subpoena 26-1142" --recipient "Roe & Partners"'
        " --subject customer:C-1001 --encrypt-to-file reviewers.txt --out packages"
    ),
)
@click.option("--matter", metavar="NAME", help="What it is for: its name is that of the folder.")
@click.option("--purpose", metavar="TEXT", help="Why it is made; on record.")
@click.option("--recipient", metavar="NAME", help="For whom; on record.")
@click.option("--requested-by", metavar="NAME", help="Who asked for it.")
@click.option(
    "--subject", "people", metavar="KIND:VALUE", multiple=True, help="About this person; may be repeated."
)
@click.option("--task", metavar="ID", multiple=True, help="About this task of the vendor; may be repeated.")
@click.option("--call", metavar="NAME", multiple=True, help="About this call; may be repeated.")
@click.option(
    "--transaction", metavar="ID", multiple=True, help="About the call of this transaction; likewise."
)
@click.option("--from", "since", metavar="TIME", help="Written at this UTC time or later.")
@click.option("--to", "until", metavar="TIME", help="Written before this UTC time.")
@click.option(
    "--jurisdiction", metavar="CODE", multiple=True, help="Decisions in which this code was asked about."
)
@click.option("--decision", metavar="ENTRY", multiple=True, help="This decision; or all: allowed, or denied.")
@click.option("--query", metavar="TERMS", help="For example 'kind=denial reason=NO_CONSENT': all must hold.")
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="counsel",
    show_default=True,
    help="Whose eyes it is for: what is withheld follows from it.",
)
@click.option(
    "--privileged", metavar="ENTRY", multiple=True, help="Withhold this entry's parts as privileged."
)
@click.option("--time-zone", metavar="ZONE", default="UTC", show_default=True, help="Local times beside UTC.")
@click.option("--prefix", metavar="LETTERS", default="CG", show_default=True, help="Of the Bates numbers.")
@click.option(
    "--dialect",
    type=click.Choice(_DIALECTS),
    default=_DIALECTS[0],
    show_default=True,
    help="Of the load file for review platforms.",
)
@click.option("--no-report", is_flag=True, help="Make no PDF files, even where the extra pdf is installed.")
@click.option(
    "--without-timestamp", is_flag=True, help="Get no timestamps, even where the settings name an authority."
)
@click.option("--out", metavar="FOLDER", type=click.Path(file_okay=False), help="Where the package is put.")
@click.option(
    "--encrypt-to",
    metavar="AGE1...",
    multiple=True,
    help="Encrypt it with age to this public key; may be repeated.",
)
@click.option(
    "--encrypt-to-file", metavar="FILE", help="Encrypt it to the public keys in this file, one a line."
)
@click.option("--clear", is_flag=True, help="A folder that anybody can read, not an encrypted file.")
@click.option("--reproduce", metavar="EXPORT", help="Make the package of this export again, byte for byte.")
@click.option("--show-key", is_flag=True, help="Only print the fingerprint of the key that signs packages.")
def export(home: str | None, out: str | None, reproduce: str | None, show_key: bool, **asked: Any) -> Done:
    """Put what is known about a matter into one package that its reader can verify without us.

    Options of different kinds narrow each other, several of one kind widen; what the selected decisions read, and
    what answers them, comes with them. The export is on record before the first file is written, the package is
    verified before it gets its name, and the same command goes on where it was cut off. It is one file, encrypted
    with age to its readers' public keys (extra age); or, with --clear, a folder.

    Exit code 4 when entries were selected that no checkpoint covers yet.
    """
    if show_key:
        return _key(home)
    if out is None:
        raise InvalidInput("--out says where the package is put.")
    if reproduce is not None:
        return _again(home, reproduce, Path(out), asked)
    missing = [name for name in _NEEDED if not asked[name]]
    if missing:
        raise InvalidInput(f"--{missing[0]} is missing: the ledger keeps for which matter, why and for whom.")
    return _new(home, Path(out), asked)


def _new(home: str | None, out: Path, asked: dict[str, Any]) -> Done:
    from consentgate.config.upkeep import keep_log

    options = _options(asked)
    _sealed(asked)
    options["encrypt_to"], options["clear"] = _keys(asked), asked["clear"]
    # So that a checkpoint covers what was written until now; where it cannot, the package says what it lacks.
    keep_log(settings_of(home))

    def work(gate: "ConsentGate") -> Done:
        with _progress() as step:
            needed = {name: asked[name] for name in _NEEDED}
            options["progress"] = step
            return _shown(gate.export(out=out, **needed, **options))

    return writing(home, work)


def _again(home: str | None, named: str, out: Path, asked: dict[str, Any]) -> Done:
    from consentgate.config.exporting import export_again

    seal = _sealed(asked)
    with looking(home) as parts, _progress() as step:
        return _shown(export_again(parts, named, out, step, seal=seal))


def _sealed(asked: dict[str, Any]) -> "Seal | None":
    from consentgate.config.delivering import seal_of

    return seal_of(_keys(asked), clear=asked["clear"])


def _keys(asked: dict[str, Any]) -> tuple[str, ...]:
    from consentgate.config.delivering import recipients_in

    return (
        *asked["encrypt_to"],
        *(recipients_in(Path(asked["encrypt_to_file"])) if asked["encrypt_to_file"] else ()),
    )


def _key(home: str | None) -> Done:
    from consentgate.config.packagekey import package_key

    fingerprint = package_key(settings_of(home)).public.kid
    return Done(result={"fingerprint": fingerprint}, text=fields([("fingerprint", fingerprint)]))


def _options(asked: dict[str, Any]) -> "Options":
    from consentgate.cli.values import moment, references

    options: dict[str, Any] = {name: asked[name] for name in (*_SEVERAL, *_ONE) if asked[name]}
    options["report"] = not asked["no_report"]
    options["timestamp"] = not asked["without_timestamp"]
    if asked["people"]:
        options["subject"] = references(asked["people"])
    for name, typed in (("since", "--from"), ("until", "--to")):
        if asked[name]:
            options[name] = moment(asked[name], typed)
    found: Options = options  # type: ignore[assignment]  # names and shapes are those above
    return found


@contextmanager
def _progress() -> "Iterator[Step]":
    from consentgate.cli.terminal import progress

    with progress("Exporting", 100) as bar:
        shown = 0

        def step(part: float) -> None:
            nonlocal shown
            percent = int(part * 100)
            if percent > shown:
                bar.step(percent - shown)
                shown = percent

        yield step


def _shown(made: "Package") -> Done:
    totals = made.totals
    result: dict[str, Json] = {
        "export": made.export,
        "folder": str(made.folder) if made.file is None else None,
        "file": str(made.file) if made.file is not None else None,
        "letter": str(made.letter) if made.letter is not None else None,
        "bates": {"first": made.first, "last": made.last},
        "fingerprint": made.fingerprint,
        "counts": {
            "selected": totals.selected,
            "exported": totals.exported,
            "withheld_entries": totals.withheld_entries,
            "parts": totals.parts,
            "parts_open": totals.parts_open,
            "parts_withheld": totals.parts_withheld,
            "not_covered": totals.not_covered,
        },
    }
    pairs = [
        ("package", str(made.file or made.folder)),
        ("records", f"{made.first} to {made.last}"),
        ("parts", f"{totals.parts_open} open, {totals.parts_withheld} withheld"),
        ("export", made.export),
        ("fingerprint", made.fingerprint),
    ]
    pairs += [("cover letter", str(made.letter))] if made.letter is not None else []
    blocks = [title("A package was made."), fields(pairs)]
    if made.letter is not None:
        blocks.append(faint("Send the cover letter on another way than the package."))
    findings = (_uncovered(totals.not_covered),) if totals.not_covered else ()
    return Done(
        result=result, text="\n\n".join(blocks), findings=findings, exit=INCOMPLETE if findings else DONE
    )


def _uncovered(count: int) -> Finding:
    return Finding(
        kind="uncovered",
        where="log",
        expected="a checkpoint over everything that was selected",
        found=f"{count} entries that no checkpoint covers",
        cure="Run `consentgate log sign --once`, then export anew: the later entries are in the next package.",
    )
