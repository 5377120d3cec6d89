"""A comparison shows what only one side says with one line, and cases of the same outcome at once."""

from datetime import date

import click

from consentgate.cli.compared import shown
from consentgate.config.comparing import compare
from tests.unit.config.test_comparing import PACK, set_of


def test_what_is_dropped_has_no_second_line() -> None:
    first, second = set_of({"XA": PACK}), set_of({"XA": PACK.replace("notice_elements = []\n", "")})
    text = click.unstyle(shown(first, second, compare(first, second, None, date(2026, 11, 22))).text)
    assert "      - nothing (Act 1)" in text
    assert "      + " not in text


def test_cases_that_turn_alike_are_said_at_once() -> None:
    first = set_of({"XA": PACK})
    second = set_of(
        {"XA": PACK.replace("oral_consent_ok = true", "oral_consent_ok = true\nprohibited = true")}
    )
    text = click.unstyle(shown(first, second, compare(first, second, None, date(2026, 11, 22))).text)
    joined = " ".join(text.split())
    assert "XA 2026-11-22: signed on the web, signed on paper" in joined
    assert joined.count("+ denied; PROHIBITED_BY_LAW") < joined.count(", ")
