"""``consentgate aws``: what the vendor's account needs, so that nobody passes the gate by."""

import json

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun

_KINDS = ("iam", "scp")


@click.group(cls=Noun)
def aws() -> None:
    """Print what the vendor's account needs."""


@aws.command("policy", example="consentgate aws policy scp --role arn:aws:iam::111122223333:role/gate")
@click.argument("kind", type=click.Choice(_KINDS))
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ARN",
    help="A role that runs a gate; more than once for several.",
)
def _policy(home: str | None, kind: str, roles: tuple[str, ...]) -> Done:  # noqa: ARG001  # the same for every home
    """Print an access policy as JSON: only the gate's role calls the gated operations.

    `iam` is the policy to attach to that role; `scp` is the organisation's service control policy, which denies the
    operations to everybody else and needs --role. Neither denies anything that stops or deletes.
    """
    from consentgate.aws.access import organisation_policy, role_policy

    document: dict[str, Json] = role_policy() if kind == "iam" else organisation_policy(roles)
    return Done(result={"kind": kind, "document": document}, text=json.dumps(document, indent=2))
