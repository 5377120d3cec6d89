"""The consents of a scenario: one object, or a list of statements that are folded like those of the ledger.

The list is in the order in which the ledger took the statements in; `received_at` says otherwise where it is
stated. Which of them stand is found by the same fold as for a live request; their terms are those of the file.

Invariants: one statement in a list means what it means alone; only `InvalidInput` leaves this module.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, get_args

from consentgate.consent.details import CallContext, NoticeRef
from consentgate.consent.issuers import ALL, Issuer, IssuerKey
from consentgate.consent.reference import Reference
from consentgate.consent.state import Consent, Ending, Grant, Received, State, fold
from consentgate.consent.statement import Statement
from consentgate.consent.terms import CallLeg, ConsentForm, DisclosureConsent, Method, SignatureKind
from consentgate.consent.terms import State as Said
from consentgate.crypto.jwk import public_key_from_jwk
from consentgate.errors import InvalidInput
from consentgate.policy.facts import Uses
from consentgate.policy.members import Part
from consentgate.values import dataclass

_STATUSES: Final = ("granted", "refused", "withdrawn", "expired", "superseded")
_PAIRS: Final[Mapping[str, Said]] = {"same_subject": "SameSubject", "not_same_subject": "NotSameSubject"}
_ANYBODY: Final = Reference(kind="customer", value="scenario")
_UNNAMED: Final = ("unnamed",)
# Nobody signs in a scenario: the public key of RFC 8037, appendix A, stands for every issuer's.
_KEY: Final = public_key_from_jwk(
    {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
)
_NOTICE: Final = NoticeRef(id="scenario", version="1", language="en", digest=bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a scenario says about consent.

    Attributes:
        state: what stands.
        uses: how often grants that limit their uses were used.
    """

    state: State
    uses: tuple[Uses, ...] = ()


def held(it: Part, at: datetime, *, purpose: str | None, live: bool) -> Held:
    """Read the consents of a scenario.

    Args:
        it: the scenario.
        at: the moment of the decision; what the ledger takes in later is not there yet.
        purpose: the request's purpose, or None.
        live: whether what is not stated was not told.

    Returns:
        What is held.

    Raises:
        InvalidInput: something cannot be read; the message names the member.
    """
    if "consents" not in it:
        consent = it.part_or_none("consent")
        return Held(state=State() if consent is None else _alone(consent, at, live=live))
    if "consent" in it:
        raise InvalidInput("A scenario has either consent or consents.")
    parts = it.parts("consents")
    known = _references(it.part("speaker"), "references") or (_ANYBODY,)
    terms = _by_entry(parts)
    said = sorted(_all_said(terms, at, known[:1]), key=lambda each: each.received_at)
    state = fold(
        (each for each in said if each.received_at <= at),
        references=known,
        purpose=purpose,
    )
    consents = tuple(_with_terms(each, terms, at, live=live) for each in state.consents)
    uses = (
        Uses(entry=entry, count=count)
        for entry, part in terms.items()
        if (count := part.count("uses")) is not None
    )
    return Held(state=State(consents=consents), uses=tuple(uses))


def _alone(consent: Part, at: datetime, *, live: bool) -> State:
    status = consent.word("status", _STATUSES, "granted")
    if status == "superseded":
        return State()
    given, withdrawn = consent.time_or_none("granted_at"), _withdrawn(consent, status, at)
    entry = _entry(consent, 0)
    endings: tuple[Ending, ...] = ()
    if status == "refused":
        endings += (Ending(kind="refused", at=given or at, entry=entry),)
    if withdrawn is not None and withdrawn <= at:
        endings += (Ending(kind="withdrawn", at=withdrawn, entry=entry),)
    grant = _grant(consent, given, at, live=live)
    return State(consents=(Consent(entry=entry, grant=grant, endings=endings),))


def _withdrawn(consent: Part, status: str, at: datetime) -> datetime | None:
    withdrawn = consent.time_or_none("withdrawn_at")
    return at if withdrawn is None and status == "withdrawn" else withdrawn


def _grant(consent: Part, given: datetime | None, at: datetime, *, live: bool) -> Grant:
    guardian, until = consent.part_or_none("guardian"), consent.time_or_none("expires_at")
    if consent.word("status", _STATUSES, "granted") == "expired":
        until = at if until is None or until > at else until
    return Grant(
        given_at=given,
        sound=consent.truth("signature_valid"),
        form=consent.word("form", get_args(ConsentForm), "none"),
        # Only a spoken consent means something by how it was given; what was not said proves nothing in a live case.
        method=consent.word("channel", get_args(Method), "verbal_unrecorded" if live else "web_form"),
        signature=consent.word("signature", get_args(SignatureKind), "none"),
        separate=not consent.truth("bundled"),
        disclosure_consent=consent.word("disclosure_consent", get_args(DisclosureConsent), "none"),
        purposes=consent.texts("purposes"),
        operations=consent.texts("operations") if live or "operations" in consent else None,
        controllers=consent.texts("controllers") if "controllers" in consent else None,
        notice_in_writing=consent.truth("notice_in_writing"),
        notice_elements=frozenset(consent.texts("notice_elements")),
        valid_until=until,
        max_uses=consent.count("max_uses"),
        age_over=consent.count("age_over"),
        guardian=None if guardian is None else "verified" if guardian.truth("verified") else "unverified",
        context=context_of(consent),
    )


def context_of(part: Part) -> CallContext | None:
    """Read the call that a consent or a request is for.

    Args:
        part: the consent or the request.

    Returns:
        The call, or None.

    Raises:
        InvalidInput: it cannot be read.
    """
    call = part.part_or_none("context")
    if call is None:
        return None
    with _where(part.at("context")):
        return CallContext(
            transaction_id=call.text_or_none("transaction_id"),
            voice_connector_id=call.text_or_none("voice_connector_id"),
            call_leg=call.word("call_leg", get_args(CallLeg)) if "call_leg" in call else None,
        )


def _entry(part: Part, i: int) -> str:
    return part.text_or_none("id") or ("consent" if i == 0 else f"consent {i + 1}")


def _references(part: Part, name: str) -> tuple[Reference, ...]:
    with _where(part.at(name)):
        return tuple(Reference(kind=each.text("kind"), value=each.text("value")) for each in part.parts(name))


@contextmanager
def _where(path: str) -> Iterator[None]:
    """Say of what a value refuses where it stands in the file."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(str(error) if path in str(error) else f"{path}: {error}") from error


def _by_entry(parts: list[Part]) -> dict[str, Part]:
    """Name each item; one whose id another has is told apart by its place."""
    found: dict[str, Part] = {}
    for i, part in enumerate(parts):
        name = _entry(part, i)
        found[f"{name} ({i + 1})" if name in found else name] = part
    return found


def _all_said(terms: Mapping[str, Part], at: datetime, first: tuple[Reference, ...]) -> Iterator[Received]:
    for i, (entry, part) in enumerate(terms.items()):
        with _where(f"consents[{i}]"):
            yield from _said(part, entry, at, first)


def _said(part: Part, entry: str, at: datetime, first: tuple[Reference, ...]) -> Iterator[Received]:
    """Give the statements behind one item: a grant that was withdrawn is two."""
    status = part.word("status", (*_STATUSES, *_PAIRS), "granted")
    if status == "superseded":
        return  # the consent that took its place stands in the list
    received = part.time_or_none("received_at")
    given = part.time_or_none("granted_at") or part.time_or_none("refused_at")
    about = _references(part, "references") or first
    when = given or received or at
    if status in _PAIRS:
        yield _received(part, entry, _PAIRS[status], about, when, received or when)
        return
    if status == "refused":
        yield _received(part, entry, "ConsentRefused", about, when, received or when)
        return
    if status in ("granted", "expired") or (given is not None and status == "withdrawn"):
        # One that is dated after the decision is there, and is judged not to be given yet.
        yield _received(part, entry, "ConsentGiven", about, when, received or min(when, at))
        received = None  # it says when the grant came; the withdrawal is a statement of its own
    withdrawn = _withdrawn(part, status, at)
    if withdrawn is not None:
        yield _received(part, entry, "ConsentWithdrawn", about, withdrawn, received or withdrawn)


def _received(
    part: Part, entry: str, said: Said, about: tuple[Reference, ...], when: datetime, received: datetime
) -> Received:
    purposes = part.texts("purposes")
    controllers = part.texts("controllers") or _UNNAMED
    grants, negative = said == "ConsentGiven", said in ("ConsentRefused", "ConsentWithdrawn")
    statement = Statement(
        issuer="scenario",
        id=entry,
        issued_at=when,
        references=about,
        state=said,
        event_time=when,
        method="web_form",
        purposes=purposes if negative else (purposes or _UNNAMED) if grants else (),
        operations=_UNNAMED if grants else (),
        controllers=() if negative else controllers,
        jurisdictions=part.part("issuer").texts("jurisdictions") if grants else (),
        notice=_NOTICE if grants else None,
        max_uses=part.count("max_uses") if grants else None,
    )
    return Received(
        statement=statement,
        entry=entry,
        received_at=received,
        issuer=_issuer(part),
        sound=part.truth_or_none("signature_valid") is not False
        if not grants
        else part.truth("signature_valid"),
    )


def _issuer(part: Part) -> Issuer:
    scope = part.part("issuer")
    return Issuer(
        iss="scenario",
        name="scenario",
        keys=(IssuerKey(public=_KEY),),
        purposes=scope.texts("purposes") or ALL,
        jurisdictions=scope.texts("jurisdictions") or ALL,
        controllers=scope.texts("controllers") or ALL,
    )


def _with_terms(consent: Consent, terms: Mapping[str, Part], at: datetime, *, live: bool) -> Consent:
    """Put the terms of the file in place of those that the fold made up."""
    part, found = terms[consent.entry], consent.grant
    if found is None:
        return consent
    given, received = part.time_or_none("granted_at"), part.time_or_none("received_at")
    own = _grant(part, min(given, received or given) if given else None, at, live=live)
    controllers = own.controllers
    if found.through is not None:
        bound = terms[found.through]
        if "controllers" in bound:
            named = bound.texts("controllers")
            controllers = (
                named if controllers is None else tuple(each for each in controllers if each in named)
            )
    grant = replace(
        own,
        controllers=controllers,
        issuer_problems=found.issuer_problems,
        issuer_jurisdictions=found.issuer_jurisdictions,
        through=found.through,
    )
    return replace(consent, grant=grant)
