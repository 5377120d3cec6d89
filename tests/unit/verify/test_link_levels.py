"""The level of the links: whom a part is about, what was destroyed, and what the statements say."""

import pytest

from consentgate.canonical import b64, encode
from consentgate.consent.statement import TYP, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key
from consentgate.entries.parts import join_parts, seal_part
from consentgate.errors import Damaged, Unavailable
from consentgate.tlog.merkle import leaf_hash
from consentgate.verify.levels import LEVELS
from consentgate.verify.rows import DataKey, SeqRow
from tests.unit.verify.tampering import entry
from tests.unit.verify.world import (
    ANNA,
    BODY,
    ISSUER_KEY,
    OTHER_LANE,
    PERSON,
    World,
    add_notice,
    add_statement,
    change,
    found,
    ident,
    ledger,
    only,
    registry_bytes,
    sha,
    sound,
    verdicts,
    withdrawal,
)


def test_without_keys_links_cannot_be_judged() -> None:
    class OutOfReach(World):
        def data_keys(self) -> list[DataKey]:
            raise Unavailable

    for keys in (None, OutOfReach()):
        result = sound().verify(keys=keys)
        assert verdicts(result) == {"links": "cannot_judge"}
        assert result.exit_code == 3


def test_rows_that_cannot_be_read_back_are_a_finding_at_the_level_that_reads_them() -> None:
    class Unreadable(World):
        def data_keys(self) -> list[DataKey]:
            raise Damaged

        def sequence(self) -> list[list[SeqRow]]:
            raise Damaged

    result = sound().verify(keys=Unreadable())
    assert verdicts(result) == {"links": "broken"}
    assert (only(result).kind, only(result).where, result.exit_code) == ("altered", "database", 1)
    known = sound()
    known.damaged = ["page 7"]
    assert verdicts(known.verify(keys=Unreadable())) == {"bytes": "broken", "links": "cannot_judge"}
    result = Unreadable().verify()
    assert verdicts(result) == {"bytes": "broken"} | dict.fromkeys(LEVELS[1:], "cannot_judge")
    assert only(result).where == "database"


def erase(world: World) -> World:
    world.keys = [each for each in world.keys if each.subject != PERSON]
    world.link_rows.clear()
    return world


def test_erased_person_leaves_links_missing_and_nothing_else() -> None:
    finding = only(erase(sound()).verify())
    assert (finding.kind, finding.found) == ("link_missing", "5")
    assert finding.where.endswith(f"{entry(4)}, part exchange.0")


def test_destruction_that_was_recorded_accounts_for_the_missing_links() -> None:
    for links, kind in ((5, None), (4, "link_missing"), (6, "key_left")):
        world = ledger()
        world.append("key_destroyed", {"body.0": (BODY, {"v": 1, "links": links})}, lane=OTHER_LANE)
        result = erase(world.sequence_all().sign()).verify()
        assert found(result) == ([(kind, "links of sealed parts")] if kind else [])


@pytest.mark.parametrize("links", ["5", True, -1, None])
def test_destruction_without_a_number_is_found(links: str | bool | int | None) -> None:
    world = ledger()
    world.append("key_destroyed", {"body.0": (BODY, {"v": 1, "links": links})}, lane=OTHER_LANE)
    assert found(world.sequence_all().sign().verify()) == [("altered", f"{entry(8)}, links")]


def test_destruction_cannot_be_read_without_the_tenants_key() -> None:
    world = ledger()
    world.append("key_destroyed", {"body.0": (BODY, {"v": 1, "links": 1})}, lane=OTHER_LANE)
    del world.keys[0]
    result = world.sequence_all().sign().verify()
    assert ("missing", f"{entry(8)}, part body.0") in found(result)


def test_key_that_goes_without_its_links_leaves_links_missing() -> None:
    world = sound()
    world.keys = [each for each in world.keys if each.subject != PERSON]
    assert only(world.verify()).kind == "link_missing"


def test_many_lost_parts_are_not_all_listed() -> None:
    world = ledger()
    world.append("call", {"call.0": (ANNA, {"v": 1}), "call.1": (ANNA, {"v": 1})}, lane=OTHER_LANE, link=True)
    assert only(erase(world.sequence_all().sign()).verify()).where.endswith("exchange.0, ...")


def test_tag_of_one_key_over_content_of_another_is_found() -> None:
    world = ledger()
    row = world.append("call", {"call.0": (ANNA, {"v": 1})}, lane=OTHER_LANE, link=True)
    real = seal_part(ident(8), "call.0", encode({"v": 1}), ANNA, bytes)
    foreign = seal_part(ident(8), "call.0", encode({"v": 1}), BODY, bytes)
    data = row.leaf.replace(b64(sha(real.jwe.encode())).encode(), b64(sha(foreign.jwe.encode())).encode())
    change(world.entry_rows, 8, leaf=data, hash=leaf_hash(data), parts=join_parts((foreign.jwe,)))
    assert found(world.sequence_all().sign().verify()) == [("altered", f"{entry(8)}, part call.0")]


def small(token: str, registry: bytes | None = None) -> World:
    world = World()
    manifest = add_notice(world)
    if registry is not None:
        digest = world.artifact("registry", registry)
        world.append("registry", {"body.0": (BODY, {"v": 1, "registry": b64(digest)})})
    add_statement(world, manifest, token)
    return world.sequence_all().sign()


def test_statement_that_no_registered_key_signed_is_found() -> None:
    forged = jws.sign(claims(withdrawal()), key=generate_signing_key(), typ=TYP)
    assert only(small(forged, registry_bytes()).verify()).where == f"{entry(1)}, statement"
    assert only(small(forged).verify()).found == "no such key in the registry"


def test_statement_with_a_failing_signature_is_found() -> None:
    other = jws.sign(claims(withdrawal(2)), key=generate_signing_key(), typ=TYP)
    signed = jws.sign(claims(withdrawal()), key=ISSUER_KEY, typ=TYP)
    mixed = f"{signed.rpartition('.')[0]}.{other.rpartition('.')[2]}"
    finding = only(small(mixed, registry_bytes()).verify())
    assert (finding.kind, finding.where) == ("unsigned", f"{entry(1)}, statement")


def test_part_that_holds_no_statement_is_found() -> None:
    assert found(small("x", registry_bytes()).verify()) == [("altered", f"{entry(1)}, statement")]


def test_registry_that_is_none_is_found() -> None:
    token = jws.sign(claims(withdrawal()), key=generate_signing_key(), typ=TYP)
    assert found(small(token, b"{}").verify()) == [
        ("altered", f"{entry(0)}, registry"),
        ("unsigned", f"{entry(1)}, statement"),
    ]


def test_digest_that_is_none_is_found() -> None:
    world = World()
    world.append("packs", {"body.0": (BODY, {"v": 1, "packs": "!"})})
    assert found(world.sequence_all().sign().verify()) == [("altered", f"{entry(0)}, packs")]
