"""The deployment guide on PostgreSQL: its commands, its roles, its server with several workers."""

import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from consentgate import ConsentGate
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.storage import roles
from consentgate.testing.chime import ChimeServer
from examples import quickstart
from tests.databases import Server, engine_of
from tests.functional.docs.pages import text_of
from tests.functional.docs.shell import Player, blocks, files, reader
from tests.functional.docs.test_ivr_service import EXAMPLE, Running, start

pytestmark = pytest.mark.postgres

PAGE = text_of("docs/howto/deploy.md")


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """An empty database."""
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.mark.timeout(300)
def test_commands_for_many_hosts_do_what_the_guide_says(database: str, tmp_path: Path) -> None:
    environment = reader(tmp_path, "consentgate") | {"DATABASE": database}
    [section] = re.findall(r"^## PostgreSQL: many hosts\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    Player(tmp_path, environment, working=tmp_path, marked=frozenset({"postgres"})).play(section)
    assert (tmp_path / "pg-home" / "consentgate.toml").is_file()


@pytest.fixture
def service(database: str, tmp_path: Path) -> Settings:
    """A deployment that is opened by the guide's role for services."""
    made = make_home(
        tmp_path / "home", controller="acme", database=database, purposes={"search": "authentication"}
    )
    [logins] = [block.text for block in blocks(PAGE) if block.language == "sql"]
    with engine_of(database) as engine:
        roles.apply(engine, roles.statements())
    with engine_of(database) as engine, engine.begin() as connection:
        if connection.scalar(text("SELECT count(*) FROM pg_roles WHERE rolname = 'consentgate_service'")):
            logins = logins.partition(";\n")[2]
        connection.execute(text(logins))
    url = make_url(database).set(username="consentgate_service")
    return replace(made.settings, database=url.render_as_string(hide_password=False))


def test_role_of_the_service_does_the_whole_job(service: Settings, chime: ChimeServer) -> None:
    with ConsentGate(service) as gate:
        ivr, client = quickstart.set_up(gate), gate.protect(chime.client())
        assert quickstart.answer(gate, ivr, client, "tx-1", pressed="1").startswith("wait for task ")
        client.close()


@pytest.mark.parametrize("change", ["DELETE FROM data_key", "UPDATE entry SET at = 0", "TRUNCATE entry"])
def test_role_of_the_service_changes_nothing(service: Settings, change: str) -> None:
    with engine_of(service.database) as engine, engine.connect() as connection:
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(change))
        connection.rollback()


@pytest.fixture
def served(database: str, tmp_path: Path, chime: ChimeServer) -> Iterator[Running]:
    """The tutorial's service under gunicorn, on PostgreSQL, with three workers."""
    for name in ("service.py", "notice.txt", "notice.toml"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    made = make_home(
        tmp_path / ".consentgate",
        controller="acme",
        database=database,
        purposes={"search": "authentication"},
    )
    with ConsentGate(made.settings, background=False) as gate:
        manifest = tomllib.loads((tmp_path / "notice.toml").read_text("utf-8"))
        gate.add_notice((tmp_path / "notice.txt").read_bytes(), **manifest)
        gate.add_issuer("https://ivr.acme.example", name="Acme IVR")
        gate.assert_("impact_assessment_done", True, by="privacy@acme.example", since=datetime.now(UTC))
    (tmp_path / "gunicorn.conf.py").write_text(files(PAGE)["gunicorn.conf.py"])
    running = start(tmp_path, chime, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "3")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def test_gate_that_was_opened_before_the_fork_serves_several_workers(served: Running) -> None:
    def call(number: int) -> dict[str, Any]:
        return served.says("answered", call=f"call-{number}", customer="C-1001")

    assert call(0)["say"].startswith("Acme would like")
    assert served.says("pressed", call="call-0", customer="C-1001", key="1")["task"]
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(call, range(1, 25)))
    assert [answer for answer in answers if not answer.get("task")] == []
    assert served.says("pressed", call="call-0", customer="C-1001", key="9")["why"] == []
    with ThreadPoolExecutor(8) as callers:
        said = list(callers.map(call, range(25, 33)))
    assert [answer["why"] for answer in said] == [["CONSENT_WITHDRAWN"]] * 8
    assert served.end() == 0
