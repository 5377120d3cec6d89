"""``consentgate db``: the schema of the database."""

import click

from consentgate.canonical import Json
from consentgate.cli.command import FINDING, Done, Noun
from consentgate.cli.opening import settings_of
from consentgate.cli.text import fields, findings_text, word
from consentgate.errors import SchemaMismatch
from consentgate.verify.result import Finding


@click.group(cls=Noun)
def db() -> None:
    """Make, upgrade and check the database's schema."""


@db.command("upgrade", example="consentgate db upgrade")
def _upgrade(home: str | None) -> Done:
    """Bring the database to the schema of this version, and put its triggers right.

    Doing it twice changes nothing. A SQLite file that is not there is made.
    """
    from consentgate.config.upkeep import upgrade_database

    done = upgrade_database(settings_of(home))
    changed = "made" if done.before is None else "upgraded" if done.before != done.after else "unchanged"
    pairs = [
        ("schema", changed),
        ("before", done.before or "none"),
        ("now", done.after),
        (
            "repaired",
            "\n".join(f"{was.partition(': ')[0]}: find out who changed it" for was in done.repaired),
        ),
    ]
    result: dict[str, Json] = {
        "changed": changed,
        "before": done.before,
        "after": done.after,
        "repaired": list(done.repaired),
    }
    return Done(result=result, text=fields(pairs))


@db.command("check", example="consentgate db check")
def _check(home: str | None) -> Done:
    """Say whether the database is as the migrations made it: revision, tables, triggers.

    Exit code 1 when it is not; each problem says what to run.
    """
    from consentgate.config.upkeep import check_database

    try:
        check_database(settings_of(home))
    except SchemaMismatch as error:
        problems = str(error).splitlines()
        found = tuple(
            Finding(
                kind="schema_mismatch",
                where="database",
                expected="as the migrations made it",
                found=problem,
                cure="Run `consentgate db upgrade`.",
            )
            for problem in problems
        )
        text = f"{word('fail')}  the schema\n\n{findings_text(found)}"
        return Done(result={"problems": list(problems)}, text=text, findings=found, exit=FINDING)
    return Done(result={"problems": []}, text=f"{word('ok')}  the schema is as the migrations made it")


@db.command("sql", example="consentgate db sql --dialect postgresql > schema.sql")
@click.option(
    "--dialect",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
    help="For which database.",
)
def _sql(home: str | None, dialect: str) -> Done:  # noqa: ARG001  # every command takes --home; this one needs none
    """Print the schema as SQL, for somebody who runs it by hand."""
    from consentgate.storage.schema import sql

    text = sql(dialect)
    return Done(result={"dialect": dialect, "sql": text}, text=text.rstrip())
