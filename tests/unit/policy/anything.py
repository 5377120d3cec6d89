"""Seeded inputs of decisions: anything at all, or a case in order with one or two things wrong.

The same seed gives the same inputs on every machine. Statements go through the fold, as they do in a live call.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, get_args

from consentgate.consent.details import CallContext, Guardian, NoticeRef
from consentgate.consent.issuers import ALL, Issuer, IssuerKey
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.state import Consent, Ending, Grant, Received, State, fold
from consentgate.consent.statement import Statement
from consentgate.consent.terms import METHODS, ConsentForm, DisclosureConsent, SignatureKind
from consentgate.crypto.jwk import generate_signing_key
from consentgate.packs.packset import PackSet
from consentgate.packs.rules import NOTICE_ELEMENTS
from consentgate.policy.assertions import DEFINITIONS, Assertion, Standing, in_force
from consentgate.policy.decide import Decision, decide
from consentgate.policy.demands import Requirements
from consentgate.policy.facts import Evidence, RequestFacts, SpeakerFacts, Uses, candidates
from consentgate.policy.requirements import merge

BEGIN: Final = datetime(2001, 1, 1, tzinfo=UTC)
ENDS_OF_TIME: Final = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
INSTANT: Final = timedelta(milliseconds=1)
OPERATIONS: Final = ("search", "enrol", "update", "disclose", "sell", "tone_analysis", "hum")
PURPOSES: Final = ("authentication", "fraud_watchlist", "marketing", "workplace_monitoring", "lie_detection")
COUNTRIES: Final = ("US", "FR", "CN", "RU", "IN", "XX")
UNKNOWN: Final = ("QQ", "ZZ-1", "AQ", "QQ-X-1")
ELEMENTS: Final = tuple(sorted(NOTICE_ELEMENTS))
REFERENCES: Final = tuple(Reference(kind="customer", value=f"C-{i}") for i in range(4))
PERSON: Final = "customer:1"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """All that one decision is told, but for the packs."""

    request: RequestFacts
    speaker: SpeakerFacts
    state: State
    standing: Standing
    codes: tuple[str, ...]
    at: datetime

    def requirements(self, packs: PackSet) -> Requirements:
        day, purpose = self.at.date(), self.request.purpose
        return merge(self.codes, packs, day=day, purpose=purpose, standing=self.standing)

    def decide(self, packs: PackSet) -> Decision:
        return decide(
            request=self.request,
            speaker=self.speaker,
            state=self.state,
            requirements=self.requirements(packs),
            standing=self.standing,
            at=self.at,
        )


class Anything:
    """Makes inputs."""

    def __init__(self, seed: object, packs: PackSet) -> None:
        self.rng = random.Random(str(seed))  # not for secrets: the same seed must give the same inputs
        self.packs = packs
        self._exemptions = _exemptions(packs)

    def chance(self, part: float) -> bool:
        return self.rng.random() < part

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.random() * len(choices))]

    def some(self, choices: Sequence[Any], most: int) -> tuple[Any, ...]:
        count = int(self.rng.random() * (most + 1))
        return tuple(dict.fromkeys(self.pick(choices) for _ in range(count)))

    def moment(self) -> datetime:
        if self.chance(0.01):
            return ENDS_OF_TIME[int(self.chance(0.5))]
        return BEGIN + timedelta(milliseconds=int(self.rng.random() * 32 * 365 * 86_400_000))

    def near(self, at: datetime) -> datetime:
        """A moment that may matter beside another: equal, just before or after, some years off."""
        far = timedelta(days=int(self.rng.random() * 2400) - 1800)
        step: timedelta = self.pick((timedelta(0), INSTANT, -INSTANT, far, far))
        try:
            return at + step
        except OverflowError:
            return at

    def codes(self) -> tuple[str, ...]:
        found = (*self.some(self.packs.codes, 3), *(self.some(UNKNOWN, 1) if self.chance(0.06) else ()))
        if self.chance(0.06):
            found = (*found, "US-WY")
        evidence = [Evidence(code=code, kind="account_address", source="crm") for code in found]
        return candidates(evidence, controller=self.pick((None, None, "US", "FR")))

    def standing(self, at: datetime) -> Standing:
        said = [self.assertion(at) for _ in range(int(self.rng.random() * 14))]
        return in_force(said, at, about=self.pick((None, PERSON)))

    def assertion(self, at: datetime) -> Assertion:
        name = self.pick(sorted(DEFINITIONS))
        return Assertion(
            name=name,
            value=self._said(name, at),
            by="dpo",
            since=self.near(at),
            about=PERSON if DEFINITIONS[name].scope == "subject" else None,
            entry=f"a{int(self.rng.random() * 1e6)}",
        )

    def request(self, at: datetime) -> RequestFacts:
        return RequestFacts(
            operation=self.pick(("search", "search", *OPERATIONS)),
            purpose=self.pick((None, "", *PURPOSES, "authentication", "authentication")),
            processing_country=self.pick((None, *COUNTRIES)),
            audio_captured_at=self.pick((None, at, self.near(at))),
            recording_consent=self.pick((None, "none", "one_party", "all_parties", "all_parties")),
            controller=self.pick((None, "acme", "other")),
            context=self._context(),
        )

    def speaker(self, at: datetime, state: State) -> SpeakerFacts:
        return SpeakerFacts(
            name=self.pick((None, "caller 1")),
            age=self.pick((None, None, 12, 15, 16, 17, 18, 34, 0, 130)),
            adult=self.chance(0.4),
            last_interaction_at=self.pick((None, self.near(at))),
            legal_hold=self.chance(0.2),
            uses=tuple(
                Uses(entry=each.entry, count=int(self.rng.random() * 4))
                for each in state.consents
                if self.chance(0.8)
            ),
        )

    def state(self, purpose: str | None) -> State:
        received = self.some(_statements(), 4)
        return fold(received, references=REFERENCES[: 1 + int(self.rng.random() * 3)], purpose=purpose)

    def anything(self, codes: tuple[str, ...] | None = None, at: datetime | None = None) -> Inputs:
        """Any inputs; codes and moment may be given, because packs are merged once for many cases."""
        at = self.moment() if at is None else at
        request = self.request(at)
        state = self.state(request.purpose)
        return Inputs(
            request=request,
            speaker=self.speaker(at, state),
            state=state,
            standing=self.standing(at),
            codes=self.codes() if codes is None else codes,
            at=at,
        )

    def nearly_in_order(self, codes: tuple[str, ...], at: datetime) -> Inputs:
        """A case that meets everything that does not forbid it, and then mostly one or two things less."""
        case = in_order(codes, at)
        for change in self.some(_CHANGES, 2):
            case = change(self, case)
        return case

    def _said(self, name: str, at: datetime) -> Any:
        if name in ("employment_ended", "purpose_satisfied", "storage_unnecessary_determined"):
            return self.pick((None, _text(self.near(at))))
        if name == "authority_filing":
            code = self.pick(self.packs.codes)
            return {"jurisdiction": code, "filed_at": self.pick((None, _text(self.near(at))))}
        if name == "exemption":
            code, exemption = self.pick(self._exemptions)
            return {"jurisdiction": code, "id": exemption, "claimed": self.chance(0.8)}
        if name == "controller_type":
            return self.pick(("contact_centre", "bank", "retail", "employer"))
        return (
            self.pick(("all_parties", "one_party", "none"))
            if name == "recording_consent"
            else self.chance(0.7)
        )

    def _context(self) -> CallContext | None:
        return self.pick((None, None, *_CONTEXTS))  # type: ignore[no-any-return]  # a context or None


_CONTEXTS: Final = (
    CallContext(transaction_id="t1"),
    CallContext(transaction_id="t2", call_leg="Caller"),
    CallContext(call_leg="Callee"),
    CallContext(voice_connector_id="vc1", transaction_id="t1"),
)
_GRANT: Final = Grant(
    given_at=None,
    sound=True,
    form="written_release",
    method="web_esign",
    signature="wet",
    separate=True,
    disclosure_consent="separate",
    purposes=PURPOSES,
    operations=OPERATIONS,
    controllers=("acme",),
    notice_in_writing=True,
    notice_elements=NOTICE_ELEMENTS,
)


def before(at: datetime, days: int) -> datetime:
    """So many days earlier, or the beginning of time."""
    return max(at, ENDS_OF_TIME[0] + timedelta(days=days)) - timedelta(days=days)


def in_order(codes: tuple[str, ...], at: datetime) -> Inputs:
    """A case in which nothing that can be met is wanting."""
    given = before(at, 30)
    return Inputs(
        request=RequestFacts(
            operation="search",
            purpose="authentication",
            processing_country=codes[0].partition("-")[0] if codes else "US",
            audio_captured_at=at,
            recording_consent="all_parties",
            controller="acme",
        ),
        speaker=SpeakerFacts(name="caller 1", age=40, last_interaction_at=before(at, 20)),
        state=State(consents=(Consent(entry="g1", grant=replace(_GRANT, given_at=given)),)),
        standing=Standing(
            controller_type="contact_centre",
            filings=tuple((code, before(at, 2000)) for code in codes),
            public_policy_published=True,
            impact_assessment_done=True,
            alternative_offered=True,
            strictly_necessary=True,
            has_dpo=True,
        ),
        codes=codes,
        at=at,
    )


def _consent(any_: Anything, case: Inputs, **changes: Any) -> Inputs:
    (first, *more) = case.state.consents
    assert first.grant is not None
    changed = replace(first, grant=replace(first.grant, **changes))
    return replace(case, state=State(consents=(changed, *more)))


def _worse_grant(any_: Anything, case: Inputs) -> Inputs:
    rng = any_.rng
    return _consent(
        any_,
        case,
        **any_.pick(
            (
                {"form": any_.pick(get_args(ConsentForm))},
                {"signature": any_.pick(get_args(SignatureKind))},
                {"method": any_.pick(METHODS)},
                {"signature": "electronic"},
                {"method": "voice_recording"},
                {"notice_elements": NOTICE_ELEMENTS - {any_.pick(ELEMENTS)}},
                {"notice_elements": NOTICE_ELEMENTS - {"alternative_available"}},
                {"separate": False},
                {"notice_in_writing": False},
                {"notice_elements": frozenset(rng.sample(ELEMENTS, int(rng.random() * len(ELEMENTS))))},
                {"disclosure_consent": any_.pick(get_args(DisclosureConsent))},
                {"purposes": ("other",)},
                {"given_at": any_.near(case.at)},
                {"valid_until": any_.near(case.at)},
                {"sound": False},
            )
        ),
    )


def _other_request(any_: Anything, case: Inputs) -> Inputs:
    return replace(
        case,
        request=replace(
            case.request,
            **any_.pick(
                (
                    {"operation": any_.pick(OPERATIONS)},
                    {"purpose": any_.pick(PURPOSES)},
                    {"processing_country": any_.pick((None, *COUNTRIES))},
                    {"recording_consent": any_.pick(("none", "one_party"))},
                    {"audio_captured_at": any_.near(case.at)},
                )
            ),
        ),
    )


def _other_speaker(any_: Anything, case: Inputs) -> Inputs:
    changes = any_.pick(
        (
            {"age": any_.pick((None, 12, 15, 17, 20))},
            {"last_interaction_at": any_.near(case.at)},
            {"legal_hold": True},
        )
    )
    return replace(case, speaker=replace(case.speaker, **changes))


def _other_standing(any_: Anything, case: Inputs) -> Inputs:
    name = any_.pick([each for each in _FLAGS if each not in ("filings", "purpose_satisfied_at")])
    changes: dict[str, Any] = {name: any_.pick((None, False))}
    if any_.chance(0.4):
        changes = any_.pick(
            (
                {"filings": ()},
                {"filings": tuple((code, any_.near(case.at)) for code in case.codes)},
                {"purpose_satisfied_at": any_.near(case.at)},
                {"employment_ended_at": any_.near(case.at)},
                {"storage_unnecessary_determined_at": any_.near(case.at)},
                {"controller_type": any_.pick((None, "bank", "retail"))},
            )
        )
    return replace(case, standing=replace(case.standing, **changes))


def _ended(any_: Anything, case: Inputs) -> Inputs:
    (first, *more) = case.state.consents
    ending = Ending(kind=any_.pick(("refused", "withdrawn")), at=any_.near(case.at), entry="n1")
    return replace(case, state=State(consents=(replace(first, endings=(ending,)), *more)))


def _second_grant(any_: Anything, case: Inputs) -> Inputs:
    worse = _worse_grant(any_, case).state.consents[0]
    return replace(case, state=State(consents=(*case.state.consents, replace(worse, entry="g2"))))


_FLAGS: Final = (
    "public_policy_published",
    "impact_assessment_done",
    "alternative_offered",
    "strictly_necessary",
    "has_dpo",
)
_CHANGES: Final = (
    *(_worse_grant, _worse_grant, _other_request, _other_request),
    *(_other_speaker, _other_standing, _ended, _second_grant),
)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z").rjust(24, "0")


@cache
def _exemptions(packs: PackSet) -> tuple[tuple[str, str], ...]:
    listed = [(code, each.id) for code in packs.codes for each in packs.pack(code).exemptions]
    return (*listed, ("US", "none_such"))


@cache
def _issuers() -> tuple[Issuer | None, ...]:
    key = IssuerKey(public=generate_signing_key().public)
    scopes = ((ALL, ALL), (("authentication",), ALL), (ALL, ("US", "EU")), ((), ()))
    made = [
        Issuer(
            iss=f"https://i{i}.example",
            name="IVR",
            keys=(key,),
            purposes=purposes,
            jurisdictions=jurisdictions,
            controllers=ALL,
        )
        for i, (purposes, jurisdictions) in enumerate(scopes)
    ]
    return (*made, made[0], made[0], made[0], None)


@cache
def _statements() -> tuple[Received, ...]:
    """A few hundred statements of every kind, from which cases take some."""
    rng = random.Random("statements")  # not for secrets
    return tuple(_statement(rng, i) for i in range(400))


def _statement(rng: random.Random, number: int) -> Received:
    at = BEGIN + timedelta(days=int(rng.random() * 30 * 365))
    state: Any = rng.choice(
        ["ConsentGiven"] * 6 + ["ConsentRefused", "ConsentWithdrawn", "SameSubject", "NotSameSubject"]
    )
    said: dict[str, Any] = {}
    if state == "ConsentGiven":
        said = _terms(rng, at)
    elif state in ("SameSubject", "NotSameSubject"):
        said = {"controllers": ("acme",)}
    elif rng.random() < 0.4:
        said = {"purposes": tuple(rng.sample(PURPOSES, 2))}
    pair = 2 if state in ("SameSubject", "NotSameSubject") else rng.choice((1, 1, 2))
    issuer = rng.choice(_issuers())
    statement = Statement(
        issuer=issuer.iss if issuer else "https://unknown.example",
        id=f"s{number}",
        issued_at=at,
        references=tuple(rng.sample(REFERENCES[:3], pair)),
        state=state,
        event_time=at,
        method=rng.choice(METHODS[:-1]),
        **said,
    )
    return Received(
        statement=statement,
        entry=f"s{number}",
        received_at=at + timedelta(seconds=rng.choice((0, 1, 86_400))),
        notice=_manifest(rng) if rng.random() < 0.95 else None,
        issuer=issuer,
        sound=rng.random() < 0.93,
    )


def _terms(rng: random.Random, at: datetime) -> dict[str, Any]:
    said: dict[str, Any] = {
        "consent_form": rng.choice(("none", "notice_only", "opt_in", "explicit", "written_release")),
        "signature_kind": rng.choice(("none", "electronic", "wet")),
        "separate": rng.random() < 0.8,
        "disclosure_consent": rng.choice(("none", "same", "separate")),
        "purposes": tuple(rng.sample(PURPOSES, rng.choice((1, 2, 5)))),
        "operations": tuple(rng.sample(OPERATIONS, rng.choice((1, 3, 7)))),
        "controllers": rng.choice((("acme",), ("acme",), ("other",))),
        "jurisdictions": rng.choice(((), ("US", "FR"))),
        "notice": NoticeRef(id="n", version="1", language="en", digest=bytes(32)),
    }
    if rng.random() < 0.4:
        said["valid_until"] = at + timedelta(days=int(rng.random() * 3000) + 1)
    if rng.random() < 0.2:
        said["max_uses"] = rng.choice((1, 3))
    if rng.random() < 0.4:
        said["age_over"] = rng.choice((13, 16, 18, 21))
    if rng.random() < 0.1:
        said["context"] = rng.choice(_CONTEXTS)
    if rng.random() < 0.1:
        said["guardian"] = Guardian(verified=rng.random() < 0.5)
    return said


def _manifest(rng: random.Random) -> Manifest:
    full = rng.random() < 0.6
    elements = NOTICE_ELEMENTS if full else frozenset(rng.sample(ELEMENTS, int(rng.random() * 20)))
    return Manifest(
        id="n",
        version="1",
        language="en",
        media_type="text/plain",
        digest=bytes(32),
        in_writing=rng.random() < 0.8,
        elements=elements,
        consent_form="opt_in",
        purposes=PURPOSES,
        operations=("search",),
        controllers=("acme",),
    )


def days(packs: PackSet) -> tuple[date, ...]:
    """The days on which some pack changes, and those around them: where a mistake would show."""
    firsts = {each.since for code in packs.codes for each in packs.pack(code).versions}
    day = timedelta(days=1)
    return tuple(sorted({d + off for d in firsts for off in (-day, timedelta(0), day)}))
