"""What `doctor` says about the rules that a deployment decides with."""

from consentgate.canonical import b64
from consentgate.packs.packset import shipped
from tests.acceptance.deployment import Deployment, Program
from tests.functional.packs.test_overlays import TIGHTER


def said(program: Program, code: int) -> dict[str, str]:
    items = program.json("doctor", exit=code)["result"]["items"]
    return next(each for each in items if each["name"] == "packs")


def overlaid(deployed: Deployment, text: str) -> None:
    (deployed.home / "rules").mkdir()
    (deployed.home / "rules" / "US-IL.toml").write_text(text)
    with (deployed.home / "consentgate.toml").open("a") as file:
        file.write('\n[packs]\noverlay = "rules"\n')


def test_doctor_names_version_digest_signer_and_overlay(program: Program, deployed: Deployment) -> None:
    packs = shipped()
    found = said(program, 4)
    assert found["verdict"] == "ok"
    assert found["found"] == (
        f"version {packs.version}, 149 packs, digest {b64(packs.digest)}; signed by {packs.signed_by[0]}; no overlay"
    )
    overlaid(deployed, TIGHTER)
    tightened = said(program, 4)["found"]
    assert tightened.endswith("; overlay rules, not signed: US-IL")
    assert b64(packs.digest) not in tightened


def test_doctor_refuses_an_overlay_that_loosens(program: Program, deployed: Deployment) -> None:
    overlaid(deployed, TIGHTER.replace("strict_necessity", "notice_in_writing").replace("= true", "= false"))
    found = said(program, 1)
    assert found["verdict"] == "fail"
    assert found["found"].startswith("overlay/US-IL.toml: versions[0].requirements.notice_in_writing: ")
    assert (
        "less than US-IL does in the version from 2024-08-02; write true, or leave it out." in found["found"]
    )


def test_a_command_says_to_correct_an_overlay_that_loosens(program: Program, deployed: Deployment) -> None:
    overlaid(deployed, TIGHTER.replace("strict_necessity", "notice_in_writing").replace("= true", "= false"))
    said = program("policy", "show", "US-IL").err
    assert "Correct that file; if it came with this release" in " ".join(said.split())


def test_a_country_that_is_under_the_law_of_the_union_is_not_said_to_be_of_it(program: Program) -> None:
    assert "Country under EU · member of EEA" in program("policy", "show", "NO").out
