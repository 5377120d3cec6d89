"""RFC 8785 vectors: byte-equal where they lie in our profile, clearly refused where they do not."""

import pytest

from consentgate import canonical
from consentgate.errors import InvalidInput, Malformed
from tests.vectors import published

pytestmark = pytest.mark.vectors


@pytest.mark.parametrize("name", ["arrays", "unicode"])
def test_vectors_in_the_profile_are_met_byte_for_byte(name: str) -> None:
    value = canonical.decode(published.path(f"jcs-rfc8785/input/{name}.json").read_bytes())
    expected = bytes.fromhex(published.path(f"jcs-rfc8785/outhex/{name}.txt").read_text())
    assert canonical.encode(value) == expected
    assert canonical.decode_canonical(expected) == value
    assert canonical.decode_canonical(published.path(f"jcs-rfc8785/output/{name}.json").read_bytes()) == value


@pytest.mark.parametrize("name", ["french", "weird"])
def test_vectors_with_other_member_names_are_json_but_refused(name: str) -> None:
    expected = bytes.fromhex(published.path(f"jcs-rfc8785/outhex/{name}.txt").read_text())
    value = canonical.decode(expected)
    with pytest.raises(InvalidInput, match="printable ASCII"):
        canonical.encode(value)
    with pytest.raises(Malformed, match="profile"):
        canonical.decode_canonical(expected)


@pytest.mark.parametrize("name", ["structures", "values"])
def test_vectors_with_fractions_are_refused(name: str) -> None:
    data = published.path(f"jcs-rfc8785/input/{name}.json").read_bytes()
    with pytest.raises(Malformed):
        canonical.decode(data)
    with pytest.raises(InvalidInput):
        canonical.encode(canonical.decode(data, floats=True))


def test_values_without_the_fractions_are_met_byte_for_byte() -> None:
    value = published.load("jcs-rfc8785/input/values.json")
    del value["numbers"]
    output = published.path("jcs-rfc8785/output/values.json").read_bytes()
    before, _, rest = output.partition(b',"numbers":')
    assert canonical.encode(value) == before + rest[rest.index(b',"string":') :]
