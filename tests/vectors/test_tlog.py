import base64
from typing import Any

import pytest

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import decode
from consentgate.tlog.merkle import leaf_hash, root_of
from consentgate.tlog.note import parse_note, verify_note
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from tests.vectors.published import ROOT, load, path

pytestmark = pytest.mark.vectors


def names(kind: str) -> list[str]:
    found = (ROOT / "merkle-rfc6962" / kind).rglob("*.json")
    return sorted(each.relative_to(ROOT).as_posix() for each in found)


INCLUSION = names("inclusion")
CONSISTENCY = names("consistency")


def hashes(case: dict[str, Any], *fields: str) -> list[bytes]:
    return [base64.b64decode(case[each] or "") for each in fields]


def proof(case: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(each or "") for each in case["proof"] or ())


def test_all_inclusion_vectors_are_there() -> None:
    path("merkle-rfc6962/inclusion")
    assert len(INCLUSION) == 98


@pytest.mark.parametrize("name", INCLUSION)
def test_inclusion_vector(name: str) -> None:
    case = load(name)
    leaf, root = hashes(case, "leafHash", "root")
    arguments = (case["leafIdx"], case["treeSize"], leaf, root, proof(case))
    if case["wantErr"]:
        with pytest.raises(Malformed):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


def test_consistency_vectors_that_are_there_hold() -> None:
    """Some copies of the vectors bring no consistency proofs; the reference tree below covers those sizes."""
    for name in CONSISTENCY:
        case = load(name)
        old, new = hashes(case, "root1", "root2")
        arguments = (case["size1"], case["size2"], old, new, proof(case))
        if case["wantErr"]:
            with pytest.raises(Malformed):
                verify_consistency(*arguments)
        else:
            verify_consistency(*arguments)


def test_reference_tree_has_its_roots_and_proofs() -> None:
    tree = load("rfc6962-reference-tree.json")
    leaves = [leaf_hash(bytes.fromhex(each)) for each in tree["leaf_inputs_hex"]]
    roots = [bytes.fromhex(each) for each in tree["roots_hex"]]
    assert [each.hex() for each in leaves] == tree["leaf_hashes_hex"]
    assert [root_of(leaves[:size]) for size in range(9)] == roots

    def node(level: int, index: int) -> bytes:
        return root_of(leaves[index << level : (index + 1) << level])

    for new in range(1, 9):
        for at in range(new):
            verify_inclusion(at, new, leaves[at], roots[new], inclusion_proof(at, new, node))
            old = at + 1
            verify_consistency(old, new, roots[old], roots[new], consistency_proof(old, new, node))


def test_example_note_verifies_and_a_changed_one_does_not() -> None:
    note = path("c2sp-examples/signed-note.txt").read_text()
    key = NoteKey.from_vkey(path("c2sp-examples/signed-note.vkey").read_text().rstrip("\n"))
    assert verify_note(note, [key]).text == "This is an example message.\n"
    with pytest.raises(SignatureInvalid):
        verify_note(note.replace("example message", "exempla message"), [key])


def test_example_checkpoint_reads() -> None:
    note = parse_note(path("c2sp-examples/checkpoint-with-cosignature.txt").read_bytes())
    assert [each.name for each in note.signatures] == [
        "example.com/behind-the-sofa",
        "witness.example.com/w1",
    ]
    head = decode(note.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
