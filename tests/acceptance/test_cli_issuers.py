"""Issuers' keys and references that are one person, from the command line."""

from collections.abc import Iterator

import pytest

from consentgate.cli import terminal
from tests.acceptance.deployment import ISS, OUTSIDE, PHONE, Deployment, Program

pytestmark = pytest.mark.acceptance

CALLER = "customer:C-1000417"
SINCE = ("--since", "2026-01-01")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What somebody at a terminal types, in order."""
    given: list[str] = []
    monkeypatch.setattr(terminal, "can_ask", lambda: True)
    monkeypatch.setattr(terminal, "ask", lambda _question: given.pop(0))
    yield given
    assert given == []


def key_of(program: Program, iss: str) -> str:
    """The thumbprint of an issuer's only key."""
    (key,) = program.json("issuer", "show", iss)["result"]["keys"]
    return str(key["kid"])


def test_issuer_is_shown_with_the_states_of_its_keys(program: Program) -> None:
    shown = program("issuer", "show", ISS)
    assert shown.exit == 0
    assert key_of(program, ISS) in shown.out
    assert "active" in shown.out
    assert program("issuer", "show", "https://nobody.example").exit == 2


def test_retired_key_is_shown_and_signs_no_grant(program: Program) -> None:
    result = program.json("issuer", "retire", ISS, "--key", key_of(program, ISS)[:8])["result"]
    assert [key["state"] for key in result["keys"]] == ["retired"]
    assert "retired" in program("issuer", "list").out
    grant = ("consent", "issue", "grant", "--issuer", ISS, "--reference", CALLER, "--notice", "voiceprint")
    refused = program(*grant, "--method", "web_esign")
    assert refused.exit == 1
    assert "retired" in refused.err
    withdraw = ("consent", "withdraw", "--issuer", ISS, "--reference", CALLER, "--method", "web_form")
    assert program.json(*withdraw)["result"]["state"] == "withdrawn"


@pytest.mark.parametrize("typed_key", ["", "nothing-begins-so"])
def test_key_that_names_none_or_several_is_usage(program: Program, typed_key: str) -> None:
    assert program("issuer", "retire", ISS, "--key", typed_key).exit == 2


def test_compromise_says_what_falls_and_asks_first(program: Program, typed: list[str]) -> None:
    typed += ["n", "y"]
    declined = program("issuer", "compromise", ISS, *SINCE)
    assert declined.exit == 2
    assert "statement" in declined.err
    assert "of 1 person" in declined.err or "people" in declined.err
    assert "Nothing was changed." in declined.err
    assert "compromised" not in program("issuer", "list").out
    done = program("issuer", "compromise", ISS, *SINCE)
    assert done.exit == 0
    assert "compromised since 2026-01-01" in done.out
    assert "to stop" in done.out


def test_compromise_without_a_terminal_needs_yes(program: Program, deployed: Deployment) -> None:
    refused = program("issuer", "compromise", ISS, *SINCE)
    assert refused.exit == 2
    assert "--yes" in refused.err
    document = program.json("issuer", "compromise", ISS, *SINCE, exit=2)
    assert document["result"] == {}
    result = program.json("issuer", "compromise", ISS, *SINCE, "--yes")["result"]
    assert result["statements"] >= result["people"] >= 1
    assert result["stops"] == [deployed.succeeded, deployed.open]
    assert [key["state"] for key in result["keys"]] == ["compromised"]
    assert program.json("consent", "show", deployed.grant)["result"]["sound"] is False
    assert program("issuer", "retire", ISS, "--key", key_of(program, ISS)).exit == 2


def test_compromise_of_a_key_that_granted_nothing_says_so(program: Program) -> None:
    result = program.json("issuer", "compromise", OUTSIDE, *SINCE, "--yes")["result"]
    assert (result["people"], result["stops"]) == (0, [])
    checks = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert OUTSIDE in checks["issuers"]["found"]


def test_doctor_mentions_compromised_keys(program: Program) -> None:
    program.json("issuer", "add", OUTSIDE, "--name", "Forms")
    first = program.json("issuer", "show", OUTSIDE)["result"]["keys"][0]["kid"]
    program.json("issuer", "compromise", OUTSIDE, "--key", first, *SINCE, "--yes")
    checks = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert "1 compromised, of whose grants none counts" in checks["issuers"]["found"]
    assert checks["issuers"]["verdict"] == "ok"


def test_two_references_are_bound_shown_and_parted(program: Program) -> None:
    bind = ("consent", "same-subject", "--issuer", ISS, "--method", "web_form")
    pair = ("--reference", CALLER, "--reference", "card:77")
    bound = program.json(*bind, *pair)["result"]
    assert (bound["state"], bound["stops"]) == ("same_subject", [])
    explain = ("policy", "explain", "--evidence", "US-IL", "--adult", "--reference", "card:77")
    document = program.json(*explain, "--purpose", "authentication")
    (consent,) = document["result"]["speakers"][0]["consents"]
    assert (consent["through"], consent["trusted_at"]) == (bound["entry"], "weak")
    text = program(*explain, "--purpose", "authentication").out
    assert "through" in text
    assert "time weak" in text
    shown = program.json("consent", "show", "--reference", "card:77")["result"]
    assert bound["entry"] in [each["through"] for each in shown["consents"]]
    assert "through" in program("consent", "show", "--reference", "card:77").out
    assert "same_subject" in program("consent", "show", bound["entry"]).out
    parted = program.json(*bind, *pair, "--not")["result"]
    assert parted["state"] == "not_same_subject"
    assert program(*bind, "--reference", CALLER).exit == 2
    assert PHONE not in text
