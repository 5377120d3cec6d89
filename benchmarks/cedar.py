"""The same rules for `cedarpy`: one forbidding policy for each requirement of each pack, so that a denial lists all.

Everything that this library can prepare is prepared: the policies, and as entities the packs, the place that
stands under them, and the controller with all that it asserts. What differs from call to call is the context.
Where there was a choice, the quicker one for Cedar was taken: only the packs that apply are in the set, times and
forms are whole numbers, conditions and periods are worked out beforehand, and statements are folded beforehand.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import cedarpy

from consentgate.consent.state import Consent, Grant
from consentgate.packs.rules import FORMS, Rules
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import DEFAULT_AGE, FLOOR_ELEMENTS, FLOOR_FORM, Requirements
from consentgate.policy.effective import Effective
from consentgate.policy.facts import RequestFacts, SpeakerFacts

DAY_MS: Final = 86_400_000
FLAGS: Final = (
    ("impact_assessment_required", "impact_assessment_done", "IMPACT_ASSESSMENT_MISSING"),
    ("public_policy_required", "public_policy_published", "PUBLIC_POLICY_MISSING"),
    ("alternative_required", "alternative_offered", "ALTERNATIVE_NOT_OFFERED"),
    ("strict_necessity", "strictly_necessary", "NOT_STRICTLY_NECESSARY"),
)
CONDITIONS: Final = (
    "has_dpo",
    "cross_border",
    "automated_decision",
    "third_party_provision",
    "provision_is_contractual",
)
SPOKEN: Final = '["voice_recording", "verbal_unrecorded"].contains(context.method)'
NO_SALE: Final = ("yes", "yes_with_narrow_exceptions", "without_signed_authorization")

# What the product asks whatever the packs say: code, head, condition.
FLOOR: Final = (
    ("NO_CONSENT", "action", "!(context has given)"),
    ("RECORD_INTEGRITY_FAILED", "action", "!context.sound"),
    ("CONSENT_REFUSED", "action", "context.refused"),
    ("CONSENT_WITHDRAWN", "action", "context.withdrawn"),
    ("CONSENT_NOT_YET_GIVEN", "action", "context.given > context.at"),
    ("CONSENT_EXPIRED", "action", "context has until && context.until <= context.at"),
    ("COLLECTION_BEFORE_CONSENT", "action", "context has captured && context.captured < context.given"),
    ("CONSENT_FORM_INSUFFICIENT", "action", f"context.form < {FORMS.index(FLOOR_FORM)}"),
    ("NO_PROOF_OF_CONSENT", "action", '["verbal_unrecorded", "import"].contains(context.method)'),
    ("NOTICE_INCOMPLETE", "action", f"!context.elements.containsAll({json.dumps(FLOOR_ELEMENTS)})"),
    ("PURPOSE_MISMATCH", "action", "!context.purposes.contains(context.purpose)"),
    ("OPERATION_NOT_CONSENTED", "action", "!context.operations.contains(context.operation)"),
    ("CONTROLLER_NOT_CONSENTED", "action", "!context.controllers.contains(context.controller)"),
    ("RECORDING_CONSENT_MISSING", "action", 'context.recording == "none"'),
    (
        "PURPOSE_SATISFIED",
        'action in [Action::"search", Action::"enrol"]',
        "context has satisfied && context.satisfied <= context.at",
    ),
)


def policies(packs: Sequence[Effective], requirements: Requirements) -> str:
    """Write the rules of the packs, and the floor, as Cedar policies."""
    lines = ["permit(principal, action, resource);"]
    lines += [_forbid("baseline", code, head, "resource", when) for code, head, when in FLOOR]
    for each in packs:
        under = f'resource in Pack::"{each.pack.code}"'
        lines += [
            _forbid(each.pack.code, code, head, under, when) for code, head, when in _of_pack(each.rules)
        ]
    # The age limit is one number over all candidates; a group's yields to its members', so it is worked out.
    limit = requirements.age or DEFAULT_AGE
    known = f"(context.adult && {limit} <= 18) || context.age_over >= {limit}"
    lines += [
        _forbid("limit", "AGE_UNKNOWN", "action", "resource", f"!(context has age) && !({known})"),
        _forbid(
            "limit",
            "MINOR_NO_GUARDIAN",
            "action",
            "resource",
            f'context has age && context.age < {limit} && context.guardian != "verified"',
        ),
    ]
    return "\n".join(lines)


def entities(packs: Sequence[Effective], place: str, controllers: dict[str, Standing]) -> str:
    """Write what stays the same from call to call: the packs, who stands under them, and the controllers."""
    under = [{"type": "Pack", "id": each.pack.code} for each in packs]
    found: list[dict[str, Any]] = [{"uid": uid, "attrs": {}, "parents": []} for uid in under]
    found.append({"uid": {"type": "Place", "id": place}, "attrs": {}, "parents": under})
    found += [
        {"uid": {"type": "Controller", "id": name}, "attrs": _asserted(standing), "parents": []}
        for name, standing in controllers.items()
    ]
    return json.dumps(found)


def request(
    who: str, place: str, asked: RequestFacts, speaker: SpeakerFacts, consent: Consent, at: datetime
) -> dict[str, Any]:
    """Write one call: what it asks, about whom, and on which consent."""
    return {
        "principal": {"type": "Controller", "id": who},
        "action": {"type": "Action", "id": asked.operation},
        "resource": {"type": "Place", "id": place},
        "context": _known(
            at=_ms(at),
            operation=asked.operation,
            purpose=asked.purpose,
            controller=asked.controller,
            country=asked.processing_country,
            captured=_ms(asked.audio_captured_at),
            recording=asked.recording_consent or "none",
            age=speaker.age,
            adult=speaker.adult,
            last=_ms(speaker.last_interaction_at),
            refused=any(each.kind == "refused" for each in consent.endings),
            withdrawn=any(each.kind == "withdrawn" for each in consent.endings),
            **({} if consent.grant is None else _terms(consent.grant)),
        ),
    }


def codes_of(answer: cedarpy.AuthzResult) -> tuple[str, ...]:
    """Read every reason out of an answer: its codes, sorted."""
    if answer.allowed:
        return ()
    ids = answer.diagnostics.id_annotations_by_reason.values()
    return tuple(sorted({each.partition(":")[0] for each in ids}))


def _of_pack(asked: Rules) -> Iterator[tuple[str, str, str]]:
    yield from _of_consent(asked)
    yield from _of_notice(asked)
    yield from _of_sharing(asked)
    if asked.prohibited:
        yield "PROHIBITED_BY_LAW", "action", "true"
    for demand, assertion, code in FLAGS:
        if getattr(asked, demand):
            yield code, "action", f"!principal.{assertion}"
    if asked.call_recording_consent == "all_party":
        yield "RECORDING_CONSENT_MISSING", "action", 'context.recording != "all_parties"'
    for clock in asked.max_retention or ():
        if clock.trigger == "last_interaction":
            days = clock.within.months * 30 + clock.within.days
            yield "RETENTION_EXCEEDED", "action", _passed(days)
    if asked.consent_refresh is not None:
        days = asked.consent_refresh.after.months * 30 + asked.consent_refresh.after.days
        yield "CONSENT_REFRESH_REQUIRED", "action", f"{_passed(days)} && context.last >= context.given"


def _of_consent(asked: Rules) -> Iterator[tuple[str, str, str]]:
    form = FORMS.index(asked.consent_form or "none")
    if form > FORMS.index(FLOOR_FORM):
        written = ' || context.signature == "none"' if asked.consent_form == "written_release" else ""
        yield "CONSENT_FORM_INSUFFICIENT", "action", f"context.form < {form}{written}"
    if asked.consent_form == "written_release" and asked.electronic_signature_ok != "yes":
        yield "CONSENT_FORM_INSUFFICIENT", "action", 'context.signature == "electronic"'
    if asked.consent_required and asked.oral_consent_ok != "yes":
        yield "CONSENT_FORM_INSUFFICIENT", "action", SPOKEN
    if asked.separate_consent:
        yield "CONSENT_BUNDLED", "action", "!context.separate"


def _of_notice(asked: Rules) -> Iterator[tuple[str, str, str]]:
    if asked.notice_in_writing:
        yield "NOTICE_NOT_WRITTEN", "action", "!context.in_writing"
    if asked.notice_elements:
        elements = json.dumps(asked.notice_elements)
        yield "NOTICE_INCOMPLETE", "action", f"!context.elements.containsAll({elements})"
    for each in asked.notice_elements_conditional or ():
        yield (
            "NOTICE_INCOMPLETE",
            "action",
            f'principal.{each.flag} && !context.elements.contains("{each.element}")',
        )


def _of_sharing(asked: Rules) -> Iterator[tuple[str, str, str]]:
    if asked.disclosure_rule in ("consent", "consent_or_list", "separate_consent", "closed_list"):
        wanted = {"closed_list": "true", "separate_consent": 'context.disclosure != "separate"'}
        when = wanted.get(asked.disclosure_rule, 'context.disclosure == "none"')
        yield "DISCLOSURE_NOT_PERMITTED", 'action == Action::"disclose"', when
    if asked.sale_prohibited in NO_SALE:
        yield "SALE_PROHIBITED", 'action == Action::"sell"', "true"
    # Filings and localisation are in no pack of the case; a pack that asks for them needs policies of its own.
    assert asked.prior_authority is None or not (
        asked.prior_authority.required and asked.prior_authority.gate
    )
    assert asked.data_localisation != "required"


def _forbid(pack: str, code: str, action: str, resource: str, when: str) -> str:
    return f'@id("{code}:{pack}")\nforbid(principal, {action}, {resource}) when {{ {when} }};'


def _passed(days: int) -> str:
    return f"context has last && context.at - context.last >= {days * DAY_MS}"


def _terms(grant: Grant) -> dict[str, Any]:
    return {
        "given": _ms(grant.given_at),
        "sound": grant.sound,
        "form": FORMS.index(grant.form),
        "method": grant.method,
        "signature": grant.signature,
        "separate": grant.separate,
        "disclosure": grant.disclosure_consent,
        "purposes": list(grant.purposes),
        "operations": list(grant.operations or ()),
        "controllers": list(grant.controllers or ()),
        "in_writing": grant.notice_in_writing,
        "elements": sorted(grant.notice_elements),
        "until": _ms(grant.valid_until),
        "age_over": grant.age_over or 0,
        "guardian": grant.guardian or "none",
    }


def _asserted(standing: Standing) -> dict[str, Any]:
    made = {name: getattr(standing, name) is True for _, name, _ in FLAGS}
    return made | {name: getattr(standing, name) is not False for name in CONDITIONS}


def _known(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
