"""What the README shows is what happens: code, commands, the denial, the table of what is supported."""

import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.model import Shape, StructureShape

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, PresignRefused, Speaker
from consentgate.aws.operations import GATED, SERVICES
from consentgate.config.setup import make_home
from consentgate.packs.pack import Pack
from consentgate.packs.packset import shipped
from consentgate.testing.chime import ChimeServer
from consentgate.testing.client import loopback_client
from examples import quickstart
from tests.functional.docs.pages import ROOT, rows, text_of

README = text_of("README.md")
SUPPORTED = {row[0]: row[1] for row in rows(README, "| | |")}
ENTRY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def block(name: str) -> str:
    """The fenced block between two marks."""
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", README, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the commands of the README were run, one after the other."""
    folder = tmp_path_factory.mktemp("readme")
    program = folder / ".venv" / "bin" / "consentgate"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m consentgate "$@"\n')
    program.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CONSENTGATE_", "PYTHON"))}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("setup")],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def deployment(set_up: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the README's second block makes in that folder, with a client that can reach nobody."""
    monkeypatch.chdir(set_up)
    monkeypatch.delenv("CONSENTGATE_HOME", raising=False)
    for name, value in (("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")):
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    names: dict[str, Any] = {"ConsentGate": ConsentGate, "boto3": boto3}
    exec(block("open"), names)
    yield names
    names["chime"].close()
    names["gate"].close()


def test_quick_start_is_the_function_of_the_example() -> None:
    assert block("quickstart") in text_of("examples/quickstart.py")


def test_commands_make_a_deployment_that_verifies(set_up: Path) -> None:
    settings = tomllib.loads((set_up / ".consentgate" / "consentgate.toml").read_text())
    assert settings["purposes"] == {"search": "authentication"}
    verified = subprocess.run(
        [set_up / ".venv/bin/consentgate", "verify"], cwd=set_up, capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0
    for level in ("bytes", "lanes", "tree", "signature", "signer", "pairing", "links"):
        assert re.search(rf"^{level} +holds", verified.stdout, re.MULTILINE)


def test_backend_runs_the_ten_lines_on_that_deployment(deployment: dict[str, Any]) -> None:
    gate, ivr = deployment["gate"], deployment["ivr"]
    asked = quickstart.answer(gate, ivr, deployment["chime"], "tx-1", pressed="2")
    assert asked == "ask for the PIN, because of NO_CONSENT"
    with ChimeServer() as server:
        client = gate.protect(server.client())
        assert quickstart.answer(gate, ivr, client, "tx-2", pressed="1").startswith("wait for task ")
        client.close()


def test_denial_is_printed_as_the_readme_shows_it(tmp_path: Path) -> None:
    made = make_home(tmp_path / "home", controller="acme", purposes={"search": "authentication"})
    with ChimeServer() as server, ConsentGate(made.settings, background=False) as gate:
        ivr, client = quickstart.set_up(gate), gate.protect(server.client())
        assert quickstart.answer(gate, ivr, client, "tx-1", pressed="1").startswith("wait for task ")
        home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
        caller = Speaker([("customer", "C-1001")], [home], adult=True)
        gate.register_call("tx-2", caller=[caller], callee=NOBODY, recording_consent="one_party")
        with pytest.raises(ConsentDenied) as denied:
            client.start_speaker_search_task(TransactionId="tx-2", CallLeg="Caller", **quickstart.LINE)
        client.close()
    folded = [
        textwrap.fill(line, 110, subsequent_indent="  ", break_on_hyphens=False)
        for line in str(denied.value).splitlines()
    ]
    shown = block("denial")
    [entry] = set(ENTRY.findall(shown))  # every id is shown as the same one
    assert ENTRY.sub(entry, "\n".join(folded)) + "\n" == shown


def example_of(shape: Shape) -> Any:
    """The smallest value that botocore takes for a shape."""
    if isinstance(shape, StructureShape):
        return {name: example_of(shape.members[name]) for name in shape.required_members}
    assert shape.type_name == "string"
    return "abcdef1ghij2klmno3pqr4"


@pytest.fixture
def protected(tmp_path: Path) -> Iterator[tuple[dict[str, Any], ChimeServer]]:
    """A protected client of each service."""
    made = make_home(tmp_path / "home", controller="acme")
    with ChimeServer() as server, ConsentGate(made.settings, background=False) as gate:
        clients = {name: gate.protect(loopback_client(name, server.url)) for name in SERVICES}
        yield clients, server
        for client in clients.values():
            client.close()


def calls(clients: dict[str, Any]) -> Iterator[tuple[Any, str, str, dict[str, Any]]]:
    """Every gated operation: its client, its names, and arguments that botocore takes."""
    for service, name in GATED:
        client = clients[service]
        methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
        shape = client.meta.service_model.operation_model(name).input_shape
        yield client, name, methods[name], example_of(shape)


def test_all_seven_operations_are_denied_where_nothing_is_known(
    protected: tuple[dict[str, Any], ChimeServer],
) -> None:
    clients, server = protected
    codes = {}
    for client, name, method, arguments in calls(clients):
        with pytest.raises(ConsentDenied) as denied:
            getattr(client, method)(**arguments)
        codes[client.meta.service_model.service_name, name] = [r.code for r in denied.value.reasons]
    voice, pipelines = "chime-sdk-voice", "chime-sdk-media-pipelines"
    assert codes == {
        (voice, "StartSpeakerSearchTask"): ["CALL_UNKNOWN"],
        (voice, "StartVoiceToneAnalysisTask"): ["CALL_UNKNOWN"],
        (voice, "CreateVoiceProfile"): ["TASK_UNKNOWN"],
        (voice, "UpdateVoiceProfile"): ["TASK_UNKNOWN"],
        (voice, "CreateVoiceProfileDomain"): ["ENROLMENT_NOT_PREPARED"],
        (pipelines, "StartSpeakerSearchTask"): ["STREAM_UNNAMED"],
        (pipelines, "StartVoiceToneAnalysisTask"): ["STREAM_UNNAMED"],
    }
    assert not server.requests
    listed = SUPPORTED["Gated operations"].partition(": ")[2]
    said = {
        (service, name)
        for service, *names in (re.findall(r"`([^`]+)`", each) for each in listed.split("; "))
        for name in names
    }
    assert said == set(GATED)


def test_no_gated_operation_can_be_presigned(protected: tuple[dict[str, Any], ChimeServer]) -> None:
    for client, _, method, arguments in calls(protected[0]):
        with pytest.raises(PresignRefused):
            client.generate_presigned_url(method, Params=arguments)


def test_nothing_that_stops_or_deletes_is_gated() -> None:
    session = botocore.session.Session()
    open_ = {
        (service, name)
        for service in SERVICES
        for name in session.get_service_model(service).operation_names
        if name.startswith(("Stop", "Delete"))
    }
    assert len(open_) > 10
    assert open_.isdisjoint(GATED)


def test_table_names_the_packs_that_there_are() -> None:
    packs = shipped()
    counted = Counter(part_of(packs.pack(code)) for code in packs.codes)
    said, rest = SUPPORTED["Jurisdictions"].split("; ", 1)
    assert said == (
        f"{len(packs.codes)} packs: `US` with {counted['US']} states and cities, "
        f"`CA` with {counted['CA']} provinces, `EU` and `EEA` with {counted['EEA']} members, "
        f"{counted['']} other countries"
    )
    assert rest == "`US` and `CA` answer for states and provinces without a pack; anywhere else is denied"
    assert [packs.lookup(code) for code in ("US-WY", "CA-ON", "XX")] == ["US", "CA", None]


def part_of(pack: Pack) -> str | None:
    if pack.is_group or pack.code in ("US", "CA"):
        return None
    return "EEA" if "EEA" in pack.groups else "".join(code for code in ("US", "CA") if code in pack.parents)


def test_table_names_the_versions_that_are_tested() -> None:
    lowest, newest = (
        re.findall(r"^boto(?:3|core)==(\S+)", text_of(f"constraints/{name}.txt"), re.MULTILINE)
        for name in ("lowest", "dev")
    )
    assert {*lowest} | {*newest} == {lowest[0], newest[0]}
    said = SUPPORTED["boto3, botocore"]
    assert said == f"{lowest[0]} and later; the tests run on {lowest[0]} and on {newest[0]}"
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    assert f"boto3>={lowest[0]}" in project["dependencies"]
    assert SUPPORTED["Python"] == f"{project['requires-python'].removeprefix('>=')} and later"
