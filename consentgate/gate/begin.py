"""Steps 1 to 4: from a serialised request to a permit, or to a denial.

::

    1 resolve   which call -> who is on the leg
    2 read      what was said by and about them, and the controller's side; remember the versions read
    3 decide    pure; every reason at once
    4 append    intent or denial, in one transaction that first compares the versions again

What changed between 2 and 4 makes it begin anew, a few times; then it denies. Every doubt denies: a failure
of the ledger is a reason like any other, and is recorded where a record can be written. Before all of it stands
that the log is being signed.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.errors import ClockDisagrees, ConsentDenied, ConsentGateError, Malformed, Unavailable
from consentgate.gate.contents import Denial, denial_contents, intent_contents
from consentgate.gate.context import GateContext
from consentgate.gate.enrolling import own_reasons, read_for
from consentgate.gate.finish import close_unsent
from consentgate.gate.judge import Verdict, judge
from consentgate.gate.request import GatedRequest, Permit
from consentgate.ledger import controller
from consentgate.ledger.reading import OnLeg, Reading
from consentgate.ledger.vault import BODY, Subject
from consentgate.policy.reasons import Reason, reason
from consentgate.storage import entries
from consentgate.storage.guarded import UNGUARDED, Guard

_ROUNDS: Final = 4


def begin(gate: GateContext, request: GatedRequest) -> Permit:
    """Do steps 1 to 4.

    Args:
        gate: the gate.
        request: what botocore is about to send.

    Returns:
        The right to send it; the intent's entry is durable.

    Raises:
        ConsentDenied: nothing may be sent; the denial is recorded where a record could be written.
    """
    try:
        return _begin(gate, request)
    except ConsentDenied:
        raise
    except Malformed as error:
        raise _record_failure(gate, request, reason("LEDGER_UNREADABLE")) from error
    except ClockDisagrees as error:
        # A decision that took too long is one of these, and can be recorded; with a wrong clock nothing can.
        raise _record_failure(gate, request, reason("CLOCK_DISAGREES")) from error
    except ConsentGateError as error:
        raise ConsentDenied((reason("LEDGER_UNAVAILABLE"),), None) from error
    except Exception as error:
        # A bug of ours is a doubt like any other. It is not hidden: it becomes the denial's cause.
        raise _record_failure(gate, request, reason("INTERNAL_ERROR")) from error


def recheck(gate: GateContext, permit: Permit, *, first: bool) -> None:
    """Check, just before an attempt, that the permit still stands.

    Args:
        gate: the gate.
        permit: the permit.
        first: whether this is the first attempt; a prompt first attempt reads nothing again.

    Raises:
        ConsentDenied: the permit is over, or what was read has changed.
    """
    # By a clock that nobody sets back too: a wall clock that jumps must not make an old permit look fresh.
    tick = time.monotonic()
    age = tick - permit.committed_tick
    try:
        expired = gate.book.now() >= permit.send_by or tick >= permit.ends_tick
        still = expired or (first and age <= gate.limits.reread_after.total_seconds())
        if not still:
            with gate.database.glance() as connection:
                still = gate.reader.still(connection, permit.seen)
    except ConsentGateError as error:
        raise ConsentDenied((reason("LEDGER_UNAVAILABLE"),), str(permit.entry)) from error
    except Exception as error:
        # botocore would not know that nothing has left: our own refusal says so.
        raise ConsentDenied((reason("INTERNAL_ERROR"),), str(permit.entry)) from error
    if expired:
        raise ConsentDenied((reason("PERMIT_EXPIRED"),), str(permit.entry))
    if not still:
        raise ConsentDenied((reason("CONSENT_CHANGED"),), str(permit.entry))


def _begin(gate: GateContext, request: GatedRequest) -> Permit:
    if gate.unsigned is not None and gate.unsigned.overdue(gate.book.now()):
        raise _record_failure(gate, request, reason("LOG_UNSIGNED"))
    disagreed: ClockDisagrees | None = None
    for _ in range(_ROUNDS):
        # [1] and [2] in one statement: the call, who is on the leg, and all that a decision reads
        with gate.database.glance() as connection:
            reading = read_for(gate, connection, request)
            own = own_reasons(gate, connection, request, reading, gate.book.now())
        if gate.packs.digest not in reading.controller.packs:
            _record_packs(gate)
            continue
        # [3] decide
        at = gate.book.now()
        verdict = judge(gate, request, reading, at, own)
        # [4] append, in the statement that first compares the version
        try:
            done = gate.database.write(
                partial(_append, gate, request, reading, verdict, at), single=_is_single(reading, verdict)
            )
        except ClockDisagrees as error:
            disagreed = error
            continue
        except Unavailable:
            _settle(gate, request, reading, at)
            raise
        if isinstance(done, Permit):
            return done
        if done is not None:
            raise ConsentDenied(verdict.reasons, done)
    if disagreed is not None:
        raise disagreed
    raise _record_failure(gate, request, reason("LEDGER_BUSY"))


def _append(
    gate: GateContext,
    request: GatedRequest,
    reading: Reading,
    verdict: Verdict,
    at: datetime,
    connection: Connection,
) -> Permit | str | None:
    """Write the intent or the denial; None when what was read no longer stands."""
    guard = gate.reader.guard(connection, reading.seen)
    in_shadow = gate.shadow is not None and gate.shadow.is_on(at)
    # Whom it is about has to be known in shadow too: an outcome is sealed for somebody.
    if not (verdict.allowed or (in_shadow and verdict.judged)):
        denial = Denial(request=request, verdict=verdict)
        return _write_denial(gate, connection, denial, reading.speakers, at, guard)
    owners = _owners(gate, connection, reading.speakers)
    about = _about(reading.speakers, owners)
    if request.about == "nobody":
        owners = (gate.book.vault.ensure_key(connection, BODY),)
    appended = gate.book.write(
        connection,
        "intent",
        at,
        intent_contents(gate, request, reading, verdict, owners),
        about,
        entry=request.intent,
        decided_at=at,
        send_by=at + gate.limits.send_by,
        guard=guard,
    )
    if appended.code != "done":
        return None
    permit = _permit(request, appended.hash, reading, owners, about, (at, gate.limits.send_by))
    return replace(permit, locks=guard.shared | guard.alone, shadow=in_shadow)


def _is_single(reading: Reading, verdict: Verdict) -> bool:
    """Whether the entry is all that is written: nobody's data key has to be made first."""
    return bool(verdict.judged) and all(on.subject for on in reading.speakers)


def _write_denial(
    gate: GateContext,
    connection: Connection,
    denial: Denial,
    speakers: Sequence[OnLeg],
    at: datetime,
    guard: Guard = UNGUARDED,
) -> str | None:
    owners = _owners(gate, connection, speakers) if denial.verdict.judged else ()
    contents = denial_contents(gate, connection, denial, owners, at)
    about = _about(speakers, owners)
    appended = gate.book.write(connection, "denial", at, contents, about, decided_at=at, guard=guard)
    return str(appended.id) if appended.code == "done" else None


def _owners(gate: GateContext, connection: Connection, speakers: Sequence[OnLeg]) -> tuple[Subject, ...]:
    return tuple(on.subject or gate.book.vault.ensure(connection, on.speaker.first) for on in speakers)


def _about(speakers: Sequence[OnLeg], owners: Sequence[Subject]) -> frozenset[UUID]:
    """Whom the entry is linked to: a withdrawal under any reference of a speaker must find it."""
    if not owners:
        return frozenset()
    return frozenset(owner.id for owner in owners).union(*(on.reached for on in speakers))


def _permit(
    request: GatedRequest,
    leaf_hash: bytes,
    reading: Reading,
    owners: tuple[Subject, ...],
    about: frozenset[UUID],
    lasts: tuple[datetime, timedelta],
) -> Permit:
    tick = time.monotonic()
    return Permit(
        request=request,
        entry=request.intent,
        hash=leaf_hash,
        committed_tick=tick,
        ends_tick=tick + lasts[1].total_seconds(),
        send_by=lasts[0] + lasts[1],
        owners=owners,
        about=about,
        # Our own intent is a use: it must not look like a change.
        seen=reading.seen.after("intent", about),
    )


def _settle(gate: GateContext, request: GatedRequest, reading: Reading, at: datetime) -> None:
    """Close an intent whose commit was in doubt and happened after all: nothing was sent under it."""
    try:
        with gate.database.glance() as connection:
            row = entries.by_id(connection, gate.book.tenant, request.intent)
        if row is not None:
            owners = tuple(on.subject for on in reading.speakers if on.subject is not None)
            if request.about == "nobody":
                owners = (gate.database.write(lambda c: gate.book.vault.ensure_key(c, BODY)),)
            about = _about(reading.speakers, owners)
            permit = _permit(request, row.hash, reading, owners, about, (at, timedelta()))
            close_unsent(gate, permit)
    except ConsentGateError:
        # The intent stays open, as after a crash; reconciliation closes it.
        return


def _record_failure(gate: GateContext, request: GatedRequest, why: Reason) -> ConsentDenied:
    """Record a denial that rests on no reading, as far as that goes."""
    try:
        at = gate.book.now()
        denial = Denial(request=request, verdict=Verdict(at=at, reasons=(why,)))
        entry: str | None = gate.database.write(lambda c: _write_denial(gate, c, denial, (), at))
    except Exception:  # noqa: BLE001  # it denies all the same; whatever failed first is the denial's cause
        entry = None
    return ConsentDenied((why,), entry)


def _record_packs(gate: GateContext) -> None:
    """Put the rules that this process decides with into the ledger, before the first decision names them."""
    packs = gate.packs
    gate.database.write(
        lambda c: controller.put_packs(gate.book, c, packs.digest, packs.files(), packs.index)
    )
