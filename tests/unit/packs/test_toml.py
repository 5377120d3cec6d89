import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import PackInvalid
from consentgate.packs.pack import Pack
from consentgate.packs.toml import load
from tests.unit.packs.texts import LAW, pack_text

ORAL = "oral_consent_ok = true\n"


def read(text: str, code: str = "XX") -> Pack:
    return load(text.encode(), file="world/XX.toml", code=code)


def refused(text: str) -> str:
    with pytest.raises(PackInvalid) as caught:
        read(text)
    return str(caught.value)


def test_a_field_that_is_not_stated_is_none() -> None:
    rules = read(pack_text("XX")).versions[0].rules
    assert rules.stated() == ()


def test_a_full_pack_is_read() -> None:
    pack = read(
        pack_text(
            "XX",
            'voiceprint_covered = "unclear"\nconsent_required = true\noral_consent_ok = false\n'
            'notice_elements = ["policy_url"]\n'
            'max_retention = [{ trigger = "last_interaction", within = "P3Y", cite = "s. 9" }]\n'
            'minors = { guardian_required_below = 15, kind = "statutory", cite = "s. 5" }\n',
            extra='[[basis]]\nrequirements = ["notice_elements"]\ncite = "s. 2"\nconfidence = "source-read"\n'
            '[[exemptions]]\nid = "bank"\ncite = "s. 7"\neffect = "banks"\n',
        )
    )
    version = pack.versions[0]
    assert version.rules.voiceprint_covered == "unclear"
    assert version.rules.oral_consent_ok == "no"
    assert version.rules.max_retention is not None
    assert version.rules.max_retention[0].within.months == 36
    assert {name: basis.citation for name, basis in version.bases.items()} == {
        "voiceprint_covered": "Act s. 1",
        "consent_required": "Act s. 1",
        "oral_consent_ok": "Act s. 1",
        "notice_elements": "s. 2",
        "max_retention": "Act s. 1",
        "minors": "s. 5",
    }
    assert len(pack.digest) == 64


def test_versions_are_found_by_day() -> None:
    head = "from = 2026-01-01\n"
    text = pack_text("XX", since="2026-01-01").replace(head, f"{head}to = 2026-06-30\n")
    pack = read(text + "[[versions]]\nfrom = 2026-08-01\n[versions.requirements]\n")
    found = [
        pack.in_force(day)
        for day in (
            pack.versions[0].since.replace(year=2025),
            pack.versions[0].since,
            pack.versions[0].until or pack.versions[0].since,
            pack.versions[0].since.replace(month=7),
            pack.versions[1].since,
        )
    ]
    assert found == [None, pack.versions[0], pack.versions[0], None, pack.versions[1]]


@pytest.mark.parametrize(
    ("requirements", "field"),
    [
        ("consent_requird = true", "versions[0].requirements.consent_requird"),
        ('consent_required = "yes"', "versions[0].requirements.consent_required"),
        ('consent_form = "oral"', "versions[0].requirements.consent_form"),
        ("consent_form = 1", "versions[0].requirements.consent_form"),
        ('oral_consent_ok = "maybe"', "versions[0].requirements.oral_consent_ok"),
        ("oral_consent_ok = []", "versions[0].requirements.oral_consent_ok"),
        ('notice_elements = "policy_url"', "versions[0].requirements.notice_elements"),
        ('notice_elements = ["colour"]', "versions[0].requirements.notice_elements"),
        ('notice_elements = ["policy_url", "policy_url"]', "versions[0].requirements.notice_elements"),
        ('notice_elements = [""]', "versions[0].requirements.notice_elements[0]"),
        (
            'notice_elements_conditional = [{ element = "policy_url", flag = "rain" }]',
            "versions[0].requirements.notice_elements_conditional[0].flag",
        ),
        (
            'notice_elements_conditional = [{ element = "x", flag = "has_dpo" }]',
            "versions[0].requirements.notice_elements",
        ),
        (
            'max_retention = [{ trigger = "last_interaction", within = "3 years" }]',
            "versions[0].requirements.max_retention[0].within",
        ),
        (
            'max_retention = [{ trigger = "last_interaction", within = 3 }]',
            "versions[0].requirements.max_retention[0].within",
        ),
        ('max_retention = [{ within = "P1D" }]', "versions[0].requirements.max_retention[0].trigger"),
        ("minors = 15", "versions[0].requirements.minors"),
        (
            'minors = { guardian_required_below = 0, kind = "none" }',
            "versions[0].requirements.minors.guardian_required_below",
        ),
        (
            'minors = { guardian_required_below = true, kind = "none" }',
            "versions[0].requirements.minors.guardian_required_below",
        ),
        ("consent_required = true", "versions[0].requirements.oral_consent_ok"),
        ('consent_form = "written_release"', "versions[0].requirements.electronic_signature_ok"),
    ],
)
def test_a_bad_requirement_is_refused_with_file_field_and_cure(requirements: str, field: str) -> None:
    message = refused(pack_text("XX", requirements))
    assert message.startswith(f"world/XX.toml: {field}: ")
    assert message.endswith(".")


RULE = '[[versions.conditional_rules]]\nid = "r"\nlevel = "law"\ncite = "s. 1"\n'
HEAD = "[versions.requirements]\n"
EXEMPTION = '[[exemptions]]\nid = "a"\ncite = "1"\neffect = "e"\n'
SECOND = f"[[versions]]\nfrom = 2001-01-01\n{HEAD}"
BASIS = '[[basis]]\nrequirements = ["x"]\ncite = "s."\nconfidence = "source-read"\n'
WHEN = RULE + 'purpose_in = ["x"]\n'
BOTH = WHEN + "applies = false\nrequire = { prohibited = true }\n"
TWICE = WHEN + 'controller_type_not_in = ["x"]\napplies = false\n'
RELEASE = WHEN + 'require = { consent_form = "written_release" }\n'


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("format = 1", "format = 2", "format"),
        ('code = "XX"', 'code = "YY"', "code"),
        ("tier = 1\n", "", "tier"),
        ("tier = 1\n", 'tier = 1\nnotes = ""\n', "notes"),
        ('name = "XX"', 'name = " "', "name"),
        ('kind = "country"', 'kind = "planet"', "kind"),
        ("parents = []", 'parents = ["XX"]', "parents"),
        ("from = 2000-01-01", 'from = "2000-01-01"', "versions[0].from"),
        ("from = 2000-01-01", "from = 2000-01-01T00:00:00Z", "versions[0].from"),
        ("from = 2000-01-01", "from = 2000-01-01\nto = 1999-01-01", "versions[0].to"),
        (LAW, "laws = []\n", "laws"),
        (HEAD, "", "versions[0].requirements"),
        (HEAD, HEAD + SECOND, "versions[1].from"),
        (HEAD, HEAD + BASIS, "basis[0].requirements"),
        (HEAD, HEAD + EXEMPTION + EXEMPTION.replace("1", "2"), "exemptions"),
        (HEAD, HEAD + EXEMPTION + EXEMPTION, "exemptions"),
        (HEAD, HEAD + RULE, "versions[0].conditional_rules[0]"),
        (HEAD, HEAD + WHEN, "versions[0].conditional_rules[0]"),
        (HEAD, HEAD + BOTH, "versions[0].conditional_rules[0]"),
        (HEAD, HEAD + TWICE, "versions[0].conditional_rules[0]"),
        (HEAD, HEAD + RELEASE, "versions[0].conditional_rules[0].require.electronic_signature_ok"),
    ],
)
def test_a_bad_pack_is_refused_with_file_field_and_cure(old: str, new: str, field: str) -> None:
    text = pack_text("XX")
    assert old in text
    assert refused(text.replace(old, new)).startswith(f"world/XX.toml: {field}: ")


def test_versions_are_needed() -> None:
    text = pack_text("XX").split("[[versions]]")[0].replace("tier = 1\n", "tier = 1\nversions = []\n")
    assert "versions: write at least one" in refused(text)


GOOD = pack_text("XX", "prohibited = true\n")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the whole file|format: it is missing"),
        (b"\xff", "the whole file: save it as UTF-8"),
        (GOOD.encode("utf-16"), "the whole file: save it as UTF-8"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "the whole file: correct the TOML"),
        (b"a = ", "the whole file: correct the TOML"),
        (b"a = " + b"[" * 5000, "the whole file: correct the TOML"),
        (b"a = " + b"9" * 5000, "the whole file: correct the TOML"),
        (
            b"[" + b"a." * 20_000 + b"a]",
            "the whole file: correct the TOML|a: no such field|format: it is missing",
        ),
        (b"#" * 65_537, "the whole file: it has more than 65536 bytes"),
        (GOOD.replace("tier = 1", "tier = 1\ntier = 1").encode(), "the whole file: correct the TOML"),
        (
            GOOD.replace("prohibited = true", "prohibited = true\nprohibited = false").encode(),
            "the whole file: correct",
        ),
        (
            GOOD.replace(
                "[versions.requirements]", "[versions.requirements]\n[versions.requirements]"
            ).encode(),
            "the whole",
        ),
        (GOOD.replace("from = 2000-01-01", "from = 2000-02-30").encode(), "the whole file: correct the TOML"),
        (GOOD.replace("from = 2000-01-01", "from = 12:00:00").encode(), r"versions\[0\].from: write a day"),
        (GOOD.replace("tier = 1", "tier = nan").encode(), "tier: write a whole number"),
        (GOOD.replace("tier = 1", "tier = 1.0").encode(), "tier: write a whole number"),
        (GOOD.replace("tier = 1", "tier = -1").encode(), "tier: write a whole number"),
        (GOOD[: len(GOOD) // 2].encode(), "the whole file: correct the TOML|.*: it is missing"),
        (GOOD.encode()[:-25], "the whole file: correct the TOML"),
    ],
)
def test_what_is_no_whole_pack_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(PackInvalid, match=rf"^x\.toml: ({says})"):
        load(data, file="x.toml", code="XX")


def test_a_pack_that_is_cut_anywhere_is_refused_or_is_one_that_says_less() -> None:
    text = GOOD + BASIS.replace('"x"', '"prohibited"') + EXEMPTION
    whole = read(text)
    for end in range(len(text)):
        try:
            cut = load(text[:end].encode(), file="x.toml", code="XX")
        except PackInvalid:
            continue  # any other error would end the test
        assert cut.code == whole.code
        assert cut.digest != whole.digest


@given(st.text(max_size=80))
def test_only_pack_invalid_escapes(text: str) -> None:
    with pytest.raises(PackInvalid):
        load(text.encode("utf-8", "surrogatepass"), file="x", code="XX")
