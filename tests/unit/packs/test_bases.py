from datetime import date

from consentgate.packs.bases import UNCITED
from consentgate.packs.pack import Basis, Pack
from consentgate.packs.toml import load
from tests.unit.packs.texts import LAW, pack_text

TWO = (
    'consent_required = true\noral_consent_ok = true\ncall_recording_consent = "all_party"\n'
    'minors = { guardian_required_below = 15, kind = "statutory", cite = "s. 5" }\n'
)


def read(text: str) -> Pack:
    return load(text.encode(), file="world/XX.toml", code="XX")


def citations(text: str, version: int = 0) -> dict[str, str]:
    return {name: basis.citation for name, basis in read(text).versions[version].bases.items()}


def law(name: str, more: str = "") -> str:
    return f'[[laws]]\nname = "{name}"\ncitation = "{name} s. 1"\nstatus = "in_force"\n{more}'


def source(name: str, confidence: str) -> str:
    return f'[[basis]]\nrequirements = ["{name}"]\ncite = "s. 2"\nconfidence = "{confidence}"\n'


def test_the_finest_citation_wins() -> None:
    text = pack_text(
        "XX", TWO, extra=source("minors", "from-knowledge") + source("oral_consent_ok", "source-read")
    )
    assert citations(text) == {
        "consent_required": "Act s. 1",
        "oral_consent_ok": "s. 2",
        "minors": "s. 5",
        "call_recording_consent": "Act s. 1",
    }


def test_a_law_about_some_requirements_is_cited_for_these_alone() -> None:
    wiretap = law("Wiretap", 'requirements = ["call_recording_consent"]\n')
    cited = citations(pack_text("XX", TWO).replace(LAW, LAW + wiretap))
    assert cited["call_recording_consent"] == "Wiretap s. 1"
    assert cited["consent_required"] == "Act s. 1"


def test_where_no_law_is_named_the_citation_says_so() -> None:
    wiretap = law("Wiretap", 'requirements = ["call_recording_consent"]\n')
    pack = read(pack_text("XX", TWO).replace(LAW, wiretap))
    assert pack.versions[0].bases["consent_required"] == Basis(
        pack="XX", citation=UNCITED, confidence="from-knowledge"
    )


def test_a_law_is_cited_only_for_times_in_which_it_was_in_force() -> None:
    old, new = law("Old", "in_force_to = 2009-12-31\n"), law("New", "in_force_from = 2010-01-01\n")
    text = pack_text("XX", "prohibited = false\n").replace(LAW, old + new + law("Ever"))
    text = text.replace("from = 2000-01-01", "from = 2000-01-01\nto = 2009-12-31")
    text += "[[versions]]\nfrom = 2010-01-01\n[versions.requirements]\nprohibited = false\n"
    assert citations(text) == {"prohibited": "Old s. 1; Ever s. 1"}
    assert citations(text, 1) == {"prohibited": "New s. 1; Ever s. 1"}
    assert read(text).in_force(date(2009, 12, 31)) is not None


def test_a_basis_says_how_sure_it_is() -> None:
    head = 'uncertain_fields = ["minors (null: see prohibited)", "consent_required and oral_consent_ok", "dates"]\n'
    text = pack_text("XX", TWO, extra=source("call_recording_consent", "from-knowledge"))
    pack = read(text.replace("parents = []", head + "parents = []"))
    found = {name: (each.confidence, each.uncertain) for name, each in pack.versions[0].bases.items()}
    assert found == {
        "consent_required": ("source-read", True),
        "oral_consent_ok": ("source-read", True),
        "minors": ("source-read", True),
        "call_recording_consent": ("from-knowledge", False),
    }
    assert pack.uncertain("minors") == ("minors (null: see prohibited)",)
    assert pack.uncertain("prohibited") == ()


def test_all_fields_may_be_uncertain() -> None:
    head = 'uncertain_fields = ["all requirement fields (text not read)"]\n'
    pack = read(pack_text("XX", TWO).replace("parents = []", head + "parents = []"))
    assert pack.uncertain("prohibited") == ("all requirement fields (text not read)",)
    assert all(basis.uncertain for basis in pack.versions[0].bases.values())
