"""``consentgate db``: the schema of the database, and who may do what there."""

import click

from consentgate.canonical import Json
from consentgate.cli.command import FINDING, Done, Noun
from consentgate.cli.opening import settings_of
from consentgate.cli.text import fields, findings_text, paragraph, word
from consentgate.errors import SchemaMismatch
from consentgate.verify.result import Finding


@click.group(cls=Noun)
def db() -> None:
    """Make, upgrade and check the database's schema, and grant rights on it."""


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


@db.command("roles", example="consentgate db roles --row-security --tenant acme > roles.sql")
@click.option("--prefix", default="consentgate", show_default=True, help="What the roles' names begin with.")
@click.option("--row-security", is_flag=True, help="Let the roles of a tenant see that tenant's rows only.")
@click.option(
    "--tenant", "tenants", metavar="TENANT", multiple=True, help="A tenant that has roles. Repeatable."
)
@click.option(
    "--apply", is_flag=True, help="Run the statements, in one transaction, instead of printing them."
)
def _roles(home: str | None, prefix: str, row_security: bool, tenants: tuple[str, ...], apply: bool) -> Done:
    """Print what makes PostgreSQL's roles, and grants each exactly what it needs.

    The roles are owner, writer (a gate), sequencer (which also signs), reader (verification, lists) and shredder
    (erasure). None may log in: make each login a member of what it needs. Run it as the login that made the schema,
    and again after each upgrade; twice changes nothing.
    """
    from consentgate.storage import roles

    statements = roles.statements(prefix, row_security=row_security, tenants=tenants)
    if apply:
        from consentgate.config.roles import apply_roles

        apply_roles(settings_of(home), statements)
    names = roles.names(prefix, tenants)
    sql = "".join(f"{each};\n" for each in ("BEGIN", *statements, "COMMIT"))
    result: dict[str, Json] = {
        "roles": list(names),
        "row_security": row_security,
        "tenants": [*sorted(set(tenants))],
        "applied": apply,
        "sql": sql,
    }
    if not apply:
        return Done(result=result, text=sql.rstrip())
    pairs = [("roles", "\n".join(names)), ("by tenant", ", ".join(sorted(set(tenants))))]
    cure = f"Make each login a member of what it needs, for example: GRANT {prefix}_writer TO my_service."
    return Done(result=result, text=f"{fields(pairs)}\n\n{paragraph(cure)}")
