"""The pages on statements and notices: every member is in a table, and every command runs as printed."""

import json
import re
import shutil
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from consentgate.canonical import b64, unb64
from consentgate.consent.issuers import Issuer, IssuerKey
from consentgate.consent.notice import Manifest, encode
from consentgate.consent.readers import Shaped
from consentgate.consent.statement import Statement
from consentgate.consent.terms import CONSENT_FORMS, METHODS, NOTICE_ELEMENTS, SIGNATURE_KINDS, STATES
from tests.tools import golden_statements as golden

PAGES = Path(__file__).parents[3] / "docs" / "formats"
STATEMENT = (PAGES / "statement.md").read_text()
NOTICE = (PAGES / "notice.md").read_text()

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the program openssl is not installed"
)


def members(kind: type[Shaped]) -> dict[str, bool]:
    return {
        str(each.metadata.get("name", each.name)): each.default is MISSING
        for each in fields(kind)
        if each.init
    }


def rows(page: str, heading: str) -> dict[str, list[str]]:
    table = page.partition(heading)[2].lstrip("\n").split("\n\n")[0]
    cells = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table.splitlines()]
    return {row[0].strip("`"): row for row in cells[1:]}


def test_the_page_has_every_claim_and_says_which_are_required() -> None:
    table = rows(STATEMENT, "| claim | required | shape | meaning |")
    known = members(Statement)
    assert table.keys() == known.keys()
    always = {name for name, row in table.items() if row[1] == "always"}
    assert always == {name for name, required in known.items() if required} | {"schema"}


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        (Manifest, "| member | required | shape | meaning |"),
        (Issuer, "| member of an issuer | shape | meaning |"),
        (IssuerKey, "| member of a key | shape | meaning |"),
    ],
)
def test_the_page_has_every_member(kind: type[Shaped], heading: str) -> None:
    assert rows(NOTICE, heading).keys() == members(kind).keys()


def test_the_manifest_table_says_what_is_always_there() -> None:
    always = {
        name
        for name, row in rows(NOTICE, "| member | required | shape | meaning |").items()
        if row[1] == "yes"
    }
    minimal = Manifest(
        **{name: getattr(golden.MANIFEST, name) for name, required in members(Manifest).items() if required}
    )
    assert always == json.loads(encode(minimal)).keys()


def test_the_pages_have_every_word_of_the_closed_lists() -> None:
    for words, page in (
        ((*STATES, *METHODS, *CONSENT_FORMS, *SIGNATURE_KINDS), STATEMENT),
        (NOTICE_ELEMENTS, NOTICE),
    ):
        for word in words:
            assert f"`{word}`" in page
    listed = NOTICE.partition("**Elements**")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(NOTICE_ELEMENTS)


def run(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-eu"], input=command, cwd=folder, capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden.FOLDER, tmp_path / "golden"))


def commands(page: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)


@needs_openssl
def test_the_printed_commands_verify_a_token(folder: Path) -> None:
    verify, thumbprint, show, es256 = commands(STATEMENT)
    assert run(verify, folder) == "Signature Verified Successfully"
    assert run(thumbprint, folder) == golden.KEY.public.kid
    payload = unb64((golden.FOLDER / "given.jwt").read_text().split(".")[1])
    assert run(show, folder).encode() == payload
    assert run(es256, folder) == "Signature Verified Successfully"


@needs_openssl
@pytest.mark.parametrize(("index", "token"), [(0, "given.jwt"), (3, "given.es256.jwt")])
def test_the_printed_commands_find_a_changed_token(folder: Path, index: int, token: str) -> None:
    header, payload, signature = (folder / token).read_text().split(".")
    changed = b64(unb64(payload).replace(b"written_release", b"written-release"))
    (folder / token).write_text(f"{header}.{changed}.{signature}")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(commands(STATEMENT)[index], folder)
    assert "Signature Verification Failure" in caught.value.stdout


@needs_openssl
def test_the_printed_command_gives_the_notices_digest(folder: Path) -> None:
    (digest,) = commands(NOTICE)
    named = golden.GIVEN.notice
    assert named is not None
    assert named.manifest is not None
    assert run(digest, folder) == b64(named.digest)
    assert run(digest.replace("notice.txt", "notice.manifest.json"), folder) == b64(named.manifest)
