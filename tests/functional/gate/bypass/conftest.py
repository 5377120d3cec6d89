"""The ground that the matrix stands on, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from consentgate import ConsentGate
from consentgate.config.settings import DATABASE_VARIABLE
from consentgate.config.setup import make_home
from consentgate.testing.chime import ChimeServer
from consentgate.testing.client import _hermetic
from consentgate.testing.clock import FrozenClock
from tests.databases import Kind, Server
from tests.functional.gate.bypass.ground import Ground
from tests.functional.gate.bypass.tampering import EVIL
from tests.functional.gate.conftest import ISS, NOTICE, World


@pytest.fixture(scope="module")
def database(kind: Kind, request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the deployment's ledger lie in a file, or in a database of its own on the server."""
    with pytest.MonkeyPatch.context() as patch:
        if kind == "sqlite":
            yield
            return
        server: Server = request.getfixturevalue("postgres")
        url = server.database()
        patch.setenv(DATABASE_VARIABLE, url)
        yield
        server.drop(url)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, database: None) -> Iterator[Ground]:
    """The deployment, with one caller who consented and one who did not."""
    home: Path = tmp_path_factory.mktemp("matrix") / "home"
    clock = FrozenClock()
    made = make_home(home, controller="acme", clock=clock)
    with (
        ChimeServer(clock=clock) as server,
        ChimeServer(clock=clock) as elsewhere,
        ConsentGate(made.settings, clock=clock, background=False) as gate,
    ):
        gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
        since = clock() - timedelta(days=30)
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
        gate.add_issuer(ISS, name="Acme IVR")
        ivr = gate.issuer(ISS)
        client = gate.protect(server.client())
        world = World(gate=gate, home=home, clock=clock, server=server, client=client, ivr=ivr)
        ivr.grant(world.caller("with"), notice="voiceprint", method="ivr_dtmf")
        world.register(EVIL, world.caller("without"))
        yield Ground(world=world, elsewhere=elsewhere, session=boto3.Session(botocore_session=_hermetic()))
        client.close()
