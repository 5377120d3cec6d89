"""What stands of a speaker's statements: a pure fold over them, in the order in which they were committed.

Rules (they decide who may be compared, so they stand here once):

- Commit order decides what a refusal or withdrawal removes: every grant before it that is in its scope. A
  later grant stands again, unless it says itself that it was given before the no. Clocks never delay a negative
  statement: it acts from the earlier of the time that it claims and the time of receipt, whatever the clock says.
- A grant acts from the earlier of both times too; ingest refuses those that claim the future.
- A negative statement counts when any of its references is any of the speaker's, or is bound to one; a grant only
  when its *first* reference is the speaker's first, because the others merely reach further people, or when a signed
  statement binds the two (see `sameness`). A grant that limits its uses counts, and is counted, under its own alone.
- What counts by way of a bond has the narrower scope: the bond's controllers, and what its issuer may record.
- A negative statement without purposes is about all of them, else about those that it names.
- A negative statement whose signature no longer counts still counts as a no; a grant does not count as a yes.

Invariants: the result depends on nothing but the arguments; adding a negative statement never leaves more
grants standing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Literal, TypeAlias

from consentgate.consent.details import CallContext
from consentgate.consent.issuers import Issuer, narrower, scope_problems
from consentgate.consent.notice import Manifest
from consentgate.consent.reference import Reference
from consentgate.consent.sameness import Bond, bound_to, heard_under
from consentgate.consent.statement import Statement
from consentgate.consent.terms import ConsentForm, DisclosureConsent, Method, SignatureKind
from consentgate.values import dataclass

EndKind: TypeAlias = Literal["refused", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A statement in the ledger, with what it rests on.

    Attributes:
        statement: the verified claims.
        entry: id of its entry as text.
        received_at: the entry's time.
        notice: the manifest of exactly the notice that it names, or None where that is not at hand.
        issuer: its issuer in the registry of the decision, or None.
        sound: whether signature, key, dates and notice all fit; a grant that is not sound proves nothing.
        trusted_at: since when an anchor covers its entry; None where none does, or where nobody had to ask.
    """

    statement: Statement = field(repr=False)
    entry: str
    received_at: datetime
    notice: Manifest | None = field(default=None, repr=False)
    issuer: Issuer | None = field(default=None, repr=False)
    sound: bool
    trusted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The terms of one grant, as a decision reads them.

    Attributes:
        given_at: from when on it acts, or None where that is not known.
        sound: whether it can be relied on at all.
        form: the form of the consent.
        method: how it was expressed; of an imported one the original method.
        signature: what kind of signature.
        separate: whether it was asked for apart from other terms.
        disclosure_consent: whether it covers disclosure.
        purposes: what for.
        operations: which operations it covers; None covers all (scenarios have no such claim).
        controllers: whom it is for; None is anybody (scenarios have no such claim).
        notice_in_writing: whether the notice could be read.
        notice_elements: what the notice said.
        valid_until: when it ends, or None.
        max_uses: how many requests it covers, or None.
        age_over: an age that the issuer knows the person to have reached, or None.
        guardian: whether a guardian consented, and was verified: None, ``unverified`` or ``verified``.
        context: the one call that it is for, or None.
        issuer_problems: what its issuer may not record, as `issuers.scope_problems` names it.
        issuer_jurisdictions: where its issuer may record grants; ``("*",)`` is everywhere.
        through: entry id of the statement by which it counts for the speaker, or None where it is the speaker's own.
    """

    given_at: datetime | None
    sound: bool
    form: ConsentForm
    method: Method
    signature: SignatureKind
    separate: bool
    disclosure_consent: DisclosureConsent
    purposes: tuple[str, ...]
    operations: tuple[str, ...] | None
    controllers: tuple[str, ...] | None
    notice_in_writing: bool
    notice_elements: frozenset[str] = field(repr=False)
    valid_until: datetime | None = None
    max_uses: int | None = None
    age_over: int | None = None
    guardian: Literal["unverified", "verified"] | None = None
    context: CallContext | None = field(default=None, repr=False)
    issuer_problems: tuple[str, ...] = ()
    issuer_jurisdictions: tuple[str, ...] = ("*",)
    through: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The refusal or withdrawal that took a consent away.

    Attributes:
        kind: which of the two.
        at: from when on it acts.
        entry: id of its entry as text.
    """

    kind: EndKind
    at: datetime
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One grant and what became of it, or a refusal or withdrawal that no grant preceded.

    Attributes:
        entry: id of the grant's entry, or of the negative statement's where there is no grant.
        grant: the terms, or None.
        endings: what took it away, in commit order; empty while it stands.
    """

    entry: str
    grant: Grant | None
    endings: tuple[Ending, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All consents of one speaker for one purpose, in commit order."""

    consents: tuple[Consent, ...] = ()

    @property
    def standing(self) -> tuple[Consent, ...]:
        """The grants that nothing took away."""
        return tuple([each for each in self.consents if not each.endings])


def fold(received: Iterable[Received], *, references: tuple[Reference, ...], purpose: str | None) -> State:
    """Fold statements into what stands.

    Args:
        received: the statements linked to the speaker, in commit order.
        references: the speaker's references that are known at the call, the first of which names them.
        purpose: the request's purpose; None takes every negative statement as being about it.

    Returns:
        The state.
    """
    said = tuple(received)
    bonds = bonds_of(said)
    others = bound_to(bonds, references[0]) if bonds and references else {}
    consents: list[Consent] = []
    noes: list[Received] = []
    for place, each in enumerate(said):
        statement = each.statement
        if statement.grants:
            consents += [_outlived(it, noes) if noes else it for it in _grants(each, references[:1], others)]
        elif statement.refuses and _is_about(statement, purpose):
            known_as = heard_under(bonds, references, place) if bonds else references
            for named in statement.references:
                if named in known_as:
                    consents = _end(consents, each)
                    noes.append(each)
                    break
    return State(consents=tuple(consents))


def bonds_of(received: Iterable[Received]) -> tuple[Bond, ...]:
    """Pick out what is said about two references.

    Args:
        received: statements in commit order.

    Returns:
        The bonds and partings among them.
    """
    return tuple(
        [
            Bond(place=place, entry=it.entry, statement=it.statement, issuer=it.issuer, sound=it.sound)
            for place, it in enumerate(received)
            if it.statement.pair is not None
        ]
    )


def _grants(
    received: Received, first: tuple[Reference, ...], others: Mapping[Reference, tuple[Bond, ...]]
) -> list[Consent]:
    named = received.statement.references[0]
    if named in first:
        return [Consent(entry=received.entry, grant=_terms(received))]
    if received.statement.max_uses is not None:
        return []
    own = _terms(received) if named in others else None
    return [
        Consent(entry=received.entry, grant=_narrowed(own, received, bond))
        for bond in others.get(named, ())
        if own is not None
    ]


def _narrowed(grant: Grant, received: Received, bond: Bond) -> Grant:
    """A grant as it counts by way of a bond, whose issuer must be one that may record it."""
    statement = received.statement
    problems = (*grant.issuer_problems, *bond.problems(statement))
    return replace(
        grant,
        controllers=tuple(each for each in statement.controllers if each in bond.statement.controllers),
        issuer_problems=tuple(dict.fromkeys(problems)),
        issuer_jurisdictions=narrower(grant.issuer_jurisdictions, bond.jurisdictions),
        through=bond.entry,
    )


def _is_about(negative: Statement, purpose: str | None) -> bool:
    return not negative.purposes or purpose is None or purpose in negative.purposes


def _outlived(consent: Consent, noes: list[Received]) -> Consent:
    """A grant that came in late: each no that was said after it was given takes it away."""
    if consent.grant is None or (given := consent.grant.given_at) is None:
        return consent
    later = [no for no in noes if given < _acts_from(no) and _in_scope(consent, no.statement)]
    return replace(consent, endings=(*consent.endings, *map(_ending, later))) if later else consent


def _acts_from(negative: Received) -> datetime:
    return min(negative.statement.event_time, negative.received_at)


def _ending(negative: Received) -> Ending:
    statement = negative.statement
    return Ending(
        kind="refused" if statement.state == "ConsentRefused" else "withdrawn",
        at=_acts_from(negative),
        entry=negative.entry,
    )


def _end(consents: list[Consent], negative: Received) -> list[Consent]:
    statement, ending = negative.statement, _ending(negative)
    ended, reached = [], False
    for each in consents:
        if _in_scope(each, statement):
            reached = True
            ended.append(Consent(entry=each.entry, grant=each.grant, endings=(*each.endings, ending)))
        else:
            ended.append(each)
    if not reached:
        ended.append(Consent(entry=negative.entry, grant=None, endings=(ending,)))
    return ended


def _in_scope(consent: Consent, negative: Statement) -> bool:
    if consent.grant is None:
        return False
    return not negative.purposes or not {*negative.purposes}.isdisjoint(consent.grant.purposes)


def _terms(received: Received) -> Grant:
    it, notice, issuer = received.statement, received.notice, received.issuer
    guardian: Literal["unverified", "verified"] | None = None
    if it.guardian is not None:
        guardian = "verified" if it.guardian.verified else "unverified"
    return Grant(
        given_at=min(it.event_time, received.received_at),
        sound=received.sound,
        form=it.consent_form,
        method=it.imported_method or it.method,
        signature=it.signature_kind,
        separate=it.separate,
        disclosure_consent=it.disclosure_consent,
        purposes=it.purposes,
        operations=it.operations,
        controllers=it.controllers,
        notice_in_writing=notice is not None and notice.in_writing,
        notice_elements=frozenset() if notice is None else notice.elements,
        valid_until=it.valid_until,
        max_uses=it.max_uses,
        age_over=it.age_over,
        guardian=guardian,
        context=it.context,
        issuer_problems=("issuer:unknown",) if issuer is None else scope_problems(it, issuer),
        issuer_jurisdictions=() if issuer is None else issuer.jurisdictions,
    )
