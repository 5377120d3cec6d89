"""Further ways that telling values go: told by the vendor, reconciled, guarded, spooled, resolved, exported, lost."""

import contextlib
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyrage  # type: ignore[import-untyped]  # it ships no types
import pytest

from consentgate import ConsentDenied, ConsentGate, Reference, Speaker, VendorRequest
from consentgate.config.worker import work_until
from consentgate.errors import ConsentGateError, InvalidInput, Malformed, OutcomeNotRecorded, Unavailable
from consentgate.gate.stopping import Stopping
from consentgate.gate.worker import Worker
from consentgate.testing.cloudtrail import record_of, trail_file, ungated_search
from consentgate.testing.events import WRAPPINGS, post_call_event, search_event
from tests.functional.canaries import CUSTOMER, PHONE, PROFILE, SCORE, TRANSACTION, Life, hurry, person
from tests.functional.gate.broken import Outage, another_gate
from tests.functional.gate.conftest import CONNECTOR, ISS
from tests.functional.gate.reconciling import LONG, died
from tests.functional.gate.test_worker import Vendor
from tests.packages import keep_log

ANSWER = json.dumps({"matches": [[PROFILE, SCORE]], "caller": PHONE}).encode()


def vendor_tells(life: Life) -> None:
    """Notifications in every wrapping, and tasks that are asked about: of ours, of strangers, in no form."""
    world, gate = life.world, life.world.gate
    world.register(f"{TRANSACTION}-told", person())
    task = world.search(f"{TRANSACTION}-told")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    call = f"{TRANSACTION}-told"
    event = search_event(task, "IdentificationSuccessful", matches=[(PROFILE, SCORE)], transaction=call)
    stranger = search_event(
        TRANSACTION, "IdentificationSuccessful", matches=[(PROFILE, SCORE)], transaction=PHONE
    )
    summary = post_call_event(call, best=PROFILE, created=[(PROFILE, world.clock())])
    for wrap in WRAPPINGS.values():
        life.given += [gate.notify(wrap(event)), gate.notify(wrap(stranger)), gate.notify(wrap(summary))]
    for nothing in (
        PHONE,
        {PHONE: CUSTOMER},
        {"Records": [{"eventSource": "aws:sqs", "body": PHONE}]},
        [PHONE],
    ):
        life.given.append(gate.notify(nothing))
    world.server.finish(task, results=[(PROFILE, SCORE)])
    life.given.append(gate.poll(task))
    life.fails(lambda: gate.poll(TRANSACTION), InvalidInput)
    outage = Outage(world)
    outage.begin()
    life.fails(lambda: gate.notify(event), Unavailable)
    life.fails(lambda: gate.poll(task), Unavailable)
    outage.end()


def trail_reconciles(life: Life, folder: Path) -> None:
    """An intent that nobody ended, what a trail says of it, a call that passed the gate by, and a broken trail."""
    world = life.world
    call = f"{TRANSACTION}-died"
    world.register(call, person())
    _, task = died(world, call)
    trail, broken = folder / "trail.json", folder / "broken.json"
    told = record_of(world.server.requests[-1], made=task, userIdentity={"type": CUSTOMER, "userName": PHONE})
    past = ungated_search(errorMessage=PHONE)
    past["requestParameters"]["transactionId"] = TRANSACTION
    trail.write_bytes(trail_file(told, past))
    broken.write_bytes(
        b'{"Records": [{"eventSource": "chime.amazonaws.com", "eventName": "CreateVoiceProfile", "x": "'
        + CUSTOMER.encode()
        + b'"}]}'
    )
    world.clock.advance(LONG)
    life.given.append(world.gate.reconcile(cloudtrail=[trail]))
    life.fails(lambda: world.gate.reconcile(cloudtrail=[broken]), InvalidInput)


def blocks_guard(life: Life) -> None:
    """An engine of any make: its answer with a score, a block that fails, and values that are refused."""
    world, known = life.world, {"purpose": "authentication", "recording_consent": "all_parties"}

    def request(**more: Any) -> VendorRequest:
        url = f"https://voice.acme.example/{quote(PHONE)}?who={CUSTOMER}"
        given = {"url": url, "body": {"caller": PHONE}, "token": TRANSACTION, "call": CUSTOMER}
        return VendorRequest(**{**given, **more})

    people = [person()]

    def block(given: Any, **more: Any) -> Any:
        return world.gate.guarded("search", people, given, **{**known, **more})

    life.given.append(request())
    with block(request(call=None)) as permit:
        life.given.append(permit)
        permit.sending()
        permit.answered(
            ANSWER,
            201,
            task=TRANSACTION,
            request_id="request-1",
            summary={"best": PROFILE, "score": repr(SCORE)},
        )

    def enter(given: Any, then: Callable[[Any], object] = lambda permit: permit.sending()) -> None:
        with block(given) as permit:
            then(permit)

    with pytest.raises(ZeroDivisionError):
        enter(ANSWER, lambda permit: permit.sending() and 1 / 0)
    life.fails(lambda: enter(ANSWER, lambda permit: permit.answered(PHONE)), InvalidInput)
    told = {"summary": {PROFILE: SCORE}}
    life.fails(lambda: enter(ANSWER, lambda permit: permit.answered(ANSWER, **told)), InvalidInput)
    life.fails(lambda: enter(PHONE), InvalidInput)
    for wrong in (
        {"url": f"{PHONE} {CUSTOMER}"},
        {"leg": CUSTOMER},
        {"body": {1, PHONE}},
        {"method": f"{PHONE}\0"},
    ):
        life.fails(partial(request, **wrong), InvalidInput)
    people = [Speaker([("customer", f"{CUSTOMER}-2")], adult=True)]
    life.fails(lambda: enter(ANSWER), ConsentDenied)
    people = [person()]
    _block_is_lost(life, lambda: block(request(call=None), stop=lambda _: True))


def _block_is_lost(life: Life, block: Any) -> None:
    outage = Outage(life.world)

    def loses() -> None:
        with block() as permit:
            permit.sending()
            outage.begin()
            hurry(outage.patch)
            permit.answered(ANSWER, 201, task=TRANSACTION, request_id="request-1")

    life.fails(loses, OutcomeNotRecorded)
    outage.end()


def spool_keeps(life: Life) -> None:
    """Outcomes that wait on disk: one recorded later, one broken, one left there, and one that nothing could keep."""
    with another_gate(life.world, spool=life.world.home / "spool") as world:
        outage = Outage(world)
        world.register(f"{TRANSACTION}-kept", person())
        world.server.script.results((PROFILE, SCORE))
        outage.before_the_answer()
        world.search(f"{TRANSACTION}-kept")
        outage.end()
        [file] = (world.home / "spool").iterdir()
        whole = file.read_bytes()
        file.write_bytes(whole[:-40] + PHONE.encode())
        life.given.append(world.gate.record())
        file.write_bytes(whole)
        life.given += [world.gate._parts.gate.spool, world.gate.record()]
        file.write_bytes(whole)
    [lost] = [each for each in life.errors if isinstance(each, OutcomeNotRecorded)][-1:]
    wrong = OutcomeNotRecorded(response=lost.response, entry=lost.entry, record=lost.record[:-20] + CUSTOMER)
    life.fails(lambda: life.world.gate.record(wrong), Malformed)
    life.given += [life.world.gate.record(lost), life.world.gate.record(lost)]


def resolvers_answer(life: Life) -> None:
    """Whoever is asked who calls: with an answer, with none that can be used, and with a failure of their own."""

    def fails(*_: object) -> Speaker:
        raise LookupError(f"{PHONE} of {CUSTOMER}")

    answers: tuple[Any, ...] = (
        lambda *_: [person()],
        lambda *_: PHONE,
        lambda *_: {CUSTOMER: [person()]},
        lambda *_: [Reference(kind="phone", value=PHONE)],
        fails,
    )
    for number, who in enumerate(answers):
        client = life.world.gate.protect(life.world.server.client(), who=who)
        arguments = {"VoiceConnectorId": CONNECTOR, "VoiceProfileDomainId": "vpd-1", "CallLeg": "Caller"}
        call = f"{TRANSACTION}-who{number}"
        life.fails(partial(client.start_speaker_search_task, TransactionId=call, **arguments), ConsentDenied)
        client.close()


def references_are_bound(life: Life) -> None:
    """Two references that are one person's, and are not; with references that are none."""
    one, other = ("customer", CUSTOMER), ("phone", PHONE)
    said = [
        life.world.ivr.same_subject(one, other, method="web_form"),
        life.world.ivr.not_same_subject(one, other, method="web_form"),
    ]
    for number, each in enumerate(said):
        life.canaries.add_token(f"bond {number}", each.token)
    life.given += said
    life.fails(lambda: life.world.ivr.same_subject(one, one, method="web_form"))
    life.fails(lambda: life.world.ivr.same_subject(one, ("phone", f"{PHONE}x"), method="web_form"))
    life.fails(lambda: life.world.ivr.same_subject(one, other, method="telepathy"))  # type: ignore[arg-type]  # no method


def packages_are_made(life: Life, folder: Path) -> None:
    """A package for a reader's key, which shows nothing; and selections that are refused."""
    keep_log(life.world.gate)
    age = pyrage.x25519.Identity.generate()
    asked: dict[str, Any] = {"purpose": "Subpoena", "recipient": "Roe & Partners", "report": False}
    package = life.world.gate.export(
        "Doe v. Acme", folder, subject=[("phone", PHONE), ("customer", CUSTOMER)], transaction=TRANSACTION,
        encrypt_to=str(age.to_public()), **asked,
    )  # fmt: skip
    life.given.append(package)
    made = [each for each in folder.rglob("*") if each.is_file()]
    assert made
    life.files += made
    for wrong in (
        {"subject": ("phone", f"{PHONE}x")},
        {"subject": ("customer", f"{CUSTOMER}-nobody")},
        {"query": f"{CUSTOMER}={PHONE}"},
        {"encrypt_to": f"age1{CUSTOMER}"},
        {"call": f"transaction/{TRANSACTION}-nobody", "clear": True},
    ):
        given = {"encrypt_to": str(age.to_public()), **wrong, **asked}
        given = {k: v for k, v in given.items() if k != "encrypt_to" or "clear" not in wrong}
        life.fails(partial(life.world.gate.export, "Doe v. Acme", folder / "refused", **given))


def orders_are_carried_out(life: Life) -> None:
    """A withdrawal where no client is at hand, and a worker whose vendor fails, refuses, and confirms."""
    world = life.world
    world.ivr.grant(person(), notice="voiceprint", method="ivr_dtmf")
    world.register(f"{TRANSACTION}-left", person())
    world.search(f"{TRANSACTION}-left")
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        other.issuer(ISS).withdraw(person(), method="web_form")
    stopping, vendor = Stopping(world.gate._parts.gate), Vendor()

    def fails() -> None:
        raise LookupError(f"{PHONE} of {CUSTOMER}")

    vendor.meanwhile = fails
    stopping.take(vendor)
    worker = Worker(stopping, world.clock)
    with contextlib.suppress(LookupError):
        worker.once()
    life.given += [stopping.open(), worker, stopping]
    vendor.meanwhile = lambda: None
    world.clock.advance(timedelta(days=1))
    life.given.append(worker.once())


class _Once(threading.Event):
    """Ends a loop at its first rest."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # the class's
        self.set()
        return True


def database_fails(life: Life) -> None:
    """A table that is gone, below everything that is done with telling values."""
    world, gate = life.world, life.world.gate
    event = search_event(
        "task", "IdentificationSuccessful", matches=[(PROFILE, SCORE)], transaction=TRANSACTION
    )
    before = len(life.errors)
    for table in ("entry", "subject_ref"):
        with world.raw() as raw:
            raw.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        for act in (
            lambda: world.register(f"{TRANSACTION}-{table}", person()),  # noqa: B023  # called at once
            lambda: world.ivr.withdraw(person(), method="ivr_dtmf"),
            lambda: world.search(TRANSACTION),
            gate.reconcile,
            lambda: contextlib.ExitStack().enter_context(
                gate.guarded("search", [person()], ANSWER, purpose="authentication")
            ),
            lambda: gate.notify(event),
            lambda: work_until(gate._parts.settings, _Once(), clock=world.clock),
        ):
            try:
                life.given.append(act())
            except ConsentGateError as failure:
                life.errors.append(failure)
        with world.raw() as raw:
            raw.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")
    assert len(life.errors) > before + 8
