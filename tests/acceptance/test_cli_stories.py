"""The main stories, told by the program in processes of its own, as a newcomer types them."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from consentgate.crypto.jwk import generate_signing_key, public_key_from_jwk
from tests.acceptance.deployment import (
    ISS,
    MANIFEST,
    NOTICE,
    PHONE,
    ROOT,
    Deployment,
    Program,
    checked,
    outside,
)
from tests.processes import tell

pytestmark = pytest.mark.acceptance


def test_newcomer_gets_from_nothing_to_a_verified_consent(
    tmp_path: Path, empty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first and the last commands are processes of their own; those between run in this one, to be quick."""
    home = tmp_path / "home"
    program = Program(home, capsys)
    (tmp_path / "notice.txt").write_bytes(NOTICE)
    (tmp_path / "notice.toml").write_text(MANIFEST)
    made = outside("init", "--controller", "acme", "--jurisdiction", "US-IL", "--database", empty, home=home)
    assert made.exit == 0
    assert (home / "log.vkey").read_text().strip() in made.out
    for step in ("consentgate notice add", "consentgate issuer add", "consentgate doctor"):
        assert step in made.out
    for command in (
        ("notice", "add", tmp_path / "notice.txt", "--manifest", tmp_path / "notice.toml"),
        ("issuer", "add", ISS, "--name", "Acme IVR"),
        ("assertion", "add", "public_policy_published", "true", "--by", "privacy@acme.example"),
        ("assertion", "add", "recording_consent", "all_parties", "--by", "privacy@acme.example"),
    ):
        assert program(*command).exit == 0
    who = ("--reference", "customer:C-1000417", "--reference", f"phone:{PHONE}")
    say = ("--issuer", ISS, *who)
    granted = program("consent", "issue", "grant", *say, "--notice", "voiceprint", "--method", "web_esign")
    assert granted.exit == 0
    ask = ("policy", "explain", *who, "--evidence", "US-IL", "--adult", "--purpose", "authentication")
    allowed = program(*ask)
    assert (allowed.exit, "allowed" in allowed.out) == (0, True), allowed
    assert program("verify").exit == 0
    assert program("consent", "withdraw", *say, "--method", "web_form").exit == 0
    denied = outside(*ask, "--json", home=home)
    assert denied.exit == 1
    assert [each["kind"] for each in checked(denied.out)["findings"]] == ["CONSENT_WITHDRAWN"]
    assert program("doctor").exit == 0
    assert outside("verify", home=home).exit == 0


def test_statement_signed_elsewhere_is_taken_in_from_standard_input(deployed: Deployment) -> None:
    said = outside("consent", "add", "-", "--json", home=deployed.home, stdin=deployed.token())
    assert said.exit == 0
    result = checked(said.out)["result"]
    assert (result["state"], result["new"], result["stops"]) == (
        "withdrawn",
        True,
        [deployed.succeeded, deployed.open],
    )


def test_program_prints_no_colour_and_no_progress_into_a_pipe(deployed: Deployment) -> None:
    said = outside("verify", home=deployed.home)
    assert (said.exit, "\033" in said.out, said.err) == (4, False, "")


def test_json_is_all_that_stands_on_standard_output_whatever_fails(tmp_path: Path) -> None:
    for command, code in (
        (("verify", "--json"), 2),
        (("verify", "--json", "--nonsense"), 2),
        (("consent", "show", "--json"), 2),
        (("--json",), 2),
    ):
        said = outside(*command, home=tmp_path)
        document = json.loads(said.out)
        assert (said.exit, document["exit"], said.err) == (code, code, "")
        assert document["result"] == {}
        assert document["findings"][0]["found"]


def test_reader_that_stops_reading_is_no_failure(deployed: Deployment) -> None:
    command = f"{sys.executable} -m consentgate db sql | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_log_runs_until_it_is_told_to_stop(deployed: Deployment) -> None:
    for what in ("sequence", "sign"):
        process = subprocess.Popen(
            [sys.executable, "-m", "consentgate", "log", what, "--json", "--home", str(deployed.home)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        tell(process)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert checked(out)["exit"] == 0


def in_terminal(
    *arguments: str | Path, answers: str = "", environment: dict[str, str] | None = None
) -> tuple[int, str]:
    """Run the program on a terminal and type the answers."""
    main, other = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "consentgate", *map(str, arguments)],
        cwd=ROOT,
        env=kept | {"TERM": "xterm"} | (environment or {}),
        stdin=other,
        stdout=other,
        stderr=other,
    )
    os.close(other)
    os.write(main, answers.encode())
    seen = b""
    try:
        while select.select([main], [], [], 30)[0] and (data := os.read(main, 65536)):
            seen += data
    except OSError:  # the other side was closed: the program ended
        pass
    os.close(main)
    return process.wait(timeout=30), seen.decode()


def test_terminal_gets_colours_and_progress_unless_it_wants_none(deployed: Deployment) -> None:
    code, seen = in_terminal("verify", "--home", deployed.home)
    assert code == 4
    assert "\033[32mholds" in seen
    assert "Verifying" in seen
    _, quiet = in_terminal("verify", "--home", deployed.home, environment={"NO_COLOR": "1"})
    assert "\033[32m" not in quiet


def test_init_asks_for_assertions_on_a_terminal(tmp_path: Path) -> None:
    home = tmp_path / "home"
    # Who; alternative_offered: a word that is none, then yes; authority_filing: JSON; the rest is left out.
    filing = '{"jurisdiction": "FR", "filed_at": "2026-01-01T00:00:00Z"}'
    answers = "\n".join(["privacy@acme.example", "perhaps", "[1", "y", filing, *[""] * 20]) + "\n"
    code, seen = in_terminal("init", "--controller", "acme", "--interactive", "--home", home, answers=answers)
    assert code == 0, seen
    assert "true or false" in seen
    listed = outside("assertion", "list", "--json", home=home)
    found = [(each["name"], each["by"]) for each in checked(listed.out)["result"]["items"]]
    assert found == [
        ("alternative_offered", "privacy@acme.example"),
        ("authority_filing", "privacy@acme.example"),
    ]


def test_init_asks_nobody_where_there_is_no_terminal(tmp_path: Path) -> None:
    said = outside("init", "--controller", "acme", "--interactive", home=tmp_path / "home")
    assert said.exit == 2
    assert "assertion add" in said.err
    assert not (tmp_path / "home").exists()


def test_key_of_an_issuer_is_taken_as_jwk_and_as_pem(deployed: Deployment, tmp_path: Path) -> None:
    key = generate_signing_key("Ed25519").public
    assert public_key_from_jwk(key.jwk()) == key
    said = outside(
        "issuer",
        "add",
        "https://one.example",
        "--name",
        "One",
        "--jwk",
        json.dumps(key.jwk()),
        home=deployed.home,
    )
    assert (said.exit, key.kid in said.out) == (0, True)
    other = generate_signing_key("ES256").public
    (tmp_path / "key.pem").write_bytes(other.pem())
    said = outside(
        "issuer",
        "add",
        "https://two.example",
        "--name",
        "Two",
        "--pem",
        tmp_path / "key.pem",
        home=deployed.home,
    )
    assert (said.exit, other.kid in said.out) == (0, True)
