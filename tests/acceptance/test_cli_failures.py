"""What goes wrong, and what the program says about it: the exit codes of PROTOCOL 8, one paragraph, no traceback."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from consentgate.cli import failures
from consentgate.cli.command import worst
from consentgate.cli.main import root
from consentgate.config.explain import Question, explain
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import reading
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import ConsentGateError, InvalidInput, PackInvalid
from consentgate.storage.tables import entry
from consentgate.storage.triggers import postgresql_triggers, sqlite_triggers
from consentgate.testing.clock import FrozenClock
from tests.acceptance.deployment import ISS, OUTSIDE, Deployment, Program

pytestmark = pytest.mark.acceptance

C1 = ("--reference", "customer:C-1000417")
READING = (
    ("doctor",),
    ("db", "check"),
    ("notice", "list"),
    ("issuer", "list"),
    ("assertion", "list"),
    ("consent", "show", *C1),
    ("policy", "explain", *C1),
    ("entries", "list"),
    ("log", "show"),
    ("log", "sequence", "--once"),
    ("log", "sign", "--once"),
    ("verify",),
)


def refused(program: Program, *command: str | Path, exit: int) -> str:  # noqa: A002  # as in the JSON object
    """Run a command that fails, in text and as JSON, and give what it said."""
    document = program.json(*command, exit=exit)
    assert document["result"] == {}
    [finding] = document["findings"]
    said = program(*command)
    assert (said.exit, said.out) == (exit, ""), said
    assert said.err.lstrip("\n").startswith("consentgate: ")
    assert "Traceback" not in said.err
    # One paragraph: as JSON has it, but for the line breaks.
    assert " ".join(finding["found"].split()) in " ".join(said.err.split())
    return str(finding["found"])


@pytest.mark.parametrize("command", READING)
def test_missing_home_is_usage_and_says_what_to_run(
    program: Program, tmp_path: Path, command: tuple[str, ...]
) -> None:
    nowhere = Program(tmp_path / "nowhere", program._capsys)
    assert "consentgate init" in refused(nowhere, *command, exit=2)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("command", [command for command in READING if command != ("doctor",)])
def test_missing_database_is_out_of_reach_and_is_not_made(
    program: Program, deployed: Deployment, command: tuple[str, ...]
) -> None:
    deployed.lose()
    said = "is not there" if deployed.server is None else "there is no database of this name"
    assert said in refused(program, *command, exit=3)
    assert deployed.server is not None or not deployed.database.exists()


def test_doctor_says_that_the_database_is_missing(program: Program, deployed: Deployment) -> None:
    deployed.lose()
    found = {each["where"]: each for each in program.json("doctor", exit=3)["findings"]}
    assert found["database"]["kind"] == "fail"
    assert deployed.server is not None or not deployed.database.exists()


@pytest.mark.sqlite_file  # another file in its place
@pytest.mark.parametrize("command", [command for command in READING if command != ("doctor",)])
def test_damaged_database_is_out_of_reach(
    program: Program, deployed: Deployment, command: tuple[str, ...]
) -> None:
    deployed.database.write_bytes(b"This is no database, whatever its name says. " * 100)
    assert "not a database" in refused(program, *command, exit=3)


def test_database_whose_pages_were_overwritten_never_verifies(program: Program, deployed: Deployment) -> None:
    deployed.damage()
    assert program("verify").exit == 1
    if deployed.server is not None:
        # There the overwritten page is one that a list reads.
        assert "damaged" in refused(program, "entries", "list", exit=3)


@pytest.mark.parametrize("name", ["keys.jwks", "log.key", "log.state"])
def test_secret_that_others_may_read_is_refused(program: Program, deployed: Deployment, name: str) -> None:
    (deployed.home / name).chmod(0o644)
    found = [each["found"] for each in program.json("doctor", exit=1)["findings"]]
    assert any("chmod 600" in each for each in found)
    if name == "keys.jwks":
        assert "chmod 600" in refused(program, "entries", "list", exit=2)
        assert program.json("verify", exit=3)["result"]["entries"]
        assert "chmod 600" in program("verify").out
    else:
        assert "chmod 600" in refused(program, "log", "sign", "--once", exit=2)


def test_key_file_that_is_none_is_said_to_be_so(program: Program, deployed: Deployment) -> None:
    (deployed.home / "keys.jwks").write_text("{}")
    assert "Restore" in refused(program, "entries", "list", exit=2)
    assert "fail" in program("doctor").out


def test_keys_of_another_deployment_open_nothing(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    make_home(tmp_path / "other", controller="other")
    (deployed.home / "keys.jwks").write_bytes((tmp_path / "other/keys.jwks").read_bytes())
    levels = {each["name"]: each["verdict"] for each in program.json("verify", exit=3)["result"]["levels"]}
    assert (levels["bytes"], levels["links"]) == ("holds", "cannot_judge")


def test_verify_with_another_log_s_key_is_broken(program: Program, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other", controller="other").vkey
    assert program.json("verify", "--vkey", other, exit=1)["findings"]
    assert "vkey" in refused(program, "verify", "--vkey", "nonsense", exit=2)


def test_altered_data_key_breaks_the_links_and_nothing_else(program: Program, deployed: Deployment) -> None:
    deployed.sql("UPDATE data_key SET wrapped = zeroblob(40)")
    document = program.json("verify", exit=1)
    broken = [each["name"] for each in document["result"]["levels"] if each["verdict"] == "broken"]
    assert broken == ["links"]
    assert any(each["where"].startswith("data_key of subject") for each in document["findings"])
    # The words of the ledger's own files are not taken for the caller's.
    (deployed.home / "log.vkey").write_text("nonsense")
    assert "vkey" in refused(program, "verify", exit=2)


def test_flipped_byte_is_found(program: Program, deployed: Deployment) -> None:
    deployed.tamper(f"UPDATE entry SET hash = zeroblob(32) WHERE id = x'{deployed.grant.replace('-', '')}'")
    document = program.json("verify", exit=1)
    assert "altered" in [each["kind"] for each in document["findings"]]
    shown = program.json("entries", "show", deployed.grant, exit=1)
    assert shown["findings"][0]["kind"] == "altered"
    assert "column hash" in program("entries", "show", deployed.grant).out


def test_missing_trigger_is_a_finding_of_check_and_is_repaired(
    program: Program, deployed: Deployment
) -> None:
    if deployed.server is None:
        name = next(iter(sqlite_triggers()))
        deployed.sql(f"DROP TRIGGER {name}")
    else:
        name = next(iter(postgresql_triggers(entry)))
        deployed.sql(f"DROP TRIGGER {name} ON entry")
    document = program.json("db", "check", exit=1)
    assert name in document["findings"][0]["found"]
    assert name in program("db", "check").out
    assert "db upgrade" in refused(program, "entries", "list", exit=2)
    # Rows can be verified all the same.
    assert program("verify").exit == 4
    assert program.json("db", "upgrade")["result"]["repaired"]
    assert program("db", "check").exit == 0


def test_signer_refuses_without_its_memory(program: Program, deployed: Deployment) -> None:
    (deployed.home / "log.state").unlink()
    assert "state is missing" in refused(program, "log", "sign", "--once", exit=1)
    assert "memory" in program("doctor").out
    added = program.json("assertion", "add", "has_dpo", "true", "--by", "me", exit=4)
    assert (added["findings"][0]["kind"], added["result"]["name"]) == ("unsigned", "has_dpo")
    assert "does not cover it yet" in program("assertion", "add", "has_dpo", "true", "--by", "me").out
    assert "not signed" in program("doctor").out
    document = program.json("verify", exit=3)
    levels = {each["name"]: each["verdict"] for each in document["result"]["levels"]}
    assert (levels["signature"], levels["signer"]) == ("incomplete", "cannot_judge")
    assert "is missing" in program("verify").out


def test_log_key_of_another_log_is_told_apart(program: Program, deployed: Deployment, tmp_path: Path) -> None:
    other = make_home(tmp_path / "other", controller="other").settings
    (deployed.home / "log.key").write_bytes(other.log_key.read_bytes())
    assert "not the key of this database" in refused(program, "log", "sign", "--once", exit=2)
    found = {each["where"] for each in program.json("doctor", exit=1)["findings"] if each["kind"] == "fail"}
    assert found == {"log key", "signer"}


def test_test_database_is_marked_wherever_one_looks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, empty: str
) -> None:
    make_home(tmp_path / "test", controller="acme", database=empty, clock=FrozenClock())
    marked = Program(tmp_path / "test", capsys)
    assert marked.json("log", "show")["result"]["test_database"]
    assert marked.json("verify")["result"]["test_database"]
    for command in ("doctor", "verify"):
        assert "test database" in marked(command).out
    assert "test database" in marked("log", "show").out


def test_tokens_that_are_none_are_bad_files(program: Program, deployed: Deployment, tmp_path: Path) -> None:
    token = deployed.token()
    head, _, rest = token.partition(".")
    for name, data in (
        ("text", b"not a token"),
        ("binary", b"\xff\xfe\x00"),
        ("empty", b""),
        ("half", f"{head}.".encode()),
        ("padded", f"{head}=.{rest}".encode()),
        ("huge", b"A" * 70_000),
    ):
        (tmp_path / name).write_bytes(data)
        assert name in refused(program, "consent", "add", tmp_path / name, exit=2)
    assert "cannot be read" in refused(program, "consent", "add", tmp_path / "missing", exit=2)
    assert "cannot be read" in refused(program, "consent", "add", tmp_path, exit=2)


def test_statements_that_do_not_stand_are_refused(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    token = deployed.token()
    path.write_text(token[:-8] + ("AAAAAAAA" if not token.endswith("AAAAAAAA") else "BBBBBBBB"))
    assert refused(program, "consent", "add", path, exit=1)
    (deployed.folder / "outside.pem").write_bytes(generate_signing_key("Ed25519").pem())
    path.write_text(deployed.token())
    assert "issuer add" in refused(program, "consent", "add", path, exit=1)
    assert program.json("consent", "add", path, exit=1)["findings"][0]["kind"] == "unknown_issuer"


def test_id_that_is_taken_is_a_conflict(program: Program, deployed: Deployment, tmp_path: Path) -> None:
    (tmp_path / "one").write_text(deployed.token(id="same"))
    (tmp_path / "two").write_text(deployed.token(id="same", method="paper"))
    assert program("consent", "add", tmp_path / "one").exit == 0
    assert (
        program.json("consent", "add", tmp_path / "two", exit=1)["findings"][0]["kind"] == "record_conflict"
    )


def test_secrets_stay_out_of_messages(program: Program, deployed: Deployment, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(deployed.token(id="same"))
    (tmp_path / "other").write_text(deployed.token(id="same", method="paper"))
    program("consent", "add", tmp_path / "token")
    said = program("consent", "add", tmp_path / "other")
    assert "C-1000417" not in said.err
    assert "eyJhbGci" not in said.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("entries", "show", "zz"), "last 8 characters"),
        (("entries", "show", "ffffffff"), "No entry's id ends"),
        (("entries", "show", "01a20450-af06-7b89-b931-2bc96dc61530"), "no such entry"),
        (("entries", "show", "01a20450-af06-4b89-b931-2bc96dc61530"), "UUIDv7"),
        (("entries", "list", "--after", "01a20450-af06-7b89-b931-2bc96dc61530"), "no such entry"),
        (("entries", "list", "--kind", "nonsense"), "The kinds are"),
        (("consent", "show"), "Name an entry"),
        (("consent", "show", "ffffffff", *C1), "Name an entry"),
        (("consent", "show", "--reference", "C-1000417"), "kind:value"),
        (("consent", "show", "--reference", "phone:555"), "E.164"),
        (("consent", "issue", "grant", "--issuer", ISS, *C1, "--method", "paper"), "--notice"),
        (
            ("consent", "issue", "refuse", "--issuer", ISS, *C1, "--method", "paper", "--max-uses", "1"),
            "narrow",
        ),
        (("consent", "withdraw", "--issuer", ISS, "--method", "paper"), "at least one reference"),
        (("consent", "withdraw", "--issuer", OUTSIDE, *C1, "--method", "paper"), "No key of this issuer"),
        (("assertion", "add", "nonsense", "true", "--by", "me"), "There is no such assertion"),
        (("assertion", "add", "has_dpo", "perhaps", "--by", "me"), "true or false"),
        (("assertion", "add", "authority_filing", "{nonsense", "--by", "me"), "not JSON"),
        (("assertion", "add", "has_dpo", "true", "--by", "me", "--since", "yesterday"), "--since"),
        (
            ("assertion", "add", "has_dpo", "true", "--by", "me", *("--about", "customer:1")),
            "controller only",
        ),
        (("assertion", "list", "--names", "--about", "customer:1"), "not both"),
        (("notice", "show", "nonsense"), "notice list"),
        (("policy", "explain"), "--call"),
        (("policy", "explain", "--call", "tx-1", *C1), "--call"),
        (("policy", "explain", "--call", "tx-1", "--adult"), "registered"),
        (("policy", "explain", *C1, "--leg", "Caller"), "--leg"),
        (("policy", "explain", *C1, "--at", "2026-99-99"), "--at"),
        (("issuer", "add", "https://x.example", "--name", "X", "--jwk", "{}"), "cannot be used"),
        (("issuer", "add", "https://x.example", "--name", "X", "--jwk", "[]"), "cannot be read"),
        (("issuer", "add", "https://x.example", "--name", "X", "--pem", "nowhere.pem"), "cannot be read"),
        (("issuer", "add", "https://x.example", "--name", "X", "--jwk", "{}", "--pem", "x"), "not both"),
        (("notice", "add", "nowhere.txt"), "cannot be read"),
        (("entries", "list", "--limit", "0"), "--limit"),
        (("db", "sql", "--dialect", "oracle"), "oracle"),
    ],
)
def test_wrong_words_are_usage_and_say_what_is_right(
    program: Program, command: tuple[str, ...], words: str
) -> None:
    assert words in refused(program, *command, exit=2)


def test_private_key_is_not_taken_for_a_public_one(program: Program, tmp_path: Path) -> None:
    jwk = generate_signing_key("Ed25519").public.jwk() | {"d": "AAAA"}
    add = ("issuer", "add", "https://x.example", "--name", "X")
    assert "private" in refused(program, *add, "--jwk", json.dumps(jwk), exit=2)
    (tmp_path / "key.pem").write_text("-----BEGIN NONSENSE-----")
    assert "cannot be used" in refused(program, *add, "--pem", tmp_path / "key.pem", exit=2)
    (tmp_path / "jwk.json").write_text("[1]")
    assert "not a JSON object" in refused(program, *add, "--jwk", tmp_path / "jwk.json", exit=2)


def test_manifests_that_say_nothing_usable_are_refused(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    text = deployed.folder / "notice.txt"
    for name, content, words in (
        ("broken.toml", "id = ", "not TOML"),
        ("broken.json", "{", "cannot be used"),
        ("list.json", "[]", "not a JSON object"),
        ("unknown.toml", 'id = "x"\ncolour = "red"', "The manifest cannot be used"),
    ):
        (tmp_path / name).write_text(content)
        assert words in refused(program, "notice", "add", text, "--manifest", tmp_path / name, exit=2)
    assert "cannot be used" in refused(program, "notice", "add", text, "--manifest", '{"id": "x"}', exit=2)


def test_several_notices_of_one_name_are_told_apart(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "de.txt").write_text("Wir erstellen einen Stimmabdruck.")
    add = (
        "notice",
        "add",
        tmp_path / "de.txt",
        "--manifest",
        deployed.folder / "notice.toml",
        "--language",
        "de",
    )
    assert program(*add).exit == 0
    assert "Several notices" in refused(program, "notice", "show", "voiceprint", exit=2)
    assert program("notice", "show", "voiceprint", "--language", "de").exit == 0


def test_settings_without_a_controller_are_refused(program: Program, deployed: Deployment) -> None:
    (deployed.home / "consentgate.toml").write_text(f'format = 1\ndatabase = "{deployed.url}"\n')
    assert "names no controller" in program.json("doctor", exit=1)["findings"][0]["found"]
    assert "controller" in refused(program, "entries", "list", exit=2)


def test_unknown_jurisdiction_and_missing_assertions_are_warned_of(program: Program, tmp_path: Path) -> None:
    make_home(tmp_path / "odd", controller="acme", jurisdiction="ZZ")
    odd = Program(tmp_path / "odd", program._capsys)
    assert "no pack answers for ZZ" in odd("doctor").out
    make_home(tmp_path / "fr", controller="acme", jurisdiction="FR")
    french = Program(tmp_path / "fr", program._capsys)
    found = [each["found"] for each in french.json("doctor")["findings"]]
    assert any(each.startswith("nobody asserted impact_assessment_done; asked for by ") for each in found)


def test_issuer_without_a_key_that_counts_is_warned_of(program: Program) -> None:
    add = ("issuer", "add", "https://old.example", "--name", "Old", "--not-after", "2020-01-01")
    assert program(*add).exit == 0
    assert "no key counts now for https://old.example" in program("doctor").out


def fault(error: BaseException) -> Callable[..., None]:
    """A command's work that fails."""

    def work(*_arguments: object) -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ZeroDivisionError("a secret"), 3, "ZeroDivisionError"),
        (KeyboardInterrupt(), 3, "Interrupted"),
        (ConsentGateError(), 3, "could not do"),
    ],
)
def test_what_nobody_foresaw_is_one_line_without_its_text(
    program: Program, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    monkeypatch.setattr("consentgate.storage.schema.sql", fault(error))
    assert words in refused(program, "db", "sql", exit=code)
    assert "a secret" not in program("db", "sql").err


def test_debug_shows_the_whole_error(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consentgate.storage.schema.sql", fault(ZeroDivisionError("the whole of it")))
    said = program.bare("--debug", "db", "sql")
    assert (said.exit, "the whole of it" in said.err) == (3, True)


def test_every_error_of_the_tree_has_a_kind_and_a_code() -> None:
    def below(kind: type[ConsentGateError]) -> set[type[ConsentGateError]]:
        return {kind}.union(
            *(below(each) for each in kind.__subclasses__() if each.__module__ == kind.__module__)
        )

    assert {kind for kind, *_ in failures.KINDS} == below(ConsentGateError)
    before: list[type[ConsentGateError]] = []
    for kind, *_ in failures.KINDS:
        assert not any(issubclass(kind, each) for each in before), f"{kind} is never reached"
        before.append(kind)


def test_worst_exit_code_counts() -> None:
    assert worst([]) == 0
    assert worst([0, 4]) == 4
    assert worst([4, 3, 0]) == 3
    assert worst([4, 1, 3, 2]) == 1


def test_unknown_command_is_usage(program: Program) -> None:
    said = program.bare("nonsense")
    assert (said.exit, "No such command" in said.err) == (2, True)
    said = program.bare("consent", "nonsense")
    assert (said.exit, "consentgate consent --help" in said.err) == (2, True)
    assert sorted(root.commands)


def test_end_of_an_id_that_two_entries_share_names_neither(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consentgate.config.entries._SHORTEST", 2)
    listed = [each["id"] for each in program.json("entries", "list", "--limit", "1000")["result"]["items"]]
    ends = [each[-2:] for each in listed]
    shared = [end for end in ends if ends.count(end) > 1]
    for end in {*ends}:
        assert program("entries", "show", end).exit == (2 if end in shared else 0)
    # Whatever ids this run has: two entries of one end.
    monkeypatch.setattr("consentgate.storage.listing.ids_ending", lambda *_, **__: (*listed[:2],))
    assert "Several entries' ids" in refused(program, "entries", "show", "aa", exit=2)


def test_statement_is_shown_of_statements_only(program: Program, deployed: Deployment) -> None:
    assert "is no statement" in refused(program, "consent", "show", deployed.denial, exit=2)


def test_lost_bytes_of_a_notice_are_a_finding(program: Program, deployed: Deployment) -> None:
    deployed.tamper("DELETE FROM artifact WHERE kind = 'notice'")
    assert "bytes are missing" in refused(program, "notice", "show", "voiceprint", exit=1)
    deployed.tamper("DELETE FROM artifact WHERE kind = 'registry'")
    assert "registry is missing" in refused(program, "issuer", "list", exit=1)
    assert {"issuers", "assertions"} <= {each["where"] for each in program.json("doctor", exit=1)["findings"]}


def test_doctor_goes_on_where_packs_cannot_be_used(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consentgate.config.overlays.shipped", fault(PackInvalid("The index is missing.")))
    found = {each["where"]: each["found"] for each in program.json("doctor", exit=1)["findings"]}
    assert found["packs"] == "The index is missing."


@pytest.mark.sqlite_file  # its library
def test_roles_of_a_file_are_refused(program: Program) -> None:
    assert "no roles" in refused(program, "db", "roles", "--apply", exit=2)


@pytest.mark.sqlite_file  # its library
def test_newer_sqlite_needs_no_warning(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for version, verdict in (((3, 51, 2), "warn"), ((3, 51, 3), "ok")):
        monkeypatch.setattr("sqlite3.sqlite_version_info", version)
        items = {each["name"]: each["verdict"] for each in program.json("doctor", exit=4)["result"]["items"]}
        assert items["SQLite"] == verdict


def test_public_key_that_cannot_be_read_is_said_to_be_so(program: Program, deployed: Deployment) -> None:
    (deployed.home / "log.vkey").write_bytes(b"\xff")
    assert "log.vkey cannot be read" in refused(program, "log", "show", exit=2)
    (deployed.home / "log.vkey").write_text("another+key+AAAA")
    assert "write the vkey again" in program("doctor").out


def test_explanation_needs_a_call_or_a_speaker(deployed: Deployment) -> None:
    with (
        reading(load_settings(deployed.home)) as parts,
        pytest.raises(InvalidInput, match="a call or a speaker"),
    ):
        explain(parts, Question(at=parts.book.now()))
