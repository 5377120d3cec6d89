"""``consentgate assertion``: what the controller states about its own operation, dated and by whom."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking, writing
from consentgate.cli.text import fields, moment_text, plain, short_ids, table
from consentgate.errors import InvalidInput

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate


@click.group(cls=Noun)
def assertion() -> None:
    """Record and list what the controller asserts: dated, and by whom."""


@assertion.command(
    "add", example="consentgate assertion add public_policy_published true --by privacy@acme.example"
)
@click.argument("name")
@click.argument("value")
@click.option("--by", required=True, help="Who states it.")
@click.option("--since", metavar="TIME", help="Since when it holds; by default now.")
@click.option("--about", metavar="KIND:VALUE", help="The person, for names that are about one.")
def _add(home: str | None, name: str, value: str, by: str, since: str | None, about: str | None) -> Done:
    """Assert something. NAME is of a closed list: `consentgate assertion list --names`.

    VALUE is true, false, a word, a time, or JSON.
    """
    from consentgate.cli.values import json_value, moment, references
    from consentgate.moment import system_clock, to_text

    read = json_value(value)
    at = moment(since, "--since") if since else system_clock()
    whom = references([about])[0] if about else None

    def work(gate: "ConsentGate") -> Done:
        entry = gate.assert_(name, read, by=by, since=at, about=whom)
        result: dict[str, Json] = {
            "entry": entry,
            "name": name,
            "value": read,
            "by": by,
            "since": to_text(at),
            "about_person": whom is not None,
        }
        pairs = [
            ("asserted", f"{name} = {_value(read)}"),
            ("by", plain(by)),
            ("since", moment_text(at)),
            ("about", "one person" if whom else "the controller"),
            ("entry", entry),
        ]
        return Done(result=result, text=fields(pairs))

    return writing(home, work)


@assertion.command("list", example="consentgate assertion list --names")
@click.option("--names", is_flag=True, help="List the names that there are, and what each means.")
@click.option("--about", metavar="KIND:VALUE", help="What is asserted about this person.")
def _list(home: str | None, names: bool, about: str | None) -> Done:
    """List what was asserted, oldest first; the latest of each name counts."""
    from consentgate.cli.values import references
    from consentgate.config.views import assertions
    from consentgate.moment import to_text

    if names and about:
        raise InvalidInput("Give --names or --about, not both.")
    if names:
        return _names()
    with looking(home) as parts:
        found = assertions(parts, references([about])[0] if about else None)
    items: list[Json] = [
        {
            "entry": each.entry,
            "name": each.name,
            "value": each.value,
            "by": each.by,
            "since": to_text(each.since),
            "about_person": each.about is not None,
        }
        for each in found
    ]
    short = short_ids(each.entry for each in found)
    rows = [
        (short[each.entry], each.name, _value(each.value), moment_text(each.since), plain(each.by))
        for each in found
    ]
    text = table(rows, ("entry", "name", "value", "since", "by")) if rows else _NONE
    return Done(result={"items": items}, text=text)


_NONE = "Nothing is asserted. `consentgate assertion list --names` shows what can be."


def _names() -> Done:
    from consentgate.policy.assertions import DEFINITIONS

    found = [DEFINITIONS[name] for name in sorted(DEFINITIONS)]
    items: list[Json] = [
        {"name": each.name, "about": each.scope, "value": each.shape, "meaning": each.meaning}
        for each in found
    ]
    blocks = []
    for scope, heading in (("controller", "About the controller"), ("subject", "About one person")):
        pairs = [(each.name, f"{each.meaning}\n{each.shape}") for each in found if each.scope == scope]
        blocks.append(f"{heading}\n\n{fields(pairs, indent=2)}")
    return Done(result={"items": items}, text="\n\n".join(blocks))


def _value(value: Json) -> str:
    import json

    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
