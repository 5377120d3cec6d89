"""Policies: what they say of a set of witnesses, and what is refused by the line."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.cosignature import WitnessKey, WitnessSigner, cosignatures_of
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import LIMIT, Group, Policy, PolicyWitness, decode, encode

GOLDEN = Path(__file__).parents[2] / "golden"
LOG = (GOLDEN / "log.vkey").read_text().strip()


def key(number: int) -> WitnessKey:
    made = WitnessSigner.generate(f"witness.example/{number}", lambda size: number.to_bytes(size, "big"))
    return made.key


KEYS = [key(number) for number in range(6)]
TWO_LEVELS = f"""\
# Two organisations.
log {LOG} https://log.example

witness X1 {KEYS[0].vkey}
  witness\tX2 \t {KEYS[1].vkey} https://x2.example/\x20
witness X3 {KEYS[2].vkey}
group X-witnesses 2 X1 X2 X3
\t
witness Y1 {KEYS[3].vkey}
witness Y2 {KEYS[4].vkey}
witness Y3 {KEYS[5].vkey}
 # Any of them.
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
""".encode()
POLICY = decode(TWO_LEVELS)


def test_file_is_read() -> None:
    assert [(each.key, each.url) for each in POLICY.logs] == [(NoteKey.from_vkey(LOG), "https://log.example")]
    assert [each.name for each in POLICY.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert [each.url for each in POLICY.witnesses[:2]] == [None, "https://x2.example/"]
    assert POLICY.keys == tuple(KEYS)
    assert POLICY.groups[2] == Group(name="X-and-Y", needed=2, members=("X-witnesses", "Y-witnesses"))
    assert POLICY.quorum == "X-and-Y"


@pytest.mark.parametrize("chosen", range(1 << 6))
def test_quorum_of_two_levels_is_met_by_two_and_one(chosen: int) -> None:
    cosigned = [each for number, each in enumerate(KEYS) if chosen >> number & 1]
    met = sum(each in cosigned for each in KEYS[:3]) >= 2 and any(each in cosigned for each in KEYS[3:])
    assert POLICY.met(cosigned) is met
    assert (POLICY.missing(cosigned) == ()) is met


def test_what_is_missing_is_said_from_the_quorum_downwards() -> None:
    assert POLICY.missing([KEYS[0], KEYS[3]]) == (
        "group 'X-and-Y' has 1 of the 2 that it needs",
        "group 'X-witnesses' has 1 of the 2 that it needs",
        "witness 'X2' did not cosign",
        "witness 'X3' did not cosign",
    )


def test_strangers_do_not_count() -> None:
    assert not POLICY.met([key(number) for number in range(6, 12)])
    renamed = [WitnessKey(name="other", public=each.public) for each in KEYS]
    assert not POLICY.met(renamed)


def test_quorum_may_be_one_witness_or_none() -> None:
    one = decode(f"witness A {KEYS[0].vkey}\nquorum A\n".encode())
    assert one.met([KEYS[0]])
    assert not one.met([KEYS[1]])
    assert one.missing(()) == ("witness 'A' did not cosign",)
    none = decode(b"quorum none\n")
    assert none.met(())
    assert none.missing(()) == ()


def test_golden_policy_is_met_by_the_golden_cosignatures() -> None:
    policy = decode((GOLDEN / "witnessed" / "policy.txt").read_bytes())
    note = (GOLDEN / "witnessed" / "checkpoint.txt").read_bytes()
    cosigned = [each.key for each in cosignatures_of(note, policy.keys)]
    assert policy.met(cosigned)
    assert not policy.met(cosigned[:1])
    assert encode(policy).endswith(b"group two-of-three 2 W1 W2 W3\nquorum two-of-three\n")


def test_names_are_opaque_bytes() -> None:
    head = f"witness K {KEYS[0].vkey}\nwitness \u212a {KEYS[1].vkey}\n".encode()
    policy = decode(
        head + b"witness \xff\xa0 " + KEYS[2].vkey.encode() + b"\ngroup all 1 \xff\xa0 K\nquorum all\n"
    )
    assert policy.met([KEYS[0]])
    assert not policy.met([KEYS[1]])
    assert policy.met([KEYS[2]])
    assert decode(encode(policy)) == policy
    assert all(each.isprintable() for each in policy.missing(()))


@pytest.mark.parametrize("number", [32, 300])
def test_many_of_each_are_read(number: int) -> None:
    logs = [NoteKey(name=f"log.example/{i}", public=key(1000 + i).public).vkey for i in range(number)]
    witnesses = [key(i) for i in range(number)]
    lines = [f"log {each}" for each in logs]
    lines += [f"witness w{i} {each.vkey}" for i, each in enumerate(witnesses)]
    lines += ["group g0 all w0"] + [f"group g{i} all g{i - 1} w{i}" for i in range(1, number)]
    policy = decode("\n".join([*lines, f"quorum g{number - 1}", ""]).encode())
    assert policy.met(witnesses)
    assert not policy.met(witnesses[1:])
    assert len(policy.missing(witnesses[1:])) == number + 1


A, B, C = (f"witness {name} {each.vkey}" for name, each in zip("ABC", KEYS, strict=False))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "no quorum"),
        ([A], "no quorum"),
        (["nonsense"], "Line 1 .*begins with log, witness, group, quorum or #, not with 'nonsense'"),
        (["Quorum none"], "Line 1 .*not with 'Quorum'"),
        (["log"], "Line 1 .*log VKEY"),
        ([f"log {LOG} url more"], "Line 1 .*log VKEY"),
        (["log nonsense"], "Line 1 .*name, key id and base64"),
        ([f"log {KEYS[0].vkey}"], "Line 1 .*type 1"),
        ([f"log {LOG}", f"log {LOG} url"], "Line 2 .*another log above"),
        (["witness A"], "Line 1 .*witness NAME VKEY"),
        ([A + " url more"], "Line 1 .*witness NAME VKEY"),
        ([f"witness A {LOG}"], "Line 1 .*type 4"),
        ([A, f"witness B {KEYS[0].vkey}"], "Line 2 .*another witness above"),
        (
            [A, f"witness B {WitnessKey(name='other', public=KEYS[0].public).vkey}"],
            "Line 2 .*another witness above",
        ),
        ([A, f"witness A {KEYS[1].vkey}"], "Line 2 .*'A' is the name"),
        ([f"witness none {KEYS[0].vkey}"], "Line 1 .*none is taken"),
        ([A, "group none any A"], "Line 2 .*none is taken"),
        ([A, "group A any A"], "Line 2 .*'A' is the name"),
        ([A, "group G any"], "Line 2 .*group NAME"),
        ([A, "group G any B", B], "Line 2 .*'B' is no witness"),
        ([A, "group G any G"], "Line 2 .*'G' is no witness"),
        ([A, "group G any none"], "Line 2 .*'none' is no witness"),
        ([A, "group G any A A"], "Line 2 .*'A' is a member already"),
        ([A, "", "# G", "group G any A", "group H any A"], "Line 5 .*'A' is a member already"),
        ([A, "group G 0 A"], "Line 2 .*threshold is all, any or a number from 1 to 1"),
        ([A, "group G 2 A"], "Line 2 .*threshold"),
        ([A, "group G 01 A"], "Line 2 .*threshold"),
        ([A, "group G \u0661 A"], "Line 2 .*threshold"),
        ([A, "group G -1 A"], "Line 2 .*threshold"),
        ([A, "group G All A"], "Line 2 .*threshold"),
        ([A, "group G " + "9" * 5000 + " A"], "Line 2 .*threshold"),
        (["quorum"], "Line 1 .*quorum NAME"),
        (["quorum none none"], "Line 1 .*quorum NAME"),
        (["quorum A", A], "Line 1 .*'A' is no witness"),
        ([A, "quorum A", "quorum A"], "Line 3 .*quorum above"),
        (["quorum none", "quorum none"], "Line 2 .*quorum above"),
        (["quorum none # none"], "Line 1 .*quorum NAME"),
        (["quorum none\r"], "Line 1 .*control characters"),
        (["# \x7f", "quorum none"], "Line 1 .*control characters"),
        (["quorum\x0cnone"], "Line 1 .*control characters"),
        (["quorum\u00a0none"], "Line 1 .*not with"),
    ],
)
def test_line_that_cannot_be_is_named(lines: list[str], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        decode("".join(f"{line}\n" for line in lines).encode())


def test_file_that_breaks_off_is_refused() -> None:
    with pytest.raises(Malformed, match=r"Line 3 .*is it whole"):
        decode(f"{A}\n{B}\nquorum A".encode())
    with pytest.raises(Malformed, match="at most"):
        decode(b"#" * LIMIT + b"\n")


def test_policy_that_no_file_can_say_is_not_written() -> None:
    witness = PolicyWitness(name="A", key=KEYS[0])
    policy = Policy(logs=(), witnesses=(witness,), groups=(), quorum="A")
    assert decode(encode(policy)) == policy
    for name in ("A B", "\x00", "", "none", "\ud800"):
        wrong = replace(policy, witnesses=(replace(witness, name=name),), quorum=name)
        with pytest.raises(InvalidInput):
            encode(wrong)
    with pytest.raises(InvalidInput):
        encode(replace(policy, quorum="B"))
    with pytest.raises(InvalidInput):
        encode(replace(policy, witnesses=(replace(witness, url=""),)))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    count = draw(st.integers(1, 6))
    names = draw(
        st.lists(
            st.text(
                st.characters(codec="utf-8", exclude_categories=["Cc", "Z"], exclude_characters="#"),
                min_size=1,
            ).filter(lambda name: name != "none"),
            min_size=count + 3,
            max_size=count + 3,
            unique=True,
        )
    )
    witnesses = tuple(
        PolicyWitness(name=names[i], key=KEYS[i], url=draw(st.sampled_from([None, "https://w.example"])))
        for i in range(count)
    )
    free, groups = names[:count], []
    for name in names[count:]:
        members = tuple(draw(st.lists(st.sampled_from(free), min_size=1, unique=True))) if free else ()
        if members:
            groups.append(Group(name=name, needed=draw(st.integers(1, len(members))), members=members))
            free = [each for each in free if each not in members] + [name]
    quorum = draw(st.sampled_from([None, *names[:count], *(each.name for each in groups)]))
    return Policy(logs=(), witnesses=witnesses, groups=tuple(groups), quorum=quorum)


@settings(deadline=None)
@given(policies(), st.sets(st.sampled_from(KEYS)), st.sampled_from(KEYS))
def test_every_policy_round_trips_and_one_more_witness_never_harms(
    policy: Policy, cosigned: set[WitnessKey], more: WitnessKey
) -> None:
    assert decode(encode(policy)) == policy
    assert policy.met(KEYS)
    assert policy.met(cosigned) is not bool(policy.missing(cosigned))
    if policy.met(cosigned):
        assert policy.met(cosigned | {more})
