"""Links, references, artifacts, facts and memories: what a file's own tests do not reach."""

import dataclasses
from datetime import timedelta

import pytest

from consentgate.canonical import Json, b64, encode
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, claims
from consentgate.crypto import jws
from consentgate.verify.rows import DataKey, FactRow, LinkRow
from tests.unit.verify.world import (
    ANNA,
    BODY,
    CALL_SUBJECT,
    ISSUER_KEY,
    OTHER_LANE,
    PERSON,
    REFERENCE,
    TENANT,
    World,
    add_statement,
    change,
    found,
    ident,
    ledger,
    memory_of,
    only,
    sound,
    withdrawal,
)

LATER_NAMED = b"F" * 16
PHONE = Reference(kind="phone", value="+13125550123")


def naming_two() -> World:
    """A call of somebody under a phone, then a statement that names Anna first and the phone after her."""
    world = ledger()
    world.refer(LATER_NAMED, PHONE.kind, PHONE.value)
    world.link(world.entry_rows[3], LATER_NAMED)
    base = dataclasses.replace(withdrawal(2), references=(REFERENCE, PHONE))
    row = add_statement(world, world.artifact_rows[1].digest, jws.sign(claims(base), key=ISSUER_KEY, typ=TYP))
    change(world.statement_rows, 1, key=base.key)
    world.link(row, LATER_NAMED)
    return world.sequence_all().sign()


def unlink(world: World, subject: bytes, kind: str = "statement") -> World:
    world.link_rows = [each for each in world.link_rows if (each.subject, each.kind) != (subject, kind)]
    return world


def test_negative_statement_must_be_linked_to_whom_it_names_later() -> None:
    assert naming_two().verify().findings == ()
    finding = only(unlink(naming_two(), LATER_NAMED).verify())
    assert (finding.kind, finding.where) == ("link_missing", f"entry {ident(8)}, reference 2")
    assert PHONE.value not in repr(finding)


@pytest.mark.parametrize("known", [False, True])
def test_somebody_who_was_met_later_only_is_quiet(known: bool) -> None:
    world = unlink(unlink(naming_two(), LATER_NAMED), LATER_NAMED, "intent")
    if known:
        world.link(world.append("heartbeat", lane=OTHER_LANE), LATER_NAMED)
        world.link_rows[-1] = dataclasses.replace(world.link_rows[-1], kind="heartbeat")
        assert {kind for kind, _ in found(world.verify())} == {"extra", "unsequenced", "uncovered"}
        return
    world.reference_rows = [each for each in world.reference_rows if each.subject != LATER_NAMED]
    assert world.verify().findings == ()


def test_first_reference_must_name_whose_key_opens_the_part() -> None:
    world = sound()
    index = [each.subject for each in world.reference_rows].index(PERSON)
    change(world.reference_rows, index, subject=CALL_SUBJECT)
    assert set(found(world.verify())) == {
        ("missing", "reference of subject 41414141-4141-4141-4141-414141414141"),
        ("altered", f"entry {ident(1)}, reference 1"),
        ("altered", f"entry {ident(2)}, part call.0, reference 1"),
    }


def test_call_that_lost_its_link_is_found() -> None:
    assert found(unlink(sound(), CALL_SUBJECT, "call").verify()) == [
        ("link_missing", f"entry {ident(2)}, part call.0, call")
    ]


def test_call_about_nobody_must_be_linked_too() -> None:
    for linked, kinds in ((True, []), (False, ["link_missing"])):
        world = ledger()
        row = world.append("call", {"body.0": (BODY, {"v": 1, "call": "tx-1"})}, lane=OTHER_LANE)
        if linked:
            world.link(row, CALL_SUBJECT)
        assert [kind for kind, _ in found(world.sequence_all().sign().verify())] == kinds


def test_erased_person_s_call_leaves_links_missing_and_nothing_else() -> None:
    world = unlink(unlink(sound(), CALL_SUBJECT, "call"), PERSON, "call")
    world.keys = [each for each in world.keys if each.subject != PERSON]
    world.link_rows = [each for each in world.link_rows if each.subject != PERSON]
    world.reference_rows = [each for each in world.reference_rows if each.subject != PERSON]
    assert [kind for kind, _ in found(world.verify())] == ["link_missing"]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"v": 1}, "call"),
        ({"v": 1, "call": "tx-1"}, "speaker"),
        ({"v": 1, "call": "tx-1", "speaker": {"references": []}}, "speaker"),
        ({"v": 1, "call": "tx-1", "speaker": {"references": [{"kind": ":key", "value": "x"}]}}, "speaker"),
        ({"v": 1, "call": "tx-1", "speaker": {"references": [{"kind": "customer"}]}}, "speaker"),
    ],
)
def test_call_that_says_something_else_is_found(content: Json, where: str) -> None:
    world = ledger()
    row = world.append("call", {"call.0": (ANNA, content)}, lane=OTHER_LANE, link=True)
    world.link(row, CALL_SUBJECT)
    result = world.sequence_all().sign().verify()
    assert found(result) == [("altered", f"entry {ident(8)}, part call.0, {where}")]


@pytest.mark.parametrize(
    ("members", "column"),
    [
        ({"suppression": 1}, "suppression"),
        ({"suppression": 2}, "suppression"),
        ({"key_epoch": 9}, "key_epoch"),
    ],
)
@pytest.mark.parametrize("subject", [PERSON, CALL_SUBJECT])
def test_columns_of_references_contradict_nothing(
    members: dict[str, int], column: str, subject: bytes
) -> None:
    world = sound()
    index = [each.subject for each in world.reference_rows].index(subject)
    change(world.reference_rows, index, **members)
    assert any(where.endswith(f"column {column}") for _, where in found(world.verify()))


def test_subject_whom_no_reference_names_is_found() -> None:
    world = sound()
    world.keys.append(DataKey(tenant=TENANT, subject=b"Z" * 16, key=BODY))
    assert only(world.verify()).where.endswith("5a5a5a5a5a5a")


def test_key_that_does_not_unwrap_counts_as_absent() -> None:
    world = sound()
    world.keys[3] = DataKey(tenant=TENANT, subject=PERSON, key=None, problem="it was changed")
    assert [kind for kind, _ in found(world.verify())] == ["altered", "link_missing"]


def test_second_link_and_link_of_what_is_about_nobody_are_found() -> None:
    world = sound()
    world.link_rows.append(world.link_rows[0])
    world.link_rows.append(LinkRow(tenant=TENANT, entry=ident(0).bytes, subject=PERSON, kind="registry"))
    assert [kind for kind, _ in found(world.verify())] == ["extra", "extra"]


def test_pack_set_names_its_packs() -> None:
    def world(files: Json, *, stored: bool = True) -> World:
        made = ledger()
        pack = made.artifact("pack", b"[pack]", "application/toml") if stored else b""
        index: Json = {"format": 1, "packs": {"US": {"file": "us.toml", "sha256": pack.hex() or "00" * 32}}}
        digest = made.artifact("packs", encode(index if files is None else files))
        made.append("packs", {"body.0": (BODY, {"v": 1, "packs": b64(digest)})}, lane=OTHER_LANE)
        return made.sequence_all().sign()

    assert world(None).verify().findings == ()
    assert [kind for kind, _ in found(world(None, stored=False).verify())] == ["missing"]
    wrong: list[Json] = [{}, {"packs": {"US": {}}}, {"packs": {"US": {"sha256": "xx"}}}, []]
    for broken in wrong:
        assert [kind for kind, _ in found(world(broken).verify())] == ["altered", "extra"]


def test_manifest_of_no_name_is_read_all_the_same() -> None:
    world = sound()
    world.notice_rows.clear()
    world.artifact("notice-manifest", b"{}")
    assert [kind for kind, _ in found(world.verify())] == ["altered", "missing", "missing"]


def test_row_that_names_another_text_than_its_manifest_is_found() -> None:
    world = sound()
    other = world.artifact("notice", b"other words", "text/plain")
    change(world.notice_rows, 0, digest=other)
    assert found(world.verify()) == [("altered", "notice voice 1 (en), column digest")]


@pytest.mark.parametrize(
    ("origin", "mark", "kind"),
    [
        ("consentgate.invalid/test/x", "yes", None),
        ("consentgate.invalid/test/x", None, "missing"),
        ("consentgate.invalid/test/x", "no", "altered"),
        ("consentgate.invalid/x", "yes", "altered"),
        ("consentgate.invalid/x", None, None),
        (None, None, "missing"),
    ],
)
def test_mark_of_a_test_database_fits_the_origin(
    origin: str | None, mark: str | None, kind: str | None
) -> None:
    world = World()
    facts = (("log_origin", origin), ("test_database", mark))
    world.fact_rows = [FactRow(name=name, value=value) for name, value in facts if value is not None]
    result = world.verify(vkey=None)
    assert [each.kind for each in result.findings] == ([kind] if kind else [])


def test_unknown_facts_and_rows_of_unknown_logs_are_found() -> None:
    world = sound()
    world.fact_rows.append(FactRow(name="colour", value="green"))
    world.stray_rows = {"tile": 2}
    assert found(world.verify()) == [("extra", "deployment, colour"), ("extra", "tile, column log")]


def test_damage_is_a_finding_of_the_first_level() -> None:
    world = sound()
    world.damaged = ["row 3 missing from index"]
    result = world.verify()
    assert found(result) == [("altered", "database file")]
    assert result.levels[0].verdict == "broken"


def test_signer_that_signed_meanwhile_is_no_finding() -> None:
    world = sound()
    before = memory_of(world.checkpoint_rows[-1].note)
    world.append("heartbeat", lane=OTHER_LANE)
    world.sequence_all().sign()
    after = memory_of(world.checkpoint_rows[-1].note)
    assert world.verify(signer=before, signer_after=after).findings == ()
    assert found(world.verify(signer=before, signer_after=before)) == [("truncated", "signer state")]
    for changes in ({"signer": None}, {"signer_after": None}):
        levels = {each.name: each.verdict for each in world.verify(**changes).levels}
        assert levels["signer"] == "cannot_judge"


def test_memory_that_is_not_what_its_note_says_is_found() -> None:
    world = sound()
    memory = dataclasses.replace(memory_of(world.checkpoint_rows[-1].note), root=bytes(32))
    assert found(world.verify(signer=memory, signer_after=memory)) == [("altered", "signer state")]


def test_times_of_the_log_are_between_entries_and_now() -> None:
    for moved, kinds in ((-9, []), (9, []), (-11, ["altered"]), (3700, ["altered"])):
        world = sound()
        change(world.state_rows, 0, at=world.state_rows[0].at + moved * 1000)
        assert [kind for kind, _ in found(world.verify())] == kinds, moved


def test_time_steps_back_by_ten_seconds_at_most() -> None:
    for back, kinds in ((10, []), (11, ["altered"])):
        world = ledger()
        world.shift = timedelta(seconds=-1 - back)
        world.append("heartbeat", lane=OTHER_LANE)
        world.append("heartbeat", lane=OTHER_LANE)
        result = world.sequence_all().sign().verify()
        assert [kind for kind, _ in found(result) if kind == "altered"] == kinds
