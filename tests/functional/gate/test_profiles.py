"""Voice profiles go when nothing covers keeping them any more, and stay while something does."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from consentgate import ConsentGate, Speaker
from consentgate.canonical import Json
from consentgate.config.issuing import Issued
from consentgate.consent.details import CallContext
from consentgate.entries.leaf import Answer
from consentgate.errors import Malformed
from consentgate.gate import orders as reading
from consentgate.gate.begin import begin
from consentgate.gate.context import GateContext
from consentgate.gate.finish import append
from consentgate.gate.orders import StopOrder
from consentgate.gate.outcomes import Attempt, End
from consentgate.gate.ports import Told
from consentgate.gate.request import Ending, Exchange, GatedRequest, Permit
from consentgate.gate.stopping import Stopping
from consentgate.gate.worker import Worker
from consentgate.ledger import standing
from consentgate.policy.facts import SpeakerFacts
from consentgate.policy.record import speaker_json
from consentgate.storage import orders
from tests.functional.gate.conftest import NOTICE, World
from tests.functional.gate.test_worker import Vendor

SEARCHES = ["search"]
ENROLS = ["search", "enrol", "update"]


@pytest.fixture(autouse=True)
def notices(world: World) -> None:
    """Notices that ask for enrolment too: for one purpose, for another, and for both."""
    for name, purposes in (("one", ["authentication"]), ("other", ["fraud_watchlist"])):
        world.gate.add_notice(
            name.encode(), **{**NOTICE, "id": name, "purposes": purposes, "operations": ENROLS}
        )
    both = {**NOTICE, "id": "both", "purposes": ["authentication", "fraud_watchlist"], "operations": ENROLS}
    world.gate.add_notice(b"both", **both)


def consents(world: World, notice: str = "one", number: str = "1001", **more: Any) -> Speaker:
    speaker = world.caller(number)
    world.ivr.grant(speaker, notice=notice, method="web_esign", **more)
    return speaker


def permit(world: World, *, operation: str = "CreateVoiceProfile", call: str = "tx-1") -> Permit:
    """Steps 1 to 4 of a request that makes or renews a profile of who is on a call."""
    gate: GateContext = world.gate._parts.gate
    request = GatedRequest(
        intent=gate.book.new_id(gate.book.now()),
        service="chime-sdk-voice",
        operation=operation,
        action="enrol" if operation == "CreateVoiceProfile" else "update",
        region="us-east-1",
        country="US",
        method="POST",
        path="/voice-profiles",
        query="",
        body=b"{}",
        call=f"transaction/{call}",
        context=CallContext(transaction_id=call),
        leg="Caller",
        token=None,
        token_from="gate",
        lasts_ms=1000,
    )
    return begin(gate, request)


def answered(world: World, permitted: Permit, profile: str | None, end: End = "succeeded") -> None:
    """Step 6: the vendor's answer."""
    gate = world.gate._parts.gate
    attempts = (Attempt(started_at=world.clock(), status=201),)
    ending = Ending(
        entry=gate.book.new_id(gate.book.now()),
        intent=Answer(id=permitted.entry, h=permitted.hash),
        owners=permitted.owners,
        about=permitted.about,
        end=end,
        exchange=Exchange(attempts=attempts, status=201, task=profile),
        service=permitted.request.service,
        operation=permitted.request.operation,
        region=permitted.request.region,
        path=permitted.request.path,
        locks=permitted.locks,
    )
    gate.database.write(lambda connection: append(gate, connection, ending, None))


def enrol(world: World, speaker: Speaker, profile: str = "vp-1", call: str = "tx-1", **more: Any) -> None:
    """Make a profile of somebody."""
    world.register(call, speaker, **more)
    answered(world, permit(world, call=call), profile)


def worked(world: World, vendor: Vendor) -> list[StopOrder]:
    """Let a worker do what is due; give what is open still."""
    stopping = Stopping(world.gate._parts.gate)
    stopping.take(vendor)
    Worker(stopping, world.clock).once()
    return list(stopping.open())


def withdraw(world: World, speaker: Speaker | None = None, **more: Any) -> Issued:
    """Take a withdrawal in by a process that has no client."""
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        ivr = other.issuer(world.ivr.iss)
        return ivr.withdraw(speaker or world.caller(), method="web_form", **more)


def test_withdrawal_deletes_the_profiles_of_the_person_and_of_nobody_else(world: World) -> None:
    enrol(world, consents(world), "vp-1", "tx-1")
    enrol(world, consents(world, number="2002"), "vp-2", "tx-2")
    # However long ago it was made.
    world.clock.advance(timedelta(days=400))
    issued = withdraw(world)
    [order] = issued.orders
    assert (order.does, order.done_at, len(issued.stops)) == ("delete", None, 1)
    vendor = Vendor(Told(confirmed=True, said="deleted"))
    assert worked(world, vendor) == []
    assert vendor.asked == ["vp-1"]
    [(observed, parts)] = world.opened("observation")
    assert (observed.re, observed.end) == (order.entry, "succeeded")
    assert parts["exchange.0"] == {"v": 1, "end": "succeeded", "stopped": True, "said": "deleted"}


def test_refusal_of_somebody_who_was_enrolled_deletes_too(world: World) -> None:
    enrol(world, consents(world))
    assert [each.does for each in world.ivr.refuse(world.caller(), method="ivr_dtmf").orders] == ["delete"]


def test_profile_that_is_gone_is_done(world: World) -> None:
    enrol(world, consents(world))
    withdraw(world)
    assert worked(world, Vendor(Told(confirmed=True, said="gone"))) == []


def test_deletion_that_is_refused_stays_open_for_good(world: World) -> None:
    enrol(world, consents(world))
    withdraw(world)
    refused = Told(confirmed=False, said="AccessDeniedException")
    told: list[tuple[int, str]] = []
    for _ in range(3):
        told += [(each.tries, each.said) for each in worked(world, Vendor(refused))]
        world.clock.advance(timedelta(days=2))
    assert told == [(tries, "AccessDeniedException") for tries in (1, 2, 3)]
    assert worked(world, Vendor()) == []


def test_deadline_of_a_deletion_is_what_the_law_of_the_person_says(world: World) -> None:
    enrol(world, consents(world))
    withdraw(world)
    [order] = world.gate.open_stops()
    # Illinois: at once.
    assert order.until == order.ordered_at
    assert deadline(world, order, "KE") == order.ordered_at + timedelta(days=14)
    assert deadline(world, order, "KE", "CH") == order.ordered_at + timedelta(days=14)
    assert deadline(world, order, "CH") == order.ordered_at + timedelta(days=30)
    assert deadline(world, order) is None


def deadline(world: World, order: StopOrder, *codes: str) -> datetime | None:
    """By when the laws of some places want it gone."""
    gate = world.gate._parts.gate
    facts = SpeakerFacts(evidence=tuple(world.caller(code=code).evidence[0] for code in codes))
    told: dict[str, Json] = {"speaker": speaker_json(facts), "purpose": "authentication"}
    with gate.database.read() as connection:
        [row] = orders.orders_named(connection, "default", [order.entry])
        return reading._deletion_due(gate, connection, row, told)


def test_order_whose_decision_nobody_can_read_is_due_at_once(world: World) -> None:
    enrol(world, consents(world))
    withdraw(world)
    [order] = world.gate.open_stops()
    gate = world.gate._parts.gate
    with gate.database.read() as connection:
        [row] = orders.orders_named(connection, "default", [order.entry])
        assert reading._deletion_due(gate, connection, row, {}) is None


def deletes(issued: Issued) -> list[str]:
    return [each.does for each in issued.orders]


def test_withdrawal_for_another_purpose_leaves_the_profile(world: World) -> None:
    enrol(world, consents(world))
    consents(world, "other")
    assert deletes(withdraw(world, purposes=["fraud_watchlist"])) == []


def test_consent_for_another_purpose_keeps_no_profile(world: World) -> None:
    enrol(world, consents(world))
    consents(world, "other")
    issued = withdraw(world, purposes=["authentication"])
    assert deletes(issued) == ["delete"]


def test_grant_for_several_purposes_keeps_what_was_made_for_one_that_stands(world: World) -> None:
    enrol(world, consents(world, "both"))
    assert deletes(withdraw(world, purposes=["fraud_watchlist"])) == []
    assert deletes(withdraw(world, purposes=["authentication"])) == ["delete"]


def test_later_grant_covers_the_profile_again_and_one_without_enrolment_does_not(world: World) -> None:
    enrol(world, consents(world))
    consents(world, "one", operations=SEARCHES)
    # Their first consent runs out; what they agreed to since covers searches alone.
    world.clock.advance(timedelta(days=3 * 365))
    again = consents(world, "other")
    assert deletes(withdraw(world, again, purposes=["fraud_watchlist"])) == ["delete"]


def test_new_consent_for_the_purpose_keeps_the_profile(world: World) -> None:
    enrol(world, consents(world))
    world.clock.advance(timedelta(days=3 * 365))
    consents(world)
    assert deletes(withdraw(world, purposes=["fraud_watchlist"])) == []


def test_profile_in_the_making_is_deleted_once_it_is_known(world: World) -> None:
    world.register("tx-1", consents(world))
    permitted = permit(world)
    [order] = withdraw(world).orders
    vendor = Vendor()
    assert worked(world, vendor) == [order]
    assert (order.does, vendor.asked) == ("delete", [])
    answered(world, permitted, "vp-9")
    assert (worked(world, vendor), vendor.asked) == ([], ["vp-9"])


@pytest.mark.parametrize("end", ["rejected", "not_sent"])
def test_enrolment_that_made_nothing_needs_no_order(world: World, end: End) -> None:
    world.register("tx-1", consents(world))
    answered(world, permit(world), None, end)
    assert deletes(withdraw(world)) == []


def test_enrolment_under_way_that_makes_nothing_closes_its_order(world: World) -> None:
    world.register("tx-1", consents(world))
    permitted = permit(world)
    withdraw(world)
    answered(world, permitted, None, "rejected")
    assert world.gate.open_stops() == ()


def test_profile_that_was_made_and_renewed_gets_one_order(world: World) -> None:
    enrol(world, consents(world))
    answered(world, permit(world, operation="UpdateVoiceProfile"), "vp-1")
    answered(world, permit(world, operation="UpdateVoiceProfile"), "vp-2")
    issued = withdraw(world)
    assert len(issued.orders) == 2
    vendor = Vendor()
    assert (worked(world, vendor), sorted(vendor.asked)) == ([], ["vp-1", "vp-2"])
    assert withdraw(world).orders == ()


def test_withdrawal_under_a_second_reference_deletes_the_profile(world: World) -> None:
    phone = ("phone", "+12175550100")
    both = Speaker([("customer", "1001"), phone], world.caller().evidence, adult=True)
    world.ivr.grant(both, notice="one", method="web_esign")
    enrol(world, both)
    assert deletes(withdraw(world, Speaker([phone]))) == ["delete"]


def test_everybody_on_the_leg_has_a_say_in_what_was_made_of_it(world: World) -> None:
    ada, ben = consents(world), consents(world, number="2002")
    world.register("tx-1", ada, ben)
    answered(world, permit(world), "vp-1")
    assert deletes(withdraw(world, ben)) == ["delete"]


def test_compromised_key_deletes_no_profile(world: World) -> None:
    enrol(world, consents(world))
    assert world.gate.compromise_key(world.ivr.iss, since=world.clock() - timedelta(days=1)).stops == ()


def test_who_joins_the_call_later_deletes_no_profile(world: World) -> None:
    ada = consents(world)
    enrol(world, ada)
    world.register("tx-1", ada, world.caller("2002"))
    assert world.opened("stop") == []


def test_damaged_record_keeps_no_withdrawal_out_and_no_profile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(world, consents(world, "both"))
    consents(world, "one")

    def damaged(*_: Any, **__: Any) -> None:
        raise Malformed("damaged")

    monkeypatch.setattr(standing, "statements", SimpleNamespace(received=damaged))
    assert deletes(withdraw(world, purposes=["fraud_watchlist"])) == ["delete"]


def test_statement_that_does_not_open_keeps_no_profile(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(world, consents(world))
    monkeypatch.setattr(standing, "statements", SimpleNamespace(received=lambda *_: ()))
    assert deletes(withdraw(world, purposes=["fraud_watchlist"])) == ["delete"]


def test_damaged_request_keeps_no_withdrawal_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(world, consents(world))

    def damaged(*_: Any, **__: Any) -> None:
        raise Malformed("damaged")

    with monkeypatch.context() as patch:
        patch.setattr("consentgate.ledger.profiles.open_parts", damaged)
        assert withdraw(world).orders == ()
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_decision_that_names_nobody_is_about_anybody_and_rests_on_nothing(world: World) -> None:
    parts = world.gate._parts
    with parts.database.read() as connection:
        registry = parts.reader.controller(connection).registry
        nobody: tuple[Json, ...] = (None, [], [{"kind": "", "value": ""}], ["x"])
        for references in nobody:
            told: dict[str, Json] = {"references": references}
            assert standing.state_for(parts.book, connection, told, registry) is None
            assert standing.is_about(parts.book, connection, told, frozenset())
