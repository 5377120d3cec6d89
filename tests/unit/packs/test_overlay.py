"""A deployment's files on a set: what tightens is taken, what loosens is refused with field and pack."""

from datetime import date
from hashlib import sha256

import pytest

from consentgate.errors import PackInvalid
from consentgate.packs.overlay import overlaid
from consentgate.packs.pack import Basis, Version
from consentgate.packs.packset import PackSet, kept
from tests.unit.packs.texts import pack_set, pack_text

BASIS = '[[basis]]\nrequirements = ["%s"]\ncite = "House rule 7"\nconfidence = "source-read"\n'
RULE = '[[versions.conditional_rules]]\nid = "%s"\nlevel = "law"\ncite = "s. 9"\npurpose_in = ["fraud"]\n'
RULES = (
    "consent_required = true\noral_consent_ok = true\nseparate_consent = true\n"
    'consent_form = "explicit"\nelectronic_signature_ok = true\nnotice_elements = ["policy_url"]\n'
)


def base(*more: str) -> PackSet:
    return pack_set(
        pack_text(
            "GG", kind="group", requirements='minors = { guardian_required_below = 20, kind = "statutory" }'
        ),
        pack_text("TT", 'minors = { guardian_required_below = 13, kind = "statutory" }'),
        pack_text("XX", RULES, parents=("TT",)),
        *more,
    )


def over(
    requirements: str = "", *, head: str = "", since: str = "2026-01-01", to: str = "", cited: str = ""
) -> bytes:
    names = [line.partition(" = ")[0] for line in requirements.splitlines() if line[:1].isalpha()]
    until = f"to = {to}\n" if to else ""
    version = f"[[versions]]\nfrom = {since}\n{until}[versions.requirements]\n{requirements}\n"
    sources = cited or "".join(BASIS % name for name in names)
    return f'format = 1\ncode = "XX"\n{head}{version if requirements else ""}{sources}'.encode()


def under(data: bytes, packs: PackSet | None = None) -> PackSet:
    return overlaid(packs or base(), {"XX.toml": data})


def spans(packs: PackSet, code: str = "XX") -> list[tuple[str, str | None]]:
    return [(str(v.since), str(v.until) if v.until else None) for v in packs.pack(code).versions]


def on(packs: PackSet, day: str, code: str = "XX") -> Version:
    version = packs.pack(code).in_force(date.fromisoformat(day))
    assert version is not None
    return version


def refused(data: bytes, packs: PackSet | None = None, file: str = "XX.toml") -> str:
    with pytest.raises(PackInvalid) as caught:
        overlaid(packs or base(), {file: data})
    return str(caught.value)


def test_an_overlay_asks_for_more_in_its_time_only() -> None:
    packs = under(over("notice_in_writing = true", to="2026-06-30"))
    assert spans(packs) == [("2000-01-01", "2025-12-31"), ("2026-01-01", "2026-06-30"), ("2026-07-01", None)]
    asked = [on(packs, day).rules.notice_in_writing for day in ("2025-12-31", "2026-01-01", "2026-07-01")]
    assert asked == [None, True, None]
    before = base().pack("XX").versions[0]
    assert on(packs, "2025-12-31").rules == on(packs, "2026-07-01").rules == before.rules


def test_what_the_overlay_asks_for_names_where_it_comes_from() -> None:
    bases = on(
        under(over('notice_in_writing = true\nnotice_elements = ["policy_url", "legal_basis"]')), "2026-01-01"
    ).bases
    assert bases["notice_in_writing"] == Basis(
        pack="XX", citation="overlay: House rule 7", confidence="source-read"
    )
    assert bases["notice_elements"].citation == "Act s. 1; overlay: House rule 7"
    assert bases["consent_form"].citation == "Act s. 1"
    unasked = pack_set(pack_text("XX", "notice_in_writing = false"))
    house = on(under(over("notice_in_writing = true"), unasked), "2026-01-01").bases["notice_in_writing"]
    assert house.citation == "overlay: House rule 7"
    own = over('minors = { guardian_required_below = 18, kind = "house", cite = "House rule 8" }', cited=" ")
    assert on(under(own), "2026-01-01").bases["minors"].citation == "overlay: House rule 8"


def test_an_overlay_may_reach_beyond_the_versions_of_the_pack() -> None:
    late = pack_text("YY", "prohibited = false", since="2027-01-01").encode()
    packs = overlaid(
        pack_set(late.decode()),
        {"a/YY.toml": over("notice_in_writing = true").replace(b'"XX"', b'"YY"')},
    )
    assert spans(packs, "YY") == [("2026-01-01", "2026-12-31"), ("2027-01-01", None)]
    assert on(packs, "2026-01-01", "YY").rules.stated() == ("notice_in_writing",)
    assert on(packs, "2027-01-01", "YY").rules.stated() == ("notice_in_writing", "prohibited")


def test_where_neither_is_in_force_nothing_is() -> None:
    text = pack_text("XX", "prohibited = false").replace(
        "from = 2000-01-01", "from = 2000-01-01\nto = 2000-12-31"
    )
    assert spans(under(over("prohibited = true"), pack_set(text))) == [
        ("2000-01-01", "2000-12-31"),
        ("2026-01-01", None),
    ]


def test_an_overlay_may_last_until_the_end_of_time() -> None:
    packs = under(over("notice_in_writing = true", to="9999-12-31"))
    assert spans(packs) == [("2000-01-01", "2025-12-31"), ("2026-01-01", "9999-12-31")]


def test_the_digest_covers_the_set_below_and_every_file() -> None:
    first, again, other = (
        under(over(text))
        for text in ("notice_in_writing = true", "notice_in_writing = true", "prohibited = true")
    )
    assert first.digest == again.digest
    assert len({first.digest, other.digest, base().digest}) == 3
    assert first.pack("XX").digest != base().pack("XX").digest
    assert first.pack("TT").digest == base().pack("TT").digest
    assert (first.overlaid, base().overlaid) == (("XX",), ())
    assert first.pack("XX").overlay == "overlay/XX.toml"


def test_an_overlaid_set_is_opened_again_from_what_was_kept() -> None:
    packs = under(over("notice_in_writing = true"))
    stored = {sha256(data).digest(): data for data in (*packs.files().values(), packs.index)}
    again = kept(stored[packs.digest], stored.get)
    assert again.digest == packs.digest
    assert [again.pack(code) for code in again.codes] == [packs.pack(code) for code in packs.codes]
    assert again.overlaid == ("XX",)


@pytest.mark.parametrize(
    ("requirements", "says"),
    [
        (
            "separate_consent = false",
            "requirements.separate_consent: it would ask for less than XX does in the version from 2000-01-01; write",
        ),
        ('consent_form = "opt_in"', "requirements.consent_form: it would ask for less than XX does"),
        ("notice_elements = []", "requirements.notice_elements: it would ask for less than XX does"),
        (
            'minors = { guardian_required_below = 16, kind = "house" }',
            "requirements.minors: it would ask for less than XX does",
        ),
        ('consent_basis = "statute"', "requirements.consent_basis: it is only shown"),
        ("notice_in_writing = 1", "requirements.notice_in_writing: write true or false."),
        ("colour = true", "requirements.colour: no such field"),
        (
            'notice_elements = ["policy_url", "colour"]',
            "requirements.notice_elements: colour is no notice element",
        ),
    ],
)
def test_what_loosens_or_cannot_be_read_is_refused(requirements: str, says: str) -> None:
    assert refused(over(requirements)).startswith(f"overlay/XX.toml: versions[0].{says}")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff", "the whole file: save it as UTF-8."),
        (b"format = ", "the whole file: correct the TOML"),
        (b"#" * 70_000, "the whole file: it has more than 65536 bytes"),
        (b'code = "XX"', "format: it is missing"),
        (b'format = 2\ncode = "XX"', "format: write 1"),
        (b'format = 1\ncode = "TT"', "code: the file's name says XX."),
        (b'format = 1\ncode = "XX"', "the whole file: ask for something"),
        (b'format = 1\ncode = "XX"\nname = "X"', "name: no such field"),
        (
            b'format = 1\ncode = "XX"\n[[exemptions]]\nid = "bank"',
            "exemptions: an overlay adds no exemptions to XX; claim",
        ),
        (
            over("notice_in_writing = true", cited=" "),
            "versions[0].requirements.notice_in_writing: say where it comes from",
        ),
        (
            over("notice_in_writing = true", cited=BASIS % "colour"),
            "basis[0].requirements: colour is no requirement",
        ),
        (
            over("notice_in_writing = true", to="2025-01-01"),
            "versions[0].to: the last day lies before the first",
        ),
        (
            over("notice_in_writing = true") + b"[[versions]]\nfrom = 2027-01-01\n[versions.requirements]\n",
            "versions[1].from: begin after",
        ),
        (over(" "), "versions[0].requirements: ask for something"),
        (over(head='parents = ["TT"]\n'), "parents[0]: TT is there already"),
        (over(head='parents = ["ZZ"]\n'), "parents: no pack has the code ZZ"),
        (over(head='groups = ["ZZ"]\n'), "groups: no pack has the code ZZ"),
        (over(head='parents = ["XX"]\n'), "parents[0]: a jurisdiction is not above itself"),
    ],
)
def test_a_bad_overlay_is_refused_with_file_field_and_cure(data: bytes, says: str) -> None:
    assert refused(data).startswith(f"overlay/XX.toml: {says}")


def test_parents_and_groups_are_added() -> None:
    more = (pack_text("HH", "prohibited = true"), pack_text("KK", kind="group"))
    packs = under(over(head='parents = ["HH"]\ngroups = ["KK"]\n'), base(*more))
    assert (packs.pack("XX").parents, packs.pack("XX").groups) == (("TT", "HH"), ("KK",))
    assert [each.code for each in packs.above("XX")] == ["XX", "TT", "HH", "KK"]
    assert packs.pack("XX").versions == base().pack("XX").versions


def test_remarks_are_added() -> None:
    asked = over("prohibited = true", head='notes = "Since the audit."\n')
    assert under(asked).pack("XX").notes == "overlay: Since the audit."
    noted = pack_text("XX").replace("tier = 1", 'tier = 1\nnotes = "Old law."')
    assert under(asked, pack_set(noted)).pack("XX").notes == "Old law. overlay: Since the audit."
    assert under(over("prohibited = true"), pack_set(noted)).pack("XX").notes == "Old law."


def test_a_parent_that_would_lower_the_age_is_refused() -> None:
    low = pack_text("LL", 'minors = { guardian_required_below = 16, kind = "statutory" }')
    assert refused(over(head='parents = ["LL"]\n'), base(low)) == (
        "overlay/XX.toml: parents: LL has a guardian below 16 only, which would stand for XX where 18 may have "
        "stood so far; leave LL out."
    )
    high = pack_text("LL", 'minors = { guardian_required_below = 18, kind = "statutory" }')
    assert "LL" in under(over(head='parents = ["LL"]\n'), base(high)).pack("XX").parents


def test_a_parent_does_not_become_a_group() -> None:
    assert "groups: TT is no group; name it as a parent" in refused(over(head='groups = ["TT"]\n'))


def test_an_age_of_ones_own_reaches_up_to_the_group_that_it_replaces() -> None:
    member = pack_text("XX", groups=("GG",))
    packs = pack_set(
        pack_text("GG", 'minors = { guardian_required_below = 20, kind = "s" }', kind="group"), member
    )
    text = 'minors = { guardian_required_below = %d, kind = "house" }'
    assert "XX would have a guardian below 18 only, where 20 stood so far" in refused(over(text % 18), packs)
    assert under(over(text % 20), packs).overlaid == ("XX",)


def test_an_age_that_is_stated_is_raised_step_by_step() -> None:
    data = over('minors = { guardian_required_below = 14, kind = "house" }').replace(b'"XX"', b'"TT"')
    minors = on(overlaid(base(), {"TT.toml": data}), "2026-01-01", "TT").rules.minors
    assert minors is not None
    assert minors.guardian_required_below == 14


def test_a_circle_is_refused() -> None:
    child = pack_text("CC", parents=("XX",))
    assert "stand above each other" in refused(over(head='parents = ["CC"]\n'), base(child))


def conditional(require: str, *, name: str = "house", base_rule: str = "") -> tuple[bytes, PackSet]:
    data = over("notice_in_writing = true").decode()
    rule = RULE % name + require
    head, cited = data.split("[[basis]]", 1)
    text = pack_text("XX", RULES, parents=("TT",), extra=RULE % "theirs" + base_rule if base_rule else "")
    return f"{head}{rule}\n[[basis]]{cited}".encode(), pack_set(pack_text("TT"), text)


def test_conditional_rules_are_added() -> None:
    data, packs = conditional("require = { prohibited = true }")
    version = on(under(data, packs), "2026-01-01")
    assert [(rule.id, rule.cite) for rule in version.conditional_rules] == [("house", "overlay: s. 9")]


@pytest.mark.parametrize(
    ("require", "base_rule", "name", "says"),
    [
        ("applies = false", "", "house", "applies: it would take XX out of play"),
        (
            "require = { separate_consent = false }",
            "",
            "house",
            "require.separate_consent: it would ask for less than XX",
        ),
        ('require = { consent_basis = "x" }', "", "house", "require.consent_basis: it is only shown"),
        (
            "require = { prohibited = true }",
            "require = { prohibited = true }\n",
            "theirs",
            "id: XX has a rule of this name",
        ),
        (
            "require = { prohibited = false }",
            "require = { prohibited = true }\n",
            "house",
            "require.prohibited: it would ask for less",
        ),
        ("", "", "house", ""),
    ],
)
def test_a_condition_that_loosens_is_refused(require: str, base_rule: str, name: str, says: str) -> None:
    data, packs = conditional(require, name=name, base_rule=base_rule)
    assert refused(data, packs).startswith(
        f"overlay/XX.toml: versions[0].conditional_rules[0]{'.' + says if says else ''}"
    )


def test_a_condition_of_the_pack_does_not_undo_the_overlay() -> None:
    loose = 'require = { consent_form = "opt_in", notice_in_writing = false, strict_necessity = true }\n'
    text = pack_text("XX", RULES, parents=("TT",), extra=RULE % "theirs" + loose)
    packs = under(
        over('notice_in_writing = true\nconsent_form = "explicit"'), pack_set(pack_text("TT"), text)
    )
    (rule,) = on(packs, "2026-01-01").conditional_rules
    assert rule.require.stated() == ("strict_necessity",)
    (before,) = on(packs, "2025-12-31").conditional_rules
    assert before.require.stated() == ("consent_form", "notice_in_writing", "strict_necessity")


def test_a_condition_of_the_pack_that_says_nothing_more_is_gone() -> None:
    text = pack_text(
        "XX", RULES, parents=("TT",), extra=RULE % "theirs" + "require = { notice_in_writing = false }\n"
    )
    packs = under(over("notice_in_writing = true"), pack_set(pack_text("TT"), text))
    assert on(packs, "2026-01-01").conditional_rules == ()


def test_a_stricter_condition_of_the_pack_stands() -> None:
    strict = 'require = { consent_form = "written_release" }\n'
    text = pack_text("XX", RULES, parents=("TT",), extra=RULE % "theirs" + strict)
    packs = under(over('consent_form = "explicit"'), pack_set(pack_text("TT"), text))
    (rule,) = on(packs, "2026-01-01").conditional_rules
    assert rule.require.consent_form == "written_release"


def test_what_takes_the_pack_out_of_play_stays_what_it_is() -> None:
    text = pack_text("XX", RULES, parents=("TT",), extra=RULE % "theirs" + "applies = false\n")
    packs = under(over("notice_in_writing = true"), pack_set(pack_text("TT"), text))
    assert [rule.applies for rule in on(packs, "2026-01-01").conditional_rules] == [False]


def test_where_neither_is_stricter_the_overlay_has_to_ask_for_both() -> None:
    theirs = 'require = { notice_elements = ["policy_url", "dpo_contact"] }\n'
    text = pack_text("XX", RULES, parents=("TT",), extra=RULE % "theirs" + theirs)
    packs = pack_set(pack_text("TT"), text)
    mine = 'notice_elements = ["policy_url", "legal_basis"%s]'
    assert refused(over(mine % ""), packs) == (
        "overlay/XX.toml: versions[0].requirements.notice_elements: neither this nor what the pack says under its "
        "condition theirs is stricter; ask for both."
    )
    assert under(over(mine % ', "dpo_contact"'), packs).overlaid == ("XX",)


NEW = pack_text("XX-1", "consent_required = true\noral_consent_ok = false\n", parents=("XX",))


def test_a_new_jurisdiction_is_a_file() -> None:
    packs = overlaid(
        base(), {"NN.toml": pack_text("NN", "prohibited = true").encode(), "deep/XX-1.toml": NEW.encode()}
    )
    assert packs.overlaid == ("NN", "XX-1")
    assert (packs.lookup("NN"), packs.lookup("XX-1"), base().lookup("XX-1")) == ("NN", "XX-1", "XX")
    assert [each.code for each in packs.above("XX-1")] == ["XX-1", "XX", "TT"]


def test_new_jurisdictions_may_name_each_other() -> None:
    files = {"NN.toml": pack_text("NN", parents=("MM",)).encode(), "MM.toml": pack_text("MM").encode()}
    assert overlaid(base(), files).overlaid == ("MM", "NN")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (pack_text("XX-1"), "parents: XX answered for XX-1 so far; name it as a parent"),
        (pack_text("XX-1", parents=("XX", "ZZ")), "parents: no pack has the code ZZ"),
        (pack_text("XX-1", parents=("XX",), groups=("TT",)), "groups: TT is no group"),
        (
            pack_text("XX-1", 'minors = { guardian_required_below = 12, kind = "s" }', parents=("XX",)),
            "versions: XX-1 would have a guardian below 12 only, where 13 stood so far",
        ),
        (pack_text("YY"), "code: the index expects XX-1 in this file"),
        ("format = 1", "code: it is missing"),
    ],
)
def test_a_new_jurisdiction_that_asks_for_less_than_who_answered_is_refused(text: str, says: str) -> None:
    assert refused(text.encode(), file="XX-1.toml").startswith(f"overlay/XX-1.toml: {says}")


def test_one_file_per_code_and_at_least_one() -> None:
    with pytest.raises(
        PackInvalid, match=r"overlay/b/XX\.toml: .*a/XX\.toml is about this code too; keep one"
    ):
        overlaid(base(), {"a/XX.toml": b"", "b/XX.toml": b""})
    with pytest.raises(PackInvalid, match=r"there is no \.toml file; add one, or take the setting out"):
        overlaid(base(), {"README.md": b"", "index.json": b""})
    with pytest.raises(PackInvalid, match="has an overlay already; put all files into one"):
        under(over("prohibited = true"), under(over("prohibited = true")))
