"""Receipts and published logs under a witness policy."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.cosignature import WitnessSigner, with_cosignatures
from consentgate.tlog.merkle import leaf_hash, root_of
from consentgate.tlog.note import NoteSignature, parse_note
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.policy import Policy, decode
from consentgate.tlog.receipt import Receipt, encode
from consentgate.verify.published import verify_published
from consentgate.verify.receipts import verify_receipt
from consentgate.verify.result import Verification
from consentgate.verify.witnesses import unwitnessed

GOLDEN = Path(__file__).parents[2] / "golden"
LEAF = next(iter(sorted((GOLDEN / "leaves").glob("*.json")))).read_bytes()
LOG = NoteSigner.generate("example.com/log", lambda size: b"\x01" * size)
OTHER_LOG = NoteSigner.generate("example.com/log", lambda size: b"\x02" * size)


def witness(number: int) -> WitnessSigner:
    return WitnessSigner.generate(f"witness.example/w{number}", lambda size: bytes([number]) * size)


W1, W2, W3 = (witness(number) for number in (3, 4, 5))
NOTE = sign_checkpoint(Checkpoint(origin=LOG.key.name, size=1, root=root_of([leaf_hash(LEAF)])), LOG)
TEXT = parse_note(NOTE).text
WITNESSES = "".join(f"witness W{number} {each.key.vkey}\n" for number, each in enumerate((W1, W2, W3), 1))
TWO_OF_THREE = decode(f"{WITNESSES}group G 2 W1 W2 W3\nquorum G\n".encode())


def cosigned(*witnesses: WitnessSigner, note: str = NOTE) -> str:
    return with_cosignatures(note, [each.cosign(TEXT, 1763812800) for each in witnesses])


def of_receipt(note: str, policy: Policy | None) -> Verification:
    return verify_receipt(
        encode(Receipt(index=0, hashes=(), note=note, extra=LEAF)).encode(), LOG.key, policy=policy
    )


def of_files(note: str, policy: Policy | None) -> Verification:
    files = {"checkpoint": note.encode(), "tile/0/000.p/1": leaf_hash(LEAF)}
    return verify_published(files.get, LOG.key, step=lambda _: None, policy=policy)


Verified: TypeAlias = Callable[[str, Policy | None], Verification]


def verdicts(found: Verification) -> dict[str, str]:
    return {level.name: level.verdict for level in found.levels}


BOTH = pytest.mark.parametrize("verified", [of_receipt, of_files])


@BOTH
def test_without_a_policy_there_is_no_such_level(verified: Verified) -> None:
    found = verified(cosigned(W1, W2), None)
    assert "witnesses" not in verdicts(found)
    assert found.exit_code == 0


@BOTH
@pytest.mark.parametrize("witnesses", [(W1, W2), (W3, W1), (W1, W2, W3)])
def test_enough_cosignatures_hold(verified: Verified, witnesses: tuple[WitnessSigner, ...]) -> None:
    found = verified(cosigned(*witnesses), TWO_OF_THREE)
    assert set(verdicts(found).values()) == {"holds"}
    assert found.levels[-1].name == "witnesses"
    assert found.levels[-1].until == found.levels[0].until
    assert found.exit_code == 0


@BOTH
def test_too_few_cosignatures_break_the_level_alone(verified: Verified) -> None:
    stranger = WitnessSigner.generate(W2.key.name, lambda size: b"\x09" * size)
    for note in (NOTE, cosigned(W1), cosigned(W1, stranger)):
        found = verified(note, TWO_OF_THREE)
        assert verdicts(found).pop("witnesses") == "broken"
        assert [name for name, verdict in verdicts(found).items() if verdict != "holds"] == ["witnesses"]
        assert found.exit_code == 1
    (said,) = verified(cosigned(W1), TWO_OF_THREE).findings
    assert (said.kind, said.where) == ("unsigned", "cosignatures")
    assert said.expected == "cosignatures that meet the quorum 'G'"
    assert said.found == (
        "group 'G' has 1 of the 2 that it needs; witness 'W2' did not cosign; witness 'W3' did not cosign"
    )


@BOTH
def test_failing_cosignature_breaks_the_level_though_others_are_enough(verified: Verified) -> None:
    forged = NoteSignature(name=W3.key.name, key_id=W3.key.key_id, signature=bytes(72))
    found = verified(with_cosignatures(cosigned(W1, W2), [forged]), TWO_OF_THREE)
    assert verdicts(found)["witnesses"] == "broken"
    assert [each.found for each in found.findings] == [
        "The cosignature of witness.example/w5 does not fit the note."
    ]


@BOTH
def test_cosignatures_of_another_checkpoint_do_not_count(verified: Verified) -> None:
    other = sign_checkpoint(Checkpoint(origin=LOG.key.name, size=2, root=bytes(32)), LOG)
    moved = [each.cosign(parse_note(other).text, 1763812800) for each in (W1, W2)]
    assert verdicts(verified(with_cosignatures(NOTE, moved), TWO_OF_THREE))["witnesses"] == "broken"


@BOTH
def test_policy_that_asks_for_no_witness_holds(verified: Verified) -> None:
    assert verified(NOTE, decode(b"quorum none\n")).exit_code == 0


def test_one_of_the_policys_logs_has_to_have_signed() -> None:
    foreign, own = (f"log {each.key.vkey}\n" for each in (OTHER_LOG, LOG))
    for logs, sound in ((foreign, False), (own, True), (foreign + own, True), ("", True)):
        found = unwitnessed(cosigned(W1), decode(f"{logs}{WITNESSES}quorum W1\n".encode()))
        assert (not found) is sound
        assert [each.expected for each in found] == ["the signature of a log of the policy"] * (not sound)


def test_long_lists_are_cut() -> None:
    keys = [witness(number).key for number in range(20)]
    lines = "".join(f"witness w{i} {each.vkey}\n" for i, each in enumerate(keys))
    members = " ".join(f"w{i}" for i in range(20))
    (said,) = unwitnessed(NOTE, decode(f"{lines}group G all {members}\nquorum G\n".encode()))
    assert said.found.endswith("; witness 'w8' did not cosign; and 11 more")


def test_what_cannot_be_read_is_not_witnessed() -> None:
    for found in (
        verify_receipt(b"nonsense", LOG.key, policy=TWO_OF_THREE),
        verify_published(lambda _: None, LOG.key, step=lambda _: None, policy=TWO_OF_THREE),
        of_files("nonsense", TWO_OF_THREE),
    ):
        assert verdicts(found)["witnesses"] == "cannot_judge"
        assert found.exit_code == 1
    found = of_receipt("nonsense\n", TWO_OF_THREE)
    assert verdicts(found)["witnesses"] == "broken"
