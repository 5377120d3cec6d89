"""What a phone number hints at: area codes, shared calling codes, numbers without a place, and what is no number."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consentgate.consent.terms import JURISDICTION
from consentgate.errors import Misconfigured
from consentgate.policy import numbers
from consentgate.policy.numbers import Plan, jurisdictions, plan_from, shipped

HEAD = b"source test-1\n"


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("+12175550100", "US-IL"),
        ("+13125550123", "US-IL"),
        ("+14475550123", "US-IL"),  # an overlay of 2021
        ("+17305550123", "US-IL"),  # an overlay of 2023
        ("+18615550123", "US-IL"),  # of 2023 too, and not in the source
        ("+16215550123", "US-TX"),  # likewise, of 2025
        ("+17135550123", "US-TX"),  # the source names only the exchanges of this one
        ("+12035550123", "US-CT"),
        ("+12065550123", "US-WA"),
        ("+12125550123", "US-NY"),
        ("+12015550123", "US-NJ"),
        ("+12025550123", "US-DC"),
        ("+14165550123", "CA-ON"),
        ("+15145550123", "CA-QC"),
        ("+12575550123", "CA-BC"),
        ("+19025550123", "CA-NS CA-PE"),
        ("+18675550123", "CA-NT CA-NU CA-YT"),
        ("+17875550123", "PR"),
        ("+16715550123", "GU"),
        ("+13405550123", "VI"),
        ("+18765550123", "JM"),
        ("+16585550123", "JM"),
        ("+18095550123", "DO"),
        ("+12425550123", "BS"),
        ("+12225550123", "CA US"),  # nobody has 222
    ],
)
def test_area_codes_of_north_america(number: str, codes: str) -> None:
    assert jurisdictions(number) == tuple(codes.split())


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("+79161234567", "RU"),
        ("+77011234567", "KZ"),
        ("+76001234567", "KZ"),
        ("+442079460123", "GB"),
        ("+447400123456", "GB"),
        ("+441534456789", "JE"),
        ("+447797712345", "JE"),
        ("+441481256789", "GG"),
        ("+447781123456", "GG"),
        ("+447911123456", "GG"),
        ("+441624756789", "IM"),
        ("+447524123456", "IM"),
        ("+390612345678", "IT"),
        ("+393123456789", "IT"),
        ("+390669812345", "VA"),
        ("+4721234567", "NO"),
        ("+4740612345", "NO"),
        ("+4779123456", "SJ"),
        ("+61212345678", "AU"),
        ("+61412345678", "AU"),
        ("+61891621234", "CC"),
        ("+61891641234", "CX"),
        ("+35891234567", "FI"),
        ("+358412345678", "FI"),
        ("+358181234567", "AX"),
        ("+262262161234", "RE"),
        ("+262692123456", "RE"),
        ("+262269601234", "YT"),
        ("+262639012345", "YT"),
        ("+212520123456", "MA"),
        ("+212650123456", "MA"),
        ("+212528812345", "EH MA"),
        ("+212528912345", "EH MA"),
        ("+59994351234", "CW"),
        ("+5997151234", "BQ"),
        ("+5993181234", "BQ"),
        ("+5994161234", "BQ"),
        ("+590590912345", "GP"),
        ("+590590271234", "BL MF"),
        ("+29022158", "SH"),
        ("+2908999", "SH-TA"),
        ("+38344123456", "XK"),
        ("+33123456789", "FR"),
        ("+33912345678", "FR"),  # an internet number: it has a country, if no town
        ("+4915123456789", "DE"),
        ("+525512345678", "MX"),
        ("+5215512345678", "MX"),  # as mobile numbers were written until 2019
        ("+541123456789", "AR"),
        ("+5491123456789", "AR"),
        ("+85221234567", "HK"),
        ("+886221234567", "TW"),
    ],
)
def test_calling_codes_shared_or_not(number: str, codes: str) -> None:
    assert jurisdictions(number) == tuple(codes.split())


@pytest.mark.parametrize(
    "number",
    [
        *(f"+1{area}5550123" for area in (800, 822, 833, 844, 855, 866, 877, 888)),  # toll-free
        *(f"+1{area}5550123" for area in (900, 500, 521, 529, 533, 544, 566, 577, 588, 600, 622, 700, 710)),
        "+448001111111",  # toll-free
        "+448451234567",  # shared cost
        "+449012345678",  # premium
        "+447012345678",  # personal
        "+443031231234",  # company-wide
        "+447640123456",  # pager
        "+33801234567",
        "+498001234567",
        "+49900123456",
        "+39800123456",
        "+61131234567",
        "+80012345678",  # international toll-free
        "+80812345678",  # shared cost
        "+870773111632",  # satellites
        "+881612345678",
        "+882123456789",  # networks
        "+883510012345",
        "+88812345678",  # relief in disasters
        "+979123456789",  # premium
        "+878101234567",  # personal
    ],
)
def test_numbers_without_a_place_name_none(number: str) -> None:
    assert jurisdictions(number) == ()


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "13125550123", "+1 312 555 0123", "+1-312-555-0123", "tel:+13125550123", "+0123456789",
        "+1312555012", "+131255501234", "+13125550123\n", "\n+13125550123", "+1\uff13125550123", "+1312555\u0660123",
        "+19115550123", "+14115550123", "+10125550123", "+11125550123", "+12905550123", "+1234567890123456",
        "+44", "+4420794601234", "+2101234567", "+9991234567", "anonymous", "Restricted", "\ud800", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_number_names_nothing(text: str) -> None:
    assert jurisdictions(text) == ()


@given(st.one_of(st.text(), st.from_regex(r"\+[0-9]{0,20}", fullmatch=True), st.from_regex(r"\+1[0-9]{10}")))
@example("+1" + "9" * 13)
def test_any_text_gives_sorted_codes_or_none(text: str) -> None:
    codes = jurisdictions(text)
    assert list(codes) == sorted(set(codes))
    assert all(JURISDICTION.fullmatch(code) for code in codes)


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_the_longest_row_decides(number: str) -> None:
    plan = shipped()
    starts = [start for start in plan.places if number[1:].startswith(start)]
    if codes := jurisdictions(number):
        assert codes == plan.places[max(starts, key=len)]


def test_no_calling_code_begins_another() -> None:
    codes = shipped().lengths
    assert not [code for code in codes for other in codes if code != other and code.startswith(other)]
    assert codes.keys() <= shipped().places.keys()


def test_every_state_and_province_has_an_area_code() -> None:
    named = {code for places in shipped().places.values() for code in places}
    assert len([code for code in named if code.startswith("US-")]) == 51
    assert len([code for code in named if code.startswith("CA-")]) == 13


def test_the_table_says_what_it_was_made_from() -> None:
    assert re.fullmatch(r"phonenumbers-[0-9.]+", shipped().source)
    assert repr(shipped()) == f"Plan(source='{shipped().source}')"


def test_a_table_is_read_once() -> None:
    assert shipped() is shipped()


def test_rows_below_a_calling_code_are_its_own() -> None:
    plan = plan_from(HEAD + b"# note\n\n+1 10-10 CA US\n312 US-IL\n800 -\n+44 9-10 GB\n1534 JE\n")
    assert plan == Plan(
        source="test-1",
        lengths={"1": range(11, 12), "44": range(11, 13)},
        places={"1": ("CA", "US"), "1312": ("US-IL",), "1800": (), "44": ("GB",), "441534": ("JE",)},
    )
    assert plan.jurisdictions("+13125550123") == ("US-IL",)
    assert plan.jurisdictions("+3312345678") == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "its source"),
        (b"+1 10-10 US\n", "its source"),
        (HEAD + b"312 US-IL\n", "line 2 cannot be read"),
        (HEAD + b"+1 10-10 US\n312\n", "line 3 cannot be read"),
        (HEAD + b"+1 10-10 US\n312 us-il\n", "line 3 cannot be read"),
        (HEAD + b"+1 10-10 US\n312 US-IL US-IL\n", "line 3 cannot be read"),
        (HEAD + b"+1 10-10 US\n312 US-TX US-IL\n", "line 3 cannot be read"),
        (HEAD + b"+1 10-10 US\n312  US-IL\n", "line 3 cannot be read"),
        (HEAD + b"+1 ten US\n", "line 2 cannot be read"),
        (HEAD + b"+1 10-9 US\n", "line 2 cannot be read"),
        (HEAD + b"+1 10-10 US\n312 US-IL\n312 US-TX\n", "1312 stands in it twice"),
        (HEAD + b"+1 10-10 \xc3\x89\n", "plain text"),
    ],
)
def test_a_damaged_table_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        plan_from(data)


def test_a_missing_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "FILE", "missing.txt")
    with pytest.raises(Misconfigured, match="Install consentgate again"):
        shipped.__wrapped__()


def test_a_hidden_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pkgutil.get_data", lambda _package, _file: None)
    with pytest.raises(Misconfigured, match="hides it"):
        shipped.__wrapped__()


def test_the_table_is_plain_text_in_order() -> None:
    text = Path(numbers.__file__).with_name(numbers.FILE).read_text("ascii")
    codes = re.findall(r"^\+([0-9]+) ", text, re.MULTILINE)
    assert codes == sorted(codes)
