"""A case that is allowed, and ways to change one thing about it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from consentgate.consent.state import Consent, Ending, Grant, State
from consentgate.packs.packset import PackSet
from consentgate.policy.assertions import Standing
from consentgate.policy.decide import Decision, decide
from consentgate.policy.facts import RequestFacts, SpeakerFacts
from consentgate.policy.requirements import merge
from tests.unit.packs.texts import pack_set, pack_text

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
GIVEN = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
FLOOR = ("collection_or_storage_disclosed", "specific_purpose")

REQUEST = RequestFacts(
    operation="search", purpose="authentication", processing_country="XX", recording_consent="all_parties"
)
SPEAKER = SpeakerFacts(name="caller 1", age=34)
GRANT = Grant(
    given_at=GIVEN,
    sound=True,
    form="opt_in",
    method="web_form",
    signature="none",
    separate=False,
    disclosure_consent="none",
    purposes=("authentication",),
    operations=("search",),
    controllers=None,
    notice_in_writing=False,
    notice_elements=frozenset(FLOOR),
)
FLAGS = Standing(
    has_dpo=False,
    cross_border=False,
    automated_decision=False,
    third_party_provision=False,
    provision_is_contractual=False,
)


def packs_asking(requirements: str = "", extra: str = "") -> PackSet:
    """One pack, XX, that asks for this."""
    return pack_set(pack_text("XX", requirements, extra=extra))


def consent(entry: str = "g1", *, endings: tuple[Ending, ...] = (), **changes: Any) -> Consent:
    return Consent(entry=entry, grant=replace(GRANT, **changes), endings=endings)


def negative(entry: str = "n1", kind: Any = "refused") -> Consent:
    return Consent(entry=entry, grant=None, endings=(Ending(kind=kind, at=GIVEN, entry=entry),))


def decision(
    packs: PackSet,
    *consents: Consent,
    candidates: tuple[str, ...] = ("XX",),
    request: RequestFacts = REQUEST,
    speaker: SpeakerFacts = SPEAKER,
    standing: Standing = FLAGS,
    at: datetime = AT,
) -> Decision:
    asked = merge(candidates, packs, day=at.date(), purpose=request.purpose, standing=standing)
    return decide(request, speaker, State(consents=consents), asked, standing, at)


def codes(packs: PackSet, *consents: Consent, **inputs: Any) -> list[str]:
    return [each.code for each in decision(packs, *consents, **inputs).reasons]
