"""``consentgate issuer``: who may sign statements, with which keys, for what."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking, writing
from consentgate.cli.text import fields, moment_text, plain, table

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate
    from consentgate.config.parts import Parts
    from consentgate.consent.issuers import Issuer, IssuerKey


_key = click.option(
    "--key", "kid", metavar="THUMBPRINT", help="Only this key, by its first characters; by default all."
)


@click.group(cls=Noun)
def issuer() -> None:
    """Add, show, retire issuers: who may sign statements, with which keys, for what."""


@issuer.command(
    "add",
    example="consentgate issuer add https://ivr.acme.example --name 'Acme IVR' --purpose authentication",
)
@click.argument("iss")
@click.option("--name", required=True, help="Its name for people.")
@click.option(
    "--jwk", metavar="JSON_OR_FILE", help="Its public key as a JWK. Without a key, a new one is made."
)
@click.option("--pem", type=click.Path(dir_okay=False), help="Its public key as a PEM file.")
@click.option(
    "--purpose", "purposes", multiple=True, metavar="WORD", help="For which purposes; by default all."
)
@click.option(
    "--jurisdiction",
    "jurisdictions",
    multiple=True,
    metavar="CODE",
    help="For which law; by default all. US covers US-IL.",
)
@click.option(
    "--controller",
    "controllers",
    multiple=True,
    metavar="ID",
    help="For which controllers; by default this one.",
)
@click.option("--not-before", metavar="TIME", help="The first time at which the key counts.")
@click.option("--not-after", metavar="TIME", help="The first time at which it no longer counts.")
def _add(
    home: str | None,
    iss: str,
    name: str,
    jwk: str | None,
    pem: str | None,
    purposes: tuple[str, ...],
    jurisdictions: tuple[str, ...],
    controllers: tuple[str, ...],
    not_before: str | None,
    not_after: str | None,
) -> Done:
    """Trust an issuer, or another key of one that is trusted. ISS is its name in statements.

    Without --jwk or --pem a new key is made and its private half kept in the home folder, for
    `consentgate consent issue` and `gate.issuer`.
    """
    from consentgate.cli.values import moment, read_public_key

    key = read_public_key(jwk=jwk, pem=pem)
    since = moment(not_before, "--not-before") if not_before else None
    until = moment(not_after, "--not-after") if not_after else None

    def work(gate: "ConsentGate") -> Done:
        added = gate.add_issuer(
            iss,
            name=name,
            key=key,
            purposes=purposes or ("*",),
            jurisdictions=jurisdictions or ("*",),
            controllers=controllers or None,
            not_before=since,
            not_after=until,
        )
        newest = added.keys[-1]
        here = frozenset((newest.public.kid,)) if key is None else frozenset[str]()
        kept = f"issuers/{newest.public.kid}.pem in the home folder" if key is None else ""
        pairs = [("issuer", plain(added.iss)), ("name", plain(added.name)), ("key", newest.public.kid)]
        pairs += [("private key", kept), *_scope(added)]
        return Done(result={**_item(added, here), "made": key is None}, text=fields(pairs))

    return writing(home, work)


@issuer.command("list", example="consentgate issuer list")
def _list(home: str | None) -> Done:
    """List the issuers and their keys."""
    from consentgate.config.views import keys_here, registry

    with looking(home) as parts:
        issuers = registry(parts).issuers
        here = keys_here(parts)
    rows = [
        (plain(each.iss), plain(each.name), key.public.kid[:12], key.state, _window(key), _where(key, here))
        for each in issuers
        for key in each.keys
    ]
    blocks = [table(rows, ("issuer", "name", "key", "state", "counts", "private key"))]
    blocks += [f"{plain(each.iss)}\n{fields(_scope(each), indent=2)}" for each in issuers]
    items: list[Json] = [_item(each, here) for each in issuers]
    return Done(result={"items": items}, text="\n\n".join(blocks) if issuers else _NONE)


@issuer.command("show", example="consentgate issuer show https://ivr.acme.example")
@click.argument("iss")
def _show(home: str | None, iss: str) -> Done:
    """Show one issuer: its keys with their states, and what it may record. ISS is its name in statements."""
    from consentgate.config.views import keys_here

    with looking(home) as parts:
        found, here = _named(parts, iss), keys_here(parts)
    return _shown(found, here)


@issuer.command("retire", example="consentgate issuer retire https://ivr.acme.example --key MRAm0vNJzeLc")
@click.argument("iss")
@_key
def _retire(home: str | None, iss: str, kid: str | None) -> Done:
    """Retire an issuer's key: it signs nothing new. ISS is its name in statements.

    What it signed stands, and with it one can still refuse and withdraw. For a key that may be in other hands use
    `consentgate issuer compromise`.
    """
    from consentgate.config.views import keys_here

    with looking(home) as parts:
        here, full = keys_here(parts), _kid(_named(parts, iss), kid)
    return writing(home, lambda gate: _shown(gate.retire_key(iss, full), here))


@issuer.command(
    "compromise", example="consentgate issuer compromise https://ivr.acme.example --since 2026-11-20"
)
@click.argument("iss")
@_key
@click.option("--since", required=True, metavar="TIME", help="From when on it may have been in other hands.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def _compromise(home: str | None, iss: str, kid: str | None, since: str, yes: bool) -> Done:
    """Mark an issuer's key as compromised, for good. ISS is its name in statements.

    What it allowed falls: each grant that no anchor shows to be older than --since; where nothing is anchored, all.
    Says first how many statements fall, of how many people, and asks. Requests and running tasks that rest on them
    get a stop order. Refusals and withdrawals stand.
    """
    from consentgate.cli.values import moment
    from consentgate.config.keystates import would_fall
    from consentgate.config.views import keys_here

    at = moment(since, "--since")
    with looking(home) as parts:
        here, full = keys_here(parts), _kid(_named(parts, iss), kid)
        fell = would_fall(parts, iss, full, at)
    if not yes:
        _confirm(_falls(len(fell.statements), fell.people, len(fell.running)))

    def work(gate: "ConsentGate") -> Done:
        done = gate.compromise_key(iss, full, since=at)
        shown = _shown(done.issuer, here)
        stops: list[Json] = list(done.stops)
        result = {**shown.result, "statements": done.statements, "people": done.people, "stops": stops}
        pairs = [("fell", _counted(done.statements, done.people)), ("to stop", "\n".join(done.stops))]
        return Done(result=result, text=f"{shown.text}\n\n{fields(pairs)}")

    return writing(home, work)


def _confirm(what: str) -> None:
    """Ask, or refuse where there is nobody to ask."""
    from consentgate.cli import terminal
    from consentgate.errors import InvalidInput

    if not terminal.can_ask():
        raise InvalidInput(f"{what} Give --yes to go on: there is no terminal to ask on.")
    terminal.note(what)
    if terminal.ask("This is for good. Go on? [y/N]").lower() not in ("y", "yes"):
        raise InvalidInput("Nothing was changed.")


def _falls(statements: int, people: int, running: int) -> str:
    tasks = f"{running} request{'' if running == 1 else 's'} under way or running"
    return f"No longer counts: {_counted(statements, people)}. {tasks} rest{'s' if running == 1 else ''} on that."


def _counted(statements: int, people: int) -> str:
    some = "statement" if statements == 1 else "statements"
    return f"{statements} {some} of {people} {'person' if people == 1 else 'people'}"


def _named(parts: "Parts", iss: str) -> "Issuer":
    from consentgate.config.views import registry
    from consentgate.errors import InvalidInput

    found = registry(parts).issuer(iss)
    if found is None:
        raise InvalidInput("No issuer has this name; `consentgate issuer list` shows those that there are.")
    return found


def _kid(found: "Issuer", typed: str | None) -> str | None:
    """The whole thumbprint: its first characters do where they name one key."""
    from consentgate.errors import InvalidInput

    if typed is None:
        return None
    kids = [key.public.kid for key in found.keys if key.public.kid.startswith(typed)]
    if len(kids) != 1 or not typed:
        raise InvalidInput(
            "No key, or more than one, begins like this; `consentgate issuer show` lists them."
        )
    return kids[0]


def _shown(found: "Issuer", here: frozenset[str]) -> Done:
    rows = [(key.public.kid, key.state, _window(key), _where(key, here)) for key in found.keys]
    head = fields([("issuer", plain(found.iss)), ("name", plain(found.name)), *_scope(found)])
    keys = table(rows, ("key", "state", "counts", "private key"))
    return Done(result=_item(found, here), text=f"{head}\n\n{keys}")


_NONE = "No issuer yet. Add one: `consentgate issuer add https://ivr.example --name 'My IVR'`."


def _where(key: "IssuerKey", here: frozenset[str]) -> str:
    return "here" if key.public.kid in here else "elsewhere"


def _window(key: "IssuerKey") -> str:
    if key.compromised_since is not None:
        return f"for no grant; compromised since {moment_text(key.compromised_since)}"
    since, until = moment_text(key.not_before), moment_text(key.not_after)
    if not since and not until:
        return "always"
    return " ".join([*(("from", since) if since else ()), *(("until", until) if until else ())])


def _scope(each: "Issuer") -> list[tuple[str, str]]:
    named = {"purposes": each.purposes, "jurisdictions": each.jurisdictions, "controllers": each.controllers}
    return [(what, "all" if words == ("*",) else ", ".join(words) or "none") for what, words in named.items()]


def _item(each: "Issuer", here: frozenset[str]) -> dict[str, Json]:
    from consentgate.moment import to_text

    keys: list[Json] = [
        {
            "kid": key.public.kid,
            "algorithm": key.public.algorithm,
            "state": key.state,
            "not_before": to_text(key.not_before) if key.not_before else None,
            "not_after": to_text(key.not_after) if key.not_after else None,
            "compromised_since": to_text(key.compromised_since) if key.compromised_since else None,
            "private_key_here": key.public.kid in here,
        }
        for key in each.keys
    ]
    return {
        "iss": each.iss,
        "name": each.name,
        "keys": keys,
        "purposes": list(each.purposes),
        "jurisdictions": list(each.jurisdictions),
        "controllers": list(each.controllers),
    }
