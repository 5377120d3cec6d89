"""The table of telephone numbers that is shipped: what the tool makes of its pinned source, and nothing else."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from consentgate.packs.packset import shipped as packs
from consentgate.policy.numbers import jurisdictions, shipped

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "consentgate" / "policy" / "numbers.txt"


def made(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/numbers.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_table_is_what_the_tool_makes_of_its_source(tmp_path: Path) -> None:
    done = made(str(tmp_path / "numbers.txt"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "numbers.txt").read_bytes() == TABLE.read_bytes()


def test_the_table_names_the_release_that_is_pinned() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    [pinned] = [each for each in groups["test"] if isinstance(each, str) and each.startswith("phonenumbers")]
    assert pinned == f"phonenumbers=={version('phonenumbers')}"
    assert shipped().source == pinned.replace("==", "-")


def test_whose_data_it_is_stands_in_the_notice_and_in_the_table() -> None:
    owner = "The Libphonenumber Authors"
    assert owner in (ROOT / "NOTICE").read_text("utf-8")
    assert owner in TABLE.read_text("ascii")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert "NOTICE" in project["license-files"]


@pytest.mark.parametrize("arguments", [(), ("one", "two")])
def test_without_a_file_the_tool_says_how_it_is_used(arguments: tuple[str, ...]) -> None:
    done = made(*arguments)
    assert (done.returncode, done.stderr) == (
        2, "Usage: ``python tools/numbers.py consentgate/policy/numbers.txt``\n"
    )  # fmt: skip


PEOPLE = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.VOIP)
SERVICES = (
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
)
# Services on area codes of the Caribbean; and services that only the length tells from people's numbers.
SERVICES_WITH_A_PLACE = {
    "AG", "AI", "BB", "BS", "TT",
    "DE", "IE", "IT", "JP", "LB", "MY", "PM", "VU",
}  # fmt: skip


def samples(kinds: tuple[int, ...]) -> list[tuple[str, str]]:
    """Numbers that the source itself gives as examples, and whose they are by its own search."""
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in kinds:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                owner = phonenumbers.region_code_for_number(number)
                found.append((owner or "", phonenumbers.format_number(number, PhoneNumberFormat.E164)))
    return found


def test_peoples_numbers_are_where_the_source_has_them() -> None:
    people = samples(PEOPLE)
    assert len(people) > 500
    for owner, number in people:
        # The source counts two parts of Saint Helena as countries, and Canada's numbers without a place as people's.
        parts = {part for code in jurisdictions(number) for part in code.split("-")}
        assert owner in parts or number.startswith("+1600"), number


def test_numbers_of_services_have_no_place() -> None:
    services = samples(SERVICES)
    assert len(services) > 400
    placed = {(owner, jurisdictions(number)) for owner, number in services if jurisdictions(number)}
    assert {owner for owner, _ in placed} == SERVICES_WITH_A_PLACE
    assert all(codes == (owner,) for owner, codes in placed)


def test_every_country_state_and_province_that_has_a_pack_has_numbers() -> None:
    named = {code for places in shipped().places.values() for code in places}
    known = {code for code in packs().codes if not packs().pack(code).is_group and code.count("-") < 2}
    # The United States and Canada have the numbers that no state or province has.
    assert known <= named
