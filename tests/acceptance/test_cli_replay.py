"""Stored decisions come out the same; what was changed, lost or destroyed is said, on both databases."""

from dataclasses import replace
from typing import Any

import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate
from consentgate.canonical import Json
from consentgate.config.settings import load_settings
from consentgate.gate import contents
from consentgate.policy.decide import Decision
from consentgate.policy.record import decision_from, decision_json
from consentgate.testing.chime import ChimeServer
from tests.acceptance.deployment import CONNECTOR, ISS, Deployment, Program, _person

pytestmark = pytest.mark.acceptance

REPLAY = ("policy", "replay")


def counts(program: Program, *words: str, exit: int = 0) -> dict[str, int]:  # noqa: A002  # as in the JSON object
    """How many decisions came to what, without those of which there is none."""
    found: dict[str, int] = program.json(*REPLAY, *words, exit=exit)["result"]["counts"]
    return {name: count for name, count in found.items() if count}


def deny(deployed: Deployment, *, registered: bool = True) -> str:
    """Have the gate deny a search; gives the denial's entry."""
    with ConsentGate(load_settings(deployed.home), background=False) as gate, ChimeServer() as chime:
        client = gate.protect(chime.client())
        stranger = _person("C-77", "+13125550177")
        call = "tx-77" if registered else "tx-nobody"
        if registered:
            gate.register_call(call, caller=[stranger], callee=NOBODY, purpose="authentication")
        with pytest.raises(ConsentDenied) as denied:
            client.start_speaker_search_task(
                VoiceConnectorId=CONNECTOR, TransactionId=call, VoiceProfileDomainId="vpd-1"
            )
        client.close()
    return denied.value.entry or ""


def test_every_stored_decision_comes_out_the_same(program: Program, deployed: Deployment) -> None:
    document = program.json(*REPLAY)
    assert document["result"]["items"] == document["findings"] == []
    assert counts(program) == {"same": 3}
    assert "3 came out the same" in program(*REPLAY).out
    [item] = program.json(*REPLAY, "--entry", deployed.denial[-8:])["result"]["items"]
    assert (item["verdict"], item["kind"], item["differs"]) == ("same", "denial", [])
    assert item["stored"] == item["again"]
    assert item["stored"]["reasons"] == ["NO_CONSENT"]
    text = program(*REPLAY, "--entry", deployed.succeeded).out
    assert "stored  allowed" in text


def test_every_decision_is_shown_where_that_is_asked_for(program: Program, deployed: Deployment) -> None:
    items = program.json(*REPLAY, "--every")["result"]["items"]
    assert [each["kind"] for each in items] == ["intent", "intent", "denial"]
    assert {each["verdict"] for each in items} == {"same"}
    assert "stored  denied: NO_CONSENT" in program(*REPLAY, "--every").out


def test_only_what_was_written_since_is_decided_again(program: Program) -> None:
    assert counts(program, "--since", "2020-01-01") == {"same": 3}
    assert counts(program, "--since", "2999-01-01") == {}
    assert "No decision yet." in program(*REPLAY, "--since", "2999-01-01").out


def test_decision_that_was_stored_otherwise_is_found(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forged(decision: Decision) -> dict[str, Json]:
        return decision_json(replace(decision, missing_notice_elements=("policy_url",)))

    monkeypatch.setattr(contents, "decision_json", forged)
    entry = deny(deployed)
    document = program.json(*REPLAY, exit=1)
    [item] = document["result"]["items"]
    assert (item["entry"], item["verdict"], item["differs"]) == (
        entry,
        "different",
        ["missing_notice_elements"],
    )
    [finding] = document["findings"]
    assert finding["kind"] == "different"
    assert entry in finding["where"]
    text = program(*REPLAY)
    assert text.exit == 1
    assert "differs  missing notice elements" in text.out
    assert "1 came out otherwise" in text.out


def test_denial_that_is_written_as_an_intent_would_be_found(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consentgate.config import replaying

    stored: list[Any] = []

    def denied(content: Json) -> Decision:
        decision = replace(original(content), allowed=False)
        stored.append(decision)
        return decision

    original = decision_from
    monkeypatch.setattr(replaying, "decision_from", denied)
    [item] = program.json(*REPLAY, "--entry", deployed.succeeded, exit=1)["result"]["items"]
    assert item["differs"] == ["allowed", "request"]
    assert stored


def test_denial_about_nobody_has_no_law_to_ask_again(program: Program, deployed: Deployment) -> None:
    entry = deny(deployed, registered=False)
    assert counts(program) == {"same": 3, "no_law": 1}
    assert program.json(*REPLAY, "--entry", entry)["result"]["items"][0]["verdict"] == "no_law"


def test_issuer_revoked_since_changes_nothing_but_with_the_registry_of_now(program: Program) -> None:
    mark = ("issuer", "compromise", ISS, "--since", "2020-01-01", "--yes")
    assert program(*mark).exit == 0
    assert counts(program) == {"same": 3}
    document = program.json(*REPLAY, "--with-registry", "now", exit=1)
    items = document["result"]["items"]
    assert [each["again"]["reasons"] for each in items] == [["RECORD_INTEGRITY_FAILED"]] * 2
    assert {each["stored"]["decision"] for each in items} == {"allowed"}
    assert {each["kind"] for each in document["findings"]} == {"different"}


def test_decisions_of_somebody_who_was_erased_are_sealed(program: Program, deployed: Deployment) -> None:
    deployed.forget(deployed.grant)
    document = program.json(*REPLAY, exit=4)
    assert {each["verdict"] for each in document["result"]["items"]} == {"sealed"}
    assert document["result"]["counts"] | {"same": 1, "sealed": 2} == document["result"]["counts"]
    assert "2 lie under keys that were destroyed" in program(*REPLAY).out


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM artifact WHERE kind = 'pack'", "restore it"),
        ("DELETE FROM artifact WHERE kind = 'packs'", "keeps no pack set"),
        ("DELETE FROM artifact WHERE kind = 'registry'", "registry is missing"),
        ("UPDATE entry SET kind = 'heartbeat' WHERE kind = 'statement'", "which is not there"),
        ("UPDATE entry SET parts = leaf WHERE kind = 'assertion'", "."),
        ("UPDATE entry SET parts = leaf WHERE kind IN ('intent', 'denial')", "."),
    ],
)
def test_what_a_decision_names_and_is_missing_or_altered_is_broken(
    program: Program, deployed: Deployment, statement: str, said: str
) -> None:
    deployed.tamper(statement)
    document = program.json(*REPLAY, exit=1)
    broken = [each for each in document["result"]["items"] if each["verdict"] == "broken"]
    assert broken
    assert any(said in each["why"] for each in broken)
    assert {each["kind"] for each in document["findings"]} == {"broken"}
    assert "cannot be decided again" in program(*REPLAY).out


def test_usage_of_replay_is_checked(program: Program, deployed: Deployment) -> None:
    both = program(*REPLAY, "--entry", deployed.denial, "--since", "2026-01-01")
    other = program(*REPLAY, "--entry", deployed.grant)
    assert (both.exit, other.exit) == (2, 2)
    assert "not both" in both.err
    assert "no decision" in other.err


@pytest.mark.parametrize(
    ("module", "name", "found", "said"),
    [("statements", "received", (), "A statement"), ("controller", "assertion_of", None, "An assertion")],
)
def test_what_was_read_under_a_key_that_is_gone_is_broken(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch,
    module: str, name: str, found: object, said: str,
) -> None:  # fmt: skip
    from consentgate.config import replaying

    monkeypatch.setattr(getattr(replaying, module), name, lambda *_: found)
    [item] = program.json(*REPLAY, "--entry", deployed.succeeded, exit=1)["result"]["items"]
    assert item["why"].startswith(said)


def test_decision_of_another_engine_that_comes_out_otherwise_says_so(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "VERSION", "0.0.1")
    entry = deny(deployed)
    assert counts(program) == {"same": 4}
    monkeypatch.setattr(
        contents, "decision_json", lambda decision: decision_json(replace(decision, grant=entry))
    )
    deny(deployed)
    [item] = program.json(*REPLAY, exit=1)["result"]["items"]
    assert item["differs"] == ["grant"]
    assert item["why"].startswith("It was decided by consentgate 0.0.1, and again by ")
