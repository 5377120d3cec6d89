import pytest

from consentgate.consent import terms
from consentgate.consent.terms import ConsentForm, Method, SignatureKind
from consentgate.errors import InvalidInput


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("web_esign", "electronic"),
        ("ivr_dtmf", "electronic"),
        ("paper", "wet"),
        ("web_form", "none"),
        ("voice_recording", "none"),
        ("verbal_unrecorded", "none"),
        ("import", "none"),
    ],
)
def test_a_method_leaves_its_signature(method: Method, kind: SignatureKind) -> None:
    assert terms.signature_of(method) == kind
    assert terms.signature_of("import", method) == kind
    assert terms.signature_of(method, "paper") == ("wet" if method == "import" else kind)


@pytest.mark.parametrize(
    ("form", "term"),
    [
        ("none", None),
        ("notice_only", "https://w3id.org/dpv#ImpliedConsent"),
        ("opt_in", "https://w3id.org/dpv#ExpressedConsent"),
        ("explicit", "https://w3id.org/dpv#ExplicitlyExpressedConsent"),
        ("written_release", "https://w3id.org/dpv#ExplicitlyExpressedConsent"),
    ],
)
def test_a_form_has_its_dpv_type(form: ConsentForm, term: str | None) -> None:
    assert terms.consent_type_of(form) == term


def test_a_closed_list_is_closed() -> None:
    assert terms.check_term("paper", terms.METHODS, "method") == "paper"
    with pytest.raises(InvalidInput, match="method is none of"):
        terms.check_term("Paper", terms.METHODS, "method")


@pytest.mark.parametrize(
    "values", [["a"], "a", ("a", "a"), ("",), (None,), tuple(f"w{i}" for i in range(65))]
)
def test_lists_of_words_are_tuples_without_doubles(values: object) -> None:
    with pytest.raises(InvalidInput):
        terms.check_forms(values, terms.WORD, "purposes")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("code", ["US", "US-IL", "US-NY-NYC", "US-OR-PDX", "EEA", "GB"])
def test_codes_of_places_fit(code: str) -> None:
    terms.check_form(code, terms.JURISDICTION, "jurisdictions")


@pytest.mark.parametrize("language", ["en", "en-US", "zh-Hant-TW", "es-419"])
def test_languages_fit(language: str) -> None:
    terms.check_form(language, terms.LANGUAGE, "language")


def test_texts_are_bounded_unicode() -> None:
    terms.check_text("Müller & 田中 😀", "name")
    terms.check_text("two\nlines", "name", controls=True)
    for text in ("", "x" * 1025, "a\nb", "\x7f", "\udc00", None):
        with pytest.raises(InvalidInput, match="name"):
            terms.check_text(text, "name")  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33), "A" * 32, None])
def test_digests_are_32_bytes(digest: object) -> None:
    with pytest.raises(InvalidInput):
        terms.check_digest(digest, "digest")  # type: ignore[arg-type]  # the point
