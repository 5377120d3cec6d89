"""The doctor says which assertions will be asked for and nobody made: for codes, and for those in use."""

from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.crypto import timestamp
from consentgate.testing.chime import ChimeServer
from tests.acceptance.deployment import CONNECTOR, Deployment, Program
from tests.tsa import Holder, Tsa, serving

pytestmark = pytest.mark.acceptance


def found(program: Program, *words: str) -> list[str]:
    """What is said about assertions and packs that is not ok."""
    findings = program.json("doctor", *words, exit=4)["findings"]
    return [each["found"] for each in findings if each["where"] in ("assertions", "packs")]


def test_codes_that_are_named_are_asked_in_place_of_those_in_use(program: Program) -> None:
    assert found(program) == []
    said = found(program, "--for", "FR,KE", "--for", "XX")
    assert "no pack answers for XX: requests there are denied" in said
    starts = {each.partition(";")[0] for each in said}
    assert {"nobody asserted impact_assessment_done", "nobody asserted alternative_offered"} <= starts
    assert "nobody asserted cross_border, and until then it counts as true" in starts
    [filing] = [
        each
        for each in program.json("doctor", "--for", "KE", exit=4)["findings"]
        if "filing" in each["found"]
    ]
    assert '{"jurisdiction": "KE", "filed_at": ' in filing["cure"]


def test_what_was_asserted_is_asked_for_no_more(program: Program) -> None:
    before = found(program, "--for", "FR,KE")
    filed = '{"jurisdiction": "KE", "filed_at": "2026-01-01T00:00:00Z"}'
    made = (("impact_assessment_done", "true"), ("cross_border", "false"), ("authority_filing", filed))
    for name, value in made:
        assert program("assertion", "add", name, value, "--by", "privacy@acme.example").exit == 0
    after = found(program, "--for", "FR,KE")
    assert {each.split()[2].rstrip(";,") for each in before} - {
        each.split()[2].rstrip(";,") for each in after
    } == {
        "impact_assessment_done",
        "cross_border",
        "authority_filing",
    }


def test_what_will_be_asked_later_is_said_with_its_day(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from consentgate.config import diagnosis

    monkeypatch.setattr(diagnosis, "system_clock", lambda: datetime(2026, 11, 22, tzinfo=UTC))
    said = found(program, "--for", "CL")
    assert any(
        each.startswith("nobody asserted impact_assessment_done; from 2026-12-01 on asked for by CL: ")
        for each in said
    )


def test_speakers_of_recent_decisions_bring_their_jurisdictions(
    program: Program, deployed: Deployment
) -> None:
    with ConsentGate(load_settings(deployed.home), background=False) as gate, ChimeServer() as chime:
        client = gate.protect(chime.client())
        evidence = Evidence(code="FR", kind="verified_address", source="crm")
        caller = Speaker([("customer", "C-88")], [evidence], adult=True)
        gate.register_call("tx-88", caller=[caller], callee=[caller], purpose="authentication")
        with pytest.raises(ConsentDenied):
            client.start_speaker_search_task(
                VoiceConnectorId=CONNECTOR, TransactionId="tx-88", VoiceProfileDomainId="vpd-1"
            )
        client.close()
    assert any("asked for by EU: " in each for each in found(program))


def test_home_that_names_no_place_has_nothing_to_ask(program: Program, tmp_path: Path, empty: str) -> None:
    make_home(tmp_path / "new", controller="acme", database=empty)
    text = Program(tmp_path / "new", program._capsys)("doctor").out
    assert "no jurisdiction is named yet" in text


def test_doctor_says_that_the_settings_allow_shadow_mode(program: Program) -> None:
    path = program.home / "consentgate.toml"
    path.write_text(f'{path.read_text()}\n[shadow]\nby = "Head of Compliance"\nuntil = 2026-12-31\n')
    items = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert items["settings"]["verdict"] == "warn"
    assert "shadow mode until 2026-12-31; Head of Compliance" in items["settings"]["found"]
    assert "assertions" in " ".join(items), "and looks at everything else all the same"


def stamping(program: Program, url: str, certificates: Path, *, code: int) -> dict[str, Any]:
    """What is said of an authority that the settings name."""
    path = program.home / "consentgate.toml"
    settings, _, _ = path.read_text().partition("\n[timestamps]")
    path.write_text(f'{settings}\n[timestamps]\nurl = "{url}"\ncertificates = "{certificates}"\n')
    items = program.json("doctor", exit=code)["result"]["items"]
    (found,) = [each for each in items if each["name"] == "timestamps"]
    return dict(found)


def test_authority_of_timestamps_is_tried(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "timestamps" not in {each["name"] for each in program.json("doctor", exit=4)["result"]["items"]}, (
        "none are set"
    )
    with serving(Tsa(tmp_path / "tsa")) as tsa:
        good = stamping(program, f"{tsa.url}?token=secret", tsa.certificates, code=4)
        assert (good["verdict"], good["found"]) == (
            "ok",
            "Test authority at 127.0.0.1 gives them, and they hold",
        )
        other = tmp_path / "other.pem"
        other.write_bytes(Holder("Another root").pem)
        wrong = stamping(program, tsa.url, other, code=3)
        assert "No authority that these certificates lead to" in wrong["found"]
        tsa.status = 503
        assert "HTTP 503" in stamping(program, tsa.url, tsa.certificates, code=3)["found"]
    gone = stamping(program, tsa.url, tsa.certificates, code=3)
    assert "is out of reach" in gone["found"]
    assert "the way to 127.0.0.1" in gone["cure"]
    missing = stamping(program, tsa.url, tmp_path / "none.pem", code=1)
    assert missing["found"].startswith("timestamps.certificates cannot be used: The file ")
    monkeypatch.setattr(timestamp, "find_spec", lambda _: None)
    assert timestamp.EXTRA in stamping(program, tsa.url, tsa.certificates, code=1)["found"]
