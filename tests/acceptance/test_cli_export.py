"""``consentgate export``: a package, the same again, and what is said where there is none."""

from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance

ASKED = ("export", "--matter", "Doe v. Acme", "--purpose", "Subpoena", "--recipient", "Roe & Partners")
READER = "age1ytvkswe22rx7e9kcwedxyu5l36q7wxxgs5p3j8464667k4k68s2qmal7wt"


@pytest.mark.sqlite_file
def test_package_is_made_verified_and_made_again(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    person = ("--subject", "customer:C-1000417", "--time-zone", "America/Chicago")
    made = program.json(*ASKED, *person, "--out", out, "--clear")["result"]
    folder = Path(made["folder"])
    assert folder.name == f"doe-v-acme_{made['bates']['first']}-{made['bates']['last']}"
    assert made["counts"]["not_covered"] == 0
    assert made["fingerprint"] in Path(made["letter"]).read_text()
    assert program.json("export", "--show-key")["result"] == {"fingerprint": made["fingerprint"]}
    # The export's own entry is signed too, and the ledger still holds.
    assert {
        each["kind"] for each in program.json("entries", "list", "--kind", "export")["result"]["items"]
    } == {"export"}
    assert "link" not in str(program.json("verify", exit=4)["findings"])
    again = tmp_path / "again"
    again.mkdir()
    same = program.json("export", "--reproduce", made["export"], "--out", again, "--clear")["result"]
    assert same == {**made, "folder": str(again / folder.name), "letter": None}
    said = program("export", "--reproduce", made["export"], "--out", again, "--clear")
    assert (said.exit, "is there already" in said.err) == (2, True)
    (tmp_path / "reviewers.txt").write_text(f"# Roe\n{READER}\n")
    asked = (*ASKED, "--transaction", "tx-2", "--out", out, "--encrypt-to", READER)
    shown = program(*asked, "--encrypt-to-file", tmp_path / "reviewers.txt")
    assert (shown.exit, "COVER-LETTER" in shown.out, ".tar.age" in shown.out) == (0, True, True)
    sealed = program.json("export", "--reproduce", made["export"], "--out", out, "--encrypt-to", READER)[
        "result"
    ]
    assert (sealed["folder"], Path(sealed["file"]).parent) == (None, out)


@pytest.mark.sqlite_file
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export",), "--out"),
        (("export", "--out", "x"), "--matter"),
        ((*ASKED, "--out", "x"), "--clear"),
        ((*ASKED, "--out", "x", "--clear", "--encrypt-to", READER), "not both"),
        ((*ASKED, "--out", "x", "--encrypt-to", "age1nobody"), "no public key of age"),
        ((*ASKED, "--out", "x", "--encrypt-to-file", "none.txt"), "is not there"),
        ((*ASKED, "--out", "x", "--clear", "--query", "colour=red"), "query"),
        ((*ASKED, "--out", "x", "--clear", "--from", "yesterday"), "--from"),
        ((*ASKED, "--out", "x", "--clear", "--subject", "C-1"), "kind:value"),
        ((*ASKED, "--out", "x", "--clear", "--subject", "customer:nobody"), "nothing was exported"),
        ((*ASKED, "--out", "x", "--role", "judge"), "judge"),
        (("export", "--out", "x", "--clear", "--reproduce", "00000000"), "No entry"),
    ],
)
def test_what_cannot_be_exported_is_said(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = program(*arguments)
    assert (done.exit, said in done.err) == (2, True), done


@pytest.mark.sqlite_file
def test_log_that_cannot_be_signed_is_no_hindrance_but_told(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    program("assertion", "add", "has_dpo", "true", "--by", "dpo@acme.example")
    (deployed.home / "log.state").unlink()
    program("assertion", "add", "has_dpo", "false", "--by", "dpo@acme.example")
    made = program.json(*ASKED, "--query", "kind=assertion", "--out", tmp_path, "--clear", exit=4)
    assert {each["kind"] for each in made["findings"]} == {"uncovered", "unsigned"}
    assert made["result"]["counts"]["not_covered"] == 1
