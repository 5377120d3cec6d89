"""The access policies cover exactly the table of gated operations, and nothing that stops or deletes."""

import json

import botocore.session
import pytest

from consentgate.aws.operations import GATED, SERVICES
from tests.acceptance.deployment import Program

ROLE = "arn:aws:iam::111122223333:role/voice/gate"
OTHER = "arn:aws-us-gov:iam::111122223333:role/gate"


def actions(statement: dict[str, object]) -> set[str]:
    found = statement["Action"]
    assert isinstance(found, list)
    return set(found)


def test_the_role_may_what_is_gated_and_what_stops_deletes_and_shows(program: Program) -> None:
    document = program.json("aws", "policy", "iam")["result"]["document"]
    gated, others = document["Statement"]
    assert {each["Effect"] for each in document["Statement"]} == {"Allow"}
    assert actions(gated) == {f"chime:{name}" for _, name in GATED}
    assert {each.removeprefix("chime:")[:3] for each in actions(others)} == {"Del", "Get", "Sto"}
    assert json.loads(program("aws", "policy", "iam").out) == document


def test_the_organisation_denies_what_is_gated_to_everybody_else_and_nothing_more(program: Program) -> None:
    printed = program.json("aws", "policy", "scp", "--role", ROLE, "--role", OTHER)
    document = printed["result"]["document"]
    (only,) = document["Statement"]
    assert (only["Effect"], only["Resource"]) == ("Deny", "*")
    assert actions(only) == {f"chime:{name}" for _, name in GATED}
    assert only["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": sorted([ROLE, OTHER])}}


def test_every_action_is_an_operation_that_signs_as_chime(program: Program) -> None:
    session = botocore.session.Session()
    models = [session.get_service_model(service) for service in SERVICES]
    assert {model.signing_name for model in models} == {"chime"}
    known = {f"chime:{name}" for model in models for name in model.operation_names}
    document = program.json("aws", "policy", "iam")["result"]["document"]
    assert all(actions(each) <= known for each in document["Statement"])


@pytest.mark.parametrize(
    "roles",
    [
        (),
        ("arn:aws:iam::111122223333:user/ada",),
        ("arn:aws:iam::111122223333:role/*",),
        ("arn:aws:iam::*:role/gate",),
        ("gate",),
        (ROLE, "arn:aws:iam::111122223333:role/g?te"),
    ],
)
def test_policy_that_would_let_others_through_is_not_printed(
    program: Program, roles: tuple[str, ...]
) -> None:
    named = [word for role in roles for word in ("--role", role)]
    refused = program.json("aws", "policy", "scp", *named, exit=2)
    assert refused["result"] == {}
    assert "role" in refused["findings"][0]["expected"] + refused["findings"][0]["found"]
