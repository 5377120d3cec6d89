"""The rules of `tests/scenarios/README.md`, word by word and slowly, from the research file itself.

Written to be compared with the engine: it shares no code with it, reads no pack, and follows the page's numbers.
"""

import calendar
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[3] / "docs" / "law" / "jurisdictions.yaml"
FORMS = ["none", "notice_only", "opt_in", "explicit", "written_release"]
FLOOR = {"collection_or_storage_disclosed", "specific_purpose"}


@cache
def research() -> Mapping[str, Mapping[str, Any]]:
    data = yaml.safe_load(FILE.read_text("utf-8"))
    return {entry["code"]: entry for entry in data["jurisdictions"]}


def when(value: Any) -> datetime | None:
    if value is None:
        return None
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def plus(at: datetime, period: str) -> datetime:
    found = {unit: int(number) for number, unit in re.findall(r"(\d+)([YMWD])", period)}
    months = at.year * 12 + at.month - 1 + 12 * found.get("Y", 0) + found.get("M", 0)
    year, month = divmod(months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    moved = at.replace(year=year, month=month + 1, day=day)
    return moved + timedelta(days=7 * found.get("W", 0) + found.get("D", 0))


def found_for(code: str) -> str | None:
    while code not in research():
        if "-" not in code:
            return None
        code = code.rpartition("-")[0]
    return code


def stack_of(code: str) -> list[str]:
    seen: list[str] = []
    waiting = [code]
    while waiting:
        each = waiting.pop(0)
        if each not in seen:
            seen.append(each)
            entry = research()[each]
            waiting += [*(entry.get("parents") or ()), *(entry.get("groups") or ())]
    return seen


def required(code: str, day: date, scenario: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Points 2 and 3: what an entry asks on a day, or None where it contributes nothing."""
    entry = research()[code]
    versions = [v for v in entry["versions"] if v["from"] <= day and (v["to"] is None or day <= v["to"])]
    if not versions:
        return None
    asked = dict(versions[0]["requirements"] or {})
    only_recording = {"call_recording_consent": asked.get("call_recording_consent")}
    controller = scenario["controller"]
    for rule in asked.pop("conditional_rules", None) or ():
        purposes = rule["when"].get("purpose_in")
        types = rule["when"].get("controller_type_not_in")
        purpose = scenario["request"]["purpose"]
        if (purposes is not None and purpose in purposes) or (
            types is not None and controller["type"] not in types
        ):
            if rule["require"].get("applies") is False:
                return only_recording
            asked |= rule["require"]
    ids = {each["id"] for each in entry.get("exemptions") or ()}
    return only_recording if ids & {*controller["exemptions"]} else asked


def limit(scenario: Mapping[str, Any], codes: list[str], day: date) -> int:
    """Point 7: the age limit."""
    return max(limit_of(code, scenario, day) for code in codes)


def limit_of(code: str, scenario: Mapping[str, Any], day: date) -> int:
    names = stack_of(code)
    groups = {g for each in names for g in research()[each].get("groups") or ()}
    groups |= {each for each in names if research()[each]["kind"] == "group"}
    stated: dict[str, int] = {}
    for each in names:
        asked = required(each, day, scenario) or {}
        age = (asked.get("minors") or {}).get("guardian_required_below")
        if age is not None:
            stated[each] = age
    near = [age for each, age in stated.items() if each == code or each not in groups]
    return max(near or [*stated.values()] or [18])


def known_to(scenario: Mapping[str, Any]) -> list[str]:
    """Point 1: the entries that the candidates lead to; none where one of them leads nowhere."""
    codes = [found_for(each["code"]) for each in scenario["jurisdictions"]]
    return [] if None in codes else [code for code in codes if code is not None]


def asked_by(scenario: Mapping[str, Any], day: date) -> dict[str, Mapping[str, Any]]:
    """Points 2 and 3 for all candidates."""
    names = dict.fromkeys(each for code in known_to(scenario) for each in stack_of(code))
    return {name: asked for name in names if (asked := required(name, day, scenario)) is not None}


def reasons(scenario: Mapping[str, Any]) -> set[str]:
    """Points 1, 2 and 4, then all the others."""
    at, known = when(scenario["at"]), known_to(scenario)
    assert at is not None
    if not known:
        return {"UNKNOWN_JURISDICTION"}
    asked = asked_by(scenario, at.date())
    if any(r.get("prohibited") for r in asked.values()):
        return {"PROHIBITED_BY_LAW"}
    found = {*circumstances(scenario, at, asked)}
    consent = scenario["consent"]
    if consent is None:
        return found | {"NO_CONSENT"}
    if not consent["signature_valid"]:
        return found | {"RECORD_INTEGRITY_FAILED"}
    return found | {*of_consent(scenario, at, asked)} | {*of_age(scenario, limit(scenario, known, at.date()))}


def of_age(scenario: Mapping[str, Any], below: int) -> Iterator[str]:
    age, guardian = scenario["speaker"]["age"], scenario["consent"]["guardian"] or {}
    if age is None:
        yield "AGE_UNKNOWN"
    elif age < below and not guardian.get("verified"):
        yield "MINOR_NO_GUARDIAN"


def of_consent(
    scenario: Mapping[str, Any], at: datetime, asked: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    consent, request = scenario["consent"], scenario["request"]
    given, withdrawn, until = (when(consent[f"{name}_at"]) for name in ("granted", "withdrawn", "expires"))
    captured = when(request["audio_captured_at"])
    if consent["status"] == "refused":
        yield "CONSENT_REFUSED"
    if given is not None and given > at:
        yield "CONSENT_NOT_YET_GIVEN"
    if withdrawn is not None and withdrawn <= at:
        yield "CONSENT_WITHDRAWN"
    if until is not None and until <= at:
        yield "CONSENT_EXPIRED"
    if captured is not None and given is not None and captured < given:
        yield "COLLECTION_BEFORE_CONSENT"
    if request["purpose"] not in consent["purposes"]:
        yield "PURPOSE_MISMATCH"
    yield from of_form(consent, asked)
    yield from of_notice(scenario, asked)
    yield from of_sharing(scenario, asked)


def of_form(consent: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Point 5."""
    needed = max(
        FORMS.index(r.get("consent_form") or "none") for r in [{"consent_form": "opt_in"}, *asked.values()]
    )
    short = FORMS.index(consent["form"]) < needed
    if FORMS[needed] == "written_release":
        writing = [r for r in asked.values() if r.get("consent_form") == "written_release"]
        refused = any(r.get("electronic_signature_ok") is not True for r in writing)
        short |= consent["signature"] == "none" or (consent["signature"] == "electronic" and refused)
    if consent["channel"] in ("voice_recording", "verbal_unrecorded"):
        short |= any(
            r.get("consent_required") and r.get("oral_consent_ok") is not True for r in asked.values()
        )
    if short:
        yield "CONSENT_FORM_INSUFFICIENT"
    if consent["channel"] == "verbal_unrecorded":
        yield "NO_PROOF_OF_CONSENT"


def missing(scenario: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Point 6."""
    flags = {**scenario["request"], **scenario["controller"]}
    needed = {*FLOOR}
    for each in asked.values():
        needed |= {*(each.get("notice_elements") or ())}
        conditional = each.get("notice_elements_conditional") or {}
        needed |= {element for element, flag in conditional.items() if flags.get(flag)}
    return needed - {*scenario["consent"]["notice_elements"]}


def of_notice(scenario: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    consent = scenario["consent"]
    if missing(scenario, asked):
        yield "NOTICE_INCOMPLETE"
    if not consent["notice_in_writing"] and any(r.get("notice_in_writing") for r in asked.values()):
        yield "NOTICE_NOT_WRITTEN"
    if consent["bundled"] and any(r.get("separate_consent") for r in asked.values()):
        yield "CONSENT_BUNDLED"


def of_sharing(scenario: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    operation, given = scenario["request"]["operation"], scenario["consent"]["disclosure_consent"]
    rules = {r.get("disclosure_rule") for r in asked.values()}
    if operation == "disclose" and (
        "closed_list" in rules
        or ("separate_consent" in rules and given != "separate")
        or (rules & {"consent", "consent_or_list"} and given == "none")
    ):
        yield "DISCLOSURE_NOT_PERMITTED"
    sales = {str(r.get("sale_prohibited")) for r in asked.values()}
    if operation == "sell" and sales & {"yes", "yes_with_narrow_exceptions", "without_signed_authorization"}:
        yield "SALE_PROHIBITED"


def circumstances(
    scenario: Mapping[str, Any], at: datetime, asked: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Points 8, 9 and 10."""
    facts, request = scenario["facts"], scenario["request"]
    all_parties = any(r.get("call_recording_consent") == "all_party" for r in asked.values())
    if facts["recording_consent"] == "none" or (all_parties and facts["recording_consent"] != "all_parties"):
        yield "RECORDING_CONSENT_MISSING"
    for code, each in asked.items():
        filing = each.get("prior_authority") or {}
        if filing.get("required") and filing.get("gate"):
            filed = when(facts["authority_filings"].get(code))
            if filed is None:
                yield "PRIOR_AUTHORITY_MISSING"
            elif plus(filed, filing["lead_time"]) > at:
                yield "PRIOR_AUTHORITY_PENDING"
    for demand, fact, code in (
        ("impact_assessment_required", "impact_assessment_done", "IMPACT_ASSESSMENT_MISSING"),
        ("public_policy_required", "public_policy_published", "PUBLIC_POLICY_MISSING"),
        ("alternative_required", "alternative_offered", "ALTERNATIVE_NOT_OFFERED"),
        ("strict_necessity", "strictly_necessary", "NOT_STRICTLY_NECESSARY"),
    ):
        if any(r.get(demand) for r in asked.values()) and not facts[fact]:
            yield code
    satisfied = when(facts["purpose_satisfied_at"])
    if request["operation"] in ("search", "enrol") and satisfied is not None and satisfied <= at:
        yield "PURPOSE_SATISFIED"
    deadline = gone_by(scenario, asked)
    if deadline is not None and deadline <= at:
        yield "RETENTION_EXCEEDED"
    if is_stale(scenario, at, asked):
        yield "CONSENT_REFRESH_REQUIRED"
    place = request["processing_country"]
    if any(
        r.get("data_localisation") == "required" and c.partition("-")[0] != place for c, r in asked.items()
    ):
        yield "LOCALISATION_VIOLATION"


def gone_by(scenario: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> datetime | None:
    """Point 9: the earliest deadline."""
    deadlines = [
        plus(started, clock["within"])
        for each in asked.values()
        for clock in (each.get("max_retention") or {}).get("clocks", ())
        if clock["trigger"] != "consent_withdrawn"
        and (started := when(scenario["facts"][f"{clock['trigger']}_at"])) is not None
    ]
    return min(deadlines, default=None)


def is_stale(scenario: Mapping[str, Any], at: datetime, asked: Mapping[str, Mapping[str, Any]]) -> bool:
    last = when(scenario["facts"]["last_interaction_at"])
    given = when(scenario["consent"]["granted_at"]) if scenario["consent"] else None
    if last is None or (given is not None and last < given):
        return False
    periods = [r["consent_refresh"]["after"] for r in asked.values() if r.get("consent_refresh")]
    return any(plus(last, each) <= at for each in periods)


def missing_elements(scenario: Mapping[str, Any]) -> set[str]:
    """What the notice lacks, where a notice is judged."""
    at = when(scenario["at"])
    assert at is not None
    return (
        missing(scenario, asked_by(scenario, at.date()))
        if "NOTICE_INCOMPLETE" in reasons(scenario)
        else set()
    )


def obligations(scenario: Mapping[str, Any]) -> set[str]:
    """What has to follow, as far as the page names it."""
    at = when(scenario["at"])
    assert at is not None
    against, follow = reasons(scenario), set()
    if "CONSENT_WITHDRAWN" in against:
        follow.add("delete_template")
    if against & {"UNKNOWN_JURISDICTION", "PROHIBITED_BY_LAW"}:
        return follow
    deadline = gone_by(scenario, asked_by(scenario, at.date()))
    if deadline is not None and deadline > at:
        follow.add(f"delete_by:{deadline.isoformat(timespec='seconds').replace('+00:00', 'Z')}")
    elif deadline is not None:
        follow.add("preserve_sealed_no_search" if scenario["facts"]["legal_hold"] else "delete_template")
    return follow
