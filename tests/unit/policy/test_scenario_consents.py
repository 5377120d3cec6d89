"""Lists of statements in scenarios, beyond what `own.yaml` shows: equal readings, and what is refused."""

import copy
from typing import Any

import pytest

from consentgate.errors import InvalidInput
from consentgate.policy.scenario import Result, evaluate
from tests.unit.policy.test_own_scenarios import OWN, PACKS, PUBLIC

BASE = next(each for each in OWN if each["title"] == "An empty list of consents")
GRANT = next(each for each in OWN if each["title"] == "A superseded grant beside its successor")["consents"][
    1
]
LIVE = next(each for each in OWN if each["title"] == "Live: one use left")
CUSTOMER = [{"kind": "customer", "value": "c-1"}]
PHONE = [{"kind": "phone", "value": "+442071838750"}]
BOND = {
    "id": "s1",
    "status": "same_subject",
    "granted_at": "2026-01-01T00:00:00Z",
    "references": CUSTOMER + PHONE,
}


def answered(*consents: dict[str, Any], base: dict[str, Any] = BASE, **members: Any) -> Result:
    return evaluate({**copy.deepcopy(base), **members, "expect": None, "consents": [*consents]}, PACKS)


def grant(**changes: Any) -> dict[str, Any]:
    return {**GRANT, "id": "g1", "granted_at": "2026-03-02T15:04:05Z", **changes}


@pytest.mark.parametrize("scenario", PUBLIC, ids=lambda each: str(each["id"]))
def test_a_list_of_one_means_what_the_one_means(scenario: dict[str, Any]) -> None:
    alone = evaluate(scenario, PACKS)
    listed = {**scenario, "consents": [scenario["consent"]] if scenario["consent"] else []}
    del listed["consent"]
    found = evaluate(listed, PACKS)
    assert (found.verdict, found.reasons) == (alone.verdict, alone.reasons)
    assert found.obligations == alone.obligations
    assert found.decision.missing_notice_elements == alone.decision.missing_notice_elements


def test_a_scenario_has_one_or_several_consents() -> None:
    with pytest.raises(InvalidInput, match="either consent or consents"):
        answered(grant(), consent=GRANT)
    assert answered(grant(), consent=None).verdict == "allow"


def test_two_items_of_one_id_are_two_consents() -> None:
    found = answered(grant(bundled=True), grant(granted_at="2026-06-01T00:00:00Z"))
    assert found.decision.grant == "g1 (2)"
    assert [each.entry for each in found.decision.considered] == ["g1 (2)", "g1"]


def test_items_without_an_id_are_told_apart() -> None:
    found = answered(*({**grant(bundled=True), "id": None} for _ in range(2)))
    assert [each.entry for each in found.decision.considered] == ["consent 2", "consent"]


def test_a_grant_that_was_withdrawn_is_two_statements() -> None:
    withdrawn = grant(withdrawn_at="2026-05-01T00:00:00Z")
    assert answered(withdrawn).reasons == ("CONSENT_WITHDRAWN",)
    assert answered(withdrawn, grant(id="g2", granted_at="2026-06-01T00:00:00Z")).decision.grant == "g2"
    both = answered(grant(id="g0", granted_at="2026-04-01T00:00:00Z"), withdrawn)
    assert both.reasons == ("CONSENT_WITHDRAWN",)


def test_a_refusal_may_say_when_in_its_own_word() -> None:
    refusal = {"id": "r1", "status": "refused", "refused_at": "2026-05-01T00:00:00Z"}
    assert answered(grant(), refusal).reasons == ("CONSENT_REFUSED",)
    assert answered(grant(granted_at="2026-06-01T00:00:00Z"), refusal).verdict == "allow"


def test_a_grant_acts_from_the_earlier_of_its_times() -> None:
    early = grant(granted_at="2026-11-22T12:00:03Z", received_at="2026-11-22T11:59:59Z")
    assert answered(early).verdict == "allow"
    assert answered(grant(granted_at="2026-11-22T12:00:03Z")).reasons == ("CONSENT_NOT_YET_GIVEN",)
    assert answered(grant(granted_at=None)).reasons == ("CONSENT_NOT_YET_GIVEN",)
    assert answered(grant(received_at="2026-11-23T00:00:00Z")).reasons == ("NO_CONSENT",)


@pytest.mark.parametrize(
    ("granted", "bound", "asks", "reasons"),
    [
        (None, ["acme"], "acme", ()),
        (None, ["acme"], "other", ("CONTROLLER_NOT_CONSENTED",)),
        (["acme", "other"], ["acme"], "other", ("CONTROLLER_NOT_CONSENTED",)),
        (["acme", "other"], ["acme"], "acme", ()),
        (["acme"], None, "acme", ()),
    ],
)
def test_what_counts_by_a_bond_has_the_narrower_controllers(
    granted: list[str] | None, bound: list[str] | None, asks: str, reasons: tuple[str, ...]
) -> None:
    found = answered(
        grant(references=PHONE, controllers=granted),
        {**BOND, "controllers": bound},
        speaker={"age": 34, "references": CUSTOMER},
        controller={**BASE["controller"], "id": asks},
    )
    assert found.reasons == reasons
    assert found.decision.through == ("s1" if not reasons else None)


def test_a_superseded_consent_alone_is_none() -> None:
    alone = {**copy.deepcopy(BASE), "consent": {**GRANT, "status": "superseded"}, "expect": None}
    del alone["consents"]
    assert evaluate(alone, PACKS).reasons == ("NO_CONSENT",)


@pytest.mark.parametrize(
    ("until", "reasons"),
    [("2028-01-01T00:00:00Z", ("CONSENT_EXPIRED",)), ("2026-05-01T00:00:00Z", ("CONSENT_EXPIRED",))],
)
def test_an_expired_consent_has_ended_whatever_its_date(until: str, reasons: tuple[str, ...]) -> None:
    assert answered(grant(status="expired", expires_at=until)).reasons == reasons


@pytest.mark.parametrize(
    ("path", "item"),
    [
        (r"consents\[1\]\.status", {"status": "given"}),
        (r"consents\[1\]\.received_at", {"received_at": "soon"}),
        (r"consents\[1\]\.references: .*E\.164", {"references": [{"kind": "phone", "value": "12"}]}),
        (r"consents\[1\]\.references\[0\]\.kind", {"references": [{"value": "12"}]}),
        (r"consents\[1\].*purposes", {"purposes": ["two words"]}),
        (r"consents\[1\].*two references", {"status": "same_subject", "references": CUSTOMER}),
        (r"consents\[1\]\.context: ", {"context": {}}),
        (r"consents\[1\]\.context\.call_leg", {"context": {"call_leg": "Both"}}),
        (r"consents\[1\]\.uses", {"uses": -1}),
        (r"consents\[1\].*max_uses", {"max_uses": 0}),
    ],
)
def test_what_cannot_be_read_is_refused_by_place(path: str, item: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=path):
        answered(grant(), {**grant(id="g2"), **item})


def test_a_live_consent_covers_what_it_names_and_was_given_as_it_says() -> None:
    silent = {name: value for name, value in grant().items() if name not in ("operations", "channel")}
    assert answered(silent).verdict == "allow"
    assert answered(silent, base=LIVE).reasons == ("NO_PROOF_OF_CONSENT", "OPERATION_NOT_CONSENTED")


def test_evidence_of_a_live_scenario_is_checked() -> None:
    with pytest.raises(InvalidInput, match="code"):
        answered(grant(), base=LIVE, jurisdictions=[{"code": "gb"}])
    unknown = answered(grant(), jurisdictions=[{"code": "gb"}])
    assert (unknown.reasons, unknown.evidence) == (("UNKNOWN_JURISDICTION",), ())


def test_members_that_the_format_does_not_know_are_ignored() -> None:
    found = answered(grant(colour="blue"), weather="rain", facts={**BASE["facts"], "mood": None})
    assert found.verdict == "allow"


def test_missing_parts_are_empty_ones() -> None:
    found = evaluate({"id": "x", "at": "2026-11-22T12:00:00Z", "request": {"operation": "search"}}, PACKS)
    assert found.reasons == ("UNKNOWN_JURISDICTION",)
    known = {
        "id": "x",
        "at": "2026-11-22",
        "jurisdictions": [{"code": "US-IL"}],
        "request": {"operation": "search"},
    }
    assert evaluate(known, PACKS).reasons == (
        "NO_CONSENT",
        "PUBLIC_POLICY_MISSING",
        "RECORDING_CONSENT_MISSING",
    )
