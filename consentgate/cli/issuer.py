"""``consentgate issuer``: who may sign statements, with which keys, for what."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import looking, writing
from consentgate.cli.text import fields, moment_text, plain, table

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate
    from consentgate.consent.issuers import Issuer, IssuerKey


@click.group(cls=Noun)
def issuer() -> None:
    """Add and list issuers: who may sign statements, with which keys, for what."""


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


_NONE = "No issuer yet. Add one: `consentgate issuer add https://ivr.example --name 'My IVR'`."


def _where(key: "IssuerKey", here: frozenset[str]) -> str:
    return "here" if key.public.kid in here else "elsewhere"


def _window(key: "IssuerKey") -> str:
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
