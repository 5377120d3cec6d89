"""The client of witnesses, against a real one in its own process, and against servers that lie."""

import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consentgate.errors import ConsentGateError, InvalidInput, LogRefused, Misconfigured, Unavailable
from consentgate.log.anchoring import Submission
from consentgate.log.witness import WitnessAnchor
from consentgate.moment import system_random
from consentgate.tlog import addcheckpoint
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consentgate.tlog.cosignature import WitnessSigner, cosignatures_of
from consentgate.tlog.merkle import Frontier, leaf_hash
from consentgate.tlog.note import parse_note, signature_line
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.proof import consistency_proof
from tests.functional.log.witness import RealWitness, Reply, real_witness, scripted

pytestmark = pytest.mark.sqlite_file  # nothing here has a database

SIGNER = NoteSigner.generate("consentgate.invalid/test/witnessed", system_random)
WITNESS = WitnessSigner.generate("w.example/1", system_random)
LEAVES = [leaf_hash(bytes([number])) for number in range(9)]


def node(level: int, index: int) -> bytes:
    """The hash of a complete subtree."""
    frontier = Frontier()
    for each in LEAVES[index << level : (index + 1) << level]:
        frontier.push(each)
    return frontier.root()


def submission(size: int, *, before: int = 0, fork: bytes = b"", signer: NoteSigner = SIGNER) -> Submission:
    frontier = Frontier()
    for each in LEAVES[:size]:
        frontier.push(leaf_hash(fork) if fork else each)
    head = Checkpoint(origin=signer.key.name, size=size, root=frontier.root())
    return Submission(
        head=head,
        note=sign_checkpoint(head, signer),
        before=before,
        consistency=lambda old: consistency_proof(old, size, node),
    )


def anchor(url: str, seconds: float = 10) -> WitnessAnchor:
    return WitnessAnchor(name="w-1", key=WITNESS.key, url=url, seconds=seconds)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWitness]:
    folder = tmp_path_factory.mktemp("witness") / "w"
    with real_witness(folder, "w.example/1", [SIGNER.key.vkey]) as running:
        yield running


def test_real_witness_cosigns_growth_and_refuses_another_history(witness: RealWitness) -> None:
    place = WitnessAnchor(name="w-1", key=witness.key, url=witness.url, seconds=10)
    assert place.kind == "witness"
    assert place.newest(SIGNER.key.name) is None
    first = submission(3)
    line = place.put(first)
    given = place.newest(SIGNER.key.name)
    assert given is not None
    assert open_checkpoint(given, SIGNER.key) == first.head
    (made,) = cosignatures_of(f"{first.note}{line}\n", [witness.key])
    assert made.key == witness.key
    # Growth from what it took last; the same again; and from a size that is wrong on our side.
    grown = submission(7, before=3)
    assert cosignatures_of(f"{grown.note}{place.put(grown)}\n", [witness.key])
    assert cosignatures_of(f"{grown.note}{place.put(replace(grown, before=7))}\n", [witness.key])
    assert cosignatures_of(f"{submission(8).note}{place.put(submission(8))}\n", [witness.key])
    # It has seen more than this: the log was put back.
    with pytest.raises(LogRefused, match="has cosigned 8 entries of this log, which now shows 5"):
        place.put(submission(5))
    # As many entries as before, but others; and more entries on top of others.
    for forked in (submission(8, before=8, fork=b"x"), submission(9, before=8, fork=b"x")):
        with pytest.raises(LogRefused, match="what this log does not continue"):
            place.put(forked)


def test_real_witness_knows_neither_other_logs_nor_other_keys(witness: RealWitness) -> None:
    place = WitnessAnchor(name="w-1", key=witness.key, url=witness.url, seconds=10)
    stranger = NoteSigner.generate("consentgate.invalid/test/stranger", system_random)
    impostor = NoteSigner.generate(SIGNER.key.name, system_random)
    for signer in (stranger, impostor):
        with pytest.raises(Misconfigured, match="does not know this log"):
            place.put(submission(9, signer=signer))
    other = WitnessAnchor(name="w-1", key=WITNESS.key, url=witness.url, seconds=10)
    with pytest.raises(Misconfigured, match="vkey is not of"):
        other.put(submission(9, before=8))


def test_real_witness_that_is_down_is_out_of_reach_and_goes_on_later(tmp_path: Path) -> None:
    with real_witness(tmp_path / "w", "w.example/2", [SIGNER.key.vkey]) as own:
        place = WitnessAnchor(name="w-2", key=own.key, url=f"{own.url}/", seconds=10)
        place.put(submission(2))
        own.stop()
        with pytest.raises(Unavailable, match=r"out of reach \(ConnectionRefusedError\)"):
            place.put(submission(4, before=2))
        own.start()
        assert place.put(submission(6, before=2)).startswith("— w.example/2 ")


def test_request_is_what_the_specification_says() -> None:
    put = submission(7, before=3)
    line = signature_line(WITNESS.cosign(parse_note(put.note).text, 5)).encode()
    with scripted(lambda _: Reply(200, b"\xe2\x80\x94 other AAAAAAAA\n" + line)) as script:
        assert anchor(f"{script.url}/prefix").put(put) == line.decode().rstrip("\n")
    assert script.paths == ["/prefix/add-checkpoint"]
    request = addcheckpoint.decode(script.bodies[0])
    assert (request.old, request.hashes, request.note) == (3, put.consistency(3), put.note)


def test_a_size_that_we_did_not_know_is_taken_up_once_each_round() -> None:
    put = submission(7, before=3)
    sizes = iter([5, 7, 5, 5])
    answered = scripted(lambda _: Reply(409, f"{next(sizes)}\n".encode(), SIZE))
    with answered as script, pytest.raises(Unavailable, match="each time"):
        anchor(script.url).put(put)
    assert [addcheckpoint.decode(each).old for each in script.bodies] == [3, 5, 7]
    assert [len(addcheckpoint.decode(each).hashes) for each in script.bodies][2] == 0


SIZE = (("Content-Type", "text/x.tlog.size"),)
FOREIGN = WitnessSigner.generate("w.example/1", system_random)
OTHER_TEXT = parse_note(submission(4).note).text
RIGHT_TEXT = parse_note(submission(7).note).text


def reply_line(signer: WitnessSigner, text: str) -> bytes:
    return signature_line(signer.cosign(text, 5)).encode()


def forged() -> bytes:
    """The right name and key id, and the signature of another key."""
    false = FOREIGN.cosign(RIGHT_TEXT, 5)
    return signature_line(replace(false, key_id=WITNESS.key.key_id)).encode()


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        (Reply(200, reply_line(WITNESS, OTHER_TEXT)), Misconfigured, "does not fit the note"),
        (Reply(200, forged()), Misconfigured, "does not fit the note"),
        (Reply(200, reply_line(FOREIGN, RIGHT_TEXT)), Misconfigured, "vkey is not of"),
        (Reply(200, b"<html>hello</html>"), Unavailable, "no cosignature"),
        (Reply(200, b""), Unavailable, "no cosignature"),
        (Reply(200, b"\xff" * 100), Unavailable, "no cosignature"),
        (Reply(200, b"x" * 70_000), Unavailable, "more than 65536 bytes"),
        (Reply(302, b"", (("Location", "http://127.0.0.1:1/add-checkpoint"),)), Unavailable, "HTTP 302"),
        (Reply(307, b"", (("Location", "/elsewhere"),)), Unavailable, "HTTP 307"),
        (Reply(403), Misconfigured, "does not know this log"),
        (Reply(404), Misconfigured, "does not know this log"),
        (Reply(422), LogRefused, "does not continue"),
        (Reply(400), Unavailable, "HTTP 400"),
        (Reply(429), Unavailable, "HTTP 429"),
        (Reply(503), Unavailable, "HTTP 503"),
        (Reply(409, b"5\n"), Unavailable, "409 without a size"),
        (Reply(409, b"-1\n", SIZE), Unavailable, "409 without a size"),
        (Reply(409, b"8\n", SIZE), LogRefused, "has cosigned 8 entries"),
    ],
)
def test_answers_that_lie_are_never_kept(reply: Reply, error: type[ConsentGateError], says: str) -> None:
    with scripted(lambda _: reply) as script, pytest.raises(error, match=re.escape(says)):
        anchor(script.url).put(submission(7))
    assert len(script.bodies) == 1


def test_a_witness_that_refuses_to_give_out_is_out_of_reach() -> None:
    with (
        scripted(lambda _: Reply(503)) as script,
        pytest.raises(Unavailable, match="no checkpoint: HTTP 503"),
    ):
        anchor(f"{script.url}/w").newest(SIGNER.key.name)
    assert re.fullmatch(r"/w/[0-9a-f]{64}/checkpoint", script.paths[0])


def test_an_answer_that_never_ends_is_left() -> None:
    done = threading.Event()
    slow = Reply(200, b"x" * 10_000, pause=done)
    try:
        with scripted(lambda _: slow) as script:
            with pytest.raises(Unavailable, match=r"took longer than 0\.3 s"):
                anchor(script.url, seconds=0.3).put(submission(7))
            done.set()
    finally:
        done.set()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 2", b"no http at all\r\n\r\n"])
def test_a_server_that_is_none_is_out_of_reach(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(greeting)
                # Until the client hangs up.
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(Unavailable):
            anchor(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=0.3).put(submission(7))
        thread.join(10)


def test_an_unencrypted_witness_of_another_machine_has_no_certificate() -> None:
    """TLS is asked for: a server that speaks plainly is out of reach."""
    with scripted(lambda _: Reply(200)) as script, pytest.raises(Unavailable, match="out of reach"):
        anchor(script.url.replace("http://", "https://")).put(submission(7))


@pytest.mark.parametrize(
    "url",
    [
        "http://witness.example",
        "ftp://witness.example",
        "witness.example",
        "https://",
        "https://u@w.example",
        "https://u:p@w.example",
        "https://w.example/?a=b",
        "https://w.example/#a",
        "https://w.example:0",
        "https://w.example:99999",
        "https://[",
        "https://w.example/a b",
        "https://w.example/\u00e9",
    ],
)
def test_urls_that_cannot_be_a_witness_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="witness"):
        anchor(url)
