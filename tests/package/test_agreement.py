"""Three verifiers, one answer: here the library and the program that every package carries."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from consentgate.export import verifier
from consentgate.tlog.policy import decode
from consentgate.verify.package.levels import verify_package
from consentgate.verify.package.result import LEVELS, Judgement
from tests.package.forge import ATTACKER
from tests.package.mutations import LEFT, MUTATIONS, expected, made
from tests.package.tiny import LOGS, PACKAGE_KEY, POLICY, tiny

PROGRAM = Path(str(verifier.__path__[0])) / "verify.py"
FINGERPRINT = PACKAGE_KEY.public.kid


def both(program: ModuleType, folder: Path, **told: Any) -> tuple[Judgement, Mapping[str, Any]]:
    """Verify with both, and see that they say the same."""
    policy = told.get("policy")
    one = verify_package(
        folder, fingerprint=told.get("fingerprint"), policy=decode(policy) if policy else None
    )
    other: Mapping[str, Any] = program.verify(
        str(folder), told.get("fingerprint"), program.read_policy(policy) if policy else None
    )
    assert other["conclusion"] == one.conclusion
    assert {(each["level"], each["kind"], each["where"]) for each in other["findings"]} == found(one)
    assert other["levels"] == {level.name: level.verdict for level in one.levels}
    assert (other["exit"], other["fingerprint"]) == (one.exit_code, one.fingerprint)
    assert tuple(other["witnesses"]) == one.witnesses
    return one, other


def found(judgement: Judgement) -> set[tuple[str, str, str]]:
    return {(level, each.kind, each.where) for level, some in judgement.findings.items() for each in some}


def test_a_good_package_holds_at_every_level(program: ModuleType, base: Path) -> None:
    one, _ = both(program, base)
    assert {level.verdict for level in one.levels} == {"holds"}
    assert one.conclusion == "consistent"
    assert one.exit_code == 3
    assert one.sentences[0] == "Consistent with itself."


def test_a_fingerprint_from_outside_confirms(program: ModuleType, base: Path) -> None:
    one, _ = both(program, base, fingerprint=FINGERPRINT)
    assert one.conclusion == "confirmed"
    assert one.exit_code == 4, "parts of it are withheld"


def test_known_witnesses_are_named(program: ModuleType, base: Path) -> None:
    one, _ = both(program, base, fingerprint=FINGERPRINT, policy=POLICY)
    assert (one.conclusion, one.exit_code) == ("witnessed", 4)
    assert one.sentences[-2:] == ("Witnessed by W0.", "Witnessed by W1.")


# Each keeps the checkpoint of the log, which witnesses cosigned: they know nothing of the package.
@pytest.mark.parametrize("name", [None, "manifest_signed_anew", "table_altered_signed", "record_hidden"])
def test_witnesses_do_not_vouch_for_who_signed(
    program: ModuleType, base: Path, tmp_path: Path, name: str | None
) -> None:
    forge = made(name, tiny())[0] if name else tiny()
    one, other = both(program, forge.write(tmp_path / "p", base, tiny().files), policy=POLICY)
    assert (one.conclusion, one.exit_code, found(one)) == ("consistent", 3, set())
    assert one.witnesses == ("W0", "W1")
    assert one.sentences[-3:] == (
        "Nobody confirmed this key to you.",
        "Witnessed by W0.",
        "Witnessed by W1.",
    )
    assert program.tell(other).splitlines()[-3:] == list(one.sentences[-3:])


def test_another_fingerprint_than_the_reader_has_is_a_finding(program: ModuleType, base: Path) -> None:
    one, _ = both(program, base, fingerprint=ATTACKER.public.kid)
    assert found(one) == {("manifest", "forged", "package.jwk")}
    assert one.exit_code == 1


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_is_told(program: ModuleType, base: Path, tmp_path: Path, name: str) -> None:
    forge, told = made(name, tiny())
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert found(one) == told.findings
    assert one.conclusion == told.conclusion
    assert one.conclusion != "broken" or one.exit_code == 1


@pytest.mark.parametrize(
    ("name", "unjudged"),
    [
        ("entries_removed", {"answers", "statements", "artifacts", "tree"}),
        ("entries_emptied", {"answers", "artifacts"}),
        ("entries_halved", {"answers", "artifacts"}),
        ("record_removed", {"answers", "statements", "artifacts"}),
        ("log_unknown", {"answers", "statements", "artifacts", "tree"}),
    ],
)
def test_what_some_of_the_records_say_does_not_hold(
    program: ModuleType, base: Path, tmp_path: Path, name: str, unjudged: set[str]
) -> None:
    forge, _ = made(name, tiny())
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert {level.name for level in one.levels if level.verdict == "cannot_judge"} == unjudged


# No key and no list covers it: what confirms the manifest says nothing of its timestamp, nor of what is no part.
UNCOVERED = ("stamp_damaged", "looked_at")


@pytest.mark.parametrize(
    "name", [n for n in MUTATIONS if expected(n).conclusion == "consistent" and n not in UNCOVERED]
)
def test_what_is_consistent_is_not_confirmed(
    program: ModuleType, base: Path, tmp_path: Path, name: str
) -> None:
    forge, _ = made(name, tiny())
    one, _ = both(program, forge.write(tmp_path / "p", base, tiny().files), fingerprint=FINGERPRINT)
    assert one.conclusion == "broken"
    assert ("manifest", "forged", "package.jwk") in found(one)


def test_a_package_that_was_looked_at_says_so_and_holds(
    program: ModuleType, base: Path, tmp_path: Path
) -> None:
    forge, _ = made("looked_at", tiny())
    one, other = both(program, forge.write(tmp_path / "p", base, tiny().files), fingerprint=FINGERPRINT)
    assert one.conclusion == "confirmed"
    assert other["ignored"] == sorted(LEFT)
    assert any(f"{len(LEFT)} files that computers leave" in note for note in one.notes)
    assert f"Not looked at: {len(LEFT)} files" in program.tell(other)


def test_what_the_manifest_lists_is_judged_whatever_its_name(
    program: ModuleType, base: Path, tmp_path: Path
) -> None:
    forge = tiny().copy()
    forge.files["data/tables/Thumbs.db"] = b"listed"
    forge.mend()
    forge.files["data/tables/Thumbs.db"] = b"other"
    one, other = both(program, forge.write(tmp_path / "p", base, tiny().files))
    assert found(one) == {("files", "altered", "data/tables/Thumbs.db")}
    assert other["ignored"] == []


def test_there_are_enough_mutations() -> None:
    assert len(MUTATIONS) >= 40
    assert sum(expected(name).conclusion == "broken" for name in MUTATIONS) >= 40
    assert len({each.does for each in MUTATIONS.values()}) == len(MUTATIONS)


def test_the_program_runs_alone(base: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(PROGRAM), *arguments, str(base)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    policy = tmp_path / "policy"
    policy.write_bytes(POLICY)
    done = run("--json", "--fingerprint", FINGERPRINT, "--policy", str(policy))
    assert done.returncode == 4
    assert json.loads(done.stdout)["conclusion"] == "witnessed"
    assert run("--fingerprint", "no").returncode == 2


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_program_ends_quietly_where_nobody_reads_on(base: Path, form: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-I", str(PROGRAM), *form, str(base)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(write)
    assert (done.returncode, done.stderr) == (3, b"")


def test_the_program_knows_nothing_of_us() -> None:
    text = PROGRAM.read_text("utf-8")
    assert "import consentgate" not in text
    assert "from consentgate" not in text


def test_the_program_can_be_read_in_the_order_that_it_says() -> None:
    text = PROGRAM.read_text("utf-8")
    told = re.findall(r"^(\w+) {2,}\S", text.partition('"""\n\nimport')[0], re.MULTILINE)
    checks = text.partition("# ==== What the checks are written with")[0]
    sections = re.findall(r"^# ---- (\w+) -+$", checks, re.MULTILINE)
    assert told == [*sections, "timestamps"]
    assert sorted(sections) == sorted(LEVELS[:-1])
    assert checks.count("\n") < 550
    assert max(map(len, text.splitlines())) <= 100


def test_the_program_tells_people(
    program: ModuleType, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([str(base)]) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "Nobody confirmed this key to you."
    policy = tmp_path / "policy"
    policy.write_bytes(POLICY)
    assert program.main(["--fingerprint", FINGERPRINT, "--policy", str(policy), str(base)]) == 4
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "You confirmed this key.",
        "Witnessed by W0.",
        "Witnessed by W1.",
    ]
    forge, _ = made("keys_swapped", tiny())
    assert program.main([str(forge.write(tmp_path / "p"))]) == 1
    printed = capsys.readouterr().out
    assert "records: forged: record CG000006 part decision.0" in printed
    assert printed.splitlines()[-1] == "Not as it was made: see the findings."


@pytest.mark.parametrize("told", [["--fingerprint", "short"], ["--policy", "/none"], ["/none"]])
def test_the_program_says_what_it_cannot_use(
    program: ModuleType, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(told)
    assert ended.value.code == 2
    assert "cannot be used" in capsys.readouterr().err


def test_another_policy_of_the_reader_is_held_too(program: ModuleType, base: Path) -> None:
    policy = POLICY.replace(f"log {LOGS[1].key.vkey}".encode(), b"# no log")
    one, _ = both(program, base, fingerprint=FINGERPRINT, policy=policy)
    assert one.conclusion == "witnessed"
    other = f"log {LOGS[0].key.vkey}\nquorum none\n".encode()
    one, _ = both(program, base, policy=other)
    assert found(one) == {("witnesses", "unsigned", "log 1")}
    one, _ = both(program, base, fingerprint=FINGERPRINT, policy=b"quorum none\n")
    assert (one.conclusion, one.witnesses) == ("confirmed", ()), (
        "a policy that asks for nothing shows nothing"
    )
