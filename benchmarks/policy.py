"""What a decision costs, beside the same rules asked of `cedarpy`, in one process; and what cold packs cost.

The case: a speaker with evidence of New York City and of France, three packs each, and two statements. One is
allowed: a refusal, and later a grant that meets everything. One is denied for nearly everything that the law can
say: a poor grant, and a withdrawal. Both sides have to find the same reasons before anything is measured.

Ours is what the gate does for each speaker: fold the statements, unite what the packs ask, decide. The other side
is one `is_authorized` with policies and entities prepared (`benchmarks.cedar`), and reading every reason out of a
denial. Facts are made beforehand, each side in the form that its library takes.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import cedarpy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import consentgate.packs
from benchmarks import cedar
from benchmarks.figures import Figure, faster, takes
from benchmarks.start import seconds
from consentgate.consent.details import NoticeRef
from consentgate.consent.issuers import ALL, Issuer, IssuerKey
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.state import Received, State, fold
from consentgate.consent.statement import Statement
from consentgate.crypto.jwk import SigningKey
from consentgate.packs.packset import PackSet, shipped
from consentgate.packs.rules import NOTICE_ELEMENTS
from consentgate.policy.assertions import Assertion, Standing, in_force
from consentgate.policy.decide import Decision, decide
from consentgate.policy.effective import Effective, stack
from consentgate.policy.facts import RequestFacts, SpeakerFacts
from consentgate.policy.requirements import merge
from consentgate.values import dataclass

AT: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
GIVEN: Final = AT - timedelta(days=200)
PLACE: Final = "US-NY-NYC"
CANDIDATES: Final = ("FR", PLACE)
PURPOSE: Final = "authentication"
POOR: Final = ("identity_of_controller", "controller_contact", "withdrawal_right", "data_subject_rights")
BLOCK: Final = 50
BLOCKS: Final = 12
ALLOWED_TARGET, DENIED_TARGET = 8.0, 4.0
PACKS_TARGET_S: Final = 0.015


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One case: the facts and statements of a call."""

    name: str
    request: RequestFacts
    speaker: SpeakerFacts
    standing: Standing
    said: tuple[Received, ...]
    known_as: tuple[Reference, ...]
    packs: PackSet

    def fold(self) -> State:
        """Fold the statements, as the gate does for each speaker."""
        return fold(self.said, references=self.known_as, purpose=self.request.purpose)

    def decide(self) -> Decision:
        """Fold, merge and decide."""
        asked = merge(CANDIDATES, self.packs, day=AT.date(), purpose=PURPOSE, standing=self.standing)
        return decide(
            request=self.request,
            speaker=self.speaker,
            state=self.fold(),
            requirements=asked,
            standing=self.standing,
            at=AT,
        )


def customer() -> Reference:
    """Name the customer; each time a value of its own, as a token or a call brings it."""
    return Reference(kind="customer", value="C-1001")


def cases(packs: PackSet) -> tuple[Asked, Asked]:
    """Make the allowed case and the denied one."""
    key = SigningKey.of(Ed25519PrivateKey.generate())
    issuer = Issuer(
        iss="https://ivr.acme.example",
        name="IVR",
        keys=(IssuerKey(public=key.public),),
        purposes=ALL,
        jurisdictions=ALL,
        controllers=ALL,
    )
    allowed = Asked(
        name="allowed",
        request=_request(recording_consent="all_parties", audio_captured_at=AT),
        speaker=SpeakerFacts(name="caller", age=34, last_interaction_at=GIVEN - timedelta(days=9)),
        standing=_asserted(
            controller_type="retail",
            impact_assessment_done=True,
            public_policy_published=True,
            alternative_offered=True,
            strictly_necessary=True,
            has_dpo=True,
            cross_border=True,
            automated_decision=False,
            third_party_provision=False,
            provision_is_contractual=False,
        ),
        said=(_negative("ConsentRefused", issuer, 0), _grant(issuer, 1, poor=False)),
        packs=packs,
        known_as=(customer(),),
    )
    denied = Asked(
        name="denied",
        request=_request(audio_captured_at=GIVEN - timedelta(days=1)),
        speaker=SpeakerFacts(name="caller", last_interaction_at=GIVEN - timedelta(days=9)),
        standing=_asserted(controller_type="retail", has_dpo=True, impact_assessment_done=False),
        said=(_grant(issuer, 0, poor=True), _negative("ConsentWithdrawn", issuer, 1)),
        packs=packs,
        known_as=(customer(),),
    )
    return allowed, denied


def measure_decisions(rounds: int) -> list[Figure]:
    """Measure both cases; the two sides take turns in short blocks."""
    packs = shipped()
    found = []
    for case, target in zip(cases(packs), (ALLOWED_TARGET, DENIED_TARGET), strict=True):
        theirs = by_cedar(case)
        codes = tuple(sorted({each.code for each in case.decide().reasons}))
        assert (codes == ()) is (case.name == "allowed")
        assert codes == theirs(), "the two sides decide differently"
        taken = [_round(case.decide, theirs) for _ in range(rounds + 1)][1:]
        name = f"{case.name} decision, beside cedarpy"
        found.append(faster(name, [a for a, _ in taken], [b for _, b in taken], target))
    return found


def measure_packs(starts: int) -> list[Figure]:
    """Measure how long a fresh process reads the three packs of a place, beside their TOML alone."""
    root = Path(consentgate.packs.__file__).parent / "data"
    files = [next(root.rglob(f"{each.pack.code}.toml")) for each in shipped().stack(PLACE, AT.date())]
    ours, theirs = [], []
    for _ in range(starts + 1):
        ours.append(seconds("packs", PLACE))
        theirs.append(seconds("tables", *map(str, files)))
    return [takes("three packs, cold", ours[1:], theirs[1:], PACKS_TARGET_S)]


def by_cedar(case: Asked) -> Callable[[], tuple[str, ...]]:
    """Prepare all that `cedarpy` lets one prepare; gives what is left to do for each call."""
    applies = _applies(case)
    requirements = merge(CANDIDATES, case.packs, day=AT.date(), purpose=PURPOSE, standing=case.standing)
    rules = cedarpy.PolicySet.from_str(cedar.policies(applies, requirements))
    known = cedarpy.Entities.from_json_str(cedar.entities(applies, "here", {"acme": case.standing}))
    consents = case.fold().standing or case.fold().consents
    asked = cedar.request("acme", "here", case.request, case.speaker, consents[0], AT)
    return lambda: cedar.codes_of(cedarpy.is_authorized(asked, rules, known))


def _applies(case: Asked) -> tuple[Effective, ...]:
    found = {
        each.pack.code: each
        for code in CANDIDATES
        for each in stack(case.packs, code, day=AT.date(), purpose=PURPOSE, standing=case.standing)
    }
    assert len(found) == 6, "two candidates, three packs each"
    return tuple(found.values())


def _round(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Give each side's median call of one round, in which they take turns in short blocks."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(BLOCKS):
        for act, found in zip((ours, theirs), taken, strict=True):
            for _ in range(BLOCK):
                start = time.perf_counter()
                act()
                found.append(time.perf_counter() - start)
    return statistics.median(taken[0]), statistics.median(taken[1])


def _request(**more: object) -> RequestFacts:
    facts: dict[str, object] = {
        "operation": "search",
        "purpose": PURPOSE,
        "processing_country": "US",
        "controller": "acme",
    }
    return RequestFacts(**(facts | more))  # type: ignore[arg-type]  # members of RequestFacts, some of them varied


def _asserted(**said: str | bool) -> Standing:
    made = [
        Assertion(name=name, value=value, by="counsel", since=GIVEN, entry=f"a-{name}")
        for name, value in said.items()
    ]
    return in_force(made, AT)


def _grant(issuer: Issuer, place: int, *, poor: bool) -> Received:
    notice = _notice(poor=poor)
    statement = Statement(
        issuer=issuer.iss,
        id=f"grant-{place}",
        issued_at=GIVEN,
        references=(customer(),),
        state="ConsentGiven",
        event_time=GIVEN,
        method="verbal_unrecorded" if poor else "web_esign",
        consent_form="opt_in" if poor else "written_release",
        signature_kind="none" if poor else "electronic",
        separate=not poor,
        purposes=("marketing",) if poor else (PURPOSE,),
        operations=("search",),
        controllers=("acme",),
        notice=NoticeRef(id=notice.id, version=notice.version, language="en", digest=notice.digest),
        valid_until=AT - timedelta(days=1) if poor else AT + timedelta(days=365),
    )
    return Received(
        statement=statement, entry=f"e{place}", received_at=GIVEN, notice=notice, issuer=issuer, sound=True
    )


def _negative(state: str, issuer: Issuer, place: int) -> Received:
    at = GIVEN + timedelta(days=place - 1)
    statement = Statement(
        issuer=issuer.iss,
        id=f"no-{place}",
        issued_at=at,
        references=(customer(),),
        state=state,  # type: ignore[arg-type]  # one of the two negative states
        event_time=at,
        method="ivr_dtmf",
    )
    return Received(statement=statement, entry=f"e{place}", received_at=at, issuer=issuer, sound=True)


def _notice(*, poor: bool) -> Manifest:
    return Manifest(
        id="voiceprint",
        version="1",
        language="en",
        media_type="text/plain",
        digest=bytes(32),
        in_writing=not poor,
        elements=frozenset(POOR) if poor else NOTICE_ELEMENTS,
        consent_form="written_release",
        purposes=(PURPOSE,),
        operations=("search",),
        controllers=("acme",),
    )
