"""Heartbeats, epochs and the watch over signatures, by logins of PostgreSQL's roles and with row security."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consentgate import ConsentGate
from consentgate.config.keeping import sequencing
from consentgate.config.recovery import recover
from consentgate.config.upkeep import keep_log, log_database, log_state
from consentgate.config.verification import verify_deployment
from consentgate.errors import Unavailable
from consentgate.storage import pulse, roles
from tests.databases import Server
from tests.integration.test_roles import Granted, deployment, grant

pytestmark = pytest.mark.postgres


@pytest.fixture
def walled(postgres: Server, tmp_path: Path) -> Iterator[Granted]:
    """Two tenants with row security, entries of each, all signed."""
    with deployment(postgres, tmp_path) as made:
        grant(made, row_security=True, tenants=["a", "b"])
        for name in (*roles.ROLES, "writer_a", "writer_b"):
            made.login(name)
        for tenant in ("a", "b"):
            told(made, tenant)
        assert keep_log(made.by("sequencer")) is None
        yield made


def told(granted: Granted, tenant: str) -> None:
    with ConsentGate(granted.by(f"writer_{tenant}", tenant), background=False) as gate:
        gate.add_issuer("https://one.example", name="One")


def test_epoch_is_opened_by_the_owner_and_followed_by_everybody(walled: Granted) -> None:
    walled.settings.log_state.unlink()
    # The owner changes the schema, and so may write everything.
    with pytest.raises(Unavailable):
        recover(replace(walled.by("sequencer"), tenant="a"), agreed=lambda _: True)
    done = recover(replace(walled.by("owner"), tenant="a"), agreed=lambda _: True)
    assert done is not None
    assert (done.record.log, done.record.lost, done.failure) == (1, 0, None)
    for tenant in ("a", "b"):
        told(walled, tenant)
    assert keep_log(walled.by("sequencer")) is None
    with log_database(walled.by("sequencer")) as database:
        state = log_state(walled.by("sequencer"), database)
    assert (state.log, state.unsequenced, state.unsigned) == (1, 0, 0)
    found = verify_deployment(walled.by("reader"), vkey=None, with_keys=True, step=lambda: None).verification
    assert found.findings == ()


def test_writer_of_a_tenant_sees_what_waits_of_its_own(walled: Granted) -> None:
    with ConsentGate(walled.by("writer_a", "a"), background=False) as mine:
        watch = mine._parts.gate.unsigned
        assert watch is not None
        before = watch.since()
        told(walled, "b")
        assert watch.since() == before
        mine.add_issuer("https://two.example", name="Two")
        assert watch.since() is not None


def test_login_that_may_not_write_sequences_without_heartbeats(walled: Granted) -> None:
    with log_database(walled.by("sequencer")) as database:
        with database.read() as connection:
            assert not pulse.may_append(connection)
        told(walled, "a")
        with sequencing(database, heartbeats=True) as work:
            assert work() == 2
        assert log_state(walled.by("sequencer"), database).unsequenced == 0
