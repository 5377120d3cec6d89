import pytest

from consentgate.consent.reference import Reference
from consentgate.errors import InvalidInput


@pytest.mark.parametrize("value", ["+13125550123", "+4930901820", "+1234567", "+123456789012345"])
def test_phones_are_e164(value: str) -> None:
    assert Reference(kind="phone", value=value).value == value


@pytest.mark.parametrize(
    "value",
    [
        "13125550123",
        "+03125550123",
        "+1 312 555 0123",
        "+1-312",
        "+123456",
        "+1234567890123456",
        "+١٢٣٤٥٦٧٨",
        "+13125550123\n",
        "tel:+13125550123",
        "",
    ],
)
def test_other_phones_are_refused_without_repeating_them(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Reference(kind="phone", value=value)
    assert not value or value not in str(caught.value)


def test_other_values_are_taken_byte_for_byte() -> None:
    values = [" a", "a", "A", "a ", "é", "e\u0301", "\x00", "x" * 256]
    assert len({Reference(kind="customer", value=value) for value in values}) == len(values)
    for value in values:
        assert Reference(kind="customer", value=value).value == value


@pytest.mark.parametrize("value", ["", "x" * 257, "\ud800", None, 7])
def test_values_that_are_no_texts_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        Reference(kind="customer", value=value)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    "kind", ["", "Customer", ":call", ":key", "1st", "_x", "a-b", "a" * 33, "é", "phone\n"]
)
def test_kinds_are_words_and_never_reserved(kind: str) -> None:
    with pytest.raises(InvalidInput):
        Reference(kind=kind, value="x")


def test_the_repr_hides_the_value() -> None:
    assert repr(Reference(kind="customer", value="C-1001")) == "Reference(kind='customer')"
