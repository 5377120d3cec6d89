"""What the pages say about the edges of this version: what fails, what is refused, what is not there."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click
import pytest

from consentgate import ConsentGate
from consentgate.cli.main import root
from consentgate.consent.statement import TYP, Statement, claims, from_claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey, generate_signing_key
from consentgate.errors import ClockSkew, UnknownNotice
from tests.functional.docs.pages import ROOT, pages, text_of
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

ISS = "https://web.acme.example"


@pytest.fixture
def outside(world: World) -> tuple[SigningKey, Statement]:
    """A key of another issuer, and the claims of a grant that it may sign."""
    key = generate_signing_key()
    world.gate.add_issuer(ISS, name="Web", key=key.public)
    token = world.ivr.grant(world.caller(), notice="voiceprint", method="web_esign").token
    return key, replace(from_claims(jws.parse(token, typ=TYP).payload), issuer=ISS)


def signed(key: SigningKey, statement: Statement) -> str:
    return jws.sign(claims(statement), key=key, typ=TYP)


@pytest.mark.parametrize("other", [{"version": "1999-01"}, {"digest": bytes(32)}, {"manifest": bytes(32)}])
def test_grant_for_an_unknown_notice_is_refused(
    world: World, outside: tuple[SigningKey, Statement], other: dict[str, Any]
) -> None:
    key, grant = outside
    assert grant.notice is not None
    with pytest.raises(UnknownNotice):
        world.gate.ingest(signed(key, replace(grant, notice=replace(grant.notice, **other))))
    assert world.gate.ingest(signed(key, grant)).new


def test_grant_from_the_future_is_refused_and_a_withdrawal_is_taken(
    world: World, outside: tuple[SigningKey, Statement]
) -> None:
    key, grant = outside
    soon, late = world.clock() + timedelta(seconds=5), world.clock() + timedelta(seconds=6)
    with pytest.raises(ClockSkew):
        world.gate.ingest(signed(key, replace(grant, event_time=late)))
    assert world.gate.ingest(signed(key, replace(grant, event_time=soon))).new
    withdrawn = Statement(
        issuer=ISS,
        id="later",
        issued_at=world.clock(),
        references=grant.references,
        state="ConsentWithdrawn",
        event_time=late,
        method="web_form",
    )
    assert world.gate.withdraw(signed(key, withdrawn)).new
    world.register("tx-1", world.caller())
    assert world.denial("tx-1") == ["CONSENT_WITHDRAWN"]


def test_every_code_of_the_page_of_reasons_is_given_somewhere() -> None:
    source = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "consentgate").rglob("*.py")
        if path.relative_to(ROOT).as_posix() != "consentgate/policy/reasons.py"
    )
    codes = re.findall(r"^\| `([A-Z_]+)` \|", text_of("docs/reference/reasons.md"), re.MULTILINE)
    assert len(codes) > 40
    assert [code for code in codes if f'"{code}"' not in source] == []


def test_what_the_page_misses_is_not_there() -> None:
    assert not {"erase", "hold"} & {*dir(ConsentGate)}
    assert not {"erase", "hold"} & root.commands.keys()


def command_of(words: list[str]) -> click.Command | None:
    found: click.Command | None = root
    for word in words:
        if not isinstance(found, click.Group):
            break
        found = found.commands.get(word)
    return found


@pytest.mark.parametrize("page", pages())
def test_commands_that_a_page_names_exist(page: str) -> None:
    for line in re.findall(r"(?:`|bin/)consentgate (?!part v1|tag v1)([a-z][^`\n]*)", text_of(page)):
        words = re.match(r"[a-z ]*", line)
        assert words is not None
        command = command_of([word for word in words.group(0).split() if word.islower()])
        assert command is not None, line
        assert not isinstance(command, click.Group) or line.split()[0] in root.commands
        options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        assert {*re.findall(r"--[a-z-]+", line)} <= options | {"--help"}, line
