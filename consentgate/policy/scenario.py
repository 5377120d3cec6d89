"""Scenario files: a case of the law in plain words, decided by the same engine as a live request.

The format is described in ``tests/scenarios/README.md``. This module takes a scenario as parsed YAML or JSON, so
that it needs no parser itself. A scenario states what a live request would have to prove: its consent has no
operations, controllers or issuer to be held against it.

Invariants: only `InvalidInput` leaves this module for a scenario that cannot be read, and it names the field.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, get_args

from consentgate import moment
from consentgate.consent.state import Consent, Ending, Grant, State
from consentgate.consent.terms import ConsentForm, DisclosureConsent, Method, SignatureKind
from consentgate.errors import InvalidInput, Malformed
from consentgate.packs.packset import PackSet
from consentgate.policy.assertions import Standing
from consentgate.policy.decide import Decision, decide
from consentgate.policy.facts import Evidence, RecordingConsent, RequestFacts, SpeakerFacts, candidates
from consentgate.policy.requirements import merge
from consentgate.values import dataclass

_STATUSES: Final = ("granted", "refused", "withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the engine says to a scenario.

    Attributes:
        id: the scenario's id.
        decision: the decision.
        as_expected: whether it is what the scenario expects; None where it expects nothing.
    """

    id: str
    decision: Decision
    as_expected: bool | None

    @property
    def verdict(self) -> str:
        """``allow`` or ``deny``."""
        return "allow" if self.decision.allowed else "deny"

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sorted reason codes."""
        return tuple(sorted({each.code for each in self.decision.reasons}))

    @property
    def obligations(self) -> tuple[str, ...]:
        """The obligations in one word each, sorted."""
        return tuple(sorted(each.text for each in self.decision.obligations))


def evaluate(scenario: object, packs: PackSet) -> Result:
    """Decide a scenario.

    Args:
        scenario: one item of a file's ``scenarios``.
        packs: the rules.

    Returns:
        The result.

    Raises:
        InvalidInput: the scenario cannot be read; the message names the field.
        PackInvalid: a pack that applies cannot be used.
    """
    it = _Part(scenario, "scenario")
    at = it.time("at")
    request, facts, controller = it.part("request"), it.part("facts"), it.part("controller")
    standing = _standing(request, facts, controller)
    purpose = request.text_or_none("purpose")
    codes = candidates(Evidence(code=code, kind="scenario", source="scenario") for code in _codes(it))
    decision = decide(
        request=_request(request, facts, purpose),
        speaker=_speaker(it.part("speaker"), facts),
        state=_state(it, at),
        requirements=merge(codes, packs, day=at.date(), purpose=purpose, standing=standing),
        standing=standing,
        at=at,
    )
    result = Result(id=it.text("id"), decision=decision, as_expected=None)
    expect = it.part_or_none("expect")
    if expect is None:
        return result
    return Result(id=result.id, decision=decision, as_expected=_meets(result, expect))


def _meets(result: Result, expect: "_Part") -> bool:
    missing = expect.texts("missing_notice_elements") if "missing_notice_elements" in expect else None
    return (
        result.verdict == expect.word("decision", ("allow", "deny"))
        and result.reasons == tuple(sorted(expect.texts("reasons")))
        and (missing is None or result.decision.missing_notice_elements == tuple(sorted(missing)))
        and {*expect.texts("obligations")} <= {*result.obligations}
    )


def _codes(it: "_Part") -> tuple[str, ...]:
    return tuple(each.text("code") for each in it.parts("jurisdictions"))


def _request(request: "_Part", facts: "_Part", purpose: str | None) -> RequestFacts:
    return RequestFacts(
        operation=request.text("operation"),
        purpose=purpose,
        processing_country=request.text_or_none("processing_country"),
        audio_captured_at=request.time_or_none("audio_captured_at"),
        recording_consent=facts.word("recording_consent", get_args(RecordingConsent), "none"),
    )


def _speaker(speaker: "_Part", facts: "_Part") -> SpeakerFacts:
    return SpeakerFacts(
        name=speaker.text_or_none("id"),
        age=speaker.age("age"),
        last_interaction_at=facts.time_or_none("last_interaction_at"),
        legal_hold=facts.truth("legal_hold"),
    )


def _standing(request: "_Part", facts: "_Part", controller: "_Part") -> Standing:
    filings = facts.part_or_none("authority_filings")
    return Standing(
        controller_type=controller.text_or_none("type"),
        exemptions=tuple(_exemption(each) for each in controller.items("exemptions")),
        filings=() if filings is None else filings.times(),
        public_policy_published=facts.truth("public_policy_published"),
        impact_assessment_done=facts.truth("impact_assessment_done"),
        alternative_offered=facts.truth("alternative_offered"),
        strictly_necessary=facts.truth("strictly_necessary"),
        has_dpo=controller.truth("has_dpo"),
        cross_border=request.truth("cross_border"),
        automated_decision=request.truth("automated_decision"),
        third_party_provision=request.truth("third_party_provision"),
        provision_is_contractual=request.truth("provision_is_contractual"),
        purpose_satisfied_at=facts.time_or_none("purpose_satisfied_at"),
        employment_ended_at=facts.time_or_none("employment_ended_at"),
        storage_unnecessary_determined_at=facts.time_or_none("storage_unnecessary_determined_at"),
    )


def _exemption(claim: object) -> tuple[str, str]:
    """Read a claimed exemption: its id alone, ``US-IL:id``, or an object with both."""
    if isinstance(claim, str):
        code, colon, name = claim.partition(":")
        return (code, name) if colon else ("", code)
    part = _Part(claim, "controller.exemptions")
    named = (part.text_or_none(name) for name in ("jurisdiction", "code", "entry"))
    return next((code for code in named if code), ""), part.text("id")


def _state(it: "_Part", at: datetime) -> State:
    consent = it.part_or_none("consent")
    if consent is None:
        return State()
    status = consent.word("status", _STATUSES, "granted")
    given, withdrawn = consent.time_or_none("granted_at"), consent.time_or_none("withdrawn_at")
    entry = consent.text_or_none("id") or "consent"
    if withdrawn is None and status == "withdrawn":
        withdrawn = at
    endings: tuple[Ending, ...] = ()
    if status == "refused":
        endings += (Ending(kind="refused", at=given or at, entry=entry),)
    if withdrawn is not None and withdrawn <= at:
        endings += (Ending(kind="withdrawn", at=withdrawn, entry=entry),)
    return State(consents=(Consent(entry=entry, grant=_grant(consent, given), endings=endings),))


def _grant(consent: "_Part", given: datetime | None) -> Grant:
    guardian = consent.part_or_none("guardian")
    return Grant(
        given_at=given,
        sound=consent.truth("signature_valid"),
        form=consent.word("form", get_args(ConsentForm), "none"),
        method=consent.word("channel", get_args(Method)),
        signature=consent.word("signature", get_args(SignatureKind), "none"),
        separate=not consent.truth("bundled"),
        disclosure_consent=consent.word("disclosure_consent", get_args(DisclosureConsent), "none"),
        purposes=consent.texts("purposes"),
        operations=None,
        controllers=None,
        notice_in_writing=consent.truth("notice_in_writing"),
        notice_elements=frozenset(consent.texts("notice_elements")),
        valid_until=consent.time_or_none("expires_at"),
        guardian=None if guardian is None else "verified" if guardian.truth("verified") else "unverified",
    )


class _Part:
    """One object of a scenario, read field by field; what is wrong is said with its path."""

    def __init__(self, members: object, path: str) -> None:
        if not isinstance(members, Mapping):
            raise InvalidInput(f"{path} is not an object.")
        self._members: Mapping[Any, Any] = members
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def part(self, name: str) -> "_Part":
        return _Part(self._members.get(name), self._at(name))

    def part_or_none(self, name: str) -> "_Part | None":
        return None if self._members.get(name) is None else self.part(name)

    def items(self, name: str) -> list[object]:
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InvalidInput(f"{self._at(name)} is not a list.")
        return value

    def parts(self, name: str) -> list["_Part"]:
        return [_Part(item, self._at(name)) for item in self.items(name)]

    def texts(self, name: str) -> tuple[str, ...]:
        items = self.items(name)
        return tuple(self._text(item, name) for item in items)

    def text(self, name: str) -> str:
        return self._text(self._members.get(name), name)

    def text_or_none(self, name: str) -> str | None:
        value = self._members.get(name)
        return None if value is None else self._text(value, name)

    def word(self, name: str, words: tuple[str, ...], default: str | None = None) -> Any:
        value = self._members.get(name)
        value = default if value is None else value
        if value not in words:
            raise InvalidInput(f"{self._at(name)} is none of {', '.join(words)}.")
        return value

    def truth(self, name: str) -> bool:
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidInput(f"{self._at(name)} is not true or false.")
        return value is True

    def age(self, name: str) -> int | None:
        value = self._members.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise InvalidInput(f"{self._at(name)} is no age in whole years.")
        return value

    def time(self, name: str) -> datetime:
        value = self.time_or_none(name)
        if value is None:
            raise InvalidInput(f"{self._at(name)} is missing.")
        return value

    def time_or_none(self, name: str) -> datetime | None:
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(
            value, datetime
        ):  # YAML reads an unquoted time as one, and drops the zone of a UTC time
            return moment.floor(value if value.tzinfo else value.replace(tzinfo=UTC))
        try:
            return moment.from_any(value)
        except Malformed as error:
            raise InvalidInput(f"{self._at(name)} is no time such as 2026-11-22T12:00:00Z.") from error

    def times(self) -> tuple[tuple[str, datetime], ...]:
        found = ((str(name), self.time_or_none(name)) for name in self._members)
        return tuple(sorted((name, at) for name, at in found if at is not None))

    def _text(self, value: object, name: str) -> str:
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"{self._at(name)} is not a text.")
        return value

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}"
