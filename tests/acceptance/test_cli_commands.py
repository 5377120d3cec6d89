"""Every command, in text and as JSON by its schema, on a deployment with a little of everything in it."""

from hashlib import sha256
from pathlib import Path

import pytest

from consentgate.cli.main import root
from consentgate.consent.statement import TYP, from_claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key
from tests.acceptance.deployment import ISS, OUTSIDE, PHONE, Deployment, Output, Program

pytestmark = pytest.mark.acceptance

C1 = ("--reference", "customer:C-1000417")
EXPLAIN = ("policy", "explain", *C1, "--evidence", "US-IL", "--adult", "--purpose", "authentication")


def said(program: Program, *command: str | Path, exit: int = 0) -> str:  # noqa: A002  # as in the JSON object
    """Run a command in text, and give what it said."""
    output: Output = program(*command)
    assert output.exit == exit, output
    return output.out


def test_every_command_has_help_with_an_example(program: Program) -> None:
    for noun in root.commands.values():
        for name in [
            (noun.name or "",),
            *((noun.name or "", verb) for verb in getattr(noun, "commands", {})),
        ]:
            shown = program.bare(*name, "--help")
            assert shown.exit == 0
            assert f"Usage: consentgate {' '.join(name)}" in shown.out
            if len(name) == 2 or not hasattr(noun, "commands"):
                assert f"Example:\n  consentgate {' '.join(name)}" in shown.out
                assert "--home" in shown.out
                assert "--json" in shown.out


def test_program_says_its_version_and_shows_help_when_it_is_asked_nothing(program: Program) -> None:
    assert program.bare("--version").out.startswith("consentgate ")
    nothing = program.bare()
    assert nothing.exit == 2
    assert "Begin:" in nothing.err


def test_init_makes_a_home_and_writes_nothing_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, empty: str
) -> None:
    home = tmp_path / "new"
    program = Program(home, capsys)
    arguments = ("init", "--controller", "acme", "--database", empty, "--home", home)
    document = program.json("init", "--controller", "acme", "--database", empty)
    assert document["result"]["vkey"] == (home / "log.vkey").read_text().strip()
    assert (home / "keys.jwks").stat().st_mode & 0o777 == 0o600
    again = program.bare(*arguments)
    assert again.exit == 2
    assert "there already" in again.err


def test_doctor_finds_what_is_open_and_says_what_to_type(program: Program) -> None:
    text = said(program, "doctor", exit=4)
    assert "entries list --open" in text
    items = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert items["signer"]["verdict"] == items["log"]["verdict"] == items["assertions"]["verdict"] == "ok"
    assert items["requests"]["verdict"] == "warn"


def test_database_is_checked_upgraded_and_written_as_sql(program: Program) -> None:
    assert "as the migrations made it" in said(program, "db", "check")
    assert program.json("db", "check")["result"] == {"problems": []}
    assert program.json("db", "upgrade")["result"]["changed"] == "unchanged"
    assert "unchanged" in said(program, "db", "upgrade")
    for dialect in ("sqlite", "postgresql"):
        assert "CREATE TABLE entry" in program.json("db", "sql", "--dialect", dialect)["result"]["sql"]
    assert "CREATE TABLE entry" in said(program, "db", "sql")


def test_notice_is_added_by_options_alone_listed_and_shown(program: Program, tmp_path: Path) -> None:
    (tmp_path / "spoken.txt").write_text("We make a voiceprint of you. Press 1 if you agree.")
    add: tuple[str | Path, ...] = (
        "notice",
        "add",
        tmp_path / "spoken.txt",
        "--id",
        "ivr",
        "--version",
        "1",
        "--language",
        "en",
        "--spoken",
    )
    add += ("--element", "specific_purpose", "--consent-form", "explicit", "--purpose", "authentication")
    add += ("--operation", "search", "--validity", "P1Y", "--media-type", "text/plain")
    manifest = program.json(*add)["result"]["manifest"]
    assert (manifest["in_writing"], manifest["controllers"]) == (False, ["acme"])
    assert "ivr@1" in said(program, *add)
    assert len(program.json("notice", "list")["result"]["items"]) == 2
    assert "voiceprint@2026-02" in said(program, "notice", "list")
    shown = program.json("notice", "show", "ivr@1", "--out", tmp_path / "copy.txt")
    assert shown["result"]["size"] == (tmp_path / "copy.txt").stat().st_size
    assert (tmp_path / "copy.txt").read_bytes() == (tmp_path / "spoken.txt").read_bytes()
    assert "P1Y" in said(program, "notice", "show", "ivr")
    assert program("notice", "show", "ivr", "--out", tmp_path / "copy.txt").exit == 2


def test_notice_of_the_same_name_with_other_bytes_is_refused(program: Program, deployed: Deployment) -> None:
    (deployed.folder / "notice.txt").write_text("Other words.")
    add = ("notice", "add", deployed.folder / "notice.txt", "--manifest", deployed.folder / "notice.toml")
    refused = program(*add)
    assert refused.exit == 2
    assert "new version" in refused.err


def test_issuers_are_added_with_scope_and_window_and_listed(program: Program) -> None:
    add: tuple[str, ...] = (
        "issuer",
        "add",
        "https://new.example",
        "--name",
        "New",
        "--purpose",
        "authentication",
    )
    add += (
        "--jurisdiction",
        "US",
        "--controller",
        "acme",
        "--not-before",
        "2026-01-01",
        "--not-after",
        "2036-01-01",
    )
    result = program.json(*add)["result"]
    assert result["made"]
    assert (program.home / "issuers" / f"{result['keys'][0]['kid']}.pem").stat().st_mode & 0o777 == 0o600
    assert result["keys"][0]["not_before"] == "2026-01-01T00:00:00.000Z"
    listed = {each["iss"]: each for each in program.json("issuer", "list")["result"]["items"]}
    assert set(listed) == {ISS, OUTSIDE, "https://new.example"}
    assert [listed[iss]["keys"][0]["private_key_here"] for iss in (ISS, OUTSIDE)] == [True, False]
    text = said(program, "issuer", "list")
    assert "from 2026-01-01 00:00:00Z until 2036-01-01 00:00:00Z" in text
    assert "elsewhere" in text


def test_assertions_are_added_and_listed_about_controller_and_person(program: Program) -> None:
    add = ("assertion", "add", "has_dpo", "false", "--by", "privacy@acme.example", "--since", "2026-01-01")
    assert program.json(*add)["result"]["value"] is False
    about = (
        "assertion",
        "add",
        "purpose_satisfied",
        "2026-11-01T00:00:00Z",
        "--by",
        "crm",
        "--about",
        "customer:C-1000417",
    )
    assert "one person" in said(program, *about)
    names = [each["name"] for each in program.json("assertion", "list")["result"]["items"]]
    assert names == ["public_policy_published", "recording_consent", "has_dpo"]
    [person] = program.json("assertion", "list", "--about", "customer:C-1000417")["result"]["items"]
    assert person["about_person"]
    assert program.json("assertion", "list", "--about", "customer:nobody")["result"]["items"] == []
    assert "has_dpo" in said(program, "assertion", "list")
    assert {"name": "has_dpo", "about": "controller"}.items() <= next(
        each
        for each in program.json("assertion", "list", "--names")["result"]["items"]
        if each["name"] == "has_dpo"
    ).items()
    assert "About one person" in said(program, "assertion", "list", "--names")


def test_consent_is_issued_narrowed_shown_and_withdrawn(program: Program, tmp_path: Path) -> None:
    who = ("--issuer", ISS, "--reference", "customer:C-9", "--method", "web_esign")
    grant = (
        "consent",
        "issue",
        "grant",
        *who,
        "--notice",
        "voiceprint@2026-02",
        "--call",
        "tx-9",
        "--max-uses",
        "1",
    )
    issued = program.json(*grant, "--purpose", "authentication", "--token-out", tmp_path / "token.jws")[
        "result"
    ]
    assert (issued["state"], issued["stops"]) == ("given", [])
    assert (tmp_path / "token.jws").stat().st_mode & 0o777 == 0o600
    shown = program.json("consent", "show", issued["entry"][-8:])["result"]
    assert (shown["max_uses"], shown["bound_to_call"]) == (1, True)
    assert shown["references"] == [{"kind": "customer", "value": None}]
    assert (
        program.json("consent", "show", issued["entry"], "--reveal")["result"]["references"][0]["value"]
        == "C-9"
    )
    assert "C-9" not in said(program, "consent", "show", issued["entry"])
    assert "customer:C-9" in said(program, "consent", "show", issued["entry"], "--reveal")
    assert "taken" not in said(program, *grant)
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF signed")
    token = tmp_path / "withdrawn.jws"
    done = program.json(
        "consent", "withdraw", *who, "--evidence", f"signed_form={form}", "--token-out", token
    )
    assert done["result"]["state"] == "withdrawn"
    [proof] = from_claims(jws.parse(token.read_text().strip(), typ=TYP).payload).evidence
    assert (proof.kind, proof.media_type, proof.size) == ("signed_form", "application/pdf", 11)
    assert proof.digest == sha256(b"%PDF signed").digest()
    assert program("consent", "withdraw", *who, "--evidence", "form.pdf").exit == 2
    assert program("consent", "withdraw", *who, "--evidence", f"scan={tmp_path / 'none'}").exit == 2
    person = ("consent", "show", "--reference", "customer:C-9")
    ended = program.json(*person)["result"]
    assert (ended["standing"], [each["state"] for each in ended["items"]]) == (
        0,
        ["given", "given", "withdrawn"],
    )
    assert "withdrawn" in said(program, *person, "--purpose", "authentication")
    assert "C-9" in said(program, *person, "--reveal")


def test_refusal_of_somebody_never_seen_is_recorded(program: Program) -> None:
    refuse = (
        "consent",
        "issue",
        "refuse",
        "--issuer",
        ISS,
        "--reference",
        "phone:+13125550199",
        "--method",
        "ivr_dtmf",
    )
    assert program.json(*refuse)["result"]["state"] == "refused"
    assert "refused" in said(program, "consent", "show", "--reference", "phone:+13125550199")
    assert "Nobody" in said(program, "consent", "show", "--reference", "phone:+13125550198")
    assert "stands, until" in said(program, "consent", "show", *C1)


def test_withdrawal_names_the_requests_that_it_ordered_to_stop(
    program: Program, deployed: Deployment
) -> None:
    withdraw = ("consent", "withdraw", "--issuer", ISS, *C1, "--method", "voice_recording")
    assert program.json(*withdraw)["result"]["stops"] == [deployed.succeeded, deployed.open]
    assert deployed.open not in said(program, *withdraw)


def test_token_from_elsewhere_is_taken_in_once(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(deployed.token(references=deployed_reference("C-5")))
    first = program.json("consent", "add", tmp_path / "token")["result"]
    again = program.json("consent", "add", tmp_path / "token")["result"]
    assert (first["entry"], first["new"], again["new"]) == (again["entry"], True, False)
    assert "already" in said(program, "consent", "add", tmp_path / "token")


def deployed_reference(value: str) -> tuple[object, ...]:
    """A reference as the library has it."""
    from consentgate import Reference

    return (Reference(kind="customer", value=value),)


def test_explanation_shows_what_is_asked_with_clauses_and_writes_nothing(
    program: Program, deployed: Deployment
) -> None:
    before = program.json("entries", "list", "--limit", "1000")["result"]
    explained = program.json(*EXPLAIN)["result"]
    assert (explained["decision"], explained["reasons"]) == ("allowed", [])
    [speaker] = explained["speakers"]
    assert speaker["decision"]["grant"] == deployed.grant
    asked = {each["name"]: each for each in speaker["requirements"]}
    assert asked["form"] | {"bases": ()} == {
        "name": "form",
        "detail": "written_release",
        "result": "met",
        "bases": (),
    }
    assert all(each["bases"] and each["bases"][0]["citation"] for each in asked.values())
    text = said(program, *EXPLAIN)
    assert "✓ form: written_release" in text
    assert "relied on" in text
    assert program.json("entries", "list", "--limit", "1000")["result"] == before


def test_explanation_of_a_denial_names_every_reason_and_cure(program: Program) -> None:
    stranger = ("policy", "explain", "--reference", "customer:C-7", "--evidence", "US-IL", "--age", "30")
    denied = program.json(*stranger, "--recording-consent", "none", exit=1)
    assert [each["kind"] for each in denied["findings"]] == [
        "INPUT_MISSING:purpose", "NO_CONSENT", "RECORDING_CONSENT_MISSING"
    ]  # fmt: skip
    assert all(each["cure"] for each in denied["findings"])
    text = said(program, *stranger, "--purpose", "authentication", exit=1)
    assert "✗ consent" in text
    assert "· form: written_release" in text
    assert "cure: Ask for consent" in text


def test_explanation_without_evidence_says_that_alone(program: Program) -> None:
    nowhere = ("policy", "explain", *C1, "--purpose", "authentication")
    assert [each["kind"] for each in program.json(*nowhere, exit=1)["findings"]] == ["UNKNOWN_JURISDICTION"]
    assert "UNKNOWN_JURISDICTION" in said(program, *nowhere, exit=1)


def test_explanation_of_a_call_uses_what_was_registered(program: Program) -> None:
    assert program.json("policy", "explain", "--call", "tx-1")["result"]["purpose"] == "authentication"
    other = program.json("policy", "explain", "--call", "tx-1", "--purpose", "fraud_prevention", exit=1)
    assert "PURPOSE_MISMATCH" in [each["kind"] for each in other["findings"]]
    unknown = program.json("policy", "explain", "--call", "tx-none", "--leg", "Caller", exit=1)
    assert [each["kind"] for each in unknown["findings"]] == ["CALL_UNKNOWN"]
    assert "CALL_UNKNOWN" in said(program, "policy", "explain", "--call", "tx-none", exit=1)


def test_explanation_of_an_earlier_moment_forgets_what_came_later(program: Program) -> None:
    early = program.json(*EXPLAIN, "--at", "2026-01-01", exit=1)
    codes = [each["kind"] for each in early["findings"]]
    assert {"NO_CONSENT", "PUBLIC_POLICY_MISSING"} <= {*codes}
    assert program.json("consent", "withdraw", "--issuer", ISS, *C1, "--method", "web_form")["exit"] == 0
    assert [each["kind"] for each in program.json(*EXPLAIN, exit=1)["findings"]] == ["CONSENT_WITHDRAWN"]
    assert "withdrawn" in said(program, *EXPLAIN, exit=1)


def test_entries_are_listed_by_kind_and_page(program: Program, deployed: Deployment) -> None:
    whole = program.json("entries", "list")["result"]
    assert whole["next"] is None
    assert [each["position"] for each in whole["items"]] == list(range(len(whole["items"])))
    newest = program.json("entries", "list", "--limit", "3")["result"]["items"]
    assert newest == whole["items"][-3:]
    first = whole["items"][0]["id"]
    page = program.json("entries", "list", "--limit", "4", "--after", first)["result"]
    assert page["items"] == whole["items"][1:5]
    assert page["next"] == whole["items"][4]["id"]
    kinds = program.json("entries", "list", "--kind", "intent", "--kind", "denial")["result"]["items"]
    assert [each["id"] for each in kinds] == [deployed.succeeded, deployed.denial, deployed.open]
    text = said(program, "entries", "list")
    assert "succeeded" in text
    assert deployed.succeeded[-8:] in text
    assert "No entry" in said(program, "entries", "list", "--kind", "export")


def test_open_intents_are_incomplete(program: Program, deployed: Deployment) -> None:
    document = program.json("entries", "list", "--open", exit=4)
    assert [each["id"] for each in document["result"]["items"]] == [deployed.open]
    assert document["findings"][0]["kind"] == "open"


def test_entry_shows_no_phone_token_or_score_unless_asked(program: Program, deployed: Deployment) -> None:
    listed = program.json("entries", "list", "--limit", "1000")["result"]["items"]
    for each in listed:
        hidden = str(program.json("entries", "show", each["id"])["result"]["parts"]) + said(
            program, "entries", "show", each["id"][-8:]
        )
        for secret in (PHONE, "C-1000417", "0.930417", "vp-somebody-else", "eyJhbGci"):
            assert secret not in hidden, (each["kind"], secret)
    revealed = program.json("entries", "show", deployed.succeeded, "--reveal")["result"]
    assert PHONE in str(revealed["parts"]["decision.0"])
    assert revealed["answers"][0]["end"] == "succeeded"
    outcome = program.json("entries", "show", revealed["answers"][0]["id"], "--reveal")["result"]
    assert outcome["parts"]["matches.0"]["response"]
    assert PHONE in said(program, "entries", "show", deployed.succeeded, "--reveal")
    assert "consent show" in said(program, "entries", "show", deployed.grant)


def test_part_whose_key_was_destroyed_is_said_to_be_sealed(program: Program, deployed: Deployment) -> None:
    deployed.forget(deployed.grant)
    shown = program.json("entries", "show", deployed.grant)["result"]
    assert shown["parts"] == {"statement.0": None}
    assert "sealed" in said(program, "entries", "show", deployed.grant)
    assert "destroyed" in program("consent", "show", deployed.grant).err


def test_log_is_shown_sequenced_and_signed(program: Program) -> None:
    shown = program.json("log", "show")["result"]
    assert shown["checkpoint"]["size"] == shown["size"]
    assert shown["checkpoint"]["note"].startswith(shown["origin"])
    assert shown["vkey"] in said(program, "log", "show")
    assert program.json("log", "sequence", "--once")["result"] == {"sequenced": 0}
    assert "Nothing to sequence" in said(program, "log", "sequence", "--once")
    assert program.json("log", "sign", "--once")["result"]["size"] == shown["size"]
    assert "signed" in said(program, "log", "sign", "--once")


def test_empty_log_has_nothing_to_sign(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, empty: str
) -> None:
    fresh = Program(tmp_path / "fresh", capsys)
    fresh("init", "--controller", "acme", "--database", empty)
    assert fresh.json("log", "sign", "--once")["result"] == {"size": 0}
    assert "empty" in said(fresh, "log", "sign", "--once")
    assert "nothing yet" in said(fresh, "log", "show")
    assert fresh.json("log", "show")["result"]["checkpoint"] is None
    for noun in ("notice", "issuer", "assertion"):
        assert fresh.json(noun, "list")["result"] == {"items": []}
        assert "consentgate" in said(fresh, noun, "list")
    assert fresh.json("verify")["exit"] == 0
    assert fresh.json("doctor")["exit"] == 0


def test_verify_says_level_by_level_what_holds_until_when(program: Program, deployed: Deployment) -> None:
    document = program.json("verify", exit=4)
    verdicts = {each["name"]: each["verdict"] for each in document["result"]["levels"]}
    assert verdicts == dict.fromkeys(verdicts, "holds") | {"pairing": "incomplete"}
    assert [each["kind"] for each in document["findings"]] == ["open"]
    assert document["result"]["vkey_from"] == "home"
    text = said(program, "verify", exit=4)
    assert "every row says what its bytes say" in text
    assert deployed.open in text


def test_verify_takes_a_key_from_the_command_line(program: Program, deployed: Deployment) -> None:
    vkey = (deployed.home / "log.vkey").read_text().strip()
    assert program.json("verify", "--vkey", vkey, exit=4)["result"]["vkey_from"] == "command line"
    (deployed.home / "log.vkey").unlink()
    assert program.json("verify", exit=3)["result"]["vkey_from"] is None


def test_names_of_issuers_and_keys_are_each_their_own(program: Program, deployed: Deployment) -> None:
    add = (
        "issuer",
        "add",
        "https://thief.example",
        "--name",
        "Thief",
        "--pem",
        deployed.folder / "outside.pub.pem",
    )
    assert "Another issuer" in program(*add).err
    (deployed.folder / "jwk.json").write_text(
        str(generate_signing_key("Ed25519").public.jwk()).replace("'", '"')
    )
    assert program("issuer", "add", ISS, "--name", "IVR", "--jwk", deployed.folder / "jwk.json").exit == 0
